// SPDX-License-Identifier: Apache-2.0
/* What is known of a job in doubt, for `tokfleet unsure list` and `unsure show`. job: HGETALL of
 * it. */
#pragma once

#include "producer/tool/tool.h"

// what listing the account said of this attempt; false: nothing yet
bool unsure_said(const struct answer *job, struct str *said);
// what happens to it when nobody decides (on_unsure), in words
void         unsure_plan(const struct answer *job, const struct config *config, int64_t since_ms,
                         int64_t now_ms, struct buf *out);
struct json *unsure_json(struct str job_id, const struct answer *job, int64_t since_ms);
