// SPDX-License-Identifier: Apache-2.0
#include "poller/topics.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/memory.h"
#include "io/kafka_admin.h"

enum { KEPT = 2, WRONG_MAX_BYTES = 1024, AGAIN_MS = 10000 };

struct topics {
    struct program     *program;  // borrowed
    struct kafka_admin *admin;    // owned
    struct call         call;
    struct timer        timer;         // the next look
    struct kafka_topic  wanted[KEPT];  // only compared
    struct buf          found;         // wrong, by the look under way
    struct buf          wrong;         // by the last one that was told
    bool                told;          // Kafka told of each of them, by the look under way
};

static const struct kafka_topic_config compacted = { "cleanup.policy", "compact" };

static void on_result(void *owner, const struct kafka_topic *topic, enum kafka_topic_state state,
                      const char *detail)
{
    struct topics *topics = owner;
    if (state == TOPIC_DRIFTED)
        buf_printf(&topics->found, "%stopic %s: %s", topics->found.len ? "; " : "", topic->name,
                   detail);
    else if (state != TOPIC_THERE || detail[0])
        topics->told = false;
    if (state == TOPIC_THERE && detail[0])
        log_info("not known whether Kafka keeps what it has to: tokfleet topics ensure may tell",
                 F_STR("topic", topic->name), F_STR("why", detail));
}

static void on_looked(struct call *call, const struct error *err)
{
    struct topics *topics   = container_of(call, struct topics, call);
    int64_t        check_ms = topics->program->config.topics_check_ms;
    if (topics->found.len || (!err && topics->told)) {
        buf_clear(&topics->wrong);
        buf_add(&topics->wrong, buf_str(&topics->found));
    }
    if (topics->wrong.len)
        log_error("Kafka deletes what has to be kept: no gate is opened until it is set right "
                  "(kafka-configs.sh --alter --add-config cleanup.policy=compact)",
                  F_STR("why", buf_text(&topics->wrong)));
    timer_start(&topics->timer, topics->wrong.len && check_ms > AGAIN_MS ? AGAIN_MS : check_ms);
}

static void on_timer(struct timer *timer)
{
    struct topics *topics = container_of(timer, struct topics, timer);
    buf_clear(&topics->found);
    topics->told = true;
    kafka_admin_ensure(topics->admin, topics->wanted, KEPT,
                       topics->program->config.kafka_send_timeout_ms, on_result, topics,
                       &topics->call, on_looked);
}

struct topics *topics_new(struct program *program, struct error *err)
{
    static const enum fleet_topic kept[KEPT] = { TOPIC_JOURNAL, TOPIC_ACCOUNTS };
    struct kafka_admin *admin = kafka_admin_new(program->loop, &program->kafka_settings, err);
    if (!admin)
        return NULL;
    struct topics *topics = xcalloc(1, sizeof *topics);
    topics->program       = program;
    topics->admin         = admin;
    for (size_t i = 0; i < KEPT; i++)
        topics->wanted[i] = (struct kafka_topic){ .name         = program->topics[kept[i]],
                                                  .configs      = &compacted,
                                                  .config_count = 1 };
    buf_init(&topics->found, WRONG_MAX_BYTES);
    buf_init(&topics->wrong, WRONG_MAX_BYTES);
    timer_init(&topics->timer, program->loop, on_timer);
    timer_start(&topics->timer, 0);
    return topics;
}

const char *topics_wrong(const struct topics *topics)
{
    return topics->wrong.len ? buf_text(&topics->wrong) : NULL;
}

void topics_drain(struct topics *topics)
{
    timer_stop(&topics->timer);
    call_cancel(&topics->call);
}

void topics_free(struct topics *topics)
{
    if (!topics)
        return;
    topics_drain(topics);
    timer_fini(&topics->timer);
    kafka_admin_free(topics->admin);
    buf_fini(&topics->found);
    buf_fini(&topics->wrong);
    free(topics);
}
