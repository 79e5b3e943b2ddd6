// SPDX-License-Identifier: Apache-2.0
/* How fast jobs come and end: from what status shows, again and again, over the last minute of
 * looking. Pure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "producer/status/status.h"

enum { RATES_SAMPLES = 128, RATES_WINDOW_MS = 60000, RATES_LEAST_MS = 3000 };

struct rates_sample {
    int64_t at_ms;                   // Redis' time
    int64_t jobs;                    // that ever came
    int64_t today[JOB_STATE_COUNT];  // ends of the UTC day
};

struct rates {
    struct rates_sample samples[RATES_SAMPLES];  // a ring
    size_t              count;
    size_t              next;
};

struct rates_told {
    int64_t over_ms;  // of looking; 0: not long enough to tell
    double  came;     // a minute
    double  ended[JOB_STATE_COUNT];
};

void rates_add(struct rates *rates, const struct status *status);
void rates_tell(const struct rates *rates, struct rates_told *told);
