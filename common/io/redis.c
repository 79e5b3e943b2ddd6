// SPDX-License-Identifier: Apache-2.0
/*     redis_command ─► waiting ──(connected)──► written ─► answer, in order ─► done(NULL)
 *                        │                         ├── deadline: done(ERR_TIMEOUT); its answer is dropped later
 *                        │                         └── connection lost: done(ERR_LOST)
 *                        └── deadline: done(ERR_CONNECT); surely never left
 *
 *     LINK_DOWN ──(backoff)──► LINK_ASKING ─► LINK_OPENING ─► LINK_GREETING ─► LINK_READY
 *         ▲                         └──────────────┴───────────────┴──────────────┴── anything wrong: link_lost
 *
 * LINK_ASKING is passed through when there are no sentinels. */
#include "io/redis.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/log.h"
#include "io/redis_codec.h"
#include "io/redis_greeting.h"
#include "io/redis_queue.h"
#include "io/redis_sentinel.h"
#include "io/redis_url.h"
#include "io/seal.h"
#include "loop/clock.h"
#include "loop/stream.h"

enum {
    SILENCE_MS         = 30000,
    DOUBT_MS           = 1000,  // between two looks whether this is still the primary
    ARGUMENTS_ON_STACK = 32,
    ADDRESS_BYTES      = 280,
    WHY_BYTES          = 200,
};

enum link_state {
    LINK_DOWN,      // the next try comes by `retry`
    LINK_ASKING,    // the sentinels, for the primary
    LINK_OPENING,   // the stream is
    LINK_GREETING,  // its words are on their way: redis_greeting.h
    LINK_READY,     // commands are written as they come
};

struct redis {
    struct loop          *loop;      // borrowed
    struct redis_settings settings;  // its texts are in `texts`; the url is not there: see below
    struct arena          texts;
    struct redis_url      url;  // owned; its host is the server, also when the sentinels named it
    char                  address[ADDRESS_BYTES];
    enum link_state       state;
    struct sentinel      *sentinel;  // owned; NULL: the URL names the server
    int64_t               doubt_ms;  // monotonic: when LINK_READY last asked the sentinels
    struct stream        *stream;    // owned; NULL in LINK_DOWN and LINK_ASKING
    struct codec         *codec;     // owned
    struct command_queue  queue;
    struct timer          retry;     // runs in LINK_DOWN
    int64_t               tries;     // since the last connection that held
    struct timer          patience;  // runs when something is written
    int64_t heard_ms;        // monotonic: the last bytes, or the first write since none were due
    int64_t ready_ms;        // monotonic: since when LINK_READY
    bool    outage_logged;   // since the last LINK_READY
    bool    refusal_logged;  // the same for refused credentials
    char    why[WHY_BYTES];  // the last thing that went wrong
    void (*on_connect)(void *owner);
    void *owner;  // for on_connect
};

static void link_open(struct redis *redis);
static void link_lost(struct redis *redis, enum err_code first, const char *why);

// The command is in no list.
static void command_write(struct redis *redis, struct command *command)
{
    if (TAILQ_EMPTY(&redis->queue.written)) {
        redis->heard_ms = clock_monotonic_ms();
        if (!timer_running(&redis->patience))
            timer_start(&redis->patience, redis->state == LINK_READY ? redis->settings.silence_ms
                                                                     : redis->settings.connect_ms);
    }
    queue_write(command, redis->stream);
}

static void on_patience(struct timer *timer)
{
    struct redis *redis  = container_of(timer, struct redis, patience);
    int64_t       silent = clock_monotonic_ms() - redis->heard_ms;
    int64_t       limit =
        redis->state == LINK_READY ? redis->settings.silence_ms : redis->settings.connect_ms;
    char why[WHY_BYTES];
    if (TAILQ_EMPTY(&redis->queue.written))
        return;
    if (silent < limit) {
        timer_start(&redis->patience, limit - silent);
        return;
    }
    snprintf(why, sizeof why, "not a byte for %" PRId64 " ms", silent);
    link_lost(redis, ERR_LOST, why);
}

/* Sentinels may have replaced a primary while it, or we, stood still: then neither a late answer of
 * it may be believed, nor a command be given to it, before they have been asked again. */
static bool stood_still(const struct redis *redis)
{
    return redis->sentinel && redis->state == LINK_READY &&
           clock_monotonic_ms() - redis->heard_ms > redis->settings.silence_ms;
}

static void on_open(void *owner)
{
    struct redis *redis = owner;
    redis->state        = LINK_GREETING;
    for (int word = 0; word < GREETING_COUNT; word++) {
        struct str bytes = greeting_bytes((enum greeting)word, &redis->url, &redis->settings);
        if (!bytes.len)
            continue;
        command_write(redis, queue_greet(&redis->queue, (enum greeting)word, bytes));
    }
}

static void on_ready(struct redis *redis)
{
    redis->state          = LINK_READY;
    redis->ready_ms       = clock_monotonic_ms();
    redis->outage_logged  = false;
    redis->refusal_logged = false;
    redis->why[0]         = '\0';
    log_info("redis connected", F_STR("redis", redis->address));
    if (redis->on_connect)
        redis->on_connect(redis->owner);
    struct command *command;
    while ((command = TAILQ_FIRST(&redis->queue.waiting))) {
        TAILQ_REMOVE(&redis->queue.waiting, command, entry);
        command_write(redis, command);
    }
}

// Once an outage: it is tried again and again until somebody has acted.
static void log_refusal(struct redis *redis, const char *why)
{
    if (redis->refusal_logged)
        return;
    redis->refusal_logged = true;
    redis->outage_logged  = true;
    log_error("redis refuses the user of its URL, or what it may do is not enough",
              F_STR("redis", redis->address), F_STR("why", why));
}

// An answer to a word of the greeting; false: the connection was given up.
static bool on_greeted(struct redis *redis, enum greeting word, const struct answer *answer)
{
    char         why[WHY_BYTES];
    enum greeted greeted = greeting_judge(word, answer, why, sizeof why);
    if (greeted == GREETED_WELL) {
        if (word == GREETING_PING)
            on_ready(redis);
        return true;
    }
    if (greeted == GREETED_REFUSED)
        log_refusal(redis, why);
    if (greeted == GREETED_REPLICA)
        sentinel_doubt(redis->sentinel);
    link_lost(redis, ERR_LOST, why);
    return false;
}

/* True when the answer is a replica's: the name in the URL, or the sentinels, may mean another
 * server by now. One that lacks replicas may have been replaced, too, and they are asked. */
static bool is_replaced(struct redis *redis, const struct answer *answer)
{
    if (redis->state != LINK_READY || answer->kind != ANSWER_ERROR)
        return false;
    if (redis->sentinel && str_starts(answer->text, "NOREPLICAS") &&
        clock_monotonic_ms() - redis->doubt_ms >= DOUBT_MS) {
        redis->doubt_ms = clock_monotonic_ms();
        sentinel_ask(redis->sentinel);
    }
    return str_starts(answer->text, "READONLY") || str_starts(answer->text, "MASTERDOWN");
}

// False: the connection was given up.
static bool on_answer(struct redis *redis, const struct answer *answer)
{
    struct command *command = TAILQ_FIRST(&redis->queue.written);
    if (!command) {
        char why[WHY_BYTES];
        snprintf(why, sizeof why, "an answer to nothing: %.*s", STR_ARG(answer->text));
        link_lost(redis, ERR_BROKEN, why);
        return false;
    }
    bool          greets   = command->greets;
    enum greeting word     = command->word;
    bool          replaced = is_replaced(redis, answer);
    if (command->call && command->script && !command->by_text && answer->kind == ANSWER_ERROR &&
        str_starts(answer->text, "NOSCRIPT")) {
        TAILQ_REMOVE(&redis->queue.written, command, entry);
        command->by_text = true;
        command_write(redis, command);
        return true;
    }
    if (!greets && redis->settings.on_timed)
        redis->settings.on_timed(redis->settings.owner, command->script,
                                 clock_monotonic_us() - command->written_us);
    if (command->call) {
        codec_take(redis->codec, command->reply);
        call_finish(queue_detach(command), NULL);
    }
    queue_forget(command);
    if (replaced)
        link_lost(redis, ERR_LOST, "it is a replica now");
    return !replaced && (!greets || on_greeted(redis, word, answer));
}

static size_t on_data(void *owner, struct str bytes)
{
    struct redis    *redis = owner;
    enum codec_found found = CODEC_MORE;
    if (stood_still(redis)) {
        link_lost(redis, ERR_LOST, "an answer after a long silence: it may have been replaced");
        return bytes.len;
    }
    redis->heard_ms = clock_monotonic_ms();
    codec_feed(redis->codec, bytes);
    while ((found = codec_next(redis->codec)) == CODEC_ANSWER)
        if (!on_answer(redis, codec_answer(redis->codec)))
            return bytes.len;
    if (found == CODEC_BROKEN) {
        char why[WHY_BYTES];
        snprintf(why, sizeof why, "%s", codec_error(redis->codec));
        link_lost(redis, ERR_BROKEN, why);
    }
    return bytes.len;
}

static void on_close(void *owner, const struct error *why)
{
    link_lost(owner, ERR_LOST, why->message);
}

static int64_t retry_delay_ms(struct redis *redis)
{
    int64_t delay_ms = redis->settings.backoff_min_ms;
    for (int64_t i = 0; i < redis->tries && delay_ms < redis->settings.backoff_max_ms; i++)
        delay_ms *= 2;
    if (delay_ms > redis->settings.backoff_max_ms)
        delay_ms = redis->settings.backoff_max_ms;
    redis->tries++;
    return delay_ms / 2 + (int64_t)random_below((uint64_t)delay_ms / 2 + 1);
}

// `first` is what the oldest written command hears; those behind it are lost with the connection.
static void link_lost(struct redis *redis, enum err_code first, const char *why)
{
    snprintf(redis->why, sizeof redis->why, "%s", why);
    if (!redis->outage_logged)
        log_warn("redis connection lost", F_STR("redis", redis->address), F_STR("why", redis->why));
    redis->outage_logged = true;
    stream_free(redis->stream);
    redis->stream = NULL;
    if (redis->sentinel)
        sentinel_stop(redis->sentinel);
    codec_reset(redis->codec);
    timer_stop(&redis->patience);
    queue_lose(&redis->queue, first);
    // one that breaks soon after each greeting must not be tried as fast as the first time
    if (redis->state == LINK_READY &&
        clock_monotonic_ms() - redis->ready_ms >= redis->settings.backoff_max_ms)
        redis->tries = 0;
    redis->state = LINK_DOWN;
    timer_start(&redis->retry, retry_delay_ms(redis));
}

static const struct stream_events stream_events = { .on_open  = on_open,
                                                    .on_data  = on_data,
                                                    .on_close = on_close };

static void server_open(struct redis *redis)
{
    struct stream_address address = {
        .host       = redis->url.host.name,
        .port       = redis->url.host.port,
        .tls        = redis->url.tls,
        .ca_file    = redis->settings.ca_file,
        .connect_ms = redis->settings.connect_ms,
    };
    redis->state  = LINK_OPENING;
    redis->stream = stream_open(redis->loop, &address, &stream_events, redis);
}

static void on_named(void *owner, const struct redis_host *primary)
{
    struct redis *redis = owner;
    bool          other = !redis_host_same(&redis->url.host, primary);
    if (redis->state == LINK_ASKING) {
        redis_url_move(&redis->url, primary);
        redis_url_address(&redis->url, redis->address, sizeof redis->address);
        server_open(redis);
    } else if (redis->state == LINK_READY && other) {
        link_lost(redis, ERR_LOST, "the sentinels name another primary");
    }
}

static void on_nobody(void *owner, const char *why)
{
    struct redis *redis = owner;
    if (redis->state == LINK_ASKING)
        link_lost(redis, ERR_LOST, why);
}

static const struct sentinel_events sentinel_events = { .on_named  = on_named,
                                                        .on_nobody = on_nobody };

static void link_open(struct redis *redis)
{
    if (!redis->sentinel) {
        server_open(redis);
        return;
    }
    redis->state = LINK_ASKING;
    sentinel_ask(redis->sentinel);
}

static void on_retry(struct timer *timer)
{
    link_open(container_of(timer, struct redis, retry));
}

// NULL stays NULL
static const char *keep(struct redis *redis, const char *text)
{
    return text ? arena_text(&redis->texts, str_of(text)) : NULL;
}

static void keep_settings(struct redis *redis, const struct redis_settings *settings)
{
    redis->settings                   = *settings;
    redis->settings.url               = NULL;
    redis->settings.ca_file           = keep(redis, settings->ca_file);
    redis->settings.permit_key        = keep(redis, settings->permit_key);
    redis->settings.sentinel_user     = keep(redis, settings->sentinel_user);
    redis->settings.sentinel_password = keep(redis, settings->sentinel_password);
    if (redis->settings.silence_ms <= 0)
        redis->settings.silence_ms = redis->url.service ? settings->connect_ms : SILENCE_MS;
}

struct redis *redis_new(struct loop *loop, const struct redis_settings *settings, struct error *err)
{
    struct redis_url url;
    if (!redis_url_parse(settings->url, &url, err))
        return NULL;
    struct redis *redis = xcalloc(1, sizeof *redis);
    redis->loop         = loop;
    redis->url          = url;
    redis->codec        = codec_new(settings->answer_max_bytes);
    keep_settings(redis, settings);
    if (url.service)
        redis->sentinel =
            sentinel_new(loop, &redis->url, &redis->settings, &sentinel_events, redis);
    redis_url_address(&url, redis->address, sizeof redis->address);
    queue_init(&redis->queue, loop, settings->in_flight_max, redis->address, redis->why);
    timer_init(&redis->retry, loop, on_retry);
    timer_init(&redis->patience, loop, on_patience);
    link_open(redis);
    return redis;
}

bool redis_connected(const struct redis *redis)
{
    return redis->state == LINK_READY;
}

void redis_on_connect(struct redis *redis, void (*on_connect)(void *owner), void *owner)
{
    redis->on_connect = on_connect;
    redis->owner      = owner;
}

const char *redis_address(const struct redis *redis)
{
    return redis->address;
}

const char *redis_why(const struct redis *redis)
{
    return redis->why;
}

static void command_send(struct redis *redis, struct command *command)
{
    if (stood_still(redis))
        link_lost(redis, ERR_LOST, "nothing was said for long: it may have been replaced");
    if (redis->state == LINK_READY)
        command_write(redis, command);
    else
        queue_wait(command);
}

void redis_command(struct redis *redis, const struct str *argv, size_t argc, int64_t deadline_ms,
                   struct redis_reply *reply, struct call *call, call_done *done)
{
    struct command *command = queue_begin(&redis->queue, deadline_ms, reply, call, done);
    if (!command)
        return;
    command->bytes = codec_command(argv, argc);
    command_send(redis, command);
}

void redis_eval(struct redis *redis, const struct redis_script *script, struct str key,
                const struct str *argv, size_t argc, int64_t deadline_ms, struct redis_reply *reply,
                struct call *call, call_done *done)
{
    struct command *command = queue_begin(&redis->queue, deadline_ms, reply, call, done);
    if (!command)
        return;
    struct str  few[ARGUMENTS_ON_STACK];
    struct str *words = argc + 2 <= ARGUMENTS_ON_STACK ? few : xmalloc((argc + 2) * sizeof *words);
    words[0]          = STR("1");
    words[1]          = key;
    if (argc)
        memcpy(words + 2, argv, argc * sizeof *argv);
    command->script = script;
    command->argc   = argc + 2;
    command->bytes  = codec_words(words, argc + 2);
    if (words != few)
        free(words);
    command_send(redis, command);
}

void redis_free(struct redis *redis)
{
    if (!redis)
        return;
    stream_free(redis->stream);
    sentinel_free(redis->sentinel);
    timer_fini(&redis->retry);
    timer_fini(&redis->patience);
    queue_fini(&redis->queue);
    codec_free(redis->codec);
    redis_url_fini(&redis->url);
    arena_fini(&redis->texts);
    free(redis);
}
