// SPDX-License-Identifier: Apache-2.0
// links: tokfleet_job
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "io/json.h"
#include "job/journal.h"
#include "job/replay.h"

// key and value again; both are freed
static struct json *read_back(struct buf *key, const char *wanted_key, struct buf *value)
{
    struct error err;
    struct json *json = json_parse(buf_str(value), JOURNAL_RECORD_MAX_BYTES, 16, &err);
    int64_t      version;
    if (!json)
        fail_msg("%s: %s", err.message, buf_text(value));
    assert_str(buf_str(key), wanted_key);
    assert_true(json_i64(json_get(json, "v"), &version));
    assert_int_equal(version, JOURNAL_VERSION);
    buf_fini(key);
    buf_fini(value);
    return json;
}

static void assert_text(const struct json *json, const char *field, const char *wanted)
{
    assert_str(json_text(json_get(json, field)), wanted);
}

static void assert_number(const struct json *json, const char *field, int64_t wanted)
{
    int64_t number;
    assert_true(json_i64(json_get(json, field), &number));
    assert_int_equal(number, wanted);
}

TEST(an_attempt_is_whole_in_itself)
{
    static const char *const kinds[] = { "INTENT", "INTENT_ABORTED", "INITED" };
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        struct journal_attempt attempt = { .kind       = (enum attempt_kind)i,
                                           .job_id     = STR("campaign-7:clip-0042"),
                                           .epoch      = STR("3-9007199254740993"),
                                           .attempt    = 2,
                                           .account    = STR("u1"),
                                           .mode       = STR("draft"),
                                           .at_ms      = INT64_C(1795000000123),
                                           .publish_id = STR("v_pub~7"),
                                           .source     = STR("f.jobs-3@17"),
                                           .why        = STR("a \"reason\"\n") };
        struct buf             key, value;
        journal_attempt_record(&attempt, &key, &value);
        struct json *json =
            read_back(&key, "attempt/campaign-7:clip-0042/3-9007199254740993", &value);
        assert_text(json, "kind", kinds[i]);
        assert_text(json, "job_id", "campaign-7:clip-0042");
        assert_text(json, "epoch", "3-9007199254740993");
        assert_text(json, "account", "u1");
        assert_text(json, "mode", "draft");
        assert_text(json, "publish_id", "v_pub~7");
        assert_text(json, "source", "f.jobs-3@17");
        assert_text(json, "why", "a \"reason\"\n");
        assert_number(json, "attempt", 2);
        assert_number(json, "at", INT64_C(1795000000123));
        json_free(json);
    }
}

TEST(what_an_attempt_does_not_have_is_null)
{
    struct journal_attempt attempt = { .kind   = ATTEMPT_INTENT,
                                       .job_id = STR("one"),
                                       .epoch  = STR("1-1") };
    struct buf             key, value;
    journal_attempt_record(&attempt, &key, &value);
    struct json             *json     = read_back(&key, "attempt/one/1-1", &value);
    static const char *const fields[] = { "mode", "publish_id", "upload", "source", "why" };
    for (size_t i = 0; i < COUNT_OF(fields); i++)
        assert_true(json_is_null(json_get(json, fields[i])));
    json_free(json);
}

TEST(an_end_holds_its_whole_event)
{
    struct buf key, value;
    journal_end_record(STR("one"), STR("1-7"), STR("FAILED"), 17, STR("jobs-0@7"),
                       STR("{\"error\":{\"code\":\"spam_risk\"}}"), &key, &value);
    struct json *json = read_back(&key, "end/one/1-7/FAILED", &value);
    assert_text(json, "epoch", "1-7");
    assert_text(json, "state", "FAILED");
    assert_text(json, "source", "jobs-0@7");
    assert_text(json_get(json_get(json, "event"), "error"), "code", "spam_risk");
    assert_number(json, "at", 17);
    json_free(json);
}

TEST(a_message_and_a_generation_are_records_too)
{
    struct buf key, value;
    journal_message_record(STR("one"), STR("jobs-0@7"), 17, STR("{\"job_id\": \"one\"}"), &key,
                           &value);
    struct json *json = read_back(&key, "message/one", &value);
    assert_text(json, "message", "{\"job_id\": \"one\"}");
    assert_text(json, "source", "jobs-0@7");
    assert_number(json, "at", 17);
    json_free(json);
    journal_generation_record(12, STR("abcdef"), 18, STR("poller-1#3"), &key, &value);
    json = read_back(&key, "generation/12", &value);
    assert_number(json, "generation", 12);
    assert_text(json, "identity", "abcdef");
    assert_text(json, "by", "poller-1#3");
    json_free(json);
}

TEST(the_largest_message_fits_into_a_record)
{
    enum { BYTES = 900 * 1024 };  // as job.max_bytes may be set
    char          *text = xcalloc(BYTES, 1);
    struct buf     key, value;
    struct json   *json;
    struct error   err;
    struct replay *replay = replay_new(0);
    memset(text, '"', BYTES);  // each takes two bytes in JSON
    journal_message_record(STR("one"), STR("jobs-0@7"), 17, (struct str){ text, BYTES }, &key,
                           &value);
    assert_false(value.full);
    assert_true(replay_record(replay, buf_str(&key), buf_str(&value), &err));
    replay_free(replay);
    json = read_back(&key, "message/one", &value);
    assert_int_equal(json_text(json_get(json, "message")).len, BYTES);
    json_free(json);
    free(text);
}

TEST(what_is_written_is_what_the_replay_reads)
{
    struct journal_attempt attempt = { .kind       = ATTEMPT_INITED,
                                       .job_id     = STR("one"),
                                       .epoch      = STR("1-7"),
                                       .attempt    = 2,
                                       .account    = STR("u1"),
                                       .mode       = STR("draft"),
                                       .at_ms      = 18,
                                       .publish_id = STR("v_pub~7") };
    struct replay         *replay  = replay_new(0);
    struct replay_verdict  verdict;
    struct error           err;
    struct buf             key, value;
    journal_attempt_record(&attempt, &key, &value);
    assert_true(replay_record(replay, buf_str(&key), buf_str(&value), &err));
    buf_fini(&key);
    buf_fini(&value);
    replay_verdict(replay, 0, &verdict);
    assert_int_equal(verdict.says, REPLAY_PROCESSING);
    assert_str(verdict.job_id, "one");
    assert_str(verdict.publish_id, "v_pub~7");
    assert_str(verdict.account, "u1");
    assert_str(verdict.mode, "draft");
    assert_int_equal(verdict.attempt, 2);
    assert_int_equal(verdict.at_ms, 18);
    replay_free(replay);
}

TEST(topics_begin_with_the_name_of_the_fleet)
{
    static const char *const names[] = { "eu.jobs", "eu.journal", "eu.accounts", "eu.events",
                                         "eu.dlq" };
    char                     name[TOPIC_NAME_BYTES];
    for (int topic = 0; topic < FLEET_TOPIC_COUNT; topic++) {
        fleet_topic_name("eu", (enum fleet_topic)topic, name, sizeof name);
        assert_string_equal(name, names[topic]);
    }
}

TEST(the_end_of_a_job_with_the_deepest_metadata_that_is_taken_is_read_again)
{
    struct job_rules rules = { .message_max_bytes = 4096, .privacy_default = "PUBLIC_TO_EVERYONE" };
    struct buf       message, event, key, value;
    struct job       job;
    struct error     err;
    struct replay   *replay = replay_new(0);
    buf_init(&message, 4096);
    buf_init(&event, 4096);
    buf_add_text(
        &message,
        "{\"job_id\":\"deep\",\"account\":\"@a\",\"media\":[{\"url\":\"https://a.example/a.mp4\"}],"
        "\"metadata\":{\"a\":");
    for (int i = 2; i < JOB_DEPTH_MAX; i++)
        buf_add_char(&message, '[');
    for (int i = 2; i < JOB_DEPTH_MAX; i++)
        buf_add_char(&message, ']');
    buf_add_text(&message, "}}");
    assert_true(job_decode(buf_str(&message), &rules, &job, &err));
    buf_printf(&event, "{\"metadata\":%.*s}", STR_ARG(job.metadata));
    journal_end_record(STR("deep"), STR("1-1"), STR("FAILED"), 17, STR("jobs-0@7"), buf_str(&event),
                       &key, &value);
    assert_true(replay_record(replay, buf_str(&key), buf_str(&value), &err));
    replay_free(replay);
    buf_fini(&message);
    buf_fini(&event);
    buf_fini(&key);
    buf_fini(&value);
    job_fini(&job);
}
