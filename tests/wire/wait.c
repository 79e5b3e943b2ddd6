// SPDX-License-Identifier: Apache-2.0
#include "wait.h"

#include "case.h"
#include "loop/clock.h"

void wait_on_done(struct call *call, const struct error *err)
{
    struct wait *wait = container_of(call, struct wait, call);
    wait->dones++;
    wait->failed = err != NULL;
    if (err)
        wait->err = *err;
}

void wait_for(struct loop *loop, const int *number, int least)
{
    int64_t end_ms = clock_monotonic_ms() + PATIENCE_MS;
    while (*number < least) {
        if (clock_monotonic_ms() > end_ms)
            fail_msg("waited %d ms in vain", PATIENCE_MS);
        loop_turn(loop, 100);
    }
}

void wait_ok(struct loop *loop, struct wait *wait)
{
    wait_for(loop, &wait->dones, 1);
    if (wait->failed)
        fail_msg("failed: %s", wait->err.message);
    assert_int_equal(wait->dones, 1);
}

void wait_error(struct loop *loop, struct wait *wait, enum err_code code)
{
    wait_for(loop, &wait->dones, 1);
    assert_true(wait->failed);
    if (wait->err.code != code)
        fail_msg("%s instead of %s: %s", err_words(wait->err.code), err_words(code),
                 wait->err.message);
    assert_int_equal(wait->dones, 1);
}

void wait_ms(struct loop *loop, int64_t ms)
{
    int64_t end_ms = clock_monotonic_ms() + ms;
    int64_t left_ms;
    while ((left_ms = end_ms - clock_monotonic_ms()) > 0)
        loop_turn(loop, left_ms);
}
