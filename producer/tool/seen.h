// SPDX-License-Identifier: Apache-2.0
/* Which job_ids a file has had so far: 128 bits of SHA-256 of each id, 64 of its content, and its
 * line; 32 bytes a job in a table that doubles. Beyond SEEN_MAX jobs (64 MiB) nothing more is
 * remembered: ingest finds such repeats all the same. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

struct seen;

enum { SEEN_MAX = 1000000 };

enum seen_verdict {
    SEEN_FIRST,  // this line is the first with that id
    SEEN_SAME,   // an earlier line has the same id and content
    SEEN_OTHER,  // an earlier line has the same id and other content
    SEEN_FULL,   // not known: the table is full
};

struct seen *seen_new(size_t max);  // jobs remembered at most
// content: hex digits of its hash; *first is the line that had it first. The same line again is
// SEEN_FIRST again.
enum seen_verdict seen_add(struct seen *seen, struct str job_id, const char *content, uint64_t line,
                           uint64_t *first);
void              seen_free(struct seen *seen);
