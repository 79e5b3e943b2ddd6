// SPDX-License-Identifier: Apache-2.0
/* A redis of ours, a scripted peer or a real server, and what most tests ask of them. */
#pragma once

#include "io/redis.h"
#include "peer.h"
#include "wait.h"

#define PING "*1\r\n$4\r\nPING\r\n"
#define GREET AWAIT(PING), SEND("+PONG\r\n")
#define GET(key) AWAIT("*2\r\n$3\r\nGET\r\n$1\r\n" key "\r\n")
#define SCRIPTS(...) ((const struct peer_step *const[]){ __VA_ARGS__, NULL })

struct cache {
    struct loop  *loop;
    struct redis *redis;
    struct peer  *peer;
    int           connects;
};

struct asked {
    struct wait        wait;
    struct redis_reply reply;
};

// settings that are zero get values that suit most tests
void cache_open(struct cache *cache, const char *url, struct redis_settings settings);
// the URL is redis://<user>127.0.0.1:port<db>
void cache_init_with(struct cache *cache, const struct peer_step *const *scripts, const char *user,
                     const char *db, struct redis_settings settings);
void cache_init(struct cache *cache, const struct peer_step *const *scripts);
void cache_fini(struct cache *cache);
void ask(struct cache *cache, struct asked *asked, const char *key);  // GET key
void ask_within(struct cache *cache, struct asked *asked, const char *key, int64_t deadline_ms);
void hear(struct cache *cache, struct asked *asked, const char *text);  // the answer, whole
void hear_error(struct cache *cache, struct asked *asked, enum err_code code);
