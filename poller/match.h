// SPDX-License-Identifier: Apache-2.0
/* Whether a listed video is the post of a job in doubt: a pure function of what was listed. A video
 * fits when it was created within an hour after the INTENT, is no photo post, is not known as
 * another job's, and its description is the caption as far as TikTok shows it (150 UTF-16 units).
 * Only exactly one that fits, with the whole hour seen, is evidence; absence never is. TikTok's
 * clock may be ahead a little; a video from before the INTENT never fits. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tiktok/list.h"

enum { MATCH_HOUR_MS = 3600000, MATCH_AHEAD_MS = 30000 };

struct match_job {
    struct str caption;    // whole; never ""
    struct str known_ids;  // posts of other jobs of the account, by spaces
    int64_t    sent_ms;    // the INTENT, Redis TIME
};

struct match {
    size_t              seen;     // videos listed
    size_t              in_hour;  // of them, in the hour after the INTENT
    size_t              fits;     // of them, those that fit
    struct tiktok_video video;    // the first that fits
    bool                reached;  // a page ended before the INTENT: the whole hour was seen
};

// one page after the other, the newest first; match is zeroed before the first
void match_page(struct match *match, const struct match_job *job, const struct tiktok_page *page);
bool match_caption(struct str caption, struct str description);
