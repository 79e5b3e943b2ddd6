// SPDX-License-Identifier: Apache-2.0
#include "chance.h"

#include <stdio.h>

uint64_t chance_next(struct chance *chance)
{
    uint64_t z = (chance->state += UINT64_C(0x9E3779B97F4A7C15));
    z          = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z          = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

int64_t chance_between(struct chance *chance, int64_t min, int64_t max)
{
    if (max <= min)
        return min;
    return min + (int64_t)(chance_next(chance) % (uint64_t)(max - min + 1));
}

double chance_fraction(struct chance *chance)
{
    return (double)(chance_next(chance) >> 11) / (double)(UINT64_C(1) << 53);
}

void chance_text(struct chance *chance, char *to, size_t len)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    for (size_t i = 0; i < len; i++)
        to[i] = alphabet[chance_next(chance) % (sizeof alphabet - 1)];
    to[len] = '\0';
}

static bool read_number(const char **at, int64_t *value)
{
    const char *p = *at;
    *value        = 0;
    if (*p < '0' || *p > '9')
        return false;
    for (; *p >= '0' && *p <= '9'; p++) {
        if (*value > INT64_C(1000000000000))
            return false;
        *value = *value * 10 + (*p - '0');
    }
    *at = p;
    return true;
}

static bool read_span(const char **at, struct span *span)
{
    span->weight = 1;
    if (!read_number(at, &span->min_ms))
        return false;
    if (**at == ':') {
        span->weight = span->min_ms;
        ++*at;
        if (!read_number(at, &span->min_ms))
            return false;
    }
    span->max_ms = span->min_ms;
    if (**at == '-') {
        ++*at;
        if (!read_number(at, &span->max_ms))
            return false;
    }
    return span->max_ms >= span->min_ms && span->weight > 0;
}

bool spans_parse(struct spans *spans, const char *text)
{
    *spans = (struct spans){ 0 };
    for (const char *p = text;; p++) {
        if (spans->count == SPANS_MAX || !read_span(&p, &spans->span[spans->count]))
            return false;
        spans->total_weight += spans->span[spans->count++].weight;
        if (!*p)
            return true;
        if (*p != ',')
            return false;
    }
}

int64_t spans_pick(const struct spans *spans, struct chance *chance)
{
    int64_t at = chance_between(chance, 0, spans->total_weight - 1);
    int     i  = 0;
    while (i < spans->count - 1 && at >= spans->span[i].weight)
        at -= spans->span[i++].weight;
    return chance_between(chance, spans->span[i].min_ms, spans->span[i].max_ms);
}
