// SPDX-License-Identifier: Apache-2.0
/* Inside the kafka_*.c files only: from our settings to librdkafka's configuration, and from its
 * errors to ours. A configuration has three layers, the later wins: our defaults, the operator's
 * properties file, what is ours to say because the design rests on it. */
#pragma once

#include <librdkafka/rdkafka.h>

#include "io/kafka.h"

struct kafka_property {
    const char *name;
    const char *text;  // NULL: the number
    int64_t     number;
};

// NULL and ERR_SETTING on an unknown name or a bad value
rd_kafka_conf_t *kafka_conf_new(const struct kafka_settings *settings,
                                const struct kafka_property *usual, size_t usual_count,
                                const struct kafka_property *fixed, size_t fixed_count,
                                struct error *err) MUST_CHECK;
int64_t          kafka_conf_kbytes(int64_t bytes, int64_t highest);  // at least 1
// messages fetched ahead: `few`, where a full queue is looked at again soon, else enough for a
// second
int64_t kafka_conf_prefetch(int64_t few, int64_t enough);

enum err_code kafka_error_of(rd_kafka_resp_err_t code);  // what became of a record
void kafka_message_of(const rd_kafka_message_t *from, struct kafka_message *to);  // borrows from it
void kafka_log(rd_kafka_event_t *event);  // one of librdkafka's own lines
