// SPDX-License-Identifier: Apache-2.0
// links: tokfleet_loop
#include "unit.h"

#include <time.h>

#include "loop/clock.h"

TEST(the_epoch_is_written_as_rfc_3339_says)
{
    char text[CLOCK_TEXT_BYTES];
    clock_format(0, text);
    assert_string_equal(text, "1970-01-01T00:00:00.000Z");
}

TEST(a_moment_is_written_to_the_millisecond)
{
    char text[CLOCK_TEXT_BYTES];
    clock_format(1796146200123, text);
    assert_string_equal(text, "2026-12-01T17:30:00.123Z");
    clock_format(1709251199999, text);
    assert_string_equal(text, "2024-02-29T23:59:59.999Z");
}

TEST(the_monotonic_clock_never_goes_back)
{
    int64_t last = clock_monotonic_us();
    for (int i = 0; i < 1000; i++) {
        int64_t now = clock_monotonic_us();
        assert_true(now >= last);
        last = now;
    }
    assert_true(clock_monotonic_ms() >= last / 1000);
}

TEST(the_wall_clock_is_the_system_time)
{
    int64_t seconds = clock_wall_ms() / 1000 - (int64_t)time(NULL);
    assert_true(seconds >= -1 && seconds <= 1);
}
