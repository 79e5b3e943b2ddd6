// SPDX-License-Identifier: Apache-2.0
/* `tokfleet post`: its flags, and the job that they make. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/text.h"
#include "producer/tool/flags.h"

// texts are NULL and numbers -1 when their flag was not given
struct post_options {
    const char       *account;
    struct flag_texts videos;
    struct flag_texts photos;
    const char       *caption;
    const char       *title;
    const char       *privacy;
    bool              draft;
    bool              duet;
    bool              comment;
    bool              stitch;
    bool              ai;
    bool              brand_content;
    bool              brand_organic;
    bool              auto_music;
    int64_t           cover_timestamp_ms;
    int64_t           cover_index;
    const char       *publish_at;
    const char       *expires_at;
    int64_t           priority;
    const char       *on_unsure;
    const char       *transfer;
    const char       *metadata;
    const char       *job_id;
    bool              wait;
    int64_t           timeout_ms;
    bool              dry_run;
    bool              json;
};

// The message as producer/JOBS.md describes it. Refuses what no message can say (no medium,
// metadata that is not JSON, a
// time that is none); everything else is job_decode()'s to judge. out is init by the caller.
bool post_message(const struct post_options *options, const char *job_id, int64_t now_ms,
                  struct buf *out, struct error *err) MUST_CHECK;
