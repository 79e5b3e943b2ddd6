// SPDX-License-Identifier: Apache-2.0
/* Following one job in Redis to its end, printing each arrow as it happens. */
#pragma once

#include <stdint.h>

#include "job/state.h"
#include "producer/tool/tool.h"

struct follow {
    const char *job_id;
    int64_t     timeout_ms;
    bool        quiet;  // no arrows, for --json
    // of the message that was sent for it; source NULL: whatever message made the job
    const char *source;     // "topic-partition@offset"
    const char *partition;  // "topic-partition"
    int64_t     offset;
    const char *hash;  // of its content
};

// enum ending; says on standard error why it ended otherwise than well
int follow_job(struct tool *tool, const struct follow *follow);
// how an ended (or still going) job is told to a script
int follow_ending(enum job_state state);
