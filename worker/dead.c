// SPDX-License-Identifier: Apache-2.0
#include "worker/dead.h"

#include <stdio.h>

#include "base/memory.h"
#include "loop/clock.h"

void dead_letter_send(struct program *program, const struct dead_letter *letter, struct call *call,
                      call_done *done)
{
    char at[CLOCK_TEXT_BYTES], length[24];
    clock_format(clock_wall_ms(), at);
    snprintf(length, sizeof length, "%zu", letter->message.len);
    const struct kafka_header headers[] = {
        { "code", str_of(letter->code) },
        { "why", str_of(letter->why) },
        { "source", letter->source },
        { "job_id", letter->job_id },
        { "at", str_of(at) },
        { "length", str_of(length) },
        { "by", program_id(program) },
    };
    struct str value = letter->message;
    if (value.len > DEAD_LETTER_MAX_BYTES)
        value.len = DEAD_LETTER_MAX_BYTES;
    if (!value.p)
        value.p = "";
    struct kafka_record record = {
        .topic        = program->topics[TOPIC_DLQ],
        .partition    = -1,
        .key          = letter->key,
        .value        = value,
        .headers      = headers,
        .header_count = COUNT_OF(headers),
    };
    kafka_send(program->kafka, &record, NULL, call, done);
}
