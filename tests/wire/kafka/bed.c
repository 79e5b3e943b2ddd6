// SPDX-License-Identifier: Apache-2.0
#include "bed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "io/kafka_admin.h"

static void mock_make(struct bed *bed)
{
    char             why[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    bed->host             = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof why);
    assert_non_null(bed->host);
    bed->mock = rd_kafka_mock_cluster_new(bed->host, 1);
    assert_non_null(bed->mock);
    snprintf(bed->brokers, sizeof bed->brokers, "%s", rd_kafka_mock_cluster_bootstraps(bed->mock));
}

static void proxy_make(struct bed *bed)
{
    bed->proxy = proxy_new(bed->brokers);
    assert_non_null(bed->proxy);
    snprintf(bed->through, sizeof bed->through, "127.0.0.1:%d", proxy_port(bed->proxy));
}

int bed_make(void **state)
{
    struct bed *bed  = xcalloc(1, sizeof *bed);
    const char *real = getenv("KAFKA_BROKERS");
    log_open(2, "test", getenv("TEST_DEBUG") ? LOG_DEBUG : LOG_ERROR);
    bed->loop = loop_new();
    if (real)
        snprintf(bed->brokers, sizeof bed->brokers, "%s", real);
    else
        mock_make(bed);
    if (!strncmp(bed->brokers, "127.0.0.1:", 10) && !strchr(bed->brokers, ','))
        proxy_make(bed);
    bed->settings = (struct kafka_settings){
        .brokers            = bed->brokers,
        .client_id          = "test",
        .send_timeout_ms    = 5000,
        .queue_max_messages = 100000,
        .queue_max_bytes    = 16 << 20,
        .fetch_max_bytes    = 4 << 20,
        .session_timeout_ms =
            real ? 6000 : 4000,  // the mock lets a first join wait for 3 s and drops a silent one
    };
    *state = bed;
    return 0;
}

int bed_break(void **state)
{
    struct bed *bed = *state;
    proxy_free(bed->proxy);
    if (bed->mock) {
        rd_kafka_mock_cluster_destroy(bed->mock);
        rd_kafka_destroy(bed->host);
    }
    loop_free(bed->loop);
    free(bed);
    return 0;
}

void bed_need_mock(const struct bed *bed)
{
    if (!bed->mock)
        skip();
}

void bed_need_proxy(const struct bed *bed)
{
    if (!bed->proxy)
        skip();
}

void bed_need_real(const struct bed *bed)
{
    if (bed->mock)
        skip();
}

void bed_fill_topic(struct bed *bed, int32_t partitions, int count, char topic[NAME_BYTES])
{
    struct kafka_out *out = bed_out(bed);
    bed_topic(bed, partitions, topic);
    for (int32_t p = 0; p < partitions; p++)
        bed_fill(bed, out, topic, p, 0, count);
    kafka_out_free(out);
}

struct kafka_out *bed_out(struct bed *bed)
{
    struct error      err;
    struct kafka_out *out = kafka_out_new(bed->loop, &bed->settings, &err);
    if (!out)
        fail_msg("%s", err.message);
    return out;
}

static void on_created(void *owner, const struct kafka_topic *topic, enum kafka_topic_state state,
                       const char *detail)
{
    (void)owner;
    if (state != TOPIC_CREATED)
        fail_msg("topic %s: %s", topic->name, detail);
}

void bed_topic(struct bed *bed, int32_t partitions, char name[NAME_BYTES])
{
    static int count;
    snprintf(name, NAME_BYTES, "t%lld-%d", (long long)clock_wall_ms(), ++count);
    if (bed->mock) {
        assert_int_equal(rd_kafka_mock_topic_create(bed->mock, name, partitions, 1), 0);
        return;
    }
    struct error        err;
    struct kafka_topic  topic  = { .name = name, .partitions = partitions, .replication = 1 };
    struct answer       answer = { 0 };
    struct kafka_admin *admin  = kafka_admin_new(bed->loop, &bed->settings, &err);
    assert_non_null(admin);
    kafka_admin_ensure(admin, &topic, 1, 10000, on_created, NULL, &answer.call, on_answer);
    WAIT_FOR(bed, 15000, answer.done);
    kafka_admin_free(admin);
    bed_spend(bed, 300);
}

void bed_spend(struct bed *bed, int64_t ms)
{
    int64_t until = clock_monotonic_ms() + ms;
    while (clock_monotonic_ms() < until)
        loop_turn(bed->loop, 5);
}

void on_answer(struct call *call, const struct error *err)
{
    struct answer *answer = container_of(call, struct answer, call);
    assert_false(answer->done);
    answer->done   = true;
    answer->failed = err != NULL;
    answer->at_ms  = clock_monotonic_ms();
    if (err)
        answer->err = *err;
}

int64_t bed_send(struct bed *bed, struct kafka_out *out, const char *topic, int32_t partition,
                 const char *value)
{
    struct answer       answer = { 0 };
    struct kafka_place  place  = { -1, -1 };
    struct kafka_record record = { .topic = topic, .partition = partition, .value = str_of(value) };
    kafka_send(out, &record, &place, &answer.call, on_answer);
    WAIT_FOR(bed, 10000, answer.done);
    if (answer.failed)
        fail_msg("send: %s", answer.err.message);
    assert_int_equal(place.partition, partition);
    return place.offset;
}

void bed_fill(struct bed *bed, struct kafka_out *out, const char *topic, int32_t partition,
              int from, int count)
{
    struct answer *answers = xcalloc((size_t)count, sizeof *answers);
    for (int i = 0; i < count; i++) {
        char value[16];
        snprintf(value, sizeof value, "%d", from + i);
        struct kafka_record record = { .topic     = topic,
                                       .partition = partition,
                                       .value     = str_of(value) };
        kafka_send(out, &record, NULL, &answers[i].call, on_answer);
    }
    for (int i = 0; i < count; i++) {
        WAIT_FOR(bed, 20000, answers[i].done);
        assert_false(answers[i].failed);
    }
    free(answers);
}
