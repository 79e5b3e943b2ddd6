// SPDX-License-Identifier: Apache-2.0
/* Jobs for the tests of the decoder: messages in pieces, and what is to become of them. */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"

#include "base/memory.h"
#include "job/job.h"

#define WHO "\"job_id\":\"j-1\",\"account\":\"@brand.de\""
#define CLIP "\"media\":[{\"url\":\"https://cdn.example.com/clip.mp4\"}]"
#define PICTURE "\"media\":[{\"url\":\"https://cdn.example.com/a.jpg\"}]"
#define VIDEO_JOB(more) "{" WHO "," CLIP more "}"
#define PHOTO_JOB(more) "{" WHO "," PICTURE more "}"
#define SETTINGS(members) ",\"settings\":{" members "}"

static const struct job_rules rules = { .message_max_bytes = 256 * 1024,
                                        .privacy_default   = "PUBLIC_TO_EVERYONE" };

static inline struct job taken_by(struct str message, const struct job_rules *by)
{
    struct job   job;
    struct error err;
    if (!job_decode(message, by, &job, &err))
        fail_msg("%.*s: %s", (int)(message.len < 300 ? message.len : 300), message.p, err.message);
    return job;
}

static inline struct job taken(const char *message)
{
    return taken_by(str_of(message), &rules);
}

static inline void assert_taken(const char *message, const char *warnings)
{
    struct job job = taken(message);
    assert_string_equal(buf_text(&job.warnings), warnings);
    job_fini(&job);
}

// Refused with these words; what could be read of id and account is there.
static inline void assert_refused_as(struct str message, const struct job_rules *by,
                                     const char *why, const char *id, const char *account)
{
    struct job   job;
    struct error err = { 0 };
    if (job_decode(message, by, &job, &err))
        fail_msg("taken: %.*s", STR_ARG(message));
    assert_int_equal(err.code, ERR_INPUT);
    if (!strstr(err.message, why))
        fail_msg("\"%s\" does not say \"%s\"", err.message, why);
    assert_str(job.id, id);
    assert_str(job.account, account);
    job_fini(&job);
}

static inline void assert_refused(const char *message, const char *why)
{
    assert_refused_as(str_of(message), &rules, why, "j-1", "@brand.de");
}
