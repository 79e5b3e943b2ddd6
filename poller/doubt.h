// SPDX-License-Identifier: Apache-2.0
/* TikTok's answer that only the journal has. A worker writes it to the journal and to Redis at the same time, and may come
 * no further than the journal: killed between the two, or cut off from Redis. The job is UNSURE then, and nobody tells it.
 *
 *   doubts whose hold is over? ──► read the journal, of these jobs only ──► each INITED of that attempt: result
 *     ──► they were looked for
 *
 * Once for each attempt, and before the policy on_unsure does anything about it (the script `policy`). */
#pragma once

#include "job/program.h"

struct doubt;

struct doubt *doubt_new(struct program *program);
void          doubt_drain(struct doubt *doubt);
void          doubt_free(struct doubt *doubt);
