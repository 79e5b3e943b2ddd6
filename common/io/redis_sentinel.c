// SPDX-License-Identifier: Apache-2.0
/*     sentinel_ask ─► ask_one ─► answer: host and port ─► on_named
 *                        ▲          └── anything else, or too late: turn_fail
 *                        └─────────────────┴── all were asked ─► on_nobody */
#include "io/redis_sentinel.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/memory.h"
#include "io/redis_codec.h"
#include "loop/stream.h"

enum {
    ASK_MAX_MS       = 1000,
    ANSWER_MAX_BYTES = 4096,
    WHY_BYTES        = 200,
    HOST_MAX_BYTES   = SENTINEL_NAME_BYTES - 1
};

struct sentinel {
    struct loop                  *loop;      // borrowed
    const struct redis_url       *url;       // borrowed
    const struct redis_settings  *settings;  // borrowed
    const struct sentinel_events *events;    // borrowed
    void                         *owner;     // borrowed
    int64_t                       ask_ms;
    size_t                        turn;  // whose it is, or whose it will be first
    size_t         asked;           // in this round, the one whose turn it is included; 0: no round
    struct stream *stream;          // owned; NULL: no round
    struct codec  *codec;           // owned
    bool           greeted;         // the next answer is not that to AUTH
    struct timer   deadline;        // of one sentinel
    char           why[WHY_BYTES];  // the last one of the round had nothing to name
};

static void ask_one(struct sentinel *sentinel);

static void turn_end(struct sentinel *sentinel)
{
    stream_free(sentinel->stream);
    sentinel->stream  = NULL;
    sentinel->greeted = false;
    codec_reset(sentinel->codec);
    timer_stop(&sentinel->deadline);
}

static void turn_fail(struct sentinel *sentinel, const char *why)
{
    const struct redis_host *host = &sentinel->url->sentinels[sentinel->turn];
    snprintf(sentinel->why, sizeof sentinel->why, "sentinel %.64s:%d: %s", host->name, host->port,
             why);
    turn_end(sentinel);
    log_debug("a sentinel names no primary", F_STR("service", sentinel->url->service),
              F_STR("why", sentinel->why));
    sentinel->turn = (sentinel->turn + 1) % sentinel->url->sentinel_count;
    if (sentinel->asked < sentinel->url->sentinel_count) {
        ask_one(sentinel);
        return;
    }
    sentinel->asked = 0;
    sentinel->events->on_nobody(sentinel->owner, sentinel->why);
}

static bool is_host(struct str text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.p[i] <= ' ' || text.p[i] == 0x7F)
            return false;
    return text.len > 0 && text.len <= HOST_MAX_BYTES;
}

// Its own words; what to do where they do not say.
static void on_refused(struct sentinel *sentinel, struct str answer)
{
    char why[WHY_BYTES];
    bool credentials = str_starts(answer, "NOAUTH") || str_starts(answer, "WRONGPASS");
    snprintf(why, sizeof why, "%.*s%s", STR_ARG(answer),
             credentials ? " (TOKFLEET_REDIS_SENTINEL_PASSWORD is the sentinels' own)" : "");
    turn_fail(sentinel, why);
}

bool sentinel_names(const struct answer *answer, char name[SENTINEL_NAME_BYTES], int *port)
{
    struct str host   = answer_item(answer, 0);
    int64_t    number = 0;
    if (answer->kind != ANSWER_ARRAY || answer->count != 2 || !is_host(host) ||
        !str_to_i64(answer_item(answer, 1), &number) || number < 1 || number > 65535)
        return false;
    snprintf(name, SENTINEL_NAME_BYTES, "%.*s", STR_ARG(host));
    *port = (int)number;
    return true;
}

static void on_answer(struct sentinel *sentinel, const struct answer *answer)
{
    char why[WHY_BYTES], name[SENTINEL_NAME_BYTES];
    int  port = 0;
    if (answer->kind == ANSWER_ERROR) {
        on_refused(sentinel, answer->text);
    } else if (answer->kind == ANSWER_NIL) {
        snprintf(why, sizeof why, "it does not know the service %.64s", sentinel->url->service);
        turn_fail(sentinel, why);
    } else if (!sentinel_names(answer, name, &port)) {
        turn_fail(sentinel, "it does not answer like a sentinel");
    } else {
        turn_end(sentinel);
        sentinel->asked = 0;
        sentinel->events->on_named(sentinel->owner,
                                   &(struct redis_host){ .name = name, .port = port });
    }
}

static size_t on_data(void *owner, struct str bytes)
{
    struct sentinel *sentinel = owner;
    codec_feed(sentinel->codec, bytes);
    enum codec_found found = codec_next(sentinel->codec);
    if (found == CODEC_ANSWER && !sentinel->greeted &&
        codec_answer(sentinel->codec)->kind != ANSWER_ERROR) {
        sentinel->greeted = true;
        found             = codec_next(sentinel->codec);
    }
    switch (found) {
    case CODEC_ANSWER:
        on_answer(sentinel, codec_answer(sentinel->codec));
        break;
    case CODEC_BROKEN:
        turn_fail(sentinel, "it does not speak Redis' protocol");
        break;
    case CODEC_MORE:
        break;
    }
    return bytes.len;
}

static void say(struct sentinel *sentinel, const struct str *argv, size_t argc)
{
    struct str bytes = codec_command(argv, argc);
    stream_write(sentinel->stream, bytes);
    codec_command_free(bytes);
}

static void on_open(void *owner)
{
    struct sentinel *sentinel = owner;
    const char      *user     = sentinel->settings->sentinel_user;
    const char      *password = sentinel->settings->sentinel_password;
    sentinel->greeted         = !password;
    if (password && user)
        say(sentinel, (struct str[]){ STR("AUTH"), str_of(user), str_of(password) }, 3);
    else if (password)
        say(sentinel, (struct str[]){ STR("AUTH"), str_of(password) }, 2);
    say(sentinel,
        (struct str[]){ STR("SENTINEL"), STR("get-master-addr-by-name"),
                        str_of(sentinel->url->service) },
        3);
}

static void on_close(void *owner, const struct error *why)
{
    turn_fail(owner, why->message);
}

static void on_deadline(struct timer *timer)
{
    struct sentinel *sentinel = container_of(timer, struct sentinel, deadline);
    char             why[WHY_BYTES];
    snprintf(why, sizeof why, "no answer in %" PRId64 " ms", sentinel->ask_ms);
    turn_fail(sentinel, why);
}

static const struct stream_events stream_events = { .on_open  = on_open,
                                                    .on_data  = on_data,
                                                    .on_close = on_close };

static void ask_one(struct sentinel *sentinel)
{
    const struct redis_host *host    = &sentinel->url->sentinels[sentinel->turn];
    struct stream_address    address = { .host       = host->name,
                                         .port       = host->port,
                                         .tls        = sentinel->url->tls,
                                         .ca_file    = sentinel->settings->ca_file,
                                         .connect_ms = sentinel->ask_ms };
    sentinel->asked++;
    sentinel->stream = stream_open(sentinel->loop, &address, &stream_events, sentinel);
    timer_start(&sentinel->deadline, sentinel->ask_ms);
}

struct sentinel *sentinel_new(struct loop *loop, const struct redis_url *url,
                              const struct redis_settings  *settings,
                              const struct sentinel_events *events, void *owner)
{
    int64_t          ask_ms   = settings->connect_ms;
    struct sentinel *sentinel = xcalloc(1, sizeof *sentinel);
    sentinel->loop            = loop;
    sentinel->url             = url;
    sentinel->settings        = settings;
    sentinel->events          = events;
    sentinel->owner           = owner;
    sentinel->ask_ms          = ask_ms < ASK_MAX_MS ? ask_ms : ASK_MAX_MS;
    sentinel->codec           = codec_new(ANSWER_MAX_BYTES);
    timer_init(&sentinel->deadline, loop, on_deadline);
    return sentinel;
}

void sentinel_ask(struct sentinel *sentinel)
{
    if (!sentinel->asked)
        ask_one(sentinel);
}

void sentinel_doubt(struct sentinel *sentinel)
{
    sentinel->turn = (sentinel->turn + 1) % sentinel->url->sentinel_count;
}

void sentinel_stop(struct sentinel *sentinel)
{
    turn_end(sentinel);
    sentinel->asked = 0;
}

void sentinel_free(struct sentinel *sentinel)
{
    if (!sentinel)
        return;
    stream_free(sentinel->stream);
    timer_fini(&sentinel->deadline);
    codec_free(sentinel->codec);
    free(sentinel);
}
