// SPDX-License-Identifier: Apache-2.0
/* What an upstream chose for a doubt (on_unsure), when late answers, the journal (doubt.h) and evidence have had their time:
 *
 *   pass: policy (fail: done; retry: named) ──► each retry: command/policy~<job>~<epoch>, confirmed ──► policy_retry
 *
 * The retry is in the journal before it is done, so that a Redis that forgot is told of it; its id is the same whoever
 * makes it. What comes to nothing (an answer was first, the poller died) takes nobody's word back (replay.h). */
#pragma once

#include "job/program.h"

struct policy;

struct policy *policy_new(struct program *program);
void           policy_drain(struct policy *policy);
bool           policy_idle(const struct policy *policy);
void           policy_free(struct policy *policy);
