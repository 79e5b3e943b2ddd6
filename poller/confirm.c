// SPDX-License-Identifier: Apache-2.0
#include "poller/confirm.h"

#include <assert.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/memory.h"
#include "io/kafka_read.h"

TAILQ_HEAD(asks, confirm_ask);

struct confirm {
    struct program    *program;  // borrowed
    struct asks        waiting;  // for the next reading
    struct asks        reading;  // of the one under way
    struct call        call;     // that
    struct kafka_read *read;     // owned while something is read
};

static void confirm_read(struct confirm *confirm);

static void ask_finish(struct confirm_ask *ask, const struct error *err)
{
    struct error why;
    struct call *call = ask->waiting;
    TAILQ_REMOVE(&ask->confirm->reading, ask, entry);
    ask->waiting = NULL;
    if (!err && ask->unreadable) {
        error_set(&why, ERR_INPUT, "its record on Kafka cannot be read by this version");
        err = &why;
    }
    call_finish(call, err);
}

static void on_read(struct call *call, const struct error *err)
{
    struct confirm *confirm = container_of(call, struct confirm, call);
    kafka_read_free(confirm->read);
    confirm->read = NULL;
    while (!TAILQ_EMPTY(&confirm->reading))
        ask_finish(TAILQ_FIRST(&confirm->reading), err);
    confirm_read(confirm);
}

// of two with the same rev the later one: that is what compaction leaves
static void ask_take(struct confirm_ask *ask, struct str value)
{
    struct account_record record;
    struct error          err;
    if (!account_record_decode(value, &record, &ask->arena, &err)) {
        log_error("an account's record cannot be read", F_STRN("account", ask->open_id),
                  F_STR("why", err.message));
        ask->unreadable = true;
    } else if (!ask->found || record.rev >= ask->record.rev) {
        ask->found  = true;
        ask->record = record;
    }
}

static void on_record(void *owner, const struct kafka_message *message)
{
    struct confirm     *confirm = owner;
    struct confirm_ask *ask;
    if (!message->value.p)
        return;
    TAILQ_FOREACH (ask, &confirm->reading, entry)
        if (str_eq(message->key, ask->open_id))
            ask_take(ask, message->value);
}

static void confirm_read(struct confirm *confirm)
{
    struct program     *p = confirm->program;
    struct confirm_ask *ask;
    if (confirm->read || TAILQ_EMPTY(&confirm->waiting))
        return;
    TAILQ_FOREACH (ask, &confirm->waiting, entry)
        ask->reading = true;
    TAILQ_CONCAT(&confirm->reading, &confirm->waiting, entry);
    confirm->read =
        kafka_read_start(p->loop, &p->kafka_settings, p->topics[TOPIC_ACCOUNTS], NULL, 0,
                         p->config.kafka_read_idle_ms, on_record, confirm, &confirm->call, on_read);
}

static void on_cancelled(struct call *call)
{
    struct confirm_ask *ask = call->adapter;
    ask->waiting            = NULL;
    TAILQ_REMOVE(ask->reading ? &ask->confirm->reading : &ask->confirm->waiting, ask, entry);
}

void confirm_start(struct confirm *confirm, struct confirm_ask *ask, struct str open_id,
                   struct call *call, call_done *done)
{
    *ask = (struct confirm_ask){ .waiting = call, .confirm = confirm, .open_id = open_id };
    TAILQ_INSERT_TAIL(&confirm->waiting, ask, entry);
    call_begin(call, confirm->program->loop, "accounts", 0, done, on_cancelled, ask);
    confirm_read(confirm);
}

void confirm_ask_fini(struct confirm_ask *ask)
{
    assert(!ask->waiting);
    arena_fini(&ask->arena);
}

struct confirm *confirm_new(struct program *program)
{
    struct confirm *confirm = xcalloc(1, sizeof *confirm);
    confirm->program        = program;
    TAILQ_INIT(&confirm->waiting);
    TAILQ_INIT(&confirm->reading);
    return confirm;
}

void confirm_free(struct confirm *confirm)
{
    if (!confirm)
        return;
    assert(TAILQ_EMPTY(&confirm->waiting) && TAILQ_EMPTY(&confirm->reading));
    call_cancel(&confirm->call);
    kafka_read_free(confirm->read);
    free(confirm);
}
