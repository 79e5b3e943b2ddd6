// SPDX-License-Identifier: Apache-2.0
/* chance: the simulator's only source of randomness (splitmix64), so that a seed repeats a run; and
 * spans, weighted ranges of milliseconds such as "90:500-900,10:5000-9000". */
#ifndef SIM_CHANCE_H
#define SIM_CHANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct chance {
    uint64_t state;
};

struct span {
    int64_t weight;  // relative to the other spans
    int64_t min_ms;  // lowest, inclusive
    int64_t max_ms;  // highest, inclusive
};

#define SPANS_MAX 16

struct spans {
    struct span span[SPANS_MAX];
    int         count;         // of spans in use, at least 1 after spans_parse
    int64_t     total_weight;  // sum of all weights
};

uint64_t chance_next(struct chance *chance);
int64_t  chance_between(struct chance *chance, int64_t min, int64_t max);
double   chance_fraction(struct chance *chance);                // 0 <= x < 1
void chance_text(struct chance *chance, char *to, size_t len);  // len letters and digits and NUL

bool    spans_parse(struct spans *spans, const char *text);  // "MIN-MAX", "N", or weighted list
int64_t spans_pick(const struct spans *spans, struct chance *chance);

#endif
