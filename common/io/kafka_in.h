// SPDX-License-Identifier: Apache-2.0
/* Consuming a topic in a group (roundrobin, eager). The owner decides where each partition starts:
 * nothing is fetched between on_assigned and kafka_in_start(). Offsets are stored only by
 * kafka_in_done() and committed in the background for lag dashboards; nothing relies on them.
 * Messages come in order a partition, from the loop, while not paused. */
#pragma once

#include "io/kafka.h"
#include "loop/loop.h"

struct kafka_in;

enum { KAFKA_FROM_BEGINNING = -2, KAFKA_FROM_END = -1 };

struct kafka_in_events {
    // a new assignment, whole (may be empty): answer with kafka_in_start() once for each partition,
    // when ready
    void (*on_assigned)(void *owner, const int32_t *partitions, size_t count);
    void (*on_revoked)(
        void *owner);  // all of them; what is still under way for them is not acknowledged any more
    void (*on_message)(void *owner, const struct kafka_message *message);
    // the offset that was asked for is not there: start again elsewhere
    void (*on_out_of_range)(void *owner, int32_t partition);
    void (*on_error)(void               *owner,
                     const struct error *err);  // for the log; librdkafka goes on by itself
};

struct kafka_in *kafka_in_new(struct loop *loop, const struct kafka_settings *settings,
                              const char *group, const char *topic,
                              const struct kafka_in_events *events, void *owner,
                              struct error *err) MUST_CHECK;
// starts or moves one partition; later messages of the partition begin at `offset`, what was
// fetched before is dropped
void kafka_in_start(struct kafka_in *in, int32_t partition, int64_t offset);
// for lag dashboards
void kafka_in_done(struct kafka_in *in, int32_t partition, int64_t next_offset);
// all partitions; costs about 1 s
void kafka_in_pause(struct kafka_in *in, bool paused);
// Delivers nothing at all while held, which costs nothing, but keeps rebalances waiting, too: for a
// second or two.
void kafka_in_hold(struct kafka_in *in, bool held);
// messages behind, all partitions, as last known; -1: not known
int64_t kafka_in_lag(const struct kafka_in *in);
// leaves the group, no other event any more; then kafka_in_free, also from within on_closed
void kafka_in_close(struct kafka_in *in, void (*on_closed)(void *owner));
void kafka_in_free(struct kafka_in *in);  // not inside the other events
