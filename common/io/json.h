// SPDX-License-Identifier: Apache-2.0
/* JSON (cJSON): depth and size are bounded before parsing, bytes are checked to be UTF-8, and
 * duplicate keys are an error. Whole numbers of more than 15 digits come as text, since a double
 * would round them (TikTok's post ids have 19). A tree never outlives the function that parsed it:
 * decode at the edge. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/text.h"

struct json;

// read; all `get` functions take NULL as an absent value. A struct str lives as long as the tree.
struct json *json_parse(struct str text, size_t max_bytes, int max_depth,
                        struct error *err) MUST_CHECK;
void         json_free(struct json *json);
void json_wipe(struct json *json);  // overwrites its texts before: for a tree that holds secrets
// NULL: absent, or not an object
const struct json *json_get(const struct json *object, const char *key);
// of arrays; also i-th member of an object
const struct json *json_at(const struct json *array, size_t i);
// the one after it; NULL: it was the last
const struct json *json_next(const struct json *member);
size_t             json_count(const struct json *json);  // members of an object or array, else 0
const char        *json_key(const struct json *member);  // its name inside its object, or NULL
bool               json_is_object(const struct json *json);
bool               json_is_array(const struct json *json);
bool               json_is_null(const struct json *json);
bool               json_is_text(const struct json *json);
bool               json_is_bool(const struct json *json);
bool               json_is_number(const struct json *json);
struct str         json_text(const struct json *json);  // empty when it is not text
bool               json_bool(const struct json *json, bool otherwise);
// whole number, or text of digits (see above)
bool        json_i64(const struct json *json, int64_t *number) MUST_CHECK;
const char *json_kind(const struct json *json);  // "text", "number", ... for messages

// write; values are copied, `json_set` and `json_add` take the child
struct json *json_object(void);
struct json *json_array(void);
void         json_set(struct json *object, const char *key, struct json **child);
// invalid UTF-8 is replaced
void json_set_text(struct json *object, const char *key, struct str text);
// up to 2^53; beyond: as text
void json_set_i64(struct json *object, const char *key, int64_t number);
void json_set_bool(struct json *object, const char *key, bool value);
void json_set_null(struct json *object, const char *key);
void json_set_text_or_null(struct json *object, const char *key, struct str text);  // null for ""
// as it stands: checked JSON only
void json_set_raw(struct json *object, const char *key, struct str json_text);
void json_add(struct json *array, struct json **child);
void json_add_text(struct json *array, struct str text);
// one line; out->full when it does not fit
void json_print(const struct json *json, struct buf *out);
// the same for a part of a parsed tree
void json_print_value(const struct json *json, struct buf *out);
