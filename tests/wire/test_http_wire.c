// SPDX-License-Identifier: Apache-2.0
// How a request leaves, or does not, and what is known about it then.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "case.h"
#include "dns.h"
#include "io/http_transfer.h"
#include "loop/clock.h"
#include "tls.h"
#include "web.h"

static const struct peer_step answers[]      = { REQUEST, SEND(OK), AGAIN };
static const struct peer_step answers_once[] = { REQUEST, SEND(OK), REQUEST, END };
static const struct peer_step hangs[]        = { REQUEST, HANG };
static const struct peer_step closes[]       = { REQUEST, END };
static const struct peer_step resets[]       = { REQUEST, RESET };

TEST("a POST carries what was given and nothing that TikTok refuses")
{
    struct web web = { 0 };
    web_init(&web, SCRIPTS(answers));
    struct http_request request = post(&web, true);
    request.bearer              = STR("act.token");
    request.content_type        = "application/x-www-form-urlencoded";
    expect_ok(&web, request);
    expect_received(&web, "POST /v2/post?token=SECRET HTTP/1.1\r\n", 1);
    expect_received(&web, "Authorization: Bearer act.token\r\n", 1);
    expect_received(&web, "Content-Type: application/x-www-form-urlencoded\r\n", 1);
    expect_received(&web, "Content-Length: 10\r\n", 1);
    expect_received(&web, "\r\n\r\n{\"post\":1}", 1);
    expect_received(&web, "Expect", 0);
    expect_received(&web, "Accept-Encoding", 0);
    web_fini(&web);
}

TEST("a POST with an empty body has the length 0, one without a type has no type")
{
    struct web web = { 0 };
    web_init(&web, SCRIPTS(answers));
    struct http_request request = post(&web, false);
    request.body                = (struct str){ NULL, 0 };
    request.content_type        = NULL;
    expect_ok(&web, request);
    expect_received(&web, "Content-Length: 0\r\n", 1);
    expect_received(&web, "Content-Type", 0);
    web_fini(&web);
}

TEST("a PUT carries its body")
{
    struct web web = { 0 };
    web_init(&web, SCRIPTS(answers));
    struct http_request request = post(&web, true);
    request.method              = "PUT";
    request.content_type        = "video/mp4";
    expect_ok(&web, request);
    expect_received(&web, "PUT /v2/post", 1);
    expect_received(&web, "\r\n\r\n{\"post\":1}", 1);
    web_fini(&web);
}

TEST("a large POST waits for no permission to continue")
{
    struct web web   = { 0 };
    char      *bytes = xcalloc(1, 3 << 20);
    memset(bytes, 'x', 3 << 20);
    web_init(&web, SCRIPTS(answers));
    struct http_request request = post(&web, true);
    request.body                = (struct str){ bytes, 3 << 20 };
    expect_ok(&web, request);
    expect_received(&web, "Expect", 0);
    expect_received(&web, "xxxxxxxxxxxxxxxx", (3 << 20) / 16);
    free(bytes);
    web_fini(&web);
}

TEST("requests that are safe to repeat share a connection")
{
    struct web web = { 0 };
    web_init(&web, SCRIPTS(answers));
    for (int i = 0; i < 5; i++)
        expect_ok(&web, i % 2 ? post(&web, false) : get(&web));
    assert_int_equal(peer_accepted(web.peer), 1);
    web_fini(&web);
}

TEST("a commit point takes a fresh connection and leaves none behind")
{
    struct web web = { 0 };
    web_init(&web, SCRIPTS(answers));
    expect_ok(&web, get(&web));
    expect_ok(&web, post(&web, true));
    expect_ok(&web, post(&web, true));
    assert_int_equal(peer_accepted(web.peer), 3);
    expect_ok(&web, get(&web));
    assert_int_equal(peer_accepted(web.peer), 3);
    web_fini(&web);
}

TEST("a commit point whose peer reads and closes arrives once and is ERR_LOST")
{
    struct web web = { 0 };
    web_init(&web, SCRIPTS(closes));
    expect_error(&web, post(&web, true), ERR_LOST);
    expect_received(&web, "POST ", 1);
    assert_int_equal(web.asked, 1);
    web_fini(&web);
}

TEST("a commit point arrives once although a warm connection to a peer that reads and closes is "
     "there")
{
    struct web web = { 0 };
    web_init(&web, SCRIPTS(answers_once, closes));
    expect_ok(&web, get(&web));
    expect_error(&web, post(&web, true), ERR_LOST);
    wait_ms(web.loop, 100);
    expect_received(&web, "POST ", 1);
    assert_int_equal(web.asked, 2);
    web_fini(&web);
}

TEST("what is no commit point is repeated by libcurl on a warm connection: the trap is real")
{
    struct web web = { 0 };
    web_init(&web, SCRIPTS(answers_once, answers));
    expect_ok(&web, get(&web));
    expect_ok(&web, post(&web, false));
    expect_received(&web, "POST ", 2);
    assert_int_equal(web.asked, 3);
    web_fini(&web);
}

// The guard alone: the transfer is forced onto a warm connection, which http.c would never do.
static enum err_code send_over_warm_connection(struct web *web, bool commit_point)
{
    struct transfer_options options = { .user_agent   = "test",
                                        .connect_ms   = 10000,
                                        .http_allowed = true };
    struct http_answer      answer  = { 0 };
    struct http_request     warm    = get(web);
    struct http_request     request = post(web, commit_point);
    struct error            err     = { .code = ERR_COUNT };
    options.share                   = curl_share_init();
    curl_share_setopt(options.share, CURLSHOPT_SHARE, CURL_LOCK_DATA_CONNECT);
    struct transfer *first = transfer_new(&warm, &options, &answer, &err);
    assert_int_equal(curl_easy_perform(first->easy), CURLE_OK);
    http_answer_fini(&answer);
    struct transfer *second = transfer_new(&request, &options, &answer, &err);
    curl_easy_setopt(second->easy, CURLOPT_FRESH_CONNECT, 0L);
    curl_easy_setopt(second->easy, CURLOPT_FORBID_REUSE, 0L);
    (void)!transfer_outcome(second, curl_easy_perform(second->easy), &err);
    transfer_free(first);
    transfer_free(second);
    curl_share_cleanup(options.share);
    http_answer_fini(&answer);
    return err.code;
}

TEST("a commit point that does get a warm connection which dies is stopped before libcurl repeats "
     "it")
{
    struct web web = { 0 };
    web_init(&web, SCRIPTS(answers_once, answers));
    assert_int_equal(send_over_warm_connection(&web, true), ERR_LOST);
    expect_received(&web, "POST ", 1);
    web_fini(&web);
}

TEST("without being a commit point the same request is repeated")
{
    struct web web = { 0 };
    web_init(&web, SCRIPTS(answers_once, answers));
    assert_int_equal(send_over_warm_connection(&web, false), ERR_COUNT);
    expect_received(&web, "POST ", 2);
    web_fini(&web);
}

TEST("may_send is asked when the connection is up, and its no lets not a byte out")
{
    struct web web = { .no = true };
    web_init(&web, SCRIPTS(answers));
    expect_error(&web, post(&web, true), ERR_NOT_SENT);
    expect_accepted(&web, 1);
    expect_error(&web, get(&web), ERR_NOT_SENT);
    expect_received(&web, "HTTP", 0);
    assert_int_equal(web.asked, 2);
    web.no = false;
    expect_ok(&web, post(&web, true));
    web_fini(&web);
}

TEST("a refusal of may_send at a silent repeat is ERR_LOST, since the first one left")
{
    struct web web = { 0 };
    web_init(&web, SCRIPTS(answers_once, answers));
    struct answered     a       = { 0 };
    struct http_request request = post(&web, false);
    expect_ok(&web, get(&web));
    start(&web, &request, &a);
    wait_for(web.loop, &web.asked, 2);
    web.no = true;
    wait_error(web.loop, &a.wait, ERR_LOST);
    expect_received(&web, "POST ", 1);
    http_answer_fini(&a.answer);
    web_fini(&web);
}

TEST("a port where nobody listens is ERR_CONNECT and may_send is not asked")
{
    struct web web = { 0 };
    web_init(&web, SCRIPTS(answers));
    peer_free(web.peer);
    web.peer = NULL;
    expect_error(&web, post(&web, true), ERR_CONNECT);
    assert_int_equal(web.asked, 0);
    web_fini(&web);
}

TEST("no answer in time is ERR_TIMEOUT when the request left")
{
    struct web web = { 0 };
    web_init(&web, SCRIPTS(hangs));
    struct http_request request = post(&web, true);
    request.timeout_ms          = 200;
    expect_error(&web, request, ERR_TIMEOUT);
    expect_received(&web, "POST ", 1);
    web_fini(&web);
}

TEST("a TLS greeting that hangs is ERR_CONNECT, since nothing left")
{
    static const struct peer_step mute[] = { HANG };
    struct web                    web    = { 0 };
    web_init(&web, SCRIPTS(mute));
    struct http_request request = post(&web, true);
    snprintf(web.url, sizeof web.url, "https://127.0.0.1:%d/?token=SECRET", peer_port(web.peer));
    request.timeout_ms = 200;
    expect_error(&web, request, ERR_CONNECT);
    assert_int_equal(web.asked, 0);
    web_fini(&web);
}

TEST("a reset after the request is ERR_LOST")
{
    struct web web = { 0 };
    web_init(&web, SCRIPTS(resets));
    expect_error(&web, post(&web, true), ERR_LOST);
    expect_received(&web, "POST ", 1);
    web_fini(&web);
}

TEST("what is not https is refused unless http is allowed, and nothing else ever is")
{
    struct web web = { .settings = {
                           .connect_ms = 1000, .connections_max = 2, .in_flight_max = 2 } };
    web_init(&web, SCRIPTS(answers));
    expect_error(&web, get(&web), ERR_INPUT);
    snprintf(web.url, sizeof web.url, "file:///etc/hostname?SECRET");
    expect_error(&web, get(&web), ERR_INPUT);
    snprintf(web.url, sizeof web.url, "https://SECRET bad/");
    expect_error(&web, get(&web), ERR_INPUT);
    assert_int_equal(peer_accepted(web.peer), 0);
    web_fini(&web);
}

TEST("a token that would be more than one header is refused")
{
    struct web web = { 0 };
    web_init(&web, SCRIPTS(answers));
    struct http_request request = get(&web);
    request.bearer              = STR("SECRET\r\nX-More: 1");
    expect_error(&web, request, ERR_INPUT);
    web_fini(&web);
}

TEST("one request more than may be in flight is ERR_FULL and is not sent")
{
    struct web      web = { .settings = { .connect_ms      = 1000,
                                          .connections_max = 4,
                                          .in_flight_max   = 2,
                                          .http_allowed    = true } };
    struct answered a   = { 0 };
    struct answered b   = { 0 };
    web_init(&web, SCRIPTS(hangs));
    struct http_request request = get(&web);
    start(&web, &request, &a);
    start(&web, &request, &b);
    expect_error(&web, get(&web), ERR_FULL);
    wait_for(web.loop, &web.asked, 2);
    call_cancel(&a.wait.call);
    call_cancel(&b.wait.call);
    expect_accepted(&web, 2);
    http_answer_fini(&a.answer);
    http_answer_fini(&b.answer);
    web_fini(&web);
}

TEST("who finds no free connection waits for one, or until its time is over")
{
    struct web      web   = { .settings = { .connect_ms      = 1000,
                                            .connections_max = 1,
                                            .in_flight_max   = 9,
                                            .http_allowed    = true } };
    struct answered first = { 0 };
    struct answered waits = { 0 };
    web_init(&web, SCRIPTS(hangs, answers));
    struct http_request request = get(&web);
    start(&web, &request, &first);
    start(&web, &request, &waits);
    request.timeout_ms = 100;
    expect_error(&web, request, ERR_CONNECT);
    assert_int_equal(waits.wait.dones, 0);
    call_cancel(&first.wait.call);
    wait_ok(web.loop, &waits.wait);
    http_answer_fini(&first.answer);
    http_answer_fini(&waits.answer);
    web_fini(&web);
}

TEST("a cancelled request is never done, connecting, waiting for its answer, or complete")
{
    struct web      web = { 0 };
    struct answered a   = { 0 };
    struct answered b   = { 0 };
    struct answered c   = { 0 };
    web_init(&web, SCRIPTS(answers));
    struct http_request request = get(&web);
    start(&web, &request, &a);
    call_cancel(&a.wait.call);
    start(&web, &request, &b);
    wait_for(web.loop, &web.asked, 1);
    call_cancel(&b.wait.call);
    start(&web, &request, &c);
    while (c.wait.call.state == CALL_WAITING)
        loop_turn(web.loop, 10);
    call_cancel(&c.wait.call);
    wait_ms(web.loop, 100);
    assert_int_equal(a.wait.dones + b.wait.dones, 0);
    http_answer_fini(&a.answer);
    http_answer_fini(&b.answer);
    http_answer_fini(&c.answer);
    web_fini(&web);
}

static void web_tls_init(struct web *web, struct tls_files *files, const char *names)
{
    static const struct peer_step *const scripts[] = { answers, NULL };
    tls_files_init(files, names);
    web->settings = (struct http_settings){
        .connect_ms = 10000, .connections_max = 8, .in_flight_max = 16, .ca_file = files->ca
    };
    web_init(web, NULL);
    web->peer = peer_new(scripts, files->cert, files->key);
    snprintf(web->url, sizeof web->url, "https://localhost:%d/v2/post?token=SECRET",
             peer_port(web->peer));
}

TEST("over TLS a commit point takes a fresh connection but resumes the session")
{
    struct web       web = { 0 };
    struct tls_files files;
    web_tls_init(&web, &files, "DNS:localhost");
    expect_ok(&web, get(&web));
    for (int i = 0; i < 3; i++)
        expect_ok(&web, post(&web, true));
    assert_int_equal(peer_accepted(web.peer), 4);
    assert_int_equal(peer_resumed(web.peer), 3);
    web_fini(&web);
    tls_files_fini(&files);
}

TEST("a certificate for another name is ERR_CONNECT and says why")
{
    struct web       web = { 0 };
    struct tls_files files;
    struct answered  a = { 0 };
    web_tls_init(&web, &files, "DNS:elsewhere.example");
    struct http_request request = post(&web, true);
    start(&web, &request, &a);
    wait_error(web.loop, &a.wait, ERR_CONNECT);
    assert_non_null(strstr(a.wait.err.message, "localhost"));
    assert_null(strstr(a.wait.err.message, "SECRET"));
    assert_int_equal(web.asked, 0);
    http_answer_fini(&a.answer);
    web_fini(&web);
    tls_files_fini(&files);
}

TEST("a name server that hangs blocks the loop neither in a cancel nor at the end of the time")
{
    struct hung_dns dns;
    struct web      web       = { 0 };
    struct answered cancelled = { 0 };
    struct answered late      = { 0 };
    if (!hung_dns_begin(&dns))
        skip();
    web_init(&web, NULL);
    snprintf(web.url, sizeof web.url, "http://hung.example/?token=SECRET");
    struct http_request request = get(&web);
    start(&web, &request, &cancelled);
    request.timeout_ms = 400;
    int64_t begin_ms   = clock_monotonic_ms();
    int64_t turn_ms    = 0;
    start(&web, &request, &late);
    wait_ms(web.loop, 100);
    int64_t cancel_ms = clock_monotonic_ms();
    call_cancel(&cancelled.wait.call);
    cancel_ms = clock_monotonic_ms() - cancel_ms;
    while (!late.wait.dones && clock_monotonic_ms() - begin_ms < 10000) {
        int64_t from_ms = clock_monotonic_ms();
        loop_turn(web.loop, 10);
        int64_t took_ms = clock_monotonic_ms() - from_ms;
        turn_ms         = took_ms > turn_ms ? took_ms : turn_ms;
    }
    print_message("cancel %d ms, longest turn %d ms\n", (int)cancel_ms, (int)turn_ms);
    assert_true(cancel_ms < 200 && turn_ms < 200);
    wait_error(web.loop, &late.wait, ERR_CONNECT);
    int64_t free_ms = clock_monotonic_ms();
    http_answer_fini(&cancelled.answer);
    http_answer_fini(&late.answer);
    web_fini(&web);
    assert_true(clock_monotonic_ms() - free_ms < 1000);
    hung_dns_end(&dns);
}

struct chain {
    struct wait         wait;
    struct http_answer  answer;
    struct web         *web;
    struct http_request request;
};

static void on_link(struct call *call, const struct error *err)
{
    struct chain *chain = container_of(call, struct chain, wait.call);
    assert_null(err);
    if (++chain->wait.dones < 20)
        http_start(chain->web->http, &chain->request, &chain->answer, call, on_link);
}

TEST("a request may be started in the done of the one before, with the same call and answer")
{
    struct web web = { 0 };
    web_init(&web, SCRIPTS(answers));
    struct chain chain = { .web = &web, .request = get(&web) };
    http_start(web.http, &chain.request, &chain.answer, &chain.wait.call, on_link);
    wait_for(web.loop, &chain.wait.dones, 20);
    assert_int_equal(peer_accepted(web.peer), 1);
    http_answer_fini(&chain.answer);
    web_fini(&web);
}
