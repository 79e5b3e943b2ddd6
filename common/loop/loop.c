// SPDX-License-Identifier: Apache-2.0
#include "loop/loop.h"

#include <assert.h>
#include <event2/dns.h>
#include <event2/event.h>
#include <stdlib.h>

#include "base/memory.h"
#include "loop/call.h"

TAILQ_HEAD(call_list, call);

struct loop {
    struct event_base *base;   // owned
    struct evdns_base *dns;    // owned; NULL until asked for
    struct event      *due;    // owned; activated when calls wait in `calls`
    struct call_list   calls;  // finished, their `done` has not run
    struct event      *bound;  // owned; ends loop_turn
};

static struct timeval to_timeval(int64_t ms)
{
    return (struct timeval){ .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };
}

// Only the calls that were there when the turn began: a `done` that starts a call which is done at
// once must not keep sockets and timers from their turn.
static void on_due(evutil_socket_t fd, short what, void *owner)
{
    (void)fd, (void)what;
    struct loop *loop = owner;
    struct call *last = TAILQ_LAST(&loop->calls, call_list);
    while (last && !TAILQ_EMPTY(&loop->calls)) {
        struct call *call = TAILQ_FIRST(&loop->calls);
        bool         end  = call == last;
        TAILQ_REMOVE(&loop->calls, call, entry);
        call->state      = CALL_IDLE;
        struct error err = call->error;
        call->done(call, call->failed ? &err : NULL);
        if (end)
            break;
    }
    if (!TAILQ_EMPTY(&loop->calls))
        event_active(loop->due, EV_TIMEOUT, 0);
}

static void on_bound(evutil_socket_t fd, short what, void *owner)
{
    (void)fd, (void)what;
    event_base_loopbreak(owner);
}

struct loop *loop_new(void)
{
    struct loop *loop = xcalloc(1, sizeof *loop);
    TAILQ_INIT(&loop->calls);
    loop->base = event_base_new();
    assert(loop->base);
    loop->due   = event_new(loop->base, -1, 0, on_due, loop);
    loop->bound = event_new(loop->base, -1, 0, on_bound, loop->base);
    assert(loop->due && loop->bound);
    return loop;
}

void loop_run(struct loop *loop)
{
    event_base_loop(loop->base, EVLOOP_NO_EXIT_ON_EMPTY);
}

void loop_stop(struct loop *loop)
{
    event_base_loopexit(loop->base, NULL);
}

void loop_turn(struct loop *loop, int64_t at_most_ms)
{
    struct timeval t = to_timeval(at_most_ms);
    event_add(loop->bound, &t);
    event_base_loop(loop->base, EVLOOP_ONCE | EVLOOP_NO_EXIT_ON_EMPTY);
    event_del(loop->bound);
}

void loop_free(struct loop *loop)
{
    if (!loop)
        return;
    assert(TAILQ_EMPTY(&loop->calls));
    if (loop->dns)
        evdns_base_free(loop->dns, 0);
    event_free(loop->bound);
    event_free(loop->due);
    event_base_free(loop->base);
    free(loop);
}

struct event_base *loop_base(struct loop *loop)
{
    return loop->base;
}

struct evdns_base *loop_dns(struct loop *loop)
{
    if (!loop->dns)
        loop->dns = evdns_base_new(loop->base, EVDNS_BASE_INITIALIZE_NAMESERVERS |
                                                   EVDNS_BASE_DISABLE_WHEN_INACTIVE);
    return loop->dns;
}

void loop_post(struct loop *loop, struct call *call)
{
    TAILQ_INSERT_TAIL(&loop->calls, call, entry);
    event_active(loop->due, EV_TIMEOUT, 0);
}

void loop_unpost(struct loop *loop, struct call *call)
{
    TAILQ_REMOVE(&loop->calls, call, entry);
}

static void on_timer_event(evutil_socket_t fd, short what, void *owner)
{
    (void)fd, (void)what;
    struct timer *timer = owner;
    timer->on_timer(timer);
}

void timer_init(struct timer *timer, struct loop *loop, void (*on_timer)(struct timer *timer))
{
    timer->on_timer = on_timer;
    timer->event    = event_new(loop->base, -1, 0, on_timer_event, timer);
    assert(timer->event);
}

void timer_start(struct timer *timer, int64_t delay_ms)
{
    struct timeval t = to_timeval(delay_ms > 0 ? delay_ms : 0);
    event_add(timer->event, &t);
}

void timer_stop(struct timer *timer)
{
    event_del(timer->event);
}

bool timer_running(const struct timer *timer)
{
    return timer->event && event_pending(timer->event, EV_TIMEOUT, NULL);
}

void timer_fini(struct timer *timer)
{
    if (timer->event)
        event_free(timer->event);
    timer->event = NULL;
}

static void on_watch_event(evutil_socket_t fd, short what, void *owner)
{
    (void)fd;
    struct watch *watch = owner;
    watch->on_ready(watch, (what & EV_READ ? WATCH_READ : 0) | (what & EV_WRITE ? WATCH_WRITE : 0));
}

void watch_init(struct watch *watch, struct loop *loop, int fd,
                void (*on_ready)(struct watch *watch, int what))
{
    *watch = (struct watch){ .loop = loop, .fd = fd, .on_ready = on_ready };
}

void watch_set(struct watch *watch, int what)
{
    if (watch->event)
        event_free(watch->event);
    watch->event = NULL;
    if (!what)
        return;
    int flags =
        EV_PERSIST | (what & WATCH_READ ? EV_READ : 0) | (what & WATCH_WRITE ? EV_WRITE : 0);
    watch->event = event_new(watch->loop->base, watch->fd, (short)flags, on_watch_event, watch);
    assert(watch->event);
    event_add(watch->event, NULL);
}

void watch_fini(struct watch *watch)
{
    if (watch->event)
        event_free(watch->event);
    watch->event = NULL;
}

static void on_signal_event(evutil_socket_t signal, short what, void *owner)
{
    (void)what;
    struct signal_watch *watch = owner;
    watch->on_signal(watch, (int)signal);
}

void signal_watch_init(struct signal_watch *watch, struct loop *loop, int signal,
                       void (*on_signal)(struct signal_watch *watch, int signal))
{
    watch->on_signal = on_signal;
    watch->event     = evsignal_new(loop->base, signal, on_signal_event, watch);
    assert(watch->event);
    event_add(watch->event, NULL);
}

void signal_watch_fini(struct signal_watch *watch)
{
    if (watch->event)
        event_free(watch->event);
    watch->event = NULL;
}
