// SPDX-License-Identifier: Apache-2.0
/* All jobs of one account, for the verbs that end or forget them. */
#pragma once

#include "job/state.h"
#include "producer/tool/ids.h"
#include "producer/tool/tool.h"

// Their ids, sorted: of those that Redis knows and that wait (waiting), or that have ended (else).
// jobs is zeroed before, ids_fini in every case.
bool account_jobs_find(struct tool *tool, struct str open_id, bool waiting, struct ids *jobs,
                       struct error *err) MUST_CHECK;
// Tells the fleet to cancel them, and waits until none waits any more; *left: those that still did
// when the time was over.
bool account_jobs_cancel(struct tool *tool, struct str open_id, const struct ids *jobs,
                         const char *reason, int64_t timeout_ms, size_t *left,
                         struct error *err) MUST_CHECK;
