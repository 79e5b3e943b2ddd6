// SPDX-License-Identifier: Apache-2.0
/* A call of a test, which counts how often it is done, and turns of the loop with a generous end. */
#pragma once

#include <stdbool.h>

#include "base/memory.h"
#include "loop/call.h"
#include "loop/loop.h"

enum { PATIENCE_MS = 20000 };  // a noisy machine; nothing takes so long unless it is broken

struct wait {
    struct call  call;
    int          dones;   // how often `done` ran
    bool         failed;  // the last time
    struct error err;     // when failed
};

void wait_on_done(struct call *call, const struct error *err);
void wait_for(struct loop *loop, const int *number,
              int least);  // turns until it is at least so much, or fails the test
void wait_ok(struct loop *loop, struct wait *wait);  // done once, without an error
void wait_error(struct loop *loop, struct wait *wait,
                enum err_code code);          // done once, with this one
void wait_ms(struct loop *loop, int64_t ms);  // turns for so long
