// SPDX-License-Identifier: Apache-2.0
/* The log: one line an event on standard output (services) or standard error (tools), JSON, or logfmt on a terminal.
 * Never blocks: a line goes to a bounded buffer, and from there as far as poll() says that the reader takes it;
 * lines that do not fit are counted and the count is logged when there is room again. Never a token, never a body.
 *
 *     log_info("job moved", F_STR("job", id), F_INT("attempt", 2));
 *
 * Error: a person must act. Warn: we coped. Info: a job moved, or the process did. Debug: the rest. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

struct log_field {
    const char *key;        // NULL ends the list
    struct str  text;       // when !is_number
    int64_t     number;     // when is_number
    bool        is_number;  // which of the two
};

// clang-format off
#define F_STR(k, v)  { .key = (k), .text = str_of(v) }
#define F_STRN(k, v) { .key = (k), .text = (v) }
#define F_INT(k, v)  { .key = (k), .number = (int64_t)(v), .is_number = true }

#define log_at(level, event, ...)                                                                  \
    log_write((level), (event), (const struct log_field[]){ __VA_ARGS__ __VA_OPT__(,) { 0 } })
// clang-format on
#define log_error(...) log_at(LOG_ERROR, __VA_ARGS__)
#define log_warn(...) log_at(LOG_WARN, __VA_ARGS__)
#define log_info(...) log_at(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_at(LOG_DEBUG, __VA_ARGS__)

// fd is borrowed for ever; program is a literal. JSON unless fd is a terminal. Until called:
// LOG_INFO on standard error.
void log_open(int fd, const char *program, enum log_level level);
bool log_level_parse(struct str      text,
                     enum log_level *level) MUST_CHECK;  // error, warn, info, debug
void log_set_buffer_bytes(size_t bytes);                 // bound of what waits for the reader

// event in words, fields up to one with a NULL key; the fields are borrowed for the call
void log_write(enum log_level level, const char *event, const struct log_field *fields);

// something waits for the reader: call log_flush() soon (a loop timer does)
bool     log_pending(void);
void     log_flush(void);            // writes what the reader takes now, never waits
void     log_drain(int timeout_ms);  // at the end of a program: waits so long at most
uint64_t log_lost(void);             // lines dropped so far
