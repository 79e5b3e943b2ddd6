// SPDX-License-Identifier: Apache-2.0
#include "io/kafka_client.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "loop/clock.h"

enum {
    TURN_EVENTS   = 1000,
    TURN_US       = 10 * 1000,
    TICK_MS       = 1000,
    TELL_AGAIN_MS = 60 * 1000,
    GRAVE_WAIT_MS = 200,
};

void kafka_client_well(struct kafka_client *client)
{
    if (client->link == LINK_UP)
        return;
    if (client->link == LINK_DOWN)
        log_info("kafka is back", F_STR("client", client->name));
    client->link = LINK_UP;
    client->told = RD_KAFKA_RESP_ERR_NO_ERROR;
}

static void tell(struct kafka_client *client, rd_kafka_resp_err_t code, const char *text)
{
    int64_t      now = clock_monotonic_ms();
    struct error err;
    if (code == client->told && now - client->told_at_ms < TELL_AGAIN_MS)
        return;
    client->told       = code;
    client->told_at_ms = now;
    error_set(&err, ERR_CONNECT, "kafka %s: %s", client->name, text);
    if (client->events->on_trouble)
        client->events->on_trouble(client->owner, &err);
    else
        log_warn("kafka trouble", F_STR("client", client->name), F_STR("why", text));
}

static bool is_refused(rd_kafka_resp_err_t code)
{
    return code == RD_KAFKA_RESP_ERR__AUTHENTICATION || code == RD_KAFKA_RESP_ERR__SSL;
}

static void tell_down(struct kafka_client *client)
{
    char text[KAFKA_REASON_BYTES + 64];
    if (client->link == LINK_DOWN)
        return;
    client->link = LINK_DOWN;
    if (is_refused(client->told))
        return;  // that said it all, and why
    client->told = RD_KAFKA_RESP_ERR_NO_ERROR;
    snprintf(text, sizeof text, "no broker can be reached%s%s", *client->reason ? ": " : "",
             client->reason);
    tell(client, RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, text);
}

/* Before 2.6.1 librdkafka says the client's nonce twice (its #4895), which Kafka 4 answers as if
 * the password were wrong. */
static void tell_refused(struct kafka_client *client, rd_kafka_resp_err_t code, const char *text)
{
    char with_hint[ERROR_MESSAGE_BYTES];
    bool too_old = code == RD_KAFKA_RESP_ERR__AUTHENTICATION && rd_kafka_version() < 0x02060100 &&
                   strstr(text, "SCRAM");
    snprintf(with_hint, sizeof with_hint, "%.190s%s%.8s%s", text,
             too_old ? " (SCRAM of librdkafka " : "", too_old ? rd_kafka_version_str() : "",
             too_old ? " is refused by Kafka 4: 2.6.1 is needed, or PLAIN over TLS)" : "");
    tell(client, code, too_old ? with_hint : text);
}

void kafka_client_explain(const struct kafka_client *client, struct error *err)
{
    bool unreached = err->code == ERR_CONNECT || err->code == ERR_TIMEOUT;
    if (unreached && client->link != LINK_UP && *client->reason) {
        struct error bare = *err;
        error_set(err, bare.code, "%.100s: %s", bare.message, client->reason);
    }
}

void kafka_client_trouble(struct kafka_client *client, rd_kafka_event_t *event)
{
    rd_kafka_resp_err_t code   = rd_kafka_event_error(event);
    int                 number = (int)code;
    const char         *text   = rd_kafka_event_error_string(event);
    switch (number) {
    case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
        tell_down(client);
        break;
    case RD_KAFKA_RESP_ERR__TRANSPORT:
    case RD_KAFKA_RESP_ERR__RESOLVE:
    case RD_KAFKA_RESP_ERR__TIMED_OUT:
        snprintf(client->reason, sizeof client->reason, "%s", text ? text : "");
        log_debug("kafka connection", F_STR("client", client->name), F_STR("why", client->reason));
        break;
    case RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS:
    case RD_KAFKA_RESP_ERR__PARTITION_EOF:
        break;
    default:
        text = text && *text ? text : rd_kafka_err2str(code);
        snprintf(client->reason, sizeof client->reason, "%s", text);
        tell_refused(client, code, text);
    }
}

static void handle(struct kafka_client *client, rd_kafka_event_t *event)
{
    switch (rd_kafka_event_type(event)) {
    case RD_KAFKA_EVENT_LOG:
        kafka_log(event);
        break;
    case RD_KAFKA_EVENT_STATS:
        if (strstr(rd_kafka_event_stats(event), "\"state\":\"UP\""))
            kafka_client_well(client);
        break;
    default:
        client->events->on_event(client->owner, event);
    }
}

static void drain(struct kafka_client *client)
{
    int64_t until = clock_monotonic_us() + TURN_US;
    assert(!client->draining);
    client->draining = true;
    for (int i = 0; i < TURN_EVENTS && clock_monotonic_us() < until && !client->held; i++) {
        rd_kafka_event_t *event = rd_kafka_queue_poll(client->queue, 0);
        if (!event) {
            client->draining = false;
            return;
        }
        handle(client, event);
        rd_kafka_event_destroy(event);
    }
    client->draining = false;
    if (!client->held)
        timer_start(&client->more, 0);
}

void kafka_client_hold(struct kafka_client *client, bool held)
{
    client->held = held;
    if (!held)
        timer_start(&client->more, 0);
}

static void on_ready(struct watch *watch, int what)
{
    (void)what;
    struct kafka_client *client = container_of(watch, struct kafka_client, watch);
    eventfd_t            count;
    eventfd_read(client->fd, &count);
    if (!timer_running(&client->more))
        drain(client);
}

static void on_more(struct timer *timer)
{
    drain(container_of(timer, struct kafka_client, more));
}

static void on_tick(struct timer *timer)
{
    struct kafka_client *client = container_of(timer, struct kafka_client, tick);
    timer_start(timer, TICK_MS);
    drain(client);
    if (client->events->on_tick)
        client->events->on_tick(client->owner);  // the last step: it may end the client
}

void kafka_client_use_queue(struct kafka_client *client, rd_kafka_queue_t *queue)
{
    static const uint64_t one = 1;
    if (client->queue) {
        rd_kafka_queue_io_event_enable(client->queue, -1, NULL, 0);
        rd_kafka_queue_destroy(client->queue);
    }
    client->queue = queue;
    rd_kafka_queue_io_event_enable(queue, client->fd, &one, sizeof one);
    rd_kafka_set_log_queue(client->rk, queue);
    timer_start(&client->more, 0);  // what is in it already
}

bool kafka_client_init(struct kafka_client *client, struct loop *loop, const char *name,
                       rd_kafka_type_t type, rd_kafka_conf_t *conf,
                       const struct kafka_client_events *events, void *owner, struct error *err)
{
    char why[256] = "";
    *client       = (struct kafka_client){
              .loop = loop, .name = name, .events = events, .owner = owner, .fd = -1
    };
    client->rk = rd_kafka_new(type, conf, why, sizeof why);
    if (!client->rk) {
        rd_kafka_conf_destroy(conf);
        return error_set(err, ERR_SETTING, "kafka %s: %s", name, why);
    }
    client->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    assert(client->fd >= 0);
    watch_init(&client->watch, loop, client->fd, on_ready);
    watch_set(&client->watch, WATCH_READ);
    timer_init(&client->more, loop, on_more);
    timer_init(&client->tick, loop, on_tick);
    timer_start(&client->tick, TICK_MS);
    if (type == RD_KAFKA_CONSUMER)
        rd_kafka_poll_set_consumer(client->rk);  // harmless without a group
    rd_kafka_queue_t *queue =
        type == RD_KAFKA_CONSUMER ? rd_kafka_queue_get_consumer(client->rk) : NULL;
    kafka_client_use_queue(client, queue ? queue : rd_kafka_queue_get_main(client->rk));
    return true;
}

// what a client leaves behind
struct grave {
    rd_kafka_t          *rk;
    struct kafka_lookup *lookup;   // NULL: none
    rd_kafka_topic_t    *topic;    // NULL: none
    int32_t              started;  // partitions of it
    int                  flags;
};

static void *bury(void *argument)
{
    struct grave *grave = argument;
    if (grave->lookup)
        kafka_lookup_join(grave->lookup);
    for (int32_t i = 0; i < grave->started; i++)
        rd_kafka_consume_stop(grave->topic, i);
    if (grave->topic)
        rd_kafka_topic_destroy(grave->topic);
    rd_kafka_destroy_flags(grave->rk, grave->flags);
    free(grave);
    return NULL;
}

static void join_grave(struct kafka_client *client)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += GRAVE_WAIT_MS * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    if (pthread_clockjoin_np(client->grave, NULL, CLOCK_MONOTONIC, &until))
        pthread_detach(client->grave);
    client->buried = false;
}

static void start_grave(struct kafka_client *client, int flags)
{
    struct grave *grave = xmalloc(sizeof *grave);
    *grave = (struct grave){ client->rk, client->lookup, client->topic, client->started, flags };
    client->rk     = NULL;
    client->lookup = NULL;
    client->buried = kafka_thread_start(&client->grave, bury, grave);
    if (!client->buried)
        bury(grave);
}

void kafka_client_fini(struct kafka_client *client, int flags, bool wait)
{
    assert(!client->draining);
    if (client->rk) {
        if (client->lookup)
            kafka_lookup_abandon(client->lookup);
        rd_kafka_queue_io_event_enable(client->queue, -1, NULL, 0);
        rd_kafka_queue_destroy(client->queue);
        watch_fini(&client->watch);
        timer_fini(&client->more);
        timer_fini(&client->tick);
        close(client->fd);
        start_grave(client, flags);
    }
    if (client->buried && wait)
        join_grave(client);
}
