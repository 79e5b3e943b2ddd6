// SPDX-License-Identifier: Apache-2.0
/* What the worker and the poller share: settings, log, loop, connections, health, heartbeat, and a clean end.
 *
 *   program_main: read settings -> open everything -> kind->open -> loop -> SIGTERM: kind->drain, wait for kind->idle
 *                 (drain.ms at most) -> kind->close -> close everything
 *
 * /livez answers while the loop turns; /readyz tells what is missing (Redis, Kafka, the gate) or that it drains;
 * /metrics is for Prometheus. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "io/http.h"
#include "io/kafka_out.h"
#include "io/seal.h"
#include "job/config.h"
#include "job/journal.h"
#include "job/metrics.h"
#include "job/store.h"
#include "loop/loop.h"
#include "loop/server.h"
#include "tiktok/api.h"

enum { PROGRAM_ID_BYTES = 128 };

struct program {
    struct config         config;
    char                  id[PROGRAM_ID_BYTES];  // "worker-<host>-<pid>"
    struct loop          *loop;
    struct redis         *redis;
    struct store         *store;
    struct kafka_settings kafka_settings;  // for consumers and readers
    struct kafka_out     *kafka;
    struct http          *http;
    struct tiktok        *tiktok;
    struct seal          *seal;
    struct metrics       *metrics;    // by METRIC_...; there before kind->open
    bool                  draining;   // take no new work
    bool                  gate_open;  // as the last script told
    bool                  first;  // the first of its kind that is alive, as the last heartbeat told
    bool                  clock_ok;  // this machine's is Redis', as far as records need it
    char                  topics[FLEET_TOPIC_COUNT][TOPIC_NAME_BYTES];
};

struct program_kind {
    const char *name;     // "worker": prefix of the id
    const char *purpose;  // one line for --help
    // opens what is its own; NULL with err: the start stops
    void *(*open)(struct program *program, struct error *err);
    void (*drain)(void *owner);      // take no new work from now on
    bool (*idle)(void *owner);       // nothing is under way any more
    void (*close)(void *owner);      // frees it; calls in flight are cancelled
    void (*on_gate)(void *owner);    // a heartbeat was answered GATE; may be NULL
    void (*on_scrape)(void *owner);  // /metrics is about to be shown: set its gauges; may be NULL
    void (*on_generation)(
        void *owner);  // the gate was opened anew: Redis may hold less than before; may be NULL
};

int program_main(int argc, char **argv, const struct program_kind *kind);

// every reply of a script tells whether the gate is open: keeps program->gate_open and logs each
// change once
void       program_saw_gate(struct program *program, bool open);
struct str program_id(const struct program *program);
