// SPDX-License-Identifier: Apache-2.0
/* What setting.c and setting_print.c share: where a value comes from, and how a row says what it
 * allows. Nobody else includes this. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/setting.h"
#include "base/text.h"

enum { SETTING_VARIABLE_BYTES = 128 };

struct setting_value {
    const char *text;    // SET_TEXT, SET_CHOICE: borrowed from what was parsed
    int64_t     number;  // SET_COUNT, SET_MS, SET_BYTES
    bool        yes;     // SET_BOOL
};

enum setting_origin { FROM_DEFAULT, FROM_VARIABLE, FROM_FILE };

struct setting_source {
    enum setting_origin origin;  // where the text stands
    const char         *text;    // the value as it was written; NULL: none at all
    const char         *path;    // FROM_FILE: the file
    struct buf          file;    // FROM_FILE: what it holds; wiped by setting_source_fini
};

// Finds the text of a row: its variable, its file, or its default. source needs its _fini anyway.
bool setting_source_find(const struct setting *row, char *const *environment,
                         struct setting_source *source, struct error *err) MUST_CHECK;
void setting_source_fini(struct setting_source *source);

bool setting_parse(const struct setting *row, const char *text, struct setting_value *value,
                   struct error *err) MUST_CHECK;

bool setting_is_text(const struct setting *row);  // the field is a `char *`
void setting_number(const struct setting *row, int64_t n,
                    struct buf *out);                              // "10s", "64KiB", "300"
void setting_allowed(const struct setting *row, struct buf *out);  // "from 1 to 100000"
