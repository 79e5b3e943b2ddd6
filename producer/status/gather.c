// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/memory.h"
#include "producer/status/status.h"

enum { BATCH = 64, NUMBER_BYTES = 24 };

static void copy(char *out, size_t out_bytes, struct str text)
{
    size_t len = text.len < out_bytes ? text.len : out_bytes - 1;
    memset(out, 0, out_bytes);
    if (len)
        memcpy(out, text.p, len);
}

#define COPY(field, text) copy((field), sizeof(field), (text))

static int64_t number_of(struct str text)
{
    int64_t number;
    return str_to_i64(text, &number) ? number : 0;
}

// ---- figures

enum {
    ASK_TIME,
    ASK_GATE,
    ASK_REPLICATION,
    ASK_COUNT,
    ASK_SLOTS,
    ASK_OPEN,
    ASK_UNSURE,
    ASK_READY,
    ASK_DELAYED,
    ASK_LEASES,
    ASK_OUTBOX,
    ASK_BREAKER,
    FIGURES
};

static void ask_figures(struct tool *tool, struct ask asks[FIGURES])
{
    static const struct {
        int         i;
        const char *command;
        const char *key;
    } rows[] = {
        { ASK_TIME, "TIME", NULL },          { ASK_GATE, "HGETALL", "gate" },
        { ASK_REPLICATION, "INFO", NULL },   { ASK_COUNT, "HGETALL", "count" },
        { ASK_SLOTS, "ZCARD", "slots" },     { ASK_OPEN, "ZCARD", "open" },
        { ASK_UNSURE, "ZCARD", "unsure" },   { ASK_READY, "ZCARD", "ready" },
        { ASK_DELAYED, "ZCARD", "delayed" }, { ASK_LEASES, "ZCARD", "leases" },
        { ASK_OUTBOX, "XLEN", "outbox" },    { ASK_BREAKER, "HGETALL", "breaker" },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        ask_begin(tool, &asks[rows[i].i], rows[i].command, rows[i].key, STR(""));
    ask_add(&asks[ASK_REPLICATION], "replication");
}

static void take_gate(const struct ask asks[FIGURES], struct status *status)
{
    const struct answer *gate = &asks[ASK_GATE].reply.answer;
    struct str           info = asks[ASK_REPLICATION].reply.answer.text;
    struct str           line;
    COPY(status->generation, answer_field(gate, "generation"));
    COPY(status->gate_taker, answer_field(gate, "taker"));
    status->gate = gate->count ? GATE_CLOSED : GATE_NEVER;
    if (!str_is(answer_field(gate, "state"), "open"))
        return;
    status->gate = GATE_OPEN;
    while (str_cut(&info, '\n', &line)) {
        struct str value = str_trim(line);
        if (!str_starts(value, "master_replid:"))
            continue;
        value = (struct str){ value.p + 14, value.len - 14 };
        if (!str_eq(value, answer_field(gate, "identity")))
            status->gate = GATE_OTHER;
    }
}

static void take_pause(const struct answer *breaker, struct status *status)
{
    status->paused_ms = number_of(answer_field(breaker, "paused"));
    COPY(status->paused_why, answer_field(breaker, "paused_why"));
    COPY(status->paused_by, answer_field(breaker, "paused_by"));
}

static void take_counts(const struct answer *answer, int64_t counts[JOB_STATE_COUNT])
{
    for (enum job_state state = JOB_QUEUED; state < JOB_STATE_COUNT; state++)
        counts[state] = number_of(answer_field(answer, job_state_text(state)));
}

static bool gather_figures(struct tool *tool, struct status *status, struct error *err)
{
    struct ask asks[FIGURES] = { { { { 0 } } } };
    ask_figures(tool, asks);
    bool ok = tool_ask(tool, asks, FIGURES, err);
    if (ok) {
        const struct answer *time = &asks[ASK_TIME].reply.answer;
        status->now_ms =
            number_of(answer_item(time, 0)) * 1000 + number_of(answer_item(time, 1)) / 1000;
        status->in_flight = asks[ASK_SLOTS].reply.answer.number;
        status->open      = asks[ASK_OPEN].reply.answer.number;
        status->unsure    = asks[ASK_UNSURE].reply.answer.number;
        status->ready     = asks[ASK_READY].reply.answer.number;
        status->delayed   = asks[ASK_DELAYED].reply.answer.number;
        status->leases    = asks[ASK_LEASES].reply.answer.number;
        status->outbox    = asks[ASK_OUTBOX].reply.answer.number;
        take_counts(&asks[ASK_COUNT].reply.answer, status->count);
        take_gate(asks, status);
        take_pause(&asks[ASK_BREAKER].reply.answer, status);
    }
    asks_fini(asks, FIGURES);
    return ok;
}

static bool gather_today(struct tool *tool, struct status *status, struct error *err)
{
    char       day[16], now[NUMBER_BYTES];
    struct tm  utc;
    time_t     seconds = (time_t)(status->now_ms / 1000);
    struct ask asks[2] = { { { { 0 } } } };
    gmtime_r(&seconds, &utc);
    strftime(day, sizeof day, "%Y%m%d", &utc);
    snprintf(now, sizeof now, "%" PRIi64, status->now_ms - 2000);
    ask_begin(tool, &asks[0], "HGETALL", "count:", str_of(day));
    ask_begin(tool, &asks[1], "ZCOUNT", "polls", STR(""));
    ask_add(&asks[1], "-inf");
    ask_add(&asks[1], now);
    bool ok = tool_ask(tool, asks, 2, err);
    if (ok) {
        take_counts(&asks[0].reply.answer, status->today);
        status->overdue_polls = asks[1].reply.answer.number;
    }
    asks_fini(asks, 2);
    return ok;
}

// ---- programs

static void take_program(const struct answer *hash, struct status *status,
                         struct program_seen *program)
{
    int64_t heartbeat_ms = number_of(answer_field(hash, "heartbeat_ms"));
    COPY(program->kind, answer_field(hash, "kind"));
    COPY(program->host, answer_field(hash, "host"));
    COPY(program->pid, answer_field(hash, "pid"));
    COPY(program->port, answer_field(hash, "port"));
    COPY(program->version, answer_field(hash, "version"));
    COPY(program->state, answer_field(hash, "state"));
    program->seen_ms    = number_of(answer_field(hash, "t_seen"));
    program->started_ms = number_of(answer_field(hash, "t_started"));
    program->alive      = strcmp(program->state, "stopped") != 0 && heartbeat_ms > 0 &&
                     status->now_ms - program->seen_ms <= 5 * heartbeat_ms;
    status->alive_count += program->alive;
}

static bool gather_hashes(struct tool *tool, const struct answer *ids, struct status *status,
                          struct error *err)
{
    bool ok = true;
    for (size_t i = 0; ok && i < ids->count && i < PROGRAMS_MAX; i += BATCH) {
        struct ask asks[BATCH];
        size_t     count = ids->count - i < BATCH ? ids->count - i : BATCH;
        if (i + count > PROGRAMS_MAX)
            count = PROGRAMS_MAX - i;
        memset(asks, 0, sizeof asks);
        for (size_t j = 0; j < count; j++)
            ask_begin(tool, &asks[j], "HGETALL", "program:", answer_item(ids, i + j));
        ok = tool_ask(tool, asks, count, err);
        for (size_t j = 0; ok && j < count; j++) {
            struct program_seen *program = &status->programs[status->program_count++];
            COPY(program->id, answer_item(ids, i + j));
            take_program(&asks[j].reply.answer, status, program);
        }
        asks_fini(asks, count);
    }
    return ok;
}

static bool gather_programs(struct tool *tool, struct status *status, struct error *err)
{
    char       newest[NUMBER_BYTES];
    struct ask ask = { 0 };
    snprintf(newest, sizeof newest, "%d", PROGRAMS_MAX - 1);
    ask_begin(tool, &ask, "ZREVRANGE", "programs", STR(""));
    ask_add(&ask, "0");
    ask_add(&ask, newest);
    bool ok = tool_ask(tool, &ask, 1, err) && gather_hashes(tool, &ask.reply.answer, status, err);
    asks_fini(&ask, 1);
    return ok;
}

// ---- failures

static int newer_first(const void *left, const void *right)
{
    const struct failure *a = left, *b = right;
    return (a->at_ms < b->at_ms) - (a->at_ms > b->at_ms);
}

static bool explain(struct tool *tool, struct status *status, struct error *err)
{
    bool ok = true;
    for (size_t i = 0; ok && i < status->failure_count; i += BATCH) {
        struct ask asks[BATCH];
        size_t     count = status->failure_count - i < BATCH ? status->failure_count - i : BATCH;
        memset(asks, 0, sizeof asks);
        for (size_t j = 0; j < count; j++) {
            ask_begin(tool, &asks[j], "HMGET", "job:", str_of(status->failures[i + j].job_id));
            ask_add(&asks[j], "account_text");
            ask_add(&asks[j], "error_code");
            ask_add(&asks[j], "error_cause");
        }
        ok = tool_ask(tool, asks, count, err);
        for (size_t j = 0; ok && j < count; j++) {
            struct failure *failure = &status->failures[i + j];
            COPY(failure->account, answer_item(&asks[j].reply.answer, 0));
            COPY(failure->code, answer_item(&asks[j].reply.answer, 1));
            COPY(failure->cause, answer_item(&asks[j].reply.answer, 2));
        }
        asks_fini(asks, count);
    }
    return ok;
}

static bool gather_failures(struct tool *tool, size_t wanted, struct status *status,
                            struct error *err)
{
    static const enum job_state states[] = { JOB_FAILED, JOB_REJECTED, JOB_UNSURE };
    struct failure             *all      = xcalloc(COUNT_OF(states) * FAILURES_MAX, sizeof *all);
    struct ask                  asks[COUNT_OF(states)] = { { { { 0 } } } };
    char                        last[NUMBER_BYTES];
    size_t                      count = 0;
    bool                        ok    = true;
    snprintf(last, sizeof last, "%zu", wanted - 1);
    for (size_t s = 0; s < COUNT_OF(states); s++) {
        ask_begin(tool, &asks[s], "ZREVRANGE", "state:", str_of(job_state_text(states[s])));
        ask_add(&asks[s], "0");
        ask_add(&asks[s], last);
        ask_add(&asks[s], "WITHSCORES");
    }
    ok = tool_ask(tool, asks, COUNT_OF(states), err);
    for (size_t s = 0; ok && s < COUNT_OF(states); s++)
        for (size_t i = 0; i + 1 < asks[s].reply.answer.count && i < 2 * wanted; i += 2) {
            struct failure *failure = &all[count++];
            COPY(failure->job_id, answer_item(&asks[s].reply.answer, i));
            failure->at_ms = number_of(answer_item(&asks[s].reply.answer, i + 1));
            failure->state = states[s];
        }
    asks_fini(asks, COUNT_OF(states));
    if (count)
        qsort(all, count, sizeof *all, newer_first);
    status->failure_count = count < wanted ? count : wanted;
    memcpy(status->failures, all, status->failure_count * sizeof *all);
    free(all);
    return ok && explain(tool, status, err);
}

bool status_gather(struct tool *tool, size_t failures, bool scans, struct status *status,
                   struct error *err)
{
    return tool_store(tool, err) && gather_figures(tool, status, err) &&
           gather_today(tool, status, err) && (!scans || status_waiting(tool, status, err)) &&
           gather_programs(tool, status, err) &&
           (failures == 0 || gather_failures(tool, failures, status, err));
}
