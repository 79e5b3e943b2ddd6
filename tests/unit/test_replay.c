// SPDX-License-Identifier: Apache-2.0
// links: tokfleet_job
// What the replay makes of a job's records (life_case.h), and what it does not read.
#include "life_case.h"

// ---- lives

TEST(an_intent_alone_is_a_doubt)
{
    assert_verdict("i:1-1", "unsure 1-1  ");
    assert_verdict("g:1 i:1-1 g:2", "unsure 1-1  ");
}

TEST(an_accepted_attempt_is_processing)
{
    assert_verdict("i:1-1 d:1-1:v1", "processing 1-1 v1 ");
    assert_verdict("m:hello i:1-1 d:1-1:v1", "processing 1-1 v1 ");
}

TEST(an_intent_with_a_publish_id_is_processing)
{
    assert_verdict("i:1-1:v1", "processing 1-1 v1 ");
    assert_verdict("i:1-1:v1 i:1-2:v1", "processing 1-2 v1 ");
}

TEST(an_aborted_attempt_decides_nothing)
{
    assert_verdict("i:1-1 x:1-1", "nothing   ");
    assert_verdict("x:1-1 i:1-1 x:1-1", "nothing   ");
    assert_verdict("i:1-1 x:1-1 i:1-2 x:1-2 i:2-1 x:2-1", "nothing   ");
}

TEST(the_newest_attempt_that_is_not_aborted_decides)
{
    assert_verdict("i:1-1 d:1-1:v1 i:1-2", "unsure 1-2  ");
    assert_verdict("i:1-1 d:1-1:v1 i:1-2 x:1-2", "processing 1-1 v1 ");
    assert_verdict("i:1-1 x:1-1 i:1-2 d:1-2:v2", "processing 1-2 v2 ");
    assert_verdict("i:1-9 d:1-9:v9 i:1-10 d:1-10:v10", "processing 1-10 v10 ");
    assert_verdict("i:9-2 d:9-2:v9 i:10-1", "unsure 10-1  ");
}

TEST(an_abort_that_comes_late_is_of_its_own_attempt)
{
    assert_verdict("i:1-1 i:1-2 d:1-2:v2 x:1-1", "processing 1-2 v2 ");
    assert_verdict("x:1-1 i:1-1 i:1-2 x:1-1", "unsure 1-2  ");
}

TEST(an_answer_that_comes_late_is_of_its_own_attempt)
{
    assert_verdict("i:1-1 i:2-1 x:2-1 d:1-1:v1", "processing 1-1 v1 ");
    assert_verdict("i:1-1 i:2-1 d:2-1:v2 d:1-1:v1", "processing 2-1 v2 ");
}

TEST(an_end_decides_where_no_attempt_is_newer)
{
    assert_verdict("i:1-1 d:1-1:v1 e:1-1:PUBLISHED", "end 1-1 v1 PUBLISHED");
    assert_verdict("i:1-1 d:1-1:v1 e:1-1:IN_INBOX e:1-1:PUBLISHED", "end 1-1 v1 PUBLISHED");
    assert_verdict("m:hello i:1-1 x:1-1 e:1-1:FAILED", "end 1-1  FAILED");
    assert_verdict("e:0-0:REJECTED", "end 0-0  REJECTED");
    assert_verdict("i:1-1 x:1-1 i:1-2 d:1-2:v2 e:1-2:FAILED", "end 1-2 v2 FAILED");
}

TEST(an_attempt_after_an_end_decides)
{
    assert_verdict("i:1-1 x:1-1 e:1-1:FAILED i:1-2", "unsure 1-2  ");
    assert_verdict("i:1-1 x:1-1 e:1-1:FAILED i:1-2 d:1-2:v2", "processing 1-2 v2 ");
    assert_verdict("i:1-1 x:1-1 e:1-1:FAILED i:1-2 d:1-2:v2 e:1-2:PUBLISHED",
                   "end 1-2 v2 PUBLISHED");
    assert_verdict("e:0-0:REJECTED i:1-4", "unsure 1-4  ");
}

TEST(an_attempt_after_an_end_that_was_aborted_leaves_the_end)
{
    assert_verdict("i:1-9 d:1-9:v9 e:1-9:FAILED i:1-10 x:1-10", "end 1-9 v9 FAILED");
}

TEST(an_older_end_that_is_relayed_late_stands_beside_the_newer_one)
{
    assert_verdict("i:1-1 x:1-1 e:1-1:FAILED i:1-2 d:1-2:v2 e:1-2:PUBLISHED e:1-1:FAILED",
                   "end 1-2 v2 PUBLISHED");
    // the newest epoch, not the latest record
    assert_verdict("e:1-2:PUBLISHED e:1-1:FAILED", "end 1-2  PUBLISHED");
    assert_verdict("i:1-2 d:1-2:v2 e:1-1:FAILED", "processing 1-2 v2 ");
}

TEST(of_two_ends_of_an_attempt_the_one_that_can_follow_the_other_decides)
{
    assert_verdict("e:1-1:PUBLISHED e:1-1:IN_INBOX", "end 1-1  PUBLISHED");
    assert_verdict("e:0-0:CANCELLED e:0-0:REJECTED", "end 0-0  CANCELLED");
    assert_verdict("e:1-1:EXPIRED e:1-1:FAILED", "end 1-1  EXPIRED");
    assert_verdict("e:1-1:EXPIRED e:1-1:FAILED r:c1:1-1:FAILED", "end 1-1  EXPIRED");
}

TEST(of_two_ends_of_an_attempt_the_one_that_says_there_is_a_post_decides)
{
    assert_verdict("e:1-1:PUBLISHED e:1-1:CANCELLED", "end 1-1  PUBLISHED");
    assert_verdict("e:1-1:CANCELLED e:1-1:PUBLISHED", "end 1-1  PUBLISHED");
    assert_verdict("e:1-1:PUBLISHED s e:1-1:EXPIRED", "end 1-1  PUBLISHED");
    assert_verdict("e:1-1:IN_INBOX e:1-1:CANCELLED", "end 1-1  IN_INBOX");
    assert_verdict("e:1-1:IN_INBOX s e:1-1:EXPIRED", "end 1-1  IN_INBOX");
    assert_verdict("e:1-1:FAILED s e:1-1:PUBLISHED", "end 1-1  PUBLISHED");
    assert_verdict("e:0-0:REJECTED s e:0-0:FAILED", "end 0-0  FAILED");
}

// assert_verdict() reads them in every order, and compares all that the verdict says
TEST(two_ends_of_one_attempt_and_one_moment_decide_the_same_in_any_order)
{
    assert_verdict("e:1-1:CANCELLED s e:1-1:EXPIRED", "end 1-1  EXPIRED");
    assert_verdict("e:1-1:EXPIRED s e:1-1:CANCELLED", "end 1-1  EXPIRED");
    assert_verdict("e:1-1:EXPIRED s e:1-1:CANCELLED s e:1-1:FAILED s e:1-1:REJECTED",
                   "end 1-1  EXPIRED");
    assert_verdict("e:1-1:CANCELLED e:1-1:EXPIRED", "end 1-1  EXPIRED");
    assert_verdict("e:1-1:EXPIRED e:1-1:CANCELLED", "end 1-1  CANCELLED");
    // version 1 wrote it, and this one wrote it again
    assert_verdict("o:1-1:PUBLISHED s e:1-1:PUBLISHED", "end 1-1  PUBLISHED");
    assert_verdict("e:1-1:PUBLISHED s o:1-1:PUBLISHED", "end 1-1  PUBLISHED");
}

static void assert_read(const struct life *life, bool backwards, const char *wanted)
{
    struct replay *replay = replay_new(30 * (int64_t)DAY_MS);
    struct buf     text;
    buf_init(&text, 1000);
    for (size_t i = 0; i < life->count; i++)
        read_record(replay, &life->records[backwards ? life->count - 1 - i : i]);
    describe(replay, &text);
    assert_string_equal(buf_text(&text), wanted);
    buf_fini(&text);
    replay_free(replay);
}

static void assert_either_way(const char *words, const char *wanted)
{
    struct life life;
    life_init(&life, words);
    assert_read(&life, false, wanted);
    assert_read(&life, true, wanted);
    life_fini(&life);
}

// The older record stands in another partition since the topic was given more of them, and which one
// is read first nobody knows.
TEST(an_answer_stands_over_the_intent_of_its_attempt_wherever_the_two_are)
{
    assert_either_way("i:1-1 d:1-1:v1", "processing 1-1 v1 ");
    assert_either_way("i:1-1 x:1-1", "nothing   ");
    assert_either_way("i:1-1 d:1-1:v1 i:1-2 x:1-2", "processing 1-1 v1 ");
    assert_either_way("i:1-1 x:1-1 d:1-1:v1", "processing 1-1 v1 ");
    assert_either_way("i:1-1 i:1-2", "unsure 1-2  ");
}

TEST(the_one_end_key_of_version_1_is_still_read)
{
    assert_verdict("i:1-1 d:1-1:v1 o:1-1:PUBLISHED", "end 1-1 v1 PUBLISHED");
    assert_verdict("o:1-1:FAILED o:1-2:PUBLISHED", "end 1-2  PUBLISHED");
    assert_verdict("o:1-1:FAILED e:1-2:PUBLISHED", "end 1-2  PUBLISHED");
    assert_verdict("e:1-1:FAILED o:1-2:PUBLISHED", "end 1-2  PUBLISHED");
    assert_verdict("o:1-1:FAILED r:c1:1-1:FAILED", "nothing   ");
    assert_verdict("i:1-1 d:1-1:v1 o:1-1:FAILED to", "processing 1-1 v1 ");
}

TEST(the_end_of_a_newer_attempt_than_is_known_decides)
{
    assert_verdict("i:1-1 d:1-1:v1 e:1-3:CANCELLED", "end 1-3 v1 CANCELLED");
}

TEST(tombstones_take_away_what_they_name)
{
    assert_verdict("m:hello i:1-1 d:1-1:v1 e:1-1:PUBLISHED ta:1-1 tm te:1-1:PUBLISHED",
                   "nothing   ");
    assert_verdict("i:1-1 x:1-1 i:1-2 ta:1-1", "unsure 1-2  ");
    assert_verdict("i:1-1 ta:1-1 i:1-1", "unsure 1-1  ");
    assert_verdict("te:1-1:EXPIRED e:1-1:EXPIRED", "end 1-1  EXPIRED");
    assert_verdict("c:c1:1-1:QUEUED tc:c1", "nothing   ");
}

TEST(a_message_alone_is_of_a_job_that_waits)
{
    assert_verdict("m:hello", "nothing   ");
    assert_verdict("m:hello m:again g:4", "nothing   ");
    assert_verdict("m:hello tm", "nothing   ");
}

TEST(a_retry_voids_the_end_and_the_attempts_up_to_it)
{
    assert_verdict("i:1-1 d:1-1:v1 e:1-1:FAILED r:c1:1-1:FAILED", "nothing   ");
    assert_verdict("i:1-1 d:1-1:v1 i:1-2 x:1-2 e:1-2:FAILED r:c1:1-2:FAILED", "nothing   ");
    assert_verdict("i:1-1 x:1-1 e:1-1:FAILED r:c1:1-1:FAILED i:1-2 d:1-2:v2", "processing 1-2 v2 ");
    assert_verdict("i:1-1 d:1-1:v1 e:1-1:FAILED r:c1:1-1:FAILED f:c1:1-1:FAILED",
                   "end 1-1 v1 FAILED");
}

TEST(a_retry_of_a_doubt_voids_no_answer_of_tiktok)
{
    assert_verdict("i:1-1 r:c1:1-1:UNSURE", "nothing   ");
    assert_verdict("i:1-1 r:c1:1-1:UNSURE d:1-1:v1", "processing 1-1 v1 ");
    assert_verdict("i:1-1 d:1-1:v1 r:c1:1-1:UNSURE:v1", "nothing   ");
    assert_verdict("i:1-1 i:1-2 r:c1:1-1:UNSURE", "unsure 1-2  ");
}

TEST(a_resolve_decides_like_an_end_of_its_attempt)
{
    assert_verdict("i:1-1 p:c1:1-1", "end 1-1  PUBLISHED");
    assert_verdict("i:1-1 p:c1:1-1 i:1-2", "unsure 1-2  ");
    assert_verdict("i:1-1 p:c1:1-1 e:1-1:PUBLISHED", "end 1-1  PUBLISHED");
}

// ---- what else it tells

TEST(attempts_since_a_moment_count_in_the_windows)
{
    struct replay     *replay = replay_new(0);
    struct replay_call calls[4];
    struct life        life;
    life_init(&life, "i:1-1 x:1-2 d:1-3:v3 i:1-4 ta:1-4");
    for (size_t i = 0; i < life.count; i++)
        read_record(replay, &life.records[i]);
    assert_int_equal(replay_calls(replay, 0, 0, calls, 4), 3);
    assert_int_equal(replay_calls(replay, 0, 0, calls, 2), 2);
    assert_int_equal(replay_calls(replay, 0, AT_MS + 2, calls, 4), 1);
    assert_str(calls[0].epoch, "1-3");
    assert_str(calls[0].account, "u1");
    assert_str(calls[0].job_id, "one");
    assert_false(calls[0].aborted);
    assert_int_equal(replay_calls(replay, 0, AT_MS + 3, calls, 4), 0);
    life_fini(&life);
    replay_free(replay);
}

TEST(the_highest_generation_counts_and_is_no_job)
{
    struct replay *replay = replay_new(0);
    struct error   err;
    assert_int_equal(replay_generation(replay), 0);
    assert_false(replay_used(replay));
    assert_true(replay_record(replay, STR("generation/10"), STR("{\"v\":1}"), &err));
    assert_true(replay_record(replay, STR("generation/9"), STR("{\"v\":1}"), &err));
    assert_int_equal(replay_generation(replay), 10);
    assert_int_equal(replay_jobs(replay), 0);
    replay_free(replay);
}

TEST(many_jobs_are_kept_apart)
{
    struct replay        *replay = replay_new(0);
    struct replay_verdict v;
    struct error          err;
    char                  key[64], value[200];
    for (int i = 0; i < 3000; i++) {
        snprintf(key, sizeof key, "attempt/job-%d/1-%d", i % 1000, i);
        snprintf(value, sizeof value,
                 "{\"v\":1,\"kind\":\"INTENT\",\"job_id\":\"job-%d\",\"epoch\":\"1-%d\"}", i % 1000,
                 i);
        assert_true(replay_record(replay, str_of(key), str_of(value), &err));
    }
    assert_int_equal(replay_jobs(replay), 1000);
    for (size_t i = 0; i < 1000; i++) {
        int64_t n;
        replay_verdict(replay, i, &v);
        struct str digits = { v.job_id.p + 4, v.job_id.len - 4 };
        assert_true(str_to_i64(digits, &n));
        snprintf(key, sizeof key, "1-%" PRIi64, n + 2000);
        assert_str(v.epoch, key);
    }
    replay_free(replay);
}

// ---- what it does not read

static void assert_refused(const char *key, const char *value, const char *why)
{
    struct replay        *replay = replay_new(0);
    struct replay_verdict v;
    struct error          err;
    assert_true(replay_record(
        replay, STR("attempt/one/1-1"),
        STR("{\"v\":1,\"kind\":\"INITED\",\"epoch\":\"1-1\",\"publish_id\":\"v1\"}"), &err));
    assert_true(replay_record(
        replay, STR("end/one"),
        STR("{\"v\":1,\"epoch\":\"1-1\",\"state\":\"PUBLISHED\",\"event\":{}}"), &err));
    if (replay_record(replay, str_of(key), str_of(value), &err))
        fail_msg("%s %s: taken", key, value);
    if (!strstr(err.message, key) || !strstr(err.message, why))
        fail_msg("%s %s: %s", key, value, err.message);
    // nothing has changed
    assert_int_equal(replay_jobs(replay), 1);
    replay_verdict(replay, 0, &v);
    assert_int_equal(v.says, REPLAY_END);
    assert_str(v.publish_id, "v1");
    replay_free(replay);
}

TEST(what_this_version_cannot_read_is_refused_by_name_and_changes_nothing)
{
    assert_refused("attempt/one/1-1", "{\"v\":3,\"kind\":\"INTENT\"}", "version 3");
    assert_refused("end/one", "{\"v\":99}", "version 99");
    assert_refused("attempt//1-1", "{\"v\":1,\"kind\":\"INTENT\"}", "attempt//1-1");
    assert_refused("attempt/one/1-1", "{\"kind\":\"INTENT\"}", "no version");
    assert_refused("attempt/one/1-1", "{\"v\":0,\"kind\":\"INTENT\"}", "no version");
    assert_refused("attempt/one/1-1", "{\"v\":1,\"kind\":\"MAYBE\"}", "MAYBE");
    assert_refused("attempt/one/1-2", "{\"v\":1,\"kind\":\"MAYBE\"}", "MAYBE");
    assert_refused("attempt/two/1-1", "{\"v\":1}", "kind");
    assert_refused("end/one", "{\"v\":1,\"state\":\"FAILED\"}", "without epoch or state");
    assert_refused("end/two", "{\"v\":1,\"epoch\":\"1-1\"}", "without epoch or state");
    assert_refused("attempt/one", "{\"v\":1}", "key");
    assert_refused("attempt/one/", "{\"v\":1}", "key");
    assert_refused("slots/one", "{\"v\":1}", "key");
    assert_refused("one", "{\"v\":1}", "key");
    assert_refused("generation/x", "{\"v\":1}", "key");
    assert_refused("end/", "{\"v\":1}", "key");
    assert_refused("end/one/", "{\"v\":1}", "key");
    assert_refused("end/one/1-1", "{\"v\":2}", "key");
    assert_refused("end/one/1-1/", "{\"v\":2}", "key");
    assert_refused("end/one/1-1/FAILED", "{\"v\":2,\"epoch\":\"1-2\",\"state\":\"FAILED\"}",
                   "of its key");
    assert_refused("end/one/1-1/FAILED", "{\"v\":2,\"epoch\":\"1-1\",\"state\":\"EXPIRED\"}",
                   "of its key");
}

TEST(broken_json_is_refused_by_name)
{
    static const char *const values[] = { "",         "{",          "{\"v\":1",
                                          "not json", "{\"v\":1}}", "[[[[[[[[[[[[[[[[[[[[1" };
    for (size_t i = 0; i < COUNT_OF(values); i++)
        assert_refused("end/one", values[i], "journal record");
}

// ---- epochs

TEST(epochs_are_compared_part_by_part_as_numbers)
{
    static const char *const rising[] = { "0-0",
                                          "0-1",
                                          "0-99",
                                          "1-1",
                                          "1-9",
                                          "1-10",
                                          "1-99",
                                          "1-100",
                                          "1-9007199254740993",
                                          "1-9007199254740994",
                                          "1-18446744073709551616",
                                          "1-100000000000000000000",
                                          "2-1",
                                          "9-2",
                                          "10-1",
                                          "10-9",
                                          "11-0",
                                          "18446744073709551616-1",
                                          "18446744073709551616-2" };
    for (size_t i = 0; i < COUNT_OF(rising); i++)
        for (size_t j = 0; j < COUNT_OF(rising); j++) {
            int order = epoch_compare(str_of(rising[i]), str_of(rising[j]));
            if ((order > 0) != (i > j) || (order < 0) != (i < j))
                fail_msg("%s and %s: %d", rising[i], rising[j], order);
        }
    assert_int_equal(epoch_compare(STR("01-007"), STR("1-7")), 0);
    assert_true(epoch_compare(STR("1-08"), STR("1-9")) < 0);
}
