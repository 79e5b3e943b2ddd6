// SPDX-License-Identifier: Apache-2.0
/* Flags of a verb are rows, read with getopt_long into a struct of the verb's choice (zeroed
 * before; texts are borrowed from argv). Times are seconds, or 30s, 5m, 2h, 7d. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"

enum flag_kind {
    FLAG_YES,    // bool, takes no argument
    FLAG_TEXT,   // const char *
    FLAG_TEXTS,  // struct flag_texts: may be given again and again
    FLAG_COUNT,  // int64_t
    FLAG_MS,     // int64_t milliseconds
};

enum { FLAG_TEXTS_MAX = 64 };

struct flag_texts {
    const char *texts[FLAG_TEXTS_MAX];
    size_t      count;
};

struct flag {
    const char    *name;  // without the two dashes
    enum flag_kind kind;
    const char    *argument;      // its name in the help; NULL for FLAG_YES
    size_t         offset;        // of the field
    const char    *default_text;  // FLAG_COUNT, FLAG_MS: as a person would write it; NULL: 0
    int64_t        lowest;        // FLAG_COUNT, FLAG_MS
    int64_t        highest;
    const char    *help;
    const char    *choices;  // FLAG_TEXT, FLAG_TEXTS: "A|B|C", nothing else is taken; NULL: any
};

// what every verb takes besides its own
struct flags_common {
    bool help;
    bool verbose;
};

// argv[0] is skipped and the rest is put in order: flags, then operands, of which there are
// *operand_count from
// argv[*operands] on. An open_id may begin with a dash, so one dash makes no flag, but for -h;
// `--` ends the flags.
bool flags_read(const struct flag *rows, size_t count, int argc, char **argv, void *options,
                struct flags_common *common, int *operands, int *operand_count,
                struct error *err) MUST_CHECK;
// every row as a person types it, "--name ARGUMENT", with its help; those that every verb takes,
// too
typedef void flags_told(void *owner, const char *typed, const char *help);
void         flags_tell(const struct flag *rows, size_t count, flags_told *told, void *owner);
void         flags_print_help(const struct flag *rows, size_t count, FILE *file);
// words in lines of at most 79 columns; the first begins at `column`, the others at `indent`
void flags_print_wrapped(const char *text, int column, int indent, FILE *file);
// 90 -> 90 s; 250ms, 30s, 5m, 2h, 7d
bool flags_parse_ms(const char *text, int64_t *ms) MUST_CHECK;
