// SPDX-License-Identifier: Apache-2.0
/* What an account lets others do with its posts now (creator_info/query): to be asked before a
 * direct post. It is of no use for drafts, and needs the scope video.publish. Every field is
 * optional for TikTok: absent is "", false or -1. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "tiktok/api.h"

enum { TIKTOK_OPTIONS_BYTES = 256 };

struct tiktok_creator {
    struct tiktok_answer
         answer;         // outcome, code, log_id; HTTP 200 may say that it may not post now
    char username[72];   // the @handle, without @
    char nickname[256];  // for people, cut
    char
        privacy_options[TIKTOK_OPTIONS_BYTES];  // names, by commas, in TikTok's order; "": not told
    bool    comment_disabled;
    bool    duet_disabled;
    bool    stitch_disabled;
    int64_t max_duration_s;  // of a video
};

void tiktok_creator_info(struct tiktok *tiktok, struct str token, struct tiktok_creator *creator,
                         struct call *call, call_done *done);
// The fields of a body whose envelope is a success (also for fuzzers). A list of privacy options
// that cannot be understood as a whole is "not told": nobody is refused by half of it.
void tiktok_creator_decode(struct str body, struct tiktok_creator *creator);
