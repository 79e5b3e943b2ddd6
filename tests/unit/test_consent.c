// SPDX-License-Identifier: Apache-2.0
// links: tokfleet_tiktok
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "tiktok/consent.h"

// ---- PKCE

TEST(the_challenge_is_the_lower_case_hex_of_the_verifiers_hash)
{
    char challenge[SHA256_HEX_BYTES];
    consent_challenge(STR("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"), challenge);
    assert_string_equal(challenge,
                        "13d31e961a1ad8ec2f16b10c4c982e0876a878ad6df144566ee1894acb70f9c3");
}

TEST(verifiers_and_states_are_new_each_time_and_of_the_right_letters)
{
    char verifier[2][CONSENT_VERIFIER_BYTES], state[2][CONSENT_STATE_BYTES];
    for (int i = 0; i < 2; i++) {
        consent_verifier(verifier[i]);
        consent_state(state[i]);
        assert_int_equal(strlen(verifier[i]), 64);
        assert_int_equal(strspn(verifier[i], "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                             "0123456789-._~"),
                         64);
        assert_int_equal(strlen(state[i]), 32);
    }
    assert_string_not_equal(verifier[0], verifier[1]);
    assert_string_not_equal(state[0], state[1]);
}

// ---- redirect URIs

static void assert_redirect(const char *uri, const char *relay, int port, const char *wanted,
                            bool pkce)
{
    struct redirect redirect;
    struct error    err;
    struct buf      out;
    buf_init(&out, CONSENT_REDIRECT_BYTES);
    if (!redirect_parse(uri, relay, &redirect, &err))
        fail_msg("%s: %s", uri, err.message);
    assert_true(consent_redirect(&redirect, port, relay, &out));
    assert_string_equal(buf_text(&out), wanted);
    assert_int_equal(consent_wants_pkce(buf_str(&out)), pkce);
    buf_fini(&out);
}

TEST(a_redirect_to_this_machine_is_a_desktops_and_any_other_is_a_web_apps)
{
    assert_redirect("http://127.0.0.1:8080/callback/", "", 1, "http://127.0.0.1:8080/callback/",
                    true);
    assert_redirect("http://localhost:*/cb", "", 41234, "http://localhost:41234/cb", true);
    assert_redirect("https://localhost:8443/cb", "", 1, "https://localhost:8443/cb", true);
    assert_redirect("https://app.example.com/cb/", "", 1, "https://app.example.com/cb/", false);
    assert_redirect("https://app.example.com:8443/cb/", "", 1, "https://app.example.com:8443/cb/",
                    false);
    // a name that only looks like this machine's is not
    assert_redirect("https://localhost.example.com/cb/", "", 1, "https://localhost.example.com/cb/",
                    false);
}

TEST(a_relay_is_put_before_plain_http_only)
{
    const char *relay = "https://redirectmeto.com/";
    assert_redirect("http://posts.example.com/cb/", relay, 1,
                    "https://redirectmeto.com/http://posts.example.com/cb/", false);
    assert_redirect("http://127.0.0.1:*/cb/", "https://redirectmeto.com", 7000,
                    "https://redirectmeto.com/http://127.0.0.1:7000/cb/", false);
    assert_redirect("https://posts.example.com/cb/", relay, 1, "https://posts.example.com/cb/",
                    false);
}

TEST(a_redirect_that_tiktok_would_not_take_is_refused_with_the_reason)
{
    static const struct {
        const char *uri;
        const char *why;
    } rows[] = {
        { "", "not set" },
        { "app.example.com/cb", "begin with" },
        { "ftp://app.example.com/cb", "begin with" },
        { "http://app.example.com/cb/", "TOKFLEET_TIKTOK_REDIRECT_RELAY" },
        { "http://localhost/cb/", "port" },
        { "http://127.0.0.1/cb/", "port" },
        { "http://localhost:0/cb/", "port" },
        { "http://localhost:65536/cb/", "port" },
        { "http://localhost:8o80/cb/", "port" },
        { "https://app.example.com:*/cb/", "localhost" },
        { "https://app.example.com/cb/?x=1", "without" },
        { "https://app.example.com/cb/#x", "without" },
        { "https://app.example.com/c b/", "without" },
        { "https://app.example.com", "path" },
        { "https:///cb", "host" },
        { "https://user@app.example.com/cb", "host" },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct redirect redirect;
        struct error    err;
        if (redirect_parse(rows[i].uri, "", &redirect, &err))
            fail_msg("taken: %s", rows[i].uri);
        if (!strstr(err.message, rows[i].why) || !strstr(err.message, "REDIRECT_URI"))
            fail_msg("%s: %s", rows[i].uri, err.message);
        assert_int_equal(err.code, ERR_SETTING);
    }
    char            uri[600] = "https://app.example.com/";
    struct redirect redirect;
    struct error    err;
    memset(uri + 24, 'x', 512 - 24);
    assert_false(redirect_parse(uri, "", &redirect, &err));
    uri[511] = '\0';
    assert_true(redirect_parse(uri, "", &redirect, &err));
}

// ---- the address

static void assert_url(const struct consent *consent, const char *wanted)
{
    struct buf   url;
    struct error err;
    buf_init(&url, CONSENT_URL_BYTES);
    assert_true(consent_url(consent, &url, &err));
    assert_string_equal(buf_text(&url), wanted);
    buf_fini(&url);
}

TEST(the_address_has_all_that_tiktok_asks_for_in_its_encoding)
{
    struct consent consent = { .authorize_url = "https://www.tiktok.com/v2/auth/authorize/",
                               .client_key    = "aw&1",
                               .scopes        = STR("user.info.basic,video.publish"),
                               .redirect_uri  = STR("http://127.0.0.1:8080/cb/"),
                               .state         = STR("s1"),
                               .challenge     = STR("0f") };
    assert_url(&consent,
               "https://www.tiktok.com/v2/auth/authorize/?client_key=aw%261&response_type=code&"
               "scope=user.info.basic%2Cvideo.publish&redirect_uri=http%3A%2F%2F127.0.0.1%3A8080%"
               "2Fcb%2F&state=s1&code_challenge=0f&code_challenge_method=S256");
    consent.challenge  = STR("");
    consent.always_ask = true;
    assert_url(&consent,
               "https://www.tiktok.com/v2/auth/authorize/?client_key=aw%261&response_type=code&"
               "scope=user.info.basic%2Cvideo.publish&redirect_uri=http%3A%2F%2F127.0.0.1%3A8080%"
               "2Fcb%2F&state=s1&disable_auto_auth=1");
    struct buf   url;
    struct error err;
    buf_init(&url, CONSENT_URL_BYTES);
    consent.client_key = "";
    assert_false(consent_url(&consent, &url, &err));
    assert_non_null(strstr(err.message, "CLIENT_KEY"));
    buf_fini(&url);
}

// ---- what comes back

static struct arena            arena;
static struct consent_callback callback;

static bool decode(const char *text)
{
    struct error err;
    return consent_callback_decode(str_of(text), &callback, &arena, &err);
}

TEST(a_callback_is_decoded_once)
{
    assert_true(decode("code=aB%2A0%216410%2525&scopes=user.info.basic%2Cvideo.list&state=s1"));
    assert_str(callback.code, "aB*0!6410%25");
    assert_str(callback.scopes, "user.info.basic,video.list");
    assert_str(callback.state, "s1");
    assert_str(callback.error, "");
    assert_true(decode(" https://app.example.com/cb/?state=s1&code=raw*0!6410&extra=1#_=_ \n"));
    assert_str(callback.code, "raw*0!6410");
    assert_true(
        decode("error=access_denied&error_description=User+said%20no&error_type=x&state=s"));
    assert_str(callback.error, "access_denied");
    assert_str(callback.error_description, "User said no");
    arena_wipe(&arena);
}

TEST(a_callback_that_can_be_read_in_two_ways_or_not_at_all_is_refused)
{
    static const char *const wrong[] = {
        "",
        "x",
        "https://app.example.com/cb/",
        "code=&state=s",
        "state=s",
        "code=a&code=b&state=s",
        "code=a&state=s&state=t",
        "code=%2&state=s",
        "code=a%zz&state=s",
        "code=a%00b&state=s",
        "#code=a&state=s",
    };
    for (size_t i = 0; i < COUNT_OF(wrong); i++)
        if (decode(wrong[i]))
            fail_msg("taken: %s", wrong[i]);
    arena_wipe(&arena);
}

TEST(what_is_encoded_for_an_address_is_decoded_as_it_was)
{
    struct buf coded, plain;
    char       bytes[255];
    for (int i = 1; i <= 255; i++)
        bytes[i - 1] = (char)i;
    buf_init(&coded, 1024);
    buf_init(&plain, 1024);
    assert_true(buf_add_url(&coded, (struct str){ bytes, sizeof bytes }));
    for (size_t i = 0; i < coded.len; i++)
        assert_true(coded.p[i] > ' ' && !strchr("+&=?#/", coded.p[i]));
    assert_true(buf_add_url_decoded(&plain, buf_str(&coded)));
    assert_memory_equal(plain.p, bytes, sizeof bytes);
    buf_clear(&plain);
    assert_false(buf_add_url_decoded(&plain, STR("a%4")));
    assert_false(buf_add_url_decoded(&plain, STR("a%")));
    buf_fini(&coded);
    buf_fini(&plain);
}
