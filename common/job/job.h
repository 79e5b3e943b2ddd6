// SPDX-License-Identifier: Apache-2.0
/* A job as an upstream puts it on Kafka (producer/JOBS.md), decoded. Everything it points to lives
 * in its arena. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/memory.h"
#include "io/seal.h"
#include "tiktok/post.h"

enum on_unsure { UNSURE_HOLD, UNSURE_RETRY, UNSURE_FAIL };
enum transfer { TRANSFER_AUTO, TRANSFER_PULL, TRANSFER_UPLOAD };

enum {
    JOB_ID_MAX             = 128,
    ACCOUNT_TEXT_MAX       = 128,
    METADATA_MAX_BYTES     = 4096,
    JOB_WARNINGS_MAX_BYTES = 1024
};
enum { JOB_DEPTH_MAX = 16 };   // of the JSON, the message itself being 1
enum { JOB_HASH_BYTES = 33 };  // 128 bits in hex and its NUL

struct job_rules {
    int64_t message_max_bytes;  // job.max_bytes
    const char
        *privacy_default;  // job.privacy_default; "" makes privacy_level required for DIRECT_POST
};

struct job {
    struct str     id;       // 1-128 of A-Za-z0-9._:-
    struct str     account;  // open_id or @alias, as the upstream wrote it
    struct post    post;
    enum transfer  transfer;
    int64_t        publish_at_ms;  // since 1970; 0: at once
    int64_t        expires_at_ms;  // since 1970; 0: never
    int64_t        priority;       // 0-9, 9 first
    enum on_unsure on_unsure;
    struct str     metadata;  // JSON as it stood, canonical; "" when absent
    char           hash
        [JOB_HASH_BYTES];  // of the decoded fields in a fixed order, metadata apart: "the same content"
    struct buf   warnings;  // one line each: unknown fields, fields that TikTok would drop
    struct arena arena;     // owns the texts
};

// What a message is, before it is decoded as a whole: a command has "command" in it.
enum message_kind { MESSAGE_JOB, MESSAGE_COMMAND, MESSAGE_GARBAGE };
enum message_kind message_kind_of(struct str message, int64_t max_bytes);

// On failure err says what is wrong in words for the upstream (field, value, what is allowed), and
// job->id and job->account hold what could still be read ("" else), so that the rejection can be
// shown under its id. job is zeroed before; job_fini in both cases.
bool job_decode(struct str message, const struct job_rules *rules, struct job *job,
                struct error *err) MUST_CHECK;
void job_fini(struct job *job);

bool job_id_valid(struct str id);
// RFC 3339 with an offset or Z, seconds optional fraction; to ms since 1970
bool time_parse(struct str text, int64_t *ms, struct error *err) MUST_CHECK;
