// SPDX-License-Identifier: Apache-2.0
/* One request of io/http.c as libcurl sees it: its options before, its outcome after. Owned by
 * io/http.c. */
#pragma once

#include <curl/curl.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/error.h"
#include "base/text.h"
#include "io/http.h"
#include "loop/loop.h"

enum { ORIGIN_BYTES = 280 };

struct transfer {
    struct http        *http;     // borrowed
    struct call        *call;     // borrowed
    struct http_answer *answer;   // the caller's
    CURL               *easy;     // owned
    struct curl_slist  *headers;  // owned
    bool (*may_send)(void *owner);
    void        *owner;  // for may_send
    bool         commit_point;
    int          sends;           // how often the request was let go
    bool         refused;         // by may_send, the last time it was asked
    bool         repeated;        // a commit point was to be sent again; it was not
    bool         too_long;        // the answer
    size_t       header_bytes;    // of the answer so far
    bool         headers_whole;   // the empty line after them was there
    int64_t      start_us;        // monotonic
    bool         running;         // libcurl has it; else it is in the queue
    struct timer patience;        // until its time is over
    int64_t      timeout_ms;      // its time
    int64_t      until_ms;        // monotonic
    int          slept;           // how often it was given its time again
    TAILQ_ENTRY(transfer) entry;  // in running or queue of http
    char origin[ORIGIN_BYTES];    // scheme://host[:port], all that a message may show
    char why[CURL_ERROR_SIZE];    // libcurl's; may show what a message may not
};

TAILQ_HEAD(transfer_list, transfer);

struct transfer_options {
    const char *user_agent;
    const char *ca_file;  // NULL: the system's
    int64_t     connect_ms;
    bool        http_allowed;
    CURLSH     *share;  // TLS sessions
};

// NULL: the request itself is wrong (ERR_INPUT)
struct transfer *transfer_new(const struct http_request     *request,
                              const struct transfer_options *options, struct http_answer *answer,
                              struct error *err) MUST_CHECK;
bool transfer_outcome(struct transfer *transfer, CURLcode code, struct error *err) MUST_CHECK;
void transfer_free(struct transfer *transfer);
