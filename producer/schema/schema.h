// SPDX-License-Identifier: Apache-2.0
/* The JSON Schemas of producer/schema, as the build embeds them: what this very program takes and
 * makes. */
#pragma once

#include <stddef.h>

struct schema {
    const char *name;   // "job"
    const char *title;  // what it is of
    const char *text;   // JSON, ends in a line feed
};

extern const struct schema schemas[];
extern const size_t        schema_count;
