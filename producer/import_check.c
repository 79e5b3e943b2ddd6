// SPDX-License-Identifier: Apache-2.0
#include "producer/import_check.h"

enum line_verdict import_check(enum lines_found found, struct str line, uint64_t number,
                               const struct job_rules *rules, struct seen *seen, struct job *job,
                               struct error *err)
{
    uint64_t first;
    if (found == LINES_TOO_LONG) {
        error_set(err, ERR_INPUT, "longer than %" PRIi64 " bytes (TOKFLEET_JOB_MAX_BYTES)",
                  rules->message_max_bytes);
        return LINE_BAD;
    }
    if (!job_decode(line, rules, job, err))
        return LINE_BAD;
    switch (seen_add(seen, job->id, job->hash, number, &first)) {
    case SEEN_SAME:
        return LINE_REPEAT;
    case SEEN_OTHER:
        error_set(err, ERR_INPUT, "job_id %.*s stands on line %" PRIu64 " with other content",
                  STR_ARG(job->id), first);
        return LINE_BAD;
    case SEEN_FIRST:
    case SEEN_FULL:
        break;
    }
    return LINE_GOOD;
}
