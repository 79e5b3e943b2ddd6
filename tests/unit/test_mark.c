// SPDX-License-Identifier: Apache-2.0
// links: tokfleet_poller
// Where the journal ends, as text and back.
#include "unit.h"

#include "poller/mark.h"

static struct kafka_offset ends[8];
static size_t              count;

static bool parsed(const char *text)
{
    return mark_parse(str_of(text), ends, 4, &count);
}

TEST(ends_are_the_same_after_a_text)
{
    struct buf text;
    assert_true(parsed("0:0 3:17 11:9223372036854775807"));
    assert_int_equal(count, 3);
    assert_int_equal(ends[1].partition, 3);
    assert_int_equal(ends[1].offset, 17);
    mark_text(ends, count, &text);
    assert_str(buf_str(&text), "0:0 3:17 11:9223372036854775807");
    buf_fini(&text);
}

TEST(no_ends_are_an_empty_text)
{
    struct buf text;
    assert_false(parsed(""));  // nothing is remembered
    mark_text(ends, 0, &text);
    assert_int_equal(text.len, 0);
    buf_fini(&text);
}

TEST(what_is_no_such_text_is_refused)
{
    static const char *const bad[] = { "x",
                                       "1",
                                       "1:",
                                       ":1",
                                       "1:x",
                                       "-1:5",
                                       "1:-2",
                                       "1:2:x3",
                                       "1;2",
                                       "99999:1",
                                       "1:2  3:4",
                                       "0:1 1:1 2:1 3:1 4:1",
                                       "1:99999999999999999999" };
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        if (parsed(bad[i]))
            fail_msg("\"%s\" was taken", bad[i]);
}
