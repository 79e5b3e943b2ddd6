// SPDX-License-Identifier: Apache-2.0
/* What api.c asks of answer.c: reading TikTok's bodies into a struct tiktok_answer. */
#pragma once

#include <stdbool.h>

#include "base/text.h"
#include "io/json.h"
#include "tiktok/api.h"

// twenty videos with all their fields, which a server may send unasked, fit in four times
enum { ANSWER_MAX_BYTES = 256 * 1024, ANSWER_MAX_DEPTH = 16 };

// NULL: not understood. Half a surrogate pair, which is what a server makes of a text that it cuts
// by UTF-16 units, is read as U+FFFD.
struct json *answer_parse(struct str body);
// Everything is absent again; `http` and took_us stay as they are. The outcome is broken_answer
// until it is known.
void answer_clear(struct tiktok_answer *answer);
// One line of text that may be cut, never inside a character: for people.
void answer_copy_cut(char *out, size_t out_bytes, struct str text);
// A text that is of use only as a whole: absent when it is too long, or anything but printable
// ASCII.
void answer_copy_whole(char *out, size_t out_bytes, struct str text);
// How many, as TikTok counts; -1: not told.
int64_t answer_count(const struct json *object, const char *key);
