// SPDX-License-Identifier: Apache-2.0
/* A moment as people type it: in RFC 3339, or so long from now. Pure. */
#pragma once

#include <stdint.h>

#include "base/error.h"
#include "io/json.h"

// "15m" ago, or RFC 3339
bool moment_since(const char *text, int64_t now_ms, int64_t *since_ms,
                  struct error *err) MUST_CHECK;
// The field of a message: RFC 3339 as it stands, or "+30m" from now written as RFC 3339; nothing
// when text is NULL. flag: what the text was given with.
bool moment_set(struct json *object, const char *key, const char *flag, const char *text,
                int64_t now_ms, struct error *err) MUST_CHECK;
