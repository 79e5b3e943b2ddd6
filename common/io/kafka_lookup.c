// SPDX-License-Identifier: Apache-2.0
#include "io/kafka_lookup.h"

#include <assert.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"
#include "loop/clock.h"

enum { AGAIN_MS = 100 };

struct kafka_lookup {
    rd_kafka_t        *rk;          // borrowed
    char             **topics;      // owned
    int32_t           *partitions;  // owned; the thread's until it has ended
    size_t             count;       // of both
    int64_t            timeout_ms;  // for all of them
    bool               failed;      // err is set; the thread's until it has ended
    struct error       err;
    pthread_t          thread;  // joined exactly once
    int                fd;      // owned; written at the end of the thread
    struct watch       watch;   // of fd
    kafka_lookup_done *done;    // the owner's
    void              *owner;   // borrowed
};

bool kafka_thread_start(pthread_t *thread, void *(*run)(void *), void *argument)
{
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool ok = !pthread_create(thread, NULL, run, argument);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return ok;
}

// One question; false: ask again.
static bool ask(struct kafka_lookup *lookup, const char *name, int32_t *partitions,
                int64_t at_most_ms, struct error *err)
{
    const struct rd_kafka_metadata *metadata = NULL;
    rd_kafka_topic_t               *topic    = rd_kafka_topic_new(lookup->rk, name, NULL);
    rd_kafka_resp_err_t             code     = RD_KAFKA_RESP_ERR__INVALID_ARG;
    *partitions                              = PARTITIONS_NO_TOPIC;
    if (topic)
        code = rd_kafka_metadata(lookup->rk, 0, topic, &metadata, (int)at_most_ms);
    if (!code && metadata->topic_cnt == 1) {
        code        = metadata->topics[0].err;
        *partitions = metadata->topics[0].partition_cnt;
    }
    if (metadata)
        rd_kafka_metadata_destroy(metadata);
    if (topic)
        rd_kafka_topic_destroy(topic);
    if (code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ||
        code == RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION || code == RD_KAFKA_RESP_ERR__INVALID_ARG) {
        *partitions = PARTITIONS_NO_TOPIC;
        return true;
    }
    if (!code && *partitions > 0)
        return true;
    enum err_code kind = code == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED ? ERR_REFUSED
                         : code == RD_KAFKA_RESP_ERR__TRANSPORT               ? ERR_CONNECT
                                                                              : ERR_TIMEOUT;
    return error_set(err, kind, "kafka topic %s: %s", name, rd_kafka_err2str(code));
}

static void *run(void *argument)
{
    struct kafka_lookup *lookup = argument;
    int64_t              until  = clock_monotonic_ms() + lookup->timeout_ms;
    for (size_t i = 0; i < lookup->count; i++) {
        for (;;) {
            int64_t left = until - clock_monotonic_ms();
            if (ask(lookup, lookup->topics[i], &lookup->partitions[i], left > 1 ? left : 1,
                    &lookup->err))
                break;
            if (lookup->err.code == ERR_REFUSED || until - clock_monotonic_ms() < AGAIN_MS) {
                lookup->failed = true;
                break;
            }
            nanosleep(&(struct timespec){ .tv_nsec = AGAIN_MS * 1000000L }, NULL);
        }
        if (lookup->failed)
            break;
    }
    eventfd_write(lookup->fd, 1);
    return NULL;
}

static void lookup_free(struct kafka_lookup *lookup)
{
    for (size_t i = 0; i < lookup->count; i++)
        free(lookup->topics[i]);
    free(lookup->topics);
    free(lookup->partitions);
    close(lookup->fd);
    free(lookup);
}

static void on_answer(struct watch *watch, int what)
{
    (void)what;
    struct kafka_lookup *lookup = container_of(watch, struct kafka_lookup, watch);
    watch_fini(watch);
    pthread_join(lookup->thread, NULL);  // it has just written its last word
    lookup->done(lookup->owner, lookup->partitions, lookup->failed ? &lookup->err : NULL);
    lookup_free(lookup);
}

struct kafka_lookup *kafka_lookup_start(struct loop *loop, rd_kafka_t *rk,
                                        const char *const *topics, size_t count, int64_t timeout_ms,
                                        kafka_lookup_done *done, void *owner)
{
    struct kafka_lookup *lookup = xcalloc(1, sizeof *lookup);
    lookup->rk                  = rk;
    lookup->topics              = xcalloc(count + 1, sizeof *lookup->topics);
    lookup->partitions          = xcalloc(count + 1, sizeof *lookup->partitions);
    lookup->count               = count;
    lookup->timeout_ms          = timeout_ms;
    lookup->done                = done;
    lookup->owner               = owner;
    lookup->fd                  = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    assert(lookup->fd >= 0);
    for (size_t i = 0; i < count; i++)
        lookup->topics[i] = xstrdup(topics[i]);
    watch_init(&lookup->watch, loop, lookup->fd, on_answer);
    watch_set(&lookup->watch, WATCH_READ);
    bool started = kafka_thread_start(&lookup->thread, run, lookup);
    assert(started);
    return lookup;
}

void kafka_lookup_abandon(struct kafka_lookup *lookup)
{
    watch_fini(&lookup->watch);
}

void kafka_lookup_join(struct kafka_lookup *lookup)
{
    pthread_join(lookup->thread, NULL);
    lookup_free(lookup);
}
