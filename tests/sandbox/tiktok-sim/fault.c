// SPDX-License-Identifier: Apache-2.0
#include "fault.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

#include "call.h"
#include "sim.h"

#define APOLOGY "Something is wrong. Please try again later."

static const struct kind {
    const char       *name;    // in the rule's "do"
    enum fault_answer answer;  // what the client gets
    bool              effect;  // unless the rule says otherwise
    bool              is_bad;  // needs an HTTP status (default 502)
} kinds[] = {
    { "delay", FAULT_ANSWER_TRUE, true, false },
    { "hang", FAULT_ANSWER_NEVER, false, false },
    { "status", FAULT_ANSWER_EMPTY, false, true },
    { "html", FAULT_ANSWER_HTML, false, true },
    { "broken_json", FAULT_ANSWER_BROKEN, true, false },
    { "reset", FAULT_ANSWER_RESET, false, false },
    { "effect_no_answer", FAULT_ANSWER_RESET, true, false },
    { "effect_hang", FAULT_ANSWER_NEVER, true, false },
    { "truncate", FAULT_ANSWER_TRUNCATE, true, false },
    { "error", FAULT_ANSWER_ERROR, false, true },
    { "effect_then_status", FAULT_ANSWER_HTML, true, true },
};

static bool contains(const char *text, const char *part)
{
    return text && strstr(text, part);
}

static bool matches(const struct fault *fault, const struct call *call)
{
    if (fault->endpoint != END_KINDS && fault->endpoint != (int)call->endpoint)
        return false;
    if (fault->account && (!call->account || strcmp(call->account->open_id, fault->account) != 0))
        return false;
    const char *part = fault->url_contains;
    return !part || contains(call->path, part) || contains(call->query, part) ||
           contains(call->body, part);
}

const struct fault *fault_fire(struct call *call)
{
    for (struct fault *fault = call->sim->faults.first; fault; fault = fault->next) {
        if ((fault->count >= 0 && fault->hits >= fault->count) || !matches(fault, call))
            continue;
        if (fault->matched++ < fault->skip ||
            chance_fraction(&call->sim->chance) >= fault->probability)
            continue;
        fault->hits++;
        return fault;
    }
    return NULL;
}

static double number(const cJSON *json, const char *name, double fallback)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, name);
    return cJSON_IsNumber(item) ? item->valuedouble : fallback;
}

static const char *text(const cJSON *json, const char *name)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, name));
}

static const char *check_names(const cJSON *json)
{
    static const char *const names[] = { "endpoint",    "account", "url_contains", "count",
                                         "probability", "skip",    "do",           "ms",
                                         "http",        "code",    "message",      "effect" };
    const cJSON             *item;
    if (!cJSON_IsObject(json))
        return "a rule must be an object";
    cJSON_ArrayForEach(item, json)
    {
        size_t i = 0;
        while (i < sizeof names / sizeof names[0] && strcmp(names[i], item->string) != 0)
            i++;
        if (i == sizeof names / sizeof names[0])
            return "unknown field in the rule";
    }
    return NULL;
}

static const char *check_numbers(const cJSON *json)
{
    if (number(json, "http", 502) < 100 || number(json, "http", 502) > 599)
        return "http must be 100 to 599";
    if (number(json, "ms", 0) < 0 || number(json, "ms", 0) > 86400000.0)
        return "ms must be 0 to 86400000";
    if (number(json, "count", -1) < -1 || number(json, "count", -1) > 1e12 ||
        number(json, "skip", 0) < 0 || number(json, "skip", 0) > 1e12)
        return "count or skip is out of range";
    return NULL;
}

static const struct kind *find_kind(const char *name)
{
    for (size_t i = 0; name && i < sizeof kinds / sizeof kinds[0]; i++)
        if (strcmp(kinds[i].name, name) == 0)
            return &kinds[i];
    return NULL;
}

static struct fault *fault_new(const cJSON *json, const struct kind *kind, int endpoint)
{
    struct fault *fault  = xcalloc(1, sizeof *fault);
    const cJSON  *effect = cJSON_GetObjectItemCaseSensitive(json, "effect");
    fault->name          = kind->name;
    fault->answer        = kind->answer;
    fault->effect        = cJSON_IsBool(effect) ? cJSON_IsTrue(effect) : kind->effect;
    fault->endpoint      = endpoint;
    fault->account       = xstrdup(text(json, "account"));
    fault->url_contains  = xstrdup(text(json, "url_contains"));
    fault->code          = xstrdup(text(json, "code") ? text(json, "code") : "internal_error");
    fault->message       = xstrdup(text(json, "message") ? text(json, "message") : APOLOGY);
    fault->count         = (int64_t)number(json, "count", 1);
    fault->skip          = (int64_t)number(json, "skip", 0);
    fault->ms          = (int64_t)number(json, "ms", kind->answer == FAULT_ANSWER_TRUE ? 1000 : 0);
    fault->probability = number(json, "probability", 1);
    fault->http        = (int)number(json, "http", kind->is_bad ? 502 : 200);
    return fault;
}

int64_t fault_add(struct sim *sim, const cJSON *json, const char **why)
{
    const struct kind *kind     = find_kind(text(json, "do"));
    const char        *name     = text(json, "endpoint");
    bool               any      = !name || strcmp(name, "any") == 0;
    enum endpoint      endpoint = any ? END_KINDS : endpoint_by_name(name);
    *why                        = check_names(json);
    if (!*why)
        *why = check_numbers(json);
    if (!*why && !kind)
        *why = "unknown do";
    if (!*why && !any && (endpoint == END_KINDS || endpoint == END_NONE || endpoint == END_CONTROL))
        *why = "unknown endpoint";
    if (*why)
        return 0;
    struct fault  *fault = fault_new(json, kind, (int)endpoint);
    struct fault **at    = &sim->faults.first;
    while (*at)
        at = &(*at)->next;
    *at       = fault;
    fault->id = ++sim->faults.made;
    return fault->id;
}

int fault_clear(struct sim *sim, int64_t id)
{
    int gone = 0;
    for (struct fault **at = &sim->faults.first; *at;) {
        struct fault *fault = *at;
        if (id && fault->id != id) {
            at = &fault->next;
            continue;
        }
        *at = fault->next;
        free(fault->account);
        free(fault->url_contains);
        free(fault->code);
        free(fault->message);
        free(fault);
        gone++;
    }
    return gone;
}

cJSON *fault_list(struct sim *sim)
{
    cJSON *list = cJSON_CreateArray();
    for (const struct fault *fault = sim->faults.first; fault; fault = fault->next) {
        cJSON *item = cJSON_CreateObject();
        cJSON_AddNumberToObject(item, "id", (double)fault->id);
        cJSON_AddStringToObject(item, "do", fault->name);
        cJSON_AddStringToObject(
            item, "endpoint",
            fault->endpoint == END_KINDS ? "any" : endpoint_name((enum endpoint)fault->endpoint));
        if (fault->account)
            cJSON_AddStringToObject(item, "account", fault->account);
        if (fault->url_contains)
            cJSON_AddStringToObject(item, "url_contains", fault->url_contains);
        cJSON_AddBoolToObject(item, "effect", fault->effect);
        cJSON_AddNumberToObject(item, "count", (double)fault->count);
        cJSON_AddNumberToObject(item, "skip", (double)fault->skip);
        cJSON_AddNumberToObject(item, "probability", fault->probability);
        cJSON_AddNumberToObject(item, "matched", (double)fault->matched);
        cJSON_AddNumberToObject(item, "hits", (double)fault->hits);
        cJSON_AddItemToArray(list, item);
    }
    return list;
}
