// SPDX-License-Identifier: Apache-2.0
#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

#include "call.h"
#include "control.h"
#include "sim.h"

static const cJSON *get(const cJSON *json, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(json, name);
}

static void set_bool(const cJSON *json, const char *name, bool *value)
{
    const cJSON *item = get(json, name);
    if (cJSON_IsBool(item))
        *value = cJSON_IsTrue(item);
}

static void set_text(const cJSON *json, const char *name, char *value, size_t size)
{
    const char *text = cJSON_GetStringValue(get(json, name));
    if (text)
        text_copy(value, size, text);
}

static void set_number(const cJSON *json, const char *name, int64_t *value)
{
    const cJSON *item = get(json, name);
    if (cJSON_IsNumber(item))
        *value = (int64_t)item->valuedouble;
}

// Bits from a list of names, or from one text of names by commas. False for an unknown name.
static bool set_bits(const cJSON *item, unsigned (*bit_of)(const char *), unsigned *bits)
{
    unsigned all = 0;
    bool     ok  = true;
    if (!item)
        return true;
    if (cJSON_IsString(item)) {
        char *copy = xstrdup(item->valuestring);
        char *save = copy;
        for (char *name; (name = strsep(&save, ","));) {
            ok = ok && (!*name || bit_of(name));
            all |= bit_of(name);
        }
        free(copy);
    } else {
        const cJSON *name;
        ok = cJSON_IsArray(item);
        cJSON_ArrayForEach(name, item)
        {
            ok = ok && cJSON_IsString(name) && bit_of(name->valuestring);
            all |= ok ? bit_of(name->valuestring) : 0;
        }
    }
    if (ok)
        *bits = all;
    return ok;
}

static bool is_in_range(const cJSON *json, const char *name, double min)
{
    const cJSON *item = get(json, name);
    return !item || (cJSON_IsNumber(item) && item->valuedouble >= min && item->valuedouble <= 1e9);
}

static const char *check_fields(const cJSON *json)
{
    static const char *const names[] = { "open_id",
                                         "alias",
                                         "username",
                                         "nickname",
                                         "access_token",
                                         "refresh_token",
                                         "expires_in",
                                         "scope",
                                         "scopes",
                                         "private",
                                         "privacy_level_options",
                                         "max_video_post_duration_sec",
                                         "comment_disabled",
                                         "duet_disabled",
                                         "stitch_disabled",
                                         "banned",
                                         "day_cap",
                                         "audited" };
    const cJSON             *item;
    if (!cJSON_IsObject(json))
        return "an account must be an object";
    cJSON_ArrayForEach(item, json)
    {
        size_t i = 0;
        while (i < sizeof names / sizeof names[0] && strcmp(names[i], item->string) != 0)
            i++;
        if (i == sizeof names / sizeof names[0])
            return "unknown field in the account";
    }
    if (!is_in_range(json, "expires_in", 0) || !is_in_range(json, "day_cap", -1) ||
        !is_in_range(json, "max_video_post_duration_sec", 0))
        return "a number is out of range";
    return NULL;
}

static void set_private(const cJSON *json, struct account *account)
{
    bool was = account->is_private;
    set_bool(json, "private", &account->is_private);
    if (was != account->is_private)
        account->privacy_options = PRIVACY_MUTUAL | PRIVACY_SELF_ONLY |
                                   (account->is_private ? PRIVACY_FOLLOWER : PRIVACY_PUBLIC);
}

static void set_tokens(struct sim *sim, const cJSON *json, struct account *account)
{
    const char *access  = cJSON_GetStringValue(get(json, "access_token"));
    const char *refresh = cJSON_GetStringValue(get(json, "refresh_token"));
    int64_t     ttl_s   = sim->options.token_ttl_s;
    char        text[sizeof account->access_token];
    set_number(json, "expires_in", &ttl_s);
    text_copy(text, sizeof text, access ? access : account->access_token);
    if (access || get(json, "expires_in"))
        account_set_access(sim, account, text, ttl_s);
    if (refresh)
        account_set_refresh(sim, account, refresh);
}

static const char *apply(struct sim *sim, const cJSON *json, struct account **account)
{
    const char *why     = check_fields(json);
    const char *open_id = cJSON_GetStringValue(get(json, "open_id"));
    unsigned    scopes, options;
    if (!why && (!set_bits(get(json, "scopes"), scope_bit, &scopes) ||
                 !set_bits(get(json, "scope"), scope_bit, &scopes)))
        why = "unknown scope";
    if (!why && !set_bits(get(json, "privacy_level_options"), privacy_bit, &options))
        why = "unknown privacy level";
    if (why)
        return why;
    struct account *it = open_id ? account_get(sim, open_id) : NULL;
    if (!it)
        it = account_new(sim, open_id);
    set_bits(get(json, "scopes"), scope_bit, &it->scopes);
    set_bits(get(json, "scope"), scope_bit, &it->scopes);
    set_private(json, it);
    set_bits(get(json, "privacy_level_options"), privacy_bit, &it->privacy_options);
    set_bool(json, "comment_disabled", &it->comment_disabled);
    set_bool(json, "duet_disabled", &it->duet_disabled);
    set_bool(json, "stitch_disabled", &it->stitch_disabled);
    set_bool(json, "banned", &it->banned);
    set_bool(json, "audited", &it->audited);
    set_number(json, "max_video_post_duration_sec", &it->max_duration_s);
    set_number(json, "day_cap", &it->day_cap);
    set_text(json, "alias", it->alias, sizeof it->alias);
    set_text(json, "username", it->username, sizeof it->username);
    set_text(json, "nickname", it->nickname, sizeof it->nickname);
    set_tokens(sim, json, it);
    *account = it;
    return NULL;
}

static cJSON *account_json(struct sim *sim, const struct account *account)
{
    cJSON *json = account_token_answer(sim, account);
    cJSON_AddStringToObject(json, "alias", account->alias);
    cJSON_AddStringToObject(json, "username", account->username);
    cJSON_AddStringToObject(json, "nickname", account->nickname);
    cJSON_AddBoolToObject(json, "private", account->is_private);
    cJSON_AddItemToObject(json, "privacy_level_options", privacy_list(account->privacy_options));
    cJSON_AddBoolToObject(json, "banned", account->banned);
    cJSON_AddBoolToObject(json, "audited", account->audited);
    cJSON_AddNumberToObject(json, "day_cap", (double)account->day_cap);
    cJSON_AddNumberToObject(json, "refreshes", (double)account->refreshes);
    cJSON_AddNumberToObject(json, "refresh_reused", (double)account->refresh_reused);
    cJSON_AddNumberToObject(json, "in_flight", (double)account->in_flight);
    cJSON_AddNumberToObject(json, "in_flight_internal", (double)account->in_flight_internal);
    return json;
}

static void post_accounts(struct call *call, const cJSON *json)
{
    cJSON          *list    = cJSON_CreateArray();
    struct account *account = NULL;
    const char     *why     = NULL;
    const cJSON    *one     = cJSON_IsArray(json) ? json->child : json;
    for (; !why && one; one = cJSON_IsArray(json) ? one->next : NULL) {
        why = apply(call->sim, one, &account);
        if (!why)
            cJSON_AddItemToArray(list, account_json(call->sim, account));
    }
    if (!why && json) {
        call_answer_json(call, 200, list);
        return;
    }
    cJSON_Delete(list);
    control_refuse(call, 400, why ? why : "the body is not JSON");
}

void control_accounts(struct call *call)
{
    if (strcmp(call->method, "POST") == 0) {
        cJSON *json = cJSON_Parse(call->body);
        post_accounts(call, json);
        cJSON_Delete(json);
        return;
    }
    cJSON *list = cJSON_CreateArray();
    for (size_t i = 0; i < call->sim->accounts.used; i++)
        cJSON_AddItemToArray(list, account_json(call->sim, call->sim->accounts.all[i]));
    call_answer_json(call, 200, list);
}
