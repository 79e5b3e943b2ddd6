// SPDX-License-Identifier: Apache-2.0
#include "poller/relay.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/memory.h"
#include "job/event.h"
#include "loop/clock.h"

enum { LOOK_MS = 20, LOOK_AGAIN_MS = 500, ID_BYTES = 48 };

struct entry {                        // one entry of the outbox on its way
    struct call        call;          // the event, then the journal record
    struct relay      *relay;         // borrowed
    char               id[ID_BYTES];  // in the stream
    struct event       event;         // points into the batch's reply
    struct buf         json;          // the event
    struct buf         key;           // journal record
    struct buf         record;
    struct kafka_place place;  // of the record
    bool               sent;   // on Kafka, all of it
};

struct relay {
    struct program    *program;  // borrowed
    struct mark       *mark;     // borrowed
    struct call        call;     // reading the outbox, or acknowledging
    struct redis_reply reply;    // the batch; entries point into it
    struct redis_reply ack_reply;
    struct entry      *entries;  // owned
    size_t             count;
    size_t             waiting;  // entries not ended
    struct timer       look;
};

static void relay_read(struct relay *relay);

static void relay_later(struct relay *relay, int64_t delay_ms)
{
    timer_start(&relay->look, delay_ms);
}

static void relay_drop(struct relay *relay)
{
    for (size_t i = 0; i < relay->count; i++) {
        struct entry *entry = &relay->entries[i];
        call_cancel(&entry->call);
        buf_fini(&entry->json);
        buf_fini(&entry->key);
        buf_fini(&entry->record);
    }
    free(relay->entries);
    relay->entries = NULL;
    relay->count   = 0;
    relay->waiting = 0;
    redis_reply_fini(&relay->reply);
}

// ---- 3. what is on Kafka leaves the outbox

// Counted when it has left it: what is sent again by somebody else has not been counted.
static void relay_count(const struct relay *relay)
{
    struct metrics *metrics = relay->program->metrics;
    for (size_t i = 0; i < relay->count; i++) {
        const struct event *event = &relay->entries[i].event;
        enum job_state      state;
        if (!relay->entries[i].sent)
            continue;
        metric_add(metrics, METRIC_EVENTS, metric_place(metrics, METRIC_EVENTS, 0, event->name), 1);
        if (event->code.len)
            metric_add(metrics, METRIC_OUTCOMES,
                       metric_place(metrics, METRIC_OUTCOMES, 0, event->code), 1);
        if (job_state_parse(event->from, &state))
            metric_observe(metrics, METRIC_STATE_TIME, metric_state_place(state),
                           event->spent_ms * 1000);
        if (event->message_ms && job_state_parse(event->name, &state) && job_state_is_end(state))
            metric_observe(metrics, METRIC_JOB_TIME, metric_state_place(state),
                           (event->at_ms - event->message_ms) * 1000);
    }
}

static void on_acknowledged(struct call *call, const struct error *err)
{
    struct relay   *relay = container_of(call, struct relay, call);
    enum store_word word  = WORD_OK;
    struct error    why;
    bool            ok = store_word(err, &relay->ack_reply, &word, &why) && word == WORD_OK;
    if (!ok && word != WORD_GATE)
        log_warn("outbox not acknowledged: its events are sent again", F_STR("why", why.message));
    if (ok)
        relay_count(relay);
    // each batch costs the same again, however small: what is not full waits for more
    bool more = relay->count >= (size_t)relay->program->config.relay_batch;
    redis_reply_fini(&relay->ack_reply);
    relay_drop(relay);
    relay_later(relay, !ok ? LOOK_AGAIN_MS : more ? 0 : LOOK_MS);
}

static void relay_acknowledge(struct relay *relay)
{
    struct str *ids   = xcalloc(relay->count, sizeof *ids);
    size_t      count = 0;
    for (size_t i = 0; i < relay->count; i++)
        if (relay->entries[i].sent)
            ids[count++] = str_of(relay->entries[i].id);
    if (count) {
        struct relay_args args = { .whole = count == relay->count, .ids = ids, .ids_count = count };
        script_relay(relay->program->store, &args, &relay->ack_reply, &relay->call,
                     on_acknowledged);
    } else {
        relay_drop(relay);
        relay_later(relay, LOOK_AGAIN_MS);
    }
    free(ids);
}

// ---- 2. each entry: the event, then its record

static void entry_ended(struct entry *entry, const struct error *err)
{
    struct relay *relay = entry->relay;
    entry->sent         = !err;
    if (err)
        log_warn("event not sent yet", F_STRN("job", entry->event.job_id),
                 F_STRN("name", entry->event.name), F_STR("why", err->message));
    if (--relay->waiting == 0)
        relay_acknowledge(relay);
}

static void on_recorded(struct call *call, const struct error *err)
{
    struct entry *entry = container_of(call, struct entry, call);
    if (!err)
        mark_saw(entry->relay->mark, &entry->place);
    entry_ended(entry, err);
}

static void entry_record(struct entry *entry)
{
    struct kafka_record record = {
        .topic     = entry->relay->program->topics[TOPIC_JOURNAL],
        .partition = -1,
        .key       = buf_str(&entry->key),
        .value     = buf_str(&entry->record),
    };
    entry->place = (struct kafka_place){ .offset = -1 };
    kafka_send(entry->relay->program->kafka, &record, &entry->place, &entry->call, on_recorded);
}

static void on_event_sent(struct call *call, const struct error *err)
{
    struct entry       *entry = container_of(call, struct entry, call);
    const struct event *event = &entry->event;
    if (err || !event->is_end) {
        entry_ended(entry, err);
        return;
    }
    journal_end_record(event->job_id, event->epoch, event->name, event->at_ms, event->source,
                       buf_str(&entry->json), &entry->key, &entry->record);
    entry_record(entry);
}

static void entry_start(struct entry *entry, const struct answer *item)
{
    struct event *event = &entry->event;
    struct str    id    = answer_item(item, 0);
    buf_init(&entry->key, 0);
    buf_init(&entry->record, 0);
    snprintf(entry->id, sizeof entry->id, "%.*s", STR_ARG(id));
    event_of_outbox(&item->items[1], event, &entry->json);
    if (str_is(event->name, "INTENT_ABORTED")) {
        struct journal_attempt attempt = {
            .kind    = ATTEMPT_INTENT_ABORTED,
            .job_id  = event->job_id,
            .epoch   = event->epoch,
            .account = event->account,
            .at_ms   = clock_wall_ms(),
            .source  = event->source,
            .why     = STR("lease_ended"),
        };
        if (!str_to_i64(event->attempt, &attempt.attempt))
            attempt.attempt = 0;
        journal_attempt_record(&attempt, &entry->key, &entry->record);
        entry_record(entry);
        return;
    }
    struct kafka_record record = {
        .topic     = entry->relay->program->topics[TOPIC_EVENTS],
        .partition = -1,
        .key       = event->account,
        .value     = buf_str(&entry->json),
    };
    kafka_send(entry->relay->program->kafka, &record, NULL, &entry->call, on_event_sent);
}

// ---- 1. a batch of the outbox

static void on_read(struct call *call, const struct error *err)
{
    struct relay        *relay  = container_of(call, struct relay, call);
    const struct answer *answer = &relay->reply.answer;
    bool                 read   = !err && answer->kind == ANSWER_ARRAY;
    if (!read || answer->count == 0) {
        redis_reply_fini(&relay->reply);
        relay_later(relay, read ? LOOK_MS : LOOK_AGAIN_MS);
        return;
    }
    relay->entries = xcalloc(answer->count, sizeof *relay->entries);
    relay->count   = answer->count;
    relay->waiting = answer->count;
    for (size_t i = 0; i < answer->count; i++) {
        relay->entries[i].relay = relay;
        entry_start(&relay->entries[i], &answer->items[i]);
    }
}

static void relay_read(struct relay *relay)
{
    struct program *p = relay->program;
    if (p->draining)
        return;
    if (!p->first || !p->gate_open || !redis_connected(p->redis)) {
        relay_later(relay, LOOK_MS * 5);
        return;
    }
    struct buf key = { 0 };
    char       batch[24];
    snprintf(batch, sizeof batch, "%" PRIi64, p->config.relay_batch);
    store_key(p->store, &key, "outbox", STR(""));
    const struct str argv[] = { STR("XRANGE"), buf_str(&key), STR("-"),
                                STR("+"),      STR("COUNT"),  str_of(batch) };
    store_command(p->store, argv, COUNT_OF(argv), &relay->reply, &relay->call, on_read);
    buf_fini(&key);
}

static void on_look(struct timer *timer)
{
    relay_read(container_of(timer, struct relay, look));
}

struct relay *relay_new(struct program *program, struct mark *mark)
{
    struct relay *relay = xcalloc(1, sizeof *relay);
    relay->program      = program;
    relay->mark         = mark;
    timer_init(&relay->look, program->loop, on_look);
    relay_later(relay, 0);
    return relay;
}

void relay_drain(struct relay *relay)
{
    timer_stop(&relay->look);
}

bool relay_idle(const struct relay *relay)
{
    return !call_busy(&relay->call) && relay->waiting == 0;
}

void relay_free(struct relay *relay)
{
    if (!relay)
        return;
    call_cancel(&relay->call);
    redis_reply_fini(&relay->ack_reply);
    relay_drop(relay);
    timer_fini(&relay->look);
    free(relay);
}
