// SPDX-License-Identifier: Apache-2.0
/*     http_start ─► queue ──(a connection is free)──► running ─► done
 *                     └── time is over: done(ERR_CONNECT)
 * libcurl asks for sockets and one timer to be watched (on_socket, on_timeout) and is driven by them only (act);
 * after each time what is complete is read. A connection carries one request at a time (HTTP/1.1), so that the
 * bound of connections is kept here: libcurl's own queue forgets the time limits of who waits in it. */
#include "io/http.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "io/http_transfer.h"
#include "loop/clock.h"

enum { LATE_MS = 100, SLEEPS_MAX = 3 };

struct socket {
    struct http *http;          // borrowed
    struct watch watch;         // of libcurl's descriptor
    int          what;          // as watched now
    TAILQ_ENTRY(socket) entry;  // in sockets of http
};

TAILQ_HEAD(socket_list, socket);

struct http {
    struct loop            *loop;        // borrowed
    CURLM                  *multi;       // owned
    CURLSH                 *share;       // owned: TLS sessions
    char                   *user_agent;  // owned
    char                   *ca_file;     // owned; NULL: the system's
    struct transfer_options options;     // its texts are those two
    int64_t                 connections_max;
    int64_t                 in_flight_max;
    int64_t                 in_flight;  // running and queued
    int64_t                 active;     // running
    struct transfer_list    running;
    struct transfer_list    queue;
    struct socket_list      sockets;  // those that libcurl wants watched
    struct timer            timer;    // libcurl's
    bool                    inside;   // libcurl is at work: it must not be entered again
};

static void start_queued(struct http *http);

static void forget(struct transfer *transfer)
{
    struct http *http = transfer->http;
    if (transfer->running) {
        bool was     = http->inside;
        http->inside = true;
        curl_multi_remove_handle(http->multi, transfer->easy);
        http->inside = was;
        TAILQ_REMOVE(&http->running, transfer, entry);
        http->active--;
    } else {
        TAILQ_REMOVE(&http->queue, transfer, entry);
    }
    http->in_flight--;
    transfer_free(transfer);
}

static void on_cancelled(struct call *call)
{
    struct transfer *transfer = call->adapter;
    struct http     *http     = transfer->http;
    assert(!http->inside);
    forget(transfer);
    start_queued(http);
}

static void finish(struct transfer *transfer, CURLcode code)
{
    struct call *call = transfer->call;
    struct error err;
    bool         ok = transfer_outcome(transfer, code, &err);
    forget(transfer);
    call_finish(call, ok ? NULL : &err);
}

static void read_completed(struct http *http)
{
    CURLMsg *message;
    int      left = 0;
    while ((message = curl_multi_info_read(http->multi, &left))) {
        struct transfer *transfer = NULL;
        CURLcode         code     = message->data.result;
        if (message->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
        finish(transfer, code);
    }
    start_queued(http);
}

static void act(struct http *http, curl_socket_t fd, int what)
{
    int running    = 0;
    http->inside   = true;
    CURLMcode code = curl_multi_socket_action(http->multi, fd, what, &running);
    http->inside   = false;
    assert(code == CURLM_OK);
    read_completed(http);
}

static void on_timer(struct timer *timer)
{
    act(container_of(timer, struct http, timer), CURL_SOCKET_TIMEOUT, 0);
}

static int on_timeout(CURLM *multi, long timeout_ms, void *owner)
{
    (void)multi;
    struct http *http = owner;
    if (timeout_ms < 0)
        timer_stop(&http->timer);
    else
        timer_start(&http->timer, timeout_ms);
    return 0;
}

// The watch may be gone after act.
static void on_ready(struct watch *watch, int what)
{
    struct socket *one = container_of(watch, struct socket, watch);
    act(one->http, watch->fd,
        (what & WATCH_READ ? CURL_CSELECT_IN : 0) | (what & WATCH_WRITE ? CURL_CSELECT_OUT : 0));
}

static void socket_free(struct socket *one)
{
    watch_fini(&one->watch);
    TAILQ_REMOVE(&one->http->sockets, one, entry);
    free(one);
}

/* libcurl closes a descriptor right after CURL_POLL_REMOVE, and the kernel gives its number to the
 * next one. */
static int on_socket(CURL *easy, curl_socket_t fd, int poll, void *owner, void *known)
{
    (void)easy;
    struct http   *http = owner;
    struct socket *one  = known;
    int            what = 0;
    if (poll == CURL_POLL_REMOVE) {
        if (one)
            socket_free(one);
        return 0;
    }
    if (!one) {
        one       = xcalloc(1, sizeof *one);
        one->http = http;
        watch_init(&one->watch, http->loop, fd, on_ready);
        TAILQ_INSERT_TAIL(&http->sockets, one, entry);
        curl_multi_assign(http->multi, fd, one);
    }
    if (poll == CURL_POLL_IN || poll == CURL_POLL_INOUT)
        what |= WATCH_READ;
    if (poll == CURL_POLL_OUT || poll == CURL_POLL_INOUT)
        what |= WATCH_WRITE;
    if (what != one->what)
        watch_set(&one->watch, what);
    one->what = what;
    return 0;
}

struct http *http_new(struct loop *loop, const struct http_settings *settings, struct error *err)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        error_set(err, ERR_IO, "libcurl cannot be used");
        return NULL;
    }
    struct http *http     = xcalloc(1, sizeof *http);
    http->loop            = loop;
    http->connections_max = settings->connections_max;
    http->in_flight_max   = settings->in_flight_max;
    TAILQ_INIT(&http->running);
    TAILQ_INIT(&http->queue);
    TAILQ_INIT(&http->sockets);
    timer_init(&http->timer, loop, on_timer);
    http->multi = curl_multi_init();
    http->share = curl_share_init();
    assert(http->multi && http->share);
    curl_share_setopt(http->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
    curl_multi_setopt(http->multi, CURLMOPT_MAXCONNECTS, (long)settings->connections_max);
    curl_multi_setopt(http->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
    curl_multi_setopt(http->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(http->multi, CURLMOPT_SOCKETDATA, http);
    curl_multi_setopt(http->multi, CURLMOPT_TIMERFUNCTION, on_timeout);
    curl_multi_setopt(http->multi, CURLMOPT_TIMERDATA, http);
    http->user_agent = xstrdup(settings->user_agent ? settings->user_agent : "tokfleet");
    http->ca_file    = settings->ca_file ? xstrdup(settings->ca_file) : NULL;
    http->options    = (struct transfer_options){
           .user_agent   = http->user_agent,
           .ca_file      = http->ca_file,
           .connect_ms   = settings->connect_ms,
           .http_allowed = settings->http_allowed,
           .share        = http->share,
    };
    return http;
}

/* The time that this process slept does not count: neither is an answer given up that lies in its
 * socket (a wait for sockets that a stop interrupted ends without them, and timers run), nor one to
 * a request that was just sent on waking. */
static bool has_slept(struct transfer *transfer)
{
    if (clock_monotonic_ms() < transfer->until_ms + LATE_MS || transfer->slept >= SLEEPS_MAX)
        return false;
    transfer->slept++;
    return true;
}

static void transfer_wait(struct transfer *transfer)
{
    transfer->until_ms = clock_monotonic_ms() + transfer->timeout_ms;
    timer_start(&transfer->patience, transfer->timeout_ms);
}

/* Its time is over, in the queue or on the wire. This timer and not libcurl's decides: the loop
 * hands out what sockets have before it runs timers. */
static void on_patience(struct timer *timer)
{
    struct transfer *transfer = container_of(timer, struct transfer, patience);
    struct http     *http     = transfer->http;
    struct call     *call     = transfer->call;
    struct error     err;
    if (transfer->running && has_slept(transfer)) {
        transfer_wait(transfer);
        return;
    }
    if (transfer->running) {
        finish(transfer, CURLE_OPERATION_TIMEDOUT);
        start_queued(http);
        return;
    }
    error_set(&err, ERR_CONNECT, "%s: no connection was free in time", transfer->origin);
    forget(transfer);
    call_finish(call, &err);
}

static void start_queued(struct http *http)
{
    struct transfer *transfer;
    while (http->active < http->connections_max && (transfer = TAILQ_FIRST(&http->queue))) {
        TAILQ_REMOVE(&http->queue, transfer, entry);
        transfer->running = true;
        TAILQ_INSERT_TAIL(&http->running, transfer, entry);
        http->active++;
        http->inside   = true;
        CURLMcode code = curl_multi_add_handle(http->multi, transfer->easy);
        http->inside   = false;
        assert(code == CURLM_OK);
    }
}

void http_start(struct http *http, const struct http_request *request, struct http_answer *answer,
                struct call *call, call_done *done)
{
    struct error     err;
    struct transfer *transfer = NULL;
    assert(!http->inside && request->timeout_ms > 0);
    http_answer_fini(answer);
    if (http->in_flight >= http->in_flight_max)
        error_set(&err, ERR_FULL, "http: %" PRId64 " requests in flight", http->in_flight);
    else
        transfer = transfer_new(request, &http->options, answer, &err);
    call_begin(call, http->loop, "http", 0, done, transfer ? on_cancelled : NULL, transfer);
    if (!transfer) {
        call_finish(call, &err);
        return;
    }
    transfer->http = http;
    transfer->call = call;
    timer_init(&transfer->patience, http->loop, on_patience);
    transfer->timeout_ms = request->timeout_ms;
    transfer_wait(transfer);
    TAILQ_INSERT_TAIL(&http->queue, transfer, entry);
    http->in_flight++;
    start_queued(http);
}

int64_t http_in_flight(const struct http *http)
{
    return http->in_flight;
}

void http_free(struct http *http)
{
    if (!http)
        return;
    assert(http->in_flight == 0);
    curl_multi_cleanup(http->multi);
    while (!TAILQ_EMPTY(&http->sockets))
        socket_free(TAILQ_FIRST(&http->sockets));
    timer_fini(&http->timer);
    curl_share_cleanup(http->share);
    free(http->user_agent);
    free(http->ca_file);
    curl_global_cleanup();
    free(http);
}
