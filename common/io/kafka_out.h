// SPDX-License-Identifier: Apache-2.0
/* Sending to Kafka: acks=all, idempotent. One producer a program. A fatal error of
 * librdkafka makes a new producer inside; calls in flight then end with ERR_LOST. Errors: ERR_FULL
 * (queue; nothing was sent), ERR_INPUT (record too large, no such topic: never sent), ERR_TIMEOUT,
 * ERR_LOST (may be in the log: the record's key makes a second copy harmless). */
#pragma once

#include "io/kafka.h"
#include "loop/call.h"

struct kafka_out;

struct kafka_out *kafka_out_new(struct loop *loop, const struct kafka_settings *settings,
                                struct error *err) MUST_CHECK;
// the record is copied; place may be NULL
void kafka_send(struct kafka_out *out, const struct kafka_record *record, struct kafka_place *place,
                struct call *call, call_done *done);
int64_t kafka_out_pending(const struct kafka_out *out);  // records not yet delivered
bool kafka_out_healthy(const struct kafka_out *out);  // brokers are reachable, as far as is known
void kafka_out_free(struct kafka_out *out);  // purges; calls in flight were cancelled before
