// SPDX-License-Identifier: Apache-2.0
/* A line of a job's timeline (log:<id> in Redis): time, attempt's epoch, from, event, to, by,
 * why, separated by tabs. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"
#include "io/json.h"
#include "producer/tool/out.h"

struct timeline_line {
    int64_t    at_ms;
    struct str epoch;  // of the attempt; "" before the first
    struct str from;
    struct str event;
    struct str to;
    struct str by;   // the program
    struct str why;  // a code; "" mostly
};

bool timeline_parse(struct str text, struct timeline_line *line) MUST_CHECK;  // borrows text
// before_ms: the line before it, 0 for none
void         timeline_print(const struct timeline_line *line, int64_t before_ms, struct out *out);
struct json *timeline_json(const struct timeline_line *line);
