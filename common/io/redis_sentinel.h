// SPDX-License-Identifier: Apache-2.0
/* The sentinels of a redis+sentinel:// URL, asked in turn which server is the primary of the service.
 * A round asks each of them at most once and for a second at most, beginning with the one that answered last; the first
 * good answer ends it. They are asked over plain TCP and without credentials.
 * Owned by io/redis.c, which connects to what was named and lets its ROLE decide. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "io/redis_url.h"
#include "loop/loop.h"

struct sentinel;

// One of them ends each round; either may begin the next one. Never inside sentinel_ask.
struct sentinel_events {
    void (*on_named)(void *owner, const struct redis_host *primary);  // borrowed for the callback
    void (*on_nobody)(void *owner, const char *why);                  // none could name one
};

// url, events and owner are borrowed for its life; ask_ms: for one sentinel, if shorter than a second
struct sentinel *sentinel_new(struct loop *loop, const struct redis_url *url, int64_t ask_ms,
                              const struct sentinel_events *events, void *owner);
void             sentinel_ask(struct sentinel *sentinel);  // harmless during a round
void sentinel_doubt(struct sentinel *sentinel);            // the next round begins with another one
void sentinel_stop(struct sentinel *sentinel);             // ends a round without a word
void sentinel_free(struct sentinel *sentinel);
