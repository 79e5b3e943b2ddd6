// SPDX-License-Identifier: Apache-2.0
/* An http of ours, a peer, and what most tests ask of them. */
#pragma once

#include <stdbool.h>

#include "io/http.h"
#include "peer.h"
#include "wait.h"

#define OK "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
#define SCRIPTS(...) ((const struct peer_step *const[]){ __VA_ARGS__, NULL })

struct web {
    struct loop         *loop;
    struct http         *http;
    struct peer         *peer;
    struct http_settings settings;
    char                 url[128];  // of the peer, with a secret in it
    int                  asked;     // how often may_send was
    bool                 no;        // what may_send says
};

struct answered {
    struct wait        wait;
    struct http_answer answer;
};

// scripts NULL: without a peer; settings that are zero get values that suit most tests
void                web_init(struct web *web, const struct peer_step *const *scripts);
void                web_fini(struct web *web);
struct http_request get(struct web *web);
struct http_request post(struct web *web, bool commit_point);
void                start(struct web *web, const struct http_request *request, struct answered *a);
void                expect_ok(struct web *web, struct http_request request);  // 200 and "{}"
void                expect_error(struct web *web, struct http_request request,
                                 enum err_code code);  // without the secret
void                expect_received(struct web *web, const char *text, int times);
void                expect_accepted(struct web *web, int times);
