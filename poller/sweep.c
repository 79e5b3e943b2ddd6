// SPDX-License-Identifier: Apache-2.0
#include "poller/sweep.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/memory.h"
#include "io/json.h"
#include "io/kafka_read.h"
#include "job/replay.h"
#include "loop/clock.h"
#include "poller/graves.h"
#include "poller/sweep_keys.h"

enum {
    LOOK_MS         = 60 * 1000,  // whether it is time
    BATCH_JOBS      = 100,
    GENERATIONS_MAX = 1000,
};

struct sweep {
    struct program    *program;  // borrowed
    struct call        call;     // reading, or a script
    struct redis_reply reply;
    struct timer       timer;  // the next look
    struct kafka_read *read;   // owned while something is read
    struct sweep_keys  old;    // ends and commands that are past their time, of a part of all jobs
    uint64_t           mask;   // of the parts
    uint64_t           part_of_jobs;       // under way
    struct replay     *replay;             // owned: what the journal holds of those
    size_t             next;               // job of the replay to be looked at
    size_t             batch[BATCH_JOBS];  // jobs whose time is over
    size_t             batch_count;
    enum replay_part   part;                          // the step of the batch under way
    bool               making;                        // before the first: ends that commands made
    struct graves     *graves;                        // owned: the records of a step
    int64_t            highest;                       // generation
    int64_t            generations[GENERATIONS_MAX];  // old ones
    size_t             generation_count;
    int64_t            jobs;  // deleted by this sweep
    int64_t            records;
    int64_t            began_ms;  // monotonic
    int64_t            now_ms;    // then, by Redis' clock
    bool               bad;       // the journal holds something that cannot be read
};

static void on_due(struct call *call, const struct error *err);  // 1. it is time: which jobs
// 2. known: all their records
static void on_which_read(struct call *call, const struct error *err);
static void on_all_read(struct call *call, const struct error *err);  // 3. known: the first batch
// 4. Redis is done with them: the first step
static void on_checked(struct call *call, const struct error *err);
// 5. confirmed: the next step, batch, sweep
static void on_buried(struct call *call, const struct error *err);
static void sweep_batch(struct sweep *sweep);

static struct sweep *sweep_of(struct call *call)
{
    return container_of(call, struct sweep, call);
}

static int64_t old_before_ms(const struct sweep *sweep)
{
    return sweep->now_ms - config_remembered_ms(&sweep->program->config);
}

static bool may_go_on(const struct sweep *sweep)
{
    const struct program *p = sweep->program;
    return p->first && p->gate_open && !p->draining && redis_connected(p->redis);
}

// ---- the end of a sweep, for whatever reason

static void sweep_drop(struct sweep *sweep)
{
    call_cancel(&sweep->call);
    redis_reply_fini(&sweep->reply);
    kafka_read_free(sweep->read);
    replay_free(sweep->replay);
    sweep_keys_fini(&sweep->old);
    graves_clear(sweep->graves);
    sweep->read   = NULL;
    sweep->replay = NULL;
}

static void sweep_later(struct sweep *sweep)
{
    int64_t interval_ms = sweep->program->config.sweep_interval_ms;
    sweep_drop(sweep);
    timer_start(&sweep->timer, interval_ms < LOOK_MS ? interval_ms : LOOK_MS);
}

static void sweep_give_up(struct sweep *sweep, const char *why)
{
    log_warn("the journal is not swept to its end: the next sweep goes on", F_STR("why", why),
             F_INT("jobs", sweep->jobs), F_INT("records", sweep->records));
    sweep_later(sweep);
}

static void on_told(struct call *call, const struct error *err)
{
    (void)err;  // for people only
    sweep_later(sweep_of(call));
}

// ---- 5. tombstones, a step of a batch at a time

static void on_key(void *owner, struct str key)
{
    struct sweep *sweep = owner;
    graves_add(sweep->graves, key, (struct str){ 0 });
}

// The record of an end that only a command says, so that there is one to be deleted last.
static void make_end(struct sweep *sweep, const struct replay_verdict *verdict)
{
    struct buf   key, value;
    struct error err;
    struct str   epoch = verdict->epoch.len ? verdict->epoch : STR("0-0");
    journal_end_record(verdict->job_id, epoch, verdict->end_state, verdict->at_ms, verdict->source,
                       STR("{}"), &key, &value);
    if (replay_record(sweep->replay, buf_str(&key), buf_str(&value), &err))
        graves_add(sweep->graves, buf_str(&key), buf_str(&value));
    else
        sweep->bad = true;
    buf_fini(&key);
    buf_fini(&value);
}

static void gather(struct sweep *sweep)
{
    graves_clear(sweep->graves);
    for (size_t i = 0; i < sweep->batch_count; i++) {
        struct replay_verdict verdict;
        if (!sweep->making) {
            replay_keys(sweep->replay, sweep->batch[i], sweep->part, on_key, sweep);
            continue;
        }
        replay_verdict(sweep->replay, sweep->batch[i], &verdict);
        if (verdict.says == REPLAY_END && !verdict.recorded)
            make_end(sweep, &verdict);
    }
}

// the next step that has anything to send; then the next batch
static void sweep_step(struct sweep *sweep)
{
    for (;;) {
        if (!may_go_on(sweep)) {
            sweep_give_up(sweep, "the gate has closed, or another poller is the first");
            return;
        }
        gather(sweep);
        if (sweep->bad) {
            sweep_give_up(sweep, "an end could not be made a record");
            return;
        }
        if (graves_count(sweep->graves)) {
            graves_fill(sweep->graves, &sweep->call, on_buried);
            return;
        }
        if (sweep->making)
            sweep->making = false;
        else if (++sweep->part == REPLAY_PART_COUNT)
            break;
    }
    sweep->jobs += (int64_t)sweep->batch_count;
    sweep_batch(sweep);
}

static void on_buried(struct call *call, const struct error *err)
{
    struct sweep *sweep = sweep_of(call);
    sweep->records += (int64_t)graves_filled(sweep->graves);
    if (err) {
        sweep_give_up(sweep, err->message);
        return;
    }
    if (sweep->making)
        sweep->making = false;
    else
        sweep->part++;
    if (sweep->part < REPLAY_PART_COUNT) {
        sweep_step(sweep);
        return;
    }
    sweep->jobs += (int64_t)sweep->batch_count;
    sweep_batch(sweep);
}

// ---- 4, 3: a batch of jobs whose time is over

// also commands for a job of which there is nothing else: they were refused, or it is long gone
static bool is_over(struct sweep *sweep, size_t i)
{
    struct replay_verdict verdict;
    if (replay_newest_ms(sweep->replay, i) >= old_before_ms(sweep))
        return false;
    replay_verdict(sweep->replay, i, &verdict);
    return verdict.says == REPLAY_END ||
           (verdict.says == REPLAY_NOTHING && replay_is_orphan(sweep->replay, i));
}

static void on_checked(struct call *call, const struct error *err)
{
    struct sweep        *sweep  = sweep_of(call);
    const struct answer *answer = &sweep->reply.answer;
    enum store_word      word   = WORD_GATE;
    struct error         why;
    size_t               left = 0;
    bool                 ok   = store_word(err, &sweep->reply, &word, &why) && word == WORD_OK &&
              answer->count == sweep->batch_count + 1;
    for (size_t i = 0; ok && i < sweep->batch_count; i++)
        if (answer->items[i + 1].number == 1)
            sweep->batch[left++] = sweep->batch[i];
    redis_reply_fini(&sweep->reply);
    if (!ok) {
        sweep_give_up(sweep, "Redis does not say which jobs it is done with");
        return;
    }
    sweep->batch_count = left;
    sweep->part        = REPLAY_ATTEMPTS;
    sweep->making      = true;
    sweep_step(sweep);
}

static void sweep_end(struct sweep *sweep)
{
    struct sweep_done_args args = { .jobs = sweep->jobs, .records = sweep->records };
    log_at(sweep->records ? LOG_INFO : LOG_DEBUG, "journal swept", F_INT("jobs", sweep->jobs),
           F_INT("records", sweep->records), F_INT("ms", clock_monotonic_ms() - sweep->began_ms));
    script_sweep_done(sweep->program->store, &args, &sweep->reply, &sweep->call, on_told);
}

static void sweep_read_which(struct sweep *sweep);

static void sweep_next_part(struct sweep *sweep)
{
    if (sweep->part_of_jobs == sweep->mask) {
        sweep_end(sweep);
        return;
    }
    sweep->part_of_jobs++;
    log_info("journal swept so far", F_INT("jobs", sweep->jobs), F_INT("records", sweep->records),
             F_INT("parts", sweep->part_of_jobs), F_INT("of", sweep->mask + 1));
    sweep_drop(sweep);
    sweep_read_which(sweep);
}

static void sweep_batch(struct sweep *sweep)
{
    struct str ids[BATCH_JOBS];
    sweep->batch_count = 0;
    while (sweep->batch_count < BATCH_JOBS && sweep->next < replay_jobs(sweep->replay)) {
        struct replay_verdict verdict;
        size_t                i = sweep->next++;
        if (!is_over(sweep, i))
            continue;
        replay_verdict(sweep->replay, i, &verdict);
        ids[sweep->batch_count]            = verdict.job_id;
        sweep->batch[sweep->batch_count++] = i;
    }
    if (sweep->batch_count) {
        struct sweep_check_args args = { .ids = ids, .ids_count = sweep->batch_count };
        script_sweep_check(sweep->program->store, &args, &sweep->reply, &sweep->call, on_checked);
        return;
    }
    sweep_next_part(sweep);
}

// Generations before the newest one say nothing any more.
static void bury_generations(struct sweep *sweep)
{
    graves_clear(sweep->graves);
    for (size_t i = 0; i < sweep->generation_count && sweep->part_of_jobs == 0; i++) {
        char key[48];
        if (sweep->generations[i] >= sweep->highest)
            continue;
        snprintf(key, sizeof key, "generation/%" PRIi64, sweep->generations[i]);
        graves_add(sweep->graves, str_of(key), (struct str){ 0 });
    }
    sweep->generation_count = 0;
    sweep->batch_count      = 0;
    sweep->making           = false;
    sweep->part             = REPLAY_END_NEWEST;  // after these comes the first batch
    if (graves_count(sweep->graves))
        graves_fill(sweep->graves, &sweep->call, on_buried);
    else
        sweep_batch(sweep);
}

static void on_all_read(struct call *call, const struct error *err)
{
    struct sweep *sweep = sweep_of(call);
    kafka_read_free(sweep->read);
    sweep->read = NULL;
    sweep->next = 0;
    if (err || sweep->bad)
        sweep_give_up(sweep, err ? err->message
                                 : "the journal holds a record that this version cannot read");
    else if (!may_go_on(sweep))
        sweep_give_up(sweep, "the gate has closed, or another poller is the first");
    else
        bury_generations(sweep);
}

// ---- 2, 1: reading

static bool is_wanted(const void *owner, struct str job_id)
{
    return sweep_keys_has(owner, job_id);
}

static void on_record(void *owner, const struct kafka_message *message)
{
    struct sweep *sweep = owner;
    struct error  err;
    if (!sweep->bad && !replay_record(sweep->replay, message->key, message->value, &err)) {
        log_error("the journal is not swept", F_STR("why", err.message));
        sweep->bad = true;
    }
}

static void sweep_read(struct sweep *sweep, kafka_read_message *on_message, call_done *done)
{
    struct program *p = sweep->program;
    sweep->read =
        kafka_read_start(p->loop, &p->kafka_settings, p->topics[TOPIC_JOURNAL], NULL, 0,
                         p->config.kafka_read_idle_ms, on_message, sweep, &sweep->call, done);
}

static void on_which_read(struct call *call, const struct error *err)
{
    struct sweep *sweep = sweep_of(call);
    kafka_read_free(sweep->read);
    sweep->read = NULL;
    if (err) {
        sweep_give_up(sweep, err->message);
        return;
    }
    sweep_keys_close(&sweep->old);
    sweep->mask = sweep->old.mask;
    if (!sweep->old.count && !sweep->generation_count) {
        sweep_next_part(sweep);
    } else {
        sweep->replay = replay_new(sweep->program->config.job_keep_ms);
        replay_only(sweep->replay, is_wanted, &sweep->old);
        sweep_read(sweep, on_record, on_all_read);
    }
}

static void see_generation(struct sweep *sweep, struct str number, int64_t at_ms)
{
    int64_t generation;
    if (!str_to_i64(number, &generation))
        return;
    if (generation > sweep->highest)
        sweep->highest = generation;
    if (at_ms < old_before_ms(sweep) && sweep->generation_count < GENERATIONS_MAX)
        sweep->generations[sweep->generation_count++] = generation;
}

// its tombstone was written before
static void drop_generation(struct sweep *sweep, struct str kind, struct str number)
{
    int64_t generation;
    if (!str_is(kind, "generation") || !str_to_i64(number, &generation))
        return;
    for (size_t i = 0; i < sweep->generation_count; i++)
        if (sweep->generations[i] == generation)
            sweep->generations[i--] = sweep->generations[--sweep->generation_count];
}

// Jobs with an end, or a command, that is past its time: whether the whole job is, all its records
// say.
static void on_which(void *owner, const struct kafka_message *message)
{
    struct sweep *sweep = owner;
    struct str    rest = message->key, kind = { 0 }, job_id = { 0 };
    struct error  err;
    int64_t       at_ms = 0;
    bool          named = str_cut(&rest, '/', &kind) &&
                 (str_is(kind, "end") || str_is(kind, "command") || str_is(kind, "generation"));
    if (named && !message->value.p) {
        sweep_keys_drop(&sweep->old, message->key);
        drop_generation(sweep, kind, rest);
        return;
    }
    struct json *json =
        named ? json_parse(message->value, JOURNAL_RECORD_MAX_BYTES * 2, JOURNAL_DEPTH_MAX, &err)
              : NULL;
    if (!json)
        return;  // of no interest here; or the second reading says why it cannot be read
    if (!json_i64(json_get(json, "at"), &at_ms))
        at_ms = sweep->now_ms;
    if (str_is(kind, "generation")) {
        see_generation(sweep, rest, at_ms);
    } else if (at_ms < old_before_ms(sweep)) {
        job_id = str_is(kind, "command") ? json_text(json_get(json, "job_id")) : (struct str){ 0 };
        if (str_is(kind, "end"))
            str_cut(&rest, '/', &job_id);
        if (job_id.len)
            sweep_keys_add(&sweep->old, message->key, job_id);
    }
    json_free(json);
}

static void sweep_read_which(struct sweep *sweep)
{
    sweep->bad              = false;
    sweep->highest          = 0;
    sweep->generation_count = 0;
    sweep_keys_init(&sweep->old, (size_t)sweep->program->config.sweep_jobs, sweep->mask,
                    sweep->part_of_jobs);
    sweep_read(sweep, on_which, on_which_read);
}

static void on_due(struct call *call, const struct error *err)
{
    struct sweep   *sweep = sweep_of(call);
    enum store_word word  = WORD_WAIT;
    struct error    why;
    bool            due = store_word(err, &sweep->reply, &word, &why) && word == WORD_OK;
    if (due && sweep->reply.answer.count > 1)
        sweep->now_ms = sweep->reply.answer.items[1].number;
    redis_reply_fini(&sweep->reply);
    if (!due) {
        sweep_later(sweep);
        return;
    }
    sweep->jobs = sweep->records = 0;
    sweep->mask = sweep->part_of_jobs = 0;
    sweep->began_ms                   = clock_monotonic_ms();
    sweep_read_which(sweep);
}

static void on_timer(struct timer *timer)
{
    struct sweep   *sweep = container_of(timer, struct sweep, timer);
    struct program *p     = sweep->program;
    if (!may_go_on(sweep)) {
        if (!p->draining)
            sweep_later(sweep);
        return;
    }
    struct sweep_due_args args = { .poller   = program_id(p),
                                   .interval = p->config.sweep_interval_ms };
    script_sweep_due(p->store, &args, &sweep->reply, &sweep->call, on_due);
}

// ---- life

struct sweep *sweep_new(struct program *program)
{
    struct sweep *sweep = xcalloc(1, sizeof *sweep);
    sweep->program      = program;
    sweep->graves       = graves_new(program);
    timer_init(&sweep->timer, program->loop, on_timer);
    sweep_later(sweep);
    return sweep;
}

void sweep_drain(struct sweep *sweep)
{
    timer_stop(&sweep->timer);
    sweep_drop(sweep);
}

void sweep_free(struct sweep *sweep)
{
    if (!sweep)
        return;
    sweep_drop(sweep);
    timer_fini(&sweep->timer);
    graves_free(sweep->graves);
    free(sweep);
}
