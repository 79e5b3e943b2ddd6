// SPDX-License-Identifier: Apache-2.0
#include "control.h"

#include <cjson/cJSON.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <stdlib.h>
#include <string.h>

#include "call.h"
#include "sim.h"
#include "text.h"

void control_refuse(struct call *call, int http, const char *why)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "error", why);
    call_answer_json(call, http, json);
}

static int64_t query_number(struct call *call, const char *name, int64_t fallback)
{
    struct evkeyvalq query;
    int64_t          value = fallback;
    if (!call->query || evhttp_parse_query_str(call->query, &query) != 0)
        return fallback;
    const char *text = evhttp_find_header(&query, name);
    if (text && !text_to_number(text, &value))
        value = fallback;
    evhttp_clear_headers(&query);
    return value;
}

static void answer_lines(struct call *call, char *text, size_t len)
{
    call_answer_text(call, 200, "application/x-ndjson", "");
    free(call->out);
    call->out     = text;
    call->out_len = len;
}

static void get_ledger(struct call *call)
{
    struct publishes *all   = &call->sim->publishes;
    int64_t           after = query_number(call, "after", 0);
    int64_t           limit = query_number(call, "limit", INT64_MAX);
    size_t            size  = 65536;
    size_t            used  = 0;
    char             *lines = xcalloc(1, size);
    for (size_t i = (size_t)after; i < all->used && limit-- > 0; i++) {
        publish_settle(all->all[i], call->now_ms);
        cJSON *json = publish_json(all->all[i], call->now_ms, NULL);
        char  *text = cJSON_PrintUnformatted(json);
        size_t len  = strlen(text);
        if (used + len + 2 > size) {
            size  = (size + len) * 2;
            lines = xrealloc(lines, size);
        }
        memcpy(lines + used, text, len);
        used += len;
        lines[used++] = '\n';
        cJSON_free(text);
        cJSON_Delete(json);
    }
    answer_lines(call, lines, used);
}

static void get_calls(struct call *call)
{
    call_answer_json(call, 200, ledger_calls(call->sim, (size_t)query_number(call, "limit", 100)));
}

static void get_stats(struct call *call)
{
    call_answer_json(call, 200, ledger_stats(call->sim));
}

static void get_doubles(struct call *call)
{
    call_answer_json(call, 200, doubles_list(call->sim));
}

static void get_fault(struct call *call)
{
    call_answer_json(call, 200, fault_list(call->sim));
}

static void post_fault(struct call *call)
{
    cJSON      *json = cJSON_Parse(call->body);
    const char *why;
    int64_t     id = fault_add(call->sim, json, &why);
    cJSON_Delete(json);
    if (!id) {
        control_refuse(call, 400, why);
        return;
    }
    cJSON *answer = cJSON_CreateObject();
    cJSON_AddNumberToObject(answer, "id", (double)id);
    call_answer_json(call, 200, answer);
}

static void delete_fault(struct call *call)
{
    cJSON *answer = cJSON_CreateObject();
    cJSON_AddNumberToObject(answer, "removed", fault_clear(call->sim, query_number(call, "id", 0)));
    call_answer_json(call, 200, answer);
}

static void finish(struct call *call, struct publish *publish, const char *status,
                   const char *reason)
{
    publish_settle(publish, call->now_ms);
    bool       fails    = strcmp(status, "FAILED") == 0;
    bool       inbox    = strcmp(status, "SEND_TO_USER_INBOX") == 0 && publish->is_draft;
    bool       complete = strcmp(status, "PUBLISH_COMPLETE") == 0;
    enum state state    = fails ? STATE_FAILED : inbox ? STATE_INBOX : STATE_COMPLETE;
    bool       posts_it = publish->state == STATE_INBOX && (complete || fails);
    if (!fails && !inbox && !complete) {
        control_refuse(
            call, 400,
            "status must be FAILED, PUBLISH_COMPLETE or, for a draft, SEND_TO_USER_INBOX");
    } else if (publish_is_final(publish) && !posts_it) {
        control_refuse(call, 409, "it has ended already");
    } else if (publish->state == STATE_WAITING && !fails) {
        control_refuse(call, 409, "it still waits for bytes");
    } else {
        publish_end(publish, state, reason ? reason : "internal");
        call_answer_json(call, 200, publish_json(publish, call->now_ms, NULL));
    }
}

static void post_finish(struct call *call)
{
    cJSON      *json   = cJSON_Parse(call->body);
    const char *id     = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "publish_id"));
    const char *status = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "status"));
    const char *reason =
        cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "fail_reason"));
    struct publish *publish = id ? publish_get(call->sim, id) : NULL;
    if (!publish)
        control_refuse(call, 404, "no such publish_id");
    else
        finish(call, publish, status ? status : "", reason);
    cJSON_Delete(json);
}

static void forget_account(struct account *account)
{
    for (size_t i = 0; i < LIMIT_KINDS; i++)
        slide_fini(&account->logs[i]);
    free(account->posts);
    account->posts      = NULL;
    account->posts_used = account->posts_size = 0;
    account->in_flight = account->in_flight_internal = 0;
    account->active_prev = account->active_next = NULL;
    account->is_active                          = false;
}

// Accounts and their tokens stay; all that happened is forgotten. The ledger file is left alone.
static void post_reset(struct call *call)
{
    struct sim *sim    = call->sim;
    uint32_t    id_seq = sim->publishes.id_seq;
    park_drop_all(sim);
    fault_clear(sim, 0);
    doubles_fini(&sim->doubles);
    sim->doubles = (struct doubles){ 0 };
    publishes_fini(sim);
    sim->publishes = (struct publishes){ .id_seq = id_seq };
    for (size_t i = 0; i < sim->accounts.used; i++)
        forget_account(sim->accounts.all[i]);
    sim->accounts.active_first = sim->accounts.active_last = NULL;
    sim->accounts.active_count                             = 0;
    sim->accounts.max_in_flight = sim->accounts.max_in_flight_internal = 0;
    ledger_reset(&sim->ledger);
    call_answer_json(call, 200, cJSON_CreateObject());
}

static const struct {
    const char *path;               // behind /_sim/
    const char *method;             // one of those it knows
    void (*handle)(struct call *);  // makes the answer
} controls[] = {
    { "ledger", "GET", get_ledger },         { "calls", "GET", get_calls },
    { "stats", "GET", get_stats },           { "doubles", "GET", get_doubles },
    { "accounts", "GET", control_accounts }, { "accounts", "POST", control_accounts },
    { "fault", "GET", get_fault },           { "fault", "POST", post_fault },
    { "fault", "DELETE", delete_fault },     { "finish", "POST", post_finish },
    { "reset", "POST", post_reset },
};

void control_handle(struct call *call)
{
    const char *path = call->path + strlen("/_sim/");
    bool        seen = false;
    for (size_t i = 0; i < sizeof controls / sizeof controls[0]; i++) {
        if (strcmp(controls[i].path, path) != 0)
            continue;
        seen = true;
        if (strcmp(controls[i].method, call->method) == 0) {
            controls[i].handle(call);
            return;
        }
    }
    control_refuse(call, seen ? 405 : 404, seen ? "wrong method" : "no such control");
}
