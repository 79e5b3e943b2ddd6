// SPDX-License-Identifier: Apache-2.0
#include "producer/tool/records.h"

enum { BATCH = 64 };

bool records_read(struct tool *tool, enum fleet_topic topic, kafka_read_message *on_message,
                  void *owner, int64_t *count, struct error *err)
{
    struct kafka_settings settings;
    struct wait           wait = { 0 };
    char                  name[TOPIC_NAME_BYTES];
    tool_kafka_settings(tool, &settings);
    tool_topic(tool, topic, name);
    struct kafka_read *read =
        kafka_read_start(tool->loop, &settings, name, NULL, 0, tool->config.kafka_read_idle_ms,
                         on_message, owner, &wait.call, wait_done);
    bool ok = tool_wait(tool, &wait, err);
    if (!ok)
        tool_blame_kafka(tool, err);
    if (count)
        *count = kafka_read_count(read);
    kafka_read_free(read);
    return ok;
}

// all are on their way together; every call has ended when this returns
static bool send_batch(struct tool *tool, const char *topic, const struct record *records,
                       size_t count, struct error *err)
{
    struct wait waits[BATCH] = { 0 };
    bool        ok           = true;
    for (size_t i = 0; i < count; i++) {
        struct kafka_record record = {
            .topic = topic, .partition = -1, .key = records[i].key, .value = records[i].value
        };
        kafka_send(tool->kafka, &record, NULL, &waits[i].call, wait_done);
    }
    for (size_t i = 0; i < count; i++)
        ok = tool_wait(tool, &waits[i], err) && ok;
    return ok;
}

bool records_send(struct tool *tool, enum fleet_topic topic, const struct record *records,
                  size_t count, struct error *err)
{
    char name[TOPIC_NAME_BYTES];
    tool_topic(tool, topic, name);
    if (!tool_kafka(tool, err))
        return false;
    for (size_t i = 0; i < count; i += BATCH) {
        size_t n = count - i < BATCH ? count - i : BATCH;
        if (!send_batch(tool, name, records + i, n, err)) {
            tool_blame_kafka(tool, err);
            return false;
        }
    }
    return true;
}
