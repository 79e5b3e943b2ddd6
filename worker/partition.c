// SPDX-License-Identifier: Apache-2.0
#include "worker/partition.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "io/seal.h"
#include "loop/clock.h"
#include "worker/item.h"

enum { AGAIN_MS = 500 };

TAILQ_HEAD(item_list, item);

struct partition {
    struct program    *program;  // borrowed
    struct kafka_in   *in;       // borrowed
    int32_t            number;
    char               name[PARTITION_NAME_BYTES];  // "topic-partition", the watermark's field
    struct item_list   items;                       // not yet in Redis, in order
    size_t             waiting;                     // how many
    size_t             waiting_bytes;               // of their messages
    size_t             asked;                       // scripts on their way
    struct call        mark;                        // asking for the watermark
    struct redis_reply mark_reply;
    struct timer       again;              // begin anew
    bool               running;            // messages are taken
    bool               checking;           // the next one must be the one before the watermark
    char               shown[MARK_BYTES];  // what the watermark shows after all items; "" none
    int64_t            check_offset;       // the message before the watermark
    int64_t            check_ms;
    struct str         check_crc;  // in mark_text
    int64_t seen_ms;  // monotonic: when it was known last to be the topic of the watermark
    bool    suspect;  // something was said that may mean another one
    char    mark_text[MARK_BYTES];  // the watermark as read
};

static void partition_pump(struct partition *partition);

static void item_remove(struct item *item)
{
    struct partition *partition = item->partition;
    TAILQ_REMOVE(&partition->items, item, entry);
    partition->waiting--;
    partition->waiting_bytes -= item->message.len;
    if (item->stage == ITEM_ASKED)
        partition->asked--;
    item_free(item);
}

static void partition_clear(struct partition *partition)
{
    partition->running = false;
    while (!TAILQ_EMPTY(&partition->items))
        item_remove(TAILQ_FIRST(&partition->items));
    assert(partition->waiting == 0 && partition->asked == 0);
}

// ---- begin: where the watermark stands

static void on_again(struct timer *timer)
{
    partition_begin(container_of(timer, struct partition, again), 0);
}

// "offset timestamp crc" -> where to start; false when it is none
static bool mark_parse(struct partition *partition, struct str text)
{
    struct str rest, offset, timestamp;
    int64_t    next;
    if (text.len >= sizeof partition->mark_text)
        return false;
    memcpy(partition->mark_text, text.p, text.len);
    partition->mark_text[text.len] = '\0';
    rest                           = str_of(partition->mark_text);
    if (!str_cut(&rest, ' ', &offset) || !str_cut(&rest, ' ', &timestamp) ||
        !str_to_i64(offset, &next) || !str_to_i64(timestamp, &partition->check_ms) || next < 1)
        return false;
    partition->check_offset = next - 1;
    partition->check_crc    = rest;
    memcpy(partition->shown, partition->mark_text, sizeof partition->shown);
    return true;
}

static void on_mark(struct call *call, const struct error *err)
{
    struct partition *partition = container_of(call, struct partition, mark);
    enum store_word   word      = WORD_GATE;
    struct error      why;
    if (!store_word(err, &partition->mark_reply, &word, &why) || word != WORD_OK) {
        if (word != WORD_GATE)
            log_warn("cannot read the watermark", F_STR("partition", partition->name),
                     F_STR("why", why.message));
        redis_reply_fini(&partition->mark_reply);
        partition_begin(partition, AGAIN_MS);
        return;
    }
    struct str text     = answer_item(&partition->mark_reply.answer, 1);
    partition->checking = text.len && mark_parse(partition, text);
    partition->running  = true;
    if (!partition->checking) {
        partition->shown[0] = '\0';
        partition->suspect  = false;  // there is no mark that could be another topic's
    }
    partition->seen_ms = clock_monotonic_ms();
    log_debug("partition begins", F_STR("partition", partition->name),
              F_STR("watermark", partition->shown));
    kafka_in_start(partition->in, partition->number,
                   partition->checking ? partition->check_offset : KAFKA_FROM_BEGINNING);
    redis_reply_fini(&partition->mark_reply);
}

void partition_begin(struct partition *partition, int64_t delay_ms)
{
    partition_clear(partition);
    call_cancel(&partition->mark);
    redis_reply_fini(&partition->mark_reply);
    if (delay_ms > 0) {
        metric_add(partition->program->metrics, METRIC_INGEST_AGAIN, 0, 1);
        timer_start(&partition->again, delay_ms);
        return;
    }
    struct mark_args args = { .partition = str_of(partition->name) };
    script_mark(partition->program->store, &args, &partition->mark_reply, &partition->mark,
                on_mark);
}

// ---- the topic is another one

static void on_restarted(struct call *call, const struct error *err)
{
    struct partition *partition = container_of(call, struct partition, mark);
    (void)err;  // whatever became of it: the watermark says where to begin
    redis_reply_fini(&partition->mark_reply);
    partition_begin(partition, err ? AGAIN_MS : 0);
}

static void partition_restart_topic(struct partition *partition, const char *why)
{
    log_error("the topic is another one than the watermark knew: read from the beginning, known "
              "jobs change nothing",
              F_STR("partition", partition->name), F_STR("watermark", partition->mark_text),
              F_STR("why", why));
    partition_clear(partition);
    call_cancel(&partition->mark);
    redis_reply_fini(&partition->mark_reply);
    struct watermark_args args = { .partition = str_of(partition->name),
                                   .shown     = str_of(partition->shown) };
    script_watermark(partition->program->store, &args, &partition->mark_reply, &partition->mark,
                     on_restarted);
}

void partition_out_of_range(struct partition *partition)
{
    if (!partition->checking) {
        partition_begin(partition, AGAIN_MS);
        return;
    }
    partition_restart_topic(partition, "its offset is not there");
}

static void partition_check(struct partition *partition, const struct kafka_message *message,
                            const char *crc)
{
    partition->checking = false;
    partition->suspect  = false;
    partition->seen_ms  = clock_monotonic_ms();
    if (message->offset != partition->check_offset)
        partition_restart_topic(partition, "the message before it is gone");
    else if (message->timestamp_ms != partition->check_ms || !str_is(partition->check_crc, crc))
        partition_restart_topic(partition, "the message before it is another one");
}

// ---- a message's script

static void on_prepared(struct call *call, const struct error *err);

static void item_stored(struct item *item)
{
    struct partition *partition = item->partition;
    item_tell(item);
    kafka_in_done(partition->in, partition->number, item->offset + 1);
    item_remove(item);
    partition_pump(partition);
}

// the job's own message is the one in the journal again
static void on_put_back(struct call *call, const struct error *err)
{
    if (err)
        on_prepared(call, err);
    else
        item_dead_letter(container_of(call, struct item, call), on_prepared);
}

// STATE: the message comes to something else than was thought
static void item_refused(struct item *item)
{
    struct str state = answer_item(&item->reply.answer, 1);
    item->partition->asked--;
    item->stage = ITEM_PREPARING;
    if (item->is_order) {
        order_refuse(&item->order, answer_item(&item->reply.answer, 2), str_is(state, "NONE"),
                     &item->call, on_prepared);
        redis_reply_fini(&item->reply);
        return;
    }
    // other content under a known id: a dead letter only, which changes nothing on the job
    error_set(&item->error, ERR_INPUT,
              "job_id is known with other content; that job is %.*s and stays as it is",
              STR_ARG(state));
    bool putting_back = item_put_back(item, on_put_back);
    item->verdict     = "skip";
    item->code        = "other_content";
    redis_reply_fini(&item->reply);
    if (!putting_back)
        item_dead_letter(item, on_prepared);
}

// Scripts that were asked for after this one have been refused by the watermark: they are asked
// again.
static void partition_recall(struct partition *partition, struct item *item)
{
    for (item = TAILQ_NEXT(item, entry); item; item = TAILQ_NEXT(item, entry)) {
        if (item->stage != ITEM_ASKED)
            continue;
        call_cancel(&item->call);
        redis_reply_fini(&item->reply);
        item->stage = ITEM_READY;
        partition->asked--;
    }
}

static void on_stored(struct call *call, const struct error *err)
{
    struct item      *item      = container_of(call, struct item, call);
    struct partition *partition = item->partition;
    enum store_word   word      = WORD_OK;
    struct error      why;
    if (!store_word(err, &item->reply, &word, &why)) {
        log_warn("ingest: begins again where the watermark stands",
                 F_STR("partition", partition->name), F_INT("offset", item->offset),
                 F_STR("why", why.message));
        partition_begin(partition, AGAIN_MS);
        return;
    }
    program_saw_gate(partition->program, word != WORD_GATE);
    if (word == WORD_OK) {
        item_stored(item);
    } else if (word == WORD_STATE) {
        partition_recall(partition, item);
        item_refused(item);
    } else {
        // FENCED: somebody else has moved the watermark · GATE
        partition_begin(partition, word == WORD_GATE ? AGAIN_MS : 0);
    }
}

static void partition_ask(struct item *item)
{
    item->stage = ITEM_ASKED;
    item->partition->asked++;
    item_ask(item, on_stored);
}

static void partition_look(struct item *item)
{
    item->stage = ITEM_PREPARING;
    item_look(item, on_prepared);
}

static void partition_pump(struct partition *partition)
{
    size_t       most = (size_t)partition->program->config.worker_ingest;
    struct item *item;
    TAILQ_FOREACH (item, &partition->items, entry) {
        if (item->stage == ITEM_BEHIND && item == TAILQ_FIRST(&partition->items))
            partition_look(item);
        if (item->stage == ITEM_BEHIND || item->stage == ITEM_PREPARING || partition->asked >= most)
            return;
        if (item->stage == ITEM_READY)
            partition_ask(item);
    }
}

// ---- what has to be in Kafka first is there

static void on_prepared(struct call *call, const struct error *err)
{
    struct item      *item      = container_of(call, struct item, call);
    struct partition *partition = item->partition;
    if (err) {
        log_warn("ingest: a message cannot be prepared, begins again where the watermark stands",
                 F_STR("partition", partition->name), F_INT("offset", item->offset),
                 F_STR("why", err->message));
        partition_begin(partition, AGAIN_MS);
        return;
    }
    if (item->is_order && item->order.unknown && !item->code) {
        item->verdict = "skip";
        item->code    = "unknown_target";
        error_set(&item->error, ERR_INPUT, "%s", buf_text(&item->order.refused));
        item_dead_letter(item, on_prepared);
        return;
    }
    if (item->code) {
        struct metrics *metrics = partition->program->metrics;
        metric_add(metrics, METRIC_DEAD_LETTERS,
                   metric_place(metrics, METRIC_DEAD_LETTERS, 0, str_of(item->code)), 1);
        log_warn("dead letter", F_STRN("job", item_job_id(item)), F_STR("source", item->source),
                 F_STR("code", item->code), F_STR("why", item->error.message));
    }
    item->stage = ITEM_READY;
    partition_pump(partition);
}

// ---- messages in order

static void partition_add(struct partition *partition, const struct kafka_message *message,
                          const char *crc)
{
    struct item *item =
        item_new(partition->program, partition->name, message, crc, partition->shown);
    item->partition = partition;
    snprintf(partition->shown, sizeof partition->shown, "%s %" PRIi64 " %s", item->next,
             message->timestamp_ms, crc);
    TAILQ_INSERT_TAIL(&partition->items, item, entry);
    partition->waiting++;
    partition->waiting_bytes += message->value.len;
    item->stage = ITEM_PREPARING;
    if (item_prepare(item, on_prepared))
        return;
    item->stage = item->is_order ? ITEM_BEHIND : ITEM_READY;
    partition_pump(partition);
}

// After a silence the topic may be another one, made anew and grown past this place while nobody
// fetched: Kafka would go on in it as if nothing had happened. The message before is asked for
// again, and then this one.
bool partition_in_doubt(const struct partition *partition)
{
    int64_t silence_ms = clock_monotonic_ms() - partition->seen_ms;
    return partition->running && !partition->checking && partition->shown[0] &&
           (partition->suspect || silence_ms >= partition->program->config.worker_topic_check_ms);
}

void partition_suspect(struct partition *partition)
{
    partition->suspect = true;
}

void partition_message(struct partition *partition, const struct kafka_message *message)
{
    char crc[16];
    if (!partition->running)
        return;
    partition->seen_ms = clock_monotonic_ms();
    snprintf(crc, sizeof crc, "%08x", (unsigned)crc32_of(message->value));
    if (partition->checking)
        partition_check(partition, message, crc);
    else
        partition_add(partition, message, crc);
}

struct partition *partition_new(struct program *program, struct kafka_in *in, int32_t number)
{
    struct partition *partition = xcalloc(1, sizeof *partition);
    partition->program          = program;
    partition->in               = in;
    partition->number           = number;
    snprintf(partition->name, sizeof partition->name, "%s-%d", program->topics[TOPIC_JOBS],
             (int)number);
    TAILQ_INIT(&partition->items);
    timer_init(&partition->again, program->loop, on_again);
    return partition;
}

int32_t partition_number(const struct partition *partition)
{
    return partition->number;
}

size_t partition_waiting(const struct partition *partition)
{
    return partition->waiting;
}

size_t partition_waiting_bytes(const struct partition *partition)
{
    return partition->waiting_bytes;
}

void partition_free(struct partition *partition)
{
    partition_clear(partition);
    call_cancel(&partition->mark);
    redis_reply_fini(&partition->mark_reply);
    timer_fini(&partition->again);
    free(partition);
}
