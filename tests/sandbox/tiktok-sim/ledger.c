// SPDX-License-Identifier: Apache-2.0
#include "ledger.h"

#include <cjson/cJSON.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "call.h"
#include "sim.h"

bool ledger_open(struct sim *sim)
{
    struct ledger *ledger = &sim->ledger;
    ledger->fd            = -1;
    ledger->notes_size    = (size_t)sim->options.calls_kept;
    ledger->notes         = xcalloc(ledger->notes_size, sizeof *ledger->notes);
    if (!sim->options.ledger)
        return true;
    ledger->fd = open(sim->options.ledger, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    return ledger->fd >= 0;
}

void ledger_reset(struct ledger *ledger)
{
    const char *key;
    void       *count;
    for (size_t at = 0; table_next(&ledger->counts, &at, &key, &count);)
        free(count);
    table_fini(&ledger->counts);
    *ledger = (struct ledger){ .fd         = ledger->fd,
                               .notes      = ledger->notes,
                               .notes_size = ledger->notes_size };
}

void ledger_fini(struct ledger *ledger)
{
    ledger_reset(ledger);
    free(ledger->notes);
    if (ledger->fd >= 0)
        close(ledger->fd);
}

// Takes event.
static void append(struct sim *sim, cJSON *event)
{
    char *text = sim->ledger.fd >= 0 ? cJSON_PrintUnformatted(event) : NULL;
    if (text) {
        struct iovec parts[2] = { { text, strlen(text) }, { (void *)(uintptr_t) "\n", 1 } };
        if (writev(sim->ledger.fd, parts, 2) < 0)
            perror("tiktok-sim: ledger");
    }
    cJSON_free(text);
    cJSON_Delete(event);
}

static cJSON *event_new(const char *name, int64_t time_ms)
{
    cJSON *event = cJSON_CreateObject();
    cJSON_AddStringToObject(event, "event", name);
    cJSON_AddNumberToObject(event, "time_ms", (double)time_ms);
    return event;
}

static cJSON *event_of_call(const struct call *call, const char *name)
{
    cJSON *event = event_new(name, call->now_ms);
    cJSON_AddStringToObject(event, "call", endpoint_name(call->endpoint));
    if (call->account)
        cJSON_AddStringToObject(event, "account", call->account->open_id);
    cJSON_AddStringToObject(event, "log_id", call->log_id);
    return event;
}

static cJSON *event_of_publish(const struct publish *publish, const char *name)
{
    cJSON *event = event_new(name, clock_now_ms());
    cJSON_AddNumberToObject(event, "seq", (double)publish->seq);
    cJSON_AddStringToObject(event, "account", publish->account->open_id);
    cJSON_AddStringToObject(event, "publish_id", publish->id);
    return event;
}

void ledger_breach(struct call *call, enum limit_kind kind)
{
    call->sim->ledger.breaches[kind]++;
    cJSON *event = event_of_call(call, "breach");
    cJSON_AddStringToObject(event, "kind", limit_kind_name(kind));
    append(call->sim, event);
}

void ledger_refused(struct call *call, const cJSON *unknown)
{
    call->sim->ledger.refused++;
    cJSON *event = event_of_call(call, "refused");
    cJSON_AddNumberToObject(event, "http", call->http);
    cJSON_AddStringToObject(event, "code", call->code);
    cJSON *body = call->out ? cJSON_Parse(call->out) : NULL;
    cJSON *text = cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(body, "error"),
                                                   "message");
    if (cJSON_IsString(text))
        cJSON_AddStringToObject(event, "message", text->valuestring);
    cJSON_Delete(body);
    if (unknown && unknown->child)
        cJSON_AddItemToObject(event, "unknown_fields", cJSON_Duplicate(unknown, true));
    append(call->sim, event);
}

void ledger_init(struct call *call, const struct publish *publish)
{
    append(call->sim, publish_json(publish, call->now_ms, "init"));
}

void ledger_end(struct sim *sim, const struct publish *publish)
{
    cJSON *event = event_of_publish(publish, "end");
    publish_add_end(publish, event);
    append(sim, event);
}

void ledger_publish(struct sim *sim, const char *name, const struct publish *publish)
{
    append(sim, event_of_publish(publish, name));
}

void ledger_double(struct sim *sim, const struct publish *first, const struct publish *second,
                   const char *by)
{
    cJSON *event = event_of_publish(second, "double");
    cJSON_AddStringToObject(event, "first_publish_id", first->id);
    cJSON_AddStringToObject(event, "by", by);
    append(sim, event);
}

void ledger_call_event(struct call *call, const char *name)
{
    cJSON *event = event_of_call(call, name);
    if (call->fault)
        cJSON_AddStringToObject(event, "fault", call->fault);
    append(call->sim, event);
}

static void count_call(struct ledger *ledger, const struct call *call)
{
    char key[128];
    if (call->http)
        snprintf(key, sizeof key, "%s %d %s", endpoint_name(call->endpoint), call->http,
                 call->code);
    else
        snprintf(key, sizeof key, "%s 0 no_answer", endpoint_name(call->endpoint));
    struct count *count = table_get(&ledger->counts, key);
    if (!count) {
        count = xcalloc(1, sizeof *count);
        text_copy(count->key, sizeof count->key, key);
        table_put(&ledger->counts, count->key, count);
    }
    count->calls++;
}

void ledger_call(struct call *call)
{
    struct sim    *sim    = call->sim;
    struct ledger *ledger = &sim->ledger;
    if (call->endpoint == END_CONTROL)
        return;
    ledger->requests++;
    count_call(ledger, call);
    struct call_note *note = &ledger->notes[ledger->notes_made++ % ledger->notes_size];
    *note                  = (struct call_note){ .at_ms    = call->now_ms,
                                                 .took_ms  = clock_now_ms() - call->now_ms,
                                                 .endpoint = endpoint_name(call->endpoint),
                                                 .fault    = call->fault,
                                                 .http     = call->http,
                                                 .answered = call->will_answer };
    text_copy(note->method, sizeof note->method, call->method);
    text_copy(note->code, sizeof note->code, call->code);
    text_copy(note->log_id, sizeof note->log_id, call->log_id);
    if (call->account)
        text_copy(note->account, sizeof note->account, call->account->open_id);
    if (call->made)
        text_copy(note->publish_id, sizeof note->publish_id, call->made->id);
    if (sim->options.verbose)
        printf("%lld %s %d %s %s%s%s\n", (long long)note->at_ms, note->endpoint, note->http,
               note->code, note->account, note->fault ? " fault=" : "",
               note->fault ? note->fault : "");
}

cJSON *ledger_calls(struct sim *sim, size_t limit)
{
    struct ledger *ledger = &sim->ledger;
    uint64_t       kept =
        ledger->notes_made < ledger->notes_size ? ledger->notes_made : ledger->notes_size;
    if (kept > limit)
        kept = limit;
    cJSON *list = cJSON_CreateArray();
    for (uint64_t i = ledger->notes_made - kept; i < ledger->notes_made; i++) {
        const struct call_note *note = &ledger->notes[i % ledger->notes_size];
        cJSON                  *item = cJSON_CreateObject();
        cJSON_AddNumberToObject(item, "number", (double)(i + 1));
        cJSON_AddNumberToObject(item, "time_ms", (double)note->at_ms);
        cJSON_AddNumberToObject(item, "took_ms", (double)note->took_ms);
        cJSON_AddStringToObject(item, "call", note->endpoint);
        cJSON_AddStringToObject(item, "method", note->method);
        cJSON_AddStringToObject(item, "account", note->account);
        cJSON_AddNumberToObject(item, "http", note->http);
        cJSON_AddStringToObject(item, "code", note->code);
        cJSON_AddStringToObject(item, "log_id", note->log_id);
        cJSON_AddBoolToObject(item, "answered", note->answered);
        if (note->publish_id[0])
            cJSON_AddStringToObject(item, "publish_id", note->publish_id);
        if (note->fault)
            cJSON_AddStringToObject(item, "fault", note->fault);
        cJSON_AddItemToArray(list, item);
    }
    return list;
}

// {"video_init":{"200 ok":5}}
static void add_counts(struct ledger *ledger, cJSON *stats)
{
    cJSON      *calls = cJSON_AddObjectToObject(stats, "calls");
    const char *key;
    void       *value;
    for (size_t at = 0; table_next(&ledger->counts, &at, &key, &value);) {
        char   name[32] = "";
        size_t len      = strcspn(key, " ");
        memcpy(name, key, len < sizeof name ? len : sizeof name - 1);
        cJSON *group = cJSON_GetObjectItemCaseSensitive(calls, name);
        if (!group)
            group = cJSON_AddObjectToObject(calls, name);
        cJSON_AddNumberToObject(group, key + len + 1, (double)((struct count *)value)->calls);
    }
}

cJSON *ledger_stats(struct sim *sim)
{
    struct ledger    *ledger    = &sim->ledger;
    struct publishes *publishes = &sim->publishes;
    int64_t           total     = 0;
    int64_t           refreshes = 0;
    int64_t           reused    = 0;
    cJSON            *stats     = cJSON_CreateObject();
    cJSON            *breaches  = cJSON_CreateObject();
    for (int i = 0; i < LIMIT_KINDS; i++) {
        cJSON_AddNumberToObject(breaches, limit_kind_name((enum limit_kind)i),
                                (double)ledger->breaches[i]);
        total += ledger->breaches[i];
    }
    cJSON_AddNumberToObject(breaches, "total", (double)total);
    for (size_t i = 0; i < sim->accounts.used; i++) {
        refreshes += sim->accounts.all[i]->refreshes;
        reused += sim->accounts.all[i]->refresh_reused;
    }
    const struct {
        const char *name;   // in the answer
        int64_t     value;  // now
    } numbers[] = {
        { "now_ms", clock_now_ms() },
        { "up_ms", clock_now_ms() - sim->start_ms },
        { "requests", ledger->requests },
        { "accounts", (int64_t)sim->accounts.used },
        { "inits", (int64_t)publishes->used },
        { "inits_refused", ledger->refused },
        { "posts", publishes->posts },
        { "drafts", publishes->drafts },
        { "posts_complete", publishes->posts_complete },
        { "drafts_delivered", publishes->drafts_delivered },
        { "failed", publishes->failed },
        { "unanswered", publishes->unanswered },
        { "doubled", doubles_count(sim) },
        { "in_flight", publishes->in_flight },
        { "max_in_flight", publishes->max_in_flight },
        { "max_in_flight_account", sim->accounts.max_in_flight },
        { "in_flight_internal", publishes->in_flight_internal },
        { "max_in_flight_internal", publishes->max_in_flight_internal },
        { "max_in_flight_account_internal", sim->accounts.max_in_flight_internal },
        { "refreshes", refreshes },
        { "refresh_reused", reused },
        { "unknown_fields", ledger->unknown_fields },
        { "dropped_fields", ledger->dropped_fields },
    };
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        cJSON_AddNumberToObject(stats, numbers[i].name, (double)numbers[i].value);
    cJSON_AddItemToObject(stats, "breaches", breaches);
    add_counts(ledger, stats);
    return stats;
}
