// SPDX-License-Identifier: Apache-2.0
/* The head of an HTTP/1.x request, read strictly: what is doubtful is refused, since two readers
 * who disagree about where a request ends can be made to read different requests. Only server.c
 * includes this. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/memory.h"
#include "base/text.h"

struct server_head {
    struct str method;           // as sent
    struct str path;             // decoded, in the arena; ends in '\0'
    struct str query;            // raw, in the arena; ends in '\0'
    size_t     bytes;            // of the head, with the empty line
    size_t     body_bytes;       // what follows it
    bool       has_length;       // Content-Length was there
    bool       keep_alive;       // the client would send another request
    bool       expect_continue;  // it waits for "100 Continue" before the body
};

// text is the head with its empty line. 0: good; else the status that refuses it.
int         server_head_parse(struct str text, size_t body_max, struct arena *arena,
                              struct server_head *head);
const char *server_reason(int status);  // "Not Found"

// "host:port", "[::1]:port", ":port"; port is the text's end. false: it is none of these (also for
// fuzzers)
bool server_listen_split(struct str where, struct str *host, struct str *port) MUST_CHECK;
