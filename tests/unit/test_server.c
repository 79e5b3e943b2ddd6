// SPDX-License-Identifier: Apache-2.0
// links: tokfleet_loop
#include "unit.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "loop/clock.h"
#include "loop/server.h"

enum {
    BODY_MAX        = 1000,
    TIMEOUT_MS      = 400,
    CONNECTIONS_MAX = 3,
    LARGE_BYTES     = 7000000,
    SEEN_BYTES      = 8 << 20
};

struct fixture {
    struct loop   *loop;     // owned
    struct server *server;   // owned
    int            handled;  // requests
};

static char seen[SEEN_BYTES];

static void on_request(void *owner, const struct server_request *request,
                       struct server_reply *reply)
{
    struct fixture *fixture = owner;
    fixture->handled++;
    if (strcmp(request->path, "/livez") == 0) {
        buf_add_text(&reply->body, "ok\n");
    } else if (strcmp(request->path, "/large") == 0) {
        static char large[LARGE_BYTES];
        memset(large, 'x', LARGE_BYTES);
        buf_add(&reply->body, (struct str){ large, LARGE_BYTES });
    } else if (strcmp(request->path, "/too large") == 0) {
        static char piece[65536];
        while (buf_add(&reply->body, (struct str){ piece, sizeof piece }))
            continue;
    } else {
        reply->status       = 404;
        reply->content_type = "text/x-echo";
        buf_printf(&reply->body, "[%s %s %s %.*s]", request->method, request->path, request->query,
                   STR_ARG(request->body));
    }
}

static void start(struct fixture *fixture)
{
    struct error err;
    *fixture        = (struct fixture){ .loop = loop_new() };
    fixture->server = server_open(fixture->loop, "127.0.0.1:0", BODY_MAX, TIMEOUT_MS,
                                  CONNECTIONS_MAX, on_request, fixture, &err);
    if (!fixture->server)
        fail_msg("%s", err.message);
    assert_true(server_port(fixture->server) > 0);
}

static void stop(struct fixture *fixture)
{
    server_free(fixture->server);
    loop_free(fixture->loop);
}

static int dial(struct fixture *fixture)
{
    struct sockaddr_in to = { .sin_family = AF_INET,
                              .sin_port   = htons((uint16_t)server_port(fixture->server)) };
    to.sin_addr.s_addr    = htonl(INADDR_LOOPBACK);
    int fd                = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

static void say(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

// Reads until `end` is there, or the server closes; true: it closed.
static bool hear(struct fixture *fixture, int fd, const char *end)
{
    size_t  len      = 0;
    int64_t deadline = clock_monotonic_ms() + 10000;
    seen[0]          = '\0';
    while (!end || !strstr(seen, end)) {
        loop_turn(fixture->loop, 5);
        ssize_t n = recv(fd, seen + len, SEEN_BYTES - 1 - len, MSG_DONTWAIT);
        if (n == 0)
            return true;
        len += n > 0 ? (size_t)n : 0;
        seen[len] = '\0';
        if (clock_monotonic_ms() > deadline)
            fail_msg("no end of: %.200s", seen);
    }
    return false;
}

static void assert_heard(const char *text)
{
    if (!strstr(seen, text))
        fail_msg("not heard: %s\nbut: %.400s", text, seen);
}

// One request on a connection of its own; the answer is in `seen`.
static void ask(struct fixture *fixture, const char *request)
{
    int fd = dial(fixture);
    say(fd, request);
    assert_true(hear(fixture, fd, NULL));
    close(fd);
}

TEST(a_health_request_is_answered)
{
    struct fixture f;
    start(&f);
    ask(&f, "GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert_heard("HTTP/1.1 200 OK\r\n");
    assert_heard("Content-Type: text/plain; charset=utf-8\r\nContent-Length: 3\r\n");
    assert_heard("Connection: close\r\n\r\nok\n");
    stop(&f);
}

TEST(the_handler_gets_method_path_query_and_body)
{
    struct fixture f;
    start(&f);
    ask(&f, "POST /a%20b%2f?q=%20&r HTTP/1.0\r\ncontent-length: 4\r\n\r\nbody");
    assert_heard("HTTP/1.1 404 Not Found\r\n");
    assert_heard("Content-Type: text/x-echo\r\n");
    assert_heard("\r\n\r\n[POST /a b/ q=%20&r body]");
    stop(&f);
}

TEST(a_head_request_is_a_get_without_the_body)
{
    struct fixture f;
    start(&f);
    ask(&f, "HEAD /echo HTTP/1.0\r\n\r\n");
    assert_heard("Content-Length: 13\r\n");
    assert_null(strstr(seen, "[GET"));
    stop(&f);
}

TEST(a_connection_serves_many_requests_also_at_once)
{
    struct fixture f;
    start(&f);
    int fd = dial(&f);
    for (int i = 0; i < 5; i++) {
        say(fd, "GET /livez HTTP/1.1\r\n\r\n");
        assert_false(hear(&f, fd, "ok\n"));
        assert_heard("Connection: keep-alive\r\n");
    }
    say(fd, "POST /1 HTTP/1.1\r\nContent-Length: 1\r\n\r\naPOST /2 HTTP/1.1\r\nContent-Length: "
            "1\r\n\r\nb");
    assert_false(hear(&f, fd, "[POST /2  b]"));
    assert_heard("[POST /1  a]");
    assert_int_equal(f.handled, 7);
    close(fd);
    stop(&f);
}

TEST(a_request_may_come_byte_by_byte)
{
    struct fixture f;
    const char    *text = "POST /x HTTP/1.1\r\nContent-Length: 3\r\nConnection: Close\r\n\r\nabc";
    start(&f);
    int fd = dial(&f);
    for (; *text; text++) {
        char one[2] = { *text, '\0' };
        say(fd, one);
        loop_turn(f.loop, 0);
    }
    assert_true(hear(&f, fd, NULL));
    assert_heard("[POST /x  abc]");
    close(fd);
    stop(&f);
}

TEST(a_client_that_expects_it_is_told_to_continue)
{
    struct fixture f;
    start(&f);
    int fd = dial(&f);
    say(fd, "POST /x HTTP/1.1\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
    assert_false(hear(&f, fd, "\r\n\r\n"));
    assert_string_equal(seen, "HTTP/1.1 100 Continue\r\n\r\n");
    say(fd, "abc");
    assert_false(hear(&f, fd, "[POST /x  abc]"));
    close(fd);
    stop(&f);
}

TEST(a_body_that_is_too_large_is_refused_before_it_is_read)
{
    struct fixture f;
    start(&f);
    ask(&f, "POST / HTTP/1.1\r\nContent-Length: 1001\r\n\r\nxxxxxxxxxxxxxxx");
    assert_heard("HTTP/1.1 413 ");
    ask(&f, "POST / HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\n");
    assert_heard("HTTP/1.1 413 ");
    assert_int_equal(f.handled, 0);
    stop(&f);
}

TEST(headers_that_are_too_large_are_refused)
{
    struct fixture f;
    static char    request[20000];
    start(&f);
    strcpy(request, "GET /livez HTTP/1.1\r\nX: ");
    memset(request + strlen(request), 'y', 17000);
    ask(&f, request);
    assert_heard("HTTP/1.1 431 ");
    strcpy(request + 17000, "\r\n\r\n");
    ask(&f, request);
    assert_heard("HTTP/1.1 431 ");
    assert_int_equal(f.handled, 0);
    stop(&f);
}

TEST(what_is_doubtful_is_refused)
{
    static const struct {
        const char *request;
        const char *status;
    } cases[] = {
        { "nonsense\r\n\r\n", " 400 " },
        { "get / HTTP/1.1\r\n\r\n", " 400 " },
        { "GET x HTTP/1.1\r\n\r\n", " 400 " },
        { "GET /%00 HTTP/1.1\r\n\r\n", " 400 " },
        { "GET /%4 HTTP/1.1\r\n\r\n", " 400 " },
        { "GET /%zz HTTP/1.1\r\n\r\n", " 400 " },
        { "GET /a\tb HTTP/1.1\r\n\r\n", " 400 " },
        { "GET / HTTP/2.0\r\n\r\n", " 505 " },
        { "GET / HTTP/1.1 x\r\n\r\n", " 505 " },
        { "GET / HTTP/1.1\r\nno colon\r\n\r\n", " 400 " },
        { "GET / HTTP/1.1\r\nX : y\r\n\r\n", " 400 " },
        { "GET / HTTP/1.1\r\nX: a\r\n folded: b\r\n\r\n", " 400 " },
        { "GET / HTTP/1.1\r\nX: a\nY: b\r\n\r\n", " 400 " },
        { "POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", " 400 " },
        { "POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", " 400 " },
        { "POST / HTTP/1.1\r\nContent-Length: 1, 1\r\n\r\na", " 400 " },
        { "POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
          " 501 " },
    };
    struct fixture f;
    start(&f);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        ask(&f, cases[i].request);
        assert_heard(cases[i].status);
    }
    assert_int_equal(f.handled, 0);
    stop(&f);
}

TEST(a_slow_client_is_told_and_closed_however_often_it_sends)
{
    struct fixture f;
    start(&f);
    int     fd    = dial(&f);
    int64_t begin = clock_monotonic_ms();
    say(fd, "GET /livez HTTP/1.1\r\nX: ");
    while (clock_monotonic_ms() - begin < TIMEOUT_MS + 200) {
        send(fd, "y", 1, MSG_NOSIGNAL);
        usleep(10000);
        loop_turn(f.loop, 10);
    }
    assert_true(hear(&f, fd, NULL));
    assert_heard("HTTP/1.1 408 ");
    assert_true(clock_monotonic_ms() - begin < 5000);
    close(fd);
    stop(&f);
}

TEST(an_idle_connection_is_closed_without_a_word)
{
    struct fixture f;
    start(&f);
    int fd = dial(&f);
    assert_true(hear(&f, fd, NULL));
    assert_string_equal(seen, "");
    close(fd);
    fd = dial(&f);
    say(fd, "GET /livez HTTP/1.1\r\n\r\n");
    assert_true(hear(&f, fd, NULL));
    assert_heard("ok\n");
    assert_null(strstr(seen, "408"));
    close(fd);
    stop(&f);
}

TEST(clients_that_do_not_read_lose_their_place)
{
    struct fixture f;
    int            fds[CONNECTIONS_MAX];
    start(&f);
    for (int i = 0; i < CONNECTIONS_MAX; i++) {
        fds[i] = dial(&f);
        say(fds[i], "GET /large HTTP/1.1\r\n\r\n");
    }
    for (int64_t begin = clock_monotonic_ms(); clock_monotonic_ms() - begin < 3 * TIMEOUT_MS;)
        loop_turn(f.loop, 20);
    assert_int_equal(f.handled, CONNECTIONS_MAX);
    ask(&f, "GET /livez HTTP/1.0\r\n\r\n");
    assert_heard("HTTP/1.1 200 OK\r\n");
    for (int i = 0; i < CONNECTIONS_MAX; i++)
        close(fds[i]);
    stop(&f);
}

TEST(a_large_answer_arrives_whole)
{
    struct fixture f;
    start(&f);
    ask(&f, "GET /large HTTP/1.0\r\n\r\n");
    assert_heard("Content-Length: 7000000\r\n");
    assert_int_equal(strlen(strstr(seen, "\r\n\r\n") + 4), LARGE_BYTES);
    stop(&f);
}

TEST(an_answer_past_the_bound_is_a_failure_of_the_server)
{
    struct fixture f;
    start(&f);
    ask(&f, "GET /too%20large HTTP/1.0\r\n\r\n");
    assert_heard("HTTP/1.1 500 ");
    stop(&f);
}

TEST(one_connection_too_many_is_turned_away)
{
    struct fixture f;
    int            fds[CONNECTIONS_MAX];
    start(&f);
    for (int i = 0; i < CONNECTIONS_MAX; i++) {
        fds[i] = dial(&f);
        say(fds[i], "GET /livez HTTP/1.1\r\n\r\n");
        assert_false(hear(&f, fds[i], "ok\n"));
    }
    int one_more = dial(&f);
    assert_true(hear(&f, one_more, NULL));
    assert_heard("HTTP/1.1 503 ");
    close(one_more);
    close(fds[0]);
    loop_turn(f.loop, 20);
    ask(&f, "GET /livez HTTP/1.0\r\n\r\n");
    assert_heard("HTTP/1.1 200 OK\r\n");
    for (int i = 1; i < CONNECTIONS_MAX; i++)
        close(fds[i]);
    stop(&f);
}

TEST(a_server_without_a_descriptor_left_waits_and_goes_on)
{
    struct fixture f;
    struct rlimit  before;
    start(&f);
    int fd = dial(&f);
    say(fd, "GET /livez HTTP/1.0\r\n\r\n");
    getrlimit(RLIMIT_NOFILE, &before);
    struct rlimit none = { .rlim_cur = 0, .rlim_max = before.rlim_max };
    setrlimit(RLIMIT_NOFILE, &none);
    for (int i = 0; i < 5; i++)
        loop_turn(f.loop, 20);
    setrlimit(RLIMIT_NOFILE, &before);
    assert_int_equal(f.handled, 0);
    assert_true(hear(&f, fd, NULL));
    assert_heard("ok\n");
    close(fd);
    stop(&f);
}

TEST(clients_that_go_in_the_middle_leave_nothing_behind)
{
    struct fixture f;
    start(&f);
    for (int i = 0; i < 50; i++) {
        int fd = dial(&f);
        say(fd, i % 2 ? "GET /large HTTP/1.1\r\n\r\n"
                      : "POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nx");
        loop_turn(f.loop, 10);
        close(fd);
        loop_turn(f.loop, 10);
    }
    ask(&f, "GET /livez HTTP/1.0\r\n\r\n");
    assert_heard("ok\n");
    stop(&f);
}

TEST(an_address_that_cannot_be_listened_on_is_an_error)
{
    struct fixture f;
    struct error   err;
    char           taken[40];
    start(&f);
    const char *const bad[] = { "nowhere", "127.0.0.1:x", "127.0.0.1:65536", "127.0.0.1:-1",
                                "300.1.1.1:80" };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        assert_null(server_open(f.loop, bad[i], 1, 1, 1, on_request, NULL, &err));
        assert_int_equal(err.code, ERR_SETTING);
    }
    snprintf(taken, sizeof taken, "127.0.0.1:%d", server_port(f.server));
    assert_null(server_open(f.loop, taken, 1, 1, 1, on_request, NULL, &err));
    assert_int_equal(err.code, ERR_IO);
    assert_non_null(strstr(err.message, "Address already in use"));
    stop(&f);
}
