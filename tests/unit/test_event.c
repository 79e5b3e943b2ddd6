// SPDX-License-Identifier: Apache-2.0
// links: tokfleet_job
#include "unit.h"

#include <string.h>

#include "base/memory.h"
#include "io/json.h"
#include "job/event.h"
#include "job/state.h"

enum { FIELDS_MAX = 48 };

struct entry {
    struct answer items[FIELDS_MAX];
    struct answer fields;
    struct event  event;
    struct buf    json;
    struct json  *read;  // the event again
};

// name, value, name, value, ..., NULL
static void entry_init(struct entry *entry, const char *const *texts)
{
    struct error err;
    memset(entry, 0, sizeof *entry);
    entry->fields = (struct answer){ .kind = ANSWER_ARRAY, .items = entry->items };
    for (; texts[entry->fields.count]; entry->fields.count++) {
        assert_true(entry->fields.count < FIELDS_MAX);
        entry->items[entry->fields.count] =
            (struct answer){ .kind = ANSWER_TEXT, .text = str_of(texts[entry->fields.count]) };
    }
    event_of_outbox(&entry->fields, &entry->event, &entry->json);
    entry->read = json_parse(buf_str(&entry->json), entry->json.len + 1, 16, &err);
    if (!entry->read)
        fail_msg("%s: %s", err.message, buf_text(&entry->json));
}

static void entry_fini(struct entry *entry)
{
    json_free(entry->read);
    buf_fini(&entry->json);
}

static struct str text_of(const struct entry *entry, const char *field)
{
    return json_text(json_get(entry->read, field));
}

TEST(an_entry_of_the_outbox_becomes_an_event_with_cause_and_remedy)
{
    static const char *const texts[] = { "job_id",
                                         "one",
                                         "epoch",
                                         "1-7",
                                         "name",
                                         "FAILED",
                                         "event",
                                         "REFUSE",
                                         "at",
                                         "1795000000123",
                                         "by",
                                         "worker-1",
                                         "account",
                                         "u1",
                                         "account_text",
                                         "@brand",
                                         "attempt",
                                         "2",
                                         "publish_id",
                                         "v_pub~7",
                                         "post_id",
                                         "",
                                         "kind",
                                         "direct",
                                         "error_code",
                                         "spam_risk",
                                         "error_cause",
                                         "TikTok said \"no\".",
                                         "error_remedy",
                                         "Wait.",
                                         "log_id",
                                         "2026",
                                         "source",
                                         "jobs-0@7",
                                         "metadata",
                                         "{\"order\":991}",
                                         NULL };
    struct entry             entry;
    int64_t                  number;
    entry_init(&entry, texts);
    assert_str(entry.event.job_id, "one");
    assert_str(entry.event.epoch, "1-7");
    assert_str(entry.event.name, "FAILED");
    assert_str(entry.event.account, "u1");
    assert_str(entry.event.source, "jobs-0@7");
    assert_str(entry.event.attempt, "2");
    assert_str(entry.event.by, "worker-1");
    assert_int_equal(entry.event.at_ms, INT64_C(1795000000123));
    assert_true(entry.event.is_end);
    assert_str(text_of(&entry, "event_id"), "one/1-7/FAILED");
    assert_str(text_of(&entry, "state"), "FAILED");
    assert_str(text_of(&entry, "account"), "u1");
    assert_str(text_of(&entry, "publish_id"), "v_pub~7");
    assert_str(text_of(&entry, "log_id"), "2026");
    assert_null(json_get(entry.read, "post_id"));
    assert_str(json_text(json_get(json_get(entry.read, "error"), "cause")), "TikTok said \"no\".");
    assert_str(json_text(json_get(json_get(entry.read, "error"), "remedy")), "Wait.");
    assert_true(json_i64(json_get(json_get(entry.read, "metadata"), "order"), &number) &&
                number == 991);
    assert_true(json_i64(json_get(entry.read, "time"), &number) &&
                number == INT64_C(1795000000123));
    assert_true(json_i64(json_get(entry.read, "attempt"), &number) && number == 2);
    assert_true(json_i64(json_get(entry.read, "v"), &number) && number == 1);
    entry_fini(&entry);
}

TEST(what_the_outbox_does_not_say_is_left_out)
{
    static const char *const texts[] = { "job_id",       "one",    "epoch", "0-0",
                                         "name",         "QUEUED", "event", "INGEST",
                                         "account_text", "@brand", "at",    "soon",
                                         "attempt",      "",       NULL };
    struct entry             entry;
    entry_init(&entry, texts);
    assert_str(entry.event.account, "@brand");
    assert_int_equal(entry.event.at_ms, 0);
    assert_false(entry.event.is_end);
    assert_str(text_of(&entry, "account"), "@brand");
    assert_null(json_get(entry.read, "error"));
    assert_null(json_get(entry.read, "attempt"));
    assert_null(json_get(entry.read, "metadata"));
    assert_null(json_get(entry.read, "publish_id"));
    entry_fini(&entry);
}

TEST(a_public_id_is_an_event_and_no_state)
{
    static const char *const texts[] = { "job_id",    "one",     "epoch", "1-7", "name",
                                         "PUBLIC_ID", "post_id", "7412",  NULL };
    struct entry             entry;
    entry_init(&entry, texts);
    assert_str(text_of(&entry, "event_id"), "one/1-7/PUBLIC_ID");
    assert_str(text_of(&entry, "state"), "PUBLISHED");
    assert_str(text_of(&entry, "post_id"), "7412");
    assert_false(entry.event.is_end);
    entry_fini(&entry);
}

TEST(an_event_of_an_account_names_no_job_and_has_the_revision_of_its_record)
{
    static const char *const texts[] = { "name",
                                         "NEEDS_CONSENT",
                                         "event",
                                         "NEEDS_CONSENT",
                                         "epoch",
                                         "1795389803",
                                         "account",
                                         "-000x",
                                         "at",
                                         "5",
                                         "error_code",
                                         "invalid_grant",
                                         "error_cause",
                                         "c",
                                         "error_remedy",
                                         "r",
                                         NULL };
    struct entry             entry;
    entry_init(&entry, texts);
    assert_str(text_of(&entry, "event_id"), "account/-000x/1795389803/NEEDS_CONSENT");
    assert_str(text_of(&entry, "state"), "NEEDS_CONSENT");
    assert_str(text_of(&entry, "event"), "NEEDS_CONSENT");
    assert_str(text_of(&entry, "account"), "-000x");
    assert_int_equal(text_of(&entry, "job_id").len, 0);
    assert_int_equal(text_of(&entry, "epoch").len, 0);
    assert_false(entry.event.is_end);
    entry_fini(&entry);
}

TEST(the_ends_are_those_of_the_state_table)
{
    for (int state = JOB_NONE; state < JOB_STATE_COUNT; state++) {
        const char *const texts[] = { "job_id", "one",  "epoch",
                                      "1-7",    "name", job_state_text((enum job_state)state),
                                      NULL };
        struct entry      entry;
        entry_init(&entry, texts);
        assert_int_equal(entry.event.is_end, job_state_is_end((enum job_state)state));
        entry_fini(&entry);
    }
}

TEST(an_entry_without_fields_is_an_event_of_nobody)
{
    static const char *const texts[] = { NULL };
    struct entry             entry;
    entry_init(&entry, texts);
    assert_int_equal(entry.event.job_id.len, 0);
    assert_false(entry.event.is_end);
    entry_fini(&entry);
}
