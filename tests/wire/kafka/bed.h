// SPDX-License-Identifier: Apache-2.0
/* Where the Kafka tests lie: a loop, a cluster (librdkafka's mock in this process, or a real one
 * named by KAFKA_BROKERS), and a proxy before it that can be cut, if it is one broker on 127.0.0.1.
 * Names of topics are new in each run. */
#pragma once

// cmocka.h needs the first three, and rdkafka_mock.h rdkafka.h
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <librdkafka/rdkafka.h>

#include <librdkafka/rdkafka_mock.h>

#include "io/kafka.h"
#include "io/kafka_out.h"
#include "loop/call.h"
#include "loop/clock.h"
#include "loop/loop.h"
#include "proxy.h"

enum { NAME_BYTES = 64, API_PRODUCE = 0, API_FETCH = 1, API_INIT_PRODUCER_ID = 22 };

struct bed {
    struct loop             *loop;
    struct kafka_settings    settings;             // straight to the cluster
    rd_kafka_t              *host;                 // of the mock; NULL: a real cluster
    rd_kafka_mock_cluster_t *mock;                 // NULL: a real cluster
    struct proxy            *proxy;                // NULL: the cluster is elsewhere
    char                     through[NAME_BYTES];  // the proxy's address
    char                     brokers[256];
};

int bed_make(void **state);  // group set-up and tear-down of cmocka
int bed_break(void **state);

void bed_need_mock(const struct bed *bed);   // skips the test on a real cluster
void bed_need_real(const struct bed *bed);   // skips it on the mock
void bed_need_proxy(const struct bed *bed);  // skips it where there is none

struct kafka_out *bed_out(struct bed *bed);  // a producer straight to the cluster
void bed_topic(struct bed *bed, int32_t partitions, char name[NAME_BYTES]);  // a new topic

// turns the loop until the condition holds; fails the test after so long
#define WAIT_FOR(bed, at_most_ms, condition)                                                       \
    do {                                                                                           \
        int64_t wait_until_ms = clock_monotonic_ms() + (at_most_ms);                               \
        while (!(condition)) {                                                                     \
            if (clock_monotonic_ms() > wait_until_ms)                                              \
                fail_msg("%s:%d: not within %d ms: %s", __FILE__, __LINE__, (at_most_ms),          \
                         #condition);                                                              \
            loop_turn((bed)->loop, 10);                                                            \
        }                                                                                          \
    } while (0)

void bed_spend(struct bed *bed, int64_t ms);  // turns the loop for so long

// a call and what became of it
struct answer {
    struct call  call;
    bool         done;
    bool         failed;
    struct error err;
    int64_t      at_ms;  // monotonic
};

void on_answer(struct call *call, const struct error *err);

// a value, a topic, a partition; waits for the delivery
int64_t bed_send(struct bed *bed, struct kafka_out *out, const char *topic, int32_t partition,
                 const char *value);
// "0", "1", ... as values; waits for all
void bed_fill(struct bed *bed, struct kafka_out *out, const char *topic, int32_t partition,
              int from, int count);
// a new topic with so many in each partition
void bed_fill_topic(struct bed *bed, int32_t partitions, int count, char topic[NAME_BYTES]);
