// SPDX-License-Identifier: Apache-2.0
/* The event loop of a program: readiness, timers, signals, and the queue of calls that are done
 * (loop/call.h). One thread. libevent stands behind it and is seen nowhere outside this folder.
 * Timers and watches are embedded in their owner, which stops them (_fini) before it goes. */
#pragma once

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

struct loop;
struct event;
struct event_base;
struct evdns_base;

struct loop *loop_new(void);
void         loop_run(struct loop *loop);   // until loop_stop
void         loop_stop(struct loop *loop);  // after the callbacks of this turn
// handles what is ready, or waits so long: tests and tools
void loop_turn(struct loop *loop, int64_t at_most_ms);
void loop_free(struct loop *loop);  // everything that used it is gone by then

struct timer {
    struct event *event;  // owned; NULL before _init
    void (*on_timer)(struct timer *timer);
};

void timer_init(struct timer *timer, struct loop *loop, void (*on_timer)(struct timer *timer));
// once, after delay_ms; starts anew when running
void timer_start(struct timer *timer, int64_t delay_ms);
void timer_stop(struct timer *timer);
bool timer_running(const struct timer *timer);
void timer_fini(struct timer *timer);  // harmless on a zeroed timer

enum { WATCH_READ = 1, WATCH_WRITE = 2 };

struct watch {
    struct event *event;  // owned; NULL when nothing is watched
    struct loop  *loop;   // borrowed
    int           fd;     // borrowed; the watch goes before the descriptor is closed
    void (*on_ready)(struct watch *watch, int what);
};

void watch_init(struct watch *watch, struct loop *loop, int fd,
                void (*on_ready)(struct watch *watch, int what));
// WATCH_READ | WATCH_WRITE; 0 stops; stays until changed
void watch_set(struct watch *watch, int what);
void watch_fini(struct watch *watch);  // harmless on a zeroed watch

struct signal_watch {
    struct event *event;  // owned
    void (*on_signal)(struct signal_watch *watch, int signal);
};

void signal_watch_init(struct signal_watch *watch, struct loop *loop, int signal,
                       void (*on_signal)(struct signal_watch *watch, int signal));
void signal_watch_fini(struct signal_watch *watch);

// for the other files of this folder
struct call;
struct event_base *loop_base(struct loop *loop);
// made at first use; NULL when resolv.conf cannot be read
struct evdns_base *loop_dns(struct loop *loop);
void               loop_post(struct loop *loop, struct call *call);
void               loop_unpost(struct loop *loop, struct call *call);
