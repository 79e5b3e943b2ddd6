// SPDX-License-Identifier: Apache-2.0
#include "bed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "io/kafka_in.h"

enum { PARTITIONS = 8 };

// a member of a group, and what it heard
struct member {
    struct bed      *bed;
    struct kafka_in *in;
    int32_t          has[PARTITIONS];      // partitions assigned
    size_t           count;                // of them
    int              assignments;
    int              revocations;
    int64_t          next[PARTITIONS];     // expected offset; -1: any
    int64_t          messages;
    int64_t          wrong;                // messages at another offset than expected
    int64_t          last[PARTITIONS];     // offset of the last message
    int32_t          out_of_range;         // partition; -1: none
    int              errors;
    bool             closed;
    int64_t          start_at;             // given to each partition when assigned; -100: nothing is
    void           (*on_message)(struct member *member, const struct kafka_message *message);  // NULL: nothing more
};

static void on_assigned(void *owner, const int32_t *partitions, size_t count)
{
    struct member *member = owner;
    member->assignments++;
    member->count = count;
    for (size_t i = 0; i < count; i++) {
        member->has[i] = partitions[i];
        if (member->start_at != -100) {
            member->next[partitions[i]] = member->start_at >= 0 ? member->start_at : -1;
            kafka_in_start(member->in, partitions[i], member->start_at);
        }
    }
}

static void on_revoked(void *owner)
{
    struct member *member = owner;
    member->revocations++;
    member->count = 0;
}

static void on_message(void *owner, const struct kafka_message *message)
{
    struct member *member = owner;
    int32_t        p      = message->partition;
    member->messages++;
    if (member->next[p] >= 0 && message->offset != member->next[p])
        member->wrong++;
    member->next[p] = message->offset + 1;
    member->last[p] = message->offset;
    if (member->on_message)
        member->on_message(member, message);
}

static void on_out_of_range(void *owner, int32_t partition)
{
    struct member *member = owner;
    member->out_of_range  = partition;
}

static void on_error(void *owner, const struct error *err)
{
    struct member *member = owner;
    (void)err;
    member->errors++;
}

static void on_closed(void *owner)
{
    struct member *member = owner;
    member->closed        = true;
    kafka_in_free(member->in);
    member->in = NULL;
}

static const struct kafka_in_events events = {
    .on_assigned     = on_assigned,
    .on_revoked      = on_revoked,
    .on_message      = on_message,
    .on_out_of_range = on_out_of_range,
    .on_error        = on_error,
};

static void member_join(struct member *member, struct bed *bed, const char *brokers, const char *group, const char *topic,
                        int64_t start_at)
{
    struct error          err;
    struct kafka_settings settings = bed->settings;
    settings.brokers               = brokers;
    *member                        = (struct member){ .bed = bed, .out_of_range = -1, .start_at = start_at };
    for (int i = 0; i < PARTITIONS; i++)
        member->next[i] = member->last[i] = -1;
    member->in = kafka_in_new(bed->loop, &settings, group, topic, &events, member, &err);
    if (!member->in)
        fail_msg("%s", err.message);
}

static void member_leave(struct member *member)
{
    kafka_in_close(member->in, on_closed);
    assert_false(member->closed);
    WAIT_FOR(member->bed, 6000, member->closed);
}

static struct kafka_out *out_new(struct bed *bed)
{
    struct error      err;
    struct kafka_out *out = kafka_out_new(bed->loop, &bed->settings, &err);
    assert_non_null(out);
    return out;
}

static void filled_topic(struct bed *bed, int32_t partitions, int count, char topic[NAME_BYTES])
{
    struct kafka_out *out = out_new(bed);
    bed_topic(bed, partitions, topic);
    for (int32_t p = 0; p < partitions; p++)
        bed_fill(bed, out, topic, p, 0, count);
    kafka_out_free(out);
}

static void nothing_is_fetched_before_the_owner_says_where(void **state)
{
    struct bed   *bed = *state;
    char          topic[NAME_BYTES];
    struct member member;
    filled_topic(bed, 2, 100, topic);
    member_join(&member, bed, bed->brokers, topic, topic, -100);
    WAIT_FOR(bed, 15000, member.assignments == 1);
    assert_int_equal(member.count, 2);
    bed_spend(bed, 500);
    assert_int_equal(member.messages, 0);

    member.next[0] = 40;
    kafka_in_start(member.in, 0, 40);
    WAIT_FOR(bed, 5000, member.last[0] == 99);
    assert_int_equal(member.messages, 60);
    member.next[1] = 99;
    kafka_in_start(member.in, 1, 99);
    WAIT_FOR(bed, 5000, member.last[1] == 99);
    bed_spend(bed, 300);
    assert_int_equal(member.messages, 61);
    assert_int_equal(member.wrong, 0);
    WAIT_FOR(bed, 3000, kafka_in_lag(member.in) == 0);
    member_leave(&member);
}

static void from_the_end_only_what_comes_later_is_seen(void **state)
{
    struct bed       *bed = *state;
    char              topic[NAME_BYTES];
    struct member     member;
    struct kafka_out *out = out_new(bed);
    filled_topic(bed, 2, 10, topic);
    member_join(&member, bed, bed->brokers, topic, topic, KAFKA_FROM_END);
    WAIT_FOR(bed, 15000, member.assignments == 1);
    bed_spend(bed, 1500);
    assert_int_equal(member.messages, 0);
    bed_fill(bed, out, topic, 0, 10, 5);
    WAIT_FOR(bed, 5000, member.messages == 5);
    assert_int_equal(member.last[0], 14);
    // partition 0 starts anew together with 1, from where it was
    bed_fill(bed, out, topic, 0, 15, 5);
    member.next[1] = 3;
    kafka_in_start(member.in, 1, 3);
    WAIT_FOR(bed, 5000, member.messages == 10 + 7);
    assert_int_equal(member.wrong, 0);
    kafka_out_free(out);
    member_leave(&member);
}

static void seeks_back_and_forward_under_load_deliver_exactly_from_there(void **state)
{
    struct bed   *bed = *state;
    char          topic[NAME_BYTES];
    struct member member;
    filled_topic(bed, 2, 3000, topic);
    member_join(&member, bed, bed->brokers, topic, topic, KAFKA_FROM_BEGINNING);
    WAIT_FOR(bed, 15000, member.messages > 10);
    srand(7);
    for (int i = 0; i < 60; i++) {
        int32_t p      = i % 3 == 0;
        member.next[p] = rand() % 2900;
        int64_t wanted = member.next[p];
        kafka_in_start(member.in, p, wanted);
        if (i % 2)
            WAIT_FOR(bed, 5000, member.last[p] >= wanted && member.last[p] < wanted + 3000 && member.next[p] > wanted);
        else
            bed_spend(bed, rand() % 30);
    }
    WAIT_FOR(bed, 20000, member.last[0] == 2999 && member.last[1] == 2999);
    print_message("%lld messages\n", (long long)member.messages);
    assert_int_equal(member.wrong, 0);
    member_leave(&member);
}

static void seek_in_message(struct member *member, const struct kafka_message *message)
{
    static int times;
    if (message->offset == 500 && times++ < 20) {
        member->next[message->partition] = 100;
        kafka_in_start(member->in, message->partition, 100);
    }
}

static void a_seek_from_within_a_message_drops_what_was_fetched(void **state)
{
    struct bed   *bed = *state;
    char          topic[NAME_BYTES];
    struct member member;
    filled_topic(bed, 1, 1000, topic);
    member_join(&member, bed, bed->brokers, topic, topic, 0);
    member.on_message = seek_in_message;
    WAIT_FOR(bed, 30000, member.last[0] == 999);
    assert_int_equal(member.wrong, 0);
    assert_int_equal(member.messages, 1000 + 20 * 401);
    member_leave(&member);
}

static void pauses_repeat_and_lose_nothing(void **state)
{
    struct bed   *bed = *state;
    char          topic[NAME_BYTES];
    struct member member;
    filled_topic(bed, 2, 5000, topic);
    member_join(&member, bed, bed->brokers, topic, topic, 0);
    WAIT_FOR(bed, 15000, member.messages > 10);
    for (int i = 0; i < 20 && member.messages < 10000; i++) {
        kafka_in_pause(member.in, true);
        kafka_in_pause(member.in, true);
        int64_t at = member.messages;
        bed_spend(bed, 20);
        assert_int_equal(member.messages, at);
        kafka_in_pause(member.in, false);
        kafka_in_pause(member.in, false);
        bed_spend(bed, 5);
    }
    WAIT_FOR(bed, 20000, member.messages == 10000);
    bed_spend(bed, 300);
    assert_int_equal(member.messages, 10000);
    assert_int_equal(member.wrong, 0);
    member_leave(&member);
}

static void a_paused_member_moves_and_starts_there(void **state)
{
    struct bed   *bed = *state;
    char          topic[NAME_BYTES];
    struct member member;
    filled_topic(bed, 1, 100, topic);
    member_join(&member, bed, bed->brokers, topic, topic, -100);
    kafka_in_pause(member.in, true);
    WAIT_FOR(bed, 15000, member.assignments == 1);
    kafka_in_start(member.in, 0, 10);
    bed_spend(bed, 300);
    assert_int_equal(member.messages, 0);
    member.next[0] = 90;
    kafka_in_start(member.in, 0, 90);
    kafka_in_pause(member.in, false);
    WAIT_FOR(bed, 5000, member.messages == 10);
    assert_int_equal(member.wrong, 0);
    member_leave(&member);
}

static void a_second_member_takes_over_a_share(void **state)
{
    struct bed   *bed = *state;
    char          topic[NAME_BYTES];
    struct member one;
    struct member two;
    filled_topic(bed, 4, 10, topic);
    member_join(&one, bed, bed->brokers, topic, topic, 0);
    WAIT_FOR(bed, 15000, one.messages == 40);
    assert_int_equal(one.revocations, 0);
    member_join(&two, bed, bed->brokers, topic, topic, 5);
    WAIT_FOR(bed, 20000, one.assignments == 2 && two.assignments >= 1 && one.count == 2 && two.count == 2);
    assert_int_equal(one.revocations, 1);
    WAIT_FOR(bed, 5000, two.messages == 10);
    WAIT_FOR(bed, 5000, one.messages == 60);
    member_leave(&two);
    WAIT_FOR(bed, 20000, one.count == 4);
    WAIT_FOR(bed, 5000, one.messages == 100);
    assert_int_equal(one.wrong + two.wrong, 0);
    member_leave(&one);
}

static void a_slow_owner_holds_up_no_rebalance(void **state)
{
    struct bed   *bed = *state;
    char          topic[NAME_BYTES];
    struct member one;
    struct member two;
    filled_topic(bed, 4, 10, topic);
    member_join(&one, bed, bed->brokers, topic, topic, -100);  // never says where
    WAIT_FOR(bed, 15000, one.assignments == 1);
    member_join(&two, bed, bed->brokers, topic, topic, 0);
    WAIT_FOR(bed, 20000, two.messages == 20);
    member_leave(&one);
    WAIT_FOR(bed, 20000, two.messages == 60);
    member_leave(&two);
}

static void an_offset_that_is_not_there_is_told_and_answered(void **state)
{
    struct bed   *bed = *state;
    char          topic[NAME_BYTES];
    struct member member;
    filled_topic(bed, 2, 50, topic);
    member_join(&member, bed, bed->brokers, topic, topic, -100);
    WAIT_FOR(bed, 15000, member.assignments == 1);
    kafka_in_start(member.in, 0, 0);
    kafka_in_start(member.in, 1, 777);
    WAIT_FOR(bed, 5000, member.out_of_range == 1);
    WAIT_FOR(bed, 5000, member.messages == 50);
    member.out_of_range = -1;
    bed_spend(bed, 1500);
    assert_int_equal(member.out_of_range, -1);
    kafka_in_start(member.in, 1, KAFKA_FROM_BEGINNING);
    WAIT_FOR(bed, 5000, member.messages == 100);
    assert_int_equal(member.wrong, 0);
    assert_int_equal(member.out_of_range, -1);
    // a move away at once: the old answer is no news any more
    kafka_in_start(member.in, 0, 888);
    bed_spend(bed, 3);
    member.next[0] = 10;
    kafka_in_start(member.in, 0, 10);
    WAIT_FOR(bed, 5000, member.messages == 140);
    bed_spend(bed, 1500);
    assert_int_equal(member.messages, 140);
    assert_int_equal(member.wrong, 0);
    member_leave(&member);
}

static int64_t committed(struct bed *bed, const char *group, const char *topic)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "bootstrap.servers", bed->brokers, NULL, 0);
    rd_kafka_conf_set(conf, "group.id", group, NULL, 0);
    rd_kafka_t                      *rk   = rd_kafka_new(RD_KAFKA_CONSUMER, conf, NULL, 0);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, topic, 0);
    assert_int_equal(rd_kafka_committed(rk, list, 5000), 0);
    int64_t offset = list->elems[0].offset;
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_destroy(rk);
    return offset;
}

static void what_is_done_is_committed_as_the_next_offset(void **state)
{
    struct bed   *bed = *state;
    char          topic[NAME_BYTES];
    struct member member;
    filled_topic(bed, 1, 50, topic);
    member_join(&member, bed, bed->brokers, topic, topic, 0);
    WAIT_FOR(bed, 15000, member.messages == 50);
    kafka_in_done(member.in, 0, 20);
    bed_spend(bed, 3500);
    assert_int_equal(committed(bed, topic, topic), 20);
    kafka_in_done(member.in, 0, 50);
    kafka_in_done(member.in, 5, 50);  // not ours: no matter
    member_leave(&member);
    assert_int_equal(committed(bed, topic, topic), 50);
}

static void a_cut_connection_loses_and_repeats_nothing(void **state)
{
    struct bed   *bed = *state;
    char          topic[NAME_BYTES];
    struct member member;
    bed_need_mock(bed);
    filled_topic(bed, 1, 20000, topic);
    member_join(&member, bed, bed->through, topic, topic, 0);
    WAIT_FOR(bed, 15000, member.assignments == 1);
    for (int i = 0; i < 5; i++) {
        proxy_cut_after(bed->proxy, 30000 + i * 777);
        bed_spend(bed, 300);
    }
    proxy_cut_after(bed->proxy, -1);
    WAIT_FOR(bed, 20000, member.messages == 20000);
    bed_spend(bed, 300);
    assert_int_equal(member.messages, 20000);
    assert_int_equal(member.wrong, 0);
    member_leave(&member);
}

static void a_broker_that_goes_is_told_once_and_found_again(void **state)
{
    struct bed       *bed = *state;
    char              topic[NAME_BYTES];
    struct member     member;
    bed_need_mock(bed);
    struct kafka_out *out = out_new(bed);
    filled_topic(bed, 1, 10, topic);
    member_join(&member, bed, bed->through, topic, topic, 0);
    WAIT_FOR(bed, 15000, member.messages == 10);
    bed_spend(bed, 1100);
    member.errors = 0;
    proxy_set(bed->proxy, PROXY_REFUSE);
    proxy_cut(bed->proxy);
    bed_spend(bed, 4000);
    assert_int_equal(member.errors, 1);
    proxy_set(bed->proxy, PROXY_PASS);
    bed_fill(bed, out, topic, 0, 10, 10);
    WAIT_FOR(bed, 15000, member.last[0] == 19);
    assert_int_equal(member.wrong, 0);
    kafka_out_free(out);
    member_leave(&member);
}

static void leaving_while_messages_come_tells_no_more_of_them(void **state)
{
    struct bed   *bed = *state;
    char          topic[NAME_BYTES];
    struct member member;
    filled_topic(bed, 4, 3000, topic);
    member_join(&member, bed, bed->brokers, topic, topic, 0);
    WAIT_FOR(bed, 15000, member.messages > 0);
    int64_t at = member.messages;
    kafka_in_close(member.in, on_closed);
    WAIT_FOR(bed, 6000, member.closed);
    assert_int_equal(member.messages, at);
}

static void a_member_can_go_without_leaving(void **state)
{
    struct bed   *bed = *state;
    char          topic[NAME_BYTES];
    struct member member;
    filled_topic(bed, 1, 10, topic);
    member_join(&member, bed, bed->brokers, topic, topic, 0);
    WAIT_FOR(bed, 15000, member.messages == 10);
    int64_t began = clock_monotonic_ms();
    kafka_in_free(member.in);
    print_message("free: %lld ms\n", (long long)(clock_monotonic_ms() - began));
    assert_in_range(clock_monotonic_ms() - began, 0, 1000);
}

static void leaving_ends_though_the_broker_hangs(void **state)
{
    struct bed   *bed = *state;
    char          topic[NAME_BYTES];
    struct member member;
    bed_need_mock(bed);
    filled_topic(bed, 1, 10, topic);
    member_join(&member, bed, bed->through, topic, topic, 0);
    WAIT_FOR(bed, 15000, member.messages == 10);
    kafka_in_done(member.in, 0, 10);
    proxy_set(bed->proxy, PROXY_HANG);
    kafka_in_close(member.in, on_closed);
    WAIT_FOR(bed, 8000, member.closed);
    proxy_set(bed->proxy, PROXY_PASS);
    proxy_cut(bed->proxy);
}

static void fast_enough(void **state)
{
    struct bed   *bed = *state;
    char          topic[NAME_BYTES];
    struct member member;
    filled_topic(bed, 1, 50000, topic);
    member_join(&member, bed, bed->brokers, topic, topic, -100);
    WAIT_FOR(bed, 15000, member.assignments == 1);
    int64_t began = clock_monotonic_ms();
    kafka_in_start(member.in, 0, 0);
    WAIT_FOR(bed, 20000, member.messages == 50000);
    print_message("50000 messages: %lld ms\n", (long long)(clock_monotonic_ms() - began));
    assert_int_equal(member.wrong, 0);
    member_leave(&member);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_fetched_before_the_owner_says_where),
        cmocka_unit_test(from_the_end_only_what_comes_later_is_seen),
        cmocka_unit_test(seeks_back_and_forward_under_load_deliver_exactly_from_there),
        cmocka_unit_test(a_seek_from_within_a_message_drops_what_was_fetched),
        cmocka_unit_test(pauses_repeat_and_lose_nothing),
        cmocka_unit_test(a_paused_member_moves_and_starts_there),
        cmocka_unit_test(a_second_member_takes_over_a_share),
        cmocka_unit_test(a_slow_owner_holds_up_no_rebalance),
        cmocka_unit_test(an_offset_that_is_not_there_is_told_and_answered),
        cmocka_unit_test(what_is_done_is_committed_as_the_next_offset),
        cmocka_unit_test(a_cut_connection_loses_and_repeats_nothing),
        cmocka_unit_test(a_broker_that_goes_is_told_once_and_found_again),
        cmocka_unit_test(leaving_while_messages_come_tells_no_more_of_them),
        cmocka_unit_test(a_member_can_go_without_leaving),
        cmocka_unit_test(leaving_ends_though_the_broker_hangs),
        cmocka_unit_test(fast_enough),
    };
    return cmocka_run_group_tests(tests, bed_make, bed_break);
}
