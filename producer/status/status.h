// SPDX-License-Identifier: Apache-2.0
/* The fleet at one moment, as Redis shows it. status.c gathers, status_print.c tells. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "io/json.h"
#include "job/state.h"
#include "producer/tool/tool.h"

enum { PROGRAMS_MAX = 200, FAILURES_MAX = 100, NAME_BYTES = 160, TEXT_BYTES = 400 };

struct program_seen {
    char    id[NAME_BYTES];
    char    kind[32];
    char    host[NAME_BYTES];
    char    pid[24];
    char    port[24];
    char    version[32];
    char    state[32];  // running, draining, stopped
    int64_t seen_ms;    // server's time
    int64_t started_ms;
    bool    alive;  // seen within five heartbeats
};

struct failure {
    char           job_id[NAME_BYTES];
    char           account[NAME_BYTES];
    enum job_state state;
    int64_t        at_ms;
    char           code[64];
    char           cause[TEXT_BYTES];
};

enum gate_seen {
    GATE_NEVER,  // nobody has ever opened it
    GATE_OPEN,
    GATE_CLOSED,  // being opened, or never since this Redis forgot
    GATE_OTHER,   // open for another server than this one: everything answers GATE
};

struct status {
    int64_t             now_ms;                  // server's time
    int64_t             count[JOB_STATE_COUNT];  // jobs per state
    int64_t             today[JOB_STATE_COUNT];  // ends of this UTC day
    int64_t             in_flight;               // ledger of slots
    int64_t             open;                    // commit points
    int64_t             unsure;
    int64_t             ready;    // accounts that may act, or will
    int64_t             delayed;  // jobs with a moment: schedules, backoff, unknown accounts
    int64_t             leases;
    int64_t             outbox;
    int64_t             overdue_polls;
    int64_t             unknown_accounts;  // texts that jobs wait for
    int64_t             unknown_jobs;
    bool                scanned_all;  // else there may be more than was counted
    int64_t             oldest_ms;    // when the oldest job that waits came; 0: none
    char                oldest_account[NAME_BYTES];
    enum gate_seen      gate;
    char                generation[32];
    char                gate_taker[NAME_BYTES];
    int64_t             paused_ms;  // since when a person has paused the fleet; 0: not
    char                paused_why[TEXT_BYTES];
    char                paused_by[NAME_BYTES];
    struct program_seen programs[PROGRAMS_MAX];
    size_t              program_count;
    size_t              alive_count;
    struct failure      failures[FAILURES_MAX];
    size_t              failure_count;
};

// failures: so many of the newest at most; scans: who waits is looked for, which may take a second
bool status_gather(struct tool *tool, size_t failures, bool scans, struct status *status,
                   struct error *err) MUST_CHECK;
bool status_waiting(struct tool *tool, struct status *status,
                    struct error *err) MUST_CHECK;  // status_gather()'s part

bool status_never_ran(const struct status *status);
void status_print(const struct status *status, const struct config *config, struct out *out);
struct json *status_json(const struct status *status, const struct config *config);
