// SPDX-License-Identifier: Apache-2.0
// What may come back to a request.
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>

#include "case.h"
#include "web.h"

static const struct peer_step answers[] = { REQUEST, SEND(OK), AGAIN };

static void answer_brokenly(const char *bytes)
{
    const struct peer_step script[] = { REQUEST, SEND(bytes), END };
    struct web             web      = { 0 };
    web_init(&web, SCRIPTS(script));
    expect_error(&web, post(&web, true), ERR_BROKEN);
    expect_received(&web, "POST ", 1);
    web_fini(&web);
}

TEST("an answer that is no HTTP is ERR_BROKEN")
{
    answer_brokenly("good day\r\n\r\n");
}

TEST("an answer cut in its body is ERR_BROKEN")
{
    answer_brokenly("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"data\"");
}

TEST("an answer cut in its headers is ERR_BROKEN")
{
    answer_brokenly("HTTP/1.1 200 OK\r\nContent-Len");
}

TEST("broken chunks are ERR_BROKEN")
{
    answer_brokenly("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\nZZZ\r\n");
}

TEST("a chunk that is announced and does not come is ERR_BROKEN")
{
    answer_brokenly("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n10\r\nabc");
}

static char *long_answer(const char *head, const char *line, int lines)
{
    struct buf bytes;
    buf_init(&bytes, 1 << 20);
    buf_add_text(&bytes, head);
    for (int i = 0; i < lines; i++)
        buf_add_text(&bytes, line);
    return bytes.p;
}

TEST("a body that is longer than allowed is ERR_BROKEN, announced or in chunks or neither")
{
    static const char *const heads[] = { "HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n",
                                         "HTTP/1.1 200 OK\r\n\r\n",
                                         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" };
    for (size_t i = 0; i < COUNT_OF(heads); i++) {
        char *bytes = long_answer(heads[i], i == 2 ? "8\r\nxxxxxxxx\r\n" : "xxxxxxxxxx", 1000);
        answer_brokenly(bytes);
        free(bytes);
    }
}

TEST("headers without end are ERR_BROKEN")
{
    char *bytes =
        long_answer("HTTP/1.1 200 OK\r\n", "X-More: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n", 5000);
    answer_brokenly(bytes);
    free(bytes);
}

TEST("a second answer to one request is not taken for the answer to the next")
{
    static const struct peer_step twice[] = {
        REQUEST, SEND(OK "HTTP/1.1 500 No\r\nContent-Length: 2\r\n\r\nno"), HANG
    };
    struct web web = { 0 };
    web_init(&web, SCRIPTS(twice, answers));
    expect_ok(&web, get(&web));
    expect_ok(&web, get(&web));
    assert_int_equal(peer_accepted(web.peer), 2);
    web_fini(&web);
}

static void answer_well(const char *bytes)
{
    const struct peer_step script[] = { REQUEST, SEND(bytes), END };
    struct web             web      = { 0 };
    web_init(&web, SCRIPTS(script));
    expect_ok(&web, post(&web, true));
    web_fini(&web);
}

TEST("an answer after 100 Continue, one with trailers and one without a length are whole")
{
    answer_well("HTTP/1.1 100 Continue\r\n\r\n" OK);
    answer_well(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nX-More: 1\r\n\r\n");
    answer_well("HTTP/1.1 200 OK\r\n\r\n{}");
}

TEST("100 Continue and nothing after it is ERR_BROKEN")
{
    answer_brokenly("HTTP/1.1 100 Continue\r\n\r\n");
}

TEST("an answer in pieces is put together")
{
    static const struct peer_step pieces[] = { REQUEST,   SEND("HTTP/1.1 200 OK\r\nContent-"),
                                               SLEEP(50), SEND("Length: 2\r\n\r\n{"),
                                               SLEEP(50), SEND("}"),
                                               AGAIN };
    struct web                    web      = { 0 };
    web_init(&web, SCRIPTS(pieces));
    expect_ok(&web, post(&web, true));
    web_fini(&web);
}

TEST("a redirect is an answer and is not followed")
{
    static const struct peer_step moved[] = {
        REQUEST, SEND("HTTP/1.1 307 No\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n"), AGAIN
    };
    struct web      web = { 0 };
    struct answered a   = { 0 };
    web_init(&web, SCRIPTS(moved));
    struct http_request request = post(&web, true);
    start(&web, &request, &a);
    wait_ok(web.loop, &a.wait);
    assert_int_equal(a.answer.status, 307);
    expect_received(&web, "POST ", 1);
    http_answer_fini(&a.answer);
    web_fini(&web);
}

static void on_alarm(int number)
{
    (void)number;
    nanosleep(&(struct timespec){ .tv_nsec = 900000000 }, NULL);
}

// like SIGSTOP and SIGCONT: the wait for sockets ends with EINTR, long after the answer and the end
// of the time
TEST("who was stopped while the answer came, and wakes when its time is over, takes the answer")
{
    static const struct peer_step script[] = { REQUEST, SLEEP(600), SEND(OK), HANG };
    struct web                    web      = { 0 };
    struct answered               a        = { 0 };
    struct sigaction              before;
    struct itimerval              after = { .it_value.tv_usec = 400000 };
    sigset_t                      alarm;
    sigemptyset(&alarm);
    sigaddset(&alarm, SIGALRM);
    pthread_sigmask(SIG_BLOCK, &alarm, NULL);  // the peer's threads go on
    web_init(&web, SCRIPTS(script));
    pthread_sigmask(SIG_UNBLOCK, &alarm, NULL);
    struct http_request request = post(&web, true);
    request.timeout_ms          = 1000;
    sigaction(SIGALRM, &(struct sigaction){ .sa_handler = on_alarm }, &before);
    setitimer(ITIMER_REAL, &after, NULL);
    start(&web, &request, &a);
    while (!a.wait.dones)
        loop_turn(web.loop, PATIENCE_MS);
    wait_ok(web.loop, &a.wait);
    sigaction(SIGALRM, &before, NULL);
    http_answer_fini(&a.answer);
    web_fini(&web);
}
