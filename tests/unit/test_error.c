// SPDX-License-Identifier: Apache-2.0
// links: tokfleet_base
#include "unit.h"

#include <string.h>

#include "base/error.h"

TEST(setting_an_error_writes_code_and_message_and_returns_false)
{
    struct error err;
    assert_false(error_set(&err, ERR_IO, "open %s: %d", "f", 2));
    assert_int_equal(err.code, ERR_IO);
    assert_string_equal(err.message, "open f: 2");
    assert_false(error_set(NULL, ERR_IO, "nobody asked"));
}

TEST(wrapping_puts_what_was_tried_in_front_and_keeps_the_code)
{
    struct error err;
    error_set(&err, ERR_TIMEOUT, "no answer");
    assert_false(error_wrap(&err, "claim of %s", "job-1"));
    assert_string_equal(err.message, "claim of job-1: no answer");
    assert_int_equal(err.code, ERR_TIMEOUT);
    assert_false(error_wrap(NULL, "nobody asked"));
}

TEST(an_error_may_be_wrapped_with_its_own_message)
{
    struct error err;
    error_set(&err, ERR_IO, "first");
    error_wrap(&err, "%s again", err.message);
    assert_string_equal(err.message, "first again: first");
}

TEST(a_message_that_is_too_long_is_cut)
{
    struct error err;
    char         text[2 * ERROR_MESSAGE_BYTES];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    error_set(&err, ERR_IO, "%s", text);
    assert_int_equal(strlen(err.message), ERROR_MESSAGE_BYTES - 1);
    error_wrap(&err, "%s", text);
    assert_int_equal(strlen(err.message), ERROR_MESSAGE_BYTES - 1);
}

TEST(a_message_is_one_line_whatever_it_quotes)
{
    struct error err;
    error_set(&err, ERR_INPUT, "job_id: the text \"%s\"", "a\nb\x1b[2J\x7f\t");
    assert_string_equal(err.message, "job_id: the text \"a b [2J  \"");
    error_wrap(&err, "%s", "line\nline");
    assert_string_equal(err.message, "line line: job_id: the text \"a b [2J  \"");
    error_set(&err, ERR_INPUT, "%s",
              "\xC2\x9B"
              "2J \xC2\xA0 \xC3\x9B");
    assert_string_equal(err.message, "  2J \xC2\xA0 \xC3\x9B");
}

TEST(a_message_is_never_cut_inside_a_character)
{
    struct error err;
    char         text[ERROR_MESSAGE_BYTES + 8];
    for (int before = 0; before < 4; before++) {
        memset(text, 'x', sizeof text);
        memcpy(text + ERROR_MESSAGE_BYTES - 1 - before, "\xF0\x9F\x8E\xAC", 5);
        error_set(&err, ERR_IO, "%s", text);
        assert_int_equal(strlen(err.message), ERROR_MESSAGE_BYTES - 1 - before);
    }
}

TEST(every_code_has_words_and_maybe_goes_with_looking_up)
{
    for (int code = 0; code < ERR_COUNT; code++) {
        assert_true(strlen(err_words((enum err_code)code)) > 0);
        bool maybe = err_effect((enum err_code)code) == EFFECT_MAYBE;
        assert_int_equal(maybe, err_then((enum err_code)code) == THEN_LOOK_UP);
    }
    assert_int_equal(err_effect(ERR_CONNECT), EFFECT_NO);
}
