// SPDX-License-Identifier: Apache-2.0
/* Inside the kafka_*.c files only: one librdkafka instance on the loop.
 *
 *     librdkafka's threads ──► queue ──► eventfd ──► watch ──► drain ──► on_event
 *                                                    tick ──────┘
 *
 * The eventfd is written only when an empty queue gets an element, so a drain goes on until the queue is empty or, at a
 * bound, through a zero timer. The tick is there because librdkafka wants to be polled even in silence.
 * Logs, statistics and the state of the connections are dealt with here: one line a change. */
#pragma once

#include "io/kafka_conf.h"
#include "io/kafka_lookup.h"
#include "loop/loop.h"

enum kafka_link { LINK_UNKNOWN, LINK_UP, LINK_DOWN };

enum { KAFKA_REASON_BYTES = 200 };

struct kafka_client_events {
    void (*on_event)(void             *owner,
                     rd_kafka_event_t *event);  // not for logs and statistics; borrowed
    void (*on_tick)(void *owner);               // each second; may be NULL
    void (*on_trouble)(void *owner, const struct error *err);  // once a change; NULL: it is logged
};

struct kafka_client {
    struct loop                      *loop;    // borrowed
    const char                       *name;    // a literal for the log: "producer"
    const struct kafka_client_events *events;  // borrowed
    void                             *owner;   // borrowed
    rd_kafka_t                       *rk;      // owned
    rd_kafka_queue_t                 *queue;   // owned; everything comes through it
    struct kafka_lookup              *lookup;  // owned; NULL: none under way
    rd_kafka_topic_t                 *topic;   // owned; a reader's; NULL: none
    int32_t             started;   // partitions of `topic` that are being fetched, from 0
    int                 fd;        // owned; librdkafka writes it
    struct watch        watch;     // of fd
    struct timer        more;      // the queue was not empty at the end of the turn
    struct timer        tick;      // each second
    bool                draining;  // inside on_event
    bool                held;      // nothing is taken from the queue
    bool                buried;    // rk has gone to `grave`, which is not joined yet
    pthread_t           grave;     // destroys rk
    enum kafka_link     link;      // as far as is known
    char                reason[KAFKA_REASON_BYTES];  // why a connection failed last
    rd_kafka_resp_err_t told;        // trouble that was told last; 0: none since it was well
    int64_t             told_at_ms;  // monotonic
};

// takes conf, also when it fails
bool kafka_client_init(struct kafka_client *client, struct loop *loop, const char *name,
                       rd_kafka_type_t type, rd_kafka_conf_t *conf,
                       const struct kafka_client_events *events, void *owner,
                       struct error *err) MUST_CHECK;
// from now on everything comes through this queue, which is taken; the old one goes
void kafka_client_use_queue(struct kafka_client *client, rd_kafka_queue_t *queue);
// Takes nothing from the queue while held, logs and rebalances neither: for moments, not for
// seconds.
void kafka_client_hold(struct kafka_client *client, bool held);
void kafka_client_well(struct kafka_client *client);  // a broker has answered
// an error of librdkafka that the owner has no other use for
void kafka_client_trouble(struct kafka_client *client, rd_kafka_event_t *event);
// nobody was reached: adds why the connections failed, which librdkafka tells elsewhere
void kafka_client_explain(const struct kafka_client *client, struct error *err);
// flags are rd_kafka_destroy_flags'. It is done in a thread of its own; `wait` gives that a moment,
// and then lets it be. Without, fini is called once more with it, so that the end of the program
// does not come across it. Not inside on_event.
void kafka_client_fini(struct kafka_client *client, int flags, bool wait);
