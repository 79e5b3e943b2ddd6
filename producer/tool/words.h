// SPDX-License-Identifier: Apache-2.0
/* Facts in words for people: counts, ages, bytes, states, arrows. Pure. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "job/state.h"
#include "producer/tool/out.h"

void words_count(int64_t number, struct buf *out);                     // 12,345
void words_plural(int64_t number, const char *noun, struct buf *out);  // 1 job, 2 jobs
void words_age(int64_t ms, struct buf *out);                           // 3 s, 12 min, 5 h, 3 d
void words_bytes(int64_t bytes, struct buf *out);                      // 1.4 MiB
void words_time(int64_t wall_ms, int64_t now_ms,
                struct buf *out);  // 2026-12-01 17:30:00Z (3 min ago), (in 2 h)
void words_bar(int64_t part, int64_t whole, int width, struct buf *out);  // [####......]

const char *words_state(enum job_state state);  // "TikTok has it and is working on it"
enum paint  words_paint(enum job_state state);  // PLAIN: neither good nor bad
const char *words_event(enum job_event event);  // "TikTok accepted it"
bool        words_event_parse(struct str text, enum job_event *event) MUST_CHECK;
const char *words_tiktok(struct str status);  // of status/fetch; NULL: not known

// the candidate that was probably meant; NULL when nothing is near
const char *words_nearest(struct str typed, const char *const *candidates, size_t count);
