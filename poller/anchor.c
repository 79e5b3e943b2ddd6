// SPDX-License-Identifier: Apache-2.0
#include "poller/anchor.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"

static void stop(struct anchor *anchor)
{
    call_cancel(&anchor->read_call);
    timer_stop(&anchor->decided);
    kafka_read_free(anchor->read);
    anchor->read = NULL;
}

static void finish(struct anchor *anchor, const struct error *err)
{
    struct call *call = anchor->call;
    anchor->call      = NULL;
    stop(anchor);
    call_finish(call, err);
}

static void on_cancelled(struct call *call)
{
    struct anchor *anchor = call->adapter;
    anchor->call          = NULL;
    stop(anchor);
}

static void on_decided(struct timer *timer)
{
    finish(container_of(timer, struct anchor, decided), NULL);
}

static void on_read(struct call *call, const struct error *err)
{
    finish(container_of(call, struct anchor, read_call), err);
}

static void on_record(void *owner, const struct kafka_message *message)
{
    struct anchor *anchor = owner;
    char           key[48];
    if (anchor->seen || message->partition != anchor->place.partition)
        return;
    snprintf(key, sizeof key, "generation/%" PRIi64, anchor->generation);
    anchor->seen = true;
    anchor->ok =
        message->offset == anchor->place.offset && message->value.p && str_is(message->key, key);
    timer_start(&anchor->decided, 0);
}

void anchor_init(struct anchor *anchor, struct program *program)
{
    *anchor = (struct anchor){ .program = program };
    timer_init(&anchor->decided, program->loop, on_decided);
}

void anchor_look(struct anchor *anchor, struct kafka_offset place, int64_t generation,
                 const struct kafka_offset *ends, size_t end_count, struct call *call,
                 call_done *done)
{
    struct program      *p    = anchor->program;
    struct kafka_offset *from = xcalloc(end_count + 1, sizeof *from);
    assert(!anchor->call);
    for (size_t i = 0; i < end_count; i++)
        from[i] = (struct kafka_offset){ ends[i].partition, ends[i].partition == place.partition
                                                                ? place.offset
                                                                : KAFKA_READ_NOTHING };
    anchor->place      = place;
    anchor->generation = generation;
    anchor->seen = anchor->ok = false;
    anchor->call              = call;
    call_begin(call, p->loop, "anchor", 0, done, on_cancelled, anchor);
    anchor->read = kafka_read_start(p->loop, &p->kafka_settings, p->topics[TOPIC_JOURNAL], from,
                                    end_count, p->config.kafka_read_idle_ms, on_record, anchor,
                                    &anchor->read_call, on_read);
    free(from);
}

void anchor_fini(struct anchor *anchor)
{
    assert(!anchor->call);
    stop(anchor);
    timer_fini(&anchor->decided);
}
