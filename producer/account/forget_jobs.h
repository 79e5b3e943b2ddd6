// SPDX-License-Identifier: Apache-2.0
/* What is personal on the ended jobs of one account, deleted: in Redis messages, timelines, metadata
 * and addresses; in the journal messages, and metadata and addresses of ends, which go on deciding
 * what they decided. */
#pragma once

#include "producer/tool/tool.h"

struct forgotten {
    bool    untold;    // an end of its jobs may still be on its way to Kafka: nothing was forgotten
    size_t  jobs;      // with something personal in Redis
    int64_t fields;    // that went there
    size_t  ends;      // records of the journal that were written anew
    size_t  messages;  // and deleted
};

// Its waiting jobs were cancelled before. timeout_ms: waits so long for ends on their way to Kafka.
bool forget_jobs(struct tool *tool, struct str open_id, int64_t timeout_ms,
                 struct forgotten *forgotten, struct error *err) MUST_CHECK;
