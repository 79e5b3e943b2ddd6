// SPDX-License-Identifier: Apache-2.0
// The group and the connection: members that come and go, brokers that do.
#include "member.h"

static void a_second_member_takes_over_a_share(void **state)
{
    struct bed   *bed = *state;
    char          topic[NAME_BYTES];
    struct member one;
    struct member two;
    bed_fill_topic(bed, 4, 10, topic);
    member_join(&one, bed, bed->brokers, topic, topic, 0);
    WAIT_FOR(bed, 15000, one.messages == 40);
    assert_int_equal(one.revocations, 0);
    member_join(&two, bed, bed->brokers, topic, topic, 5);
    WAIT_FOR(bed, 20000,
             one.assignments == 2 && two.assignments >= 1 && one.count == 2 && two.count == 2);
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
    bed_fill_topic(bed, 4, 10, topic);
    member_join(&one, bed, bed->brokers, topic, topic, START_NOTHING);  // never says where
    WAIT_FOR(bed, 15000, one.assignments == 1);
    member_join(&two, bed, bed->brokers, topic, topic, 0);
    WAIT_FOR(bed, 20000, two.messages == 20);
    member_leave(&one);
    WAIT_FOR(bed, 20000, two.messages == 60);
    member_leave(&two);
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
    bed_fill_topic(bed, 1, 50, topic);
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
    bed_need_proxy(bed);
    bed_fill_topic(bed, 1, 20000, topic);
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
    struct bed   *bed = *state;
    char          topic[NAME_BYTES];
    struct member member;
    bed_need_proxy(bed);
    struct kafka_out *out = bed_out(bed);
    bed_fill_topic(bed, 1, 10, topic);
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
    bed_fill_topic(bed, 4, 3000, topic);
    member_join(&member, bed, bed->brokers, topic, topic, 0);
    WAIT_FOR(bed, 15000, member.messages > 0);
    int64_t at = member.messages;
    member_begin_leave(&member);
    WAIT_FOR(bed, 6000, member.closed);
    assert_int_equal(member.messages, at);
}

static void a_member_can_go_without_leaving(void **state)
{
    struct bed   *bed = *state;
    char          topic[NAME_BYTES];
    struct member member;
    bed_fill_topic(bed, 1, 10, topic);
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
    bed_need_proxy(bed);
    bed_fill_topic(bed, 1, 10, topic);
    member_join(&member, bed, bed->through, topic, topic, 0);
    WAIT_FOR(bed, 15000, member.messages == 10);
    kafka_in_done(member.in, 0, 10);
    proxy_set(bed->proxy, PROXY_HANG);
    member_begin_leave(&member);
    WAIT_FOR(bed, 8000, member.closed);
    proxy_set(bed->proxy, PROXY_PASS);
    proxy_cut(bed->proxy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_second_member_takes_over_a_share),
        cmocka_unit_test(a_slow_owner_holds_up_no_rebalance),
        cmocka_unit_test(what_is_done_is_committed_as_the_next_offset),
        cmocka_unit_test(a_cut_connection_loses_and_repeats_nothing),
        cmocka_unit_test(a_broker_that_goes_is_told_once_and_found_again),
        cmocka_unit_test(leaving_while_messages_come_tells_no_more_of_them),
        cmocka_unit_test(a_member_can_go_without_leaving),
        cmocka_unit_test(leaving_ends_though_the_broker_hangs),
    };
    return cmocka_run_group_tests(tests, bed_make, bed_break);
}
