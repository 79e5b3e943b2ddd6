// SPDX-License-Identifier: Apache-2.0
#include "worker/ingest.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/memory.h"
#include "io/kafka_in.h"
#include "loop/clock.h"
#include "worker/partition.h"

enum {
    MEMORY_LOOK_MS  = 2000,
    HOLD_MOST_MS    = 2000,  // then it is a pause
    HELD_LOOK_MS    = 5,
    LET_GO_PERCENT  = 50,  // of what may wait
    GOES_ON_PERCENT = 10,
};

struct ingest {
    struct program    *program;     // borrowed
    struct kafka_in   *in;          // owned
    struct partition **partitions;  // owned, those assigned now
    size_t             count;
    bool               held;          // nothing is taken of what was fetched
    int64_t            held_from_ms;  // monotonic
    struct timer       held_look;     // whether that is over
    bool               paused;        // nothing is fetched
    bool               memory_full;   // Redis has used so much of its memory
    bool               closing;
    bool               closed;  // the group has been left
    struct timer       look;    // at Redis' memory, and whether a pause is over
    struct call        memory;  // INFO memory
    struct redis_reply memory_reply;
};

static void drop_partitions(struct ingest *ingest)
{
    for (size_t i = 0; i < ingest->count; i++)
        partition_free(ingest->partitions[i]);
    free(ingest->partitions);
    ingest->partitions = NULL;
    ingest->count      = 0;
}

static struct partition *find_partition(struct ingest *ingest, int32_t number)
{
    for (size_t i = 0; i < ingest->count; i++)
        if (partition_number(ingest->partitions[i]) == number)
            return ingest->partitions[i];
    return NULL;
}

// ---- too many on their way: held for a moment, which costs nothing; paused when that lasts, with
// wide hysteresis, since librdkafka then throws away what it has fetched and needs about a second

static void ingest_pause(struct ingest *ingest, bool paused)
{
    ingest->paused = paused;
    log_at(ingest->memory_full ? LOG_WARN : LOG_INFO, paused ? "ingest pauses" : "ingest goes on",
           F_STR("why", ingest->memory_full ? "Redis' memory" : "messages on their way to Redis"));
    kafka_in_pause(ingest->in, paused);
}

static void ingest_hold(struct ingest *ingest, bool held)
{
    if (held == ingest->held)
        return;
    ingest->held         = held;
    ingest->held_from_ms = clock_monotonic_ms();
    kafka_in_hold(ingest->in, held);
}

// by how much of what is allowed, in percent
static int64_t load_percent(const struct ingest *ingest)
{
    const struct config *config  = &ingest->program->config;
    int64_t              waiting = 0;
    int64_t              bytes   = 0;
    for (size_t i = 0; i < ingest->count; i++) {
        waiting += (int64_t)partition_waiting(ingest->partitions[i]);
        bytes += (int64_t)partition_waiting_bytes(ingest->partitions[i]);
    }
    waiting = waiting * 100 / config->worker_waiting;
    bytes   = bytes * 100 / config->kafka_fetch_bytes;
    return waiting > bytes ? waiting : bytes;
}

static void ingest_balance(struct ingest *ingest)
{
    int64_t load = load_percent(ingest);
    if (ingest->paused) {
        if (!ingest->memory_full && load <= GOES_ON_PERCENT)
            ingest_pause(ingest, false);
    } else if (ingest->memory_full ||
               (ingest->held && clock_monotonic_ms() > ingest->held_from_ms + HOLD_MOST_MS)) {
        ingest_pause(ingest, true);
    }
    if (ingest->paused || load <= LET_GO_PERCENT)
        ingest_hold(ingest, false);
    else if (load >= 100)
        ingest_hold(ingest, true);
    if (ingest->held && !timer_running(&ingest->held_look))
        timer_start(&ingest->held_look, HELD_LOOK_MS);
}

static void on_held_look(struct timer *timer)
{
    ingest_balance(container_of(timer, struct ingest, held_look));
}

static int64_t info_number(struct str info, const char *field)
{
    struct str line, name;
    int64_t    number;
    while (str_cut(&info, '\n', &line)) {
        line = str_trim(line);
        if (str_cut(&line, ':', &name) && str_is(name, field) && str_to_i64(line, &number))
            return number;
    }
    return 0;
}

static void on_memory(struct call *call, const struct error *err)
{
    struct ingest *ingest = container_of(call, struct ingest, memory);
    if (!err && ingest->memory_reply.answer.kind == ANSWER_TEXT) {
        struct str info    = ingest->memory_reply.answer.text;
        int64_t    most    = info_number(info, "maxmemory");
        int64_t    used    = info_number(info, "used_memory");
        int64_t    percent = ingest->program->config.redis_memory_percent;
        if (ingest->memory_full)
            percent = percent * 3 / 4;
        ingest->memory_full = most > 0 && used / 100 * 100 > most / 100 * percent;
    }
    redis_reply_fini(&ingest->memory_reply);
    ingest_balance(ingest);
    timer_start(&ingest->look, MEMORY_LOOK_MS);
}

static void on_look(struct timer *timer)
{
    struct ingest   *ingest = container_of(timer, struct ingest, look);
    const struct str argv[] = { STR("INFO"), STR("memory") };
    if (ingest->closing)
        return;
    store_command(ingest->program->store, argv, COUNT_OF(argv), &ingest->memory_reply,
                  &ingest->memory, on_memory);
}

// ---- the group

static void on_assigned(void *owner, const int32_t *partitions, size_t count)
{
    struct ingest *ingest = owner;
    drop_partitions(ingest);
    if (ingest->closing)
        return;
    ingest->partitions = xcalloc(count, sizeof(struct partition *));
    ingest->count      = count;
    log_info("partitions assigned", F_INT("count", count));
    for (size_t i = 0; i < count; i++)
        ingest->partitions[i] = partition_new(ingest->program, ingest->in, partitions[i]);
    for (size_t i = 0; i < count; i++)
        partition_begin(ingest->partitions[i], 0);
}

static void on_revoked(void *owner)
{
    drop_partitions(owner);
}

// All that would be in doubt at their next message begin again together: to move one costs the
// others their prefetch.
static void begin_doubtful(struct ingest *ingest)
{
    size_t count = 0;
    for (size_t i = 0; i < ingest->count; i++) {
        if (!partition_in_doubt(ingest->partitions[i]))
            continue;
        partition_begin(ingest->partitions[i], 0);
        count++;
    }
    log_debug("is it the same topic? these begin again", F_INT("partitions", count));
}

static void on_message(void *owner, const struct kafka_message *message)
{
    struct ingest    *ingest    = owner;
    struct partition *partition = find_partition(ingest, message->partition);
    if (!partition)
        return;
    if (partition_in_doubt(partition))
        begin_doubtful(ingest);
    else
        partition_message(partition, message);
    ingest_balance(ingest);
}

static void on_out_of_range(void *owner, int32_t number)
{
    struct partition *partition = find_partition(owner, number);
    if (partition)
        partition_out_of_range(partition);
}

static void on_error(void *owner, const struct error *err)
{
    struct ingest *ingest = owner;
    log_warn("kafka consumer", F_STR("why", err->message));
    for (size_t i = 0; i < ingest->count; i++)
        partition_suspect(ingest->partitions[i]);
}

static void on_closed(void *owner)
{
    struct ingest *ingest = owner;
    ingest->closed        = true;
}

struct ingest *ingest_new(struct program *program, struct error *err)
{
    static const struct kafka_in_events events = {
        .on_assigned     = on_assigned,
        .on_revoked      = on_revoked,
        .on_message      = on_message,
        .on_out_of_range = on_out_of_range,
        .on_error        = on_error,
    };
    char           group[TOPIC_NAME_BYTES];
    struct ingest *ingest = xcalloc(1, sizeof *ingest);
    ingest->program       = program;
    fleet_topic_name(program->config.fleet, TOPIC_JOBS, group, sizeof group);
    ingest->in = kafka_in_new(program->loop, &program->kafka_settings, group,
                              program->topics[TOPIC_JOBS], &events, ingest, err);
    if (!ingest->in) {
        free(ingest);
        return NULL;
    }
    timer_init(&ingest->held_look, program->loop, on_held_look);
    timer_init(&ingest->look, program->loop, on_look);
    timer_start(&ingest->look, 0);
    return ingest;
}

void ingest_begin(struct ingest *ingest)
{
    for (size_t i = 0; i < ingest->count; i++)
        partition_begin(ingest->partitions[i], 0);
}

void ingest_drain(struct ingest *ingest)
{
    ingest->closing = true;
    timer_stop(&ingest->look);
    timer_stop(&ingest->held_look);
    kafka_in_close(ingest->in, on_closed);
}

bool ingest_idle(const struct ingest *ingest)
{
    return ingest->closed;
}

void ingest_on_scrape(const struct ingest *ingest)
{
    struct metrics *metrics = ingest->program->metrics;
    int64_t         waiting = 0;
    for (size_t i = 0; i < ingest->count; i++)
        waiting += (int64_t)partition_waiting(ingest->partitions[i]);
    metric_set(metrics, METRIC_INGEST_PAUSED, 0, ingest->paused);
    metric_set(metrics, METRIC_INGEST_WAITING, 0, waiting);
    metric_set(metrics, METRIC_PARTITIONS, 0, (int64_t)ingest->count);
}

void ingest_free(struct ingest *ingest)
{
    if (!ingest)
        return;
    drop_partitions(ingest);
    call_cancel(&ingest->memory);
    redis_reply_fini(&ingest->memory_reply);
    timer_fini(&ingest->look);
    timer_fini(&ingest->held_look);
    kafka_in_free(ingest->in);
    free(ingest);
}
