// SPDX-License-Identifier: Apache-2.0
// links: tokfleet_base
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

TEST(a_missing_c_string_is_empty)
{
    assert_int_equal(str_of(NULL).len, 0);
    assert_true(str_eq(str_of(NULL), STR("")));
    assert_false(str_eq(STR("a"), STR("b")));
}

TEST(starts_and_ends_look_at_whole_prefixes)
{
    assert_true(str_starts(STR("https://x"), "https://"));
    assert_false(str_starts(STR("http"), "https://"));
    assert_true(str_ends(STR("a.json"), ".json"));
    assert_false(str_ends(STR("json"), ".json"));
}

TEST(trim_takes_white_space_at_both_ends_only)
{
    assert_str(str_trim(STR(" \t a b \r\n")), "a b");
    assert_str(str_trim(STR("   ")), "");
}

TEST(cut_gives_every_part_and_then_ends)
{
    struct str rest = STR("a,,b");
    struct str part;
    assert_true(str_cut(&rest, ',', &part));
    assert_str(part, "a");
    assert_true(str_cut(&rest, ',', &part));
    assert_str(part, "");
    assert_true(str_cut(&rest, ',', &part));
    assert_str(part, "b");
    assert_false(str_cut(&rest, ',', &part));
}

TEST(cut_gives_the_empty_part_after_a_last_separator)
{
    struct str rest = STR("a,");
    struct str part;
    assert_true(str_cut(&rest, ',', &part));
    assert_true(str_cut(&rest, ',', &part));
    assert_str(part, "");
    assert_false(str_cut(&rest, ',', &part));
}

TEST(whole_numbers_are_taken_whole_or_not_at_all)
{
    int64_t n = 0;
    assert_true(str_to_i64(STR("-9223372036854775808"), &n));
    assert_true(n == INT64_MIN);
    const char *const bad[] = { "", " 1", "+1", "1 ", "1x", "0x10", "9223372036854775808", "1.0" };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(str_to_i64(str_of(bad[i]), &n));
}

TEST(whole_numbers_become_the_text_that_printf_makes)
{
    const int64_t rows[] = { 0, 7, -7, 10, 1795389803624, INT64_MAX, INT64_MIN };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char digits[I64_TEXT_BYTES], expected[I64_TEXT_BYTES];
        snprintf(expected, sizeof expected, "%" PRIi64, rows[i]);
        struct str text = str_of_i64(digits, rows[i]);
        assert_string_equal(text.p, expected);
        assert_int_equal(text.len, strlen(expected));
    }
}

TEST(numbers_with_a_fraction_are_taken_whole_or_not_at_all)
{
    double n = 0;
    assert_true(str_to_double(STR("-2.5e3"), &n));
    assert_true(n == -2500.0);
    assert_false(str_to_double(STR("2.5x"), &n));
    assert_false(str_to_double(STR(""), &n));
}

TEST(utf16_units_count_a_character_outside_the_basic_plane_twice)
{
    size_t units = 0;
    assert_true(str_utf16_units(STR("a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80"), &units));
    assert_int_equal(units, 5);
}

TEST(what_is_not_utf8_is_refused)
{
    const char *const bad[] = {
        "\x80",              // a continuation without a start
        "\xC3",              // cut
        "\xC0\xAF",          // overlong
        "\xE0\x80\x80",      // overlong
        "\xED\xA0\x80",      // a surrogate
        "\xF4\x90\x80\x80",  // past U+10FFFF
        "\xFF",
    };
    size_t units = 0;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(str_utf16_units(str_of(bad[i]), &units));
}

TEST(a_prefix_never_splits_a_character)
{
    struct str text = STR("ab\xF0\x9F\x98\x80"
                          "c");
    assert_int_equal(str_utf8_prefix(text, 3).len, 2);
    assert_int_equal(str_utf8_prefix(text, 4).len, 6);
    assert_int_equal(str_utf8_prefix(text, 99).len, 7);
    assert_int_equal(str_utf8_prefix(STR("ab\xFF"
                                         "c"),
                                     99)
                         .len,
                     2);
}

TEST(a_buffer_refuses_what_passes_its_maximum_and_keeps_the_rest)
{
    struct buf buf;
    buf_init(&buf, 5);
    assert_true(buf_add_text(&buf, "abcde"));
    assert_false(buf_add_char(&buf, 'f'));
    assert_true(buf.full);
    assert_string_equal(buf_text(&buf), "abcde");
    buf_clear(&buf);
    assert_false(buf.full);
    assert_false(buf_printf(&buf, "%d", 123456));
    assert_true(buf_printf(&buf, "%d", 12345));
    assert_string_equal(buf_text(&buf), "12345");
    buf_fini(&buf);
}

TEST(a_buffer_grows_and_drops_from_the_front)
{
    struct buf buf;
    buf_init(&buf, 100000);
    assert_string_equal(buf_text(&buf), "");
    for (int i = 0; i < 10000; i++)
        assert_true(buf_add_char(&buf, (char)('a' + i % 26)));
    buf_drop(&buf, 9998);
    assert_string_equal(buf_text(&buf), "op");
    buf_drop(&buf, 99);
    assert_int_equal(buf.len, 0);
    buf_wipe(&buf);
    assert_null(buf.p);
}

TEST(what_would_drive_a_terminal_becomes_a_question_mark)
{
    struct buf buf;
    buf_init(&buf, 100);
    buf_add_visible(&buf, STR("a\x1b[31m\n\x7f\xc2\x9b\xff h\xc3\xa9 \xf0\x9f\x98\x80 \xc3"));
    assert_string_equal(buf_text(&buf), "a?[31m???? h\xc3\xa9 \xf0\x9f\x98\x80 ?");
    buf_fini(&buf);
}

TEST(texts_are_ordered_by_bytes_and_a_beginning_comes_first)
{
    assert_true(str_compare(STR("ab"), STR("abc")) < 0);
    assert_true(str_compare(STR("b"), STR("abc")) > 0);
    assert_true(str_compare(STR("a\xC3"), STR("az")) > 0);
    assert_int_equal(str_compare(STR("ab"), STR("ab")), 0);
    assert_int_equal(str_compare((struct str){ 0 }, STR("")), 0);
    assert_true(str_compare((struct str){ 0 }, STR("a")) < 0);
}
