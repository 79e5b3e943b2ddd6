// SPDX-License-Identifier: Apache-2.0
/* A changed account, kept for good: its record confirmed by Kafka (acks=all), then Redis. Nobody may use a pair of
 * tokens before that.
 *
 *   record ──► <fleet>.accounts ──► Redis: stored ──► done
 *                   ▲                 │ NEWER: somebody else was first
 *                   └── read back ◄───┘ the newer one goes onto Kafka again, with a rev above both,
 *                                       since compaction keeps the last record
 *
 * err of done: Kafka's (the record may be there or not, nothing else changed: the same again is harmless), Redis', or
 * ERR_CLOSED: Redis' gate is closed; with on_kafka the record is safe and comes to Redis with the gate's opening. */
#pragma once

#include "io/kafka_out.h"
#include "job/account_store.h"

enum { ACCOUNT_WRITE_ROUNDS = 8 };

struct account_write {
    struct call           inner;   // the request in flight
    struct call          *outer;   // the caller's; borrowed
    struct kafka_out     *kafka;   // borrowed
    struct store         *store;   // borrowed
    const char           *topic;   // <fleet>.accounts; borrowed
    struct str            by;      // who; borrowed
    struct arena          arena;   // the record's texts
    struct account_record record;  // what is to be kept; what was kept in the end
    int64_t               seen;    // the rev that it is built on; -1: whatever is there
    size_t                alias;   // the next to store
    struct redis_reply    reply;
    int                   rounds;    // onto Kafka
    bool                  on_kafka;  // confirmed at least once
    bool newer;  // the result: somebody else's record was newer, and `record` is that one now
    struct str
        taken;  // the result: an alias of the record that is another account's, and was left out
};

// write is overwritten; record is copied. seen: as of account_store
void account_write_start(struct account_write *write, struct kafka_out *kafka, struct store *store,
                         const char *topic, const struct account_record *record, int64_t seen,
                         struct str by, struct call *call, call_done *done);
// after done, or after a cancel; harmless on a zeroed one
void account_write_fini(struct account_write *write);
