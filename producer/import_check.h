// SPDX-License-Identifier: Apache-2.0
/* Is a line of an import a job that may be sent? The rules of ingest, and no job_id twice with
 * other content. */
#pragma once

#include "job/job.h"
#include "producer/lines.h"
#include "producer/seen.h"

enum line_verdict {
    LINE_GOOD,
    LINE_REPEAT,  // an earlier line says the same: there is nothing to send
    LINE_BAD,     // err says why
};

// found: what lines_next() answered, LINES_LINE or LINES_TOO_LONG. job is zeroed before,
// job_fini() in every case.
enum line_verdict import_check(enum lines_found found, struct str line, uint64_t number,
                               const struct job_rules *rules, struct seen *seen, struct job *job,
                               struct error *err);
