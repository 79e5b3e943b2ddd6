// SPDX-License-Identifier: Apache-2.0
/* The messages of a file, or of standard input, one after the other and twice: lines of JSON, or a
 * table (CSV) with commas, semicolons or tabs as a spreadsheet writes it, with or without a byte
 * order mark, also after "sep=;". Bounded: one message at a time. */
#pragma once

#include <stdint.h>

#include "base/error.h"
#include "base/text.h"

enum feed_format { FEED_AUTO, FEED_NDJSON, FEED_CSV };

enum feed_found {
    FEED_MESSAGE,
    FEED_BAD,  // this one is no message: err says why, and the next may be good
    FEED_END,
    FEED_FAILED,  // the file cannot be read any further: err says why
};

struct feed;

// path "-" is standard input; utc_offset: for times in tables that have none, or NULL
struct feed *feed_open(const char *path, enum feed_format format, const char *utc_offset,
                       size_t message_max_bytes, struct error *err) MUST_CHECK;
// message lives until the next one
enum feed_found feed_next(struct feed *feed, struct str *message, struct error *err);
uint64_t        feed_line(const struct feed *feed);  // on which the message begins, from 1
bool            feed_is_table(const struct feed *feed);
// adds the place in the line to what is wrong with the last message, as far as it is known
void feed_blame(const struct feed *feed, struct error *err);
void feed_rewind(struct feed *feed);
void feed_free(struct feed *feed);
