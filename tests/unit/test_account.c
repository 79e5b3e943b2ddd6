// SPDX-License-Identifier: Apache-2.0
// links: tokfleet_job
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/json.h"
#include "job/account.h"

#define KEY_A "a:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define KEY_B "b://79/Pv6+fj39vX08/Lx8O/u7ezr6uno5+bl5OPi4eA="
#define LINE(more)                                                                                 \
    "{\"open_id\":\"u1\",\"access_token\":\"act.hush\",\"refresh_token\":\"rft.hush\",\"scope\":"  \
    "\"video.publish\","                                                                           \
    "\"expires_in\":86400,\"refresh_expires_in\":31536000" more "}"

static struct seal *seal_of(const char *keys)
{
    struct error err;
    struct seal *seal = seal_new(keys, &err);
    if (!seal)
        fail_msg("%s", err.message);
    return seal;
}

// ---- a line of tokens

TEST(a_line_of_tokens_is_read)
{
    struct account_tokens tokens;
    struct error          err;
    assert_true(account_tokens_decode(
        STR(LINE(",\"alias\":\" @brand.de \",\"token_type\":\"Bearer\"")), &tokens, &err));
    assert_str(tokens.open_id, "u1");
    assert_str(tokens.access_token, "act.hush");
    assert_str(tokens.refresh_token, "rft.hush");
    assert_str(tokens.scope, "video.publish");
    assert_str(tokens.alias, "@brand.de");
    assert_int_equal(tokens.expires_in_s, 86400);
    assert_int_equal(tokens.refresh_expires_in_s, 31536000);
    account_tokens_fini(&tokens);
    assert_null(tokens.access_token.p);
    account_tokens_fini(&tokens);
    assert_true(account_tokens_decode(STR(LINE(",\"alias\":null")), &tokens, &err));
    assert_int_equal(tokens.alias.len, 0);
    account_tokens_fini(&tokens);
}

TEST(scopes_may_be_told_by_spaces_and_an_error_may_be_none)
{
    struct account_tokens tokens;
    struct error          err;
    assert_true(account_tokens_decode(
        STR("{\"open_id\":\"u1\",\"access_token\":\"a\",\"refresh_token\":\"r\",\"scope\":"
            "\"video.publish  video.upload, video.list\",\"expires_in\":1,"
            "\"refresh_expires_in\":1,\"error\":\"\"}"),
        &tokens, &err));
    assert_str(tokens.scope, "video.publish,video.upload,video.list");
    account_tokens_fini(&tokens);
    assert_true(account_tokens_decode(STR(LINE(",\"error\":null")), &tokens, &err));
    account_tokens_fini(&tokens);
    assert_false(account_tokens_decode(STR(LINE(",\"error\":{}")), &tokens, &err));
}

TEST(a_bad_line_is_refused_by_the_name_of_its_field_and_tells_no_token)
{
    static const struct {
        const char *line;
        const char *why;
    } rows[] = {
        { "", "" },
        { "act.hush", "" },
        { "[\"act.hush\"]", "object" },
        { "{\"error\":\"invalid_grant\",\"error_description\":\"act.hush\"}", "error answer" },
        { "{\"access_token\":\"act.hush\"}", "open_id" },
        { "{\"open_id\":\"u1\",\"access_token\":7}", "access_token" },
        { "{\"open_id\":\"u1\",\"access_token\":\"act.hush\"}", "refresh_token" },
        { "{\"open_id\":\"u1\",\"access_token\":\"act.hush\",\"refresh_token\":\" \"}",
          "refresh_token" },
        { "{\"open_id\":\"u1\",\"access_token\":\"act.hush\",\"refresh_token\":\"rft.hush\"}",
          "scope" },
        { "{\"open_id\":\"u1\",\"access_token\":\"act.hush\",\"refresh_token\":\"rft.hush\","
          "\"scope\":\"s\"}",
          "expires_in" },
        { "{\"open_id\":\"u1\",\"access_token\":\"act.hush\",\"refresh_token\":\"rft.hush\","
          "\"scope\":\"s\",\"expires_in\":-1}",
          "expires_in" },
        { "{\"open_id\":\"u1\",\"access_token\":\"act.hush\",\"refresh_token\":\"rft.hush\","
          "\"scope\":\"s\","
          "\"expires_in\":1,\"refresh_expires_in\":99999999999}",
          "refresh_expires_in" },
        { LINE(",\"alias\":\"brand\""), "alias" },
        { LINE(",\"alias\":\"@\""), "alias" },
        { LINE(",\"alias\":\"@brand de\""), "alias" },
        { LINE(",\"alias\":[]"), "alias" },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct account_tokens tokens;
        struct error          err;
        if (account_tokens_decode(str_of(rows[i].line), &tokens, &err))
            fail_msg("taken: %s", rows[i].line);
        if (!strstr(err.message, rows[i].why) || strstr(err.message, "hush"))
            fail_msg("%s: %s", rows[i].line, err.message);
    }
}

TEST(an_open_id_is_no_alias_and_has_a_bound)
{
    struct account_tokens tokens;
    struct error          err;
    char                  line[1000], id[OPEN_ID_MAX + 2];
    for (size_t len = OPEN_ID_MAX; len <= OPEN_ID_MAX + 1; len++) {
        memset(id, 'u', len);
        id[len] = '\0';
        snprintf(
            line, sizeof line,
            "{\"open_id\":\"%s\",\"access_token\":\"a\",\"refresh_token\":\"r\",\"scope\":\"s\","
            "\"expires_in\":1,\"refresh_expires_in\":1}",
            id);
        assert_int_equal(account_tokens_decode(str_of(line), &tokens, &err), len == OPEN_ID_MAX);
        account_tokens_fini(&tokens);
    }
    assert_false(account_tokens_decode(
        STR("{\"open_id\":\"@u1\",\"access_token\":\"a\",\"refresh_token\":\"r\",\"scope\":\"s\","
            "\"expires_in\":1,\"refresh_expires_in\":1}"),
        &tokens, &err));
}

// ---- sealed

static void close_tokens(const struct seal *seal, const char *fleet, struct buf *sealed)
{
    struct account_tokens tokens;
    struct error          err;
    assert_true(account_tokens_decode(STR(LINE("")), &tokens, &err));
    buf_init(sealed, 20000);
    assert_true(account_seal(seal, fleet, &tokens, sealed, &err));
    account_tokens_fini(&tokens);
}

TEST(sealed_tokens_open_for_their_account_in_their_fleet_only)
{
    struct seal *seal = seal_of(KEY_A);
    struct buf   sealed, token;
    struct error err;
    close_tokens(seal, "eu", &sealed);
    assert_null(strstr(buf_text(&sealed), "hush"));
    assert_true(account_unseal(seal, "eu", STR("u1"), buf_str(&sealed), &token, &err));
    assert_str(buf_str(&token), "act.hush");
    buf_wipe(&token);
    assert_false(account_unseal(seal, "eu", STR("u2"), buf_str(&sealed), &token, &err));
    assert_int_equal(err.code, ERR_SEALED);
    assert_false(account_unseal(seal, "us", STR("u1"), buf_str(&sealed), &token, &err));
    assert_false(account_unseal(seal, "eu", STR("u1"), STR(""), &token, &err));
    assert_false(account_unseal(seal, "eu", STR("u1"), STR("a:AAAA"), &token, &err));
    buf_fini(&sealed);
    seal_free(seal);
}

TEST(another_key_opens_nothing_and_an_older_one_still_does)
{
    struct seal *old = seal_of(KEY_A), *new = seal_of(KEY_B "," KEY_A), *other = seal_of(KEY_B);
    struct buf   sealed, token;
    struct error err;
    close_tokens(old, "eu", &sealed);
    assert_true(account_unseal(new, "eu", STR("u1"), buf_str(&sealed), &token, &err));
    buf_wipe(&token);
    assert_false(account_unseal(other, "eu", STR("u1"), buf_str(&sealed), &token, &err));
    buf_fini(&sealed);
    seal_free(old);
    seal_free(new);
    seal_free(other);
}

TEST(what_was_sealed_without_an_access_token_is_refused)
{
    struct seal *seal = seal_of(KEY_A);
    struct buf   sealed, token;
    struct error err;
    buf_init(&sealed, 1000);
    assert_true(seal_close(seal, STR("eu/token/u1"), STR("{\"refresh_token\":\"rft.hush\"}"),
                           &sealed, &err));
    assert_false(account_unseal(seal, "eu", STR("u1"), buf_str(&sealed), &token, &err));
    assert_int_equal(err.code, ERR_SEALED);
    buf_fini(&token);
    buf_fini(&sealed);
    seal_free(seal);
}

TEST(a_pair_comes_back_as_it_was_sealed_and_nothing_is_left_after_a_failure)
{
    struct seal *seal = seal_of(KEY_A);
    struct buf   sealed, access, refresh;
    struct error err;
    buf_init(&sealed, 4096);
    assert_true(
        account_seal_pair(seal, "eu", STR("u1"), STR("act.1"), STR("rft.1"), &sealed, &err));
    assert_true(
        account_unseal_pair(seal, "eu", STR("u1"), buf_str(&sealed), &access, &refresh, &err));
    assert_string_equal(buf_text(&access), "act.1");
    assert_string_equal(buf_text(&refresh), "rft.1");
    buf_wipe(&access);
    buf_wipe(&refresh);
    assert_false(
        account_unseal_pair(seal, "eu", STR("u2"), buf_str(&sealed), &access, &refresh, &err));
    assert_null(access.p);
    assert_null(refresh.p);
    // a pair without a refresh token is one; without an access token it is none
    buf_clear(&sealed);
    assert_true(account_seal_pair(seal, "eu", STR("u1"), STR("act.1"), STR(""), &sealed, &err));
    assert_true(
        account_unseal_pair(seal, "eu", STR("u1"), buf_str(&sealed), &access, &refresh, &err));
    assert_int_equal(refresh.len, 0);
    buf_wipe(&access);
    buf_wipe(&refresh);
    buf_clear(&sealed);
    assert_true(account_seal_pair(seal, "eu", STR("u1"), STR(""), STR("rft.1"), &sealed, &err));
    assert_false(
        account_unseal_pair(seal, "eu", STR("u1"), buf_str(&sealed), &access, &refresh, &err));
    assert_int_equal(err.code, ERR_SEALED);
    buf_fini(&sealed);
    seal_free(seal);
}

// ---- records

static void assert_same_profile(const struct account_profile *a, const struct account_profile *b)
{
    assert_true(str_eq(a->username, b->username) && str_eq(a->display_name, b->display_name) &&
                str_eq(a->avatar_url, b->avatar_url));
    assert_int_equal(a->verified, b->verified);
    assert_int_equal(a->followers, b->followers);
    assert_int_equal(a->following, b->following);
    assert_int_equal(a->likes, b->likes);
    assert_int_equal(a->videos, b->videos);
    assert_int_equal(a->at_ms, b->at_ms);
}

static void assert_same(const struct account_record *a, const struct account_record *b)
{
    assert_int_equal(a->rev, b->rev);
    assert_true(str_eq(a->open_id, b->open_id) && str_eq(a->scopes, b->scopes) &&
                str_eq(a->status, b->status) && str_eq(a->why, b->why) &&
                str_eq(a->settings, b->settings) && str_eq(a->sealed, b->sealed));
    assert_int_equal(a->connected_at_ms, b->connected_at_ms);
    assert_int_equal(a->token_at_ms, b->token_at_ms);
    assert_int_equal(a->expires_at_ms, b->expires_at_ms);
    assert_int_equal(a->refresh_expires_at_ms, b->refresh_expires_at_ms);
    assert_int_equal(a->alias_count, b->alias_count);
    for (size_t i = 0; i < a->alias_count; i++)
        assert_true(str_eq(a->aliases[i], b->aliases[i]));
    assert_same_profile(&a->profile, &b->profile);
}

static const struct account_profile nobody = {
    .verified = -1, .followers = -1, .following = -1, .likes = -1, .videos = -1
};
static const struct account_profile ann = {
    .username     = { "ann.de", 6 },
    .display_name = { "Ann \"\xF0\x9F\x8C\x85\"", 10 },
    .avatar_url   = { "https://p16.example.com/a?x=1", 29 },
    .verified     = 1,
    .followers    = 1234567,
    .following    = 0,
    .likes        = -1,
    .videos       = 3,
    .at_ms        = INT64_C(1795000000999),
};

static struct account_record record_of(const struct account_profile *profile, size_t aliases,
                                       char names[ALIASES_MAX][24])
{
    struct account_record record = {
        .rev                   = INT64_C(1795000000123),
        .open_id               = STR("u1"),
        .alias_count           = aliases,
        .scopes                = STR("video.publish,video.list"),
        .status                = STR("ok"),
        .settings              = profile->at_ms ? STR("{\"day_posts\":3}") : (struct str){ 0 },
        .profile               = *profile,
        .sealed                = STR("a:c2VhbGVk"),
        .connected_at_ms       = INT64_C(1795000000001),
        .token_at_ms           = INT64_C(1795000000002),
        .expires_at_ms         = INT64_C(1795000086400),
        .refresh_expires_at_ms = 0,
    };
    for (size_t i = 0; i < aliases; i++) {
        snprintf(names[i], sizeof names[i], "@n%zu", i);
        record.aliases[i] = str_of(names[i]);
    }
    return record;
}

TEST(a_record_is_read_as_it_was_written)
{
    for (size_t count = 0; count <= ALIASES_MAX; count++) {
        char                  names[ALIASES_MAX][24];
        struct account_record record = record_of(count % 2 ? &ann : &nobody, count, names);
        struct account_record again;
        struct arena          arena = { 0 };
        struct buf            value;
        struct error          err;
        account_record_encode(&record, &value);
        assert_true(account_record_decode(buf_str(&value), &again, &arena, &err));
        buf_fini(&value);  // what was read is the arena's
        assert_same(&record, &again);
        arena_fini(&arena);
    }
}

TEST(a_record_of_the_version_before_is_read_and_what_it_does_not_know_is_not_known)
{
    struct account_record record;
    struct arena          arena = { 0 };
    struct error          err;
    assert_true(account_record_decode(
        STR("{\"v\":1,\"rev\":5,\"open_id\":\"u1\",\"aliases\":[\"@a\"],\"scopes\":\"s\","
            "\"status\":\"ok\",\"settings\":null,\"profile\":null,\"sealed\":\"a:x\","
            "\"expires_at\":7,\"refresh_expires_at\":8}"),
        &record, &arena, &err));
    assert_int_equal(record.rev, 5);
    assert_str(record.aliases[0], "@a");
    assert_same_profile(&record.profile, &nobody);
    assert_int_equal(record.connected_at_ms, 0);
    assert_int_equal(record.token_at_ms, 0);
    assert_int_equal(record.settings.len, 0);
    arena_fini(&arena);
}

TEST(a_removed_account_needs_no_tokens_and_no_other_may_be_without)
{
    static const char        text[] = "{\"v\":2,\"rev\":5,\"open_id\":\"u1\",\"aliases\":[\"@a\"],"
                                      "\"scopes\":\"\",\"status\":\"%s\",\"sealed\":\"\","
                                      "\"expires_at\":0,\"refresh_expires_at\":0}";
    static const char *const statuses[] = { "removed", "ok", "parked" };
    for (size_t i = 0; i < COUNT_OF(statuses); i++) {
        struct account_record record;
        struct arena          arena = { 0 };
        struct error          err;
        char                  value[256];
        snprintf(value, sizeof value, text, statuses[i]);
        assert_int_equal(account_record_decode(str_of(value), &record, &arena, &err), i == 0);
        arena_fini(&arena);
    }
}

#define RECORD(v, rest)                                                                            \
    "{\"v\":" v ",\"open_id\":\"u1\",\"scopes\":\"s\",\"status\":\"ok\",\"sealed\":\"a:x\","       \
    "\"aliases\":[]" rest "}"
#define TIMES ",\"rev\":1,\"expires_at\":2,\"refresh_expires_at\":3"

TEST(a_record_that_cannot_be_read_is_refused)
{
    static const char *const values[] = {
        "",
        "{",
        "[]",
        "{}",
        RECORD("3", TIMES),
        RECORD("2", TIMES ",\"settings\":7"),
        RECORD("2", TIMES ",\"profile\":\"ann\""),
        RECORD("2", TIMES ",\"profile\":{\"followers\":\"many\"}"),
        RECORD("2", TIMES ",\"token_at\":\"now\""),
        RECORD("0", TIMES),
        RECORD("null", TIMES),
        RECORD("1", ""),
        RECORD("1", ",\"rev\":1,\"expires_at\":2"),
        RECORD("1", ",\"expires_at\":2,\"refresh_expires_at\":3"),
        "{\"v\":1,\"status\":\"ok\",\"sealed\":\"a:x\"" TIMES "}",
        "{\"v\":1,\"open_id\":\"u1\",\"sealed\":\"a:x\"" TIMES "}",
        "{\"v\":1,\"open_id\":\"u1\",\"status\":\"ok\"" TIMES "}",
        "{\"v\":1,\"open_id\":7,\"status\":\"ok\"" TIMES "}",
    };
    struct account_record record;
    struct arena          arena = { 0 };
    struct error          err;
    assert_true(account_record_decode(STR(RECORD("1", TIMES)), &record, &arena, &err));
    for (size_t i = 0; i < COUNT_OF(values); i++)
        if (account_record_decode(str_of(values[i]), &record, &arena, &err))
            fail_msg("taken: %s", values[i]);
    arena_fini(&arena);
}
