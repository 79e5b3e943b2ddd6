// SPDX-License-Identifier: Apache-2.0
#include "job/account_store.h"

#include <stdio.h>
#include <string.h>

#include "io/json.h"

enum {
    NUMBER_BYTES       = 24,
    ALIASES_BYTES      = ALIASES_MAX * (OPEN_ID_MAX + 1),
    SETTINGS_MAX_BYTES = 65536,
    PROFILE_TEXTS      = 3,
    PROFILE_NUMBERS    = 6
};

// the profile's fields in the hash; a text that is empty and a number below 0 are no field at all
struct text_field {
    const char *name;
    size_t      offset;  // of a struct str in struct account_profile
};

struct number_field {
    const char *name;
    size_t      offset;  // of an int64_t
};

static const struct text_field text_fields[PROFILE_TEXTS] = {
    { "username", offsetof(struct account_profile, username) },
    { "display_name", offsetof(struct account_profile, display_name) },
    { "avatar_url", offsetof(struct account_profile, avatar_url) },
};

static const struct number_field number_fields[PROFILE_NUMBERS] = {
    { "verified", offsetof(struct account_profile, verified) },
    { "followers", offsetof(struct account_profile, followers) },
    { "following", offsetof(struct account_profile, following) },
    { "likes", offsetof(struct account_profile, likes) },
    { "videos", offsetof(struct account_profile, videos) },
    { "t_profile", offsetof(struct account_profile, at_ms) },
};

static const struct str *text_at(const struct account_profile *profile, size_t i)
{
    return (const void *)((const char *)profile + text_fields[i].offset);
}

static const int64_t *number_at(const struct account_profile *profile, size_t i)
{
    return (const void *)((const char *)profile + number_fields[i].offset);
}

static struct str number_text(char out[NUMBER_BYTES], int64_t number)
{
    return (struct str){ out, (size_t)snprintf(out, NUMBER_BYTES, "%" PRIi64, number) };
}

static size_t fill_profile(const struct account_profile *profile,
                           char numbers[PROFILE_NUMBERS][NUMBER_BYTES], struct str *pairs)
{
    size_t count = 0;
    for (size_t i = 0; i < PROFILE_TEXTS; i++) {
        pairs[count++] = str_of(text_fields[i].name);
        pairs[count++] = *text_at(profile, i);
    }
    for (size_t i = 0; i < PROFILE_NUMBERS; i++) {
        int64_t number = *number_at(profile, i);
        pairs[count++] = str_of(number_fields[i].name);
        pairs[count++] =
            profile->at_ms > 0 && number >= 0 ? number_text(numbers[i], number) : (struct str){ 0 };
    }
    return count;
}

void account_store(struct store *store, const struct account_record *record, size_t alias,
                   int64_t seen, struct str taker, struct str by, struct redis_reply *reply,
                   struct call *call, call_done *done)
{
    char       numbers[6][NUMBER_BYTES], profile_numbers[PROFILE_NUMBERS][NUMBER_BYTES];
    struct str profile[2 * (PROFILE_TEXTS + PROFILE_NUMBERS)];
    struct buf aliases;
    buf_init(&aliases, ALIASES_BYTES);
    for (size_t i = 0; i < record->alias_count; i++)
        buf_printf(&aliases, "%s%.*s", i ? " " : "", STR_ARG(record->aliases[i]));
    struct account_args args = {
        .open_id            = record->open_id,
        .rev                = number_text(numbers[0], record->rev),
        .seen               = seen < 0 ? STR("") : number_text(numbers[1], seen),
        .alias              = alias < record->alias_count ? record->aliases[alias] : STR(""),
        .aliases            = buf_str(&aliases),
        .sealed             = record->sealed,
        .scopes             = record->scopes,
        .status             = record->status,
        .why                = record->why,
        .settings           = record->settings,
        .connected_at       = number_text(numbers[2], record->connected_at_ms),
        .token_at           = number_text(numbers[3], record->token_at_ms),
        .expires_at         = number_text(numbers[4], record->expires_at_ms),
        .refresh_expires_at = number_text(numbers[5], record->refresh_expires_at_ms),
        .taker              = taker,
        .by                 = by,
        .profile            = profile,
        .profile_count      = fill_profile(&record->profile, profile_numbers, profile),
    };
    script_account(store, &args, reply, call, done);
    buf_fini(&aliases);
}

bool account_store_answer(const struct error *call_err, const struct redis_reply *reply,
                          struct account_stored *stored, struct error *err)
{
    const struct answer *answer = &reply->answer;
    *stored                     = (struct account_stored){ 0 };
    if (!store_word(call_err, reply, &stored->word, err))
        return false;
    if (stored->word == WORD_STATE)
        stored->owner = answer_item(answer, 1);
    if (stored->word == WORD_OK && answer->count > 1 && answer->items[1].kind == ANSWER_INTEGER)
        stored->left = answer->items[1].number;
    stored->newer = stored->word == WORD_OK && str_is(answer_item(answer, 2), "NEWER");
    return true;
}

// ---- back

static bool take_number(const struct answer *fields, const char *name, int64_t otherwise,
                        int64_t *number)
{
    struct str text = answer_field(fields, name);
    *number         = otherwise;
    return !text.len || str_to_i64(text, number);
}

static bool take_aliases(struct str aliases, struct account_record *record, struct arena *arena)
{
    struct str alias;
    while (str_cut(&aliases, ' ', &alias)) {
        if (!alias.len)
            continue;
        if (record->alias_count == ALIASES_MAX)
            return false;
        record->aliases[record->alias_count++] = arena_copy(arena, alias);
    }
    return true;
}

// Settings go into the record as they stand: what is not an object is left out.
static void take_settings(struct str settings, struct account_record *record, struct arena *arena)
{
    struct error ignored;
    struct json *json = settings.len ? json_parse(settings, SETTINGS_MAX_BYTES, 6, &ignored) : NULL;
    if (json_is_object(json))
        record->settings = arena_copy(arena, settings);
    json_free(json);
}

static bool take_profile(const struct answer *fields, struct account_profile *profile,
                         struct arena *arena)
{
    bool ok = true;
    for (size_t i = 0; i < PROFILE_TEXTS; i++)
        *(struct str *)(void *)((char *)profile + text_fields[i].offset) =
            arena_copy(arena, answer_field(fields, text_fields[i].name));
    for (size_t i = 0; ok && i < PROFILE_NUMBERS; i++)
        ok = take_number(fields, number_fields[i].name, -1,
                         (int64_t *)(void *)((char *)profile + number_fields[i].offset));
    if (profile->at_ms < 0)
        profile->at_ms = 0;
    return ok;
}

bool account_read_answer(const struct redis_reply *reply, struct account_record *record,
                         struct arena *arena, struct error *err)
{
    const struct answer *answer = &reply->answer;
    memset(record, 0, sizeof *record);
    if (answer->kind != ANSWER_ARRAY || answer->count < 3)
        return error_set(err, ERR_BROKEN,
                         "redis: account_read answered something else than an account");
    struct answer fields = { .kind  = ANSWER_ARRAY,
                             .items = answer->items + 3,
                             .count = answer->count - 3 };
    struct str    text   = answer_field(&fields, "aliases");
    record->open_id      = arena_copy(arena, answer_item(answer, 1));
    record->sealed       = arena_copy(arena, answer_item(answer, 2));
    record->scopes       = arena_copy(arena, answer_field(&fields, "scopes"));
    record->status       = arena_copy(arena, answer_field(&fields, "status"));
    record->why          = arena_copy(arena, answer_field(&fields, "parked_why"));
    take_settings(answer_field(&fields, "settings"), record, arena);
    // an account that a program of the version before stored has only its newest alias there
    bool ok = take_aliases(text.len ? text : answer_field(&fields, "alias"), record, arena) &&
              take_profile(&fields, &record->profile, arena) &&
              take_number(&fields, "rev", -1, &record->rev) &&
              take_number(&fields, "connected_at", 0, &record->connected_at_ms) &&
              take_number(&fields, "token_at", 0, &record->token_at_ms) &&
              take_number(&fields, "expires_at", 0, &record->expires_at_ms) &&
              take_number(&fields, "refresh_expires_at", 0, &record->refresh_expires_at_ms);
    if (!ok || record->rev < 0 || !record->status.len)
        return error_set(err, ERR_BROKEN, "account %.*s: what Redis holds of it is not an account",
                         STR_ARG(record->open_id));
    return true;
}
