// SPDX-License-Identifier: Apache-2.0
/* Telling the fleet something: a command is put on <fleet>.jobs and waited for until Redis shows
 * what became of it. The tool itself changes nothing: a worker journals the command and does it, or
 * refuses it. */
#pragma once

#include <stdint.h>

#include "io/json.h"
#include "producer/job/view.h"
#include "producer/tool/tool.h"
#include "producer/tool/verb.h"

// what every such verb takes; first in the struct of its options
struct telling_options {
    const char *by;
    const char *reason;
    int64_t     timeout_ms;
    bool        json;
};

// clang-format off
#define TELLING_FLAGS(type)                                                                                         \
    { "reason", FLAG_TEXT, "TEXT", offsetof(struct type, telling.reason), .help = "why; shown to whoever looks" },  \
    { "by", FLAG_TEXT, "NAME", offsetof(struct type, telling.by), .help = "who says so (default: your login)" },    \
    { "timeout", FLAG_MS, "TIME", offsetof(struct type, telling.timeout_ms), "30s", 0, INT64_C(86400000),           \
      "stop waiting for its effect after; it is done all the same" },                                              \
    { "json", FLAG_YES, NULL, offsetof(struct type, telling.json), .help = "print one JSON object" }
// clang-format on

#define TELLING_JSON                                                                               \
    "one object: command, id, topic, partition, offset, effect (waiting, applied, refused, "       \
    "none), why"

enum { TELLING_ID_BYTES = 64 };

struct telling {
    const struct telling_options *options;  // borrowed
    const char                   *command;  // "cancel"
    const char                   *name;     // of what it is for, as it is told to people
    const char                   *job_id;   // NULL: the account or the fleet
    struct str                    account;  // open_id; "" the fleet
    struct str                    key;      // of the message
    char                          id[TELLING_ID_BYTES];
    char                          topic[TOPIC_NAME_BYTES];
    char                          partition[TOPIC_NAME_BYTES + 16];  // "topic-partition"
    struct kafka_place            place;
};

// begins its message: command, id, by, reason, job_id or account
struct json *telling_begin(struct telling *telling);
// checks it as the worker will, sends it, waits and tells; takes the message. The exit status.
int telling_send(struct tool *tool, struct telling *telling, struct json **message);
