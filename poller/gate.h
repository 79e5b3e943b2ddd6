// SPDX-License-Identifier: Apache-2.0
/* The gate keeps a Redis that forgot (restarted, failed over, emptied, another one) from being acted on before it has
 * been told what happened. One poller takes it, tells Redis what Kafka knows, and opens it:
 *
 *   take ──► read the journal ──► GENERATION in the journal ──► wait until an isolated old Redis cannot accept any more
 *     ──► accounts ──► the rest of the journal ──► every job ──► what is still claimed ──► clock ──► open
 *
 * Redis without a gate and a journal without a record is the first start: it opens at once.
 * Where Kafka deletes what has to be kept (topics.h) it is neither taken nor opened.
 * Every script of it carries the taker's token and the server's identity; whoever lost them stops. */
#pragma once

#include "job/program.h"
#include "poller/topics.h"

struct gate;

struct gate *gate_new(struct program *program, const struct topics *topics);  // borrowed
void         gate_look(struct gate *gate);  // a script was answered GATE
void         gate_drain(struct gate *gate);
bool         gate_idle(const struct gate *gate);
void         gate_free(struct gate *gate);
