// SPDX-License-Identifier: Apache-2.0
/* RESP: commands to bytes, bytes to answers (hiredis). Owned by io/redis.c. An answer is built in
 * an arena of the codec, which is handed over whole: nothing is copied twice. */
#pragma once

#include <stddef.h>

#include "base/text.h"
#include "io/redis.h"

struct codec;

enum codec_found { CODEC_ANSWER, CODEC_MORE, CODEC_BROKEN };

struct codec    *codec_new(int64_t answer_max_bytes);
void             codec_reset(struct codec *codec);  // for a new connection
void             codec_feed(struct codec *codec, struct str bytes);
enum codec_found codec_next(struct codec *codec);  // CODEC_BROKEN: for good, until codec_reset
const char      *codec_error(const struct codec *codec);  // after CODEC_BROKEN
const struct answer      *
codec_answer(const struct codec *codec);  // after CODEC_ANSWER, until codec_take or _next
void codec_take(struct codec *codec, struct redis_reply *reply);  // the answer and its memory
void codec_free(struct codec *codec);

// one command, or only its words without the count in front; owned by the caller, who gives it to
// codec_command_free
struct str codec_command(const struct str *argv, size_t argc);
struct str codec_words(const struct str *argv, size_t argc);
void       codec_command_free(struct str command);
