// SPDX-License-Identifier: Apache-2.0
// links: tokfleet_producer
#include "producer/job/timeline.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"

TEST(a_line_of_the_timeline_is_taken_apart)
{
    struct timeline_line line;
    assert_true(
        timeline_parse(STR("1234\t1-7\tSENDING\tDOUBT\tUNSURE\tworker-a\tno_answer"), &line));
    assert_int_equal(line.at_ms, 1234);
    assert_str(line.epoch, "1-7");
    assert_str(line.to, "UNSURE");
    assert_str(line.why, "no_answer");
    assert_true(timeline_parse(STR("1\t\tNONE\tINGEST\tQUEUED\tworker-a\t"), &line));
    assert_int_equal(line.why.len, 0);
    assert_true(timeline_parse(STR("1\t\tNONE\tINGEST\tQUEUED\tworker-a"), &line));
    assert_false(timeline_parse(STR("1\t\tNONE"), &line));
    assert_false(timeline_parse(STR("x\t\tNONE\tINGEST\tQUEUED\tworker-a\t"), &line));
    assert_false(timeline_parse(STR(""), &line));
}

static char *printed(const char *text, int64_t before_ms)
{
    char                *bytes = NULL;
    size_t               count = 0;
    struct out           out   = { .file = open_memstream(&bytes, &count) };
    struct timeline_line line;
    assert_non_null(out.file);
    assert_true(timeline_parse(str_of(text), &line));
    timeline_print(&line, before_ms, &out);
    fclose(out.file);
    return bytes;
}

TEST(a_line_is_told_in_words_and_cannot_drive_the_terminal)
{
    char *text = printed("61000\t1-7\tSENDING\tDOUBT\tUNSURE\tw\x1b\tno_answer", 60500);
    assert_non_null(strstr(text, "1970-01-01 00:01:01.000"));
    assert_non_null(strstr(text, "+0.500 s"));
    assert_non_null(strstr(text, "no clear answer from TikTok: no_answer  [1-7]  by w?"));
    free(text);
    text = printed("61000\t\tNONE\tNEW_EVENT\tNEW_STATE\tw\t", 0);
    assert_non_null(strstr(text, "NEW_STATE"));
    assert_non_null(strstr(text, "NEW_EVENT"));
    free(text);
}

TEST(a_table_is_as_wide_as_its_widest_cells)
{
    char        *bytes = NULL;
    size_t       count = 0;
    struct out   out   = { .file = open_memstream(&bytes, &count) };
    struct table table;
    table_init(&table, (const char *const[]){ "a", "b" }, 2);
    table_add_text(&table, "h\xc3\xa9llo");
    table_add_text(&table, "x\ty");
    table_print(&table, &out, "> ");
    fclose(out.file);
    assert_string_equal(bytes, "> a      b\n> h\xc3\xa9llo  x?y\n");
    table_fini(&table);
    free(bytes);
}
