// SPDX-License-Identifier: Apache-2.0
#include "poller/reap.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/memory.h"

enum { LEASES_AT_ONCE = 100 };

struct reap {
    struct program    *program;  // borrowed
    struct call        call;
    struct redis_reply reply;
    struct timer       timer;  // the next look
};

static void on_reaped(struct call *call, const struct error *err)
{
    struct reap    *reap = container_of(call, struct reap, call);
    enum store_word word = WORD_OK;
    struct error    why;
    int64_t         leases = 0;
    if (!store_word(err, &reap->reply, &word, &why)) {
        log_warn("cannot reap", F_STR("why", why.message));
    } else if (word == WORD_OK && reap->reply.answer.count > 2) {
        leases        = reap->reply.answer.items[1].number;
        int64_t slots = reap->reply.answer.items[2].number;
        metric_add(reap->program->metrics, METRIC_REAPED, 0, leases);
        metric_add(reap->program->metrics, METRIC_SLOTS_BACK, 0, slots);
        if (leases || slots)
            log_warn("reaped", F_INT("leases", leases), F_INT("slots_back", slots));
    }
    redis_reply_fini(&reap->reply);
    timer_start(&reap->timer,
                leases == LEASES_AT_ONCE ? 0 : reap->program->config.reap_interval_ms);
}

static void on_timer(struct timer *timer)
{
    struct reap    *reap = container_of(timer, struct reap, timer);
    struct program *p    = reap->program;
    if (p->draining)
        return;
    if (!p->first || !p->gate_open || !redis_connected(p->redis)) {
        timer_start(timer, p->config.reap_interval_ms);
        return;
    }
    struct reap_args args = { .poller = program_id(p), .count = LEASES_AT_ONCE };
    script_reap(p->store, &args, &reap->reply, &reap->call, on_reaped);
}

struct reap *reap_new(struct program *program)
{
    struct reap *reap = xcalloc(1, sizeof *reap);
    reap->program     = program;
    timer_init(&reap->timer, program->loop, on_timer);
    timer_start(&reap->timer, program->config.reap_interval_ms);
    return reap;
}

void reap_drain(struct reap *reap)
{
    timer_stop(&reap->timer);
}

void reap_free(struct reap *reap)
{
    if (!reap)
        return;
    call_cancel(&reap->call);
    redis_reply_fini(&reap->reply);
    timer_fini(&reap->timer);
    free(reap);
}
