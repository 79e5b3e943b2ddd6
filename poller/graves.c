// SPDX-License-Identifier: Apache-2.0
#include "poller/graves.h"

#include <assert.h>
#include <stdlib.h>

#include "base/memory.h"

struct grave {  // one record on its way
    struct call    call;
    struct graves *graves;  // borrowed
    bool           busy;
};

struct graves {
    struct program *program;  // borrowed
    struct call    *call;     // the owner's; NULL: nothing is under way
    struct arena    arena;    // of the keys and values
    struct str     *keys;     // owned
    struct str     *values;   // owned, as many; p NULL: a tombstone
    size_t          count;
    size_t          capacity;
    size_t          next;    // to be sent
    size_t          filled;  // confirmed
    struct grave   *places;  // owned; sweep.at_once
    size_t          place_count;
};

static void stop(struct graves *graves)
{
    for (size_t i = 0; i < graves->place_count; i++) {
        call_cancel(&graves->places[i].call);
        graves->places[i].busy = false;
    }
}

static void on_cancelled(struct call *call)
{
    struct graves *graves = call->adapter;
    graves->call          = NULL;
    stop(graves);
}

static void finish(struct graves *graves, const struct error *err)
{
    struct call *call = graves->call;
    graves->call      = NULL;
    stop(graves);
    call_finish(call, err);
}

static void send_more(struct graves *graves);

static void on_confirmed(struct call *call, const struct error *err)
{
    struct grave  *grave  = container_of(call, struct grave, call);
    struct graves *graves = grave->graves;
    grave->busy           = false;
    if (err) {
        finish(graves, err);
        return;
    }
    if (++graves->filled == graves->count)
        finish(graves, NULL);
    else
        send_more(graves);
}

static void send_more(struct graves *graves)
{
    for (size_t i = 0; i < graves->place_count && graves->next < graves->count; i++) {
        struct grave *grave = &graves->places[i];
        if (grave->busy)
            continue;
        struct kafka_record record = {
            .topic     = graves->program->topics[TOPIC_JOURNAL],
            .partition = -1,
            .key       = graves->keys[graves->next],
            .value     = graves->values[graves->next],
        };
        graves->next++;
        grave->busy = true;
        kafka_send(graves->program->kafka, &record, NULL, &grave->call, on_confirmed);
    }
}

void graves_add(struct graves *graves, struct str key, struct str value)
{
    if (graves->count == graves->capacity) {
        graves->capacity = graves->capacity ? graves->capacity * 2 : 64;
        graves->keys     = xrealloc(graves->keys, graves->capacity * sizeof *graves->keys);
        graves->values   = xrealloc(graves->values, graves->capacity * sizeof *graves->values);
    }
    graves->keys[graves->count]     = arena_copy(&graves->arena, key);
    graves->values[graves->count++] = value.p ? arena_copy(&graves->arena, value) : value;
}

size_t graves_count(const struct graves *graves)
{
    return graves->count;
}

void graves_fill(struct graves *graves, struct call *call, call_done *done)
{
    assert(graves->count && !graves->call);
    graves->call = call;
    call_begin(call, graves->program->loop, "sweep", 0, done, on_cancelled, graves);
    send_more(graves);
}

size_t graves_filled(const struct graves *graves)
{
    return graves->filled;
}

void graves_clear(struct graves *graves)
{
    assert(!graves->call);
    graves->count = graves->next = graves->filled = 0;
    arena_fini(&graves->arena);
}

struct graves *graves_new(struct program *program)
{
    struct graves *graves = xcalloc(1, sizeof *graves);
    graves->program       = program;
    graves->place_count   = (size_t)program->config.sweep_at_once;
    graves->places        = xcalloc(graves->place_count, sizeof *graves->places);
    for (size_t i = 0; i < graves->place_count; i++)
        graves->places[i].graves = graves;
    return graves;
}

void graves_free(struct graves *graves)
{
    graves_clear(graves);
    free(graves->places);
    free(graves->keys);
    free(graves->values);
    free(graves);
}
