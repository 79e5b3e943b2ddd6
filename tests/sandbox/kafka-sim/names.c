/* SPDX-License-Identifier: Apache-2.0 */
#include "names.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { TOPIC_BYTES_MAX = 249 };

/* The requests that librdkafka 2.0.2's mock broker answers, and may answer with an error. */
static const struct api {
    const char *name;
    int16_t     key;
} apis[] = {
    { "Produce", 0 },
    { "Fetch", 1 },
    { "ListOffsets", API_LIST_OFFSETS },
    { "OffsetCommit", 8 },
    { "OffsetFetch", 9 },
    { "FindCoordinator", 10 },
    { "JoinGroup", 11 },
    { "Heartbeat", 12 },
    { "LeaveGroup", 13 },
    { "SyncGroup", 14 },
    { "ApiVersion", 18 },
    { "InitProducerId", 22 },
    { "AddPartitionsToTxn", 24 },
    { "AddOffsetsToTxn", 25 },
    { "EndTxn", 26 },
    { "TxnOffsetCommit", 28 },
};

/* A value that is nobody's number if the word is none. */
static long number_or_none(const char *word)
{
    char *end   = NULL;
    long  value = strtol(word, &end, 10);

    return end == word || *end ? -1000000 : value;
}

bool names_api_key(const char *name, int16_t *out, struct sim_error *err)
{
    long number = number_or_none(name);

    for (size_t i = 0; i < sizeof apis / sizeof apis[0]; i++) {
        if (strcasecmp(name, apis[i].name) == 0 || number == apis[i].key) {
            *out = apis[i].key;
            return true;
        }
    }
    if (strcasecmp(name, "Metadata") == 0 || number == API_METADATA)
        return sim_error_set(err, "the mock cluster ignores errors pushed for Metadata; use "
                                  "topic-error, rtt, leader or down");
    return sim_error_set(err, "unknown request '%.64s' (Produce, Fetch, JoinGroup, ...)", name);
}

bool names_error(const char *name, rd_kafka_resp_err_t *out, struct sim_error *err)
{
    static const char               prefix[] = "RD_KAFKA_RESP_ERR_";
    const struct rd_kafka_err_desc *descs    = NULL;
    size_t                          count    = 0;
    long                            number   = number_or_none(name);

    if (strncmp(name, prefix, sizeof prefix - 1) == 0)
        name += sizeof prefix - 1;
    rd_kafka_get_err_descs(&descs, &count);
    for (size_t i = 0; i < count; i++) {
        if (!descs[i].name)
            continue;
        if (strcasecmp(name, descs[i].name) == 0 || number == (long)descs[i].code) {
            *out = descs[i].code;
            return true;
        }
    }
    return sim_error_set(err, "unknown error '%.64s' (_TRANSPORT, REQUEST_TIMED_OUT, ...)", name);
}

bool names_check_topic(const char *name, struct sim_error *err)
{
    size_t len = strlen(name);

    if (len == 0 || len > TOPIC_BYTES_MAX || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return sim_error_set(err, "a topic's name has 1 to %d characters", TOPIC_BYTES_MAX);
    for (const char *p = name; *p; p++) {
        bool plain = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
                     (*p >= '0' && *p <= '9') || *p == '.' || *p == '_' || *p == '-';
        if (!plain)
            return sim_error_set(err, "topic '%.64s': only letters, digits, . _ and -", name);
    }
    return true;
}
