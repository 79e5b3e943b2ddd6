// SPDX-License-Identifier: Apache-2.0
/* What a program tells of itself by /metrics, besides what its own parts count: the process, its
 * connections, and the requests that pass through the adapters. Owns program->metrics. */
#pragma once

#include "base/text.h"
#include "io/redis.h"
#include "tiktok/outcome.h"

struct program;
struct telemetry;

struct telemetry *telemetry_new(struct program *program, const char *kind);
// the answer to GET /metrics
void telemetry_print(struct telemetry *telemetry, bool ready, struct buf *out);
void telemetry_free(struct telemetry *telemetry);

// for the adapters; owner is the program
void telemetry_on_script(void *owner, const struct redis_script *script, int64_t took_us);
void telemetry_on_request(void *owner, const char *endpoint, const struct outcome *outcome,
                          int64_t took_us);
