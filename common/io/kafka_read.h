// SPDX-License-Identifier: Apache-2.0
/* Reading a topic from given offsets to where it ended when the reading began, outside any group,
 * isolation read_committed off. Used for the journal, accounts and dead letters. on_message runs
 * from the loop, and unless it follows never after the end of the reading is decided. */
#pragma once

#include "io/kafka.h"
#include "loop/call.h"

struct kafka_read;

typedef void kafka_read_message(void *owner, const struct kafka_message *message);

enum { KAFKA_READ_NOTHING = -1 };

// partition offsets; what is not named starts at the beginning
struct kafka_offset {
    int32_t partition;
    int64_t offset;  // KAFKA_READ_NOTHING: where it ends
};

// the call is done when every partition has been read to its end, or fails (ERR_INPUT: no such
// topic). call_cancel stops it. idle_ms: fails when nothing came for so long of the partitions
// that have not ended.
struct kafka_read *kafka_read_start(struct loop *loop, const struct kafka_settings *settings,
                                    const char *topic, const struct kafka_offset *from,
                                    size_t from_count, int64_t idle_ms,
                                    kafka_read_message *on_message, void *owner, struct call *call,
                                    call_done *done);
// begin so many messages before the end of each partition that `from` does not name; to be called
// at once after the start
void kafka_read_newest(struct kafka_read *read, int64_t count);
// keep reading after the end: new messages go on coming, the call is done at the first end all the
// same. To be called before it is done.
void    kafka_read_follow(struct kafka_read *read);
int64_t kafka_read_count(const struct kafka_read *read);  // messages so far
// next offsets, when done
size_t kafka_read_ends(const struct kafka_read *read, struct kafka_offset *ends, size_t max);
// after done or cancel, not inside on_message
void kafka_read_free(struct kafka_read *read);
