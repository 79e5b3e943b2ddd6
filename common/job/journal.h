// SPDX-License-Identifier: Apache-2.0
/* The records of <fleet>.journal, the truth from which Redis can be made anew: JSON, one key each, compacted.
 * Every record is whole in itself and has a version `v`; nothing overwrites anything but its own attempt.
 *
 *   message/<job_id>              v job_id source at message
 *   attempt/<job_id>/<epoch>      v kind (INTENT, INTENT_ABORTED, INITED) job_id epoch attempt account mode at publish_id
 *                                 upload source (of the message that it sent) why
 *   end/<job_id>/<epoch>/<state>  v job_id epoch state at source event
 *   command/<id>                  v id what job_id or account epoch publish_id args by at source refused (job/command.h)
 *   command/<id>/refused          the same, with why it was refused
 *   generation/<n>                v generation identity at by
 *
 * An end that an isolated Redis still had in its outbox may be relayed hours late: by its key it can only stand beside a
 * newer one, never over it. Version 1 had one key, end/<job_id>, and no source of an attempt; both are still read. A
 * program refuses a version that is newer than its own.
 *
 * What is past its time is deleted by tombstones (poller/sweep.h): the attempts first, then the commands and the message,
 * then the ends, the newest one last, each step confirmed before the next.
 *
 * This module makes key and value; sending is kafka_send(). Topic names are fleet_topic()'s. */
#pragma once

#include <stdint.h>

#include "base/error.h"
#include "base/text.h"
#include "job/job.h"

// the longest record holds a message of the most that job.max_bytes allows, every byte of it escaped
enum { JOURNAL_VERSION = 2, JOURNAL_RECORD_MAX_BYTES = 2000000 };
// an end holds an event, which holds the metadata of its job
enum { JOURNAL_DEPTH_MAX = JOB_DEPTH_MAX + 2 };

enum attempt_kind { ATTEMPT_INTENT, ATTEMPT_INTENT_ABORTED, ATTEMPT_INITED };

struct journal_attempt {
    enum attempt_kind kind;
    struct str        job_id;
    struct str        epoch;
    int64_t           attempt;     // 1, 2, ...
    struct str        account;     // open_id
    struct str        mode;        // "direct", "draft"; "" is written as null
    int64_t           at_ms;       // wall clock
    struct str        publish_id;  // "" is written as null
    struct str
        source;      // of the message that it sends, topic-partition@offset; "" is written as null
    struct str why;  // "" is written as null
};

// key and value are init here, bounded; free both with buf_fini
void journal_attempt_record(const struct journal_attempt *attempt, struct buf *key,
                            struct buf *value);
void journal_message_record(struct str job_id, struct str source, int64_t at_ms, struct str message,
                            struct buf *key, struct buf *value);
void journal_generation_record(int64_t generation, struct str identity, int64_t at_ms,
                               struct str by, struct buf *key, struct buf *value);
// event_json: the whole event (job/event.h)
void journal_end_record(struct str job_id, struct str epoch, struct str state, int64_t at_ms,
                        struct str source, struct str event_json, struct buf *key,
                        struct buf *value);

// "<fleet>.journal" and the like
enum fleet_topic {
    TOPIC_JOBS,
    TOPIC_JOURNAL,
    TOPIC_ACCOUNTS,
    TOPIC_EVENTS,
    TOPIC_DLQ,
    FLEET_TOPIC_COUNT
};
void fleet_topic_name(const char *fleet, enum fleet_topic topic, char *out, size_t out_bytes);
enum { TOPIC_NAME_BYTES = 96 };
