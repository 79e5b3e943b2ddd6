// SPDX-License-Identifier: Apache-2.0
#include "worker/trip.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "job/account.h"
#include "job/job.h"
#include "loop/clock.h"
#include "worker/creator.h"
#include "worker/verdict.h"

enum { REPEAT_MIN_MS = 100, REPEAT_MAX_MS = 5000, LOG_ID_BYTES = 64, JOURNAL_LATE_MS = 1000 };

// one of the two records at the end, repeated until it is there
struct record {
    struct call  call;
    struct timer again;    // the next try
    int64_t      wait_ms;  // before it
    bool         needed;   // there is something to write; Redis always hears
    bool         done;     // it is written, or can never be
};

struct trip {                      // one job's way through the worker
    struct call          call;     // the request in flight until TikTok has answered
    struct program      *program;  // borrowed; outlives every trip
    struct worker       *worker;   // borrowed
    struct arena         arena;    // owns the texts below
    struct str           job_id;
    struct str           epoch;         // this attempt's
    struct str           account;       // open_id
    struct str           source;        // of its message
    struct str           token_rev;     // of the account's record
    int64_t              attempt;       // 1, 2, ...
    int64_t              retries;       // failures that were worth a retry, before this attempt
    int64_t              unreadable;    // how often its message could not be read, so far
    int64_t              lease_end_ms;  // monotonic
    int64_t              due_ms;        // wall: publish_at, or where a person put it; 0: none
    int64_t              intent_us;     // monotonic: when the INTENT was handed to Kafka
    struct job           job;           // decoded
    struct buf           token;         // access token; wiped
    struct creator       creator;       // whether the account lets it be posted
    struct buf           warnings;      // of this attempt, for the job
    struct redis_reply   reply;         // of the script in flight
    struct buf           key;           // journal record in flight
    struct buf           value;
    struct tiktok_answer answer;   // what TikTok said
    struct verdict       verdict;  // what becomes of the job
    struct buf           cause;    // in words for people
    const char          *code;     // of the outcome
    const char          *remedy;
    bool                 intent;  // an INTENT may be in the journal
    const char
        *early;  // it ended before the request: what Redis hears (RELEASE, REJECT); else NULL
    struct record journal;   // INITED or INTENT_ABORTED
    struct record redis;     // result or refuse
    int64_t       redis_ms;  // monotonic, when Redis took it
};

// 1. the account lets it be posted: INTENT
static void on_allowed(struct call *call, const struct error *err);
// 2. INTENT is in Kafka: SENDING
static void on_intent(struct call *call, const struct error *err);
static void on_sending(struct call *call, const struct error *err);  // 3. Redis took it: send
// 4. TikTok answered, or did not: write it down
static void on_answer(struct call *call, const struct error *err);
static void journal_write(struct trip *trip);  // 5. both records, in either order
static void redis_write(struct trip *trip);

static struct trip *trip_of(struct call *call)
{
    return container_of(call, struct trip, call);
}

// ---- the end of the trip: two records

static void trip_end_when_recorded(struct trip *trip)
{
    if (trip->journal.needed && !trip->journal.done)
        return;
    if (!trip->redis.done)
        return;
    worker_trip_ended(trip->worker, trip);
}

static void record_again(struct record *record)
{
    record->wait_ms = record->wait_ms ? record->wait_ms * 2 : REPEAT_MIN_MS;
    if (record->wait_ms > REPEAT_MAX_MS)
        record->wait_ms = REPEAT_MAX_MS;
    timer_start(&record->again, record->wait_ms);
}

static void on_journal_again(struct timer *timer)
{
    journal_write(container_of(timer, struct trip, journal.again));
}

static void on_redis_again(struct timer *timer)
{
    redis_write(container_of(timer, struct trip, redis.again));
}

static void on_journal_written(struct call *call, const struct error *err)
{
    struct trip *trip = container_of(call, struct trip, journal.call);
    if (err) {
        log_warn("journal record not written yet", F_STRN("job", trip->job_id),
                 F_STRN("epoch", trip->epoch), F_STR("why", err->message));
        record_again(&trip->journal);
        return;
    }
    trip->journal.done = true;
    /* Redis took it long before Kafka did. It may be another one by now, that was told what the
     * journal said before this record was there: then it has to hear it too. gate.wait begins when
     * no old Redis takes anything any more, and is longer than this. */
    if (trip->redis.done && clock_monotonic_ms() - trip->redis_ms > JOURNAL_LATE_MS) {
        trip->redis.done = false;
        redis_write(trip);
        return;
    }
    trip_end_when_recorded(trip);
}

static void journal_send(struct trip *trip, enum attempt_kind kind, struct str why,
                         struct call *call, call_done *done)
{
    struct journal_attempt attempt = {
        .kind       = kind,
        .job_id     = trip->job_id,
        .epoch      = trip->epoch,
        .attempt    = trip->attempt,
        .account    = trip->account,
        .mode       = trip->job.post.mode == POST_DRAFT ? STR("draft") : STR("direct"),
        .at_ms      = clock_wall_ms(),
        .publish_id = kind == ATTEMPT_INITED ? str_of(trip->answer.publish_id) : (struct str){ 0 },
        .source     = trip->source,
        .why        = why,
    };
    buf_fini(&trip->key);
    buf_fini(&trip->value);
    journal_attempt_record(&attempt, &trip->key, &trip->value);
    struct kafka_record record = {
        .topic     = trip->program->topics[TOPIC_JOURNAL],
        .partition = -1,
        .key       = buf_str(&trip->key),
        .value     = buf_str(&trip->value),
    };
    kafka_send(trip->program->kafka, &record, NULL, call, done);
}

static void journal_write(struct trip *trip)
{
    bool accepted = trip->verdict.event == ON_ACCEPT;
    journal_send(trip, accepted ? ATTEMPT_INITED : ATTEMPT_INTENT_ABORTED,
                 accepted ? STR("") : str_of(trip->code), &trip->journal.call, on_journal_written);
}

static void on_redis_written(struct call *call, const struct error *err)
{
    struct trip    *trip = container_of(call, struct trip, redis.call);
    enum store_word word = WORD_OK;
    struct error    why;
    bool            answered = store_word(err, &trip->reply, &word, &why);
    struct str      state    = answer_item(&trip->reply.answer, 1);
    if (!answered || word == WORD_GATE) {
        if (answered)
            program_saw_gate(trip->program, false);
        else
            log_warn("result not recorded yet", F_STRN("job", trip->job_id),
                     F_STRN("epoch", trip->epoch), F_STR("why", why.message));
        redis_reply_fini(&trip->reply);
        record_again(&trip->redis);
        return;
    }
    if (word == WORD_OK)
        log_info("job moved", F_STRN("job", trip->job_id), F_STRN("state", state),
                 F_STRN("account", trip->account), F_STRN("epoch", trip->epoch),
                 F_STR("code", trip->code), F_STR("publish_id", trip->answer.publish_id),
                 F_STR("log_id", trip->answer.log_id));
    else
        log_warn("result not taken: the job has gone on without this attempt",
                 F_STRN("job", trip->job_id), F_STRN("epoch", trip->epoch), F_STRN("state", state),
                 F_STR("code", trip->code), F_STR("publish_id", trip->answer.publish_id));
    redis_reply_fini(&trip->reply);
    trip->redis.done = true;
    trip->redis_ms   = clock_monotonic_ms();
    trip_end_when_recorded(trip);
}

static int64_t first_poll_ms(const struct config *config)
{
    return config->poll_first_ms < config->poll_interval_ms ? config->poll_first_ms
                                                            : config->poll_interval_ms;
}

static void redis_write(struct trip *trip)
{
    struct store *store = trip->program->store;
    if (trip->verdict.event == ON_ACCEPT) {
        struct result_args args = {
            .job_id        = trip->job_id,
            .epoch         = trip->epoch,
            .publish_id    = str_of(trip->answer.publish_id),
            .log_id        = str_of(trip->answer.log_id),
            .first_poll_ms = first_poll_ms(&trip->program->config),
            .worker        = program_id(trip->program),
        };
        script_result(store, &args, &trip->reply, &trip->redis.call, on_redis_written);
        return;
    }
    struct refuse_args args = {
        .job_id       = trip->job_id,
        .epoch        = trip->epoch,
        .event        = str_of(trip->early ? trip->early : job_event_text(trip->verdict.event)),
        .arrived      = trip->verdict.arrived,
        .due_ms       = trip->verdict.due_ms,
        .retries      = trip->verdict.retries,
        .unreadable   = trip->unreadable,
        .account_then = str_of(trip->verdict.account_then),
        .token_rev    = trip->token_rev,
        .code         = str_of(trip->code),
        .cause        = buf_str(&trip->cause),
        .remedy       = str_of(trip->remedy),
        .log_id       = str_of(trip->answer.log_id),
        .worker       = program_id(trip->program),
    };
    script_refuse(store, &args, &trip->reply, &trip->redis.call, on_redis_written);
}

static enum metric_attempt_end attempt_end(const struct trip *trip)
{
    if (trip->verdict.event == ON_REJECT)
        return ATTEMPT_REJECTED;
    if (trip->early)
        return ATTEMPT_RELEASED;
    if (trip->verdict.event == ON_ACCEPT)
        return ATTEMPT_ACCEPTED;
    if (trip->verdict.event == ON_DOUBT)
        return ATTEMPT_UNSURE;
    if (trip->verdict.event == ON_REFUSE)
        return trip->verdict.gave_up ? ATTEMPT_GAVE_UP : ATTEMPT_REFUSED;
    return trip->verdict.account_then[0] ? ATTEMPT_HELD : ATTEMPT_RETRIED;
}

// The attempt is over: what is true of it goes to the journal and to Redis at the same time.
static void trip_record(struct trip *trip)
{
    metric_add(trip->program->metrics, METRIC_ATTEMPTS, attempt_end(trip), 1);
    // an open INTENT of a doubt stays as it is: that is what it says
    trip->journal.needed =
        trip->verdict.event == ON_ACCEPT || (trip->intent && trip->verdict.event != ON_DOUBT);
    if (trip->journal.needed)
        journal_write(trip);
    redis_write(trip);
}

static void trip_say(struct trip *trip, const struct outcome *outcome, const char *detail)
{
    trip->code   = outcome->code;
    trip->remedy = outcome->remedy;
    buf_clear(&trip->cause);
    buf_add_text(&trip->cause, outcome->cause);
    if (detail && detail[0])
        buf_printf(&trip->cause, " (%s)", detail);
    if (trip->verdict.gave_up)
        buf_printf(&trip->cause, " Tried %" PRIi64 " times.", trip->attempt);
}

// No request that may publish has left for TikTok: the job goes back, and is tried again after a
// while.
static void trip_back(struct trip *trip, const struct outcome *outcome, const char *detail,
                      const char *account_then, int64_t due_ms)
{
    trip->early   = job_event_text(ON_RELEASE);
    trip->verdict = (struct verdict){ .event        = ON_NOT_SENT,
                                      .arrived      = 0,
                                      .due_ms       = due_ms,
                                      .retries      = trip->retries,
                                      .account_then = account_then };
    trip_say(trip, outcome, detail);
    trip_record(trip);
}

static void trip_count_release(const struct trip *trip, const char *code)
{
    struct metrics *metrics = trip->program->metrics;
    metric_add(metrics, METRIC_RELEASES, metric_place(metrics, METRIC_RELEASES, 0, str_of(code)),
               1);
}

static void trip_release(struct trip *trip, const char *code, const char *detail,
                         const char *account_then)
{
    const struct outcome *outcome = outcome_named(code);
    assert(outcome);
    trip_count_release(trip, code);
    trip_back(trip, outcome, detail, account_then,
              account_then[0] ? 0 : trip->program->config.retry_delay_ms);
}

static void trip_reject(struct trip *trip, const struct outcome *outcome, const char *detail)
{
    trip->early = job_event_text(ON_REJECT);
    trip->verdict =
        (struct verdict){ .event = ON_REJECT, .retries = trip->retries, .account_then = "" };
    trip_say(trip, outcome, detail);
    trip_record(trip);
}

// It was good when it was ingested: by a program of another version, or under other settings. While
// workers are replaced another one may read it.
static void trip_unreadable(struct trip *trip, const char *why)
{
    const struct config *config = &trip->program->config;
    int64_t              before = trip->unreadable++;
    if (before >= config->retry_unreadable) {
        trip_reject(trip, outcome_named("message_never_read"), why);
        return;
    }
    trip_count_release(trip, "message_unreadable");
    trip_back(trip, outcome_named("message_unreadable"), why, "",
              verdict_backoff_ms(config, before));
}

// ---- the way there

static bool lease_lasts(void *owner)
{
    const struct trip *trip = owner;
    return clock_monotonic_ms() + trip->program->config.tiktok_timeout_ms <= trip->lease_end_ms;
}

static void on_answer(struct call *call, const struct error *err)
{
    struct trip          *trip = trip_of(call);
    const struct outcome *outcome =
        creator_refused(&trip->job.post, &trip->creator.known, trip->answer.outcome);
    buf_wipe(&trip->token);
    trip->verdict = verdict_of(outcome, trip->answer.http_status, trip->attempt, trip->retries,
                               &trip->program->config);
    trip_say(trip, outcome, err ? err->message : trip->answer.message);
    log_debug("init answered", F_STRN("job", trip->job_id), F_INT("http", trip->answer.http_status),
              F_STR("code", outcome->code), F_INT("us", trip->answer.took_us),
              F_STR("log_id", trip->answer.log_id));
    trip_record(trip);
}

static void trip_send(struct trip *trip)
{
    struct program *p = trip->program;
    if (trip->due_ms && trip->attempt == 1)
        metric_observe(p->metrics, METRIC_LATENESS, 0, (clock_wall_ms() - trip->due_ms) * 1000);
    tiktok_init(p->tiktok, &trip->job.post, buf_str(&trip->token), lease_lasts, trip, &trip->answer,
                &trip->call, on_answer);
}

static void on_sending(struct call *call, const struct error *err)
{
    struct trip    *trip = trip_of(call);
    enum store_word word = WORD_OK;
    struct error    why;
    bool            answered = store_word(err, &trip->reply, &word, &why);
    redis_reply_fini(&trip->reply);
    if (answered && word == WORD_OK) {
        if (lease_lasts(trip))
            trip_send(trip);
        else
            trip_release(trip, "lease_short", "", "");
        return;
    }
    if (!answered || word == WORD_GATE) {
        // whether SENDING was accepted is not known: RELEASE is for both, as soon as Redis takes it
        trip_release(trip, "redis_unavailable", answered ? "the gate is closed" : why.message, "");
        return;
    }
    // Somebody newer has the job, or Redis forgot the claim and counts the INTENT as a doubt: both
    // hear that this attempt sent nothing.
    trip_release(trip, "fenced", "", "");
}

static void on_intent(struct call *call, const struct error *err)
{
    struct trip *trip = trip_of(call);
    metric_observe(trip->program->metrics, METRIC_INTENT, 0,
                   clock_monotonic_us() - trip->intent_us);
    if (err) {
        trip->intent = err_effect(err->code) == EFFECT_MAYBE;
        trip_release(trip, "kafka_unavailable", err->message, "");
        return;
    }
    struct sending_args args = {
        .job_id   = trip->job_id,
        .epoch    = trip->epoch,
        .worker   = program_id(trip->program),
        .warnings = buf_str(&trip->warnings),
    };
    script_sending(trip->program->store, &args, &trip->reply, &trip->call, on_sending);
}

static void on_allowed(struct call *call, const struct error *err)
{
    struct trip          *trip    = trip_of(call);
    const struct creator *creator = &trip->creator;
    const char           *why     = buf_text(&creator->why);
    struct metrics       *metrics = trip->program->metrics;
    if (err) {
        trip_release(trip, "redis_unavailable", err->message, "");
    } else if (creator->next == CREATOR_REJECT) {
        trip_reject(trip, creator->outcome, why);
    } else if (creator->next == CREATOR_BACK) {
        metric_add(metrics, METRIC_RELEASES,
                   metric_place(metrics, METRIC_RELEASES, 0, STR("creator_info")), 1);
        trip_back(trip, creator->outcome, why, creator->account_then, creator->due_ms);
    } else {
        creator_limit_post(&creator->known, &trip->job.post, &trip->warnings);
        trip->intent    = true;
        trip->intent_us = clock_monotonic_us();
        journal_send(trip, ATTEMPT_INTENT, STR(""), &trip->call, on_intent);
    }
}

static void trip_prepare(struct trip *trip, struct str message, struct str sealed)
{
    struct program  *p     = trip->program;
    struct job_rules rules = { .message_max_bytes = p->config.job_max_bytes,
                               .privacy_default   = p->config.job_privacy_default };
    struct error     err;
    if (!message.len) {
        trip_unreadable(trip, "Redis does not hold it");
    } else if (!job_decode(message, &rules, &trip->job, &err)) {
        trip_unreadable(trip, err.message);
    } else if (!sealed.len) {
        trip_release(trip, "no_token", "", "park");
    } else if (!account_unseal(p->seal, p->config.fleet, trip->account, sealed, &trip->token,
                               &err)) {
        trip_release(trip, "sealed_token", err.message, "park");
    } else {
        if (!trip->due_ms)
            trip->due_ms = trip->job.publish_at_ms;
        trip->creator.program = p;
        trip->creator.post    = &trip->job.post;
        trip->creator.account = trip->account;
        trip->creator.member  = trip->epoch;
        trip->creator.token   = buf_str(&trip->token);
        creator_start(&trip->creator, &trip->call, on_allowed);
    }
}

// What the claim told of the account, behind the job
static void read_account(struct trip *trip, const struct answer *answer, size_t at)
{
    struct creator_known *known = &trip->creator.known;
    known->scopes               = arena_copy(&trip->arena, answer_item(answer, at));
    trip->token_rev             = arena_copy(&trip->arena, answer_item(answer, at + 1));
    known->privacy_options      = arena_copy(&trip->arena, answer_item(answer, at + 3));
    known->comment_disabled     = str_is(answer_item(answer, at + 4), "1");
    known->duet_disabled        = str_is(answer_item(answer, at + 5), "1");
    known->stitch_disabled      = str_is(answer_item(answer, at + 6), "1");
    if (!str_to_i64(answer_item(answer, at + 2), &known->age_ms))
        known->age_ms = -1;
    if (!str_to_i64(answer_item(answer, at + 7), &known->failures))
        known->failures = 0;
    if (!str_to_i64(answer_item(answer, at + 8), &known->failed_age_ms))
        known->failed_age_ms = -1;
}

// how long the job waited, and for when it was meant
static void trip_measure(struct trip *trip, const struct answer *answer)
{
    struct metrics *metrics = trip->program->metrics;
    assert(answer->count > 11);
    metric_observe(metrics, METRIC_STATE_TIME, metric_state_place(JOB_QUEUED),
                   answer->items[9].number * 1000);
    metric_observe(metrics, METRIC_QUEUE_WAIT, 0, answer->items[10].number * 1000);
    if (!str_to_i64(answer_item(answer, 11), &trip->due_ms))
        trip->due_ms = 0;
}

struct trip *trip_start(struct worker *worker, struct program *program,
                        const struct redis_reply *reply, int64_t asked_ms)
{
    struct trip         *trip   = xcalloc(1, sizeof *trip);
    const struct answer *answer = &reply->answer;
    trip->program               = program;
    trip->worker                = worker;
    trip->job_id                = arena_copy(&trip->arena, answer_item(answer, 1));
    trip->epoch                 = arena_copy(&trip->arena, answer_item(answer, 2));
    trip->account               = arena_copy(&trip->arena, answer_item(answer, 5));
    trip->source                = arena_copy(&trip->arena, answer_item(answer, 12));
    trip->lease_end_ms          = asked_ms + program->config.lease_ms;
    if (!str_to_i64(answer_item(answer, 3), &trip->attempt))
        trip->attempt = 1;
    if (!str_to_i64(answer_item(answer, 4), &trip->retries))
        trip->retries = 0;
    if (!str_to_i64(answer_item(answer, 13), &trip->unreadable))
        trip->unreadable = 0;
    trip_measure(trip, answer);
    read_account(trip, answer, 14);
    buf_init(&trip->cause, 1024);
    buf_init(&trip->warnings, 1024);
    timer_init(&trip->journal.again, program->loop, on_journal_again);
    timer_init(&trip->redis.again, program->loop, on_redis_again);
    trip_prepare(trip, answer_item(answer, 6), answer_item(answer, 7));
    return trip;
}

void trip_free(struct trip *trip)
{
    call_cancel(&trip->call);
    call_cancel(&trip->journal.call);
    call_cancel(&trip->redis.call);
    timer_fini(&trip->journal.again);
    timer_fini(&trip->redis.again);
    creator_fini(&trip->creator);
    redis_reply_fini(&trip->reply);
    buf_wipe(&trip->token);
    buf_fini(&trip->key);
    buf_fini(&trip->value);
    buf_fini(&trip->cause);
    buf_fini(&trip->warnings);
    job_fini(&trip->job);
    arena_fini(&trip->arena);
    free(trip);
}
