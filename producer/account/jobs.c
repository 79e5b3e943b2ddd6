// SPDX-License-Identifier: Apache-2.0
#include "producer/account/jobs.h"

#include <stdio.h>
#include <string.h>

#include "io/seal.h"
#include "loop/clock.h"
#include "producer/tool/records.h"
#include "producer/tool/scan.h"

enum { BATCH = 64, LOOK_MS = 200, RANDOM_DIGITS = 16, MESSAGE_BYTES = 2048 };

static bool is_wanted(const struct answer *values, struct str open_id, bool waiting)
{
    enum job_state state;
    return str_eq(answer_item(values, 1), open_id) &&
           job_state_parse(answer_item(values, 0), &state) &&
           (waiting ? state == JOB_QUEUED : job_state_is_end(state));
}

static bool look(struct tool *tool, const struct str *ids, size_t count, struct str open_id,
                 bool waiting, struct ids *jobs, struct error *err)
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
            ids_add(jobs, ids[i]);
    asks_fini(asks, count);
    return ok;
}

bool account_jobs_find(struct tool *tool, struct str open_id, bool waiting, struct ids *jobs,
                       struct error *err)
{
    char cursor[SCAN_CURSOR_BYTES] = "0";
    do {
        struct ask page = { 0 };
        bool       ok   = scan_page(tool, "job:*", cursor, &page, err);
        for (size_t at = 0; ok && at < scan_keys(&page)->count;) {
            struct str ids[BATCH];
            size_t     count = 0;
            for (; count < BATCH && at < scan_keys(&page)->count; at++) {
                ids[count] = scan_id(tool, &page, at, "job:");
                count += ids[count].len > 0;
            }
            ok = look(tool, ids, count, open_id, waiting, jobs, err);
        }
        asks_fini(&page, 1);
        if (!ok)
            return false;
    } while (strcmp(cursor, "0") != 0);
    ids_sort(jobs);
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

static bool send(struct tool *tool, struct str open_id, const struct ids *jobs, const char *reason,
                 struct error *err)
{
    bool ok = true;
    for (size_t i = 0; ok && i < jobs->count; i += BATCH) {
        struct record records[BATCH];
        struct buf    texts[BATCH];
        size_t        count = jobs->count - i < BATCH ? jobs->count - i : BATCH;
        for (size_t k = 0; k < count; k++) {
            buf_init(&texts[k], MESSAGE_BYTES);
            print_cancel(jobs->texts[i + k], reason, &texts[k]);
            records[k] = (struct record){ open_id, buf_str(&texts[k]) };
        }
        ok = records_send(tool, TOPIC_JOBS, records, count, err);
        for (size_t k = 0; k < count; k++)
            buf_fini(&texts[k]);
    }
    return ok;
}

bool account_jobs_cancel(struct tool *tool, struct str open_id, const struct ids *jobs,
                         const char *reason, int64_t timeout_ms, size_t *left, struct error *err)
{
    int64_t until = clock_monotonic_ms() + timeout_ms;
    *left         = jobs->count;
    if (!send(tool, open_id, jobs, reason, err))
        return false;
    while (*left) {
        struct ids waiting = { 0 };
        bool       ok      = true;
        for (size_t i = 0; ok && i < jobs->count; i += BATCH) {
            size_t n = jobs->count - i < BATCH ? jobs->count - i : BATCH;
            ok       = look(tool, jobs->texts + i, n, open_id, true, &waiting, err);
        }
        *left = waiting.count;
        ids_fini(&waiting);
        if (!ok)
            return false;
        if (*left && clock_monotonic_ms() >= until)
            break;
        if (*left && !tool_idle(tool, LOOK_MS))
            return error_set(err, ERR_NOT_SENT, "interrupted");
    }
    return true;
}
