// SPDX-License-Identifier: Apache-2.0
#include "loop/call.h"

#include <assert.h>
#include <string.h>

#include "base/memory.h"

bool call_busy(const struct call *call)
{
    return call->state != CALL_IDLE;
}

static void on_deadline(struct timer *timer)
{
    struct call *call = container_of(timer, struct call, deadline);
    struct error err;
    error_set(&err, ERR_TIMEOUT, "%s: no answer in time", call->what);
    if (call->on_cancel)
        call->on_cancel(call);
    call->adapter = NULL;
    call_finish(call, &err);
}

void call_begin(struct call *call, struct loop *loop, const char *what, int64_t deadline_ms,
                call_done *done, call_cancelled *on_cancel, void *adapter)
{
    assert(call->state == CALL_IDLE);
    memset(call, 0, sizeof *call);
    call->state     = CALL_WAITING;
    call->loop      = loop;
    call->what      = what;
    call->done      = done;
    call->on_cancel = on_cancel;
    call->adapter   = adapter;
    if (deadline_ms > 0) {
        timer_init(&call->deadline, loop, on_deadline);
        timer_start(&call->deadline, deadline_ms);
    }
}

void call_finish(struct call *call, const struct error *err)
{
    assert(call->state == CALL_WAITING);
    timer_fini(&call->deadline);
    call->state  = CALL_DUE;
    call->failed = err != NULL;
    if (err)
        call->error = *err;
    loop_post(call->loop, call);
}

void call_cancel(struct call *call)
{
    if (call->state == CALL_WAITING) {
        timer_fini(&call->deadline);
        if (call->on_cancel)
            call->on_cancel(call);
    } else if (call->state == CALL_DUE) {
        loop_unpost(call->loop, call);
    }
    call->state   = CALL_IDLE;
    call->adapter = NULL;
}
