// SPDX-License-Identifier: Apache-2.0
// links: tokfleet_base
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"

enum { ROOM = 1 << 20 };

static char seen[4 * ROOM];

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void open_pipe(int ends[2], enum log_level level)
{
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    log_set_buffer_bytes(ROOM);
    log_open(ends[1], "unit", level);
}

static void close_pipe(int ends[2])
{
    close(ends[0]);
    close(ends[1]);
    log_open(STDERR_FILENO, "unit", LOG_ERROR);
}

// What the reader gets, while the log is flushed, as a C string.
static size_t read_all(int fd)
{
    size_t len = 0;
    for (;;) {
        log_flush();
        ssize_t n = read(fd, seen + len, sizeof seen - 1 - len);
        if (n <= 0)
            break;
        len += (size_t)n;
    }
    seen[len] = '\0';
    return len;
}

static size_t count_lines(void)
{
    size_t lines = 0;
    for (const char *c = seen; *c; c++)
        lines += *c == '\n';
    return lines;
}

TEST(a_line_is_json_with_time_level_program_event_and_fields)
{
    int ends[2];
    open_pipe(ends, LOG_INFO);
    log_info("job moved", F_STR("job", "j-1"), F_INT("attempt", -2));
    read_all(ends[0]);
    assert_int_equal(seen[strlen("{\"time\":\"2026-12-01T17:30:00.000")], 'Z');
    assert_string_equal(seen + strlen("{\"time\":\"2026-12-01T17:30:00.000Z\","),
                        "\"level\":\"info\",\"program\":\"unit\",\"event\":\"job "
                        "moved\",\"job\":\"j-1\",\"attempt\":-2}\n");
    close_pipe(ends);
}

TEST(text_is_escaped_and_what_is_not_utf8_is_replaced)
{
    int ends[2];
    open_pipe(ends, LOG_INFO);
    log_info("x", F_STR("a", "q\"b\\n\n\x01\x7F"), F_STRN("b", STR("\xC3\xA9\xFFz\xC2\x9B\0.")),
             F_STR("c", NULL));
    read_all(ends[0]);
    assert_non_null(strstr(seen, "\"a\":\"q\\\"b\\\\n\\n\\u0001\\u007f\""));
    assert_non_null(strstr(seen, "\"b\":\"\xC3\xA9\xEF\xBF\xBDz\\u009b\\u0000.\""));
    assert_non_null(strstr(seen, "\"c\":\"\""));
    close_pipe(ends);
}

TEST(lines_below_the_level_are_not_written)
{
    int            ends[2];
    enum log_level level = LOG_DEBUG;
    assert_true(log_level_parse(STR("warn"), &level));
    assert_int_equal(level, LOG_WARN);
    assert_false(log_level_parse(STR("loud"), &level));
    open_pipe(ends, level);
    log_info("no");
    log_warn("yes");
    read_all(ends[0]);
    assert_int_equal(count_lines(), 1);
    close_pipe(ends);
}

TEST(a_long_text_and_too_many_of_them_are_cut)
{
    int         ends[2];
    static char text[5001];
    memset(text, 1, 5000);
    open_pipe(ends, LOG_INFO);
    log_info("x", F_STR("a", text), F_STR("b", text), F_STR("c", text));
    size_t len = read_all(ends[0]);
    assert_true(len < 16384);
    assert_int_equal(count_lines(), 1);
    assert_non_null(strstr(seen, "\\u0001...\","));
    assert_string_equal(seen + len - strlen(",\"cut\":true}\n"), ",\"cut\":true}\n");
    close_pipe(ends);
}

TEST(a_cut_does_not_split_a_character)
{
    int         ends[2];
    static char text[3001];
    for (int i = 0; i < 3000; i += 3)
        memcpy(text + i, "\xE2\x82\xAC", 3);
    open_pipe(ends, LOG_INFO);
    log_info("x", F_STR("a", text));
    read_all(ends[0]);
    assert_null(strstr(seen, "\xEF\xBF\xBD"));
    assert_non_null(strstr(seen, "\xE2\x82\xAC...\""));
    close_pipe(ends);
}

TEST(a_blocked_pipe_never_blocks_and_lost_lines_are_counted_and_told)
{
    int      ends[2];
    uint64_t before = log_lost();
    open_pipe(ends, LOG_INFO);
    log_set_buffer_bytes(50000);
    int64_t start = now_ms();
    for (int i = 0; i < 5000; i++)
        log_info("tick", F_INT("i", i));
    assert_true(now_ms() - start < 5000);
    uint64_t lost = log_lost() - before;
    assert_true(lost > 0 && lost < 5000);
    assert_true(log_pending());
    read_all(ends[0]);
    assert_false(log_pending());
    assert_int_equal(count_lines(), 5000 - lost + 1);
    char told[100];
    snprintf(told, sizeof told, "\"event\":\"log lines were lost\",\"lines\":%d,", (int)lost);
    assert_non_null(strstr(seen, told));
    assert_null(strstr(strstr(seen, told) + 1, told));
    log_info("after");
    read_all(ends[0]);
    assert_int_equal(count_lines(), 1);
    close_pipe(ends);
}

TEST(lines_keep_their_order_across_a_gap)
{
    int ends[2];
    open_pipe(ends, LOG_INFO);
    log_set_buffer_bytes(20000);
    for (int i = 0; i < 2000; i++)
        log_info("tick", F_INT("i", i));
    read_all(ends[0]);
    int last = -1;
    for (const char *at = seen; (at = strstr(at, "\"i\":")); at++) {
        int i = (int)strtol(at + 4, NULL, 10);
        assert_true(i > last);
        last = i;
    }
    assert_true(last > 100);
    close_pipe(ends);
}

TEST(draining_gives_up_when_nobody_reads)
{
    int ends[2];
    open_pipe(ends, LOG_INFO);
    for (int i = 0; i < 2000; i++)
        log_info("tick", F_INT("i", i));
    assert_true(log_pending());
    int64_t start = now_ms();
    log_drain(100);
    int64_t took = now_ms() - start;
    assert_true(took >= 90 && took < 3000);
    assert_true(log_pending());
    close_pipe(ends);
}

TEST(a_reader_that_is_gone_costs_lines_but_not_the_program)
{
    int      ends[2];
    uint64_t before = log_lost();
    signal(SIGPIPE, SIG_IGN);
    open_pipe(ends, LOG_INFO);
    close(ends[0]);
    errno = 7;
    for (int i = 0; i < 10; i++)
        log_info("tick");
    assert_int_equal(errno, 7);
    assert_true(log_lost() - before >= 10);
    assert_false(log_pending());
    close(ends[1]);
    log_open(STDERR_FILENO, "unit", LOG_ERROR);
}

TEST(a_regular_file_is_written_at_once)
{
    char path[] = "/tmp/tokfleet-log-XXXXXX";
    int  fd     = mkstemp(path);
    assert_true(fd >= 0);
    log_open(fd, "unit", LOG_DEBUG);
    for (int i = 0; i < 1000; i++)
        log_debug("tick", F_INT("i", i));
    assert_false(log_pending());
    ssize_t n = pread(fd, seen, sizeof seen - 1, 0);
    assert_true(n > 0);
    seen[n] = '\0';
    assert_int_equal(count_lines(), 1000);
    unlink(path);
    close(fd);
    log_open(STDERR_FILENO, "unit", LOG_ERROR);
}

// The terminal's other end, after one line was logged to it.
static void log_to_terminal(const char *event, const char *value)
{
    int terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    assert_true(terminal >= 0 && grantpt(terminal) == 0 && unlockpt(terminal) == 0);
    int fd = open(ptsname(terminal), O_WRONLY | O_NOCTTY | O_CLOEXEC);
    assert_true(fd >= 0);
    log_open(fd, "unit", LOG_INFO);
    log_info(event, F_STR("key", value), F_INT("n", 3));
    log_drain(1000);
    ssize_t n = read(terminal, seen, sizeof seen - 1);
    assert_true(n > 0);
    seen[n] = '\0';
    log_open(STDERR_FILENO, "unit", LOG_ERROR);
    close(fd);
    close(terminal);
}

TEST(a_terminal_gets_logfmt_without_colour_when_asked_so)
{
    setenv("NO_COLOR", "1", 1);
    log_to_terminal("job moved", "a=b");
    assert_non_null(
        strstr(seen, "Z level=info program=unit event=\"job moved\" key=\"a=b\" n=3\r\n"));
    log_to_terminal("moved", "\xC3\xA9\033[2J");
    assert_non_null(strstr(seen, " event=moved key=\"\xC3\xA9\\u001b[2J\" n=3\r\n"));
}

TEST(a_terminal_gets_colour)
{
    unsetenv("NO_COLOR");
    log_to_terminal("job moved", "plain");
    assert_non_null(
        strstr(seen, " \033[32minfo\033[0m program=unit event=\"job moved\" key=plain n=3\r\n"));
}
