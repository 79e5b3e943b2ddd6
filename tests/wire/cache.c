// SPDX-License-Identifier: Apache-2.0
#include "cache.h"

#include <stdio.h>

#include "case.h"

static void on_connect(void *owner)
{
    struct cache *cache = owner;
    cache->connects++;
}

void cache_open(struct cache *cache, const char *url, struct redis_settings settings)
{
    struct error err;
    settings.url              = url;
    settings.connect_ms       = settings.connect_ms ? settings.connect_ms : 5000;
    settings.backoff_min_ms   = 10;
    settings.backoff_max_ms   = 100;
    settings.in_flight_max    = settings.in_flight_max ? settings.in_flight_max : 20000;
    settings.answer_max_bytes = settings.answer_max_bytes ? settings.answer_max_bytes : 1 << 20;
    cache->redis              = redis_new(cache->loop, &settings, &err);
    assert_non_null(cache->redis);
    redis_on_connect(cache->redis, on_connect, cache);
}

void cache_init_with(struct cache *cache, const struct peer_step *const *scripts, const char *user,
                     const char *db, struct redis_settings settings)
{
    char url[128];
    *cache      = (struct cache){ .loop = loop_new() };
    cache->peer = peer_new(scripts, NULL, NULL);
    snprintf(url, sizeof url, "redis://%s127.0.0.1:%d%s", user, peer_port(cache->peer), db);
    cache_open(cache, url, settings);
}

void cache_init(struct cache *cache, const struct peer_step *const *scripts)
{
    cache_init_with(cache, scripts, "", "", (struct redis_settings){ 0 });
}

void cache_fini(struct cache *cache)
{
    redis_free(cache->redis);
    peer_free(cache->peer);
    loop_free(cache->loop);
}

void ask_within(struct cache *cache, struct asked *asked, const char *key, int64_t deadline_ms)
{
    asked->wait.dones = 0;
    redis_command(cache->redis, (struct str[]){ STR("GET"), str_of(key) }, 2, deadline_ms,
                  &asked->reply, &asked->wait.call, wait_on_done);
    assert_int_equal(asked->wait.dones, 0);
}

void ask(struct cache *cache, struct asked *asked, const char *key)
{
    ask_within(cache, asked, key, PATIENCE_MS);
}

void hear(struct cache *cache, struct asked *asked, const char *text)
{
    wait_ok(cache->loop, &asked->wait);
    assert_int_equal(asked->reply.answer.kind, ANSWER_TEXT);
    assert_string_equal(asked->reply.answer.text.p, text);
    redis_reply_fini(&asked->reply);
}

void hear_error(struct cache *cache, struct asked *asked, enum err_code code)
{
    wait_error(cache->loop, &asked->wait, code);
    redis_reply_fini(&asked->reply);
}
