// SPDX-License-Identifier: Apache-2.0
#include "job/journal.h"

#include <assert.h>
#include <stdio.h>

#include "io/json.h"

enum { KEY_MAX_BYTES = 512 };

static struct json *record_begin(struct buf *key, struct buf *value)
{
    buf_init(key, KEY_MAX_BYTES);
    buf_init(value, JOURNAL_RECORD_MAX_BYTES);
    struct json *object = json_object();
    json_set_i64(object, "v", JOURNAL_VERSION);
    return object;
}

static void record_end(struct json *object, struct buf *value)
{
    json_print(object, value);
    assert(!value->full);  // half a record would keep every gate closed
    json_free(object);
}

void journal_attempt_record(const struct journal_attempt *attempt, struct buf *key,
                            struct buf *value)
{
    static const char *const kinds[] = { "INTENT", "INTENT_ABORTED", "INITED" };
    struct json             *object  = record_begin(key, value);
    buf_printf(key, "attempt/%.*s/%.*s", STR_ARG(attempt->job_id), STR_ARG(attempt->epoch));
    json_set_text(object, "kind", str_of(kinds[attempt->kind]));
    json_set_text(object, "job_id", attempt->job_id);
    json_set_text(object, "epoch", attempt->epoch);
    json_set_i64(object, "attempt", attempt->attempt);
    json_set_text(object, "account", attempt->account);
    json_set_text_or_null(object, "mode", attempt->mode);
    json_set_i64(object, "at", attempt->at_ms);
    json_set_text_or_null(object, "publish_id", attempt->publish_id);
    json_set_null(object, "upload");
    json_set_text_or_null(object, "source", attempt->source);
    json_set_text_or_null(object, "why", attempt->why);
    record_end(object, value);
}

void journal_message_record(struct str job_id, struct str source, int64_t at_ms, struct str message,
                            struct buf *key, struct buf *value)
{
    struct json *object = record_begin(key, value);
    buf_printf(key, "message/%.*s", STR_ARG(job_id));
    json_set_text(object, "job_id", job_id);
    json_set_text(object, "source", source);
    json_set_i64(object, "at", at_ms);
    json_set_text(object, "message", message);
    record_end(object, value);
}

void journal_generation_record(int64_t generation, struct str identity, int64_t at_ms,
                               struct str by, struct buf *key, struct buf *value)
{
    struct json *object = record_begin(key, value);
    buf_printf(key, "generation/%" PRIi64, generation);
    json_set_i64(object, "generation", generation);
    json_set_text(object, "identity", identity);
    json_set_i64(object, "at", at_ms);
    json_set_text(object, "by", by);
    record_end(object, value);
}

void journal_end_record(struct str job_id, struct str epoch, struct str state, int64_t at_ms,
                        struct str source, struct str event_json, struct buf *key,
                        struct buf *value)
{
    struct json *object = record_begin(key, value);
    buf_printf(key, "end/%.*s/%.*s/%.*s", STR_ARG(job_id), STR_ARG(epoch), STR_ARG(state));
    json_set_text(object, "job_id", job_id);
    json_set_text(object, "epoch", epoch);
    json_set_text(object, "state", state);
    json_set_i64(object, "at", at_ms);
    json_set_text(object, "source", source);
    json_set_raw(object, "event", event_json);
    record_end(object, value);
}

void fleet_topic_name(const char *fleet, enum fleet_topic topic, char *out, size_t out_bytes)
{
    static const char *const names[] = { "jobs", "journal", "accounts", "events", "dlq" };
    snprintf(out, out_bytes, "%s.%s", fleet, names[topic]);
}
