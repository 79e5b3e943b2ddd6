// SPDX-License-Identifier: Apache-2.0
#include "web.h"

#include <stdio.h>
#include <string.h>

#include "case.h"

void web_init(struct web *web, const struct peer_step *const *scripts)
{
    struct error err;
    web->loop = loop_new();
    if (!web->settings.connections_max)
        web->settings = (struct http_settings){
            .connect_ms = 10000, .connections_max = 8, .in_flight_max = 16, .http_allowed = true
        };
    web->http = http_new(web->loop, &web->settings, &err);
    assert_non_null(web->http);
    if (!scripts)
        return;
    web->peer = peer_new(scripts, NULL, NULL);
    snprintf(web->url, sizeof web->url, "http://127.0.0.1:%d/v2/post?token=SECRET",
             peer_port(web->peer));
}

void web_fini(struct web *web)
{
    assert_int_equal(http_in_flight(web->http), 0);
    http_free(web->http);
    peer_free(web->peer);
    loop_free(web->loop);
}

static bool may_send(void *owner)
{
    struct web *web = owner;
    web->asked++;
    return !web->no;
}

struct http_request get(struct web *web)
{
    return (struct http_request){
        .method           = "GET",
        .url              = web->url,
        .timeout_ms       = PATIENCE_MS,
        .answer_max_bytes = 4096,
        .may_send         = may_send,
        .owner            = web,
    };
}

struct http_request post(struct web *web, bool commit_point)
{
    struct http_request request = get(web);
    request.method              = "POST";
    request.content_type        = "application/json; charset=UTF-8";
    request.body                = STR("{\"post\":1}");
    request.commit_point        = commit_point;
    return request;
}

void start(struct web *web, const struct http_request *request, struct answered *a)
{
    a->wait.dones = 0;
    http_start(web->http, request, &a->answer, &a->wait.call, wait_on_done);
    assert_int_equal(a->wait.dones, 0);
}

void expect_ok(struct web *web, struct http_request request)
{
    struct answered a = { 0 };
    start(web, &request, &a);
    wait_ok(web->loop, &a.wait);
    assert_int_equal(a.answer.status, 200);
    assert_string_equal(buf_text(&a.answer.body), "{}");
    assert_true(a.answer.total_us > 0);
    http_answer_fini(&a.answer);
}

void expect_error(struct web *web, struct http_request request, enum err_code code)
{
    struct answered a = { 0 };
    start(web, &request, &a);
    wait_error(web->loop, &a.wait, code);
    if (strstr(a.wait.err.message, "SECRET"))
        fail_msg("a secret in: %s", a.wait.err.message);
    http_answer_fini(&a.answer);
}

// It arrived so often: the peer is given time to read, and to be sent what it should not.
void expect_received(struct web *web, const char *text, int times)
{
    int count = 0;
    for (int i = 0; i < PATIENCE_MS / 10 && (count = peer_count(web->peer, text)) < times; i++)
        wait_ms(web->loop, 10);
    wait_ms(web->loop, 30);
    assert_int_equal(peer_count(web->peer, text), times);
}

void expect_accepted(struct web *web, int times)
{
    for (int i = 0; i < PATIENCE_MS / 10 && peer_accepted(web->peer) < times; i++)
        wait_ms(web->loop, 10);
    assert_int_equal(peer_accepted(web->peer), times);
}
