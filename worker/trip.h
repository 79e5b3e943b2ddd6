// SPDX-License-Identifier: Apache-2.0
/* One job's way through the worker, from its claim to the record of TikTok's answer.
 *
 *   claimed ──► allowed (creator.h) ──► INTENT confirmed by Kafka ──► SENDING accepted by Redis ──► init at TikTok ─┐
 *      │               │                     │                             │                         │            │
 *      └── cannot be   └── rejected,         └── no Kafka, no post:        └── fenced, or no lease   └── not      the answer
 *          sent: back      or back               back                          left: INTENT_ABORTED      sent     │
 *                                                                           done ◄─┬── to the journal ◄──────────┤
 *                                                                                  └── to Redis ◄────────────────┘
 *
 * The order of these steps is the safety of the product. Never two requests at once, but for the two records at the
 * end, which may be written in either order and are both repeated until they are there. */
#pragma once

#include <stdint.h>

#include "worker/worker.h"

// reply: what script_claim answered with WORD_OK. asked_ms: the monotonic clock before the claim
// was asked for: the lease runs from then.
struct trip *trip_start(struct worker *worker, struct program *program,
                        const struct redis_reply *reply, int64_t asked_ms);
// cancels what is in flight: the job's lease ends, and others have it
void trip_free(struct trip *trip);
