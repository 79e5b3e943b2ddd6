// SPDX-License-Identifier: Apache-2.0
/* redis://[user:password@]host[:port][/db] and
 * redis+sentinel://[user:password@]host[:port][,host[:port]...]/service[/db], or with rediss, taken
 * apart. User and password are percent-decoded. Owned by io/redis.c. The errors never repeat any of
 * the URL, which holds a password. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

enum { SENTINELS_MAX = 16 };

struct redis_host {
    char *name;  // or address; without the brackets of IPv6
    int   port;
};

struct redis_url {
    char              *user;      // NULL: Redis' default user
    char              *password;  // NULL: no AUTH
    struct redis_host  host;     // of Redis, port 6379 unless said; its name is NULL with sentinels
    char              *service;  // that the sentinels know; NULL: there are none
    struct redis_host *sentinels;       // port 26379 unless said
    size_t             sentinel_count;  // 0: none
    int                db;              // 0 unless said
    bool               tls;             // rediss://, rediss+sentinel://
};

bool redis_url_parse(const char *text, struct redis_url *url, struct error *err) MUST_CHECK;
// the server is another one, as sentinels named it
void redis_url_move(struct redis_url *url, const struct redis_host *host);
// host:port of the server, or "primary of <service>" before it was named
void redis_url_address(const struct redis_url *url, char *out, size_t out_bytes);
bool redis_host_same(const struct redis_host *a, const struct redis_host *b);
void redis_url_fini(struct redis_url *url);  // wipes; harmless on a zeroed one
