// SPDX-License-Identifier: Apache-2.0
#include "base.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void *xcalloc(size_t count, size_t size)
{
    void *p = calloc(count ? count : 1, size ? size : 1);
    if (!p)
        abort();
    return p;
}

void *xrealloc(void *p, size_t size)
{
    void *q = realloc(p, size ? size : 1);
    if (!q)
        abort();
    return q;
}

char *xstrdup(const char *s)
{
    if (!s)
        return NULL;
    size_t len = strlen(s) + 1;
    char  *p   = xcalloc(1, len);
    memcpy(p, s, len);
    return p;
}

static int64_t read_ms(clockid_t id)
{
    struct timespec ts;
    clock_gettime(id, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t clock_now_ms(void)
{
    static int64_t wall_at_zero_ms;  // 0 until the first call
    if (!wall_at_zero_ms)
        wall_at_zero_ms = read_ms(CLOCK_REALTIME) - read_ms(CLOCK_MONOTONIC);
    return wall_at_zero_ms + read_ms(CLOCK_MONOTONIC);
}

void text_copy(char *to, size_t size, const char *s)
{
    size_t len = strlen(s);
    if (len >= size)
        len = size - 1;
    memcpy(to, s, len);
    to[len] = '\0';
}
