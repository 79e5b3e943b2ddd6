// SPDX-License-Identifier: Apache-2.0
/* Creating topics and saying where existing ones differ from what is wanted. */
#pragma once

#include "io/kafka.h"
#include "loop/call.h"

struct kafka_admin;

struct kafka_topic_config {
    const char *name;   // "cleanup.policy"
    const char *value;  // "compact"
};

struct kafka_topic {
    const char *name;
    int32_t     partitions;   // 0: it is not made, and their number is no matter
    int32_t     replication;  // -1: the broker's default
    const struct kafka_topic_config *configs;
    size_t                           config_count;
};

enum kafka_topic_state { TOPIC_CREATED, TOPIC_THERE, TOPIC_DRIFTED, TOPIC_FAILED };

// one line for each topic: state and, for people, what differs or why it failed
typedef void kafka_topic_result(void *owner, const struct kafka_topic *topic,
                                enum kafka_topic_state state, const char *detail);

struct kafka_admin *kafka_admin_new(struct loop *loop, const struct kafka_settings *settings,
                                    struct error *err) MUST_CHECK;
// creates what is missing, compares the rest (partitions and every config named); never changes an
// existing topic. topics is borrowed until done
void kafka_admin_ensure(struct kafka_admin *admin, const struct kafka_topic *topics, size_t count,
                        int64_t timeout_ms, kafka_topic_result *on_result, void *owner,
                        struct call *call, call_done *done);
void kafka_admin_free(struct kafka_admin *admin);
