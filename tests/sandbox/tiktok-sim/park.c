// SPDX-License-Identifier: Apache-2.0
#include "park.h"

#include <errno.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "call.h"
#include "server.h"
#include "sim.h"

#define LOOK_MS 50  // how often to look whether the client has left

struct parked {
    struct call              *call;    // owned
    struct evhttp_connection *conn;    // libevent's; on_closed tells when it goes
    struct event             *timer;   // owned
    enum park                 park;    // what to do when due
    int64_t                   due_ms;  // when
    struct parked            *prev;    // in sim's list
    struct parked            *next;    // in sim's list
};

static void on_tick(evutil_socket_t fd, short what, void *arg);

static int parked_fd(struct parked *parked)
{
    return (int)bufferevent_getfd(evhttp_connection_get_bufferevent(parked->conn));
}

// Out of the list and of the connection; the call is still there.
static void unlink_parked(struct parked *parked)
{
    struct sim *sim = parked->call->sim;
    evhttp_connection_set_closecb(parked->conn, NULL, NULL);
    event_free(parked->timer);
    *(parked->prev ? &parked->prev->next : &sim->parked) = parked->next;
    if (parked->next)
        parked->next->prev = parked->prev;
}

// The client will not see an answer.
static void end_unanswered(struct parked *parked)
{
    struct call *call          = parked->call;
    bool         was_to_answer = call->will_answer;
    if (parked->park == PARK_SEND) {
        call->will_answer = false;
        ledger_call(call);
        if (call->made && was_to_answer)
            publish_unanswered(call->made);
    }
    call_free(call);
    free(parked);
}

// The library closes the connection. A request it took off the connection is ours to free.
static void on_closed(struct evhttp_connection *conn, void *arg)
{
    struct parked *parked = arg;
    (void)conn;
    unlink_parked(parked);
    struct evhttp_request *req = parked->call->req;
    if (req && !evhttp_request_get_connection(req))
        evhttp_request_free(req);
    end_unanswered(parked);
}

static bool client_left(int fd)
{
    char    byte;
    ssize_t got = recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR);
}

// Disconnecting a connected socket sends a reset at once, with no FIN before it.
static void reset_connection(int fd)
{
    struct linger   linger = { .l_onoff = 1, .l_linger = 0 };
    struct sockaddr none   = { .sa_family = AF_UNSPEC };
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    if (connect(fd, &none, sizeof none) != 0)
        perror("tiktok-sim: a connection could not be reset");
}

static void drop(struct parked *parked, bool reset)
{
    struct evhttp_connection *conn = parked->conn;
    unlink_parked(parked);
    if (reset)
        reset_connection(parked_fd(parked));
    end_unanswered(parked);
    evhttp_connection_free(conn);
}

static void wait_more(struct parked *parked)
{
    int64_t wait_ms = LOOK_MS;
    if (parked->park != PARK_HANG) {
        wait_ms = parked->due_ms - clock_now_ms();
        wait_ms = wait_ms > LOOK_MS ? LOOK_MS : wait_ms < 0 ? 0 : wait_ms;
    }
    struct timeval tv = { .tv_usec = wait_ms * 1000 };
    evtimer_add(parked->timer, &tv);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
    struct parked *parked = arg;
    (void)fd;
    (void)what;
    if (client_left(parked_fd(parked))) {
        drop(parked, false);
    } else if (parked->park == PARK_HANG || clock_now_ms() < parked->due_ms) {
        wait_more(parked);
    } else if (parked->park == PARK_SEND) {
        struct call *call = parked->call;
        unlink_parked(parked);
        free(parked);
        server_send(call);
    } else {
        drop(parked, parked->park == PARK_RESET);
    }
}

void park_call(struct call *call, enum park park, int64_t wait_ms)
{
    struct sim    *sim    = call->sim;
    struct parked *parked = xcalloc(1, sizeof *parked);
    parked->call          = call;
    parked->conn          = evhttp_request_get_connection(call->req);
    parked->park          = park;
    parked->due_ms        = clock_now_ms() + wait_ms;
    parked->timer         = evtimer_new(sim->base, on_tick, parked);
    if (!parked->timer)
        abort();
    parked->next = sim->parked;
    if (sim->parked)
        sim->parked->prev = parked;
    sim->parked = parked;
    evhttp_connection_set_closecb(parked->conn, on_closed, parked);
    wait_more(parked);
}

void park_drop_all(struct sim *sim)
{
    while (sim->parked)
        drop(sim->parked, true);
}
