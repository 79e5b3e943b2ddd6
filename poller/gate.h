// SPDX-License-Identifier: Apache-2.0
/* The gate keeps a Redis that forgot from being acted on. This version opens it at the first start only: Redis without
 * a gate, and a journal in which nothing was ever sent. Any other identity stops the fleet, with one line that says
 * what to do.
 *
 *   take the gate ──► read the journal: no attempt, no end ──► GENERATION in the journal ──► open
 */
#pragma once

#include "job/program.h"

struct gate;

struct gate *gate_new(struct program *program);
void         gate_look(struct gate *gate);  // a script was answered GATE
void         gate_drain(struct gate *gate);
bool         gate_idle(const struct gate *gate);
void         gate_free(struct gate *gate);
