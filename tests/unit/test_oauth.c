// SPDX-License-Identifier: Apache-2.0
// links: tokfleet_tiktok
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "tiktok/oauth.h"
#include "tiktok/scope.h"
#include "tiktok/user.h"

static struct oauth_tokens tokens;

static enum oauth_next decode(const char *body, int http_status)
{
    memset(&tokens, 0x5A, sizeof tokens);
    oauth_tokens_decode(str_of(body), http_status, &tokens);
    assert_int_equal(tokens.answer.http_status, http_status);
    return tokens.answer.outcome->next;
}

#define PAIR                                                                                       \
    "\"access_token\":\"act.one\",\"expires_in\":86400,\"open_id\":\"-000YSS_x\","                 \
    "\"refresh_token\":\"rft.one\",\"refresh_expires_in\":31536000,"                               \
    "\"scope\":\"user.info.basic,video.publish\",\"token_type\":\"Bearer\""

// ---- token pairs

TEST(a_token_pair_is_read_from_a_flat_answer)
{
    assert_int_equal(decode("{" PAIR "}", 200), OAUTH_OK);
    assert_string_equal(tokens.access_token, "act.one");
    assert_string_equal(tokens.refresh_token, "rft.one");
    assert_string_equal(tokens.open_id, "-000YSS_x");
    assert_string_equal(tokens.scopes, "user.info.basic,video.publish");
    assert_int_equal(tokens.expires_in_s, 86400);
    assert_int_equal(tokens.refresh_expires_in_s, 31536000);
    assert_false(tokens.answer.maybe);
}

TEST(a_non_empty_access_token_is_success_whatever_the_status_and_nothing_else_is)
{
    assert_int_equal(decode("{\"access_token\":\"act.one\"}", 500), OAUTH_OK);
    assert_string_equal(tokens.refresh_token, "");
    assert_int_equal(tokens.expires_in_s, -1);
    static const char *const none[] = {
        "{}",
        "{\"access_token\":\"\"}",
        "{\"access_token\":null}",
        "{\"access_token\":7}",
        "{\"access_token\":[\"act.one\"]}",
        "{\"access_token\":\"act one\"}",
        "{\"data\":{\"access_token\":\"act.one\"}}",
        "{\"refresh_token\":\"rft.one\",\"open_id\":\"u1\"}",
        "[]",
        "",
        "act.one",
        "{\"access_token\":\"act.one\"",
    };
    for (size_t i = 0; i < COUNT_OF(none); i++) {
        if (decode(none[i], 200) == OAUTH_OK)
            fail_msg("a success: %s", none[i]);
        assert_string_equal(tokens.answer.outcome->code, "broken_answer");
        assert_true(tokens.answer.maybe);
        assert_string_equal(tokens.access_token, "");
    }
}

TEST(granted_scopes_are_read_without_spaces_or_empty_names)
{
    decode("{\"access_token\":\"a\",\"scope\":\" video.list , ,user.info.basic,\"}", 200);
    assert_string_equal(tokens.scopes, "video.list,user.info.basic");
    decode("{\"access_token\":\"a\",\"scope\":\"video.list user.info.basic\"}", 200);
    assert_string_equal(tokens.scopes, "video.list,user.info.basic");
}

TEST(a_field_that_cannot_be_used_is_absent)
{
    decode("{\"access_token\":\"a\",\"open_id\":\"@brand\",\"expires_in\":-5,"
           "\"refresh_expires_in\":\"soon\",\"refresh_token\":\"a b\"}",
           200);
    assert_string_equal(tokens.open_id, "");
    assert_string_equal(tokens.refresh_token, "");
    assert_int_equal(tokens.expires_in_s, -1);
    assert_int_equal(tokens.refresh_expires_in_s, -1);
}

// ---- errors

TEST(errors_come_as_http_200_and_each_code_says_what_to_do)
{
    static const struct {
        const char     *code;
        enum oauth_next next;
    } rows[] = {
        { "invalid_grant", OAUTH_CONSENT },      { "access_denied", OAUTH_CONSENT },
        { "invalid_client", OAUTH_CREDENTIALS }, { "unauthorized_client", OAUTH_CREDENTIALS },
        { "server_error", OAUTH_LATER },         { "temporarily_unavailable", OAUTH_LATER },
        { "invalid_request", OAUTH_BUG },        { "invalid_scope", OAUTH_BUG },
        { "unsupported_grant_type", OAUTH_BUG }, { "unsupported_response_type", OAUTH_BUG },
        { "something_new", OAUTH_BUG },          { "ok", OAUTH_BUG },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        static const int statuses[] = { 200, 400, 401 };
        char             body[256];
        snprintf(body, sizeof body,
                 "{\"error\":\"%s\",\"error_description\":\"words\",\"log_id\":\"2022X\"}",
                 rows[i].code);
        for (size_t k = 0; k < COUNT_OF(statuses); k++)
            if (decode(body, statuses[k]) != rows[i].next)
                fail_msg("%s with HTTP %d: %s", rows[i].code, statuses[k],
                         tokens.answer.outcome->code);
        assert_string_equal(tokens.answer.error, rows[i].code);
        assert_string_equal(tokens.answer.description, "words");
        assert_string_equal(tokens.answer.log_id, "2022X");
        assert_int_equal(tokens.answer.maybe, rows[i].next == OAUTH_LATER);
    }
}

TEST(an_error_in_the_posting_apis_envelope_is_understood_too)
{
    assert_int_equal(
        decode("{\"data\":{},\"error\":{\"code\":\"invalid_grant\",\"message\":\"gone\","
               "\"log_id\":\"L\"}}",
               200),
        OAUTH_CONSENT);
    assert_string_equal(tokens.answer.description, "gone");
    assert_string_equal(tokens.answer.log_id, "L");
}

TEST(an_answer_without_a_code_is_judged_by_its_status_and_never_kills_a_token)
{
    static const struct {
        int         status;
        const char *code;
    } rows[] = { { 200, "broken_answer" }, { 302, "http_other" }, { 400, "http_other" },
                 { 401, "http_other" },    { 403, "http_other" }, { 429, "http_429" },
                 { 500, "http_5xx" },      { 503, "http_5xx" } };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        assert_int_equal(decode("<html>no</html>", rows[i].status), OAUTH_LATER);
        assert_string_equal(tokens.answer.outcome->code, rows[i].code);
    }
    // a server that fails says nothing about the request
    assert_int_equal(decode("{\"error\":\"invalid_request\"}", 502), OAUTH_LATER);
}

TEST(every_row_says_cause_and_remedy)
{
    size_t count = 0;
    for (const struct oauth_outcome *row; (row = oauth_outcome_row(count)); count++)
        if (row->next != OAUTH_OK && (!row->cause[0] || !row->remedy[0]))
            fail_msg("%s says nothing", row->code);
    assert_true(count > 15);
    for (int code = 0; code < ERR_COUNT; code++) {
        struct error err = { .code = (enum err_code)code };
        assert_non_null(oauth_outcome_of_error(&err));
        assert_int_not_equal(oauth_outcome_of_error(&err)->next, OAUTH_CONSENT);
    }
}

TEST(a_revoke_has_succeeded_when_its_body_is_empty)
{
    static const char *const good[] = { "", " \n", "{}", "{\"error\":{\"code\":\"ok\"}}" };
    struct oauth_answer      answer;
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        oauth_revoke_decode(str_of(good[i]), 200, &answer);
        assert_int_equal(answer.outcome->next, OAUTH_OK);
    }
    oauth_revoke_decode(STR("{\"error\":\"invalid_client\"}"), 200, &answer);
    assert_int_equal(answer.outcome->next, OAUTH_CREDENTIALS);
    oauth_revoke_decode(STR(""), 500, &answer);
    assert_int_equal(answer.outcome->next, OAUTH_LATER);
    oauth_revoke_decode(STR("<html>"), 200, &answer);
    assert_string_equal(answer.outcome->code, "broken_answer");
}

// ---- scopes

TEST(the_six_scopes_of_the_source_document_are_asked_for)
{
    struct buf all;
    buf_init(&all, 256);
    scope_all(&all);
    assert_string_equal(buf_text(&all), "video.list,user.info.basic,video.publish,video.upload,"
                                        "user.info.profile,user.info.stats");
    buf_fini(&all);
    for (size_t i = 0; scope_row(i); i++) {
        assert_true(scope_known(str_of(scope_row(i)->name)));
        assert_true(scope_row(i)->without[0]);
    }
    assert_false(scope_known(STR("video.publis")));
    assert_true(scope_has(STR("a, video.list"), "video.list"));
    assert_false(scope_has(STR("video.list.more"), "video.list"));
}

// ---- who the user is

static void assert_fields(const char *scopes, const char *fields)
{
    struct buf out;
    buf_init(&out, 512);
    assert_true(tiktok_user_fields(str_of(scopes), &out));
    assert_string_equal(buf_text(&out), fields);
    assert_int_equal(tiktok_user_allowed(str_of(scopes)), fields[0] != '\0');
    buf_fini(&out);
}

TEST(only_what_the_scopes_allow_is_asked_for)
{
    assert_fields("video.publish", "");
    assert_fields("user.info.basic,video.publish", "open_id,display_name,avatar_url");
    assert_fields("user.info.stats,user.info.profile",
                  "username,is_verified,follower_count,following_count,likes_count,video_count");
}

TEST(a_user_is_read_and_what_is_absent_is_not_made_up)
{
    static struct tiktok_user user;
    assert_true(tiktok_user_decode(
        STR("{\"data\":{\"user\":{\"open_id\":\"u1\",\"display_name\":\"Ann \xF0\x9F\x8C\x85\","
            "\"avatar_url\":\"https://p16.example.com/a.jpg\",\"username\":\"@ann.de\","
            "\"is_verified\":true,\"follower_count\":1234567,\"following_count\":0,"
            "\"likes_count\":99,\"video_count\":7}},\"error\":{\"code\":\"ok\"}}"),
        &user));
    assert_string_equal(user.open_id, "u1");
    assert_string_equal(user.display_name, "Ann \xF0\x9F\x8C\x85");
    assert_string_equal(user.username, "ann.de");
    assert_int_equal(user.verified, 1);
    assert_int_equal(user.followers, 1234567);
    assert_int_equal(user.following, 0);
    assert_true(tiktok_user_decode(STR("{\"data\":{\"user\":{}}}"), &user));
    assert_string_equal(user.username, "");
    assert_int_equal(user.verified, -1);
    assert_int_equal(user.followers, -1);
    assert_false(tiktok_user_decode(STR("{\"data\":{}}"), &user));
    assert_false(tiktok_user_decode(STR("{"), &user));
    assert_string_equal(user.username, "");
}
