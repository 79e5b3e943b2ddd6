// SPDX-License-Identifier: Apache-2.0
/* One way to move: rd_kafka_assign() with the whole list of what is to be fetched and from where.
 *
 *     on_assigned ─► kafka_in_start(0) ─┐
 *                    kafka_in_start(1) ─┴► zero timer ─► assign 0@a, 1@b        (nothing was fetched before)
 *     kafka_in_start(1) later ───────────► zero timer ─► assign 0@next, 1@c     (a seek)
 *     kafka_in_pause(true) ──────────────────────────► assign nothing
 *
 * librdkafka puts a barrier before each fetched message of an earlier assignment inside that call, so that none of them
 * is delivered after it; until the timer, `moved` drops them. Its own seek, asked without waiting, says nothing when it
 * was refused (a partition that is just starting), and its pause and resume go back to wrong offsets; neither is used.
 * The group takes an empty assignment at once, so that a slow owner holds nobody up. */
#include "io/kafka_in.h"

#include <assert.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/memory.h"
#include "io/kafka_client.h"
#include "loop/clock.h"

enum {
    PREFETCH_FEW       = 2000,
    PREFETCH_ENOUGH    = 10000,
    FETCH_WAIT_MS      = 50,
    SOCKET_TIMEOUT_MS  = 10000,
    COMMIT_INTERVAL_MS = 2000,
    CLOSE_MS           = 5000,  // leaving takes no longer
    CLOSE_LOOK_MS      = 20,
};

struct part {
    bool    ours;     // assigned by the group
    bool    started;  // the owner has said where
    bool    active;   // librdkafka fetches it
    bool    moved;    // what librdkafka still has of it is not wanted
    bool    again;    // start it anew at the next tick
    int64_t next;     // offset of the next message to deliver, or KAFKA_FROM_*
    int64_t done;     // next offset to commit; -1: none yet
    int64_t stored;   // what librdkafka has been told of it
};

struct kafka_in {
    struct kafka_client           client;
    struct loop                  *loop;         // borrowed
    const struct kafka_in_events *events;       // borrowed
    void                         *owner;        // borrowed
    char                         *topic;        // owned
    struct part                  *parts;        // owned; by partition
    size_t                        count;        // of them
    bool                          paused;       // by the owner
    bool                          assigned;     // an assignment has come
    struct timer                  apply;        // runs when the list has changed
    bool                          leaving;      // kafka_in_close was called: no event any more
    struct timer                  closing;      // looks whether the group has been left
    int64_t                       close_by_ms;  // monotonic
    void (*on_closed)(void *owner);             // while leaving
};

static struct part *part_find(struct kafka_in *in, int32_t partition)
{
    if (partition < 0 || (size_t)partition >= in->count || !in->parts[partition].ours)
        return NULL;
    return &in->parts[partition];
}

static void store(struct kafka_in *in)
{
    rd_kafka_topic_partition_list_t *list = NULL;
    for (size_t i = 0; i < in->count; i++) {
        struct part *part = &in->parts[i];
        if (!part->active || part->done < 0 || part->done == part->stored)
            continue;
        if (!list)
            list = rd_kafka_topic_partition_list_new((int)in->count);
        rd_kafka_topic_partition_list_add(list, in->topic, (int32_t)i)->offset = part->done;
        part->stored                                                           = part->done;
    }
    if (!list)
        return;
    rd_kafka_resp_err_t code = rd_kafka_offsets_store(in->client.rk, list);
    if (code)
        log_debug("kafka offsets not stored", F_STR("why", rd_kafka_err2str(code)));
    rd_kafka_topic_partition_list_destroy(list);
}

/* Fetchers that an assignment stops do so a little later, in librdkafka's main thread; one that is
 * asked to stop twice aborts the process (2.0.2 as well as 2.8). That thread takes its work in
 * order: the first question waits until all of them were told to stop, the second until their
 * answers were taken. It never waits for the network. A consumer that leaves may throw the question
 * away without an answer, but is not assigned anything afterwards either. */
static void assign(struct kafka_in *in, const rd_kafka_topic_partition_list_t *list)
{
    rd_kafka_resp_err_t code = rd_kafka_assign(in->client.rk, list);
    if (code)
        log_warn("kafka assignment", F_STR("why", rd_kafka_err2str(code)));
    for (int i = 0; i < 2 && !in->leaving; i++) {
        rd_kafka_topic_partition_list_t *now = NULL;
        if (!rd_kafka_assignment(in->client.rk, &now))
            rd_kafka_topic_partition_list_destroy(now);
    }
}

static void apply(struct kafka_in *in)
{
    store(in);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)in->count + 1);
    for (size_t i = 0; i < in->count; i++) {
        struct part *part = &in->parts[i];
        part->active      = part->ours && part->started && !in->paused;
        part->moved       = false;
        part->again       = false;
        if (part->active)
            rd_kafka_topic_partition_list_add(list, in->topic, (int32_t)i)->offset = part->next;
    }
    assign(in, list);
    rd_kafka_topic_partition_list_destroy(list);
}

static void on_apply(struct timer *timer)
{
    apply(container_of(timer, struct kafka_in, apply));
}

static void parts_grow(struct kafka_in *in, size_t count)
{
    if (count <= in->count)
        return;
    in->parts = xrealloc(in->parts, count * sizeof *in->parts);
    for (size_t i = in->count; i < count; i++)
        in->parts[i] = (struct part){ .done = -1, .stored = -1 };
    in->count = count;
}

static void parts_forget(struct kafka_in *in)
{
    for (size_t i = 0; i < in->count; i++)
        in->parts[i] = (struct part){ .done = -1, .stored = -1 };
    timer_stop(&in->apply);
}

static void take(struct kafka_in *in, const rd_kafka_topic_partition_list_t *list)
{
    size_t   count      = 0;
    int32_t *partitions = xcalloc((size_t)list->cnt + 1, sizeof *partitions);
    parts_forget(in);
    for (int i = 0; i < list->cnt; i++) {
        partitions[count++] = list->elems[i].partition;
        parts_grow(in, (size_t)list->elems[i].partition + 1);
        in->parts[list->elems[i].partition].ours = true;
    }
    in->assigned = true;
    apply(in);
    if (!in->leaving)
        in->events->on_assigned(in->owner, partitions, count);
    free(partitions);
}

static void give_up(struct kafka_in *in)
{
    store(in);
    assign(in, NULL);
    parts_forget(in);
    in->assigned = false;
    if (!in->leaving)
        in->events->on_revoked(in->owner);
}

static void on_rebalance(struct kafka_in *in, rd_kafka_event_t *event)
{
    if (rd_kafka_event_error(event) == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS)
        take(in, rd_kafka_event_topic_partition_list(event));
    else
        give_up(in);
}

static void on_message(struct kafka_in *in, const rd_kafka_message_t *from)
{
    struct part         *part = part_find(in, from->partition);
    struct kafka_message message;
    if (from->err || !part || !part->active || part->moved || from->offset < part->next)
        return;
    part->next = from->offset + 1;
    kafka_message_of(from, &message);
    in->events->on_message(in->owner, &message);
}

/* librdkafka does not put this error behind its barrier: it may be about an offset of an earlier
 * assignment. Only when it names the very offset that is wanted it is true, and the owner's; else
 * the partition is asked for again. */
static void on_bad_offset(struct kafka_in *in, struct part *part, int32_t partition, int64_t offset)
{
    if (offset < 0 || offset != part->next) {
        part->again = true;
        return;
    }
    part->started = false;
    part->moved   = true;
    in->events->on_out_of_range(in->owner, partition);
}

static void on_error(struct kafka_in *in, rd_kafka_event_t *event)
{
    rd_kafka_topic_partition_t *at   = rd_kafka_event_topic_partition(event);
    struct part                *part = at ? part_find(in, at->partition) : NULL;
    rd_kafka_resp_err_t         code = rd_kafka_event_error(event);
    bool                        eof  = code == RD_KAFKA_RESP_ERR__PARTITION_EOF;
    if (code == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET && part && part->active && !part->moved)
        on_bad_offset(in, part, at->partition, at->offset);
    else if (eof && part && part->active && !part->moved && at->offset > part->next)
        part->next = at->offset;
    else if (!eof && code != RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET)
        kafka_client_trouble(&in->client, event);
    if (at)
        rd_kafka_topic_partition_destroy(at);
}

static void on_event(void *owner, rd_kafka_event_t *event)
{
    struct kafka_in          *in = owner;
    const rd_kafka_message_t *message;
    switch (rd_kafka_event_type(event)) {
    case RD_KAFKA_EVENT_FETCH:
        while (!in->leaving && (message = rd_kafka_event_message_next(event)))
            on_message(in, message);
        break;
    case RD_KAFKA_EVENT_REBALANCE:
        on_rebalance(in, event);
        break;
    case RD_KAFKA_EVENT_ERROR:
        if (!in->leaving)
            on_error(in, event);
        break;
    default:
        break;
    }
}

static void on_tick(void *owner)
{
    struct kafka_in *in = owner;
    bool             go = false;
    if (in->leaving)
        return;
    store(in);
    for (size_t i = 0; i < in->count; i++)
        go = go || in->parts[i].again;
    if (go)
        apply(in);
}

static void on_trouble(void *owner, const struct error *err)
{
    struct kafka_in *in = owner;
    if (in->events->on_error && !in->leaving)
        in->events->on_error(in->owner, err);
    else
        log_warn("kafka trouble", F_STR("why", err->message));
}

static const struct kafka_client_events client_events = {
    .on_event   = on_event,
    .on_tick    = on_tick,
    .on_trouble = on_trouble,
};

static rd_kafka_conf_t *conf_of(const struct kafka_settings *settings, const char *group,
                                struct error *err)
{
    const struct kafka_property usual[] = {
        { "fetch.wait.max.ms", .number = FETCH_WAIT_MS },
        { "socket.timeout.ms", .number = SOCKET_TIMEOUT_MS },
        { "queued.min.messages", .number = kafka_conf_prefetch(PREFETCH_FEW, PREFETCH_ENOUGH) },
        { "auto.commit.interval.ms", .number = COMMIT_INTERVAL_MS },
    };
    const struct kafka_property fixed[] = {
        { "group.id", group },
        { "session.timeout.ms", .number = settings->session_timeout_ms },
        { "heartbeat.interval.ms",
          .number = settings->session_timeout_ms > 9000 ? 3000 : settings->session_timeout_ms / 3 },
        { "partition.assignment.strategy", "roundrobin" },
        { "enable.auto.commit", "true" },
        { "enable.auto.offset.store", "false" },
        { "auto.offset.reset", "error" },
        { "enable.partition.eof", "true" },
        { "allow.auto.create.topics", "false" },
        { "queued.max.messages.kbytes",
          .number = kafka_conf_kbytes(settings->fetch_max_bytes, 2097151) },
        { "fetch.max.bytes", .number = settings->fetch_max_bytes },
    };
    return kafka_conf_new(settings, usual, COUNT_OF(usual), fixed, COUNT_OF(fixed), err);
}

static bool subscribe(struct kafka_in *in, struct error *err)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, in->topic, RD_KAFKA_PARTITION_UA);
    rd_kafka_resp_err_t code = rd_kafka_subscribe(in->client.rk, list);
    rd_kafka_topic_partition_list_destroy(list);
    if (code)
        return error_set(err, ERR_SETTING, "kafka topic %s: %s", in->topic, rd_kafka_err2str(code));
    return true;
}

static void on_closing(struct timer *timer);

struct kafka_in *kafka_in_new(struct loop *loop, const struct kafka_settings *settings,
                              const char *group, const char *topic,
                              const struct kafka_in_events *events, void *owner, struct error *err)
{
    struct kafka_in *in   = xcalloc(1, sizeof *in);
    rd_kafka_conf_t *conf = conf_of(settings, group, err);
    in->loop              = loop;
    in->events            = events;
    in->owner             = owner;
    in->topic             = xstrdup(topic);
    if (!conf ||
        !kafka_client_init(&in->client, loop, "consumer", RD_KAFKA_CONSUMER, conf, &client_events,
                           in, err) ||
        !subscribe(in, err)) {
        kafka_in_free(in);
        return NULL;
    }
    timer_init(&in->apply, loop, on_apply);
    timer_init(&in->closing, loop, on_closing);
    return in;
}

void kafka_in_start(struct kafka_in *in, int32_t partition, int64_t offset)
{
    struct part *part = part_find(in, partition);
    assert(offset >= KAFKA_FROM_BEGINNING);
    if (!part || in->leaving)
        return;
    part->started = true;
    part->moved   = true;
    part->next    = offset;
    timer_start(&in->apply, 0);
}

void kafka_in_done(struct kafka_in *in, int32_t partition, int64_t next_offset)
{
    struct part *part = part_find(in, partition);
    if (part)
        part->done = next_offset;
}

void kafka_in_hold(struct kafka_in *in, bool held)
{
    if (!in->leaving)
        kafka_client_hold(&in->client, held);
}

void kafka_in_pause(struct kafka_in *in, bool paused)
{
    if (in->paused == paused)
        return;
    in->paused = paused;
    if (in->assigned && !in->leaving)
        apply(in);
}

int64_t kafka_in_lag(const struct kafka_in *in)
{
    int64_t lag = 0;
    if (!in->assigned)
        return -1;
    for (size_t i = 0; i < in->count; i++) {
        const struct part *part = &in->parts[i];
        int64_t            low  = -1;
        int64_t            high = -1;
        if (!part->ours)
            continue;
        if (!part->started || part->next < 0 ||
            rd_kafka_get_watermark_offsets(in->client.rk, in->topic, (int32_t)i, &low, &high) ||
            high < 0)
            return -1;
        lag += high > part->next ? high - part->next : 0;
    }
    return lag;
}

static void on_closing(struct timer *timer)
{
    struct kafka_in *in = container_of(timer, struct kafka_in, closing);
    if (!rd_kafka_consumer_closed(in->client.rk) && clock_monotonic_ms() < in->close_by_ms)
        timer_start(timer, CLOSE_LOOK_MS);
    else
        in->on_closed(in->owner);  // the last step: it may free us
}

void kafka_in_close(struct kafka_in *in, void (*on_closed)(void *owner))
{
    assert(!in->leaving);
    store(in);
    timer_stop(&in->apply);
    kafka_client_hold(&in->client, false);
    in->leaving     = true;
    in->on_closed   = on_closed;
    in->close_by_ms = clock_monotonic_ms() + CLOSE_MS;
    timer_start(&in->closing, 0);

    rd_kafka_queue_t *queue = rd_kafka_queue_new(in->client.rk);
    kafka_client_use_queue(&in->client, queue);  // the consumer's own must be gone before
    rd_kafka_error_t *why = rd_kafka_consumer_close_queue(in->client.rk, queue);
    if (why) {
        log_debug("kafka consumer does not close", F_STR("why", rd_kafka_error_string(why)));
        rd_kafka_error_destroy(why);
        in->close_by_ms = 0;
    }
}

void kafka_in_free(struct kafka_in *in)
{
    if (!in)
        return;
    timer_fini(&in->apply);
    timer_fini(&in->closing);
    bool left = in->client.rk && rd_kafka_consumer_closed(in->client.rk);
    kafka_client_fini(&in->client, left ? 0 : RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE, true);
    free(in->parts);
    free(in->topic);
    free(in);
}
