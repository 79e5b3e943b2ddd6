// SPDX-License-Identifier: Apache-2.0
#include "producer/account/jobs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/seal.h"
#include "loop/clock.h"
#include "producer/tool/scan.h"

enum { BATCH = 64, LOOK_MS = 200, RANDOM_DIGITS = 16, MESSAGE_BYTES = 2048 };

static bool is_wanted(const struct answer *values, struct str open_id, bool waiting)
{
    enum job_state state;
    return str_eq(answer_item(values, 1), open_id) &&
           job_state_parse(answer_item(values, 0), &state) &&
           (waiting ? state == JOB_QUEUED : job_state_is_end(state));
}

static void add(struct account_jobs *jobs, struct str id)
{
    if (jobs->count == jobs->capacity) {
        jobs->capacity = jobs->capacity ? 2 * jobs->capacity : 64;
        jobs->ids      = xrealloc(jobs->ids, jobs->capacity * sizeof *jobs->ids);
    }
    jobs->ids[jobs->count++] = arena_copy(&jobs->arena, id);
}

static bool look(struct tool *tool, const struct str *ids, size_t count, struct str open_id,
                 bool waiting, struct account_jobs *jobs, struct error *err)
{
    struct ask asks[BATCH] = { 0 };
    for (size_t i = 0; i < count; i++) {
        ask_begin(tool, &asks[i], "HMGET", "job:", ids[i]);
        ask_add(&asks[i], "state");
        ask_add(&asks[i], "account");
    }
    bool ok = tool_ask(tool, asks, count, err);
    for (size_t i = 0; ok && i < count; i++)
        if (is_wanted(&asks[i].reply.answer, open_id, waiting))
            add(jobs, ids[i]);
    asks_fini(asks, count);
    return ok;
}

static int compare(const void *left, const void *right)
{
    const struct str *a = left, *b = right;
    size_t            shorter = a->len < b->len ? a->len : b->len;
    int               order   = memcmp(a->p, b->p, shorter);
    return order ? order : (a->len > b->len) - (a->len < b->len);
}

// SCAN may show a key twice
static void drop_repeats(struct account_jobs *jobs)
{
    size_t kept = 0;
    if (jobs->count)
        qsort(jobs->ids, jobs->count, sizeof *jobs->ids, compare);
    for (size_t i = 0; i < jobs->count; i++)
        if (kept == 0 || !str_eq(jobs->ids[kept - 1], jobs->ids[i]))
            jobs->ids[kept++] = jobs->ids[i];
    jobs->count = kept;
}

bool account_jobs_find(struct tool *tool, struct str open_id, bool waiting,
                       struct account_jobs *jobs, struct error *err)
{
    char   cursor[SCAN_CURSOR_BYTES] = "0";
    size_t prefix                    = strlen(tool->config.fleet) + strlen("{}:job:");
    memset(jobs, 0, sizeof *jobs);
    do {
        struct ask page = { 0 };
        bool       ok   = scan_page(tool, "job:*", cursor, &page, err);
        for (size_t at = 0; ok && at < scan_keys(&page)->count;) {
            struct str ids[BATCH];
            size_t     count = 0;
            for (; count < BATCH && at < scan_keys(&page)->count; at++) {
                struct str key = answer_item(scan_keys(&page), at);
                if (key.len > prefix)
                    ids[count++] = (struct str){ key.p + prefix, key.len - prefix };
            }
            ok = look(tool, ids, count, open_id, waiting, jobs, err);
        }
        asks_fini(&page, 1);
        if (!ok)
            return false;
    } while (strcmp(cursor, "0") != 0);
    drop_repeats(jobs);
    return true;
}

static void print_cancel(struct str job_id, const char *reason, struct buf *text)
{
    char         digits[RANDOM_DIGITS + 1], id[64];
    struct json *message = json_object();
    random_hex(digits, RANDOM_DIGITS);
    snprintf(id, sizeof id, "cancel-account-%s", digits);
    json_set_text(message, "command", STR("cancel"));
    json_set_text(message, "id", str_of(id));
    json_set_text(message, "job_id", job_id);
    json_set_text(message, "by", STR("tokfleet"));
    json_set_text(message, "reason", str_of(reason));
    json_print(message, text);
    json_free(message);
}

static bool send(struct tool *tool, struct str open_id, const struct account_jobs *jobs,
                 const char *reason, struct error *err)
{
    char topic[TOPIC_NAME_BYTES];
    tool_topic(tool, TOPIC_JOBS, topic);
    for (size_t i = 0; i < jobs->count;) {
        struct wait waits[BATCH] = { 0 };
        size_t      count        = 0;
        bool        ok           = true;
        for (; count < BATCH && i < jobs->count; count++, i++) {
            struct buf text;
            buf_init(&text, MESSAGE_BYTES);
            print_cancel(jobs->ids[i], reason, &text);
            struct kafka_record record = {
                .topic = topic, .partition = -1, .key = open_id, .value = buf_str(&text)
            };
            kafka_send(tool->kafka, &record, NULL, &waits[count].call, wait_done);
            buf_fini(&text);
        }
        for (size_t k = 0; k < count; k++)
            ok = tool_wait(tool, &waits[k], err) && ok;
        if (!ok) {
            tool_blame_kafka(tool, err);
            return false;
        }
    }
    return true;
}

bool account_jobs_cancel(struct tool *tool, struct str open_id, const struct account_jobs *jobs,
                         const char *reason, int64_t timeout_ms, size_t *left, struct error *err)
{
    int64_t until = clock_monotonic_ms() + timeout_ms;
    *left         = jobs->count;
    if (!send(tool, open_id, jobs, reason, err))
        return false;
    while (*left) {
        struct account_jobs waiting = { 0 };
        bool                ok      = true;
        for (size_t i = 0; ok && i < jobs->count; i += BATCH) {
            size_t n = jobs->count - i < BATCH ? jobs->count - i : BATCH;
            ok       = look(tool, jobs->ids + i, n, open_id, true, &waiting, err);
        }
        *left = waiting.count;
        account_jobs_fini(&waiting);
        if (!ok)
            return false;
        if (*left && clock_monotonic_ms() >= until)
            break;
        if (*left && !tool_idle(tool, LOOK_MS))
            return error_set(err, ERR_NOT_SENT, "interrupted");
    }
    return true;
}

void account_jobs_fini(struct account_jobs *jobs)
{
    free(jobs->ids);
    arena_fini(&jobs->arena);
    memset(jobs, 0, sizeof *jobs);
}
