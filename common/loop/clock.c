// SPDX-License-Identifier: Apache-2.0
#include "loop/clock.h"

#include <stdio.h>
#include <time.h>

static int64_t read_us(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t clock_monotonic_ms(void)
{
    return read_us(CLOCK_MONOTONIC) / 1000;
}

int64_t clock_monotonic_us(void)
{
    return read_us(CLOCK_MONOTONIC);
}

int64_t clock_wall_ms(void)
{
    return read_us(CLOCK_REALTIME) / 1000;
}

void clock_format(int64_t wall_ms, char out[CLOCK_TEXT_BYTES])
{
    time_t    seconds = (time_t)(wall_ms / 1000);
    struct tm t;
    gmtime_r(&seconds, &t);
    size_t len = strftime(out, CLOCK_TEXT_BYTES, "%Y-%m-%dT%H:%M:%S", &t);
    snprintf(out + len, CLOCK_TEXT_BYTES - len, ".%03dZ", (int)(wall_ms % 1000));
}
