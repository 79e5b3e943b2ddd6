// SPDX-License-Identifier: Apache-2.0
// links: tokfleet_producer
#include "producer/status/watch.h"

#include <stdio.h>
#include <string.h>

#include "unit.h"

static const struct config config = { .fleet           = (char[]){ "demo" },
                                      .limit_in_flight = 300,
                                      .limit_open      = 32 };

static void fill(struct status *status, int programs, int failures)
{
    *status = (struct status){
        .now_ms = 1795808508412, .in_flight = 300, .gate = GATE_OPEN, .scanned_all = true
    };
    status->count[JOB_QUEUED]     = 1234567;
    status->count[JOB_PROCESSING] = 300;
    status->oldest_ms             = status->now_ms - 3600000;
    for (int i = 0; i < programs; i++) {
        struct program_seen *program = &status->programs[status->program_count++];
        snprintf(program->id, sizeof program->id, "worker-%d", i);
        snprintf(program->kind, sizeof program->kind, "worker");
        snprintf(program->state, sizeof program->state, "running");
        program->alive = i != programs - 1;  // the last one is silent
        status->alive_count += program->alive;
    }
    for (int i = 0; i < failures; i++) {
        struct failure *failure = &status->failures[status->failure_count++];
        snprintf(failure->job_id, sizeof failure->job_id, "job-%d", i);
        snprintf(failure->cause, sizeof failure->cause,
                 "TikTok judged the text to be sp\xc3\xa4m, and said so in very many words indeed");
        failure->state = JOB_FAILED;
    }
}

// the picture as lines, and their greatest length in characters
static int draw(const struct status *status, int columns, int rows, struct buf *text, int *widest)
{
    static const struct rates_told rates = { 0 };
    struct watch_page              page  = { .status = status, .config = &config, .rates = &rates };
    struct picture                 picture;
    picture_init(&picture, columns, rows, false);
    watch_page_draw(&page, &picture);
    int        lines = 0;
    struct str rest  = buf_str(&picture.text), line;
    *widest          = 0;
    buf_init(text, 1 << 20);
    while (str_cut(&rest, '\n', &line)) {
        struct str shown = str_trim(line);
        size_t     units = 0;
        if (str_ends(shown, "\033[K"))
            shown.len -= 3;
        assert_true(str_utf16_units(shown, &units));
        *widest = (int)units > *widest ? (int)units : *widest;
        buf_add(text, shown);
        buf_add_char(text, '\n');
        lines++;
    }
    picture_fini(&picture);
    return lines;
}

TEST(a_picture_fits_every_screen)
{
    static struct status status;
    static const struct {
        int columns;
        int rows;
    } sizes[] = { { 80, 24 }, { 200, 50 }, { 20, 5 }, { 33, 7 }, { 300, 100 }, { 80, 12 } };
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        for (int many = 0; many < 2; many++) {
            struct buf text;
            int        widest;
            fill(&status, many ? PROGRAMS_MAX : 3, many ? FAILURES_MAX : 1);
            assert_in_range(draw(&status, sizes[i].columns, sizes[i].rows, &text, &widest), 1,
                            sizes[i].rows);
            assert_in_range(widest, 10, sizes[i].columns);
            buf_fini(&text);
        }
}

TEST(the_silent_program_is_shown_first_and_what_does_not_fit_is_counted)
{
    static struct status status;
    struct buf           text;
    int                  widest;
    fill(&status, 100, 3);
    draw(&status, 80, 24, &text, &widest);
    assert_non_null(strstr(buf_text(&text), "99 alive, 1 silent"));
    assert_non_null(strstr(buf_text(&text), "more do not fit"));
    const char *silent = strstr(buf_text(&text), "SILENT");
    assert_non_null(silent);
    assert_true(silent < strstr(buf_text(&text), "running"));
    assert_non_null(strstr(buf_text(&text), "300 of 300"));
    assert_non_null(strstr(buf_text(&text), "1,234,567"));
    buf_fini(&text);
}

TEST(a_cause_goes_on_below_where_there_is_room)
{
    static struct status status;
    struct buf           text;
    int                  widest;
    fill(&status, 2, 1);
    draw(&status, 80, 24, &text, &widest);
    assert_non_null(strstr(buf_text(&text), "many words indeed"));
    buf_fini(&text);
    fill(&status, 2, 30);
    draw(&status, 80, 24, &text, &widest);
    assert_null(strstr(buf_text(&text), "many words indeed"));
    buf_fini(&text);
}

TEST(what_came_from_outside_cannot_move_the_cursor)
{
    static struct status status;
    struct buf           text;
    int                  widest;
    fill(&status, 1, 1);
    snprintf(status.failures[0].cause, sizeof status.failures[0].cause, "a\033[2Jb");
    draw(&status, 80, 24, &text, &widest);
    assert_null(strstr(buf_text(&text), "\033[2J"));
    assert_non_null(strstr(buf_text(&text), "a?[2Jb"));
    buf_fini(&text);
}

static void look_at(struct rates *rates, int64_t at_ms, int64_t queued, int64_t published)
{
    static struct status status;
    memset(&status, 0, sizeof status);
    status.now_ms               = at_ms;
    status.count[JOB_QUEUED]    = queued;
    status.today[JOB_PUBLISHED] = published;
    rates_add(rates, &status);
}

TEST(rates_are_those_of_the_last_minute)
{
    static struct rates rates;
    struct rates_told   told;
    memset(&rates, 0, sizeof rates);
    look_at(&rates, 1000, 0, 0);
    look_at(&rates, 2000, 10, 5);
    rates_tell(&rates, &told);
    assert_int_equal(told.over_ms, 0);  // too short to tell
    for (int i = 2; i < 500; i++)
        look_at(&rates, 1000 + 1000 * i, 10 * i, 5 * i);
    rates_tell(&rates, &told);
    assert_int_equal(told.over_ms, 60000);
    assert_int_equal((int)(told.came + 0.5), 600);
    assert_int_equal((int)(told.ended[JOB_PUBLISHED] + 0.5), 300);
}

TEST(a_new_day_makes_no_negative_rate)
{
    static struct rates rates;
    struct rates_told   told;
    memset(&rates, 0, sizeof rates);
    look_at(&rates, 1000, 100, 5000);
    look_at(&rates, 31000, 100, 20);
    rates_tell(&rates, &told);
    assert_int_equal((int)(told.ended[JOB_PUBLISHED] + 0.5), 40);
}
