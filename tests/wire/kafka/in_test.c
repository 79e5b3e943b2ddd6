// SPDX-License-Identifier: Apache-2.0
// Where each partition begins, and that it goes on exactly from there.
#include <stdlib.h>

#include "member.h"

static void nothing_is_fetched_before_the_owner_says_where(void **state)
{
    struct bed   *bed = *state;
    char          topic[NAME_BYTES];
    struct member member;
    bed_fill_topic(bed, 2, 100, topic);
    member_join(&member, bed, bed->brokers, topic, topic, START_NOTHING);
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
    struct kafka_out *out = bed_out(bed);
    bed_fill_topic(bed, 2, 10, topic);
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
    bed_fill_topic(bed, 2, 3000, topic);
    member_join(&member, bed, bed->brokers, topic, topic, KAFKA_FROM_BEGINNING);
    WAIT_FOR(bed, 15000, member.messages > 10);
    srand(7);
    for (int i = 0; i < 60; i++) {
        int32_t p      = i % 3 == 0;
        member.next[p] = rand() % 2900;
        int64_t wanted = member.next[p];
        kafka_in_start(member.in, p, wanted);
        if (i % 2)
            WAIT_FOR(bed, 5000,
                     member.last[p] >= wanted && member.last[p] < wanted + 3000 &&
                         member.next[p] > wanted);
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
    bed_fill_topic(bed, 1, 1000, topic);
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
    bed_fill_topic(bed, 2, 5000, topic);
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

// librdkafka aborts when it is asked to stop a fetcher that is just stopping
static void moves_may_follow_each_other_at_once(void **state)
{
    struct bed   *bed = *state;
    char          topic[NAME_BYTES];
    struct member member;
    bed_fill_topic(bed, 4, 100, topic);
    member_join(&member, bed, bed->brokers, topic, topic, 0);
    WAIT_FOR(bed, 15000, member.messages == 400);
    for (int i = 0; i < 500; i++) {
        member.next[i % 4] = i % 90;
        kafka_in_start(member.in, i % 4, i % 90);
        kafka_in_pause(member.in, true);
        kafka_in_pause(member.in, false);
        loop_turn(bed->loop, 0);
    }
    for (int32_t p = 0; p < 4; p++) {
        member.next[p] = 40;
        member.last[p] = -1;
        kafka_in_start(member.in, p, 40);
    }
    for (int32_t p = 0; p < 4; p++)
        WAIT_FOR(bed, 5000, member.last[p] == 99);
    assert_int_equal(member.wrong, 0);
    member_leave(&member);
}

static void a_paused_member_moves_and_starts_there(void **state)
{
    struct bed   *bed = *state;
    char          topic[NAME_BYTES];
    struct member member;
    bed_fill_topic(bed, 1, 100, topic);
    member_join(&member, bed, bed->brokers, topic, topic, START_NOTHING);
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

static void an_offset_that_is_not_there_is_told_and_answered(void **state)
{
    struct bed   *bed = *state;
    char          topic[NAME_BYTES];
    struct member member;
    bed_fill_topic(bed, 2, 50, topic);
    member_join(&member, bed, bed->brokers, topic, topic, START_NOTHING);
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

static void fast_enough(void **state)
{
    struct bed   *bed = *state;
    char          topic[NAME_BYTES];
    struct member member;
    bed_fill_topic(bed, 1, 50000, topic);
    member_join(&member, bed, bed->brokers, topic, topic, START_NOTHING);
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
        cmocka_unit_test(moves_may_follow_each_other_at_once),
        cmocka_unit_test(a_paused_member_moves_and_starts_there),
        cmocka_unit_test(an_offset_that_is_not_there_is_told_and_answered),
        cmocka_unit_test(fast_enough),
    };
    return cmocka_run_group_tests(tests, bed_make, bed_break);
}
