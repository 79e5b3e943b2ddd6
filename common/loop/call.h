// SPDX-License-Identifier: Apache-2.0
/* A request in flight, embedded in whoever waits for it. Kafka, HTTP and Redis share it.
 *
 * The promise of every starter (a function that takes `struct call *call, call_done *done` last):
 * `done` runs exactly once, never before the starter has returned, never after call_cancel(); err
 * NULL means success, and the answer has been decoded into the caller's struct by then. Inside
 * `done` the call is idle again and may be started anew, or its owner freed.
 *
 * An adapter (io/, loop/) does: call_begin() in its starter, then call_finish() once, at any time.
 * Its on_cancel is run when the owner cancels or the deadline passes; after it the adapter must not
 * touch call nor answer any more. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/error.h"
#include "loop/loop.h"

struct call;
typedef void call_done(struct call *call, const struct error *err);
typedef void call_cancelled(struct call *call);

enum call_state { CALL_IDLE, CALL_WAITING, CALL_DUE };

struct call {
    enum call_state state;      // CALL_DUE: finished, `done` runs in this turn of the loop
    struct loop    *loop;       // borrowed while not idle
    call_done      *done;       // the owner's
    call_cancelled *on_cancel;  // the adapter's; NULL: nothing to forget
    void           *adapter;    // the adapter's own record of the request
    struct timer    deadline;   // while CALL_WAITING, unless the call has none
    const char     *what;       // a literal for the message of the deadline: "redis", "kafka"
    bool            failed;     // error is set
    struct error    error;      // why it failed
    TAILQ_ENTRY(call) entry;    // in the loop's queue while CALL_DUE
};

// owner
void call_cancel(struct call *call);  // harmless when idle
bool call_busy(const struct call *call);

// adapter; deadline_ms 0: the adapter itself promises to finish in bounded time
void call_begin(struct call *call, struct loop *loop, const char *what, int64_t deadline_ms,
                call_done *done, call_cancelled *on_cancel, void *adapter);
void call_finish(struct call *call, const struct error *err);  // err is copied; NULL: success
