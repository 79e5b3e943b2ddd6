// SPDX-License-Identifier: Apache-2.0
/* base: memory that never fails, and the one clock. The clock is the wall clock read once at the
 * first call and then carried on by the monotonic clock, so that windows never jump. */
#ifndef SIM_BASE_H
#define SIM_BASE_H

#include <stddef.h>
#include <stdint.h>

#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))

void *xcalloc(size_t count, size_t size);  // zeroed; aborts when there is no memory
void *xrealloc(void *p, size_t size);      // aborts when there is no memory
char *xstrdup(const char *s);              // NULL gives NULL

int64_t clock_now_ms(void);

// Copies as much of s as fits, always terminated.
void text_copy(char *to, size_t size, const char *s);

#endif
