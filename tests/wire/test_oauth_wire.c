// SPDX-License-Identifier: Apache-2.0 The token endpoints and user/info against a scripted TikTok:
// what goes over the wire, how often, and what comes of it.
#include "case.h"
#include "web.h"

#include <stdio.h>
#include <string.h>

#include "tiktok/oauth.h"
#include "tiktok/user.h"

#define ANSWER(status, length, body)                                                               \
    "HTTP/1.1 " status "\r\nContent-Length: " length "\r\n\r\n" body
#define PAIR "{\"access_token\":\"act.one\",\"refresh_token\":\"rft.two\",\"open_id\":\"u1\"}"
#define PAIR_BYTES "67"

struct bed {
    const struct peer_step *scripts[2];  // the peer's, with a NULL behind it
    struct web              web;
    struct oauth           *oauth;
    struct tiktok          *tiktok;
    struct wait             wait;
    struct oauth_tokens     tokens;
    struct oauth_answer     answer;
    struct tiktok_user      user;
    char                    base[64];
};

static void bed_init(struct bed *bed, const struct peer_step *script, int64_t timeout_ms)
{
    struct error err;
    memset(bed, 0, sizeof *bed);
    bed->scripts[0] = script;
    web_init(&bed->web, bed->scripts);
    snprintf(bed->base, sizeof bed->base, "http://127.0.0.1:%d/", peer_port(bed->web.peer));
    struct oauth_settings  settings = { .api_url       = bed->base,
                                        .client_key    = "ck",
                                        .client_secret = "hush&=secret",
                                        .timeout_ms    = timeout_ms };
    struct tiktok_settings tiktok   = { .api_url           = bed->base,
                                        .init_timeout_ms   = timeout_ms,
                                        .status_timeout_ms = timeout_ms };
    bed->oauth                      = oauth_new(bed->web.http, &settings, &err);
    bed->tiktok                     = tiktok_new(bed->web.http, &tiktok, &err);
    assert_non_null(bed->oauth);
    assert_non_null(bed->tiktok);
}

static void bed_fini(struct bed *bed)
{
    oauth_tokens_wipe(&bed->tokens);
    tiktok_free(bed->tiktok);
    oauth_free(bed->oauth);
    web_fini(&bed->web);
}

static void exchange(struct bed *bed, const char *verifier)
{
    struct oauth_code code = { .code         = STR("a*0!6410/+ b"),
                               .redirect_uri = STR("http://127.0.0.1:8080/callback/"),
                               .verifier     = str_of(verifier) };
    oauth_exchange(bed->oauth, &code, &bed->tokens, &bed->wait.call, wait_on_done);
}

static void assert_no_secret(const struct oauth_answer *answer)
{
    const char *const texts[] = { answer->error, answer->description, answer->log_id };
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        if (strstr(texts[i], "hush") || strstr(texts[i], "6410") || strstr(texts[i], "rft."))
            fail_msg("a secret: %s", texts[i]);
}

static const struct peer_step pair[] = { REQUEST, SEND(ANSWER("200 OK", PAIR_BYTES, PAIR)), AGAIN };

TEST("a code is exchanged by one form of the bare type, with the code encoded again")
{
    struct bed bed;
    bed_init(&bed, pair, PATIENCE_MS);
    exchange(&bed, "");
    wait_ok(bed.web.loop, &bed.wait);
    assert_int_equal(bed.tokens.answer.outcome->next, OAUTH_OK);
    assert_string_equal(bed.tokens.access_token, "act.one");
    assert_null(bed.tokens.answer.http.body.p);
    expect_received(&bed.web, "POST /v2/oauth/token/ HTTP/1.1\r\n", 1);
    expect_received(&bed.web, "\r\nContent-Type: application/x-www-form-urlencoded\r\n", 1);
    expect_received(&bed.web, "\r\nContent-Type:", 1);
    expect_received(&bed.web, "Authorization", 0);
    expect_received(&bed.web,
                    "client_key=ck&client_secret=hush%26%3Dsecret&grant_type=authorization_code&"
                    "code=a%2A0%216410%2F%2B%20b&"
                    "redirect_uri=http%3A%2F%2F127.0.0.1%3A8080%2Fcallback%2F",
                    1);
    expect_received(&bed.web, "code_verifier", 0);
    bed_fini(&bed);
}

TEST("a verifier goes along where there is one")
{
    struct bed bed;
    bed_init(&bed, pair, PATIENCE_MS);
    exchange(&bed, "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
    wait_ok(bed.web.loop, &bed.wait);
    expect_received(&bed.web, "&code_verifier=dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", 1);
    bed_fini(&bed);
}

TEST("a refresh sends the token that it has, and brings the next one")
{
    struct bed bed;
    bed_init(&bed, pair, PATIENCE_MS);
    oauth_refresh(bed.oauth, STR("rft.one"), &bed.tokens, &bed.wait.call, wait_on_done);
    wait_ok(bed.web.loop, &bed.wait);
    assert_string_equal(bed.tokens.refresh_token, "rft.two");
    expect_received(&bed.web, "&grant_type=refresh_token&refresh_token=rft.one", 1);
    bed_fini(&bed);
}

TEST("a refusal in HTTP 200 is an answer, and no error of the call")
{
    static const struct peer_step refusal[] = {
        REQUEST, SEND(ANSWER("200 OK", "25", "{\"error\":\"invalid_grant\"}")), END
    };
    struct bed bed;
    bed_init(&bed, refusal, PATIENCE_MS);
    oauth_refresh(bed.oauth, STR("rft.one"), &bed.tokens, &bed.wait.call, wait_on_done);
    wait_ok(bed.web.loop, &bed.wait);
    assert_int_equal(bed.tokens.answer.outcome->next, OAUTH_CONSENT);
    assert_false(bed.tokens.answer.maybe);
    bed_fini(&bed);
}

TEST("a server that quotes our secrets does not bring them into a message")
{
    static const struct peer_step quoting[] = {
        REQUEST,
        SEND(ANSWER("200 OK", "105",
                    "{\"error\":\"invalid_grant\",\"error_description\":\"no such code "
                    "a*0!6410/+ b of hush&=secret\",\"log_id\":\"L123\"}")),
        END
    };
    struct bed bed;
    bed_init(&bed, quoting, PATIENCE_MS);
    exchange(&bed, "");
    wait_ok(bed.web.loop, &bed.wait);
    assert_int_equal(bed.tokens.answer.outcome->next, OAUTH_CONSENT);
    assert_no_secret(&bed.tokens.answer);
    assert_string_equal(bed.tokens.answer.log_id, "L123");
    bed_fini(&bed);
}

// the texts of a refusal whose description is as it is told
static void quote(const char *words, bool revoke, const char *description)
{
    struct bed bed;
    char       body[1024], answer[1200];
    snprintf(body, sizeof body, "{\"error\":\"invalid_grant\",\"error_description\":\"%s\"}",
             words);
    snprintf(answer, sizeof answer, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s",
             strlen(body), body);
    const struct peer_step quoting[] = { REQUEST, SEND(answer), END };
    bed_init(&bed, quoting, PATIENCE_MS);
    if (revoke)
        oauth_revoke(bed.oauth, STR("act.one/two"), &bed.answer, &bed.wait.call, wait_on_done);
    else
        exchange(&bed, "");
    wait_ok(bed.web.loop, &bed.wait);
    const struct oauth_answer *told = revoke ? &bed.answer : &bed.tokens.answer;
    assert_int_equal(told->outcome->next, OAUTH_CONSENT);
    assert_string_equal(told->error, "invalid_grant");
    assert_string_equal(told->description, description);
    bed_fini(&bed);
}

TEST("a secret is found in the form's encoding, and where a message would be cut within it")
{
    char far[400];
    quote("code=a%2A0%216410%2F%2B%20b is used", false, "");
    quote("code=a%2a0%216410%2f%2b%20b is used", false, "");
    quote("client_secret=hush%26%3Dsecret", false, "");
    quote("token act.one%2Ftwo", true, "");
    quote("token act.one of somebody else", true, "token act.one of somebody else");
    memset(far, 'x', sizeof far);
    snprintf(far + 250, sizeof far - 250, "a*0!6410/+ b");  // the cut is at 255
    quote(far, false, "");
}

static void fail_by(const struct peer_step *script, int64_t timeout_ms, enum err_code code)
{
    struct bed bed;
    bed_init(&bed, script, timeout_ms);
    exchange(&bed, "");
    wait_error(bed.web.loop, &bed.wait, code);
    assert_int_equal(bed.tokens.answer.outcome->next, OAUTH_LATER);
    assert_true(bed.tokens.answer.maybe);
    if (strstr(bed.wait.err.message, "hush") || strstr(bed.wait.err.message, "6410"))
        fail_msg("a secret: %s", bed.wait.err.message);
    expect_received(&bed.web, "POST ", 1);
    bed_fini(&bed);
}

TEST("an answer that is lost, late, cut or not understood may have used the code, and it went once")
{
    static const struct peer_step lost[] = { REQUEST, END };
    static const struct peer_step late[] = { REQUEST, HANG };
    static const struct peer_step cut[]  = { REQUEST, SEND(ANSWER("200 OK", "99", "{\"a")), END };
    static const struct peer_step strange[] = { REQUEST, SEND(OK), END };
    fail_by(lost, PATIENCE_MS, ERR_LOST);
    fail_by(late, 300, ERR_TIMEOUT);
    fail_by(cut, PATIENCE_MS, ERR_BROKEN);
    fail_by(strange, PATIENCE_MS, ERR_BROKEN);
}

TEST("a token request is not repeated on a connection that dies between two of them")
{
    static const struct peer_step once[] = { REQUEST, SEND(ANSWER("200 OK", PAIR_BYTES, PAIR)),
                                             REQUEST, END };
    struct bed                    bed;
    bed_init(&bed, once, PATIENCE_MS);
    for (int i = 1; i <= 2; i++) {
        memset(&bed.wait, 0, sizeof bed.wait);
        oauth_refresh(bed.oauth, STR("rft.one"), &bed.tokens, &bed.wait.call, wait_on_done);
        wait_ok(bed.web.loop, &bed.wait);
        expect_received(&bed.web, "POST ", i);
        expect_accepted(&bed.web, i);
    }
    bed_fini(&bed);
}

TEST("nobody there is surely nothing sent")
{
    struct bed   bed;
    struct error err;
    bed_init(&bed, pair, PATIENCE_MS);
    struct oauth_settings settings = { .api_url       = "http://127.0.0.1:1",
                                       .client_key    = "ck",
                                       .client_secret = "hush",
                                       .timeout_ms    = PATIENCE_MS };
    oauth_free(bed.oauth);
    bed.oauth = oauth_new(bed.web.http, &settings, &err);
    exchange(&bed, "");
    wait_error(bed.web.loop, &bed.wait, ERR_CONNECT);
    assert_int_equal(bed.tokens.answer.outcome->next, OAUTH_LATER);
    assert_false(bed.tokens.answer.maybe);
    bed_fini(&bed);
}

TEST("a revoke names the access token, and an empty body is its success")
{
    static const struct peer_step empty[] = { REQUEST, SEND(ANSWER("200 OK", "0", "")), AGAIN };
    struct bed                    bed;
    bed_init(&bed, empty, PATIENCE_MS);
    oauth_revoke(bed.oauth, STR("act.one"), &bed.answer, &bed.wait.call, wait_on_done);
    wait_ok(bed.web.loop, &bed.wait);
    assert_int_equal(bed.answer.outcome->next, OAUTH_OK);
    expect_received(&bed.web, "POST /v2/oauth/revoke/ HTTP/1.1\r\n", 1);
    expect_received(&bed.web, "client_secret=hush%26%3Dsecret&token=act.one", 1);
    bed_fini(&bed);
}

TEST("a call that is cancelled is never done")
{
    static const struct peer_step late[] = { REQUEST, HANG };
    struct bed                    bed;
    bed_init(&bed, late, PATIENCE_MS);
    exchange(&bed, "");
    loop_turn(bed.web.loop, 20);
    call_cancel(&bed.wait.call);
    wait_ms(bed.web.loop, 30);
    assert_int_equal(bed.wait.dones, 0);
    bed_fini(&bed);
}

TEST("settings without key or secret are refused in words")
{
    struct error          err;
    struct oauth_settings settings = {
        .api_url = "https://x", .client_key = "", .client_secret = "hush", .timeout_ms = 1
    };
    assert_null(oauth_new(NULL, &settings, &err));
    assert_non_null(strstr(err.message, "TOKFLEET_TIKTOK_CLIENT_KEY"));
    settings.client_key = "ck";
    settings.api_url    = "ftp://x";
    assert_null(oauth_new(NULL, &settings, &err));
    assert_null(strstr(err.message, "hush"));
}

TEST("a user is asked for with a GET that names the fields")
{
    static const struct peer_step user[] = {
        REQUEST,
        SEND(ANSWER("200 OK", "77",
                    "{\"data\":{\"user\":{\"open_id\":\"u1\",\"display_name\":\"Ann\"}},\"error\":{"
                    "\"code\":\"ok\"}}")),
        END
    };
    struct bed bed;
    bed_init(&bed, user, PATIENCE_MS);
    tiktok_user(bed.tiktok, STR("user.info.basic"), STR("act.one"), &bed.user, &bed.wait.call,
                wait_on_done);
    wait_ok(bed.web.loop, &bed.wait);
    assert_string_equal(bed.user.display_name, "Ann");
    expect_received(&bed.web,
                    "GET /v2/user/info/?fields=open_id,display_name,avatar_url HTTP/1.1\r\n", 1);
    expect_received(&bed.web, "\r\nAuthorization: Bearer act.one\r\n", 1);
    bed_fini(&bed);
}
