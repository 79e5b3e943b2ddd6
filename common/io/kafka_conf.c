// SPDX-License-Identifier: Apache-2.0
#include "io/kafka_conf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"

enum { PROPERTY_LINE_BYTES = 8192, QUEUE_BACKOFF_MS = 20 };

static bool conf_set(rd_kafka_conf_t *conf, const char *name, const char *value, struct error *err)
{
    char why[256] = "";
    if (rd_kafka_conf_set(conf, name, value, why, sizeof why) != RD_KAFKA_CONF_OK)
        return error_set(err, ERR_SETTING, "kafka property %s: %s", name, why);
    return true;
}

static bool conf_set_all(rd_kafka_conf_t *conf, const struct kafka_property *properties,
                         size_t count, struct error *err)
{
    for (size_t i = 0; i < count; i++) {
        char        number[24];
        const char *value = properties[i].text;
        if (!value) {
            snprintf(number, sizeof number, "%" PRId64, properties[i].number);
            value = number;
        }
        if (!conf_set(conf, properties[i].name, value, err))
            return false;
    }
    return true;
}

static bool is_fixed(const char *name, const struct kafka_property *fixed, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!strcmp(fixed[i].name, name))
            return true;
    return false;
}

// One `name=value`; empty lines and comments are fine. The line is changed.
static bool conf_set_line(rd_kafka_conf_t *conf, char *line, const struct kafka_property *fixed,
                          size_t fixed_count, struct error *err)
{
    struct str text = str_trim(str_of(line));
    struct str name;
    if (!text.len || *text.p == '#')
        return true;
    line[text.p - line + (ptrdiff_t)text.len] = '\0';
    struct str value                          = text;
    if (!memchr(text.p, '=', text.len) || !str_cut(&value, '=', &name))
        return error_set(err, ERR_SETTING, "not name=value");
    name                = str_trim(name);
    value               = str_trim(value);
    char *name_text     = line + (name.p - line);
    char *value_text    = value.len ? line + (value.p - line) : line + strlen(line);
    name_text[name.len] = '\0';
    if (is_fixed(name_text, fixed, fixed_count)) {
        log_debug("kafka property is not for the file", F_STR("name", name_text));
        return true;
    }
    return conf_set(conf, name_text, value_text, err);
}

static bool conf_set_file(rd_kafka_conf_t *conf, const char *path,
                          const struct kafka_property *fixed, size_t fixed_count, struct error *err)
{
    bool  ok   = false;
    int   at   = 0;
    char *line = xmalloc(PROPERTY_LINE_BYTES);
    FILE *f    = fopen(path, "re");
    if (!f) {
        error_set(err, ERR_SETTING, "kafka properties %s: %s", path, strerror(errno));
        goto out;
    }
    while (fgets(line, PROPERTY_LINE_BYTES, f)) {
        at++;
        if (strlen(line) == PROPERTY_LINE_BYTES - 1) {
            error_set(err, ERR_SETTING, "%s:%d: longer than %d bytes", path, at,
                      PROPERTY_LINE_BYTES - 2);
            goto out;
        }
        if (!conf_set_line(conf, line, fixed, fixed_count, err)) {
            error_wrap(err, "%s:%d", path, at);
            goto out;
        }
    }
    ok =
        !ferror(f) || error_set(err, ERR_SETTING, "kafka properties %s: %s", path, strerror(errno));
out:
    if (f)
        fclose(f);
    explicit_bzero(line, PROPERTY_LINE_BYTES);
    free(line);
    return ok;
}

// Before 2.2 a fetch queue that was full is looked at again after a whole second.
static bool has_queue_backoff(void)
{
    return rd_kafka_version() >= 0x02020000;
}

// Lines go through the queue; what comes outside it (another thread, at the end of a client) is not
// worth a lock.
static void on_stray_log(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
    (void)rk, (void)level, (void)facility, (void)text;
}

rd_kafka_conf_t *kafka_conf_new(const struct kafka_settings *settings,
                                const struct kafka_property *usual, size_t usual_count,
                                const struct kafka_property *fixed, size_t fixed_count,
                                struct error *err)
{
    static const struct kafka_property common[] = {
        { "socket.keepalive.enable", "true" },
        { "reconnect.backoff.max.ms", .number = 3000 },
        { "topic.metadata.refresh.interval.ms", .number = 60000 },
    };
    static const struct kafka_property ours[] = {
        { "log.queue", "true" },
        { "statistics.interval.ms", .number = 1000 },
    };
    static const struct kafka_property backoff = { "fetch.queue.backoff.ms",
                                                   .number = QUEUE_BACKOFF_MS };
    rd_kafka_conf_t                   *conf    = rd_kafka_conf_new();
    bool                               ok = conf_set_all(conf, common, COUNT_OF(common), err) &&
              conf_set_all(conf, &backoff, has_queue_backoff(), err) &&
              conf_set_all(conf, usual, usual_count, err);
    if (ok && settings->properties_file && *settings->properties_file)
        ok = conf_set_file(conf, settings->properties_file, fixed, fixed_count, err);
    if (ok && settings->brokers && *settings->brokers)
        ok = conf_set(conf, "bootstrap.servers", settings->brokers, err);
    if (ok && settings->client_id && *settings->client_id)
        ok = conf_set(conf, "client.id", settings->client_id, err);
    ok = ok && conf_set_all(conf, fixed, fixed_count, err) &&
         conf_set_all(conf, ours, COUNT_OF(ours), err);
    if (!ok) {
        rd_kafka_conf_destroy(conf);
        return NULL;
    }
    rd_kafka_conf_set_log_cb(conf, on_stray_log);
    rd_kafka_conf_set_events(conf, RD_KAFKA_EVENT_DR | RD_KAFKA_EVENT_FETCH | RD_KAFKA_EVENT_LOG |
                                       RD_KAFKA_EVENT_ERROR | RD_KAFKA_EVENT_REBALANCE |
                                       RD_KAFKA_EVENT_STATS);
    return conf;
}

int64_t kafka_conf_prefetch(int64_t few, int64_t enough)
{
    return has_queue_backoff() ? few : enough;
}

int64_t kafka_conf_kbytes(int64_t bytes, int64_t highest)
{
    int64_t kbytes = bytes / 1024;
    return kbytes < 1 ? 1 : kbytes > highest ? highest : kbytes;
}

/* Only what the broker or the library says for certain is more than "lost": the record may be in
 * the log. */
enum err_code kafka_error_of(rd_kafka_resp_err_t code)
{
    int number = (int)code;  // a foreign enum of 150 names: the default is meant
    switch (number) {
    case RD_KAFKA_RESP_ERR__MSG_TIMED_OUT:
    case RD_KAFKA_RESP_ERR__TIMED_OUT:
    case RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE:
    case RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT:
        return ERR_TIMEOUT;
    case RD_KAFKA_RESP_ERR__QUEUE_FULL:
        return ERR_FULL;
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE:
    case RD_KAFKA_RESP_ERR_INVALID_RECORD:
    case RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION:
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
    case RD_KAFKA_RESP_ERR__INVALID_ARG:
        return ERR_INPUT;
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_POLICY_VIOLATION:
        return ERR_REFUSED;
    default:
        return ERR_LOST;
    }
}

static size_t headers_of(const rd_kafka_message_t *from, struct kafka_header *headers, size_t max)
{
    rd_kafka_headers_t *list;
    size_t              count = 0;
    if (rd_kafka_message_headers(from, &list) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return 0;
    for (; count < max; count++) {
        const char *name;
        const void *value;
        size_t      len;
        if (rd_kafka_header_get_all(list, count, &name, &value, &len) != RD_KAFKA_RESP_ERR_NO_ERROR)
            break;
        headers[count] = (struct kafka_header){ .name = name, .value = { value, len } };
    }
    return count;
}

void kafka_message_of(const rd_kafka_message_t *from, struct kafka_message *to)
{
    to->topic        = rd_kafka_topic_name(from->rkt);
    to->partition    = from->partition;
    to->offset       = from->offset;
    to->timestamp_ms = rd_kafka_message_timestamp(from, NULL);
    to->key          = (struct str){ from->key, from->key_len };
    to->value        = (struct str){ from->payload, from->len };
    to->header_count = headers_of(from, to->headers, COUNT_OF(to->headers));
}

/* Connections that fail and come back are told once a change by kafka_client.c; librdkafka's own
 * lines about them come at every try. "Coordinator load in progress" is what a fresh cluster says
 * to the first idempotent producer. */
static enum log_level level_of(int level, const char *facility, const char *text)
{
    static const char *const routine[] = { "FAIL",      "ERROR",    "REQTMOUT",
                                           "GETPID",    "CONFWARN", "MAXPOLL",
                                           "SESSTMOUT", "FATAL",    "AUTOCREATE" };
    for (size_t i = 0; i < COUNT_OF(routine); i++)
        if (!strcmp(facility, routine[i]))
            return LOG_DEBUG;
    if (strstr(text, "Coordinator load in progress"))
        return LOG_DEBUG;
    return level <= 2 ? LOG_ERROR : level <= 4 ? LOG_WARN : level == 5 ? LOG_INFO : LOG_DEBUG;
}

void kafka_log(rd_kafka_event_t *event)
{
    const char *facility = "";
    const char *text     = "";
    int         level    = 7;
    if (!rd_kafka_event_log(event, &facility, &text, &level))
        log_at(level_of(level, facility, text), "kafka", F_STR("what", facility),
               F_STR("text", text));
}
