// SPDX-License-Identifier: Apache-2.0
/* Settings are rows: a row drives the environment variable, --help, --settings, the range check and
 * the reference. Name "limit.in_flight" is the variable TOKFLEET_LIMIT_IN_FLIGHT; a secret X may
 * come from the file named by X_FILE. Values live in one struct of the program's choice; text
 * fields are `char *`, owned by the struct (setting_free_all). An unknown TOKFLEET_* variable or a
 * bad value is an error that names variable, value and what is allowed; Kubernetes' service links
 * (TOKFLEET_..._SERVICE_..., TOKFLEET_...PORT...) are ignored. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"

enum setting_kind {
    SET_TEXT,    // char *; lowest and highest bound its length
    SET_COUNT,   // int64_t
    SET_MS,      // int64_t milliseconds; "10s", "5m", "24h", "7d" are taken, too
    SET_BYTES,   // int64_t bytes; "64KiB", "16MiB" are taken, too
    SET_BOOL,    // bool: true, false, yes, no, 1, 0, on, off
    SET_CHOICE,  // char *: one of the words in `choices`, separated by '|'
};

struct setting {
    const char       *name;    // dotted
    enum setting_kind kind;    // how it is written
    size_t            offset;  // of the field in the struct of values
    const char *default_text;  // as a person would write it; NULL: no default, but not required
    int64_t     lowest;        // inclusive
    int64_t     highest;       // inclusive
    bool        secret;        // never printed; may come from X_FILE
    const char *choices;       // SET_CHOICE only
    const char *help;          // one line, says the unit where it is not plain
};

// Reads every row from the environment (as `environ`) into values, defaults first. First error
// stops it.
bool setting_read_all(const struct setting *rows, size_t count, char *const *environment,
                      void *values, struct error *err) MUST_CHECK;
// One value, from a flag or a test; origin is said by --settings.
bool setting_set(const struct setting *row, const char *text, void *values,
                 struct error *err) MUST_CHECK;
void setting_free_all(const struct setting *rows, size_t count, void *values);  // wipes secrets

// "TOKFLEET_LIMIT_IN_FLIGHT"
void setting_variable(const struct setting *row, char *out, size_t out_bytes);
void setting_print_help(const struct setting *rows, size_t count, FILE *out);  // for --help
void setting_print_values(const struct setting *rows, size_t count, char *const *environment,
                          const void *values,
                          FILE       *out);  // for --settings, with origins
// a Markdown table
void setting_print_reference(const struct setting *rows, size_t count, FILE *out);
