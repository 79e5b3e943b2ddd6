// SPDX-License-Identifier: Apache-2.0
// links: tokfleet_job
#include "job/command.h"

#include <string.h>

#include "unit.h"

enum { MAX_BYTES = 65536 };

static bool decode(const char *text, struct command *command, struct error *err)
{
    return command_decode(str_of(text), MAX_BYTES, command, err);
}

TEST(each_command_is_decoded)
{
    static const struct {
        const char       *text;
        enum command_what what;
    } rows[] = {
        { "{\"command\":\"cancel\",\"id\":\"c\",\"job_id\":\"j\",\"by\":\"ann\",\"reason\":\"why "
          "not\"}",
          COMMAND_CANCEL },
        { "{\"command\":\"reschedule\",\"id\":\"c\",\"job_id\":\"j\",\"publish_at\":\"2026-12-"
          "01T18:30:00Z\"}",
          COMMAND_RESCHEDULE },
        { "{\"command\":\"retry\",\"id\":\"c\",\"job_id\":\"j\",\"epoch\":\"1-42\",\"publish_id\":"
          "null}",
          COMMAND_RETRY },
        { "{\"command\":\"resolve\",\"id\":\"c\",\"job_id\":\"j\",\"epoch\":\"1-42\",\"outcome\":"
          "\"failed\"}",
          COMMAND_RESOLVE },
        { "{\"command\":\"pause\",\"id\":\"c\",\"account\":\"@brand\"}", COMMAND_PAUSE },
        { "{\"command\":\"resume\",\"id\":\"c\"}", COMMAND_RESUME },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct command command;
        struct error   err = { 0 };
        if (!decode(rows[i].text, &command, &err))
            fail_msg("%s: %s", rows[i].text, err.message);
        assert_int_equal(command.what, rows[i].what);
        assert_str(command.id, "c");
        command_fini(&command);
    }
}

TEST(the_fields_of_a_resolve_and_a_reschedule)
{
    struct command command;
    struct error   err;
    assert_true(decode("{\"command\":\"resolve\",\"id\":\"c\",\"job_id\":\"j\",\"epoch\":\"2-7\","
                       "\"publish_id\":\"v~1\","
                       "\"outcome\":\"posted\",\"post_url\":\"https://t/1\",\"post_id\":\"71\"}",
                       &command, &err));
    assert_true(command.posted);
    assert_str(command.epoch, "2-7");
    assert_str(command.publish_id, "v~1");
    assert_str(command.post_url, "https://t/1");
    assert_str(command.post_id, "71");
    command_fini(&command);
    assert_false(
        decode("{\"command\":\"reschedule\",\"id\":\"c\",\"job_id\":\"j\",\"publish_at\":\"1-1\"}",
               &command, &err));
    command_fini(&command);
    assert_true(decode("{\"command\":\"reschedule\",\"id\":\"c\",\"job_id\":\"j\",\"publish_at\":"
                       "\"2026-12-01T00:00:00Z\","
                       "\"expires_at\":\"2026-12-02T00:00:00Z\"}",
                       &command, &err));
    assert_int_equal(command.expires_at_ms - command.publish_at_ms, 86400000);
    command_fini(&command);
}

TEST(what_is_wrong_is_named)
{
    static const struct {
        const char *text;
        const char *says;
    } rows[] = {
        { "[1]", "not a JSON object" },
        { "{\"command\":\"cancel\",\"job_id\":\"j\"}", "id: it is missing" },
        { "{\"command\":\"cancel\",\"id\":\"a b\",\"job_id\":\"j\"}", "id: the text \"a b\"" },
        { "{\"command\":\"cancel\",\"id\":\"c\"}", "job_id: it is missing" },
        { "{\"command\":null,\"id\":\"c\",\"job_id\":\"j\"}", "command: it is missing" },
        { "{\"command\":\"explode\",\"id\":\"c\",\"job_id\":\"j\"}",
          "command: the text \"explode\"" },
        { "{\"command\":\"cancel\",\"id\":\"c\",\"job_id\":\"j\",\"epoch\":\"1-1\"}",
          "epoch: it has no meaning" },
        { "{\"command\":\"cancel\",\"id\":\"c\",\"job_id\":\"j\",\"reasons\":\"x\"}",
          "reasons: it has no meaning" },
        { "{\"command\":\"pause\",\"id\":\"c\",\"job_id\":\"j\"}", "job_id: it has no meaning" },
        { "{\"command\":\"retry\",\"id\":\"c\",\"job_id\":\"j\"}", "epoch: it is missing" },
        { "{\"command\":\"retry\",\"id\":\"c\",\"job_id\":\"j\",\"epoch\":7}", "epoch: 7" },
        { "{\"command\":\"retry\",\"id\":\"c\",\"job_id\":\"j\",\"epoch\":\"1\"}", "epoch:" },
        { "{\"command\":\"retry\",\"id\":\"c\",\"job_id\":\"j\",\"epoch\":\"1-\"}", "epoch:" },
        { "{\"command\":\"retry\",\"id\":\"c\",\"job_id\":\"j\",\"epoch\":\"1--1\"}", "epoch:" },
        { "{\"command\":\"retry\",\"id\":\"c\",\"job_id\":\"j\",\"epoch\":\"1--0\"}", "epoch:" },
        { "{\"command\":\"retry\",\"id\":\"c\",\"job_id\":\"j\",\"epoch\":\"1-+1\"}", "epoch:" },
        { "{\"command\":\"retry\",\"id\":\"c\",\"job_id\":\"j\",\"epoch\":\"-1-1\"}", "epoch:" },
        { "{\"command\":\"retry\",\"id\":\"c\",\"job_id\":\"j\",\"epoch\":\"1-"
          "1234567890123456789\"}",
          "epoch:" },
        { "{\"command\":\"retry\",\"id\":\"c\",\"job_id\":\"j\",\"epoch\":\"1-1/UNSURE\"}",
          "epoch:" },
        { "{\"command\":\"retry\",\"id\":\"c\",\"job_id\":\"j\",\"epoch\":\"1-1\",\"publish_id\":"
          "\"a b\"}",
          "publish_id:" },
        { "{\"command\":\"resolve\",\"id\":\"c\",\"job_id\":\"j\",\"epoch\":\"1-1\"}",
          "outcome: it is missing" },
        { "{\"command\":\"resolve\",\"id\":\"c\",\"job_id\":\"j\",\"epoch\":\"1-1\",\"outcome\":"
          "\"maybe\"}",
          "outcome:" },
        { "{\"command\":\"resolve\",\"id\":\"c\",\"job_id\":\"j\",\"epoch\":\"1-1\",\"outcome\":"
          "\"failed\","
          "\"post_id\":\"7\"}",
          "what failed has none" },
        { "{\"command\":\"reschedule\",\"id\":\"c\",\"job_id\":\"j\"}",
          "publish_at: it is missing" },
        { "{\"command\":\"reschedule\",\"id\":\"c\",\"job_id\":\"j\",\"publish_at\":\"2026-12-"
          "01T00:00:00Z\","
          "\"expires_at\":\"2026-12-01T00:00:00Z\"}",
          "later than publish_at" },
        { "{\"command\":\"cancel\",\"id\":\"c\",\"job_id\":\"j\",\"by\":\"a\\nb\"}", "by:" },
        { "{\"command\":\"cancel\",\"id\":\"c\",\"job_id\":\"j\",\"reason\":\"a\\tb\"}",
          "reason:" },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct command command;
        struct error   err = { 0 };
        if (decode(rows[i].text, &command, &err))
            fail_msg("taken: %s", rows[i].text);
        if (!strstr(err.message, rows[i].says))
            fail_msg("%s: \"%s\" does not say \"%s\"", rows[i].text, err.message, rows[i].says);
        command_fini(&command);
    }
}

TEST(what_could_be_read_of_a_bad_command_is_kept_for_the_dead_letter)
{
    struct command command;
    struct error   err;
    assert_false(decode("{\"command\":\"explode\",\"id\":\"c\",\"job_id\":\"j\"}", &command, &err));
    assert_str(command.id, "c");
    assert_str(command.job_id, "j");
    command_fini(&command);
}

TEST(a_record_says_what_its_command_said)
{
    struct command        command, again;
    struct command_record seen,
        record = { .source = STR("f.jobs-3@17"), .at_ms = 1234, .refused = STR("too late") };
    struct error err;
    struct buf   key, value;
    assert_true(decode("{\"command\":\"resolve\",\"id\":\"c\",\"job_id\":\"j\",\"epoch\":\"2-7\","
                       "\"outcome\":\"posted\","
                       "\"post_url\":\"https://t/1\",\"by\":\"ann\",\"reason\":\"seen\"}",
                       &command, &err));
    command.state = STR("UNSURE");
    command_journal_record(&command, &record, &key, &value);
    assert_str(buf_str(&key), "command/c/refused");
    struct json *json = json_parse(buf_str(&value), MAX_BYTES, 8, &err);
    assert_true(command_of_record(json, &again, &seen, &err));
    json_free(json);
    assert_int_equal(again.what, COMMAND_RESOLVE);
    assert_true(again.posted);
    assert_str(again.job_id, "j");
    assert_str(again.epoch, "2-7");
    assert_str(again.state, "UNSURE");
    assert_str(again.post_url, "https://t/1");
    assert_str(again.by, "ann");
    assert_str(again.reason, "seen");
    assert_str(again.publish_id, "");
    assert_str(seen.refused, "too late");
    assert_str(seen.source, "f.jobs-3@17");
    assert_int_equal(seen.at_ms, 1234);
    command_fini(&command);
    command_fini(&again);
    buf_fini(&key);
    buf_fini(&value);
}
