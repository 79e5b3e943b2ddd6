// SPDX-License-Identifier: Apache-2.0
/* HTTPS requests (libcurl multi). One answer of bounded size a request; no redirects are followed.
 *
 * A commit point is a request after which the other side may act for good: it goes once, on a fresh
 * connection, never repeated silently, and `may_send` is asked at the last moment, after the
 * connection is up.
 *
 * Errors, by what can be known: ERR_CONNECT and ERR_NOT_SENT: the request surely did not leave
 * (ERR_NOT_SENT: may_send refused), ERR_FULL, ERR_INPUT (a URL or token that cannot be used);
 * ERR_TIMEOUT, ERR_LOST, ERR_BROKEN (also an answer cut anywhere): it may have arrived. Any HTTP
 * status is success of the call. The connection is HTTP/1.1; a message shows no more of the URL
 * than scheme, host and port. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/text.h"
#include "loop/call.h"

struct http;

struct http_settings {
    const char *user_agent;
    const char *ca_file;          // PEM; NULL: the system's
    int64_t     connect_ms;       // name, TCP and TLS
    int64_t     connections_max;  // in use at once; who finds none free waits for one
    int64_t     in_flight_max;    // requests; one more is ERR_FULL, not sent
    bool        http_allowed;     // plain http, for sandboxes: else only https is spoken
};

struct http_request {
    const char *method;  // "GET", "POST", "PUT"
    const char *url;
    struct str  bearer;            // "Authorization: Bearer ..."; empty: none
    const char *content_type;      // NULL: no body
    struct str  body;              // borrowed until done
    int64_t     timeout_ms;        // whole request
    size_t      answer_max_bytes;  // a longer body is ERR_BROKEN
    bool        commit_point;
    // NULL: yes; false stops it before a byte of the request leaves; it starts and cancels nothing
    bool (*may_send)(void *owner);
    void *owner;  // for may_send
};

struct http_answer {
    int64_t    status;    // HTTP status, 0 before one came
    struct buf body;      // owned by the caller: http_answer_fini
    int64_t    total_us;  // from start to end
};

struct http *http_new(struct loop *loop, const struct http_settings *settings,
                      struct error *err) MUST_CHECK;
void http_start(struct http *http, const struct http_request *request, struct http_answer *answer,
                struct call *call, call_done *done);  // strings are copied, the body is borrowed
void http_answer_fini(struct http_answer *answer);    // harmless when zeroed; may be used again
int64_t http_in_flight(const struct http *http);
void    http_free(struct http *http);  // calls in flight were cancelled before
