// SPDX-License-Identifier: Apache-2.0
/* What is said first on every connection, word by word, and what the answers mean. Owned by
 * io/redis.c. Credentials and what the user may do are settled here, before any command of the
 * program is written. */
#pragma once

#include <stddef.h>

#include "base/text.h"
#include "io/redis.h"
#include "io/redis_url.h"

enum greeting {
    GREETING_AUTH,
    GREETING_SELECT,
    GREETING_ROLE,    // with sentinels
    GREETING_PERMIT,  // settings.permit
    GREETING_PING,    // always, and the last
    GREETING_COUNT,
};

enum greeted {
    GREETED_WELL,
    GREETED_BADLY,    // not now, for example because it loads its data
    GREETED_REPLICA,  // a sentinel named it as the primary
    GREETED_REFUSED,  // credentials or permissions: a person must act
};

// the word as RESP, for codec_command_free(); empty: this connection does not need it
struct str greeting_bytes(enum greeting word, const struct redis_url *url,
                          const struct redis_settings *settings);
// `why` is written unless GREETED_WELL, and never holds a password
enum greeted greeting_judge(enum greeting word, const struct answer *answer, char *why,
                            size_t why_bytes);
