// SPDX-License-Identifier: Apache-2.0
// links: tokfleet_job
#include "unit.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/memory.h"
#include "job/job.h"

static void assert_time(const char *text, int64_t wanted)
{
    struct error err;
    int64_t      ms = -1;
    if (!time_parse(str_of(text), &ms, &err))
        fail_msg("%s", err.message);
    if (ms != wanted)
        fail_msg("%s: %" PRId64 ", not %" PRId64, text, ms, wanted);
}

static void assert_no_time(const char *text, const char *why)
{
    struct error err = { 0 };
    int64_t      ms  = -1;
    if (time_parse(str_of(text), &ms, &err))
        fail_msg("%s is taken", text);
    assert_int_equal(err.code, ERR_INPUT);
    assert_int_equal(ms, -1);
    if (!strstr(err.message, why))
        fail_msg("\"%s\" does not say \"%s\"", err.message, why);
}

TEST(a_time_has_an_offset_or_z)
{
    assert_time("2026-12-01T17:30:00Z", 1796146200000);
    assert_time("2026-12-01T18:30:00+01:00", 1796146200000);
    assert_time("2026-12-01T12:00:00-05:30", 1796146200000);
    assert_time("2026-12-01t17:30:00z", 1796146200000);
    assert_time("2026-12-01T17:30:00-00:00", 1796146200000);
    assert_time("2026-12-02T17:29:00+23:59", 1796146200000);
}

TEST(a_fraction_is_cut_to_milliseconds)
{
    assert_time("2026-12-01T17:30:00.5Z", 1796146200500);
    assert_time("2026-12-01T17:30:00.05Z", 1796146200050);
    assert_time("2026-12-01T17:30:00.123Z", 1796146200123);
    assert_time("2026-12-01T17:30:00.123999999Z", 1796146200123);
    assert_no_time("2026-12-01T17:30:00.Z", "is not a time like");
    assert_no_time("2026-12-01T17:30:00.1234567890Z", "is not a time like");
    assert_no_time("2026-12-01T17:30:00,5Z", "is not a time like");
}

TEST(years_are_bounded)
{
    assert_time("2000-01-01T00:00:00Z", 946684800000);
    assert_time("2099-12-31T23:59:59Z", 4102444799000);
    assert_no_time("1999-12-31T23:59:59Z", "2000 to 2099");
    assert_no_time("2100-01-01T00:00:00Z", "2000 to 2099");
    assert_no_time("0000-01-01T00:00:00Z", "2000 to 2099");
}

TEST(days_are_those_of_the_calendar)
{
    assert_time("2028-02-29T00:00:00Z", 1835395200000);
    assert_time("2000-02-29T00:00:00Z", 951782400000);
    assert_no_time("2026-02-29T00:00:00Z", "calendar");
    assert_no_time("2026-04-31T00:00:00Z", "calendar");
    assert_no_time("2026-13-01T00:00:00Z", "calendar");
    assert_no_time("2026-00-01T00:00:00Z", "calendar");
    assert_no_time("2026-01-00T00:00:00Z", "calendar");
    assert_no_time("2026-01-32T00:00:00Z", "calendar");
}

TEST(hours_are_those_of_the_clock)
{
    assert_no_time("2026-12-01T24:00:00Z", "clock");
    assert_no_time("2026-12-01T23:60:00Z", "clock");
    assert_no_time("2026-12-01T23:59:60Z", "clock");
    assert_no_time("2026-12-01T17:30:00+24:00", "is not a time like");
    assert_no_time("2026-12-01T17:30:00+01:60", "is not a time like");
}

TEST(a_time_without_an_offset_is_told_so)
{
    assert_no_time("2026-12-01T17:30:00", "has no offset");
    assert_no_time("2026-12-01T17:30:00.5", "has no offset");
}

TEST(nonsense_is_no_time)
{
    static const char *const bad[] = {
        "",
        "tomorrow",
        "2026-12-01",
        "2026-12-01T17:30Z",
        "2026-12-01 17:30:00Z",
        "2026-12-01T17:30:00+0100",
        "2026-12-01T17:30:00+01",
        "2026-12-01T17:30:00 Z",
        "2026-12-01T17:30:00Z ",
        "2026-12-01T17:30:00ZZ",
        " 2026-12-01T17:30:00Z",
        "26-12-01T17:30:00Z",
        "2026-1-01T17:30:00Z",
        "2026/12/01T17:30:00Z",
        "+2026-12-01T17:30:00Z",
        "1796146200000",
        "2026-12-01T-1:30:00Z",
        "20261201T173000Z",
    };
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_no_time(bad[i], "is not a time like 2026-12-01T18:30:00+01:00");
}

TEST(every_day_of_a_century_agrees_with_the_system)
{
    for (int64_t day = 10957; day < 47482; day++) {  // 2000-01-01 to 2099-12-31
        time_t    seconds = (time_t)(day * 86400 + 3661);
        struct tm tm;
        char      text[64];
        gmtime_r(&seconds, &tm);
        snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02dZ", tm.tm_year + 1900,
                 tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
        assert_time(text, (int64_t)seconds * 1000);
    }
}
