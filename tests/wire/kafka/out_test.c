// SPDX-License-Identifier: Apache-2.0
#include "bed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

static struct kafka_out *out_new(struct bed *bed, const struct kafka_settings *settings)
{
    struct error      err;
    struct kafka_out *out = kafka_out_new(bed->loop, settings, &err);
    if (!out)
        fail_msg("%s", err.message);
    return out;
}

static struct kafka_settings through_proxy(const struct bed *bed, int64_t send_timeout_ms)
{
    struct kafka_settings settings = bed->settings;
    settings.brokers               = bed->through;
    settings.send_timeout_ms       = send_timeout_ms;
    return settings;
}

static void send_text(struct kafka_out *out, const char *topic, const char *text,
                      struct answer *answer)
{
    struct kafka_record record = {
        .topic = topic, .partition = 0, .key = STR("k"), .value = str_of(text)
    };
    *answer = (struct answer){ 0 };
    kafka_send(out, &record, NULL, &answer->call, on_answer);
    assert_false(answer->done);
}

static void a_delivered_record_names_its_place(void **state)
{
    struct bed       *bed = *state;
    char              topic[NAME_BYTES];
    struct kafka_out *out = bed_out(bed);
    bed_topic(bed, 2, topic);
    assert_int_equal(bed_send(bed, out, topic, 1, "a"), 0);
    assert_int_equal(bed_send(bed, out, topic, 1, "b"), 1);
    assert_int_equal(bed_send(bed, out, topic, 0, "c"), 0);
    assert_int_equal(kafka_out_pending(out), 0);
    kafka_out_free(out);
}

static void a_key_goes_where_java_puts_it(void **state)
{
    // Utils.toPositive(Utils.murmur2(key)) % 7, as Kafka's own tests give the hashes: "21"
    // -973932308, "foobar" -790332482
    static const struct {
        const char *key;
        int32_t     partition;
    } rows[] = {
        { "21", (int32_t)((uint32_t)(-973932308 & 0x7fffffff) % 7) },
        { "foobar", (int32_t)((uint32_t)(-790332482 & 0x7fffffff) % 7) },
        { "a-little-bit-long-string", (int32_t)((uint32_t)(-985981536 & 0x7fffffff) % 7) },
        { "abc", (int32_t)((uint32_t)(479470107 & 0x7fffffff) % 7) },
    };
    struct bed       *bed = *state;
    char              topic[NAME_BYTES];
    struct kafka_out *out = bed_out(bed);
    bed_topic(bed, 7, topic);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct answer       answer = { 0 };
        struct kafka_place  place  = { -1, -1 };
        struct kafka_record record = {
            .topic = topic, .partition = -1, .key = str_of(rows[i].key), .value = STR("v")
        };
        kafka_send(out, &record, &place, &answer.call, on_answer);
        WAIT_FOR(bed, 5000, answer.done);
        assert_false(answer.failed);
        assert_int_equal(place.partition, rows[i].partition);
    }
    kafka_out_free(out);
}

static void a_send_outlives_a_broker_that_errs(void **state)
{
    struct bed   *bed = *state;
    char          topic[NAME_BYTES];
    struct answer answer;
    bed_need_mock(bed);
    struct kafka_out *out = bed_out(bed);
    bed_topic(bed, 1, topic);
    bed_send(bed, out, topic, 0, "warm");
    rd_kafka_mock_push_request_errors(bed->mock, API_PRODUCE, 2,
                                      RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
                                      RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS);
    send_text(out, topic, "x", &answer);
    WAIT_FOR(bed, 4000, answer.done);
    assert_false(answer.failed);
    kafka_out_free(out);
}

static void a_lost_answer_is_asked_for_again(void **state)
{
    struct bed   *bed = *state;
    char          topic[NAME_BYTES];
    struct answer answer;
    bed_need_proxy(bed);
    struct kafka_settings settings = through_proxy(bed, 8000);
    struct kafka_out     *out      = out_new(bed, &settings);
    bed_topic(bed, 1, topic);
    bed_send(bed, out, topic, 0, "warm");
    proxy_set(bed->proxy, PROXY_DEAF);
    send_text(out, topic, "x", &answer);
    bed_spend(bed, 300);
    assert_false(answer.done);
    proxy_set(bed->proxy, PROXY_PASS);
    proxy_cut(bed->proxy);
    WAIT_FOR(bed, 6000, answer.done);
    assert_false(answer.failed);
    kafka_out_free(out);
}

// What is known of a record that the broker refuses, perhaps when it is sent for the second time.
static enum effect refuse(struct bed *bed, rd_kafka_resp_err_t refusal, bool lost_before)
{
    char              topic[NAME_BYTES];
    struct answer     answer;
    struct kafka_out *out = bed_out(bed);
    bed_topic(bed, 1, topic);
    bed_send(bed, out, topic, 0, "warm");
    if (lost_before)
        rd_kafka_mock_push_request_errors(bed->mock, API_PRODUCE, 2, RD_KAFKA_RESP_ERR__TRANSPORT,
                                          refusal);
    else
        rd_kafka_mock_push_request_errors(bed->mock, API_PRODUCE, 1, refusal);
    send_text(out, topic, "x", &answer);
    WAIT_FOR(bed, 8000, answer.done);
    assert_true(answer.failed);
    kafka_out_free(out);
    return err_effect(answer.err.code);
}

// The first copy may have been written, whatever is said of the second.
static void a_refusal_after_a_lost_answer_does_not_say_that_nothing_was_sent(void **state)
{
    static const rd_kafka_resp_err_t refusals[] = { RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED,
                                                    RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE };
    struct bed                      *bed        = *state;
    bed_need_mock(bed);
    for (size_t i = 0; i < COUNT_OF(refusals); i++) {
        assert_int_equal(refuse(bed, refusals[i], false), EFFECT_NO);
        assert_int_equal(refuse(bed, refusals[i], true), EFFECT_MAYBE);
    }
}

static void a_send_outlives_a_broker_that_hangs_for_a_while(void **state)
{
    struct bed   *bed = *state;
    char          topic[NAME_BYTES];
    struct answer answer;
    bed_need_proxy(bed);
    struct kafka_settings settings = through_proxy(bed, 8000);
    struct kafka_out     *out      = out_new(bed, &settings);
    bed_topic(bed, 1, topic);
    bed_send(bed, out, topic, 0, "warm");
    proxy_set(bed->proxy, PROXY_HANG);
    send_text(out, topic, "x", &answer);
    bed_spend(bed, 2000);
    proxy_set(bed->proxy, PROXY_PASS);  // the old connection would go on, too
    WAIT_FOR(bed, 7000, answer.done);
    assert_false(answer.failed);
    kafka_out_free(out);
}

static void no_answer_in_time_is_a_timeout(void **state)
{
    struct bed   *bed = *state;
    char          topic[NAME_BYTES];
    struct answer answer;
    bed_need_proxy(bed);
    struct kafka_settings settings = through_proxy(bed, 1500);
    struct kafka_out     *out      = out_new(bed, &settings);
    bed_topic(bed, 1, topic);
    bed_send(bed, out, topic, 0, "warm");
    proxy_set(bed->proxy, PROXY_HANG);
    int64_t began = clock_monotonic_ms();
    send_text(out, topic, "x", &answer);
    WAIT_FOR(bed, 6000, answer.done);
    assert_true(answer.failed);
    assert_int_equal(answer.err.code, ERR_TIMEOUT);
    assert_in_range(answer.at_ms - began, 1300, 4000);
    proxy_set(bed->proxy, PROXY_PASS);
    proxy_cut(bed->proxy);
    kafka_out_free(out);
}

static void a_broker_that_is_not_there_is_a_timeout_and_unhealthy(void **state)
{
    struct bed           *bed = *state;
    struct answer         answer;
    struct kafka_settings settings = bed->settings;
    settings.brokers               = "127.0.0.1:1";
    settings.send_timeout_ms       = 1000;
    struct kafka_out *out          = out_new(bed, &settings);
    send_text(out, "nowhere", "x", &answer);
    WAIT_FOR(bed, 4000, answer.done);
    assert_int_equal(answer.err.code, ERR_TIMEOUT);
    assert_false(kafka_out_healthy(out));
    kafka_out_free(out);
}

static void health_follows_the_connection(void **state)
{
    struct bed *bed = *state;
    char        topic[NAME_BYTES];
    bed_need_proxy(bed);
    struct kafka_settings settings = through_proxy(bed, 5000);
    struct kafka_out     *out      = out_new(bed, &settings);
    bed_topic(bed, 1, topic);
    assert_false(kafka_out_healthy(out));
    WAIT_FOR(bed, 5000, kafka_out_healthy(out));
    proxy_set(bed->proxy, PROXY_REFUSE);
    proxy_cut(bed->proxy);
    WAIT_FOR(bed, 5000, !kafka_out_healthy(out));
    proxy_set(bed->proxy, PROXY_PASS);
    WAIT_FOR(bed, 8000, kafka_out_healthy(out));
    bed_send(bed, out, topic, 0, "x");
    kafka_out_free(out);
}

static void one_more_than_the_queue_takes_is_full(void **state)
{
    struct bed           *bed = *state;
    struct answer         answers[4];
    struct kafka_settings settings = bed->settings;
    settings.brokers               = "127.0.0.1:1";
    settings.queue_max_messages    = 3;
    settings.send_timeout_ms       = 60000;
    struct kafka_out *out          = out_new(bed, &settings);
    for (int i = 0; i < 4; i++)
        send_text(out, "t", "x", &answers[i]);
    WAIT_FOR(bed, 1000, answers[3].done);
    assert_int_equal(answers[3].err.code, ERR_FULL);
    assert_int_equal(kafka_out_pending(out), 3);
    for (int i = 0; i < 3; i++) {
        assert_false(answers[i].done);
        call_cancel(&answers[i].call);
    }
    kafka_out_free(out);
}

static void a_record_that_is_too_large_is_bad_input(void **state)
{
    struct bed       *bed = *state;
    char              topic[NAME_BYTES];
    struct answer     answer = { 0 };
    size_t            bytes  = 3 << 20;
    char             *large  = xcalloc(1, bytes);
    struct kafka_out *out    = bed_out(bed);
    bed_topic(bed, 1, topic);
    struct kafka_record record = { .topic = topic, .partition = 0, .value = { large, bytes } };
    kafka_send(out, &record, NULL, &answer.call, on_answer);
    assert_false(answer.done);
    WAIT_FOR(bed, 5000, answer.done);
    assert_int_equal(answer.err.code, ERR_INPUT);
    free(large);
    kafka_out_free(out);
}

static void a_topic_that_is_not_there_is_bad_input(void **state)
{
    struct bed       *bed = *state;
    struct answer     answer;
    struct kafka_out *out = bed_out(bed);
    if (bed->mock)  // it makes topics that are asked for
        send_text(out, "no such topic!", "x", &answer),
            rd_kafka_mock_topic_set_error(bed->mock, "no such topic!",
                                          RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
    else
        send_text(out, "no-such-topic", "x", &answer);
    WAIT_FOR(bed, 10000, answer.done);
    assert_true(answer.failed);
    assert_int_equal(answer.err.code, ERR_INPUT);
    kafka_out_free(out);
}

static void a_fatal_error_makes_a_new_producer(void **state)
{
    struct bed   *bed = *state;
    char          topic[NAME_BYTES];
    struct answer answer;
    bed_need_mock(bed);
    bed_topic(bed, 1, topic);
    rd_kafka_mock_push_request_errors(bed->mock, API_INIT_PRODUCER_ID, 1,
                                      RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED);
    struct kafka_out *out = bed_out(bed);
    send_text(out, topic, "x", &answer);
    WAIT_FOR(bed, 5000, answer.done);
    assert_true(answer.failed);
    assert_int_equal(answer.err.code, ERR_LOST);
    for (int i = 0; i < 50; i++) {
        send_text(out, topic, "y", &answer);
        WAIT_FOR(bed, 8000, answer.done);
        if (!answer.failed)
            break;
        assert_int_equal(answer.err.code, ERR_NOT_SENT);
        bed_spend(bed, 100);
    }
    assert_false(answer.failed);
    kafka_out_free(out);
}

static void a_cancelled_send_is_never_answered(void **state)
{
    struct bed         *bed = *state;
    char                topic[NAME_BYTES];
    struct answer       answer = { 0 };
    struct kafka_place *place  = xcalloc(1, sizeof *place);
    struct kafka_out   *out    = bed_out(bed);
    bed_topic(bed, 1, topic);
    struct kafka_record record = { .topic = topic, .partition = 0, .value = STR("x") };
    kafka_send(out, &record, place, &answer.call, on_answer);
    call_cancel(&answer.call);
    free(place);
    WAIT_FOR(bed, 5000, kafka_out_pending(out) == 0);
    assert_false(answer.done);
    kafka_out_free(out);
}

static void a_producer_goes_with_records_under_way(void **state)
{
    struct bed           *bed = *state;
    static struct answer  answers[1000];
    struct kafka_settings settings = bed->settings;
    settings.brokers               = "127.0.0.1:1";
    settings.send_timeout_ms       = 60000;
    struct kafka_out *out          = out_new(bed, &settings);
    for (int i = 0; i < 1000; i++)
        send_text(out, "t", "x", &answers[i]);
    for (int i = 0; i < 1000; i++)
        call_cancel(&answers[i].call);
    int64_t began = clock_monotonic_ms();
    kafka_out_free(out);
    assert_in_range(clock_monotonic_ms() - began, 0, 1000);
}

static void a_wrong_property_stops_the_start_and_names_its_line(void **state)
{
    struct bed           *bed = *state;
    struct error          err;
    char                  path[]   = "/tmp/kafka-properties-XXXXXX";
    int                   fd       = mkstemp(path);
    FILE                 *f        = fdopen(fd, "w");
    struct kafka_settings settings = bed->settings;
    fputs("# a comment\n\n linger.ms = 3 \nacks=0\nno.such.thing=1\n", f);
    fclose(f);
    settings.properties_file = path;
    assert_null(kafka_out_new(bed->loop, &settings, &err));
    assert_int_equal(err.code, ERR_SETTING);
    assert_non_null(strstr(err.message, ":5"));
    assert_non_null(strstr(err.message, "no.such.thing"));
    remove(path);
    assert_null(kafka_out_new(bed->loop, &settings, &err));
    assert_int_equal(err.code, ERR_SETTING);
}

static void ten_thousand_records_take_a_moment(void **state)
{
    struct bed       *bed = *state;
    char              topic[NAME_BYTES];
    struct kafka_out *out = bed_out(bed);
    bed_topic(bed, 1, topic);
    bed_send(bed, out, topic, 0, "warm");
    int64_t began = clock_monotonic_ms();
    bed_fill(bed, out, topic, 0, 0, 10000);
    print_message("10000 records: %lld ms\n", (long long)(clock_monotonic_ms() - began));
    kafka_out_free(out);
}

static void a_single_record_waits_for_little(void **state)
{
    struct bed       *bed = *state;
    char              topic[NAME_BYTES];
    struct kafka_out *out = bed_out(bed);
    bed_topic(bed, 1, topic);
    bed_send(bed, out, topic, 0, "warm");
    int64_t began = clock_monotonic_us();
    for (int i = 0; i < 100; i++)
        bed_send(bed, out, topic, 0, "x");
    print_message("one record: %lld us\n", (long long)(clock_monotonic_us() - began) / 100);
    kafka_out_free(out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_delivered_record_names_its_place),
        cmocka_unit_test(a_key_goes_where_java_puts_it),
        cmocka_unit_test(a_send_outlives_a_broker_that_errs),
        cmocka_unit_test(a_lost_answer_is_asked_for_again),
        cmocka_unit_test(a_refusal_after_a_lost_answer_does_not_say_that_nothing_was_sent),
        cmocka_unit_test(a_send_outlives_a_broker_that_hangs_for_a_while),
        cmocka_unit_test(no_answer_in_time_is_a_timeout),
        cmocka_unit_test(a_broker_that_is_not_there_is_a_timeout_and_unhealthy),
        cmocka_unit_test(health_follows_the_connection),
        cmocka_unit_test(one_more_than_the_queue_takes_is_full),
        cmocka_unit_test(a_record_that_is_too_large_is_bad_input),
        cmocka_unit_test(a_topic_that_is_not_there_is_bad_input),
        cmocka_unit_test(a_fatal_error_makes_a_new_producer),
        cmocka_unit_test(a_cancelled_send_is_never_answered),
        cmocka_unit_test(a_producer_goes_with_records_under_way),
        cmocka_unit_test(a_wrong_property_stops_the_start_and_names_its_line),
        cmocka_unit_test(ten_thousand_records_take_a_moment),
        cmocka_unit_test(a_single_record_waits_for_little),
    };
    return cmocka_run_group_tests(tests, bed_make, bed_break);
}
