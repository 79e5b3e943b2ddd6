// SPDX-License-Identifier: Apache-2.0
/* A command on its way from <fleet>.jobs into Redis:
 *
 *   look (what would come of it) ─┬─ it is known ───────────────────────────────► do (only the watermark moves)
 *                                 ├─ it can be done ──► command/<id>, confirmed ──► do ──┬─► done
 *                                 └─ it cannot ──────► command/<id>/refused ──► refused ◄┘ not any more
 *
 * Nothing is done before Kafka has it, and the watermark does not pass a refusal that Kafka has not: so a Redis that
 * forgot is told the same. One order is under way in a partition, with everything before it already in Redis. */
#pragma once

#include "job/command.h"
#include "job/program.h"

struct order {                      // embedded; zeroed before
    struct call           call;     // the look, then Kafka
    struct redis_reply    reply;    // of the look
    struct program       *program;  // borrowed
    struct call          *waiting;  // the owner's; NULL: nothing is under way
    struct command        command;
    struct command_record record;  // its texts are borrowed, but for refused
    struct buf            refused;
    bool                  unknown;  // there is no such job or account: a dead letter is due, too
    struct buf            key;      // of the journal's record
    struct buf            value;
    struct buf            message_key;  // reschedule: of a job that outlives the topic now
    struct buf            message;
};

// the partition's watermark
struct order_mark {
    struct str partition;
    struct str shown;
};

// source is borrowed until order_fini. Fails as command_decode.
bool order_init(struct order *order, struct program *program, struct str message, struct str source,
                int64_t at_ms, struct error *err) MUST_CHECK;
// Looks and journals; an error means: begin again where the watermark stands.
void order_prepare(struct order *order, const struct order_mark *mark, struct call *call,
                   call_done *done);
// Redis refused it after all: journals that
void order_refuse(struct order *order, struct str why, bool unknown, struct call *call,
                  call_done *done);
// fills the rest of the script's arguments, but for the watermark's
void order_args(const struct order *order, struct command_args *args);
// in Redis, as the script's word says
void order_count(const struct order *order, struct str word);
bool order_refused(const struct order *order);
void order_fini(struct order *order);
