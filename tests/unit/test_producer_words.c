// SPDX-License-Identifier: Apache-2.0
// links: tokfleet_producer
#include "producer/tool/words.h"

#include "unit.h"

static struct buf text;

static struct str fresh(void)
{
    return buf_str(&text);
}

static void clear(void)
{
    buf_fini(&text);
    buf_init(&text, 1024);
}

TEST(a_count_has_commas_every_three_digits)
{
    static const struct {
        int64_t     number;
        const char *words;
    } rows[] = { { 0, "0" },          { 999, "999" },  { 1000, "1,000" }, { 1234567, "1,234,567" },
                 { -1000, "-1,000" }, { -100, "-100" } };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        clear();
        words_count(rows[i].number, &text);
        assert_str(fresh(), rows[i].words);
    }
    buf_fini(&text);
}

TEST(an_age_is_told_in_the_unit_that_fits)
{
    static const struct {
        int64_t     ms;
        const char *words;
    } rows[] = { { -5, "0 s" },       { 999, "0 s" },     { 119999, "119 s" },
                 { 120000, "2 min" }, { 7200000, "2 h" }, { 172800000, "2 d" } };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        clear();
        words_age(rows[i].ms, &text);
        assert_str(fresh(), rows[i].words);
    }
    buf_fini(&text);
}

TEST(bytes_are_told_in_the_unit_that_fits)
{
    clear();
    words_bytes(1023, &text);
    assert_str(fresh(), "1023 bytes");
    clear();
    words_bytes(1536 * 1024, &text);
    assert_str(fresh(), "1.5 MiB");
    buf_fini(&text);
}

TEST(a_time_says_how_far_away_it_is)
{
    clear();
    words_time(0, 5000, &text);
    assert_str(fresh(), "1970-01-01 00:00:00Z (5 s ago)");
    clear();
    words_time(7200000, 0, &text);
    assert_str(fresh(), "1970-01-01 02:00:00Z (in 2 h)");
    buf_fini(&text);
}

TEST(a_bar_shows_a_part_and_never_hides_the_first)
{
    clear();
    words_bar(1, 300, 10, &text);
    assert_str(fresh(), "[#.........]");
    clear();
    words_bar(300, 300, 4, &text);
    assert_str(fresh(), "[####]");
    clear();
    words_bar(0, 0, 4, &text);
    assert_str(fresh(), "[....]");
    buf_fini(&text);
}

TEST(the_nearest_word_is_found_and_a_far_one_is_not)
{
    static const char *const verbs[] = { "post", "import", "status", "account add" };
    assert_string_equal(words_nearest(STR("statsu"), verbs, 4), "status");
    assert_string_equal(words_nearest(STR("acount add"), verbs, 4), "account add");
    assert_null(words_nearest(STR("frobnicate"), verbs, 4));
    assert_null(words_nearest(STR(""), verbs, 4));
}

TEST(every_state_and_every_event_has_words)
{
    for (enum job_state state = JOB_NONE; state < JOB_STATE_COUNT; state++)
        assert_non_null(words_state(state));
    for (enum job_event event = ON_INGEST; event < JOB_EVENT_COUNT; event++) {
        enum job_event parsed;
        assert_non_null(words_event(event));
        assert_true(words_event_parse(str_of(job_event_text(event)), &parsed));
        assert_int_equal(parsed, event);
    }
}
