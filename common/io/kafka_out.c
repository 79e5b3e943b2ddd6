// SPDX-License-Identifier: Apache-2.0
#include "io/kafka_out.h"

#include <assert.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/memory.h"
#include "io/kafka_client.h"
#include "loop/clock.h"

enum {
    RENEW_MS          = 1000,     // between two producers
    GRACE_MS          = 5000,     // librdkafka looks at its timeouts once a second
    MESSAGE_MAX_BYTES = 2097152,  // as the journal and the dead letters take it
    TOPIC_WAIT_MS     = 3000,     // a topic that is not there by then does not exist
    SOCKET_LEAST_MS   = 1000,
    SOCKET_MOST_MS    = 10000,
};

// a record on its way; librdkafka's opaque
struct sent {
    struct call        *call;   // NULL: nobody waits for it any more
    struct kafka_place *place;  // the caller's; may be NULL
    TAILQ_ENTRY(sent) entry;    // in kafka_out.sent
};

struct kafka_out {
    struct loop        *loop;    // borrowed
    rd_kafka_conf_t    *conf;    // owned; each producer gets a copy
    struct kafka_client client;  // client.rk NULL: between two producers
    TAILQ_HEAD(, sent) sent;     // not yet delivered
    int64_t      pending;        // how many they are
    int64_t      timeout_ms;     // of a record
    bool         fatal;          // this producer cannot go on
    int64_t      made_at_ms;     // monotonic, this producer
    struct timer renew;          // runs while a new producer is due
};

static void sent_free(struct kafka_out *out, struct sent *sent)
{
    TAILQ_REMOVE(&out->sent, sent, entry);
    out->pending--;
    free(sent);
}

static void on_cancel(struct call *call)
{
    struct sent *sent = call->adapter;
    sent->call        = NULL;
    sent->place       = NULL;
}

/* What is said of the last try is not true of those before it: one whose answer was lost may have
 * been written, and then refused when it was sent again. */
static enum err_code code_of(const rd_kafka_message_t *message)
{
    enum err_code code = kafka_error_of(message->err);
    bool          sure = rd_kafka_message_status(message) == RD_KAFKA_MSG_STATUS_NOT_PERSISTED;
    return sure || err_effect(code) == EFFECT_MAYBE ? code : ERR_LOST;
}

static void deliver(struct kafka_out *out, const rd_kafka_message_t *message)
{
    struct sent *sent = message->_private;
    struct error err;
    if (!message->err)
        kafka_client_well(&out->client);
    if (sent->call && message->err) {
        error_set(&err, code_of(message), "kafka topic %s: %s", rd_kafka_topic_name(message->rkt),
                  rd_kafka_err2str(message->err));
        kafka_client_explain(&out->client, &err);
        call_finish(sent->call, &err);
    } else if (sent->call) {
        if (sent->place)
            *sent->place = (struct kafka_place){ message->partition, message->offset };
        call_finish(sent->call, NULL);
    }
    sent_free(out, sent);
}

static void on_event(void *owner, rd_kafka_event_t *event)
{
    struct kafka_out *out = owner;
    if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_DR) {
        const rd_kafka_message_t *message;
        while ((message = rd_kafka_event_message_next(event)))
            deliver(out, message);
    } else if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_ERROR) {
        if (!rd_kafka_event_error_is_fatal(event)) {
            kafka_client_trouble(&out->client, event);
        } else if (!out->fatal) {
            out->fatal = true;
            log_warn("kafka producer cannot go on",
                     F_STR("why", rd_kafka_event_error_string(event)));
            timer_start(&out->renew, 0);
        }
    }
}

static const struct kafka_client_events client_events = { .on_event = on_event };

static bool make(struct kafka_out *out, struct error *err)
{
    out->fatal      = false;
    out->made_at_ms = clock_monotonic_ms();
    return kafka_client_init(&out->client, out->loop, "producer", RD_KAFKA_PRODUCER,
                             rd_kafka_conf_dup(out->conf), &client_events, out, err);
}

// The producer goes, and all that it knew: its delivery reports are not read any more.
static void unmake(struct kafka_out *out, const char *why)
{
    struct sent *sent;
    struct error err;
    if (out->client.rk)
        rd_kafka_purge(out->client.rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT |
                                           RD_KAFKA_PURGE_F_NON_BLOCKING);
    kafka_client_fini(&out->client, 0, true);
    error_set(&err, ERR_LOST, "kafka producer: %s", why);
    while ((sent = TAILQ_FIRST(&out->sent))) {
        if (sent->call)
            call_finish(sent->call, &err);
        sent_free(out, sent);
    }
}

static void on_renew(struct timer *timer)
{
    struct kafka_out *out = container_of(timer, struct kafka_out, renew);
    struct error      err;
    unmake(out, "it had to be made anew");
    int64_t wait_ms = out->made_at_ms + RENEW_MS - clock_monotonic_ms();
    if (wait_ms > 0) {
        timer_start(timer, wait_ms);
    } else if (!make(out, &err)) {
        log_warn("kafka producer", F_STR("why", err.message));
        timer_start(timer, RENEW_MS);
    }
}

static rd_kafka_conf_t *conf_of(const struct kafka_settings *settings, struct error *err)
{
    int64_t socket_ms = settings->send_timeout_ms / 2;
    socket_ms         = socket_ms < SOCKET_LEAST_MS ? SOCKET_LEAST_MS : socket_ms;
    socket_ms         = socket_ms > SOCKET_MOST_MS ? SOCKET_MOST_MS : socket_ms;

    const struct kafka_property usual[] = {
        { "linger.ms", .number = 1 },
        { "compression.type", settings->small_batches ? "none" : "lz4" },
        { "message.max.bytes", .number = MESSAGE_MAX_BYTES },
        { "socket.timeout.ms", .number = socket_ms },
        { "socket.nagle.disable", "true" },
        { "retry.backoff.ms", .number = 50 },
        { "topic.metadata.propagation.max.ms", .number = TOPIC_WAIT_MS },
    };
    const struct kafka_property fixed[] = {
        { "acks", "all" },
        { "enable.idempotence", "true" },
        { "partitioner", "murmur2_random" },  // as Java's clients do by key
        { "message.timeout.ms", .number = settings->send_timeout_ms },
        { "queue.buffering.max.messages", .number = settings->queue_max_messages },
        { "queue.buffering.max.kbytes",
          .number = kafka_conf_kbytes(settings->queue_max_bytes, INT32_MAX) },
    };
    return kafka_conf_new(settings, usual, COUNT_OF(usual), fixed, COUNT_OF(fixed), err);
}

struct kafka_out *kafka_out_new(struct loop *loop, const struct kafka_settings *settings,
                                struct error *err)
{
    struct kafka_out *out = xcalloc(1, sizeof *out);
    TAILQ_INIT(&out->sent);
    out->loop       = loop;
    out->timeout_ms = settings->send_timeout_ms;
    out->conf       = conf_of(settings, err);
    if (!out->conf || !make(out, err)) {
        if (out->conf)
            rd_kafka_conf_destroy(out->conf);
        free(out);
        return NULL;
    }
    timer_init(&out->renew, loop, on_renew);
    return out;
}

static rd_kafka_headers_t *headers_of(const struct kafka_record *record)
{
    rd_kafka_headers_t *headers = rd_kafka_headers_new(record->header_count);
    for (size_t i = 0; i < record->header_count; i++) {
        const struct kafka_header *header = &record->headers[i];
        rd_kafka_header_add(headers, header->name, -1, header->value.p, (ssize_t)header->value.len);
    }
    return headers;
}

static void *unconst(const char *p)
{
    union {
        const char *in;
        void       *out;
    } pointer = { .in = p };
    return pointer.out;  // librdkafka copies, it does not write
}

static bool produce(struct kafka_out *out, const struct kafka_record *record, struct sent *sent,
                    rd_kafka_resp_err_t *code, struct error *err)
{
    rd_kafka_vu_t vus[7];
    size_t        n = 0;
    vus[n++]        = (rd_kafka_vu_t){ .vtype = RD_KAFKA_VTYPE_TOPIC, .u.cstr = record->topic };
    vus[n++]        = (rd_kafka_vu_t){ .vtype = RD_KAFKA_VTYPE_PARTITION,
                                       .u.i32 = record->partition < 0 ? RD_KAFKA_PARTITION_UA
                                                                      : record->partition };
    vus[n++] = (rd_kafka_vu_t){ .vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY };
    vus[n++] = (rd_kafka_vu_t){ .vtype = RD_KAFKA_VTYPE_OPAQUE, .u.ptr = sent };
    vus[n++] = (rd_kafka_vu_t){ .vtype = RD_KAFKA_VTYPE_KEY,
                                .u.mem = { unconst(record->key.p), record->key.len } };
    vus[n++] = (rd_kafka_vu_t){ .vtype = RD_KAFKA_VTYPE_VALUE,
                                .u.mem = { unconst(record->value.p), record->value.len } };

    rd_kafka_headers_t *headers = record->header_count ? headers_of(record) : NULL;
    if (headers)
        vus[n++] = (rd_kafka_vu_t){ .vtype = RD_KAFKA_VTYPE_HEADERS, .u.headers = headers };
    rd_kafka_error_t *why = rd_kafka_produceva(out->client.rk, vus, n);
    if (!why)
        return true;
    if (headers)
        rd_kafka_headers_destroy(headers);
    *code = rd_kafka_error_code(why);
    error_set(err, kafka_error_of(*code), "kafka topic %s: %s", record->topic,
              rd_kafka_error_string(why));
    rd_kafka_error_destroy(why);
    return false;
}

// Refused here, a record was not sent: what kafka_error_of() calls lost has only not begun.
static bool out_send(struct kafka_out *out, const struct kafka_record *record, struct sent *sent,
                     struct error *err)
{
    rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_NO_ERROR;
    if (!out->client.rk || out->fatal)
        return error_set(err, ERR_NOT_SENT, "kafka producer: it is being made anew");
    if (produce(out, record, sent, &code, err))
        return true;
    if (code == RD_KAFKA_RESP_ERR__FATAL && !out->fatal) {
        out->fatal = true;
        timer_start(&out->renew, 0);
    }
    if (err_effect(err->code) == EFFECT_MAYBE)
        err->code = ERR_NOT_SENT;
    return false;
}

void kafka_send(struct kafka_out *out, const struct kafka_record *record, struct kafka_place *place,
                struct call *call, call_done *done)
{
    struct error err;
    struct sent *sent = xmalloc(sizeof *sent);
    *sent             = (struct sent){ .call = call, .place = place };
    TAILQ_INSERT_TAIL(&out->sent, sent, entry);
    out->pending++;
    call_begin(call, out->loop, "kafka", out->timeout_ms + GRACE_MS, done, on_cancel, sent);
    if (!out_send(out, record, sent, &err)) {
        sent_free(out, sent);
        call_finish(call, &err);
    }
}

int64_t kafka_out_pending(const struct kafka_out *out)
{
    return out->pending;
}

bool kafka_out_healthy(const struct kafka_out *out)
{
    return out->client.rk && !out->fatal && out->client.link == LINK_UP;
}

void kafka_out_free(struct kafka_out *out)
{
    struct sent *sent;
    if (!out)
        return;
    TAILQ_FOREACH (sent, &out->sent, entry)
        assert(!sent->call);
    timer_fini(&out->renew);
    unmake(out, "the program ends");
    rd_kafka_conf_destroy(out->conf);
    free(out);
}
