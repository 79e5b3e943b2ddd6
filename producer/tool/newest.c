// SPDX-License-Identifier: Apache-2.0
#include "producer/tool/newest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "job/job.h"
#include "loop/clock.h"

enum { FIRST_STEP = 64, STEP_FACTOR = 16, PARTITIONS_MAX = 10000, TURN_MS = 100 };

// how far one partition has been read back
struct reach {
    int64_t count;
    int64_t oldest_ms;  // of its first record
};

// one reading of the topic
struct pass {
    struct newest *newest;
    struct reach  *reach;  // owned, by partition
};

static void copy_record(const struct kafka_message *message, struct newest_record *record)
{
    memset(record, 0, sizeof *record);
    record->at_ms     = message->timestamp_ms;
    record->partition = message->partition;
    record->offset    = message->offset;
    if (message->key.p)
        record->key = arena_copy(&record->arena, message->key);
    if (message->value.p)
        record->value = arena_copy(&record->arena, message->value);
    for (size_t i = 0; i < message->header_count && i < NEWEST_HEADERS; i++)
        record->headers[record->header_count++] = (struct kafka_header){
            .name  = arena_text(&record->arena, str_of(message->headers[i].name)),
            .value = arena_copy(&record->arena, message->headers[i].value),
        };
}

void newest_record_fini(struct newest_record *record)
{
    arena_fini(&record->arena);
}

struct str newest_header(const struct newest_record *record, const char *name)
{
    for (size_t i = 0; i < record->header_count; i++)
        if (strcmp(record->headers[i].name, name) == 0)
            return record->headers[i].value;
    return STR("");
}

static int older_first(const void *left, const void *right)
{
    const struct newest_record *a = left, *b = right;
    if (a->at_ms != b->at_ms)
        return (a->at_ms > b->at_ms) - (a->at_ms < b->at_ms);
    if (a->partition != b->partition)
        return (a->partition > b->partition) - (a->partition < b->partition);
    return (a->offset > b->offset) - (a->offset < b->offset);
}

// no more than the limit, oldest first
static void cut(struct newest *newest)
{
    if (newest->count)
        qsort(newest->records, newest->count, sizeof *newest->records, older_first);
    if (newest->count <= newest->limit)
        return;
    size_t dropped = newest->count - newest->limit;
    for (size_t i = 0; i < dropped; i++)
        newest_record_fini(&newest->records[i]);
    memmove(newest->records, newest->records + dropped, newest->limit * sizeof *newest->records);
    newest->count = newest->limit;
}

static void forget(struct newest *newest)
{
    for (size_t i = 0; i < newest->count; i++)
        newest_record_fini(&newest->records[i]);
    newest->count = 0;
}

static void on_message(void *owner, const struct kafka_message *message)
{
    struct pass   *pass   = owner;
    struct newest *newest = pass->newest;
    if (message->partition < PARTITIONS_MAX) {
        struct reach *reach = &pass->reach[message->partition];
        if (!reach->count++)
            reach->oldest_ms = message->timestamp_ms;
    }
    if (message->timestamp_ms < newest->since_ms ||
        (newest->fits && !newest->fits(newest->owner, message)))
        return;
    // twice as many as are wanted are kept before the older half goes
    if (newest->count == 2 * newest->limit)
        cut(newest);
    if (newest->count == newest->capacity) {
        newest->capacity = newest->capacity ? 2 * newest->capacity : 64;
        newest->records  = xrealloc(newest->records, newest->capacity * sizeof *newest->records);
    }
    copy_record(message, &newest->records[newest->count++]);
}

static bool read_pass(struct pass *pass, int64_t step, struct error *err)
{
    struct newest        *newest = pass->newest;
    struct tool          *tool   = newest->tool;
    struct kafka_settings settings;
    struct wait           wait = { 0 };
    char                  topic[TOPIC_NAME_BYTES];
    tool_kafka_settings(tool, &settings);
    tool_topic(tool, newest->topic, topic);
    forget(newest);
    memset(pass->reach, 0, PARTITIONS_MAX * sizeof *pass->reach);
    struct kafka_read *read =
        kafka_read_start(tool->loop, &settings, topic, NULL, 0, tool->config.kafka_read_idle_ms,
                         on_message, pass, &wait.call, wait_done);
    kafka_read_newest(read, step);
    bool ok = tool_wait(tool, &wait, err);
    if (ok) {
        newest->end_count = kafka_read_ends(read, newest->ends, PARTITIONS_MAX);
        cut(newest);
    } else {
        tool_blame_kafka(tool, err);
    }
    kafka_read_free(read);
    return ok;
}

static bool is_far_enough(const struct pass *pass, int64_t step)
{
    const struct newest *newest = pass->newest;
    int64_t              oldest = newest->since_ms;
    if (newest->count == newest->limit && newest->records[0].at_ms > oldest)
        oldest = newest->records[0].at_ms;
    for (size_t i = 0; i < newest->end_count; i++)
        if (pass->reach[i].count >= step && pass->reach[i].oldest_ms > oldest)
            return false;
    return true;
}

bool newest_read(struct newest *newest, struct error *err)
{
    struct pass pass = { .newest = newest, .reach = xcalloc(PARTITIONS_MAX, sizeof *pass.reach) };
    int64_t     step = (int64_t)newest->limit > FIRST_STEP ? (int64_t)newest->limit : FIRST_STEP;
    newest->ends     = xcalloc(PARTITIONS_MAX, sizeof *newest->ends);
    bool ok          = read_pass(&pass, step, err);
    while (ok && !is_far_enough(&pass, step)) {
        step *= STEP_FACTOR;
        ok = read_pass(&pass, step, err);
    }
    free(pass.reach);
    return ok;
}

bool newest_follow(struct newest *newest,
                   void (*on_record)(void *owner, const struct kafka_message *message),
                   struct error *err)
{
    struct tool          *tool = newest->tool;
    struct kafka_settings settings;
    struct wait           wait = { 0 };
    char                  topic[TOPIC_NAME_BYTES];
    tool_kafka_settings(tool, &settings);
    tool_topic(tool, newest->topic, topic);
    struct kafka_read *read = kafka_read_start(tool->loop, &settings, topic, newest->ends,
                                               newest->end_count, tool->config.kafka_read_idle_ms,
                                               on_record, newest->owner, &wait.call, wait_done);
    kafka_read_follow(read);
    while (!tool->interrupted && !wait.failed && out_flush(&tool->out))
        tool_turn(tool, TURN_MS);
    call_cancel(&wait.call);
    if (wait.failed)
        *err = wait.error;
    kafka_read_free(read);
    return !wait.failed;
}

void newest_fini(struct newest *newest)
{
    forget(newest);
    free(newest->records);
    free(newest->ends);
}

// ---- one

struct one {
    struct kafka_offset   place;
    struct newest_record *record;
    bool                  found;
    struct call          *call;
};

static void on_one(void *owner, const struct kafka_message *message)
{
    struct one *one = owner;
    if (one->found || message->partition != one->place.partition ||
        message->offset != one->place.offset)
        return;
    copy_record(message, one->record);
    one->found = true;
}

bool newest_one(struct tool *tool, enum fleet_topic topic, const struct kafka_offset *place,
                struct newest_record *record, struct error *err)
{
    struct kafka_settings settings;
    struct wait           wait = { 0 };
    struct one            one  = { .place = *place, .record = record };
    char                  name[TOPIC_NAME_BYTES];
    tool_kafka_settings(tool, &settings);
    tool_topic(tool, topic, name);
    struct kafka_read *read =
        kafka_read_start(tool->loop, &settings, name, place, 1, tool->config.kafka_read_idle_ms,
                         on_one, &one, &wait.call, wait_done);
    kafka_read_newest(read, 0);
    while (call_busy(&wait.call) && !one.found && !tool->interrupted)
        tool_turn(tool, TURN_MS);
    call_cancel(&wait.call);
    kafka_read_free(read);
    if (one.found)
        return true;
    if (wait.failed) {
        *err = wait.error;
        tool_blame_kafka(tool, err);
        return false;
    }
    return error_set(err, ERR_INPUT, "there is no record %d@%" PRIi64 " on %s (any more)",
                     (int)place->partition, place->offset, name);
}
