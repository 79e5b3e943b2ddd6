// SPDX-License-Identifier: Apache-2.0
/* Dead letters, <fleet>.dlq: the original bytes (the first 256 KiB) with headers that say why,
 * where from, when, and how long the whole was. Confirmed by Kafka before ingest goes past the
 * message. */
#pragma once

#include "io/kafka_out.h"
#include "job/program.h"

enum { DEAD_LETTER_MAX_BYTES = 256 * 1024 };

struct dead_letter {
    struct str  message;  // the whole
    struct str  key;      // of the message; p NULL: none
    struct str  job_id;   // "" when it could not be read
    struct str  source;   // topic-partition@offset
    const char *code;     // "bad_message", "other_content", ...
    const char *why;      // for people
};

void dead_letter_send(struct program *program, const struct dead_letter *letter, struct call *call,
                      call_done *done);
