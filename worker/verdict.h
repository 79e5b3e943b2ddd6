// SPDX-License-Identifier: Apache-2.0
/* What becomes of a job after its init call: a pure function of the outcome and of how often it has
 * been tried. */
#pragma once

#include <stdint.h>

#include "job/config.h"
#include "job/state.h"
#include "tiktok/outcome.h"

struct verdict {
    enum job_event event;  // ACCEPT, NOT_SENT, REFUSE or DOUBT
    int     arrived;  // 1: the call counts in TikTok's windows · 0: surely not · -1: nobody knows
    int64_t due_ms;   // the job itself waits so long; 0: its account decides
    int64_t retries;  // of the job, from now on
    const char *account_then;  // of the script `refuse`
    bool        gave_up;       // worth a retry, but the bound is reached
};

// http_status: of the answer, 0 when there was none
struct verdict verdict_of(const struct outcome *outcome, int http_status, int64_t attempt,
                          int64_t retries, const struct config *config);
// the wait before a new attempt, after so many that were worth one
int64_t verdict_backoff_ms(const struct config *config, int64_t retries);
// what becomes of the account, for the scripts: "", "window", "day", "drafts", "users", "park",
// "refresh"
const char *verdict_account_then(const struct outcome *outcome, const struct config *config);
