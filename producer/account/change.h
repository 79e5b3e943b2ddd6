// SPDX-License-Identifier: Apache-2.0
/* An account that is there, changed: its record read from Redis, changed by the verb, and kept on
 * Kafka and in Redis. */
#pragma once

#include "job/account_write.h"
#include "producer/account/tiktok_side.h"

struct account_change {
    struct tool          *tool;    // borrowed
    struct tiktok_side   *side;    // borrowed; opened before
    struct arena          arena;   // the record's texts
    struct account_record record;  // as it is now
    struct redis_reply    reply;
    int64_t               queued;     // jobs that wait
    int64_t               in_flight;  // jobs at TikTok
};

// zeroed before, but for tool and side; change_fini in every case. name: open_id or @alias
bool change_read(struct account_change *change, const char *name, struct error *err) MUST_CHECK;
// Keeps change->record with a rev of its own, on Kafka first. ERR_REFUSED: somebody else changed
// the account meanwhile, and nothing was kept. Without Redis' gate it is kept on Kafka, and said
// so.
bool change_write(struct account_change *change, struct error *err) MUST_CHECK;
void change_fini(struct account_change *change);
