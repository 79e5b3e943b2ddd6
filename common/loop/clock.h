// SPDX-License-Identifier: Apache-2.0
/* The two clocks. Waits and leases are measured with the monotonic one; the wall clock is for
 * people and for TikTok. */
#pragma once

#include <stddef.h>
#include <stdint.h>

int64_t clock_monotonic_ms(void);
int64_t clock_monotonic_us(void);
int64_t clock_wall_ms(void);  // since 1970, UTC

enum { CLOCK_TEXT_BYTES = 32 };
void clock_format(int64_t wall_ms, char out[CLOCK_TEXT_BYTES]);  // 2026-12-01T17:30:00.000Z
