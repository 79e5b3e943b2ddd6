// SPDX-License-Identifier: Apache-2.0
#include "poller/measure.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/memory.h"

struct measure {
    struct program    *program;  // borrowed
    struct call        call;
    struct redis_reply reply;
    struct timer       timer;  // the next look
    bool               known;  // the figures are those of the last look
};

// a figure of the script, and where it is shown
static const struct figure {
    const char *name;
    enum metric metric;
    size_t      series;
    int64_t     scale;  // what one of it is in the metric
} figures[] = {
    { "gate_open", METRIC_GATE_OPEN, 0, 1 },
    { "generation", METRIC_GENERATION, 0, 1 },
    { "gate_done", METRIC_GATE_DONE, 0, 1 },
    { "gate_of", METRIC_GATE_OF, 0, 1 },
    { "paused", METRIC_PAUSED, 0, 1 },
    { "users_capped", METRIC_USERS_CAPPED, 0, 1 },
    { "slots", METRIC_SLOTS, 0, 1 },
    { "open", METRIC_OPEN, 0, 1 },
    { "ready_due", METRIC_READY_ACCOUNTS, 0, 1 },
    { "eligible", METRIC_ELIGIBLE, 0, 1 },
    { "leases", METRIC_LEASES, 0, 1 },
    { "leases_due", METRIC_LEASES_DUE, 0, 1 },
    { "delayed", METRIC_DELAYED, 0, 1 },
    { "delayed_due", METRIC_DELAYED_DUE, 0, 1 },
    { "polls", METRIC_POLLS, 0, 1 },
    { "polls_due", METRIC_POLLS_DUE, 0, 1 },
    { "unsure", METRIC_UNSURE, 0, 1 },
    { "unknown", METRIC_UNKNOWN, 0, 1 },
    { "accounts_ok", METRIC_ACCOUNTS, ACCOUNT_OK, 1 },
    { "parked", METRIC_ACCOUNTS, ACCOUNT_PARKED, 1 },
    { "consent_soon", METRIC_CONSENT_SOON, 0, 1 },
    { "refresh_due", METRIC_REFRESH_DUE, 0, 1 },
    { "outbox", METRIC_OUTBOX, 0, 1 },
    { "outbox_ms", METRIC_OUTBOX_AGE, 0, 1000 },
    { "workers", METRIC_ALIVE, ALIVE_WORKER, 1 },
    { "pollers", METRIC_ALIVE, ALIVE_POLLER, 1 },
    { "memory", METRIC_REDIS_MEMORY, 0, 1 },
    { "memory_max", METRIC_REDIS_MEMORY_MAX, 0, 1 },
};

static void forget(struct measure *measure)
{
#define X(id, ...) metric_unset(measure->program->metrics, METRIC_##id);
    METRICS_OF_FLEET(X)
#undef X
    measure->known = false;
}

static void show(struct measure *measure, const struct answer *answer)
{
    struct metrics      *metrics = measure->program->metrics;
    const struct config *config  = &measure->program->config;
    int64_t              value;
    for (size_t i = 0; i < COUNT_OF(figures); i++)
        if (str_to_i64(answer_field(answer, figures[i].name), &value))
            metric_set(metrics, figures[i].metric, figures[i].series, value * figures[i].scale);
    for (enum job_state state = JOB_QUEUED; state < JOB_STATE_COUNT; state++)
        if (str_to_i64(answer_field(answer, job_state_text(state)), &value))
            metric_set(metrics, METRIC_JOBS, metric_state_place(state), value);
    metric_set(metrics, METRIC_SLOTS_LIMIT, 0, config->limit_in_flight);
    metric_set(metrics, METRIC_OPEN_LIMIT, 0, config->limit_open);
    measure->known = true;
}

static void on_measured(struct call *call, const struct error *err)
{
    struct measure *measure = container_of(call, struct measure, call);
    enum store_word word    = WORD_GATE;
    struct error    why     = { 0 };
    bool            ok      = store_word(err, &measure->reply, &word, &why) && word == WORD_OK &&
              measure->reply.answer.count > 1;
    forget(measure);
    if (ok)
        show(measure, &measure->reply.answer.items[1]);
    else
        log_debug("no figures of the fleet", F_STR("why", why.message));
    redis_reply_fini(&measure->reply);
    timer_start(&measure->timer, measure->program->config.metrics_interval_ms);
}

static void on_timer(struct timer *timer)
{
    struct measure     *measure = container_of(timer, struct measure, timer);
    struct str          states[JOB_STATE_COUNT];
    struct measure_args args = { .states = states };
    for (enum job_state state = JOB_QUEUED; state < JOB_STATE_COUNT; state++)
        states[args.states_count++] = str_of(job_state_text(state));
    script_measure(measure->program->store, &args, &measure->reply, &measure->call, on_measured);
}

void measure_on_scrape(struct measure *measure)
{
    if (measure->known && !redis_connected(measure->program->redis))
        forget(measure);
}

struct measure *measure_new(struct program *program)
{
    struct measure *measure = xcalloc(1, sizeof *measure);
    measure->program        = program;
    timer_init(&measure->timer, program->loop, on_timer);
    timer_start(&measure->timer, 0);
    return measure;
}

void measure_free(struct measure *measure)
{
    if (!measure)
        return;
    call_cancel(&measure->call);
    redis_reply_fini(&measure->reply);
    timer_fini(&measure->timer);
    free(measure);
}
