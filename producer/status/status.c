// SPDX-License-Identifier: Apache-2.0
#include "producer/status/status.h"

#include <stdlib.h>

#include "base/memory.h"
#include "producer/status/watch.h"
#include "producer/tool/verb.h"

struct status_options {
    bool    json;
    bool    watch;
    int64_t interval_ms;
    int64_t failures;
};

#define AT(field) offsetof(struct status_options, field)

static const struct flag flags[] = {
    { "watch", FLAG_YES, NULL, AT(watch),
      .help = "go on showing it, on the whole terminal; q ends" },
    { "interval", FLAG_MS, "TIME", AT(interval_ms), "1s", 100, 3600000,
      "with --watch: between two looks" },
    { "failures", FLAG_COUNT, "N", AT(failures), "5", 0, FAILURES_MAX,
      "the newest FAILED, REJECTED and UNSURE jobs" },
    { "json", FLAG_YES, NULL, AT(json), .help = "print one JSON object" },
};

static int run_status(struct tool *tool, const void *options_read, char *const *operands,
                      int operand_count)
{
    (void)operands, (void)operand_count;
    const struct status_options *options = options_read;
    struct status               *status  = xcalloc(1, sizeof *status);
    struct error                 err;
    int                          code = END_WELL;
    if (options->watch) {
        code = watch_run(tool, options->interval_ms, options->json);
    } else if (!status_gather(tool, (size_t)options->failures, true, status, &err)) {
        code = tool_fail(tool, &err);
    } else if (options->json) {
        struct json *json = status_json(status, &tool->config);
        out_json(&tool->out, json);
        json_free(json);
    } else {
        status_print(status, &tool->config, &tool->out);
    }
    free(status);
    return code;
}

static const char help[] =
    "Shows what is in flight and what waits, for what and how long already, the\n"
    "jobs of each state, the programs and the last failures. Works from Redis\n"
    "alone, also when nothing runs.\n\n"
    "  tokfleet status\n"
    "  tokfleet status --watch\n"
    "  tokfleet status --json | jq .in_flight\n\n"
    "--watch shows it again and again, with rates a minute, until q or Ctrl-C; behind a\n"
    "state's number stands +N, those that ended today (UTC). Where the output is no\n"
    "terminal it prints a line a look, and with --json an object a look.";

const struct verb verb_status = {
    .heading       = "what became of them",
    .name          = "status",
    .operands      = "",
    .summary       = "show the fleet: in flight, waiting, programs, failures",
    .flags         = flags,
    .flag_count    = COUNT_OF(flags),
    .options_bytes = sizeof(struct status_options),
    .run           = run_status,
    .text          = help,
    .json          = "one object: fleet, time, ever_ran, gate (state, generation, taker), paused "
                     "(since, by, why) or null, in_flight, in_flight_limit, open, open_limit, "
                     "unsure, leases, outbox, overdue_looks, states, today (ends of the UTC day), "
                     "waiting (jobs, ready_accounts, delayed_jobs, unknown_accounts, "
                     "unknown_jobs, complete, oldest_ms, oldest_account), programs_alive, "
                     "programs, failures. Times are milliseconds since 1970",
};
