// SPDX-License-Identifier: Apache-2.0
/* redis://[user[:password]@]host[:port][/db] and rediss://..., taken apart. User and password are percent-decoded.
 * Owned by io/redis.c. The errors never repeat any of the URL, which holds a password. */
#pragma once

#include <stdbool.h>

#include "base/error.h"

struct redis_url {
    char *user;      // NULL: Redis' default user
    char *password;  // NULL: no AUTH
    char *host;      // without the brackets of IPv6
    int   port;      // 6379 unless said
    int   db;        // 0 unless said
    bool  tls;       // rediss
};

bool redis_url_parse(const char *text, struct redis_url *url, struct error *err) MUST_CHECK;
void redis_url_fini(struct redis_url *url);  // wipes; harmless on a zeroed one
