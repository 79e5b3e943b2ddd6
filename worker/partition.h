// SPDX-License-Identifier: Apache-2.0
/* One partition of <fleet>.jobs on its way into Redis, in order.
 *
 *   begin: ask for the watermark ──► start fetching at the message before it ──► does it still fit? ──► go on
 *                                                                                  └── no: another topic, from the start
 *   each message: [dead letter or journal record, confirmed] ──► script, pipelined, compare and set of the watermark
 *
 * A message that comes after a silence (worker.topic_check_ms), or after trouble, is taken only when the one before the
 * watermark still is what it was. Any answer but OK begins the partition anew: the watermark is the only truth about how far it is. */
#pragma once

#include "io/kafka_in.h"
#include "job/program.h"

struct partition;

struct partition *partition_new(struct program *program, struct kafka_in *in, int32_t number);
void              partition_begin(struct partition *partition, int64_t delay_ms);
void partition_message(struct partition *partition, const struct kafka_message *message);
void partition_out_of_range(struct partition *partition);
// Before its next message is taken it has to begin again: it was silent for long, or the consumer
// is in trouble (suspect).
bool    partition_in_doubt(const struct partition *partition);
void    partition_suspect(struct partition *partition);
int32_t partition_number(const struct partition *partition);
// messages that have not reached Redis
size_t partition_waiting(const struct partition *partition);
size_t partition_waiting_bytes(const struct partition *partition);
void   partition_free(struct partition *partition);
