// SPDX-License-Identifier: Apache-2.0
/* How many partitions there are is asked first; then each is fetched by librdkafka's simple
 * consumer, which knows no group. The end of a partition is the high watermark that came with its
 * first answer: later than the beginning of the reading, and not running away from a reader while
 * others write. An end without a message before it (compacted away, a transaction's marker) is seen
 * by librdkafka's own end-of-partition event. An offset that is not there (any more) means from the
 * beginning. */
#include "io/kafka_read.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "io/kafka_client.h"
#include "loop/clock.h"

enum {
    PREFETCH_FEW      = 2000,
    PREFETCH_ENOUGH   = 100000,
    FETCH_WAIT_MS     = 20,  // an empty partition answers after so long
    SOCKET_TIMEOUT_MS = 10000,
    END_UNKNOWN       = -1,
};

struct part {
    int64_t next;   // offset of the next message to deliver, or RD_KAFKA_OFFSET_BEGINNING
    int64_t end;    // where it ended when the reading began, or END_UNKNOWN
    bool    ended;  // read to there
};

struct kafka_read {
    struct kafka_client  client;       // client.rk NULL: not reading (any more)
    struct loop         *loop;         // borrowed
    struct call         *call;         // NULL: done or cancelled
    kafka_read_message  *on_message;   // the owner's
    void                *owner;        // borrowed
    char                *topic;        // owned
    struct kafka_offset *from;         // owned
    size_t               from_count;   // of them
    struct part         *parts;        // owned; by partition; NULL until their number is known
    int32_t              count;        // of them
    int32_t              ended;        // how many have
    int64_t              messages;     // delivered so far
    bool                 follow;       // go on after the end
    bool                 newest_only;  // begin newest before the end, where `from` names nothing
    int64_t              newest;
    bool                 cancelled;  // deliver nothing any more
    int64_t              idle_ms;    // nothing for so long is a failure
    int64_t              last_ms;    // monotonic, when something came that brought the end nearer
    struct timer         idle;       // runs until the end is reached
    struct timer         stop;       // runs when the client is to go
};

static void on_cancel(struct call *call)
{
    struct kafka_read *read = call->adapter;
    read->call              = NULL;
    read->cancelled         = true;
    timer_stop(&read->idle);
    timer_start(&read->stop, 0);
}

static void finish(struct kafka_read *read, const struct error *err)
{
    struct call *call = read->call;
    bool         over = err || !read->follow;
    read->call        = NULL;
    read->cancelled   = read->cancelled || over;  // the owner works with what it has now
    timer_stop(&read->idle);
    if (over)
        timer_start(&read->stop, 0);
    if (call)
        call_finish(call, err);
}

static void on_stop(struct timer *timer)
{
    struct kafka_read *read = container_of(timer, struct kafka_read, stop);
    kafka_client_fini(&read->client, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE, false);
}

static void on_idle(struct timer *timer)
{
    struct kafka_read *read = container_of(timer, struct kafka_read, idle);
    int64_t            left = read->last_ms + read->idle_ms - clock_monotonic_ms();
    struct error       err;
    if (left > 0) {
        timer_start(timer, left);
        return;
    }
    bool down = read->client.link == LINK_DOWN;
    error_set(&err, down ? ERR_CONNECT : ERR_TIMEOUT, "kafka topic %s: %s", read->topic,
              down ? read->client.reason : "nothing came, and the end is not reached");
    finish(read, &err);
}

static void part_reach(struct kafka_read *read, struct part *part)
{
    if (part->ended)
        return;
    part->ended = true;
    read->ended++;
    if (read->ended == read->count && read->call)
        finish(read, NULL);
}

static void part_learn_end(struct kafka_read *read, int32_t partition)
{
    struct part *part = &read->parts[partition];
    int64_t      low  = -1;
    int64_t      high = -1;
    if (part->end == END_UNKNOWN &&
        !rd_kafka_get_watermark_offsets(read->client.rk, read->topic, partition, &low, &high) &&
        high >= 0)
        part->end = high;
}

static struct part *part_find(struct kafka_read *read, int32_t partition)
{
    return partition >= 0 && partition < read->count ? &read->parts[partition] : NULL;
}

static void on_fetched(struct kafka_read *read, const rd_kafka_message_t *from)
{
    struct part         *part = part_find(read, from->partition);
    struct kafka_message message;
    if (from->err || !part || read->cancelled)
        return;
    if (!part->ended)
        read->last_ms = clock_monotonic_ms();
    part_learn_end(read, from->partition);
    bool beyond = part->end != END_UNKNOWN && from->offset >= part->end;
    if (!beyond || read->follow) {
        part->next = from->offset + 1;
        read->messages++;
        kafka_message_of(from, &message);
        read->on_message(read->owner, &message);
    }
    if (!read->cancelled && (beyond || (part->end != END_UNKNOWN && part->next >= part->end)))
        part_reach(read, part);
}

static void fail(struct kafka_read *read, rd_kafka_event_t *event, enum err_code code)
{
    struct error err;
    error_set(&err, code, "kafka topic %s: %s", read->topic, rd_kafka_event_error_string(event));
    finish(read, &err);
}

static void on_error(struct kafka_read *read, rd_kafka_event_t *event)
{
    rd_kafka_topic_partition_t *at     = rd_kafka_event_topic_partition(event);
    struct part                *part   = at ? part_find(read, at->partition) : NULL;
    int                         number = (int)rd_kafka_event_error(event);
    switch (number) {
    case RD_KAFKA_RESP_ERR__PARTITION_EOF:
        if (part && !read->cancelled) {
            // what comes after the end is dropped: the next reading begins before it
            if (!part->ended) {
                read->last_ms = clock_monotonic_ms();
                part->next = part->end = at->offset;
            }
            part_reach(read, part);
        }
        break;
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
        if (read->call)
            fail(read, event, ERR_INPUT);
        break;
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
        if (read->call)
            fail(read, event, ERR_REFUSED);
        break;
    default:
        kafka_client_trouble(&read->client, event);
    }
    if (at)
        rd_kafka_topic_partition_destroy(at);
}

static void on_event(void *owner, rd_kafka_event_t *event)
{
    struct kafka_read        *read = owner;
    const rd_kafka_message_t *message;
    switch (rd_kafka_event_type(event)) {
    case RD_KAFKA_EVENT_FETCH:
        while ((message = rd_kafka_event_message_next(event)))
            on_fetched(read, message);
        break;
    case RD_KAFKA_EVENT_ERROR:
        on_error(read, event);
        break;
    default:
        break;
    }
}

static const struct kafka_client_events client_events = { .on_event = on_event };

static int64_t begin_of(const struct kafka_read *read, int32_t partition)
{
    for (size_t i = 0; i < read->from_count; i++) {
        int64_t offset = read->from[i].offset;
        if (read->from[i].partition == partition && (offset >= 0 || offset == KAFKA_READ_NOTHING))
            return offset == KAFKA_READ_NOTHING ? RD_KAFKA_OFFSET_END : offset;
    }
    if (read->newest_only)
        return read->newest ? RD_KAFKA_OFFSET_TAIL(read->newest) : RD_KAFKA_OFFSET_END;
    return RD_KAFKA_OFFSET_BEGINNING;
}

static void on_partitions(void *owner, const int32_t *partitions, const struct error *err)
{
    struct kafka_read *read = owner;
    struct error       why;
    read->client.lookup = NULL;
    if (read->cancelled)
        return;
    if (err || *partitions == PARTITIONS_NO_TOPIC) {
        if (err)
            why = *err;
        else
            error_set(&why, ERR_INPUT, "kafka topic %s: no such topic", read->topic);
        kafka_client_explain(&read->client, &why);
        finish(read, &why);
        return;
    }
    read->count        = *partitions;
    read->parts        = xcalloc((size_t)read->count, sizeof *read->parts);
    read->client.topic = rd_kafka_topic_new(read->client.rk, read->topic, NULL);
    for (int32_t i = 0; i < read->count; i++) {
        read->parts[i]       = (struct part){ .next = begin_of(read, i), .end = END_UNKNOWN };
        read->client.started = i + 1;
        if (rd_kafka_consume_start_queue(read->client.topic, i, read->parts[i].next,
                                         read->client.queue)) {
            error_set(&why, ERR_IO, "kafka topic %s: %s", read->topic,
                      rd_kafka_err2str(rd_kafka_last_error()));
            finish(read, &why);
            return;
        }
    }
    read->last_ms = clock_monotonic_ms();
    timer_start(&read->idle, read->idle_ms);
}

static rd_kafka_conf_t *conf_of(const struct kafka_settings *settings, struct error *err)
{
    const struct kafka_property usual[] = {
        { "fetch.wait.max.ms", .number = FETCH_WAIT_MS },
        { "socket.timeout.ms", .number = SOCKET_TIMEOUT_MS },
        { "queued.min.messages", .number = kafka_conf_prefetch(PREFETCH_FEW, PREFETCH_ENOUGH) },
    };
    const struct kafka_property fixed[] = {
        { "enable.auto.commit", "false" },
        { "enable.partition.eof", "true" },
        { "auto.offset.reset", "earliest" },
        { "isolation.level", "read_uncommitted" },
        { "client.rack", "" },  // the leader alone knows where a partition ends
        { "allow.auto.create.topics", "false" },
        { "queued.max.messages.kbytes",
          .number = kafka_conf_kbytes(settings->queue_max_bytes, 2097151) },
    };
    return kafka_conf_new(settings, usual, COUNT_OF(usual), fixed, COUNT_OF(fixed), err);
}

struct kafka_read *kafka_read_start(struct loop *loop, const struct kafka_settings *settings,
                                    const char *topic, const struct kafka_offset *from,
                                    size_t from_count, int64_t idle_ms,
                                    kafka_read_message *on_message, void *owner, struct call *call,
                                    call_done *done)
{
    struct kafka_read *read = xcalloc(1, sizeof *read);
    struct error       err;
    read->loop       = loop;
    read->call       = call;
    read->on_message = on_message;
    read->owner      = owner;
    read->topic      = xstrdup(topic);
    read->from       = xcalloc(from_count + 1, sizeof *from);
    read->from_count = from_count;
    read->idle_ms    = idle_ms;
    if (from_count)
        memcpy(read->from, from, from_count * sizeof *from);
    timer_init(&read->idle, loop, on_idle);
    timer_init(&read->stop, loop, on_stop);
    call_begin(call, loop, "kafka", 0, done, on_cancel, read);

    rd_kafka_conf_t *conf = conf_of(settings, &err);
    if (!conf || !kafka_client_init(&read->client, loop, "reader", RD_KAFKA_CONSUMER, conf,
                                    &client_events, read, &err))
        finish(read, &err);
    else
        read->client.lookup =
            kafka_lookup_start(loop, read->client.rk, &topic, 1, idle_ms, on_partitions, read);
    return read;
}

void kafka_read_newest(struct kafka_read *read, int64_t count)
{
    assert(!read->parts);  // afterwards it would be too late
    read->newest_only = true;
    read->newest      = count;
}

void kafka_read_follow(struct kafka_read *read)
{
    assert(read->call);  // afterwards it would be too late
    read->follow = true;
    for (int32_t i = 0; i < read->count; i++)  // what came beyond the end was dropped
        if (read->parts[i].ended)
            rd_kafka_seek(read->client.topic, i, read->parts[i].next, 0);
}

int64_t kafka_read_count(const struct kafka_read *read)
{
    return read->messages;
}

size_t kafka_read_ends(const struct kafka_read *read, struct kafka_offset *ends, size_t max)
{
    size_t count = 0;
    for (int32_t i = 0; i < read->count && count < max; i++)
        ends[count++] = (struct kafka_offset){ i, read->parts[i].next };
    return count;
}

void kafka_read_free(struct kafka_read *read)
{
    if (!read)
        return;
    assert(!read->call);
    timer_fini(&read->idle);
    timer_fini(&read->stop);
    kafka_client_fini(&read->client, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE, true);
    free(read->parts);
    free(read->from);
    free(read->topic);
    free(read);
}
