// SPDX-License-Identifier: Apache-2.0
#include "producer/status/rates.h"

#include <string.h>

void rates_add(struct rates *rates, const struct status *status)
{
    struct rates_sample sample = { .at_ms = status->now_ms };
    for (enum job_state state = JOB_QUEUED; state < JOB_STATE_COUNT; state++)
        sample.jobs += status->count[state];
    memcpy(sample.today, status->today, sizeof sample.today);
    rates->samples[rates->next] = sample;
    rates->next                 = (rates->next + 1) % RATES_SAMPLES;
    if (rates->count < RATES_SAMPLES)
        rates->count++;
}

// counters begin anew at midnight (UTC), and with another Redis
static double rate_of(int64_t before, int64_t now, int64_t over_ms)
{
    int64_t more = now >= before ? now - before : now;
    return (double)more * 60000 / (double)over_ms;
}

void rates_tell(const struct rates *rates, struct rates_told *told)
{
    memset(told, 0, sizeof *told);
    if (rates->count < 2)
        return;
    const struct rates_sample *last =
        &rates->samples[(rates->next + RATES_SAMPLES - 1) % RATES_SAMPLES];
    const struct rates_sample *from = last;
    for (size_t i = 2; i <= rates->count; i++) {
        const struct rates_sample *older =
            &rates->samples[(rates->next + RATES_SAMPLES - i) % RATES_SAMPLES];
        if (last->at_ms - older->at_ms > RATES_WINDOW_MS || older->at_ms > from->at_ms)
            break;
        from = older;
    }
    int64_t over_ms = last->at_ms - from->at_ms;
    if (over_ms < RATES_LEAST_MS)
        return;
    told->over_ms = over_ms;
    told->came    = rate_of(from->jobs, last->jobs, over_ms);
    for (enum job_state state = JOB_QUEUED; state < JOB_STATE_COUNT; state++)
        told->ended[state] = rate_of(from->today[state], last->today[state], over_ms);
}
