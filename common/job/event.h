// SPDX-License-Identifier: Apache-2.0
/* An event of <fleet>.events, made of an entry of the outbox: what happened to a job, with cause
 * and remedy; or, without a job_id, to an account. At least once: `event_id` (job_id/epoch/name,
 * account/open_id/rev/name) is what upstream drops repeats by. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/text.h"
#include "io/redis.h"

struct event {
    struct str job_id;
    struct str epoch;  // the attempt's; "0-0" before the first. Of an account: its record's rev
    struct str
               name;  // the state, or PUBLIC_ID; INTENT_ABORTED goes to the journal only. Of an account: NEEDS_CONSENT, ...
    struct str account;  // open_id, or as the upstream wrote it
    struct str source;   // topic-partition@offset of the job's message
    struct str attempt;
    struct str by;
    struct str code;        // why; of the outcome table, or empty
    struct str from;        // the state that it left; empty: none
    int64_t    spent_ms;    // in that state
    int64_t    message_ms;  // time of the job's message on Kafka; 0: not known
    int64_t    at_ms;       // Redis TIME of the arrow
    bool       is_end;      // an end record is due in the journal, too
};

// fields: the flat field array of one stream entry; borrowed by event. json is init here, bounded;
// buf_fini it.
void event_of_outbox(const struct answer *fields, struct event *event, struct buf *json);
