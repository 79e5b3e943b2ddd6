// SPDX-License-Identifier: Apache-2.0
/* Lines of a file or of standard input, bounded, in one buffer that is wiped at the end (they may
 * hold tokens). What is no plain file is copied to an unlinked one when it has to be read twice.
 * */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/text.h"

struct lines;

enum lines_found { LINES_LINE, LINES_TOO_LONG, LINES_END, LINES_FAILED };

// path "-" is standard input; twice: it will be rewound
struct lines *lines_open(const char *path, size_t line_max_bytes, bool twice,
                         struct error *err) MUST_CHECK;
// the next line without its end and without white space around; empty ones are skipped but
// counted. Lives until the next.
// LINES_TOO_LONG: that line is skipped. LINES_FAILED: err is set.
enum lines_found lines_next(struct lines *lines, struct str *line, struct error *err);
// the same with its end and all white space, empty ones too; the last may have no end
enum lines_found lines_next_raw(struct lines *lines, struct str *line, struct error *err);
uint64_t         lines_number(const struct lines *lines);  // of the line returned last, from 1
int64_t          lines_bytes(const struct lines *lines);   // read so far
void             lines_rewind(struct lines *lines);
void             lines_free(struct lines *lines);
