// SPDX-License-Identifier: Apache-2.0
/* A command as a person or an upstream puts it on <fleet>.jobs (producer/JOBS.md), decoded; and its records in the
 * journal. Decoding is strict: a field that is unknown, or has no meaning in this command, is an error, since a command
 * that is half understood is worse than none.
 *
 *   {"command": "cancel",     "id", "job_id"}                                            what was not sent yet
 *   {"command": "reschedule", "id", "job_id", "publish_at", ("expires_at")}              what waits
 *   {"command": "retry",      "id", "job_id", "epoch", ("publish_id")}                   FAILED or UNSURE
 *   {"command": "resolve",    "id", "job_id", "epoch", ("publish_id"), "outcome": "posted|failed",
 *                             ("post_id", "post_url")}                                   UNSURE
 *   {"command": "pause|resume", "id", ("account")}                                       an account, or the fleet
 *
 * each with ("by", "reason"). `epoch` is that of the attempt acted on, `publish_id` the one that the job has then.
 *
 * Two records, neither of which overwrites the other, so that a worker that slept cannot take a refusal back:
 *   command/<id>           what was commanded, before anything is done about it
 *   command/<id>/refused   the same, with why it was refused */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/memory.h"
#include "io/json.h"
#include "job/store.h"

enum {
    COMMAND_ID_MAX     = 128,
    COMMAND_BY_MAX     = 128,
    COMMAND_REASON_MAX = 512,
    COMMAND_TEXT_MAX   = 512
};

enum command_what {
    COMMAND_CANCEL,
    COMMAND_RESCHEDULE,
    COMMAND_RETRY,
    COMMAND_RESOLVE,
    COMMAND_PAUSE,
    COMMAND_RESUME,
};

struct command {
    enum command_what what;
    struct str   id;  // 1-128 of A-Za-z0-9._:-, unique for ever; of the policy: command_policy_id
    struct str   job_id;   // "" with pause and resume
    struct str   account;  // pause, resume: open_id or @alias; "" the whole fleet
    struct str   epoch;    // retry, resolve: the attempt's; of a record of a cancel, too
    struct str   state;  // of a record: what the job was in when it was looked at; "" of a message
    struct str   publish_id;     // retry, resolve: "" none
    int64_t      publish_at_ms;  // reschedule
    int64_t      expires_at_ms;  // reschedule; 0: as it was
    bool         posted;         // resolve: it was, else it failed
    struct str   post_id;        // resolve, posted; "" not known
    struct str   post_url;       // resolve, posted; "" not known
    struct str   by;             // who says so; "" not known
    struct str   reason;         // in words; "" none
    struct arena arena;          // owns the texts
};

// where and when its message stands on Kafka, and what came of it
struct command_record {
    struct str source;   // topic-partition@offset
    int64_t    at_ms;    // the message's Kafka time
    struct str refused;  // why; "" it was not
};

const char *command_text(enum command_what what);  // "cancel"
// or resume: of an account or the fleet, not of a job
bool command_is_pause(enum command_what what);

// The id of the retry that the policy (on_unsure) commands for the doubt of that attempt: the same
// whoever makes it, and none that a message may have. id is init here; buf_fini it.
void command_policy_id(struct str job_id, struct str epoch, struct buf *id);
bool command_is_policy(const struct command *command);

// On failure err says what is wrong in words, and command->id and job_id hold what could still be
// read ("" else). command is zeroed before; command_fini in both cases.
bool command_decode(struct str message, int64_t max_bytes, struct command *command,
                    struct error *err) MUST_CHECK;
void command_fini(struct command *command);
// what the script `command` wants to know of it; texts are borrowed. mode: look, do, refused.
void command_args_of(const struct command *command, const char *mode, struct command_args *args);
// key and value are init here, bounded; free both with buf_fini
void command_journal_record(const struct command *command, const struct command_record *record,
                            struct buf *key, struct buf *value);
// a record's value; command and record as with command_decode, record's texts in command's arena
bool command_of_record(const struct json *json, struct command *command,
                       struct command_record *record, struct error *err) MUST_CHECK;
