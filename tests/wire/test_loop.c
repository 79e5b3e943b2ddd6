// SPDX-License-Identifier: Apache-2.0
// The promise of a call, and the order of things in the loop.
#include <stdlib.h>
#include <unistd.h>

#include "case.h"
#include "loop/clock.h"
#include "wait.h"

static int cancels;

static void on_cancelled(struct call *call)
{
    (void)call;
    cancels++;
}

TEST("a call finished inside its starter is done in the next turn, once")
{
    struct loop *loop = loop_new();
    struct wait  wait = { 0 };
    call_begin(&wait.call, loop, "test", 0, wait_on_done, NULL, NULL);
    call_finish(&wait.call, NULL);
    assert_int_equal(wait.dones, 0);
    wait_ok(loop, &wait);
    wait_ms(loop, 30);
    assert_int_equal(wait.dones, 1);
    assert_false(call_busy(&wait.call));
    loop_free(loop);
}

TEST("a call that failed hears the error, which was copied")
{
    struct loop *loop = loop_new();
    struct wait  wait = { 0 };
    struct error err;
    error_set(&err, ERR_LOST, "gone");
    call_begin(&wait.call, loop, "test", 0, wait_on_done, NULL, NULL);
    call_finish(&wait.call, &err);
    error_set(&err, ERR_IO, "something else");
    wait_error(loop, &wait, ERR_LOST);
    assert_string_equal(wait.err.message, "gone");
    loop_free(loop);
}

TEST("a call cancelled while it waits is never done, and its adapter hears of it")
{
    struct loop *loop = loop_new();
    struct wait  wait = { 0 };
    cancels           = 0;
    call_begin(&wait.call, loop, "test", 20, wait_on_done, on_cancelled, NULL);
    call_cancel(&wait.call);
    assert_int_equal(cancels, 1);
    wait_ms(loop, 60);
    assert_int_equal(wait.dones, 0);
    loop_free(loop);
}

TEST("a call cancelled after it finished is never done, and its adapter has no part in it")
{
    struct loop *loop = loop_new();
    struct wait  wait = { 0 };
    cancels           = 0;
    call_begin(&wait.call, loop, "test", 1000, wait_on_done, on_cancelled, NULL);
    call_finish(&wait.call, NULL);
    call_cancel(&wait.call);
    call_cancel(&wait.call);
    wait_ms(loop, 30);
    assert_int_equal(wait.dones, 0);
    assert_int_equal(cancels, 0);
    loop_free(loop);
}

TEST("a call whose deadline passes is done with ERR_TIMEOUT after its adapter was told")
{
    struct loop *loop = loop_new();
    struct wait  wait = { 0 };
    cancels           = 0;
    call_begin(&wait.call, loop, "kafka", 20, wait_on_done, on_cancelled, NULL);
    wait_error(loop, &wait, ERR_TIMEOUT);
    assert_int_equal(cancels, 1);
    assert_string_equal(wait.err.message, "kafka: no answer in time");
    loop_free(loop);
}

static void on_done_again(struct call *call, const struct error *err)
{
    struct loop *loop = call->adapter;
    struct wait *wait = container_of(call, struct wait, call);
    assert_null(err);
    if (++wait->dones == 1000)
        return;
    call_begin(call, loop, "test", 0, on_done_again, NULL, loop);
    call_finish(call, NULL);
}

TEST("a call may be started anew inside its done, and timers have their turn meanwhile")
{
    struct loop *loop  = loop_new();
    struct wait  busy  = { 0 };
    struct wait  timed = { 0 };
    call_begin(&timed.call, loop, "test", 1, wait_on_done, NULL, NULL);
    call_begin(&busy.call, loop, "test", 0, on_done_again, NULL, loop);
    call_finish(&busy.call, NULL);
    wait_for(loop, &busy.dones, 1000);
    wait_for(loop, &timed.dones, 1);
    assert_int_equal(busy.dones, 1000);
    loop_free(loop);
}

static void on_done_cancel_other(struct call *call, const struct error *err)
{
    struct wait *other = call->adapter;
    (void)err;
    call_cancel(&other->call);
}

TEST("a call may be cancelled by one that is done before it in the same turn")
{
    struct loop *loop   = loop_new();
    struct call  first  = { 0 };
    struct wait  second = { 0 };
    call_begin(&first, loop, "test", 0, on_done_cancel_other, NULL, &second);
    call_begin(&second.call, loop, "test", 0, wait_on_done, NULL, NULL);
    call_finish(&first, NULL);
    call_finish(&second.call, NULL);
    wait_ms(loop, 30);
    assert_int_equal(second.dones, 0);
    loop_free(loop);
}

struct ready {
    struct watch watch;
    int          times;
    int          what;
};

static void on_ready(struct watch *watch, int what)
{
    struct ready *ready = container_of(watch, struct ready, watch);
    ready->times++;
    ready->what = what;
    watch_set(watch, 0);
}

TEST("a watch tells of readiness until it is stopped, inside its own callback too")
{
    struct loop *loop  = loop_new();
    struct ready ready = { 0 };
    int          ends[2];
    assert_int_equal(pipe(ends), 0);
    watch_init(&ready.watch, loop, ends[0], on_ready);
    watch_set(&ready.watch, WATCH_READ);
    assert_int_equal(write(ends[1], "xx", 2), 2);
    wait_for(loop, &ready.times, 1);
    wait_ms(loop, 30);
    assert_int_equal(ready.times, 1);
    assert_int_equal(ready.what, WATCH_READ);
    watch_fini(&ready.watch);
    close(ends[0]);
    close(ends[1]);
    loop_free(loop);
}

struct tick {
    struct timer timer;
    int          times;
};

static void on_tick(struct timer *timer)
{
    container_of(timer, struct tick, timer)->times++;
}

TEST("a timer runs once, and not at all when it is stopped first")
{
    struct loop *loop = loop_new();
    struct tick  one  = { 0 };
    struct tick  none = { 0 };
    timer_init(&one.timer, loop, on_tick);
    timer_init(&none.timer, loop, on_tick);
    timer_start(&one.timer, 10);
    timer_start(&none.timer, 10);
    timer_stop(&none.timer);
    assert_true(timer_running(&one.timer));
    wait_for(loop, &one.times, 1);
    wait_ms(loop, 50);
    assert_int_equal(one.times, 1);
    assert_int_equal(none.times, 0);
    timer_fini(&one.timer);
    timer_fini(&none.timer);
    timer_fini(&none.timer);
    loop_free(loop);
}
