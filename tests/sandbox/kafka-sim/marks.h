/* SPDX-License-Identifier: Apache-2.0
 *
 * An ordinary client that asks for watermarks. It sends one Metadata request (all topics) and
 * one ListOffsets request a broker for the low marks, another for the high ones, so it takes
 * errors pushed for ListOffsets like any other client. One caller at a time. */
#ifndef MARKS_H
#define MARKS_H

#include "sim_error.h"

#include <stddef.h>
#include <stdint.h>

enum { MARK_UNKNOWN = -1 };

struct mark {
    char    topic[256];  // its name
    int32_t partition;   // from 0
    int64_t low;         // first offset kept; MARK_UNKNOWN without a leader
    int64_t high;        // next offset to be written; MARK_UNKNOWN without a leader or if not asked
};

struct mark_list {
    struct mark *at;     // owned, sorted by topic and partition
    size_t       count;  // all partitions of all topics
};

struct marks;

MUST_CHECK bool marks_new(struct marks **out, const char *bootstraps, struct sim_error *err);

/* Waits for at most `wait_ms` in all. On success the caller owns the list. */
MUST_CHECK bool marks_read(struct marks *marks, bool with_high, int wait_ms, struct mark_list *out,
                           struct sim_error *err);

void mark_list_fini(struct mark_list *list);
void marks_free(struct marks *marks);

#endif
