// SPDX-License-Identifier: Apache-2.0
/* What the journal says of every job, made of its records in the order they are read: the last record of a key counts,
 * and nothing depends on the order between keys, so that it is the same whatever compaction has left. Of an attempt what
 * came of it counts over its INTENT in any order: they are in two partitions if the topic was given more between them.
 *
 * For each job the newest attempt that is not INTENT_ABORTED decides: INITED, or an INTENT that names a publish id:
 * PROCESSING; an open INTENT without: UNSURE; no attempt: QUEUED. An end decides only where no attempt is newer; of several
 * ends the one of the newest epoch, and of the same epoch the one that can follow the other, or else the one that says
 * that there is a post; then the later one; and where nothing tells them apart, always the same.
 *
 * An end that is older than the newest record by more than it is kept was of another life of the job: its id was used
 * again. It decides nothing any more, and neither does an attempt up to it. The tombstone of an end says that the attempts
 * up to it are gone, too: theirs were written before it, and a reader that saw an attempt was there earlier.
 *
 * Commands (command/<id>, and not command/<id>/refused) come first, each for itself and in any order:
 *   - a retry of a doubt (UNSURE) voids the open INTENT of the attempt that it names, and an attempt with a publish id,
 *     INITED or INTENT, only if it names that publish id: TikTok's answer stands against a person's guess;
 *   - a retry of an end (FAILED) voids every attempt up to the one that it names, and the end; no other end is voided;
 *   - a resolve voids the doubt as a retry does, and decides like an end of that attempt where nothing newer is left,
 *     unless a retry of that very end took a "failed" back;
 *   - a cancel decides like an end of the attempt that the job stood at when it was looked at: over that attempt, too,
 *     when the job waited (QUEUED), but not when it was CLAIMED, which may have gone on to its INTENT;
 *   - the newest reschedule (by time and place of its message) gives the job its moment.
 * An end record of the same attempt, or a newer one, decides before a resolve or a cancel: it is what they made (REJECTED
 * is not: what was cancelled had replaced it). A retry by the policy on_unsure is weaker than a person's: it voids the
 * doubt, and no end.
 *
 * What Redis itself still holds of the job counts as one more attempt or end BEFORE commands are applied. Only the
 * script `restore` sees it, so it is handed what retries acted on (`voids`) and does to that image what is done here to
 * the attempts of the journal; a resolve that does not name the image's publish id decides nothing. All ids, those of
 * refused commands too, are put on the job, whether it is in Redis yet or not: their messages, read again, do nothing. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/text.h"
#include "job/command.h"

struct replay;

enum replay_says { REPLAY_NOTHING, REPLAY_UNSURE, REPLAY_PROCESSING, REPLAY_END };

// one job's verdict; texts live as long as the replay
struct replay_verdict {
    struct str       job_id;
    enum replay_says says;
    struct str       epoch;       // of the attempt or end that decides; "" with REPLAY_NOTHING
    int64_t          attempt;     // its number; 0: not known
    struct str       account;     // open_id; "" not known
    struct str       mode;        // "direct", "draft"; "" not known
    struct str       publish_id;  // "" none
    int64_t          at_ms;       // of the record that decides
    struct str       end_state;   // REPLAY_END
    struct str       event;       // REPLAY_END: the event, JSON
    bool             recorded;    // REPLAY_END: by an end record, not by a command alone
    struct str       source;      // of the message that the attempt or end is of; "" not known
    struct str       message;     // of a job that outlives the topic; "" none
    struct str       message_source;
    int64_t          message_at_ms;  // the message's Kafka time
    struct str       aborted;        // epochs of aborted attempts, by spaces
    struct str       said;           // REPLAY_END by a command: "cancel" or "resolve"
    struct str       code;           // of such an end; "" none
    struct str       post_id;        // of such an end
    struct str       post_url;
    struct str       commands;  // ids, by spaces, those refused behind a '!'; the newest
    struct str       voids;     // what retries acted on: epoch/state/publish_id, by spaces
    int64_t          told_ms;   // of the newest reschedule; 0: none
    int64_t          publish_at_ms;
    int64_t          expires_at_ms;  // 0: as it was
};

// a pause or resume of the fleet or an account; the newest of each decides, which the script
// `command` sees to
struct replay_pause {
    const struct command *command;  // lives as long as the replay
    int64_t               at_ms;
};

// an attempt that took part in TikTok's limits
struct replay_call {
    struct str account;
    struct str epoch;
    struct str mode;
    struct str job_id;
    int64_t    at_ms;
    bool       aborted;  // no post came of it, but the call may have been made
};

// a job's id as its records name it: is it one of those that are wanted?
typedef bool replay_wanted(const void *owner, struct str job_id);
typedef void replay_key(void *owner, struct str key);

// the order in which a job's records are deleted
enum replay_part {
    REPLAY_ATTEMPTS,
    REPLAY_COMMANDS,    // and its message
    REPLAY_ENDS_OLDER,  // all but the newest
    REPLAY_END_NEWEST,
    REPLAY_PART_COUNT,
};

// keep_ms: how long an end is remembered (job.keep_ms); 0: for ever
struct replay *replay_new(int64_t keep_ms);
// what is read from now on is taken only of jobs that are wanted; pause and resume not at all.
// owner is borrowed.
void replay_only(struct replay *replay, replay_wanted *wanted, const void *owner);
// value.p NULL: a tombstone. False: a record that this version cannot read (the key is named);
// nothing has changed.
bool    replay_record(struct replay *replay, struct str key, struct str value,
                      struct error *err) MUST_CHECK;
int64_t replay_generation(const struct replay *replay);  // the highest; 0: none
size_t  replay_jobs(const struct replay *replay);
bool    replay_used(const struct replay *replay);  // holds more than generations
// the i-th job, i < replay_jobs(), in no particular order; verdict->aborted, commands and voids are
// valid until the next call
void replay_verdict(struct replay *replay, size_t i, struct replay_verdict *verdict);
// its attempts since then, at most max; returns how many
size_t replay_calls(const struct replay *replay, size_t i, int64_t since_ms,
                    struct replay_call *calls, size_t max);
size_t replay_pauses(const struct replay *replay);
// false: it was refused, or is gone
bool replay_pause(const struct replay *replay, size_t i, struct replay_pause *pause) MUST_CHECK;
// of the i-th job: the time of its newest record; whether nothing is known of it but commands; the
// keys of a part of it
int64_t replay_newest_ms(const struct replay *replay, size_t i);
bool    replay_is_orphan(const struct replay *replay, size_t i);
void replay_keys(const struct replay *replay, size_t i, enum replay_part part, replay_key *on_key,
                 void *owner);
void replay_free(struct replay *replay);

// epochs are compared part by part as numbers: <0, 0, >0
int epoch_compare(struct str a, struct str b);
