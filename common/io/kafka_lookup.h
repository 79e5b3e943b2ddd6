// SPDX-License-Identifier: Apache-2.0
/* Inside the kafka_*.c files only: how many partitions topics have. librdkafka can only be asked by
 * a call that waits, so a short thread waits for it and wakes the loop. */
#pragma once

#include <librdkafka/rdkafka.h>
#include <pthread.h>

#include "io/kafka.h"
#include "loop/loop.h"

struct kafka_lookup;

enum { PARTITIONS_NO_TOPIC = -1 };

// partitions[i] belongs to the i-th topic, PARTITIONS_NO_TOPIC when there is none; err: nothing is
// known. The lookup is freed when it returns.
typedef void kafka_lookup_done(void *owner, const int32_t *partitions, const struct error *err);

// names are copied
struct kafka_lookup *kafka_lookup_start(struct loop *loop, rd_kafka_t *rk,
                                        const char *const *topics, size_t count, int64_t timeout_ms,
                                        kafka_lookup_done *done, void *owner);
// no answer any more; may still be using rk until kafka_lookup_join, which waits and frees
void kafka_lookup_abandon(struct kafka_lookup *lookup);
void kafka_lookup_join(struct kafka_lookup *lookup);
// a thread that gets no signals; false: none to be had
bool kafka_thread_start(pthread_t *thread, void *(*run)(void *), void *argument);
