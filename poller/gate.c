// SPDX-License-Identifier: Apache-2.0
#include "poller/gate.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/memory.h"
#include "io/kafka_read.h"
#include "job/replay.h"
#include "loop/clock.h"
#include "poller/anchor.h"
#include "poller/mark.h"
#include "poller/restore.h"

enum {
    TAKER_BYTES    = PROGRAM_ID_BYTES + 24,
    PARTITIONS_MAX = 4096,
    SWEEP_AT_ONCE  = 100,
    CLOCK_OFF_MS   = 2000
};

struct gate {
    struct program      *program;  // borrowed
    const struct topics *topics;   // borrowed
    struct call          call;     // the step under way
    struct redis_reply   reply;
    struct call          keep;  // the lease of the token
    struct redis_reply   keep_reply;
    struct timer         keep_timer;
    struct timer         wait;   // of the step that waits
    bool                 taken;  // this program has the gate, as far as it knows
    bool                 empty;  // Redis knew no job
    bool                 first;  // the first start of the fleet
    uint64_t             takes;  // each has another token
    char                 taker[TAKER_BYTES];
    int64_t              remembered;      // generation in Redis
    char                 identity[64];    // of the server that it was taken on
    char                 generation[24];  // the new one
    int64_t              began_ms;        // monotonic
    const char          *step;            // for people
    bool                 tail;            // the journal is read from where Redis knew it last
    struct kafka_offset  remembered_at;   // where the record of the remembered generation stands
    struct anchor        anchor;          // whether it does
    struct kafka_place   place;           // of the new generation's record
    struct kafka_read   *read;            // owned while something is read
    struct kafka_offset
          *ends;  // owned: where a tail begins, then where the first reading of the journal ended
    size_t end_count;
    struct buf      accounts_read;  // to where <fleet>.accounts was read; "" nothing of it
    struct replay  *replay;         // owned
    struct restore *restore;        // owned
    struct buf      key;            // the generation's record
    struct buf      record;
    struct error    bad_record;  // the journal holds something that cannot be read
    bool            bad;
};

// 1. ours: is the journal the remembered one?
static void on_taken(struct call *call, const struct error *err);
//    a tail of it will do; or not
static void on_anchored(struct call *call, const struct error *err);
// 2. the highest generation is known
static void on_journal_read(struct call *call, const struct error *err);
// 3. the new one is confirmed: wait
static void on_generation(struct call *call, const struct error *err);
static void on_waited(struct timer *timer);  // 4. no old Redis accepts: read accounts
static void on_accounts_read(struct call *call, const struct error *err);  // 5. put them into Redis
// 6. read the rest of the journal
static void on_accounts_put(struct call *call, const struct error *err);
// 7. put the jobs into Redis
static void on_rest_read(struct call *call, const struct error *err);
static void on_jobs_put(struct call *call, const struct error *err);  // 8. what is still claimed
static void on_swept(struct call *call, const struct error *err);     // 9. compare the clocks
static void on_clock(struct call *call, const struct error *err);     // 10. open
static void on_opened(struct call *call, const struct error *err);    // 11. open

static void journal_begin(struct gate *gate, bool tail, const char *why);

static struct gate *gate_of(struct call *call)
{
    return container_of(call, struct gate, call);
}

// ---- giving up: the token's lease ends, and whoever hears GATE next begins anew

static void gate_drop(struct gate *gate)
{
    call_cancel(&gate->call);
    redis_reply_fini(&gate->reply);
    call_cancel(&gate->keep);
    redis_reply_fini(&gate->keep_reply);
    timer_stop(&gate->keep_timer);
    timer_stop(&gate->wait);
    kafka_read_free(gate->read);
    restore_free(gate->restore);
    replay_free(gate->replay);
    free(gate->ends);
    buf_fini(&gate->accounts_read);
    gate->read      = NULL;
    gate->restore   = NULL;
    gate->replay    = NULL;
    gate->ends      = NULL;
    gate->end_count = 0;
    gate->taken     = false;
}

static void gate_give_up(struct gate *gate, const char *why)
{
    log_warn("the gate stays closed for now: it is tried again", F_STR("step", gate->step),
             F_STR("why", why));
    gate_drop(gate);
}

// A script of the gate: true when it was done. Else the gate has been given up.
static bool gate_done(struct gate *gate, const struct error *err)
{
    enum store_word word = WORD_OK;
    struct error    why;
    if (!store_word(err, &gate->reply, &word, &why)) {
        gate_give_up(gate, why.message);
        return false;
    }
    if (word != WORD_OK) {
        gate_give_up(gate, "somebody else has the gate, or Redis is another one again");
        return false;
    }
    return true;
}

// ---- the token's lease, and progress for people

static void on_kept(struct call *call, const struct error *err)
{
    struct gate    *gate = container_of(call, struct gate, keep);
    enum store_word word = WORD_OK;
    struct error    why;
    bool            lost = store_word(err, &gate->keep_reply, &word, &why) && word != WORD_OK;
    redis_reply_fini(&gate->keep_reply);
    if (lost)
        gate_give_up(gate, "somebody else has the gate, or Redis is another one again");
    else
        timer_start(&gate->keep_timer, gate->program->config.gate_lease_ms / 10);
}

static void on_keep_timer(struct timer *timer)
{
    struct gate          *gate = container_of(timer, struct gate, keep_timer);
    struct gate_keep_args args = {
        .taker    = str_of(gate->taker),
        .lease_ms = gate->program->config.gate_lease_ms,
        .step     = str_of(gate->step),
        .done     = gate->restore ? (int64_t)restore_done(gate->restore) : 0,
        .of       = gate->restore ? (int64_t)restore_of(gate->restore) : 0,
    };
    script_gate_keep(gate->program->store, &args, &gate->keep_reply, &gate->keep, on_kept);
}

static void gate_step(struct gate *gate, const char *step)
{
    gate->step = step;
    log_info("gate", F_STR("step", step), F_STR("taker", gate->taker),
             F_STR("generation", gate->generation),
             F_INT("ms", clock_monotonic_ms() - gate->began_ms));
    if (!call_busy(&gate->keep))
        timer_start(&gate->keep_timer, 0);
}

// ---- 11, 10, 9: open

static void on_opened(struct call *call, const struct error *err)
{
    struct gate *gate = gate_of(call);
    if (!gate_done(gate, err))
        return;
    metric_add(gate->program->metrics, METRIC_GATE_OPENED, 0, 1);
    log_info("gate opened", F_STR("generation", gate->generation),
             F_STR("first_start", gate->first ? "yes" : "no"),
             F_STR("journal_read", gate->tail ? "tail" : "whole"),
             F_INT("jobs", replay_jobs(gate->replay)),
             F_INT("ms", clock_monotonic_ms() - gate->began_ms));
    gate_drop(gate);
}

static void gate_open(struct gate *gate)
{
    struct buf  ends;
    char        anchor[48];
    const char *wrong = topics_wrong(gate->topics);
    if (wrong) {
        gate_give_up(gate, wrong);
        return;
    }
    struct kafka_offset place = { gate->place.partition, gate->place.offset };
    mark_text(gate->ends, gate->end_count, &ends);
    snprintf(anchor, sizeof anchor, "%d:%" PRIi64, (int)place.partition, place.offset);
    struct gate_open_args args = {
        .taker      = str_of(gate->taker),
        .generation = str_of(gate->generation),
        .ends       = buf_str(&ends),
        .anchor     = place.offset >= 0 ? str_of(anchor) : STR(""),
        .read       = gate->tail ? STR("tail") : STR("whole"),
        .accounts   = buf_str(&gate->accounts_read),
    };
    script_gate_open(gate->program->store, &args, &gate->reply, &gate->call, on_opened);
    buf_fini(&ends);
}

static void on_clock(struct call *call, const struct error *err)
{
    struct gate *gate = gate_of(call);
    if (!gate_done(gate, err))
        return;
    int64_t redis_ms = gate->reply.answer.count > 1 ? gate->reply.answer.items[1].number : 0;
    int64_t off_ms   = redis_ms - clock_wall_ms();
    redis_reply_fini(&gate->reply);
    if (off_ms > CLOCK_OFF_MS || off_ms < -CLOCK_OFF_MS) {
        log_error("the clocks of Redis and of this machine are apart: set them right, then the "
                  "gate opens",
                  F_INT("apart_ms", off_ms));
        gate_give_up(gate, "the clocks are apart");
        return;
    }
    gate_open(gate);
}

static void gate_sweep(struct gate *gate)
{
    struct gate_sweep_args args = { .taker      = str_of(gate->taker),
                                    .generation = str_of(gate->generation),
                                    .count      = SWEEP_AT_ONCE };
    script_gate_sweep(gate->program->store, &args, &gate->reply, &gate->call, on_swept);
}

static void on_swept(struct call *call, const struct error *err)
{
    struct gate *gate = gate_of(call);
    if (!gate_done(gate, err))
        return;
    int64_t left = gate->reply.answer.count > 1 ? gate->reply.answer.items[1].number : 0;
    redis_reply_fini(&gate->reply);
    if (left > 0) {
        gate_sweep(gate);
        return;
    }
    struct gate_keep_args args = { .taker    = str_of(gate->taker),
                                   .lease_ms = gate->program->config.gate_lease_ms,
                                   .step     = STR("clock") };
    script_gate_keep(gate->program->store, &args, &gate->reply, &gate->call, on_clock);
}

// ---- 8, 7: jobs

static void on_jobs_put(struct call *call, const struct error *err)
{
    struct gate *gate = gate_of(call);
    if (err) {
        gate_give_up(gate, err->message);
        return;
    }
    gate_step(gate, "what is still claimed");
    gate_sweep(gate);
}

static void on_rest_read(struct call *call, const struct error *err)
{
    struct gate *gate = gate_of(call);
    if (err || gate->bad) {
        gate_give_up(gate, err ? err->message : gate->bad_record.message);
        return;
    }
    gate_step(gate, "jobs into Redis");
    restore_jobs(gate->restore, gate->replay, &gate->call, on_jobs_put);
}

// ---- 6, 5: accounts

static void on_record(void *owner, const struct kafka_message *message)
{
    struct gate *gate = owner;
    struct error err;
    if (gate->bad || replay_record(gate->replay, message->key, message->value, &err))
        return;
    gate->bad        = true;
    gate->bad_record = err;
    log_error("the journal holds a record that this version cannot read: nothing is opened on a "
              "guess. Run the version "
              "that wrote it",
              F_STR("why", err.message));
}

static void journal_read(struct gate *gate, call_done *done)
{
    struct program *p = gate->program;
    kafka_read_free(gate->read);
    gate->bad  = false;
    gate->read = kafka_read_start(p->loop, &p->kafka_settings, p->topics[TOPIC_JOURNAL], gate->ends,
                                  gate->end_count, p->config.kafka_read_idle_ms, on_record, gate,
                                  &gate->call, done);
}

static void on_accounts_put(struct call *call, const struct error *err)
{
    struct gate *gate = gate_of(call);
    if (err) {
        gate_give_up(gate, err->message);
        return;
    }
    gate_step(gate, "rest of the journal");
    journal_read(gate, on_rest_read);
}

// what comes after it is put into Redis when the gate is open (accounts.h)
static void remember_accounts_read(struct gate *gate)
{
    struct kafka_offset *ends  = xcalloc(PARTITIONS_MAX, sizeof *ends);
    size_t               count = kafka_read_ends(gate->read, ends, PARTITIONS_MAX);
    buf_fini(&gate->accounts_read);
    mark_text(ends, count, &gate->accounts_read);
    free(ends);
}

static void on_accounts_read(struct call *call, const struct error *err)
{
    struct gate *gate = gate_of(call);
    if (err) {
        gate_give_up(gate, err->message);
        return;
    }
    remember_accounts_read(gate);
    kafka_read_free(gate->read);
    gate->read = NULL;
    gate_step(gate, "accounts into Redis");
    restore_accounts(gate->restore, &gate->call, on_accounts_put);
}

static void on_account_record(void *owner, const struct kafka_message *message)
{
    struct gate *gate = owner;
    if (message->value.p)
        restore_account(gate->restore, message->value);
}

// ---- 4, 3: the wait

static void on_waited(struct timer *timer)
{
    struct gate    *gate = container_of(timer, struct gate, wait);
    struct program *p    = gate->program;
    gate_step(gate, "accounts");
    gate->restore = restore_new(p, gate->taker, gate->generation);
    gate->read = kafka_read_start(p->loop, &p->kafka_settings, p->topics[TOPIC_ACCOUNTS], NULL, 0,
                                  p->config.kafka_read_idle_ms, on_account_record, gate,
                                  &gate->call, on_accounts_read);
}

static void on_generation(struct call *call, const struct error *err)
{
    struct gate         *gate   = gate_of(call);
    const struct config *config = &gate->program->config;
    if (err) {
        gate_give_up(gate, err->message);
        return;
    }
    if (gate->first) {
        gate_open(gate);
        return;
    }
    gate_step(gate, "wait until an old Redis cannot accept any more");
    timer_start(&gate->wait, config->gate_wait_ms + (gate->empty ? config->limit_window_ms : 0));
}

// ---- 2, 1: the journal, and the new generation

static void on_journal_read(struct call *call, const struct error *err)
{
    struct gate *gate = gate_of(call);
    if (err || gate->bad) {
        gate_give_up(gate, err ? err->message : gate->bad_record.message);
        return;
    }
    int64_t highest = replay_generation(gate->replay);
    if (gate->tail && highest > gate->remembered) {
        // other gates were taken since: this Redis is older than they are
        journal_begin(gate, false, "a later generation than Redis remembers");
        return;
    }
    if (!gate->ends)
        gate->ends = xcalloc(PARTITIONS_MAX, sizeof *gate->ends);
    gate->end_count = kafka_read_ends(gate->read, gate->ends, PARTITIONS_MAX);
    kafka_read_free(gate->read);
    gate->read = NULL;

    if (gate->remembered > highest)
        highest = gate->remembered;
    // A journal without one record: nothing was ever sent, and there is no old Redis to wait for.
    // With a generation in it an isolated Redis may still accept an attempt whose INTENT is on its
    // way.
    gate->first = !gate->tail && gate->empty && gate->remembered == 0 &&
                  replay_generation(gate->replay) == 0 && !replay_used(gate->replay);
    snprintf(gate->generation, sizeof gate->generation, "%" PRIi64, highest + 1);
    buf_fini(&gate->key);
    buf_fini(&gate->record);
    journal_generation_record(highest + 1, str_of(gate->identity), clock_wall_ms(),
                              str_of(gate->taker), &gate->key, &gate->record);
    struct kafka_record record = {
        .topic     = gate->program->topics[TOPIC_JOURNAL],
        .partition = -1,
        .key       = buf_str(&gate->key),
        .value     = buf_str(&gate->record),
    };
    gate_step(gate, "generation");
    gate->place = (struct kafka_place){ .offset = -1 };
    kafka_send(gate->program->kafka, &record, &gate->place, &gate->call, on_generation);
}

// ---- 1: a tail of the journal, or all of it

static void journal_begin(struct gate *gate, bool tail, const char *why)
{
    kafka_read_free(gate->read);
    gate->read = NULL;
    gate->tail = tail;
    if (!tail) {
        free(gate->ends);
        gate->ends      = NULL;
        gate->end_count = 0;
    }
    replay_free(gate->replay);
    gate->replay = replay_new(gate->program->config.job_keep_ms);
    log_info("gate reads the journal",
             F_STR("from", tail ? "where Redis knew it last" : "the beginning"), F_STR("why", why));
    gate_step(gate, tail ? "tail of the journal" : "journal");
    journal_read(gate, on_journal_read);
}

static void on_anchored(struct call *call, const struct error *err)
{
    struct gate *gate = gate_of(call);
    if (err)
        gate_give_up(gate, err->message);
    else
        journal_begin(gate, gate->anchor.ok,
                      gate->anchor.ok ? "it is the journal that Redis knew"
                                      : "another record stands where that generation's was");
}

// False: Redis remembers nothing that a tail could begin at.
static bool remembered_ends(struct gate *gate, const struct answer *answer)
{
    size_t anchors  = 0;
    gate->ends      = xcalloc(PARTITIONS_MAX, sizeof *gate->ends);
    gate->end_count = 0;
    return answer->count > 5 &&
           mark_parse(answer_item(answer, 4), gate->ends, PARTITIONS_MAX, &gate->end_count) &&
           mark_parse(answer_item(answer, 5), &gate->remembered_at, 1, &anchors) && anchors == 1 &&
           gate->end_count > 0;
}

static void on_taken(struct call *call, const struct error *err)
{
    struct gate    *gate = gate_of(call);
    enum store_word word = WORD_WAIT;
    struct error    why;
    if (!store_word(err, &gate->reply, &word, &why))
        log_warn("cannot take the gate", F_STR("why", why.message));
    const struct answer *answer = &gate->reply.answer;
    gate->taken                 = !err && word == WORD_OK && answer->count > 3;
    if (gate->taken) {
        if (!str_to_i64(answer_item(answer, 1), &gate->remembered))
            gate->remembered = 0;
        snprintf(gate->identity, sizeof gate->identity, "%.*s", STR_ARG(answer_item(answer, 2)));
        gate->empty = answer->items[3].number == 1;
    }
    bool remembers = gate->taken && remembered_ends(gate, answer);
    redis_reply_fini(&gate->reply);
    if (!gate->taken)
        return;
    log_info("gate taken", F_STR("taker", gate->taker), F_STR("identity", gate->identity),
             F_INT("remembered_generation", gate->remembered),
             F_STR("redis_is_empty", gate->empty ? "yes" : "no"));
    gate->began_ms      = clock_monotonic_ms();
    gate->generation[0] = '\0';
    if (!remembers || gate->empty) {
        journal_begin(gate, false,
                      gate->empty ? "Redis is empty"
                                  : "Redis remembers no place in it, or is to be told all");
        return;
    }
    gate_step(gate, "is it the same journal?");
    anchor_look(&gate->anchor, gate->remembered_at, gate->remembered, gate->ends, gate->end_count,
                &gate->call, on_anchored);
}

void gate_look(struct gate *gate)
{
    struct program *p = gate->program;
    if (p->draining || gate->taken || call_busy(&gate->call) || topics_wrong(gate->topics))
        return;
    snprintf(gate->taker, sizeof gate->taker, "%s#%" PRIu64, p->id, ++gate->takes);
    struct gate_take_args args = { .taker    = str_of(gate->taker),
                                   .lease_ms = p->config.gate_lease_ms };
    script_gate_take(p->store, &args, &gate->reply, &gate->call, on_taken);
}

struct gate *gate_new(struct program *program, const struct topics *topics)
{
    struct gate *gate = xcalloc(1, sizeof *gate);
    gate->topics      = topics;
    gate->program     = program;
    gate->step        = "take";
    timer_init(&gate->keep_timer, program->loop, on_keep_timer);
    timer_init(&gate->wait, program->loop, on_waited);
    anchor_init(&gate->anchor, program);
    return gate;
}

void gate_drain(struct gate *gate)
{
    gate_drop(gate);
}

bool gate_idle(const struct gate *gate)
{
    return !call_busy(&gate->call);
}

void gate_free(struct gate *gate)
{
    if (!gate)
        return;
    gate_drop(gate);
    timer_fini(&gate->keep_timer);
    timer_fini(&gate->wait);
    anchor_fini(&gate->anchor);
    buf_fini(&gate->key);
    buf_fini(&gate->record);
    free(gate);
}
