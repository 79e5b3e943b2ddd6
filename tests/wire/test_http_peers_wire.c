// SPDX-License-Identifier: Apache-2.0 Every way in which a peer may misbehave, and what is known
// about a commit point afterwards: maybe, or surely not.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "case.h"
#include "deaf.h"
#include "dns.h"
#include "tls.h"
#include "web.h"

// A commit point is sent to it; the code, the column, how often it arrived, and that a person can
// tell who it was.
static void misbehave(struct web *web, int64_t timeout_ms, enum err_code code, enum effect effect,
                      int arrived)
{
    struct answered     a       = { 0 };
    struct http_request request = post(web, true);
    char                port[16];
    request.timeout_ms = timeout_ms;
    start(web, &request, &a);
    wait_error(web->loop, &a.wait, code);
    assert_int_equal(err_effect(a.wait.err.code), effect);
    snprintf(port, sizeof port, ":%s", strrchr(web->url, ':') + 1);
    *strchr(port, '/') = '\0';
    if (!strstr(a.wait.err.message, port))
        fail_msg("not which peer: %s", a.wait.err.message);
    if (strstr(a.wait.err.message, "SECRET") || strchr(a.wait.err.message, '\n'))
        fail_msg("a secret, or more than a line: %s", a.wait.err.message);
    if (web->peer)
        expect_received(web, "POST ", arrived);
    http_answer_fini(&a.answer);
}

static void meet(const struct peer_step *script, int64_t timeout_ms, enum err_code code,
                 enum effect effect, int arrived)
{
    struct web web = { 0 };
    web_init(&web, SCRIPTS(script));
    misbehave(&web, timeout_ms, code, effect, arrived);
    assert_int_equal(peer_accepted(web.peer), 1);
    web_fini(&web);
}

TEST("a connect that hangs is surely not sent")
{
    struct web  web = { .settings = { .connect_ms      = 200,
                                      .connections_max = 2,
                                      .in_flight_max   = 2,
                                      .http_allowed    = true } };
    struct deaf deaf;
    deaf_init(&deaf);
    web_init(&web, NULL);
    snprintf(web.url, sizeof web.url, "http://127.0.0.1:%d/?token=SECRET", deaf.port);
    misbehave(&web, PATIENCE_MS, ERR_CONNECT, EFFECT_NO, 0);
    assert_int_equal(web.asked, 0);
    web_fini(&web);
    deaf_fini(&deaf);
}

TEST("a peer that accepts and closes at once may have got it")
{
    static const struct peer_step script[] = { END };
    meet(script, PATIENCE_MS, ERR_LOST, EFFECT_MAYBE, 0);
}

TEST("half an answer and then silence is a maybe, in headers and in the body")
{
    static const struct peer_step headers[] = { REQUEST, SEND("HTTP/1.1 200 OK\r\nConte"), HANG };
    static const struct peer_step body[]    = { REQUEST,
                                                SEND("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"),
                                                HANG };
    meet(headers, 300, ERR_TIMEOUT, EFFECT_MAYBE, 1);
    meet(body, 300, ERR_TIMEOUT, EFFECT_MAYBE, 1);
}

TEST("an answer byte by byte is taken, and a maybe when it takes too long")
{
    static const struct peer_step quick[] = { REQUEST, DRIP(OK, 1), HANG };
    static const struct peer_step slow[]  = { REQUEST, DRIP(OK, 100), HANG };
    struct web                    web     = { 0 };
    web_init(&web, SCRIPTS(quick));
    expect_ok(&web, post(&web, true));
    web_fini(&web);
    meet(slow, 300, ERR_TIMEOUT, EFFECT_MAYBE, 1);
}

TEST("headers, interim answers, chunks and a body without end are cut off as a maybe")
{
    static const struct peer_step header[] = {
        REQUEST, SEND("HTTP/1.1 200 OK\r\n"), FLOOD("X-More: 0123456789012345678901234567890\r\n")
    };
    static const struct peer_step line[]   = { REQUEST, SEND("HTTP/1.1 200 OK\r\nX-More: "),
                                               FLOOD("0123456789012345678901234567890123456789") };
    static const struct peer_step chunks[] = {
        REQUEST, SEND("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"), FLOOD("1\r\nx\r\n")
    };
    static const struct peer_step body[] = { REQUEST, SEND("HTTP/1.1 200 OK\r\n\r\n"),
                                             FLOOD("0123456789") };
    meet(header, PATIENCE_MS, ERR_BROKEN, EFFECT_MAYBE, 1);
    meet(line, PATIENCE_MS, ERR_BROKEN, EFFECT_MAYBE, 1);
    meet(chunks, PATIENCE_MS, ERR_BROKEN, EFFECT_MAYBE, 1);
    meet(body, PATIENCE_MS, ERR_BROKEN, EFFECT_MAYBE, 1);
}

TEST("interim answers without end are cut off as a maybe")
{
    static const struct peer_step script[] = { REQUEST, FLOOD("HTTP/1.1 102 Processing\r\n\r\n") };
    struct web                    web      = { 0 };
    struct answered               a        = { 0 };
    web_init(&web, SCRIPTS(script));
    struct http_request request = post(&web, true);
    request.timeout_ms          = 1000;
    start(&web, &request, &a);
    wait_for(web.loop, &a.wait.dones, 1);
    assert_true(a.wait.failed);
    assert_int_equal(err_effect(a.wait.err.code), EFFECT_MAYBE);
    http_answer_fini(&a.answer);
    web_fini(&web);
}

TEST("a length that is not one, or is two, is a maybe")
{
    static const struct peer_step word[] = {
        REQUEST, SEND("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n{}"), HANG
    };
    static const struct peer_step huge[] = {
        REQUEST, SEND("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n{}"), HANG
    };
    meet(word, 500, ERR_BROKEN, EFFECT_MAYBE, 1);
    meet(huge, 300, ERR_TIMEOUT, EFFECT_MAYBE, 1);  // libcurl waits for the end of the connection
}

TEST("bytes after the announced length are nobody's")
{
    static const struct peer_step script[] = { REQUEST, SEND(OK "{\"more\":1}"), HANG };
    struct web                    web      = { 0 };
    web_init(&web, SCRIPTS(script));
    expect_ok(&web, post(&web, true));
    expect_ok(&web, get(&web));
    assert_int_equal(peer_accepted(web.peer), 2);
    web_fini(&web);
}

TEST("an answer before the request is taken for no request that follows on that connection")
{
    static const struct peer_step early[]  = { REQUEST, SEND(OK), SLEEP(100), SEND(OK), HANG };
    static const struct peer_step second[] = { REQUEST, SEND(OK), AGAIN };
    struct web                    web      = { 0 };
    web_init(&web, SCRIPTS(early, second));
    expect_ok(&web, get(&web));
    wait_ms(web.loop, 300);
    expect_ok(&web, get(&web));
    expect_ok(&web, post(&web, true));
    expect_received(&web, "POST ", 1);
    assert_true(peer_accepted(web.peer) >= 2);
    web_fini(&web);
}

TEST("a body in a coding that was not asked for is given as it came")
{
    static const struct peer_step script[] = {
        REQUEST,
        SEND("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\n\x1f\x8b\x08"),
        HANG
    };
    struct web      web = { 0 };
    struct answered a   = { 0 };
    web_init(&web, SCRIPTS(script));
    struct http_request request = post(&web, true);
    start(&web, &request, &a);
    wait_ok(web.loop, &a.wait);
    assert_int_equal(a.answer.body.len, 3);
    expect_received(&web, "Accept-Encoding", 0);
    http_answer_fini(&a.answer);
    web_fini(&web);
}

static void meet_tls(const char *names, void (*spoil)(struct tls_files *), bool trusted,
                     const char *words)
{
    static const struct peer_step        answers[] = { REQUEST, SEND(OK), AGAIN };
    static const struct peer_step *const scripts[] = { answers, NULL };
    struct tls_files                     files;
    struct tls_files                     others;
    struct web                           web = { 0 };
    struct answered                      a   = { 0 };
    tls_files_init(&files, names);
    tls_files_init(&others, names);
    if (spoil)
        spoil(&files);
    web.settings = (struct http_settings){ .connect_ms      = 10000,
                                           .connections_max = 2,
                                           .in_flight_max   = 2,
                                           .ca_file         = trusted ? files.ca : others.ca };
    web_init(&web, NULL);
    web.peer = peer_new(scripts, files.cert, files.key);
    snprintf(web.url, sizeof web.url, "https://localhost:%d/v2?token=SECRET", peer_port(web.peer));
    struct http_request request = post(&web, true);
    start(&web, &request, &a);
    wait_error(web.loop, &a.wait, ERR_CONNECT);
    assert_int_equal(err_effect(a.wait.err.code), EFFECT_NO);
    if (!strstr(a.wait.err.message, words) || strstr(a.wait.err.message, "SECRET"))
        fail_msg("not \"%s\", or a secret: %s", words, a.wait.err.message);
    assert_int_equal(peer_count(web.peer, "POST"), 0);
    http_answer_fini(&a.answer);
    web_fini(&web);
    tls_files_fini(&files);
    tls_files_fini(&others);
}

static void expire(struct tls_files *files)
{
    tls_files_date(files, -3, -1);
}

TEST("a certificate that is expired, self-signed, unknown or another's is surely not sent to")
{
    meet_tls("DNS:localhost", expire, true, "expired");
    meet_tls("DNS:localhost", tls_files_self_sign, true, "self-signed");
    meet_tls("DNS:localhost", NULL, false, "certificate");
    meet_tls("DNS:elsewhere.example", NULL, true, "localhost");
}

TEST("a name that does not exist is surely not sent")
{
    struct hung_dns dns;
    struct web      web = { 0 };
    struct answered a   = { 0 };
    if (!hung_dns_begin(&dns))
        skip();
    hung_dns_know_nothing(&dns);
    web_init(&web, NULL);
    snprintf(web.url, sizeof web.url, "http://nobody.example/?token=SECRET");
    struct http_request request = post(&web, true);
    start(&web, &request, &a);
    wait_error(web.loop, &a.wait, ERR_CONNECT);
    assert_non_null(strstr(a.wait.err.message, "nobody.example"));
    http_answer_fini(&a.answer);
    web_fini(&web);
    hung_dns_end(&dns);
}
