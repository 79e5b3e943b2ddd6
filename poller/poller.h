// SPDX-License-Identifier: Apache-2.0
/* The poller: follows publish ids to their end (follow.h), looks whether what is UNSURE was posted
 * (evidence.h), sends on what happened (relay.h), gives ended leases back (reap.h), repairs what
 * two keys disagree about (audit.h), guards against a Redis that forgot (gate.h), and measures the
 * fleet (measure.h). Any number may run; all but following and measuring is one's, the first. */
#pragma once

#include "job/program.h"

extern const struct program_kind poller_kind;
