// SPDX-License-Identifier: Apache-2.0
// A moment, written as the product writes it, is the same moment.
#include "fuzz.h"
#include "job/job.h"
#include "loop/clock.h"

FUZZ(time)
{
    struct error err;
    int64_t      ms = 0, again = 0;
    char         text[CLOCK_TEXT_BYTES];
    if (!time_parse(input, &ms, &err)) {
        fuzz_check_message(err.message);
        return;
    }
    assert(ms >= INT64_C(946598400000) && ms < INT64_C(4102531200000));
    clock_format(ms, text);
    // an offset may lead into the year before the first, or after the last
    bool ok = time_parse(str_of(text), &again, &err);
    assert(ok ? again == ms
              : str_starts(str_of(text), "1999-12-31") || str_starts(str_of(text), "2100-01-01"));
}
