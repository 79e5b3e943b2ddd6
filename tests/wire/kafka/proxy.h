// SPDX-License-Identifier: Apache-2.0
/* A TCP proxy before one Kafka broker, in a thread of its own. It puts its own port into what the
 * broker says of itself, so that clients stay with it. */
#pragma once

#include <stdbool.h>

struct proxy;

enum proxy_mode {
    PROXY_PASS,    // forwards
    PROXY_HANG,    // connections stay, nothing moves, new ones are accepted
    PROXY_DEAF,    // requests arrive, answers are lost (thrown away)
    PROXY_REFUSE,  // new connections are closed at once
};

struct proxy *proxy_new(const char *broker);  // "127.0.0.1:9092"; NULL: not possible
int           proxy_port(const struct proxy *proxy);
void          proxy_set(struct proxy *proxy, enum proxy_mode mode);
void          proxy_cut(struct proxy *proxy);           // closes all connections that there are
void proxy_cut_after(struct proxy *proxy, long bytes);  // of answers, once, in the middle of one
// looks for a text (a literal) in requests from now on; has it passed?
void proxy_seek(struct proxy *proxy, const char *text);
bool proxy_saw(const struct proxy *proxy);
void proxy_free(struct proxy *proxy);
