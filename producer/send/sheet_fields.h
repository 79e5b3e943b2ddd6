// SPDX-License-Identifier: Apache-2.0
/* The columns that a table of jobs may have, as rows: their names, where they stand in a message,
 * and how a cell is read. A part of sheet.c. */
#pragma once

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "io/json.h"

enum sheet_place { IN_JOB, IN_SETTINGS, IN_METADATA, IN_MEDIA, IN_MEDIUM };

enum sheet_kind {
    AS_TEXT,
    AS_NUMBER,
    AS_YES,   // true, yes, 1, x
    AS_TIME,  // RFC 3339, or a spreadsheet's
    AS_JSON,
};

struct sheet_field {
    const char      *column;  // its name in the first row
    const char      *field;   // in the message; of IN_MEDIA the type, "" by its URL
    enum sheet_place place;
    enum sheet_kind  kind;
};

// one column of the head; texts are the arena's
struct sheet_column {
    struct str                name;    // as it stands there
    const struct sheet_field *field;   // NULL: nothing may stand in it, or it is a note
    const char               *key;     // IN_METADATA: the name behind the dot
    int64_t                   number;  // IN_MEDIA: of photo_3; 0: none
    bool                      note;    // its name begins with #: not used
};

extern const struct sheet_field sheet_fields[];
extern const size_t             sheet_field_count;

// name is set; false: there is no such field, and err says which one may be meant
bool sheet_column_find(struct sheet_column *column, struct arena *arena,
                       struct error *err) MUST_CHECK;
bool sheet_column_same(const struct sheet_column *a, const struct sheet_column *b);
// whether it is what job_decode() calls "caption", "settings.duet", "media[0].url"
bool sheet_column_is(const struct sheet_column *column, struct str path);
// a cell that is not empty, put under the field's name; false: it is nothing of that kind
bool sheet_set(struct json *object, const struct sheet_field *field, struct str cell,
               const char *utc_offset, struct error *err) MUST_CHECK;
