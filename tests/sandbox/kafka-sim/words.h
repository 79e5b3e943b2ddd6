/* SPDX-License-Identifier: Apache-2.0
 *
 * A line cut into words, and words read as numbers. Pure. */
#ifndef WORDS_H
#define WORDS_H

#include "sim_error.h"

#include <stddef.h>

enum { WORDS_MAX = 64 };

struct words {
    char  *at[WORDS_MAX];  // borrowed: they point into the line
    size_t count;
};

/* Cuts `line` in place at spaces and tabs. */
MUST_CHECK bool words_cut(struct words *words, char *line, struct sim_error *err);

/* A decimal number within [low, high]; `what` is for the message. */
MUST_CHECK bool words_number(const char *word, long low, long high, const char *what, long *out,
                             struct sim_error *err);

/* Cuts `word` in place at its last colon and returns what follows, or NULL if it has none. */
char *words_after_colon(char *word);

#endif
