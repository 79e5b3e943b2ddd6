// SPDX-License-Identifier: Apache-2.0
/* The newest records of a topic that fit, oldest first, and then those that come. Nothing is known
 * of a topic but its ends, so it is read backwards in steps: the last few records of each
 * partition, then sixteen times as many, until every partition has been read back to the oldest
 * record that is kept, or to `since`, or to its beginning. */
#pragma once

#include <stdint.h>

#include "io/kafka_read.h"
#include "producer/tool/tool.h"

enum { NEWEST_HEADERS = 16 };

struct newest_record {
    int64_t             at_ms;  // Kafka's time of it
    int32_t             partition;
    int64_t             offset;
    struct str          key;    // p NULL: none
    struct str          value;  // p NULL: a tombstone
    struct kafka_header headers[NEWEST_HEADERS];
    size_t              header_count;
    struct arena        arena;  // owns the texts
};

struct newest {
    struct tool     *tool;  // borrowed
    enum fleet_topic topic;
    size_t           limit;     // records kept
    int64_t          since_ms;  // older ones do not fit; 0: as old as there are
    bool (*fits)(void *owner, const struct kafka_message *message);  // NULL: all do
    void                 *owner;
    struct newest_record *records;  // owned; oldest first after newest_read()
    size_t                count;
    size_t                capacity;
    struct kafka_offset  *ends;  // owned; where the reading ended
    size_t                end_count;
};

// newest is filled up to `owner` and zeroed behind it; newest_fini() in every case
bool newest_read(struct newest *newest, struct error *err) MUST_CHECK;
// what comes after that, as it comes, until Ctrl-C or until the reader of the output goes away
bool newest_follow(struct newest *newest,
                   void (*on_record)(void *owner, const struct kafka_message *message),
                   struct error *err) MUST_CHECK;
void newest_fini(struct newest *newest);

// one record by its place; false: it is not there, or Kafka does not answer. record is zeroed
// before, newest_record_fini() in every case.
bool       newest_one(struct tool *tool, enum fleet_topic topic, const struct kafka_offset *place,
                      struct newest_record *record, struct error *err) MUST_CHECK;
void       newest_record_fini(struct newest_record *record);
struct str newest_header(const struct newest_record *record, const char *name);  // "" when absent
