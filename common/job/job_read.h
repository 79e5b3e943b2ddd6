// SPDX-License-Identifier: Apache-2.0
/* How the parts of the decoder (job.c, job_media.c, job_settings.c) read a field of a message and
 * say what is wrong with it: the field, its value (cut), what is allowed. JSON null counts as
 * absent. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "io/json.h"
#include "job/job.h"

enum { FIELD_NAME_BYTES = 64 };

struct field {
    const struct json *value;                   // borrowed from the tree; NULL when absent
    char               name[FIELD_NAME_BYTES];  // "settings.duet", for messages
};

struct field field_of(const struct json *object, const char *prefix, const char *key);
bool field_bad(const struct field *field, const char *allowed, struct error *err);  // always false

// Each leaves *out alone when the field is absent; false and err when it is not what is allowed.
bool field_text(const struct field *field, struct arena *arena, struct str *out,
                struct error *err) MUST_CHECK;
bool field_bool(const struct field *field, bool *out, struct error *err) MUST_CHECK;
bool field_i64(const struct field *field, int64_t lowest, int64_t highest, int64_t *out,
               struct error *err) MUST_CHECK;
bool field_time(const struct field *field, int64_t *ms, struct error *err) MUST_CHECK;
// choices: words separated by '|'; *out is the index of the one that is meant
bool field_choice(const struct field *field, const char *choices, int *out,
                  struct error *err) MUST_CHECK;

// A warning for each member of object that is not among the words of `known`, separated by '|'.
void warn_unknown(struct job *job, const struct json *object, const char *prefix,
                  const char *known);

// the parts
bool job_read_media(struct job *job, const struct json *root, struct error *err) MUST_CHECK;
bool job_read_settings(struct job *job, const struct json *root, struct error *err) MUST_CHECK;
