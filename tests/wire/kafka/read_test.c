// SPDX-License-Identifier: Apache-2.0
#include "bed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/memory.h"
#include "io/kafka_read.h"

enum { PARTITIONS = 64, IDLE_MS = 3000 };

struct reader {
    struct bed        *bed;
    struct answer      answer;
    struct kafka_read *read;
    int64_t            messages;
    int64_t            last[PARTITIONS];  // offsets; -1: none
    int64_t            wrong;             // not the one after the last
    int64_t            cancel_at;         // after so many messages; 0: never
};

static void on_message(void *owner, const struct kafka_message *message)
{
    struct reader *reader = owner;
    assert_false(reader->cancel_at && reader->messages >= reader->cancel_at);
    reader->messages++;
    if (reader->last[message->partition] >= 0 &&
        message->offset != reader->last[message->partition] + 1)
        reader->wrong++;
    reader->last[message->partition] = message->offset;
    if (reader->cancel_at && reader->messages == reader->cancel_at)
        call_cancel(&reader->answer.call);
}

static void reader_start_at(struct reader *reader, struct bed *bed, const char *brokers,
                            const char *topic, const struct kafka_offset *from, size_t from_count)
{
    struct kafka_settings settings = bed->settings;
    settings.brokers               = brokers;
    *reader                        = (struct reader){ .bed = bed };
    for (int i = 0; i < PARTITIONS; i++)
        reader->last[i] = -1;
    reader->read = kafka_read_start(bed->loop, &settings, topic, from, from_count, IDLE_MS,
                                    on_message, reader, &reader->answer.call, on_answer);
    assert_false(reader->answer.done);
}

static void reader_start(struct reader *reader, struct bed *bed, const char *topic)
{
    reader_start_at(reader, bed, bed->brokers, topic, NULL, 0);
}

static void reader_wait(struct reader *reader)
{
    WAIT_FOR(reader->bed, 20000, reader->answer.done);
    if (reader->answer.failed)
        fail_msg("%s", reader->answer.err.message);
    assert_int_equal(reader->wrong, 0);
}

static void an_empty_topic_ends_at_once(void **state)
{
    struct bed         *bed = *state;
    char                topic[NAME_BYTES];
    struct reader       reader;
    struct kafka_offset ends[PARTITIONS];
    bed_topic(bed, 6, topic);
    int64_t began = clock_monotonic_ms();
    reader_start(&reader, bed, topic);
    reader_wait(&reader);
    print_message("empty: %lld ms\n", (long long)(reader.answer.at_ms - began));
    assert_in_range(reader.answer.at_ms - began, 0, 1500);
    assert_int_equal(kafka_read_count(reader.read), 0);
    assert_int_equal(kafka_read_ends(reader.read, ends, PARTITIONS), 6);
    assert_int_equal(ends[5].partition, 5);
    assert_int_equal(ends[5].offset, 0);
    kafka_read_free(reader.read);
}

static void many_partitions_are_read_to_their_ends(void **state)
{
    struct bed         *bed = *state;
    char                topic[NAME_BYTES];
    struct reader       reader;
    struct kafka_offset ends[PARTITIONS];
    bed_fill_topic(bed, 12, 100, topic);
    reader_start(&reader, bed, topic);
    reader_wait(&reader);
    assert_int_equal(reader.messages, 1200);
    assert_int_equal(kafka_read_count(reader.read), 1200);
    assert_int_equal(kafka_read_ends(reader.read, ends, PARTITIONS), 12);
    for (int i = 0; i < 12; i++)
        assert_int_equal(ends[i].offset, 100);
    kafka_read_free(reader.read);
}

static void a_reading_begins_where_it_is_told(void **state)
{
    struct bed               *bed = *state;
    char                      topic[NAME_BYTES];
    struct reader             reader;
    const struct kafka_offset from[] = { { 1, 90 }, { 2, 100 } };
    bed_fill_topic(bed, 3, 100, topic);
    reader_start_at(&reader, bed, bed->brokers, topic, from, 2);
    reader_wait(&reader);
    assert_int_equal(reader.messages, 100 + 10 + 0);
    assert_int_equal(reader.last[1], 99);
    assert_int_equal(reader.last[2], -1);
    kafka_read_free(reader.read);
}

static void nothing_is_read_of_a_partition_that_is_passed_over(void **state)
{
    struct bed               *bed = *state;
    char                      topic[NAME_BYTES];
    struct reader             reader;
    struct kafka_offset       ends[PARTITIONS];
    const struct kafka_offset from[] = { { 0, KAFKA_READ_NOTHING },
                                         { 1, 90 },
                                         { 2, KAFKA_READ_NOTHING } };
    bed_fill_topic(bed, 3, 100, topic);
    reader_start_at(&reader, bed, bed->brokers, topic, from, 3);
    reader_wait(&reader);
    assert_int_equal(reader.messages, 10);
    assert_int_equal(reader.last[1], 99);
    assert_int_equal(kafka_read_ends(reader.read, ends, PARTITIONS), 3);
    assert_int_equal(ends[0].offset, 100);
    kafka_read_free(reader.read);
}

static void the_newest_of_each_partition_are_read_alone(void **state)
{
    struct bed               *bed = *state;
    char                      topic[NAME_BYTES];
    struct reader             reader;
    const struct kafka_offset from[]   = { { 1, 50 } };
    const int64_t             counts[] = { 7, 0, 5000 }, found[] = { 7 + 50 + 7, 50, 300 - 50 };
    bed_fill_topic(bed, 3, 100, topic);
    for (size_t i = 0; i < COUNT_OF(counts); i++) {
        reader_start_at(&reader, bed, bed->brokers, topic, from, 1);
        kafka_read_newest(reader.read, counts[i]);
        reader_wait(&reader);
        assert_int_equal(reader.messages, found[i]);
        assert_int_equal(reader.last[1], 99);
        kafka_read_free(reader.read);
    }
}

static void an_offset_beyond_the_end_means_from_the_beginning(void **state)
{
    struct bed               *bed = *state;
    char                      topic[NAME_BYTES];
    struct reader             reader;
    const struct kafka_offset from[] = { { 0, 5000 } };
    bed_fill_topic(bed, 1, 100, topic);
    reader_start_at(&reader, bed, bed->brokers, topic, from, 1);
    reader_wait(&reader);
    assert_int_equal(reader.messages, 100);
    kafka_read_free(reader.read);
}

static void a_topic_that_does_not_exist_is_bad_input(void **state)
{
    struct bed   *bed = *state;
    struct reader reader;
    if (bed->mock)  // it makes topics that are asked for
        rd_kafka_mock_topic_set_error(bed->mock, "missing",
                                      RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
    reader_start(&reader, bed, "missing");
    WAIT_FOR(bed, 10000, reader.answer.done);
    assert_true(reader.answer.failed);
    assert_int_equal(reader.answer.err.code, ERR_INPUT);
    kafka_read_free(reader.read);
}

static void the_end_does_not_run_away_from_a_reader(void **state)
{
    struct bed       *bed = *state;
    char              topic[NAME_BYTES];
    struct reader     reader;
    struct kafka_out *out = bed_out(bed);
    bed_fill_topic(bed, 1, 2000, topic);
    reader_start(&reader, bed, topic);
    while (!reader.answer.done)
        bed_fill(bed, out, topic, 0, 0, 200);
    assert_false(reader.answer.failed);
    assert_int_equal(reader.wrong, 0);
    assert_true(reader.messages >= 2000);
    assert_true(reader.messages < 10000);
    int64_t at = reader.messages;
    bed_spend(bed, 200);
    assert_int_equal(reader.messages, at);
    kafka_out_free(out);
    kafka_read_free(reader.read);
}

// The gate reads on from these ends: a record that came in between and was not told must be behind
// them.
static void what_comes_to_a_partition_that_has_ended_is_left_for_the_next_reading(void **state)
{
    struct bed         *bed = *state;
    char                topic[NAME_BYTES];
    struct reader       reader;
    struct kafka_offset ends[PARTITIONS];
    bed_need_mock(bed);
    bed_fill_topic(bed, 2, 100, topic);
    rd_kafka_mock_partition_set_leader(bed->mock, topic, 1, -1);
    reader_start(&reader, bed, topic);
    WAIT_FOR(bed, 10000, reader.last[0] == 99);
    struct kafka_out *out = bed_out(bed);
    bed_fill(bed, out, topic, 0, 100, 5);
    bed_spend(bed, 1500);
    assert_false(reader.answer.done);
    rd_kafka_mock_partition_set_leader(bed->mock, topic, 1, 1);
    reader_wait(&reader);
    assert_int_equal(reader.messages, 200);
    assert_int_equal(reader.last[0], 99);
    assert_int_equal(kafka_read_ends(reader.read, ends, PARTITIONS), 2);
    assert_int_equal(ends[0].offset, 100);
    kafka_read_free(reader.read);
    kafka_out_free(out);
}

// An empty partition ends without a message that tells where.
static void so_is_what_comes_to_a_partition_that_had_nothing(void **state)
{
    struct bed         *bed = *state;
    char                topic[NAME_BYTES];
    struct reader       reader;
    struct kafka_offset ends[PARTITIONS];
    bed_need_mock(bed);
    bed_topic(bed, 2, topic);
    rd_kafka_mock_partition_set_leader(bed->mock, topic, 1, -1);
    reader_start(&reader, bed, topic);
    bed_spend(bed, 1000);
    struct kafka_out *out = bed_out(bed);
    bed_fill(bed, out, topic, 0, 0, 5);
    bed_spend(bed, 500);
    assert_false(reader.answer.done);
    rd_kafka_mock_partition_set_leader(bed->mock, topic, 1, 1);
    reader_wait(&reader);
    assert_int_equal(reader.messages, 0);
    assert_int_equal(kafka_read_ends(reader.read, ends, PARTITIONS), 2);
    assert_int_equal(ends[0].offset, 0);
    kafka_read_free(reader.read);
    kafka_out_free(out);
}

struct late {
    struct reader     reader;
    struct kafka_out *out;    // borrowed
    const char       *topic;  // borrowed
    struct answer     sent;
};

// What is sent here has been fetched when the loop turns again.
static void on_done_send(struct call *call, const struct error *err)
{
    struct late        *late   = container_of(call, struct late, reader.answer.call);
    struct kafka_record record = { .topic = late->topic, .partition = 0, .value = STR("late") };
    on_answer(call, err);
    kafka_send(late->out, &record, NULL, &late->sent.call, on_answer);
    nanosleep(&(struct timespec){ .tv_nsec = 500 * 1000000L }, NULL);
}

// Whoever has the answer works with what was read, and must not be told more meanwhile.
static void nothing_is_told_after_the_answer(void **state)
{
    struct bed *bed = *state;
    char        topic[NAME_BYTES];
    struct late late = { .out = bed_out(bed), .topic = topic };
    bed_topic(bed, 1, topic);
    bed_send(bed, late.out, topic, 0, "warm");
    const struct kafka_offset from = { 0, 1 };
    late.reader.read =
        kafka_read_start(bed->loop, &bed->settings, topic, &from, 1, IDLE_MS, on_message,
                         &late.reader, &late.reader.answer.call, on_done_send);
    WAIT_FOR(bed, 10000, late.reader.answer.done && late.sent.done);
    assert_false(late.reader.answer.failed || late.sent.failed);
    bed_spend(bed, 100);
    assert_int_equal(late.reader.messages, 0);
    kafka_read_free(late.reader.read);
    kafka_out_free(late.out);
}

static void a_follower_goes_on_after_the_end(void **state)
{
    struct bed       *bed = *state;
    char              topic[NAME_BYTES];
    struct reader     reader;
    struct kafka_out *out = bed_out(bed);
    bed_fill_topic(bed, 2, 10, topic);
    reader_start(&reader, bed, topic);
    kafka_read_follow(reader.read);
    reader_wait(&reader);
    assert_int_equal(reader.messages, 20);
    bed_fill(bed, out, topic, 0, 10, 30);
    bed_fill(bed, out, topic, 1, 10, 30);
    WAIT_FOR(bed, 5000, reader.messages == 80);
    bed_spend(bed, IDLE_MS + 500);  // silence is no failure any more
    bed_fill(bed, out, topic, 1, 40, 1);
    WAIT_FOR(bed, 5000, reader.messages == 81);
    assert_int_equal(reader.wrong, 0);
    kafka_out_free(out);
    kafka_read_free(reader.read);
}

static void following_may_begin_while_reading(void **state)
{
    struct bed       *bed = *state;
    char              topic[NAME_BYTES];
    struct reader     reader;
    struct kafka_out *out = bed_out(bed);
    bed_fill_topic(bed, 4, 3000, topic);
    reader_start(&reader, bed, topic);
    WAIT_FOR(bed, 5000, reader.messages > 0);
    if (!reader.answer.done)
        kafka_read_follow(reader.read);
    reader_wait(&reader);
    bed_fill(bed, out, topic, 0, 3000, 10);
    WAIT_FOR(bed, 5000, reader.last[0] == 3009);
    assert_int_equal(reader.messages, 12010);
    assert_int_equal(reader.wrong, 0);
    kafka_out_free(out);
    kafka_read_free(reader.read);
}

static void a_cancelled_reading_delivers_nothing_more(void **state)
{
    struct bed   *bed = *state;
    char          topic[NAME_BYTES];
    struct reader reader;
    bed_fill_topic(bed, 2, 1000, topic);
    reader_start(&reader, bed, topic);
    reader.cancel_at = 300;
    WAIT_FOR(bed, 5000, reader.messages == 300);
    bed_spend(bed, 300);
    assert_int_equal(reader.messages, 300);
    assert_false(reader.answer.done);
    kafka_read_free(reader.read);

    reader_start(&reader, bed, topic);  // and one that has not even begun
    call_cancel(&reader.answer.call);
    kafka_read_free(reader.read);
}

static void silence_is_a_failure(void **state)
{
    struct bed   *bed = *state;
    char          topic[NAME_BYTES];
    struct reader reader;
    bed_need_proxy(bed);
    bed_fill_topic(bed, 1, 1000, topic);
    proxy_set(bed->proxy, PROXY_HANG);
    int64_t began = clock_monotonic_ms();
    reader_start_at(&reader, bed, bed->through, topic, NULL, 0);
    WAIT_FOR(bed, 10000, reader.answer.done);
    assert_true(reader.answer.failed);
    assert_in_range(reader.answer.at_ms - began, IDLE_MS - 200, IDLE_MS + 1000);
    began = clock_monotonic_ms();
    kafka_read_free(reader.read);
    assert_in_range(clock_monotonic_ms() - began, 0, 500);
    proxy_set(bed->proxy, PROXY_PASS);
    proxy_cut(bed->proxy);

    reader_start_at(&reader, bed, "127.0.0.1:1", topic, NULL, 0);
    WAIT_FOR(bed, 10000, reader.answer.done);
    assert_int_equal(reader.answer.err.code, ERR_CONNECT);
    kafka_read_free(reader.read);
}

// A follower may be far behind the leader, and ends where it is: with a rack named, brokers send
// readers there.
static void the_leader_is_read_whatever_rack_the_properties_name(void **state)
{
    struct bed   *bed = *state;
    char          topic[NAME_BYTES];
    char          path[] = "/tmp/kafka-properties-XXXXXX";
    struct reader reader;
    bed_need_proxy(bed);
    bed_fill_topic(bed, 1, 10, topic);
    FILE *f = fdopen(mkstemp(path), "w");
    fputs("client.rack=rack-of-here\n", f);
    fclose(f);
    bed->settings.properties_file = path;
    const char *sought[]          = { topic, "rack-of-here" };
    bool        saw[]             = { false, true };
    for (size_t i = 0; i < COUNT_OF(sought); i++) {
        proxy_seek(bed->proxy, sought[i]);
        reader_start_at(&reader, bed, bed->through, topic, NULL, 0);
        reader_wait(&reader);
        assert_int_equal(reader.messages, 10);
        saw[i] = proxy_saw(bed->proxy);
        kafka_read_free(reader.read);
    }
    proxy_seek(bed->proxy, NULL);
    bed->settings.properties_file = NULL;
    remove(path);
    assert_true(saw[0]);
    assert_false(saw[1]);
}

static void a_partition_without_a_leader_is_a_failure_whatever_comes_to_the_others(void **state)
{
    struct bed   *bed = *state;
    char          topic[NAME_BYTES];
    struct reader reader;
    bed_need_mock(bed);
    bed_fill_topic(bed, 2, 10, topic);
    rd_kafka_mock_partition_set_leader(bed->mock, topic, 1, -1);
    struct kafka_out *out = bed_out(bed);
    reader_start(&reader, bed, topic);
    for (int i = 10; i < 60 && !reader.answer.done; i++) {
        bed_send(bed, out, topic, 0, "more");
        bed_spend(bed, 200);
    }
    assert_true(reader.answer.done && reader.answer.failed);
    assert_int_equal(reader.answer.err.code, ERR_TIMEOUT);
    kafka_read_free(reader.read);
    kafka_out_free(out);
}

static void a_cut_in_the_middle_is_mended(void **state)
{
    struct bed   *bed = *state;
    char          topic[NAME_BYTES];
    struct reader reader;
    bed_need_proxy(bed);
    bed_fill_topic(bed, 1, 20000, topic);
    proxy_cut_after(bed->proxy, 60000);
    reader_start_at(&reader, bed, bed->through, topic, NULL, 0);
    WAIT_FOR(bed, 20000, reader.answer.done);
    assert_false(reader.answer.failed);
    assert_int_equal(reader.messages, 20000);
    assert_int_equal(reader.wrong, 0);
    kafka_read_free(reader.read);
}

static void on_whole(void *owner, const struct kafka_message *message)
{
    int *seen = owner;
    assert_true(str_is(message->key, "key"));
    assert_true(message->timestamp_ms > 1700000000000);
    if (message->offset == 0) {
        assert_true(str_is(message->value, "v"));
        assert_int_equal(message->header_count, 2);
        assert_string_equal(message->headers[1].name, "why");
        assert_true(str_is(message->headers[1].value, "because"));
    } else {
        assert_null(message->value.p);
        assert_int_equal(message->header_count, 0);
    }
    ++*seen;
}

static void keys_headers_and_tombstones_survive(void **state)
{
    struct bed               *bed       = *state;
    const struct kafka_header headers[] = { { "a", STR("1") }, { "why", STR("because") } };
    char                      topic[NAME_BYTES];
    struct kafka_out         *out     = bed_out(bed);
    struct answer             sent[2] = { 0 };
    struct answer             answer  = { 0 };
    int                       seen    = 0;
    bed_topic(bed, 1, topic);
    struct kafka_record record = {
        .topic = topic, .key = STR("key"), .value = STR("v"), .headers = headers, .header_count = 2
    };
    kafka_send(out, &record, NULL, &sent[0].call, on_answer);
    record = (struct kafka_record){ .topic = topic, .key = STR("key") };
    kafka_send(out, &record, NULL, &sent[1].call, on_answer);
    WAIT_FOR(bed, 5000, sent[0].done && sent[1].done);
    struct kafka_read *read = kafka_read_start(bed->loop, &bed->settings, topic, NULL, 0, IDLE_MS,
                                               on_whole, &seen, &answer.call, on_answer);
    WAIT_FOR(bed, 5000, answer.done);
    assert_int_equal(seen, 2);
    kafka_read_free(read);
    kafka_out_free(out);
}

// A marker is the last record: no message has the offset before the end.
static void a_transactions_marker_at_the_end_is_passed(void **state)
{
    struct bed         *bed = *state;
    char                topic[NAME_BYTES];
    struct reader       reader;
    struct kafka_offset end;
    bed_need_real(bed);
    bed_topic(bed, 1, topic);
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "bootstrap.servers", bed->brokers, NULL, 0);
    rd_kafka_conf_set(conf, "transactional.id", topic, NULL, 0);
    rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, NULL, 0);
    assert_null(rd_kafka_init_transactions(rk, 10000));
    assert_null(rd_kafka_begin_transaction(rk));
    assert_int_equal(
        rd_kafka_producev(rk, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(0), RD_KAFKA_V_END), 0);
    assert_null(rd_kafka_commit_transaction(rk, 10000));
    rd_kafka_destroy(rk);
    bed_spend(bed, 1000);  // the coordinator writes it after it has answered

    reader_start(&reader, bed, topic);
    reader_wait(&reader);
    assert_int_equal(reader.messages, 1);
    assert_int_equal(kafka_read_ends(reader.read, &end, 1), 1);
    assert_int_equal(end.offset, 2);
    kafka_read_free(reader.read);
}

static void two_hundred_thousand_messages_take_seconds(void **state)
{
    struct bed   *bed = *state;
    char          topic[NAME_BYTES];
    struct reader reader;
    bed_fill_topic(bed, 4, 50000, topic);
    int64_t began = clock_monotonic_ms();
    reader_start(&reader, bed, topic);
    reader_wait(&reader);
    print_message("200000 messages: %lld ms\n", (long long)(reader.answer.at_ms - began));
    assert_int_equal(reader.messages, 200000);
    began = clock_monotonic_ms();
    kafka_read_free(reader.read);
    print_message("free: %lld ms\n", (long long)(clock_monotonic_ms() - began));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_topic_ends_at_once),
        cmocka_unit_test(many_partitions_are_read_to_their_ends),
        cmocka_unit_test(a_reading_begins_where_it_is_told),
        cmocka_unit_test(nothing_is_read_of_a_partition_that_is_passed_over),
        cmocka_unit_test(the_newest_of_each_partition_are_read_alone),
        cmocka_unit_test(an_offset_beyond_the_end_means_from_the_beginning),
        cmocka_unit_test(a_topic_that_does_not_exist_is_bad_input),
        cmocka_unit_test(the_end_does_not_run_away_from_a_reader),
        cmocka_unit_test(what_comes_to_a_partition_that_has_ended_is_left_for_the_next_reading),
        cmocka_unit_test(so_is_what_comes_to_a_partition_that_had_nothing),
        cmocka_unit_test(nothing_is_told_after_the_answer),
        cmocka_unit_test(a_follower_goes_on_after_the_end),
        cmocka_unit_test(following_may_begin_while_reading),
        cmocka_unit_test(a_cancelled_reading_delivers_nothing_more),
        cmocka_unit_test(silence_is_a_failure),
        cmocka_unit_test(a_partition_without_a_leader_is_a_failure_whatever_comes_to_the_others),
        cmocka_unit_test(the_leader_is_read_whatever_rack_the_properties_name),
        cmocka_unit_test(a_cut_in_the_middle_is_mended),
        cmocka_unit_test(keys_headers_and_tombstones_survive),
        cmocka_unit_test(a_transactions_marker_at_the_end_is_passed),
        cmocka_unit_test(two_hundred_thousand_messages_take_seconds),
    };
    return cmocka_run_group_tests(tests, bed_make, bed_break);
}
