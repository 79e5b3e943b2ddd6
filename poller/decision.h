// SPDX-License-Identifier: Apache-2.0
/* What a look at a publish id means for the job: a pure function of TikTok's answer and of how long
 * it has gone on. */
#pragma once

#include <stdint.h>

#include "job/config.h"
#include "job/state.h"
#include "tiktok/api.h"

struct looked {
    enum job_state
            state;  // PROCESSING, IN_INBOX or PUBLISHED: what the job was when the look was claimed
    int64_t age_ms;      // since TikTok accepted it
    int64_t looks;       // looks so far, since the last change of state
    int64_t retries;     // of the job, so far
    bool    is_private;  // SELF_ONLY: no public id will ever come
};

struct decision {
    bool                  ends;          // an arrow: event is it
    enum job_event        event;         // COMPLETE, INBOX, FAIL, AGAIN, HORIZON
    const struct outcome *outcome;       // why, of FAIL, AGAIN, HORIZON; else NULL
    int64_t               next_ms;       // next look; -1: none
    int64_t               due_ms;        // AGAIN: wait before the new attempt
    int64_t               retries;       // AGAIN: of the job, from now on
    const char           *account_then;  // "", "window", "day", "park", "refresh"
    int  answered;  // of the status window: 1 it came · 0 surely not · -1 nobody knows
    bool gave_up;   // worth a retry, but the bound is reached
};

struct decision decide(const struct tiktok_answer *answer, const struct looked *looked,
                       const struct config *config);
