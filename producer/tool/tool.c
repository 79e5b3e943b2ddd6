// SPDX-License-Identifier: Apache-2.0
#include "producer/tool/tool.h"

#include <assert.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "loop/clock.h"

enum {
    TURN_MS          = 100,
    ANSWER_MAX_BYTES = 64 * 1024 * 1024,
    BACKOFF_MIN_MS   = 50,
    LOG_DRAIN_MS     = 200
};

static void on_signal(struct signal_watch *watch, int number)
{
    struct tool *tool = number == SIGINT ? container_of(watch, struct tool, signals[0])
                                         : container_of(watch, struct tool, signals[1]);
    tool->interrupted = true;
}

void tool_open_bare(struct tool *tool, bool verbose)
{
    memset(tool, 0, sizeof *tool);
    log_open(STDERR_FILENO, "tokfleet", verbose ? LOG_DEBUG : LOG_ERROR);
    out_init(&tool->out, stdout);
    out_init(&tool->err, stderr);
}

bool tool_open(struct tool *tool, char *const *environment, bool verbose, struct error *err)
{
    tool_open_bare(tool, verbose);
    if (!config_read(environment, &tool->config, err))
        return false;
    tool->loop = loop_new();
    signal_watch_init(&tool->signals[0], tool->loop, SIGINT, on_signal);
    signal_watch_init(&tool->signals[1], tool->loop, SIGTERM, on_signal);
    return true;
}

void tool_close(struct tool *tool)
{
    if (tool->loop) {
        kafka_out_free(tool->kafka);
        store_free(tool->store);
        redis_free(tool->redis);
        signal_watch_fini(&tool->signals[0]);
        signal_watch_fini(&tool->signals[1]);
        loop_free(tool->loop);
        config_free(&tool->config);
    }
    log_drain(LOG_DRAIN_MS);
}

void tool_kafka_settings(const struct tool *tool, struct kafka_settings *settings)
{
    const struct config *config = &tool->config;
    *settings                   = (struct kafka_settings){
                          .brokers            = config->kafka_brokers,
                          .properties_file    = config->kafka_properties[0] ? config->kafka_properties : NULL,
                          .client_id          = "tokfleet",
                          .send_timeout_ms    = config->kafka_send_timeout_ms,
                          .queue_max_messages = config->kafka_queue_messages,
                          .queue_max_bytes    = config->kafka_queue_bytes,
                          .fetch_max_bytes    = config->kafka_fetch_bytes,
                          .session_timeout_ms = config->kafka_session_ms,
    };
}

struct kafka_out *tool_kafka(struct tool *tool, struct error *err)
{
    struct kafka_settings settings;
    tool_kafka_settings(tool, &settings);
    if (!tool->kafka)
        tool->kafka = kafka_out_new(tool->loop, &settings, err);
    return tool->kafka;
}

struct store *tool_store(struct tool *tool, struct error *err)
{
    const struct config  *config   = &tool->config;
    struct redis_settings settings = {
        .url           = config->redis_url,
        .ca_file       = config->redis_ca[0] ? config->redis_ca : NULL,
        .sentinel_user = config->redis_sentinel_user[0] ? config->redis_sentinel_user : NULL,
        .sentinel_password =
            config->redis_sentinel_password[0] ? config->redis_sentinel_password : NULL,
        .connect_ms       = config->redis_timeout_ms,
        .backoff_min_ms   = BACKOFF_MIN_MS,
        .backoff_max_ms   = config->redis_backoff_max_ms,
        .in_flight_max    = config->redis_in_flight,
        .answer_max_bytes = ANSWER_MAX_BYTES,
    };
    if (tool->store)
        return tool->store;
    tool->redis = redis_new(tool->loop, &settings, err);
    if (!tool->redis) {
        error_wrap(err, "TOKFLEET_REDIS_URL");
        return NULL;
    }
    tool->store = store_new(tool->loop, tool->redis, config);
    return tool->store;
}

void tool_topic(const struct tool *tool, enum fleet_topic topic, char out[TOPIC_NAME_BYTES])
{
    fleet_topic_name(tool->config.fleet, topic, out, TOPIC_NAME_BYTES);
}

void tool_turn(struct tool *tool, int64_t at_most_ms)
{
    loop_turn(tool->loop, at_most_ms);
    if (log_pending())
        log_flush();
}

void wait_done(struct call *call, const struct error *err)
{
    struct wait *wait = container_of(call, struct wait, call);
    wait->failed      = err != NULL;
    if (err)
        wait->error = *err;
}

static bool interrupted(struct error *err)
{
    return error_set(err, ERR_NOT_SENT, "interrupted");
}

bool tool_wait(struct tool *tool, struct wait *wait, struct error *err)
{
    while (call_busy(&wait->call) && !tool->interrupted)
        tool_turn(tool, TURN_MS);
    if (call_busy(&wait->call)) {
        call_cancel(&wait->call);
        return interrupted(err);
    }
    if (wait->failed)
        *err = wait->error;
    return !wait->failed;
}

bool tool_idle(struct tool *tool, int64_t ms)
{
    int64_t until = clock_monotonic_ms() + ms;
    for (int64_t left = ms; left > 0 && !tool->interrupted; left = until - clock_monotonic_ms())
        tool_turn(tool, left < TURN_MS ? left : TURN_MS);
    return !tool->interrupted;
}

void ask_begin(const struct tool *tool, struct ask *ask, const char *command, const char *what,
               struct str id)
{
    assert(tool->store);
    redis_reply_fini(&ask->reply);
    ask->argv[0] = str_of(command);
    ask->argc    = 1;
    if (!what)
        return;
    store_key(tool->store, &ask->key, what, id);
    ask->argv[ask->argc++] = buf_str(&ask->key);
}

void ask_add(struct ask *ask, const char *argument)
{
    assert(ask->argc < COUNT_OF(ask->argv));
    ask->argv[ask->argc++] = str_of(argument);
}

bool tool_ask(struct tool *tool, struct ask *asks, size_t count, struct error *err)
{
    bool ok = tool_store(tool, err) != NULL;
    for (size_t i = 0; ok && i < count; i++) {
        struct ask *ask = &asks[i];
        memset(&ask->wait, 0, sizeof ask->wait);
        redis_command(tool->redis, ask->argv, ask->argc, tool->config.redis_timeout_ms, &ask->reply,
                      &ask->wait.call, wait_done);
    }
    bool started = ok;
    for (size_t i = 0; started && i < count; i++) {
        struct error why;
        if (tool_wait(tool, &asks[i].wait, &why))
            continue;
        if (ok) {
            *err = why;
            tool_blame_redis(tool, err);
        }
        ok = false;
    }
    for (size_t i = 0; ok && i < count; i++)
        if (asks[i].reply.answer.kind == ANSWER_ERROR) {
            error_set(err, ERR_CLOSED, "Redis refused %.*s: %.*s", STR_ARG(asks[i].argv[0]),
                      STR_ARG(asks[i].reply.answer.text));
            ok = false;
        }
    return ok;
}

void asks_fini(struct ask *asks, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        redis_reply_fini(&asks[i].reply);
        buf_fini(&asks[i].key);
    }
}

bool tool_send(struct tool *tool, enum fleet_topic topic, struct str key, struct str value,
               struct kafka_place *place, struct error *err)
{
    char              name[TOPIC_NAME_BYTES];
    struct wait       wait  = { 0 };
    struct kafka_out *kafka = tool_kafka(tool, err);
    if (!kafka)
        return false;
    tool_topic(tool, topic, name);
    struct kafka_record record = { .topic = name, .partition = -1, .key = key, .value = value };
    kafka_send(kafka, &record, place, &wait.call, wait_done);
    if (tool_wait(tool, &wait, err))
        return true;
    tool_blame_kafka(tool, err);
    return false;
}

static bool is_unreachable(enum err_code code)
{
    return code == ERR_CONNECT || code == ERR_TIMEOUT || code == ERR_LOST || code == ERR_BROKEN ||
           code == ERR_FULL || code == ERR_CLOSED || code == ERR_NOT_SENT;
}

void tool_blame_kafka(const struct tool *tool, struct error *err)
{
    if (err->code == ERR_INPUT)
        error_wrap(err, "Kafka refused it (tokfleet topics ensure creates missing topics)");
    else if (!tool->interrupted && is_unreachable(err->code))
        error_wrap(err, "Kafka at %.120s (TOKFLEET_KAFKA_BROKERS)", tool->config.kafka_brokers);
}

void tool_blame_redis(const struct tool *tool, struct error *err)
{
    if (!tool->interrupted && is_unreachable(err->code))
        error_wrap(err, "Redis at %.120s (TOKFLEET_REDIS_URL)", redis_address(tool->redis));
}

int tool_fail(struct tool *tool, const struct error *err)
{
    if (tool->interrupted) {
        tool_note(tool, "interrupted");
        return END_INTERRUPTED;
    }
    out_flush(&tool->out);
    out_paint(&tool->err, RED, "tokfleet: ");
    out_printf(&tool->err, "%s\n", err->message);
    if (is_unreachable(err->code))
        return END_UNREACHABLE;
    return err->code == ERR_SETTING ? END_USAGE : END_BAD;
}

void tool_note(struct tool *tool, const char *format, ...)
{
    char    text[2048];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    out_flush(&tool->out);
    out_printf(&tool->err, "tokfleet: %s\n", text);
    out_flush(&tool->err);
}
