// SPDX-License-Identifier: Apache-2.0
// A member of a consumer group that writes down what it hears.
#pragma once

#include "bed.h"

#include "io/kafka_in.h"

enum { PARTITIONS = 8, START_NOTHING = -100 };

struct member {
    struct bed      *bed;
    struct kafka_in *in;
    int32_t          has[PARTITIONS];  // partitions assigned
    size_t           count;            // of them
    int              assignments;
    int              revocations;
    int64_t          next[PARTITIONS];  // expected offset; -1: any
    int64_t          messages;
    int64_t          wrong;             // messages at another offset than expected
    int64_t          last[PARTITIONS];  // offset of the last message
    int32_t          out_of_range;      // partition; -1: none
    int              errors;
    bool             closed;
    int64_t          start_at;  // given to each partition when assigned, or START_NOTHING
    void (*on_message)(struct member              *member,
                       const struct kafka_message *message);  // NULL: nothing more
};

void member_join(struct member *member, struct bed *bed, const char *brokers, const char *group,
                 const char *topic, int64_t start_at);
void member_leave(struct member *member);        // waits for it
void member_begin_leave(struct member *member);  // `closed` when it has left; it is freed by then
