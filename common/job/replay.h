// SPDX-License-Identifier: Apache-2.0
/* What the journal says of every job, made of its records in the order they are read: the last record of a key counts,
 * and nothing depends on the order between keys, so that it is the same whatever compaction has left.
 *
 * For each job the newest attempt that is not INTENT_ABORTED decides: INITED, or an INTENT that names a publish id:
 * PROCESSING; an open INTENT without: UNSURE; no attempt: QUEUED. An end decides only where no attempt is newer.
 * What Redis itself still holds of the job counts as one more attempt or end: that is the script `restore`'s part. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/text.h"

struct replay;

enum replay_says { REPLAY_NOTHING, REPLAY_UNSURE, REPLAY_PROCESSING, REPLAY_END };

// one job's verdict; texts live as long as the replay
struct replay_verdict {
    struct str       job_id;
    enum replay_says says;
    struct str       epoch;        // of the attempt or end that decides; "" with REPLAY_NOTHING
    int64_t          attempt;      // its number; 0: not known
    struct str       account;      // open_id; "" not known
    struct str       mode;         // "direct", "draft"; "" not known
    struct str       publish_id;   // "" none
    int64_t          at_ms;        // of the record that decides
    struct str       end_state;    // REPLAY_END
    struct str       event;        // REPLAY_END: the event, JSON
    struct str       source;       // of the job's message, where known
    struct str       message;      // of a job that outlives the topic; "" none
    struct str       message_source;
    int64_t          message_at_ms;  // the message's Kafka time
    struct str       aborted;      // epochs of aborted attempts, by spaces
};

// an attempt that took part in TikTok's limits
struct replay_call {
    struct str account;
    struct str epoch;
    struct str mode;
    struct str job_id;
    int64_t    at_ms;
    bool       aborted;    // no post came of it, but the call may have been made
};

struct replay *replay_new(void);
// value.p NULL: a tombstone. False: a record that this version cannot read (the key is named); nothing has changed.
bool    replay_record(struct replay *replay, struct str key, struct str value, struct error *err) MUST_CHECK;
int64_t replay_generation(const struct replay *replay);  // the highest; 0: none
size_t  replay_jobs(const struct replay *replay);
bool    replay_used(const struct replay *replay);        // holds more than generations
// the i-th job, i < replay_jobs(), in no particular order; verdict->aborted is valid until the next call
void    replay_verdict(struct replay *replay, size_t i, struct replay_verdict *verdict);
// its attempts since then, at most max; returns how many
size_t  replay_calls(const struct replay *replay, size_t i, int64_t since_ms, struct replay_call *calls, size_t max);
void    replay_free(struct replay *replay);

// epochs are compared part by part as numbers: <0, 0, >0
int epoch_compare(struct str a, struct str b);
