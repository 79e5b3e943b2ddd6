/* SPDX-License-Identifier: Apache-2.0
 *
 * Why something failed, in words, in place: no allocation, written only on failure. */
#ifndef SIM_ERROR_H
#define SIM_ERROR_H

#include <stdbool.h>

#define MUST_CHECK __attribute__((warn_unused_result))

struct sim_error {
    char text[512];  // one line, no newline
};

/* Writes the message and returns false, so that failing is one line. `err` may be NULL. */
bool sim_error_set(struct sim_error *err, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
