/* SPDX-License-Identifier: Apache-2.0 */
#include "marks.h"

#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct marks {
    rd_kafka_t *rk;  // owned; a consumer that never joins a group
};

bool marks_new(struct marks **out, const char *bootstraps, struct sim_error *err)
{
    static const char *const settings[][2] = {
        { "client.id", "kafka-sim-watch" },
        { "log_level", "2" },  // a broker taken down on purpose is no news
        { "topic.metadata.refresh.interval.ms", "-1" },
        { "reconnect.backoff.ms", "20" },
        { "reconnect.backoff.max.ms", "200" },
    };
    char             text[256] = "";
    rd_kafka_conf_t *conf      = rd_kafka_conf_new();
    struct marks    *marks     = calloc(1, sizeof *marks);

    if (!marks)
        abort();
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++)
        rd_kafka_conf_set(conf, settings[i][0], settings[i][1], NULL, 0);
    rd_kafka_conf_set(conf, "bootstrap.servers", bootstraps, NULL, 0);
    marks->rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, text, sizeof text);
    if (!marks->rk) {
        rd_kafka_conf_destroy(conf);
        free(marks);
        return sim_error_set(err, "librdkafka: %s", text);
    }
    *out = marks;
    return true;
}

void marks_free(struct marks *marks)
{
    if (!marks)
        return;
    rd_kafka_destroy(marks->rk);
    free(marks);
}

void mark_list_fini(struct mark_list *list)
{
    free(list->at);
    *list = (struct mark_list){ 0 };
}

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int left_ms(int64_t until_ms)
{
    int64_t left = until_ms - now_ms();

    return left > 1 ? (int)left : 1;
}

static int mark_compare(const void *a, const void *b)
{
    const struct mark *left  = a;
    const struct mark *right = b;
    int                order = strcmp(left->topic, right->topic);

    if (order)
        return order;
    return (left->partition > right->partition) - (left->partition < right->partition);
}

/* Every partition into `list`, and those that have a leader into `asked` too: the others would
 * make the whole question fail. */
static void list_partitions(const struct rd_kafka_metadata *metadata, struct mark_list *list,
                            rd_kafka_topic_partition_list_t *asked)
{
    size_t count = 0;

    for (int i = 0; i < metadata->topic_cnt; i++)
        count += (size_t)metadata->topics[i].partition_cnt;
    list->at = calloc(count + 1, sizeof *list->at);
    if (!list->at)
        abort();
    for (int i = 0; i < metadata->topic_cnt; i++) {
        const struct rd_kafka_metadata_topic *topic = &metadata->topics[i];
        for (int j = 0; j < topic->partition_cnt; j++) {
            struct mark *mark = &list->at[list->count++];
            snprintf(mark->topic, sizeof mark->topic, "%s", topic->topic);
            mark->partition = topic->partitions[j].id;
            mark->low       = MARK_UNKNOWN;
            mark->high      = MARK_UNKNOWN;
            if (!topic->err && topic->partitions[j].leader >= 0)
                rd_kafka_topic_partition_list_add(asked, topic->topic, mark->partition);
        }
    }
    qsort(list->at, list->count, sizeof *list->at, mark_compare);
}

/* One question for all partitions. `which` is RD_KAFKA_OFFSET_BEGINNING or _END: on the wire
 * they are the two timestamps that ListOffsets knows by name. */
static bool ask(struct marks *marks, rd_kafka_topic_partition_list_t *asked, int64_t which,
                int64_t until_ms, struct mark_list *list, struct sim_error *err)
{
    if (asked->cnt == 0)
        return true;
    for (int i = 0; i < asked->cnt; i++) {
        asked->elems[i].offset = which;
        asked->elems[i].err    = RD_KAFKA_RESP_ERR_NO_ERROR;
    }
    rd_kafka_resp_err_t code = rd_kafka_offsets_for_times(marks->rk, asked, left_ms(until_ms));
    if (code)
        return sim_error_set(err, "offsets: %s", rd_kafka_err2str(code));
    for (int i = 0; i < asked->cnt; i++) {
        const rd_kafka_topic_partition_t *answer = &asked->elems[i];
        struct mark                       key    = { .partition = answer->partition };
        snprintf(key.topic, sizeof key.topic, "%s", answer->topic);
        struct mark *mark = bsearch(&key, list->at, list->count, sizeof key, mark_compare);
        if (answer->err || !mark || answer->offset < 0)
            return sim_error_set(err, "offsets of %s [%d]: %s", answer->topic, answer->partition,
                                 rd_kafka_err2str(answer->err));
        *(which == RD_KAFKA_OFFSET_BEGINNING ? &mark->low : &mark->high) = answer->offset;
    }
    return true;
}

bool marks_read(struct marks *marks, bool with_high, int wait_ms, struct mark_list *out,
                struct sim_error *err)
{
    bool                             ok       = false;
    int64_t                          until_ms = now_ms() + wait_ms;
    struct mark_list                 list     = { 0 };
    const struct rd_kafka_metadata  *metadata = NULL;
    rd_kafka_topic_partition_list_t *asked    = rd_kafka_topic_partition_list_new(256);
    rd_kafka_resp_err_t code = rd_kafka_metadata(marks->rk, 1, NULL, &metadata, wait_ms);

    if (code) {
        sim_error_set(err, "metadata: %s", rd_kafka_err2str(code));
        goto out;
    }
    list_partitions(metadata, &list, asked);
    if (!ask(marks, asked, RD_KAFKA_OFFSET_BEGINNING, until_ms, &list, err))
        goto out;
    if (with_high && !ask(marks, asked, RD_KAFKA_OFFSET_END, until_ms, &list, err))
        goto out;
    *out = list;
    list = (struct mark_list){ 0 };
    ok   = true;
out:
    mark_list_fini(&list);
    rd_kafka_topic_partition_list_destroy(asked);
    if (metadata)
        rd_kafka_metadata_destroy(metadata);
    return ok;
}
