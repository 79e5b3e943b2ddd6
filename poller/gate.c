// SPDX-License-Identifier: Apache-2.0
#include "poller/gate.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/memory.h"
#include "io/kafka_read.h"
#include "loop/clock.h"

enum { SAY_AGAIN_MS = 60000 };

struct gate {
    struct program    *program;      // borrowed
    struct call        call;         // one step at a time
    struct redis_reply reply;
    struct kafka_read *journal;      // owned while it is read
    int64_t            said_ms;      // when the closed gate was last explained; monotonic, 0 never
    bool               used;         // the journal holds more than generations
    int64_t            generation;   // the highest in the journal
    char               number[24];   // the new one
    char               identity[64]; // of the server that the gate was taken on
    struct buf         key;          // its record
    struct buf         record;
};

static void on_taken(struct call *call, const struct error *err);         // 1. ours: read the journal
static void on_journal_read(struct call *call, const struct error *err);  // 2. nothing was ever sent: GENERATION
static void on_generation(struct call *call, const struct error *err);    // 3. confirmed: open
static void on_opened(struct call *call, const struct error *err);        // 4. open

static void gate_explain(struct gate *gate, const char *what)
{
    int64_t now = clock_monotonic_ms();
    if (gate->said_ms && now - gate->said_ms < SAY_AGAIN_MS)
        return;
    gate->said_ms = now;
    log_error("the gate stays closed: nothing is sent until a person acts", F_STR("redis", redis_address(gate->program->redis)),
              F_STR("why", what),
              F_STR("what_to_do",
                    "jobs are safe in Kafka. Bring back the Redis that this fleet knows. If this Redis is that one, was "
                    "only restarted and has lost no write (appendonly, clean shutdown), say so yourself: HSET "
                    "{<fleet>}:gate identity <master_replid of INFO replication>. Rebuilding a Redis that lost data is "
                    "not in this version"));
}

static void on_opened(struct call *call, const struct error *err)
{
    struct gate    *gate = container_of(call, struct gate, call);
    enum store_word word = WORD_OK;
    struct error    why;
    if (!store_word(err, &gate->reply, &word, &why))
        log_warn("cannot open the gate", F_STR("why", why.message));
    else if (word == WORD_OK)
        log_info("gate opened: the first start of this fleet", F_STR("generation", gate->number));
    redis_reply_fini(&gate->reply);
}

static void on_generation(struct call *call, const struct error *err)
{
    struct gate *gate = container_of(call, struct gate, call);
    if (err) {
        log_warn("cannot write the generation to the journal", F_STR("why", err->message));
        return;
    }
    struct gate_open_args args = { .taker = program_id(gate->program), .generation = str_of(gate->number) };
    script_gate_open(gate->program->store, &args, &gate->reply, &gate->call, on_opened);
}

static void on_journal_message(void *owner, const struct kafka_message *message)
{
    struct gate *gate = owner;
    struct str   key  = message->key;
    int64_t      number;
    if (!str_starts(key, "generation/")) {
        gate->used = true;
        return;
    }
    key = (struct str){ key.p + sizeof "generation/" - 1, key.len - (sizeof "generation/" - 1) };
    if (str_to_i64(key, &number) && number > gate->generation)
        gate->generation = number;
}

static void on_journal_read(struct call *call, const struct error *err)
{
    struct gate *gate = container_of(call, struct gate, call);
    kafka_read_free(gate->journal);
    gate->journal = NULL;
    if (err) {
        log_warn("cannot read the journal", F_STR("topic", gate->program->topics[TOPIC_JOURNAL]),
                 F_STR("why", err->message));
        return;
    }
    if (gate->used) {
        gate_explain(gate, "Redis knows no gate, but the journal has records: this Redis has forgotten, or is another one");
        return;
    }
    snprintf(gate->number, sizeof gate->number, "%" PRIi64, gate->generation + 1);
    buf_fini(&gate->key);
    buf_fini(&gate->record);
    journal_generation_record(gate->generation + 1, str_of(gate->identity), clock_wall_ms(), program_id(gate->program), &gate->key,
                              &gate->record);
    struct kafka_record record = {
        .topic     = gate->program->topics[TOPIC_JOURNAL],
        .partition = -1,
        .key       = buf_str(&gate->key),
        .value     = buf_str(&gate->record),
    };
    kafka_send(gate->program->kafka, &record, NULL, &gate->call, on_generation);
}

static void on_taken(struct call *call, const struct error *err)
{
    struct gate    *gate = container_of(call, struct gate, call);
    enum store_word word = WORD_WAIT;
    struct error    why;
    bool            answered = store_word(err, &gate->reply, &word, &why);
    struct str      state    = answer_item(&gate->reply.answer, 1);
    int64_t         known    = 0;
    if (!answered)
        log_warn("cannot take the gate", F_STR("why", why.message));
    bool taken  = answered && word == WORD_OK;
    bool closed = answered && word == WORD_STATE && str_is(state, "closed");
    if (taken && (!str_to_i64(state, &known) || known > 0))
        closed = true;
    snprintf(gate->identity, sizeof gate->identity, "%.*s", STR_ARG(answer_item(&gate->reply.answer, 2)));
    redis_reply_fini(&gate->reply);
    if (closed) {
        gate_explain(gate, "Redis shows another identity (master_replid) than the one whose gate was opened: it was "
                           "restarted, failed over, or is another server");
    } else if (taken) {
        gate->used       = false;
        gate->generation = 0;
        gate->journal    = kafka_read_start(gate->program->loop, &gate->program->kafka_settings,
                                            gate->program->topics[TOPIC_JOURNAL], NULL, 0, gate->program->config.kafka_read_idle_ms,
                                            on_journal_message, gate, &gate->call, on_journal_read);
    }
}

void gate_look(struct gate *gate)
{
    struct program *p = gate->program;
    if (p->draining || call_busy(&gate->call))
        return;
    struct gate_take_args args = { .taker = program_id(p), .lease_ms = p->config.gate_lease_ms };
    script_gate_take(p->store, &args, &gate->reply, &gate->call, on_taken);
}

struct gate *gate_new(struct program *program)
{
    struct gate *gate = xcalloc(1, sizeof *gate);
    gate->program     = program;
    return gate;
}

void gate_drain(struct gate *gate)
{
    call_cancel(&gate->call);
    redis_reply_fini(&gate->reply);
    kafka_read_free(gate->journal);
    gate->journal = NULL;
}

bool gate_idle(const struct gate *gate)
{
    return !call_busy(&gate->call);
}

void gate_free(struct gate *gate)
{
    if (!gate)
        return;
    gate_drain(gate);
    buf_fini(&gate->key);
    buf_fini(&gate->record);
    free(gate);
}
