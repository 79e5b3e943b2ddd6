// SPDX-License-Identifier: Apache-2.0
#include "job/account.h"

#include <string.h>

#include "io/json.h"

enum { LINE_MAX_BYTES = 16384, LINE_MAX_DEPTH = 4, RECORD_MAX_BYTES = 65536, TOKEN_MAX_BYTES = 4096 };

static bool take_text(const struct json *object, const char *field, bool required, size_t max, struct arena *arena,
                      struct str *text, struct error *err)
{
    const struct json *value = json_get(object, field);
    struct str         found = str_trim(json_text(value));
    if (value && !json_is_text(value) && !json_is_null(value))
        return error_set(err, ERR_INPUT, "\"%s\" must be text, not %s", field, json_kind(value));
    if (required && !found.len)
        return error_set(err, ERR_INPUT, "\"%s\" is missing", field);
    if (found.len > max)
        return error_set(err, ERR_INPUT, "\"%s\" has %zu bytes, at most %zu are allowed", field, found.len, max);
    *text = arena_copy(arena, found);
    return true;
}

static bool take_seconds(const struct json *object, const char *field, int64_t *seconds, struct error *err)
{
    if (!json_i64(json_get(object, field), seconds) || *seconds < 0 || *seconds > INT64_C(100) * 366 * 86400)
        return error_set(err, ERR_INPUT, "\"%s\" must be a number of seconds", field);
    return true;
}

static bool alias_valid(struct str alias)
{
    if (alias.len < 2 || alias.p[0] != '@')
        return false;
    for (size_t i = 1; i < alias.len; i++)
        if ((unsigned char)alias.p[i] <= ' ' || alias.p[i] == 0x7f)
            return false;
    return true;
}

bool account_tokens_decode(struct str line, struct account_tokens *tokens, struct error *err)
{
    memset(tokens, 0, sizeof *tokens);
    struct arena *arena = &tokens->arena;
    struct json  *json  = json_parse(line, LINE_MAX_BYTES, LINE_MAX_DEPTH, err);
    if (!json)
        return false;
    bool ok = json_is_object(json) ? true : error_set(err, ERR_INPUT, "not a JSON object");
    if (ok && json_get(json, "error"))
        ok = error_set(err, ERR_INPUT, "this is an error answer of TikTok, not a token");
    ok = ok && take_text(json, "open_id", true, OPEN_ID_MAX, arena, &tokens->open_id, err) &&
         take_text(json, "access_token", true, TOKEN_MAX_BYTES, arena, &tokens->access_token, err) &&
         take_text(json, "refresh_token", true, TOKEN_MAX_BYTES, arena, &tokens->refresh_token, err) &&
         take_text(json, "scope", true, 1024, arena, &tokens->scope, err) &&
         take_text(json, "alias", false, OPEN_ID_MAX, arena, &tokens->alias, err) &&
         take_seconds(json, "expires_in", &tokens->expires_in_s, err) &&
         take_seconds(json, "refresh_expires_in", &tokens->refresh_expires_in_s, err);
    if (ok && tokens->alias.len && !alias_valid(tokens->alias))
        ok = error_set(err, ERR_INPUT, "\"alias\" must be @ and a name without spaces");
    if (ok && tokens->open_id.p[0] == '@')
        ok = error_set(err, ERR_INPUT, "\"open_id\" must not begin with @");
    json_free(json);
    if (!ok)
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

bool account_seal(const struct seal *seal, const char *fleet, const struct account_tokens *tokens, struct buf *sealed,
                  struct error *err)
{
    struct buf context, text;
    context_of(fleet, tokens->open_id, &context);
    buf_init(&text, 3 * TOKEN_MAX_BYTES);
    struct json *object = json_object();
    json_set_text(object, "access_token", tokens->access_token);
    json_set_text(object, "refresh_token", tokens->refresh_token);
    json_print(object, &text);
    json_free(object);
    bool ok = seal_close(seal, buf_str(&context), buf_str(&text), sealed, err);
    buf_wipe(&text);
    buf_fini(&context);
    return ok;
}

bool account_unseal(const struct seal *seal, const char *fleet, struct str open_id, struct str sealed,
                    struct buf *access_token, struct error *err)
{
    struct buf context, text;
    context_of(fleet, open_id, &context);
    buf_init(&text, 3 * TOKEN_MAX_BYTES);
    bool ok = seal_open(seal, buf_str(&context), sealed, &text, err);
    if (ok) {
        struct json *json = json_parse(buf_str(&text), text.max, LINE_MAX_DEPTH, err);
        ok                = json != NULL;
        if (ok) {
            buf_init(access_token, TOKEN_MAX_BYTES);
            ok = buf_add(access_token, json_text(json_get(json, "access_token"))) && access_token->len;
            if (!ok)
                error_set(err, ERR_SEALED, "the sealed tokens hold no access token");
        }
        json_free(json);
    }
    buf_wipe(&text);
    buf_fini(&context);
    return ok;
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
    json_set_null(object, "settings");
    json_set_null(object, "profile");
    json_set_text(object, "sealed", record->sealed);
    json_set_i64(object, "expires_at", record->expires_at_ms);
    json_set_i64(object, "refresh_expires_at", record->refresh_expires_at_ms);
    json_print(object, value);
    json_free(object);
}

bool account_record_decode(struct str value, struct account_record *record, struct arena *arena, struct error *err)
{
    memset(record, 0, sizeof *record);
    int64_t      version = 0;
    struct json *json    = json_parse(value, RECORD_MAX_BYTES, LINE_MAX_DEPTH, err);
    if (!json)
        return error_wrap(err, "account record");
    bool ok = json_i64(json_get(json, "v"), &version) && version >= 1;
    if (!ok)
        error_set(err, ERR_INPUT, "account record without a version");
    else if (version > ACCOUNT_VERSION)
        ok = error_set(err, ERR_INPUT, "account record of version %" PRIi64 ", this program knows %d", version,
                       ACCOUNT_VERSION);
    ok = ok && take_text(json, "open_id", true, OPEN_ID_MAX, arena, &record->open_id, err) &&
         take_text(json, "scopes", false, 1024, arena, &record->scopes, err) &&
         take_text(json, "status", true, 64, arena, &record->status, err) &&
         take_text(json, "sealed", true, RECORD_MAX_BYTES, arena, &record->sealed, err);
    if (ok && (!json_i64(json_get(json, "rev"), &record->rev) ||
               !json_i64(json_get(json, "expires_at"), &record->expires_at_ms) ||
               !json_i64(json_get(json, "refresh_expires_at"), &record->refresh_expires_at_ms)))
        ok = error_set(err, ERR_INPUT, "account record without rev, expires_at or refresh_expires_at");
    const struct json *aliases = json_get(json, "aliases");
    for (size_t i = 0; ok && i < json_count(aliases) && i < COUNT_OF(record->aliases); i++)
        record->aliases[record->alias_count++] = arena_copy(arena, json_text(json_at(aliases, i)));
    json_free(json);
    return ok;
}
