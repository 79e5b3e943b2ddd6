// SPDX-License-Identifier: Apache-2.0
/* Where the journal ends, remembered in Redis, so that a gate need not read it from the beginning.
 *
 *     relay ── where its records came to stand ──► mark ── gate_ends, each lease and gate.tail ──► the hash `gate`
 *
 * What is remembered is a lower bound, from the records that this poller wrote. A gate begins at what was remembered a
 * lease and gate.tail before the newest mark that its Redis holds (the script `gate_ends`): whatever stands before that
 * in the journal has come to Redis, or can never be sent any more. */
#pragma once

#include "io/kafka_read.h"
#include "job/program.h"

struct mark;

struct mark *mark_new(struct program *program);
// a record of the journal is there
void mark_saw(struct mark *mark, const struct kafka_place *place);
void mark_drain(struct mark *mark);
void mark_free(struct mark *mark);

// "partition:offset" by spaces; text is init here, buf_fini it. False: it is not such a text (none
// at all is not), or has more than max.
void mark_text(const struct kafka_offset *ends, size_t count, struct buf *text);
bool mark_parse(struct str text, struct kafka_offset *ends, size_t max, size_t *count) MUST_CHECK;
