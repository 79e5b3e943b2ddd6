// SPDX-License-Identifier: Apache-2.0
#include "worker/item.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "job/message.h"
#include "loop/clock.h"
#include "worker/dead.h"

void item_free(struct item *item)
{
    call_cancel(&item->call);
    redis_reply_fini(&item->reply);
    buf_fini(&item->message);
    buf_fini(&item->key);
    buf_fini(&item->record_key);
    buf_fini(&item->record);
    job_fini(&item->job);
    order_fini(&item->order);
    free(item);
}

struct str item_job_id(const struct item *item)
{
    return item->is_order ? item->order.command.job_id : item->job.id;
}

// ---- what it is

static void judge(struct item *item)
{
    struct program  *p     = item->program;
    struct job_rules rules = { .message_max_bytes = p->config.job_max_bytes,
                               .privacy_default   = p->config.job_privacy_default };
    struct str       text  = buf_str(&item->message);
    if (message_kind_of(text, rules.message_max_bytes) == MESSAGE_COMMAND) {
        item->is_order = true;
        item->verdict  = "skip";
        if (!order_init(&item->order, p, text, str_of(item->source), item->timestamp_ms,
                        &item->error))
            item->code = "bad_command";
    } else if (!job_decode(text, &rules, &item->job, &item->error)) {
        item->verdict = "bad";
        item->code    = "bad_message";
    } else {
        item->verdict = "job";
    }
}

struct item *item_new(struct program *program, const char *name,
                      const struct kafka_message *message, const char *crc, const char *shown)
{
    struct item *item  = xcalloc(1, sizeof *item);
    item->program      = program;
    item->name         = name;
    item->offset       = message->offset;
    item->timestamp_ms = message->timestamp_ms;
    item->has_key      = message->key.p != NULL;
    buf_init(&item->message, message->value.len);
    buf_add(&item->message, message->value);
    buf_init(&item->key, message->key.len);
    buf_add(&item->key, message->key);
    snprintf(item->shown, sizeof item->shown, "%s", shown);
    snprintf(item->next, sizeof item->next, "%" PRIi64, message->offset + 1);
    snprintf(item->crc, sizeof item->crc, "%s", crc);
    snprintf(item->source, sizeof item->source, "%s@%" PRIi64, name, message->offset);
    judge(item);
    return item;
}

// ---- what has to be in Kafka before the watermark passes it

void item_dead_letter(struct item *item, call_done *done)
{
    struct dead_letter letter = {
        .message = buf_str(&item->message),
        .key     = item->has_key ? buf_str(&item->key) : (struct str){ 0 },
        .job_id  = item_job_id(item),
        .source  = str_of(item->source),
        .code    = item->code,
        .why     = item->error.message,
    };
    dead_letter_send(item->program, &letter, &item->call, done);
}

static void journal_message(struct item *item, struct str source, int64_t at_ms, struct str message,
                            call_done *done)
{
    struct program *p = item->program;
    buf_fini(&item->record_key);
    buf_fini(&item->record);
    journal_message_record(item->job.id, source, at_ms, message, &item->record_key, &item->record);
    struct kafka_record record = {
        .topic     = p->topics[TOPIC_JOURNAL],
        .partition = -1,
        .key       = buf_str(&item->record_key),
        .value     = buf_str(&item->record),
    };
    kafka_send(p->kafka, &record, NULL, &item->call, done);
}

static bool outlives(const struct item *item)
{
    int64_t half_ms = item->program->config.topics_jobs_retention_ms / 2;
    return strcmp(item->verdict, "job") == 0 &&
           item->job.publish_at_ms > item->timestamp_ms + half_ms;
}

bool item_prepare(struct item *item, call_done *done)
{
    if (item->code)
        item_dead_letter(item, done);
    else if (outlives(item))
        journal_message(item, str_of(item->source), item->timestamp_ms, buf_str(&item->message),
                        done);
    return item->code || outlives(item);
}

bool item_put_back(struct item *item, call_done *done)
{
    const struct answer *job     = &item->reply.answer;
    struct str           message = answer_item(job, 4);
    int64_t              at_ms;
    if (!outlives(item) || !message.len || !str_to_i64(answer_item(job, 3), &at_ms))
        return false;
    journal_message(item, answer_item(job, 2), at_ms, message, done);
    return true;
}

void item_look(struct item *item, call_done *done)
{
    struct order_mark mark = { str_of(item->name), str_of(item->shown) };
    order_prepare(&item->order, &mark, &item->call, done);
}

// ---- its script

static void ask_order(struct item *item, call_done *done)
{
    struct command_args args = {
        .partition   = str_of(item->name),
        .shown       = str_of(item->shown),
        .next_offset = str_of(item->next),
        .crc         = str_of(item->crc),
    };
    order_args(&item->order, &args);
    script_command(item->program->store, &args, &item->reply, &item->call, done);
}

void item_ask(struct item *item, call_done *done)
{
    if (item->is_order && !item->code) {
        ask_order(item, done);
        return;
    }
    struct ingest_args args = {
        .partition   = str_of(item->name),
        .shown       = str_of(item->shown),
        .next_offset = str_of(item->next),
        .timestamp   = item->timestamp_ms,
        .crc         = str_of(item->crc),
        .verdict     = str_of(item->verdict),
        .source      = str_of(item->source),
        .by          = program_id(item->program),
    };
    ingest_args_of_job(&item->job, buf_str(&item->message), &args);
    if (strcmp(item->verdict, "bad") == 0) {
        args.code   = str_of(item->code);
        args.cause  = str_of(item->error.message);
        args.remedy = STR("Mend the message and send it again; the same job_id may be used. The "
                          "original is in the dead letters (tokfleet dlq list).");
    }
    script_ingest(item->program->store, &args, &item->reply, &item->call, done);
}

// ---- Redis took it

static void count(const struct item *item, struct str what)
{
    struct metrics *metrics = item->program->metrics;
    struct str      result  = item->is_order ? STR("command") : what;
    bool            is_new  = !str_is(what, "KNOWN") && !str_is(what, "SKIPPED");
    metric_add(metrics, METRIC_INGESTED, metric_place(metrics, METRIC_INGESTED, 0, result), 1);
    if (!item->is_order && is_new)
        metric_observe(metrics, METRIC_INGEST_LAG, 0,
                       (clock_wall_ms() - item->timestamp_ms) * 1000);
    if (item->is_order && !item->code)
        order_count(&item->order, what);
}

void item_tell(const struct item *item)
{
    struct str what = answer_item(&item->reply.answer, 1);
    count(item, what);
    if (item->is_order)
        log_info("command ingested", F_STRN("job", item_job_id(item)),
                 F_STRN("command", item->order.command.id),
                 F_STR("what", command_text(item->order.command.what)), F_STRN("state", what),
                 F_STR("source", item->source));
    else if (item->job.id.len)
        log_info("job ingested", F_STRN("job", item->job.id), F_STRN("state", what),
                 F_STRN("account", item->job.account), F_STR("source", item->source));
}
