// SPDX-License-Identifier: Apache-2.0
/*      ingest.c                         worker.c                        trip.c
 *   Kafka jobs ──► Redis          claim, as long as there       one claimed job to TikTok,
 *                                 is room for a trip            its answer to journal and Redis
 */
#include "worker/worker.h"

#include <stdlib.h>
#include <sys/queue.h>

#include "base/log.h"
#include "base/memory.h"
#include "loop/clock.h"
#include "worker/ingest.h"
#include "worker/trip.h"

struct worker {
    struct program    *program;     // borrowed
    struct ingest     *ingest;      // owned
    struct trip      **trips;       // owned; worker.jobs places, NULL where free
    int64_t            trip_count;  // under way
    struct call        claim;       // one claim is asked for at a time
    struct redis_reply claim_reply;
    int64_t            asked_ms;  // monotonic, before the claim was asked for
    struct timer       idle;      // ask again
};

static void claim_next(struct worker *worker);

static void on_idle(struct timer *timer)
{
    claim_next(container_of(timer, struct worker, idle));
}

static void claim_later(struct worker *worker, int64_t delay_ms)
{
    int64_t idle_ms = worker->program->config.worker_idle_ms;
    timer_start(&worker->idle, delay_ms < 0 || delay_ms > idle_ms ? idle_ms : delay_ms);
}

static void worker_take(struct worker *worker)
{
    int64_t place = 0;
    while (worker->trips[place])
        place++;
    worker->trip_count++;
    worker->trips[place] =
        trip_start(worker, worker->program, &worker->claim_reply, worker->asked_ms);
}

static enum metric_claim_end claim_end(enum store_word word, struct str what)
{
    switch (word) {
    case WORD_OK:
        return CLAIM_CLAIMED;
    case WORD_GATE:
        return CLAIM_GATE;
    case WORD_WAIT:
        return CLAIM_NOTHING;
    case WORD_FULL:
        return str_is(what, "slots")  ? CLAIM_NO_SLOT
               : str_is(what, "open") ? CLAIM_NO_PLACE
                                      : CLAIM_PAUSED;
    case WORD_FENCED:
    case WORD_STATE:
        break;
    }
    return CLAIM_ERROR;
}

static void on_claimed(struct call *call, const struct error *err)
{
    struct worker  *worker  = container_of(call, struct worker, claim);
    struct metrics *metrics = worker->program->metrics;
    enum store_word word    = WORD_WAIT;
    struct error    why;
    int64_t         delay_ms = -1;
    if (!store_word(err, &worker->claim_reply, &word, &why)) {
        metric_add(metrics, METRIC_CLAIMS, CLAIM_ERROR, 1);
        log_warn("cannot claim", F_STR("why", why.message));
    } else {
        metric_add(metrics, METRIC_CLAIMS,
                   claim_end(word, answer_item(&worker->claim_reply.answer, 1)), 1);
        program_saw_gate(worker->program, word != WORD_GATE);
        if (word == WORD_OK) {
            worker_take(worker);
            delay_ms = 0;
        } else if (word == WORD_WAIT && worker->claim_reply.answer.count > 1) {
            delay_ms = worker->claim_reply.answer.items[1].number;
        }
    }
    redis_reply_fini(&worker->claim_reply);
    if (delay_ms == 0)
        claim_next(worker);
    else
        claim_later(worker, delay_ms);
}

static void claim_next(struct worker *worker)
{
    struct program *p = worker->program;
    timer_stop(&worker->idle);
    if (p->draining || call_busy(&worker->claim) || worker->trip_count >= p->config.worker_jobs)
        return;
    if (!redis_connected(p->redis) || !kafka_out_healthy(p->kafka) || !p->clock_ok) {
        claim_later(worker, -1);  // no Kafka, no post; no time, no record of it
        return;
    }
    struct claim_args args = { .worker = program_id(p) };
    worker->asked_ms       = clock_monotonic_ms();
    script_claim(p->store, &args, &worker->claim_reply, &worker->claim, on_claimed);
}

void worker_trip_ended(struct worker *worker, struct trip *trip)
{
    for (int64_t i = 0; i < worker->program->config.worker_jobs; i++)
        if (worker->trips[i] == trip)
            worker->trips[i] = NULL;
    worker->trip_count--;
    trip_free(trip);
    // this end may have made room for somebody
    if (!call_busy(&worker->claim))
        claim_next(worker);
}

static void *worker_open(struct program *program, struct error *err)
{
    struct worker *worker = xcalloc(1, sizeof *worker);
    worker->program       = program;
    worker->trips         = xcalloc((size_t)program->config.worker_jobs, sizeof *worker->trips);
    timer_init(&worker->idle, program->loop, on_idle);
    worker->ingest = ingest_new(program, err);
    if (!worker->ingest) {
        timer_fini(&worker->idle);
        free(worker->trips);
        free(worker);
        return NULL;
    }
    claim_later(worker, 0);
    return worker;
}

static void worker_drain(void *owner)
{
    struct worker *worker = owner;
    timer_stop(&worker->idle);
    ingest_drain(worker->ingest);
}

static bool worker_idle(void *owner)
{
    struct worker *worker = owner;
    return worker->trip_count == 0 && !call_busy(&worker->claim) && ingest_idle(worker->ingest);
}

static void worker_close(void *owner)
{
    struct worker *worker = owner;
    call_cancel(&worker->claim);
    redis_reply_fini(&worker->claim_reply);
    timer_fini(&worker->idle);
    for (int64_t i = 0; i < worker->program->config.worker_jobs; i++)
        if (worker->trips[i])
            trip_free(worker->trips[i]);
    ingest_free(worker->ingest);
    free(worker->trips);
    free(worker);
}

static void worker_on_generation(void *owner)
{
    struct worker *worker = owner;
    ingest_begin(worker->ingest);
}

static void worker_on_scrape(void *owner)
{
    struct worker  *worker  = owner;
    struct metrics *metrics = worker->program->metrics;
    metric_set(metrics, METRIC_WORKER_JOBS, 0, worker->trip_count);
    metric_set(metrics, METRIC_WORKER_JOBS_LIMIT, 0, worker->program->config.worker_jobs);
    ingest_on_scrape(worker->ingest);
}

const struct program_kind worker_kind = {
    .name      = "worker",
    .purpose   = "Brings jobs from Kafka into Redis, claims them, and hands each to TikTok once.",
    .open      = worker_open,
    .drain     = worker_drain,
    .idle      = worker_idle,
    .close     = worker_close,
    .on_scrape = worker_on_scrape,
    .on_generation = worker_on_generation,
};
