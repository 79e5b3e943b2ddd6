// SPDX-License-Identifier: Apache-2.0
/* What Kafka's producer, consumer, reader and admin share: how to reach it, and a record.
 * librdkafka is behind it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/text.h"

struct kafka_settings {
    const char *brokers;  // bootstrap list
    const char *
        properties_file;  // librdkafka properties, `name=value` a line (TLS, SASL, anything); NULL: none
    const char *client_id;
    int64_t     send_timeout_ms;     // producer: message.timeout.ms
    int64_t     queue_max_messages;  // producer: not yet delivered; one more is ERR_FULL
    int64_t     queue_max_bytes;     // producer: the same in bytes; reader: read ahead
    int64_t fetch_max_bytes;  // consumer: of one answer, and fetched ahead in all; at least 1 MiB
    int64_t session_timeout_ms;  // consumer group
    // producer: its batches are of a record or two, each of which costs more to compress than it
    // saves; a properties file may want it all the same
    bool small_batches;
};

struct kafka_header {
    const char *name;
    struct str  value;
};

struct kafka_record {
    const char                *topic;
    int32_t                    partition;  // -1: by key
    struct str                 key;        // p NULL: none
    struct str                 value;      // p NULL: a tombstone
    const struct kafka_header *headers;
    size_t                     header_count;
};

// where a record came to stand
struct kafka_place {
    int32_t partition;
    int64_t offset;
};

// a record as it was read; borrowed for the callback
struct kafka_message {
    const char         *topic;
    int32_t             partition;
    int64_t             offset;
    int64_t             timestamp_ms;  // LogAppendTime or CreateTime, as the topic says
    struct str          key;           // p NULL: none
    struct str          value;         // p NULL: a tombstone
    struct kafka_header headers[16];   // the first of them
    size_t              header_count;
};
