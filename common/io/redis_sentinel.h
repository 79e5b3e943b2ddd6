// SPDX-License-Identifier: Apache-2.0
/* The sentinels of a redis+sentinel:// URL, asked in turn which server is the primary of the
 * service. A round asks each of them at most once and for a second at most, beginning with the one
 * that answered last; the first good answer ends it. TLS is as the URL says, for them and for Redis
 * alike; their credentials are their own. Owned by io/redis.c, which connects to what was named and
 * lets its ROLE decide. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "io/redis.h"
#include "io/redis_url.h"
#include "loop/loop.h"

struct sentinel;

// One of them ends each round; either may begin the next one. Never inside sentinel_ask.
struct sentinel_events {
    void (*on_named)(void *owner, const struct redis_host *primary);  // borrowed for the callback
    void (*on_nobody)(void *owner, const char *why);                  // none could name one
};

// all are borrowed for its life; one sentinel has settings->connect_ms, a second at most
struct sentinel *sentinel_new(struct loop *loop, const struct redis_url *url,
                              const struct redis_settings  *settings,
                              const struct sentinel_events *events, void *owner);
void             sentinel_ask(struct sentinel *sentinel);  // harmless during a round
void sentinel_doubt(struct sentinel *sentinel);            // the next round begins with another one
void sentinel_stop(struct sentinel *sentinel);             // ends a round without a word
void sentinel_free(struct sentinel *sentinel);

// the primary's host and port in an answer of a sentinel; false when there are none (also for
// fuzzers)
enum { SENTINEL_NAME_BYTES = 256 };
bool sentinel_names(const struct answer *answer, char name[SENTINEL_NAME_BYTES],
                    int *port) MUST_CHECK;
