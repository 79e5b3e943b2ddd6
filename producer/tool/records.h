// SPDX-License-Identifier: Apache-2.0
/* Many records of a topic of the fleet: all that it holds, or some to be added. Who wants but the
 * newest: newest.h; who sends one: tool_send(). */
#pragma once

#include "io/kafka_read.h"
#include "producer/tool/tool.h"

// The whole topic, to where it ends now; *count, unless NULL: of its records.
bool records_read(struct tool *tool, enum fleet_topic topic, kafka_read_message *on_message,
                  void *owner, int64_t *count, struct error *err) MUST_CHECK;

struct record {
    struct str key;
    struct str value;  // p NULL: a tombstone
};

// Each confirmed, some at a time. false: those after the first one that failed may be there or not.
bool records_send(struct tool *tool, enum fleet_topic topic, const struct record *records,
                  size_t count, struct error *err) MUST_CHECK;
