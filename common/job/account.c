// SPDX-License-Identifier: Apache-2.0
#include "job/account.h"

#include <string.h>

#include "io/json.h"
#include "tiktok/scope.h"

enum {
    LINE_MAX_BYTES   = 16384,
    LINE_MAX_DEPTH   = 4,
    RECORD_MAX_BYTES = 65536,
    RECORD_MAX_DEPTH = 8,
    TEXT_MAX_BYTES   = 1024
};

static bool take_text(const struct json *object, const char *field, bool required, size_t max,
                      struct arena *arena, struct str *text, struct error *err)
{
    const struct json *value = json_get(object, field);
    struct str         found = str_trim(json_text(value));
    if (value && !json_is_text(value) && !json_is_null(value))
        return error_set(err, ERR_INPUT, "\"%s\" must be text, not %s", field, json_kind(value));
    if (required && !found.len)
        return error_set(err, ERR_INPUT, "\"%s\" is missing", field);
    if (found.len > max)
        return error_set(err, ERR_INPUT, "\"%s\" has %zu bytes, at most %zu are allowed", field,
                         found.len, max);
    *text = arena_copy(arena, found);
    return true;
}

static bool take_seconds(const struct json *object, const char *field, int64_t *seconds,
                         struct error *err)
{
    if (!json_i64(json_get(object, field), seconds) || *seconds < 0 ||
        *seconds > INT64_C(100) * 366 * 86400)
        return error_set(err, ERR_INPUT, "\"%s\" must be a number of seconds", field);
    return true;
}

bool account_alias_valid(struct str alias)
{
    if (alias.len < 2 || alias.len > OPEN_ID_MAX || alias.p[0] != '@')
        return false;
    for (size_t i = 1; i < alias.len; i++)
        if ((unsigned char)alias.p[i] <= ' ' || alias.p[i] == 0x7f)
            return false;
    return true;
}

static void read_scopes(struct arena *arena, struct str *scopes)
{
    struct buf text;
    buf_init(&text, scopes->len);
    if (scope_read(*scopes, &text))
        *scopes = arena_copy(arena, buf_str(&text));
    buf_fini(&text);
}

bool account_tokens_decode(struct str line, struct account_tokens *tokens, struct error *err)
{
    memset(tokens, 0, sizeof *tokens);
    struct arena *arena = &tokens->arena;
    struct json  *json  = json_parse(line, LINE_MAX_BYTES, LINE_MAX_DEPTH, err);
    if (!json)
        return false;
    bool ok = json_is_object(json) ? true : error_set(err, ERR_INPUT, "not a JSON object");
    const struct json *error = json_get(json, "error");
    if (ok && error && !json_is_null(error) && (!json_is_text(error) || json_text(error).len))
        ok = error_set(err, ERR_INPUT, "this is an error answer of TikTok, not a token");
    ok = ok && take_text(json, "open_id", true, OPEN_ID_MAX, arena, &tokens->open_id, err) &&
         take_text(json, "access_token", true, ACCOUNT_TOKEN_MAX, arena, &tokens->access_token,
                   err) &&
         take_text(json, "refresh_token", true, ACCOUNT_TOKEN_MAX, arena, &tokens->refresh_token,
                   err) &&
         take_text(json, "scope", true, 1024, arena, &tokens->scope, err) &&
         take_text(json, "alias", false, OPEN_ID_MAX, arena, &tokens->alias, err) &&
         take_seconds(json, "expires_in", &tokens->expires_in_s, err) &&
         take_seconds(json, "refresh_expires_in", &tokens->refresh_expires_in_s, err);
    if (ok && tokens->alias.len && !account_alias_valid(tokens->alias))
        ok = error_set(err, ERR_INPUT, "\"alias\" must be @ and a name without spaces");
    if (ok && tokens->open_id.p[0] == '@')
        ok = error_set(err, ERR_INPUT, "\"open_id\" must not begin with @");
    json_wipe(json);
    if (ok)
        read_scopes(arena, &tokens->scope);
    else
        account_tokens_fini(tokens);
    return ok;
}

void account_tokens_fini(struct account_tokens *tokens)
{
    // the arena's memory is this module's own copies: the lengths are known
    struct str *secrets[] = { &tokens->access_token, &tokens->refresh_token };
    for (size_t i = 0; i < COUNT_OF(secrets); i++)
        if (secrets[i]->p)
            explicit_bzero((void *)(uintptr_t)secrets[i]->p, secrets[i]->len);
    arena_fini(&tokens->arena);
    memset(tokens, 0, sizeof *tokens);
}

static void context_of(const char *fleet, struct str open_id, struct buf *context)
{
    buf_init(context, 512);
    buf_printf(context, "%s/token/%.*s", fleet, STR_ARG(open_id));
}

bool account_seal_pair(const struct seal *seal, const char *fleet, struct str open_id,
                       struct str access_token, struct str refresh_token, struct buf *sealed,
                       struct error *err)
{
    struct buf context, text;
    context_of(fleet, open_id, &context);
    buf_init(&text, 3 * ACCOUNT_TOKEN_MAX);
    struct json *object = json_object();
    json_set_text(object, "access_token", access_token);
    json_set_text(object, "refresh_token", refresh_token);
    json_print(object, &text);
    json_wipe(object);
    bool ok = seal_close(seal, buf_str(&context), buf_str(&text), sealed, err);
    buf_wipe(&text);
    buf_fini(&context);
    return ok;
}

bool account_seal(const struct seal *seal, const char *fleet, const struct account_tokens *tokens,
                  struct buf *sealed, struct error *err)
{
    return account_seal_pair(seal, fleet, tokens->open_id, tokens->access_token,
                             tokens->refresh_token, sealed, err);
}

static bool read_pair(struct str text, struct buf *access_token, struct buf *refresh_token,
                      struct error *err)
{
    struct json *json = json_parse(text, 3 * ACCOUNT_TOKEN_MAX, LINE_MAX_DEPTH, err);
    bool         ok   = json && buf_add(access_token, json_text(json_get(json, "access_token"))) &&
              access_token->len &&
              buf_add(refresh_token, json_text(json_get(json, "refresh_token")));
    json_wipe(json);
    // whatever opened is ours: the parser's word on it could quote a secret
    return ok || error_set(err, ERR_SEALED, "the sealed tokens hold no access token");
}

bool account_unseal_pair(const struct seal *seal, const char *fleet, struct str open_id,
                         struct str sealed, struct buf *access_token, struct buf *refresh_token,
                         struct error *err)
{
    struct buf context, text;
    context_of(fleet, open_id, &context);
    buf_init(&text, 3 * ACCOUNT_TOKEN_MAX);
    buf_init(access_token, ACCOUNT_TOKEN_MAX);
    buf_init(refresh_token, ACCOUNT_TOKEN_MAX);
    bool ok = seal_open(seal, buf_str(&context), sealed, &text, err) &&
              read_pair(buf_str(&text), access_token, refresh_token, err);
    if (!ok) {
        buf_wipe(access_token);
        buf_wipe(refresh_token);
    }
    buf_wipe(&text);
    buf_fini(&context);
    return ok;
}

bool account_unseal(const struct seal *seal, const char *fleet, struct str open_id,
                    struct str sealed, struct buf *access_token, struct error *err)
{
    struct buf refresh_token;
    bool ok = account_unseal_pair(seal, fleet, open_id, sealed, access_token, &refresh_token, err);
    buf_wipe(&refresh_token);
    return ok;
}

// ---- records

static void set_profile(struct json *object, const struct account_profile *profile)
{
    if (profile->at_ms <= 0) {
        json_set_null(object, "profile");
        return;
    }
    struct json *json = json_object();
    json_set_text(json, "username", profile->username);
    json_set_text(json, "display_name", profile->display_name);
    json_set_text(json, "avatar_url", profile->avatar_url);
    json_set_i64(json, "verified", profile->verified);
    json_set_i64(json, "followers", profile->followers);
    json_set_i64(json, "following", profile->following);
    json_set_i64(json, "likes", profile->likes);
    json_set_i64(json, "videos", profile->videos);
    json_set_i64(json, "at", profile->at_ms);
    json_set(object, "profile", &json);
}

void account_record_encode(const struct account_record *record, struct buf *value)
{
    buf_init(value, RECORD_MAX_BYTES);
    struct json *object  = json_object();
    struct json *aliases = json_array();
    for (size_t i = 0; i < record->alias_count; i++)
        json_add_text(aliases, record->aliases[i]);
    json_set_i64(object, "v", ACCOUNT_VERSION);
    json_set_i64(object, "rev", record->rev);
    json_set_text(object, "open_id", record->open_id);
    json_set(object, "aliases", &aliases);
    json_set_text(object, "scopes", record->scopes);
    json_set_text(object, "status", record->status);
    json_set_text(object, "why", record->why);
    if (record->settings.len)
        json_set_raw(object, "settings", record->settings);
    else
        json_set_null(object, "settings");
    set_profile(object, &record->profile);
    json_set_text(object, "sealed", record->sealed);
    json_set_i64(object, "connected_at", record->connected_at_ms);
    json_set_i64(object, "token_at", record->token_at_ms);
    json_set_i64(object, "expires_at", record->expires_at_ms);
    json_set_i64(object, "refresh_expires_at", record->refresh_expires_at_ms);
    json_print(object, value);
    json_free(object);
}

// a number that may be absent
static bool take_number(const struct json *object, const char *field, int64_t otherwise,
                        int64_t *number, struct error *err)
{
    const struct json *value = json_get(object, field);
    *number                  = otherwise;
    return !value || json_is_null(value) || json_i64(value, number) ||
           error_set(err, ERR_INPUT, "\"%s\" must be a whole number, not %s", field,
                     json_kind(value));
}

static bool take_profile(const struct json *json, struct arena *arena,
                         struct account_profile *profile, struct error *err)
{
    if (json && !json_is_null(json) && !json_is_object(json))
        return error_set(err, ERR_INPUT, "\"profile\" must be an object, not %s", json_kind(json));
    return take_text(json, "username", false, TEXT_MAX_BYTES, arena, &profile->username, err) &&
           take_text(json, "display_name", false, TEXT_MAX_BYTES, arena, &profile->display_name,
                     err) &&
           take_text(json, "avatar_url", false, TEXT_MAX_BYTES, arena, &profile->avatar_url, err) &&
           take_number(json, "verified", -1, &profile->verified, err) &&
           take_number(json, "followers", -1, &profile->followers, err) &&
           take_number(json, "following", -1, &profile->following, err) &&
           take_number(json, "likes", -1, &profile->likes, err) &&
           take_number(json, "videos", -1, &profile->videos, err) &&
           take_number(json, "at", 0, &profile->at_ms, err);
}

// whatever the settings are, the next program gets them as they came
static bool take_settings(const struct json *json, struct arena *arena, struct str *settings,
                          struct error *err)
{
    struct buf text;
    if (!json || json_is_null(json))
        return true;
    if (!json_is_object(json))
        return error_set(err, ERR_INPUT, "\"settings\" must be an object, not %s", json_kind(json));
    buf_init(&text, RECORD_MAX_BYTES);
    json_print_value(json, &text);
    *settings = arena_copy(arena, buf_str(&text));
    buf_fini(&text);
    return true;
}

static bool take_aliases(const struct json *aliases, struct arena *arena,
                         struct account_record *record, struct error *err)
{
    if (json_count(aliases) > ALIASES_MAX)
        return error_set(err, ERR_INPUT, "%zu aliases, at most %d are allowed", json_count(aliases),
                         ALIASES_MAX);
    for (size_t i = 0; i < json_count(aliases); i++) {
        struct str alias = json_text(json_at(aliases, i));
        if (!account_alias_valid(alias))
            return error_set(err, ERR_INPUT, "an alias that is not @ and a name without spaces");
        record->aliases[record->alias_count++] = arena_copy(arena, alias);
    }
    return true;
}

static bool take_version(const struct json *json, struct error *err)
{
    int64_t version = 0;
    if (!json_i64(json_get(json, "v"), &version) || version < 1)
        return error_set(err, ERR_INPUT, "account record without a version");
    if (version > ACCOUNT_VERSION)
        return error_set(err, ERR_INPUT,
                         "account record of version %" PRIi64 ", this program knows %d", version,
                         ACCOUNT_VERSION);
    return true;
}

static bool take_record(const struct json *json, struct account_record *record, struct arena *arena,
                        struct error *err)
{
    bool ok = take_version(json, err) &&
              take_text(json, "open_id", true, OPEN_ID_MAX, arena, &record->open_id, err) &&
              take_text(json, "scopes", false, TEXT_MAX_BYTES, arena, &record->scopes, err) &&
              take_text(json, "status", true, 64, arena, &record->status, err) &&
              take_text(json, "why", false, 64, arena, &record->why, err) &&
              take_settings(json_get(json, "settings"), arena, &record->settings, err) &&
              take_profile(json_get(json, "profile"), arena, &record->profile, err) &&
              take_text(json, "sealed", !str_is(record->status, "removed"), RECORD_MAX_BYTES, arena,
                        &record->sealed, err) &&
              take_aliases(json_get(json, "aliases"), arena, record, err) &&
              take_number(json, "connected_at", 0, &record->connected_at_ms, err) &&
              take_number(json, "token_at", 0, &record->token_at_ms, err);
    if (ok && (!json_i64(json_get(json, "rev"), &record->rev) ||
               !json_i64(json_get(json, "expires_at"), &record->expires_at_ms) ||
               !json_i64(json_get(json, "refresh_expires_at"), &record->refresh_expires_at_ms)))
        ok = error_set(err, ERR_INPUT,
                       "account record without rev, expires_at or refresh_expires_at");
    return ok;
}

bool account_record_decode(struct str value, struct account_record *record, struct arena *arena,
                           struct error *err)
{
    memset(record, 0, sizeof *record);
    struct json *json = json_parse(value, RECORD_MAX_BYTES, RECORD_MAX_DEPTH, err);
    if (!json)
        return error_wrap(err, "account record");
    bool ok = take_record(json, record, arena, err);
    json_free(json);
    return ok;
}
