// SPDX-License-Identifier: Apache-2.0
// links: tokfleet_producer
#include "producer/tool/flags.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "unit.h"

struct values {
    bool              yes;
    const char       *text;
    struct flag_texts texts;
    int64_t           count;
    int64_t           ms;
    struct flag_texts states;
};

#define AT(field) offsetof(struct values, field)
static const struct flag rows[] = {
    { "yes", FLAG_YES, NULL, AT(yes), .help = "" },
    { "text", FLAG_TEXT, "T", AT(text), .help = "" },
    { "each", FLAG_TEXTS, "T", AT(texts), .help = "" },
    { "count", FLAG_COUNT, "N", AT(count), "-1", 0, 9, "" },
    { "time", FLAG_MS, "T", AT(ms), "10m", 0, 3600000, "" },
    { "state", FLAG_TEXTS, "S", AT(states), .help = "", .choices = "FAILED|PUBLISHED" },
};

struct result {
    struct values       values;
    struct flags_common common;
    char               *argv[16];
    int                 operands;
    int                 count;
    struct error        err;
    bool                ok;
};

static struct result read_words(const char *line)
{
    static char   storage[16][64];
    struct result result = { .argv = { NULL } };
    struct str    rest   = str_of(line), word;
    int           argc   = 1;
    result.argv[0]       = storage[0];
    while (str_cut(&rest, ' ', &word)) {
        snprintf(storage[argc], sizeof storage[argc], "%.*s", STR_ARG(word));
        result.argv[argc] = storage[argc];
        argc++;
    }
    result.ok = flags_read(rows, sizeof rows / sizeof rows[0], argc, result.argv, &result.values,
                           &result.common, &result.operands, &result.count, &result.err);
    return result;
}

TEST(flags_stand_anywhere_among_operands)
{
    struct result r = read_words("a --yes b --text x --each 1 --each=2 c");
    assert_true(r.ok && r.values.yes);
    assert_string_equal(r.values.text, "x");
    assert_int_equal(r.values.texts.count, 2);
    assert_string_equal(r.values.texts.texts[1], "2");
    assert_int_equal(r.count, 3);
    assert_string_equal(r.argv[r.operands], "a");
    assert_string_equal(r.argv[r.operands + 2], "c");
}

TEST(an_operand_may_begin_with_one_dash)
{
    struct result r = read_words("-000Abc --yes -- --text");
    assert_true(r.ok && r.values.yes);
    assert_int_equal(r.count, 2);
    assert_string_equal(r.argv[r.operands], "-000Abc");
    assert_string_equal(r.argv[r.operands + 1], "--text");
    assert_string_equal(read_words("--text -000Abc").values.text, "-000Abc");
}

TEST(defaults_stand_where_no_flag_does)
{
    struct result r = read_words("x");
    assert_true(r.ok);
    assert_int_equal(r.values.count, -1);
    assert_int_equal(r.values.ms, 600000);
}

TEST(a_number_out_of_its_range_is_refused_with_the_range)
{
    struct result r = read_words("--count 10");
    assert_false(r.ok);
    assert_non_null(strstr(r.err.message, "from 0 to 9"));
    assert_false(read_words("--count -1").ok);
    assert_false(read_words("--count x").ok);
    assert_false(read_words("--time 2h").ok);
}

TEST(an_unknown_flag_names_the_one_that_was_meant)
{
    struct result r = read_words("--coutn 3");
    assert_false(r.ok);
    assert_non_null(strstr(r.err.message, "did you mean --count?"));
    assert_false(read_words("--cou 3").ok);
    assert_false(read_words("--yes=1").ok);
    assert_false(read_words("--text").ok);
}

TEST(a_flag_with_choices_takes_no_other_and_suggests_the_nearest)
{
    struct result r = read_words("--state FAILED --state PUBLISHED");
    assert_true(r.ok);
    assert_int_equal(r.values.states.count, 2);
    r = read_words("--state FAILD");
    assert_false(r.ok);
    assert_non_null(strstr(r.err.message, "did you mean FAILED?"));
    r = read_words("--state xyzzy");
    assert_false(r.ok);
    assert_non_null(strstr(r.err.message, "FAILED|PUBLISHED"));
}

TEST(times_take_units_and_plain_numbers_are_seconds)
{
    int64_t ms;
    assert_true(flags_parse_ms("90", &ms) && ms == 90000);
    assert_true(flags_parse_ms("250ms", &ms) && ms == 250);
    assert_true(flags_parse_ms("5m", &ms) && ms == 300000);
    assert_true(flags_parse_ms("7d", &ms) && ms == 604800000);
    assert_false(flags_parse_ms("", &ms));
    assert_false(flags_parse_ms("-5s", &ms));
    assert_false(flags_parse_ms("5 s", &ms));
    assert_false(flags_parse_ms("99999999999999999d", &ms));
}
