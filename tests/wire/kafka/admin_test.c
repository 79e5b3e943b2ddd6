// SPDX-License-Identifier: Apache-2.0
#include "bed.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "io/kafka_admin.h"

enum { TOPICS = 4 };

struct results {
    const struct kafka_topic *topics;
    enum kafka_topic_state    states[TOPICS];
    char                      details[TOPICS][512];
    int                       told[TOPICS];
    struct answer             answer;
};

static void on_result(void *owner, const struct kafka_topic *topic, enum kafka_topic_state state,
                      const char *detail)
{
    struct results *results = owner;
    ptrdiff_t       i       = topic - results->topics;
    results->states[i]      = state;
    results->told[i]++;
    snprintf(results->details[i], sizeof results->details[i], "%s", detail);
}

static void ensure(struct bed *bed, struct kafka_admin *admin, const struct kafka_topic *topics,
                   size_t count, struct results *results)
{
    *results = (struct results){ .topics = topics };
    kafka_admin_ensure(admin, topics, count, 10000, on_result, results, &results->answer.call,
                       on_answer);
    assert_false(results->answer.done);
    WAIT_FOR(bed, 15000, results->answer.done);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(results->told[i], 1);
}

static struct kafka_admin *admin_new(struct bed *bed, const struct kafka_settings *settings)
{
    struct error        err;
    struct kafka_admin *admin = kafka_admin_new(bed->loop, settings, &err);
    assert_non_null(admin);
    return admin;
}

static void topics_are_created_compared_and_never_changed(void **state)
{
    struct bed    *bed = *state;
    struct results results;
    char           one[NAME_BYTES];
    char           two[NAME_BYTES];
    bed_need_real(bed);
    struct kafka_admin *admin = admin_new(bed, &bed->settings);
    snprintf(one, sizeof one, "one-%lld", (long long)clock_wall_ms());
    snprintf(two, sizeof two, "two-%lld", (long long)clock_wall_ms());
    const struct kafka_topic_config compact[] = { { "cleanup.policy", "compact" },
                                                  { "segment.ms", "86400000" } };
    const struct kafka_topic        wanted[]  = {
                { one, 3, -1, compact, 2 },
                { two, 1, 1, NULL, 0 },
                { "not a name!", 1, 1, NULL, 0 },
    };
    ensure(bed, admin, wanted, 3, &results);
    assert_false(results.answer.failed);
    assert_int_equal(results.states[0], TOPIC_CREATED);
    assert_int_equal(results.states[1], TOPIC_CREATED);
    assert_int_equal(results.states[2], TOPIC_FAILED);
    print_message("%s\n", results.details[2]);
    bed_spend(bed, 300);

    ensure(bed, admin, wanted, 2, &results);
    assert_int_equal(results.states[0], TOPIC_THERE);
    assert_int_equal(results.states[1], TOPIC_THERE);
    assert_string_equal(results.details[0], "");

    const struct kafka_topic_config other[] = { { "cleanup.policy", "delete" },
                                                { "no.such.thing", "1" } };
    const struct kafka_topic        drift[] = { { one, 5, 1, other, 2 } };
    ensure(bed, admin, drift, 1, &results);
    assert_int_equal(results.states[0], TOPIC_DRIFTED);
    assert_string_equal(results.details[0],
                        "partitions: 3 instead of 5; cleanup.policy: compact instead of delete; "
                        "no.such.thing: not set instead of 1");
    ensure(bed, admin, wanted, 1, &results);
    assert_int_equal(results.states[0], TOPIC_THERE);
    kafka_admin_free(admin);
}

static void a_cluster_without_configurations_is_compared_by_partitions(void **state)
{
    struct bed    *bed = *state;
    struct results results;
    char           topic[NAME_BYTES];
    bed_need_mock(bed);
    struct kafka_admin *admin = admin_new(bed, &bed->settings);
    bed_topic(bed, 3, topic);
    const struct kafka_topic wanted[] = { { topic, 3, 1, NULL, 0 } };
    ensure(bed, admin, wanted, 1, &results);
    assert_false(results.answer.failed);
    assert_int_equal(results.states[0], TOPIC_THERE);
    assert_non_null(strstr(results.details[0], "configuration could not be read"));

    const struct kafka_topic drift[] = { { topic, 4, 1, NULL, 0 } };
    ensure(bed, admin, drift, 1, &results);
    assert_int_equal(results.states[0], TOPIC_DRIFTED);
    assert_non_null(strstr(results.details[0], "partitions: 3 instead of 4"));
    kafka_admin_free(admin);
}

static void a_cluster_that_cannot_create_says_so(void **state)
{
    struct bed    *bed = *state;
    struct results results;
    bed_need_mock(bed);
    struct kafka_admin *admin = admin_new(bed, &bed->settings);
    rd_kafka_mock_topic_set_error(bed->mock, "missing", RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
    const struct kafka_topic wanted[] = { { "missing", 3, 1, NULL, 0 } };
    ensure(bed, admin, wanted, 1, &results);
    assert_false(results.answer.failed);
    assert_int_equal(results.states[0], TOPIC_FAILED);
    assert_true(results.details[0][0]);
    print_message("%s\n", results.details[0]);
    kafka_admin_free(admin);
}

static void a_cluster_that_is_not_there_fails_the_call(void **state)
{
    struct bed           *bed         = *state;
    struct results        results     = { 0 };
    struct kafka_settings settings    = bed->settings;
    settings.brokers                  = "127.0.0.1:1";
    struct kafka_admin      *admin    = admin_new(bed, &settings);
    const struct kafka_topic wanted[] = { { "t", 3, 1, NULL, 0 } };
    results.topics                    = wanted;
    kafka_admin_ensure(admin, wanted, 1, 1500, on_result, &results, &results.answer.call,
                       on_answer);
    WAIT_FOR(bed, 4000, results.answer.done);
    assert_int_equal(results.answer.err.code, ERR_CONNECT);
    assert_int_equal(results.states[0], TOPIC_FAILED);
    kafka_admin_free(admin);
}

static void a_cancelled_call_says_nothing_and_another_may_follow(void **state)
{
    struct bed         *bed     = *state;
    struct results      results = { 0 };
    char                topic[NAME_BYTES];
    struct kafka_admin *admin = admin_new(bed, &bed->settings);
    bed_topic(bed, 2, topic);
    const struct kafka_topic wanted[] = { { topic, 2, 1, NULL, 0 } };
    results.topics                    = wanted;
    kafka_admin_ensure(admin, wanted, 1, 5000, on_result, &results, &results.answer.call,
                       on_answer);
    call_cancel(&results.answer.call);
    bed_spend(bed, 300);
    assert_int_equal(results.told[0], 0);
    ensure(bed, admin, wanted, 1, &results);
    assert_int_equal(results.states[0], TOPIC_THERE);
    kafka_admin_ensure(admin, wanted, 1, 5000, on_result, &results, &results.answer.call,
                       on_answer);
    call_cancel(&results.answer.call);
    kafka_admin_free(admin);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(topics_are_created_compared_and_never_changed),
        cmocka_unit_test(a_cluster_without_configurations_is_compared_by_partitions),
        cmocka_unit_test(a_cluster_that_cannot_create_says_so),
        cmocka_unit_test(a_cluster_that_is_not_there_fails_the_call),
        cmocka_unit_test(a_cancelled_call_says_nothing_and_another_may_follow),
    };
    return cmocka_run_group_tests(tests, bed_make, bed_break);
}
