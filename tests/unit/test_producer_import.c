// SPDX-License-Identifier: Apache-2.0
// links: tokfleet_producer
#include "producer/send/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "producer/tool/lines.h"
#include "unit.h"

static const struct job_rules rules = { 4096, "PUBLIC_TO_EVERYONE" };

static struct lines *open_text(const char *text, size_t max)
{
    char         path[] = "lines-XXXXXX";
    struct error err;
    int          fd = mkstemp(path);
    assert_true(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
    struct lines *lines = lines_open(path, max, true, &err);
    unlink(path);
    assert_non_null(lines);
    return lines;
}

TEST(lines_are_counted_as_an_editor_does_and_empty_ones_are_skipped)
{
    struct lines *lines = open_text("one\r\n\n  two  \nlast", 16);
    struct str    line;
    struct error  err;
    for (int pass = 0; pass < 2; pass++) {
        assert_int_equal(lines_next(lines, &line, &err), LINES_LINE);
        assert_str(line, "one");
        assert_int_equal(lines_next(lines, &line, &err), LINES_LINE);
        assert_str(line, "two");
        assert_int_equal(lines_number(lines), 3);
        assert_int_equal(lines_next(lines, &line, &err), LINES_LINE);
        assert_str(line, "last");
        assert_int_equal(lines_next(lines, &line, &err), LINES_END);
        assert_int_equal(lines_next(lines, &line, &err), LINES_END);
        lines_rewind(lines);
    }
    lines_free(lines);
}

TEST(a_line_that_is_too_long_is_told_once_and_the_next_is_read)
{
    struct lines *lines =
        open_text("12345678\n123456789\n0123456789012345678901234567890\n12\n", 8);
    struct str   line;
    struct error err;
    assert_int_equal(lines_next(lines, &line, &err), LINES_LINE);
    assert_int_equal(lines_next(lines, &line, &err), LINES_TOO_LONG);
    assert_int_equal(lines_next(lines, &line, &err), LINES_TOO_LONG);
    assert_int_equal(lines_number(lines), 3);
    assert_int_equal(lines_next(lines, &line, &err), LINES_LINE);
    assert_str(line, "12");
    assert_int_equal(lines_number(lines), 4);
    assert_int_equal(lines_next(lines, &line, &err), LINES_END);
    lines_free(lines);
}

TEST(a_file_that_is_not_there_or_is_a_folder_is_refused)
{
    struct error err;
    assert_null(lines_open("/no/such/file", 10, true, &err));
    assert_null(lines_open("/", 10, true, &err));
    assert_non_null(strstr(err.message, "folder"));
}

static enum verdict check(struct seen *seen, const char *text, uint64_t number, struct error *err)
{
    struct job   job     = { 0 };
    enum verdict verdict = check_message(str_of(text), number, &rules, seen, &job, err);
    job_fini(&job);
    return verdict;
}

#define JOB(id, more)                                                                              \
    "{\"job_id\":\"" id                                                                            \
    "\",\"account\":\"@a\",\"media\":[{\"url\":\"https://a.example.com/1.mp4\"}]" more "}"

TEST(a_repeated_job_is_harmless_and_one_with_other_content_is_bad_in_both_passes)
{
    struct seen *seen = seen_new(100);
    struct error err;
    for (int pass = 0; pass < 2; pass++) {
        assert_int_equal(check(seen, JOB("a", ""), 1, &err), CHECK_GOOD);
        assert_int_equal(check(seen, JOB("b", ""), 2, &err), CHECK_GOOD);
        assert_int_equal(check(seen, JOB("a", ",\"metadata\":{\"n\":1}"), 3, &err), CHECK_REPEAT);
        assert_int_equal(check(seen, JOB("a", ",\"caption\":\"x\""), 4, &err), CHECK_BAD);
        assert_non_null(strstr(err.message, "line 1"));
    }
    seen_free(seen);
}

TEST(a_bad_line_says_why)
{
    struct seen *seen = seen_new(100);
    struct error err;
    assert_int_equal(check(seen, "nonsense", 1, &err), CHECK_BAD);
    assert_int_equal(check(seen, "{\"account\":\"@a\"}", 2, &err), CHECK_BAD);
    assert_non_null(strstr(err.message, "job_id"));
    seen_free(seen);
}

TEST(many_jobs_are_told_apart_and_beyond_the_bound_nothing_more_is_remembered)
{
    struct seen *seen = seen_new(5000);
    char         id[32];
    uint64_t     first;
    for (uint64_t i = 1; i <= 5000; i++) {
        snprintf(id, sizeof id, "job-%" PRIu64, i);
        assert_int_equal(seen_add(seen, str_of(id), "0123456789abcdef", i, &first), SEEN_FIRST);
    }
    assert_int_equal(seen_add(seen, STR("job-77"), "0123456789abcdef", 9000, &first), SEEN_SAME);
    assert_int_equal(first, 77);
    assert_int_equal(seen_add(seen, STR("job-78"), "f123456789abcdef", 9001, &first), SEEN_OTHER);
    assert_int_equal(seen_add(seen, STR("one-more"), "0123456789abcdef", 9002, &first), SEEN_FULL);
    seen_free(seen);
}
