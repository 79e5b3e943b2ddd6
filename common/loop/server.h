// SPDX-License-Identifier: Apache-2.0
/* A small HTTP/1.1 server for health, metrics and the like: bounded headers, bodies, connections
 * and time. A request is answered before the handler returns. timeout_ms bounds a whole request,
 * from the connection (or the answer before it) to the last byte of its own answer; a connection
 * too many is told 503 and closed. HEAD comes as GET. Not evhttp: that of libevent 2.1 bounds
 * neither the connections nor the time of a client that sends a byte now and then. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/text.h"
#include "loop/loop.h"

struct server;

struct server_request {
    const char *method;  // "GET", also for HEAD
    const char *path;    // decoded, without the query
    const char *query;   // raw; "" when there is none
    struct str  body;
    bool        is_head;  // it was HEAD: whoever asks wants to see, and not to do
};

struct server_reply {
    int         status;        // 200 unless changed
    const char *content_type;  // a literal; "text/plain; charset=utf-8" unless changed
    struct buf  body;          // init by the server, bounded
};

typedef void server_handler(void *owner, const struct server_request *request,
                            struct server_reply *reply);

// listen is "host:port", port 0 takes a free one
struct server *server_open(struct loop *loop, const char *listen, int64_t body_max_bytes,
                           int64_t timeout_ms, int64_t connections_max, server_handler *handler,
                           void *owner, struct error *err) MUST_CHECK;
int            server_port(const struct server *server);
void           server_free(struct server *server);
