// SPDX-License-Identifier: Apache-2.0
/* The records of one step of a sweep (sweep.h) on their way to the journal: sweep.at_once at a time, and the step is done
 * when Kafka has confirmed every one. Owned by poller/sweep.c. */
#pragma once

#include "job/program.h"

struct graves;

struct graves *graves_new(struct program *program);
void           graves_clear(struct graves *graves);  // after graves_fill is done, or was cancelled
// copied; value.p NULL: a tombstone
void   graves_add(struct graves *graves, struct str key, struct str value);
size_t graves_count(const struct graves *graves);
// done when all are confirmed (there is at least one), or one has failed
void   graves_fill(struct graves *graves, struct call *call, call_done *done);
size_t graves_filled(const struct graves *graves);  // confirmed so far
void   graves_free(struct graves *graves);
