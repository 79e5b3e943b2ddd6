// SPDX-License-Identifier: Apache-2.0
/*   log_write ─► line ─► waiting ─► poll(POLLOUT, 0) ─► write, at most PIPE_BUF bytes ─► reader
 *                            └─ full: lost, counted; told in one line when half of it is free again
 *
 * A pipe that polls writable takes PIPE_BUF bytes without blocking. The descriptor is not made
 * non-blocking: its flags belong to everyone who inherited it. Regular files are always ready. */
#include "base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"

enum {
    WAITING_BYTES = 1 << 20,  // what waits for the reader, unless set
    LINE_BYTES    = 16384,    // one line
    TEXT_BYTES    = 2048,     // one text in it, before escaping
    CLOSE_BYTES   = 16,       // kept free for the end of a line
};

struct log {
    int            fd;           // borrowed
    const char    *program;      // a literal
    enum log_level level;        // what is more than this is not written
    bool           is_file;      // a regular file: never waited for
    bool           is_terminal;  // logfmt, else JSON
    bool           is_coloured;  // levels stand out
    struct buf     line;         // being built
    struct buf     waiting;      // whole lines, and the rest of the one that is being written
    uint64_t       lost;         // lines dropped since the start
    uint64_t       untold;       // of them, those that the log has not told yet
};

static struct log the_log = {
    .fd      = STDERR_FILENO,
    .program = "tokfleet",
    .level   = LOG_INFO,
    .line    = { .max = LINE_BYTES },
    .waiting = { .max = WAITING_BYTES },
};

static const char *const level_words[]   = { "error", "warn", "info", "debug" };
static const char *const level_colours[] = { "\033[31m", "\033[33m", "\033[32m", "\033[2m" };

static uint64_t lines_in(struct str text)
{
    uint64_t lines = 0;
    for (size_t i = 0; i < text.len; i++)
        lines += text.p[i] == '\n';
    return lines;
}

static void lose(uint64_t lines)
{
    the_log.lost += lines;
    the_log.untold += lines;
}

static void lose_waiting(void)
{
    lose(lines_in(buf_str(&the_log.waiting)));
    buf_clear(&the_log.waiting);
}

void log_open(int fd, const char *program, enum log_level level)
{
    struct stat about;
    log_flush();
    lose_waiting();
    the_log.untold      = 0;
    the_log.fd          = fd;
    the_log.program     = program;
    the_log.level       = level;
    the_log.is_file     = fstat(fd, &about) == 0 && S_ISREG(about.st_mode);
    the_log.is_terminal = isatty(fd);
    const char *no      = getenv("NO_COLOR");
    the_log.is_coloured = the_log.is_terminal && (!no || !*no);
}

bool log_level_parse(struct str text, enum log_level *level)
{
    for (size_t i = 0; i < COUNT_OF(level_words); i++)
        if (str_is(text, level_words[i])) {
            *level = (enum log_level)i;
            return true;
        }
    return false;
}

void log_set_buffer_bytes(size_t bytes)
{
    the_log.waiting.max = bytes > the_log.waiting.len ? bytes : the_log.waiting.len;
}

// Bytes at p that must not stand as they are: JSON's own, and control characters, also those of C1,
// which terminals obey.
static size_t special_bytes(const char *p, size_t left)
{
    unsigned char c = (unsigned char)p[0];
    if (c == 0xC2 && left > 1 && (unsigned char)p[1] < 0xA0)
        return 2;
    return c < 0x20 || c == '"' || c == '\\' || c == 0x7F;
}

static void add_special(const char *p, size_t bytes)
{
    static const char letters[] = "\b\f\n\r\t\"\\";
    static const char names[]   = "bfnrt\"\\";
    const char       *letter    = bytes == 1 && *p ? strchr(letters, *p) : NULL;
    if (letter)
        buf_printf(&the_log.line, "\\%c", names[letter - letters]);
    else
        buf_printf(&the_log.line, "\\u%04x", (unsigned char)p[bytes - 1]);
}

static void add_valid(struct str text)
{
    size_t from = 0;
    for (size_t i = 0; i < text.len;) {
        size_t bytes = special_bytes(text.p + i, text.len - i);
        if (bytes) {
            buf_add(&the_log.line, (struct str){ text.p + from, i - from });
            add_special(text.p + i, bytes);
            from = i + bytes;
        }
        i += bytes ? bytes : 1;
    }
    buf_add(&the_log.line, (struct str){ text.p + from, text.len - from });
}

static struct str skip(struct str text, size_t bytes)
{
    return (struct str){ text.p + bytes, text.len - bytes };
}

// In quotes; what is not UTF-8 becomes U+FFFD, what is long is cut.
static void add_quoted(struct str text)
{
    bool cut = text.len > TEXT_BYTES;
    for (size_t i = 0; cut && i < 4; i++)  // not inside a code point
        if (i == 0 || ((unsigned char)text.p[text.len] & 0xC0) == 0x80)
            text.len = TEXT_BYTES - i;
    buf_add_char(&the_log.line, '"');
    while (text.len) {
        struct str valid = str_utf8_prefix(text, SIZE_MAX);
        add_valid(valid);
        text = skip(text, valid.len);
        if (text.len) {
            buf_add_text(&the_log.line, "\xEF\xBF\xBD");
            text = skip(text, 1);
        }
    }
    buf_add_text(&the_log.line, cut ? "...\"" : "\"");
}

static bool is_plain(struct str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.p[i] <= ' ' || text.p[i] > '~' || strchr("=\"\\", text.p[i]))
            return false;
    return text.len > 0 && text.len <= TEXT_BYTES;
}

// What comes before the value: `,"key":` or ` key=`.
static void add_key(const char *key)
{
    if (the_log.is_terminal) {
        buf_printf(&the_log.line, "%s%s=", the_log.line.len ? " " : "", key);
    } else {
        buf_add_char(&the_log.line, the_log.line.len ? ',' : '{');
        add_quoted(str_of(key));
        buf_add_char(&the_log.line, ':');
    }
}

static void add_text(const char *key, struct str text)
{
    add_key(key);
    if (the_log.is_terminal && is_plain(text))
        buf_add(&the_log.line, text);
    else
        add_quoted(text);
}

static void add_level(enum log_level level)
{
    if (the_log.is_coloured)
        buf_printf(&the_log.line, " %s%s\033[0m", level_colours[level], level_words[level]);
    else
        add_text("level", str_of(level_words[level]));
}

static void add_time(void)
{
    struct timespec now;
    struct tm       t;
    char            text[40];
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &t);
    size_t len = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &t);
    snprintf(text + len, sizeof text - len, ".%03dZ", (int)(now.tv_nsec / 1000000));
    add_text("time", str_of(text));
}

static void add_field(const struct log_field *field)
{
    if (field->is_number) {
        add_key(field->key);
        buf_printf(&the_log.line, "%" PRId64, field->number);
    } else {
        add_text(field->key, field->text);
    }
}

// The whole line; a field that does not fit ends it.
static void build(enum log_level level, const char *event, const struct log_field *fields)
{
    struct buf *line = &the_log.line;
    buf_clear(line);
    line->max = LINE_BYTES - CLOSE_BYTES;
    add_time();
    add_level(level);
    add_text("program", str_of(the_log.program));
    add_text("event", str_of(event));
    for (; fields && fields->key && !line->full; fields++) {
        size_t before = line->len;
        add_field(fields);
        if (line->full)
            line->len = before;
    }
    line->max = LINE_BYTES;
    if (line->full)
        buf_add_text(line, the_log.is_terminal ? " cut=yes" : ",\"cut\":true");
    buf_add_text(line, the_log.is_terminal ? "\n" : "}\n");
}

static bool keep_line(void)
{
    bool kept            = buf_add(&the_log.waiting, buf_str(&the_log.line));
    the_log.waiting.full = false;
    return kept;
}

// Once lines were lost, none is taken before half the room is free: one gap, told once, not many.
static bool tell_lost(void)
{
    if (!the_log.untold)
        return true;
    if (the_log.waiting.len > the_log.waiting.max / 2)
        return false;
    const struct log_field fields[] = { F_INT("lines", the_log.untold),
                                        F_INT("total", the_log.lost),
                                        { 0 } };
    build(LOG_WARN, "log lines were lost", fields);
    if (!keep_line())
        return false;
    the_log.untold = 0;
    return true;
}

void log_write(enum log_level level, const char *event, const struct log_field *fields)
{
    if (level > the_log.level)
        return;
    int saved = errno;
    log_flush();
    bool kept = tell_lost();
    if (kept) {
        build(level, event, fields);
        kept = keep_line();
    }
    if (!kept)
        lose(1);
    log_flush();
    errno = saved;
}

bool log_pending(void)
{
    return the_log.waiting.len > 0;
}

// Whole lines if one fits, so that those of others who write to the same pipe do not fall between.
static size_t next_bytes(struct str text)
{
    if (text.len <= PIPE_BUF)
        return text.len;
    const char *end = memrchr(text.p, '\n', PIPE_BUF);
    return end ? (size_t)(end - text.p) + 1 : PIPE_BUF;
}

static bool is_ready(int timeout_ms)
{
    struct pollfd reader = { .fd = the_log.fd, .events = POLLOUT };
    return the_log.is_file || poll(&reader, 1, timeout_ms) > 0;
}

static void write_ready(void)
{
    size_t done = 0;
    while (done < the_log.waiting.len && is_ready(0)) {
        struct str rest = skip(buf_str(&the_log.waiting), done);
        ssize_t    n    = write(the_log.fd, rest.p, next_bytes(rest));
        if (n > 0) {
            done += (size_t)n;
        } else if (n == 0 || (errno != EINTR && errno != EAGAIN)) {
            buf_drop(&the_log.waiting, done);
            lose_waiting();
            return;
        } else if (errno == EAGAIN) {
            break;
        }
    }
    if (done)
        buf_drop(&the_log.waiting, done);
}

void log_flush(void)
{
    if (the_log.waiting.len)
        write_ready();
    if (the_log.untold && !the_log.waiting.len && is_ready(0) && tell_lost())
        write_ready();
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void log_drain(int timeout_ms)
{
    int64_t end = now_ms() + timeout_ms;
    log_flush();
    for (int64_t left = timeout_ms; the_log.waiting.len && left > 0; left = end - now_ms()) {
        is_ready((int)left);
        log_flush();
    }
    // what was lost is told last; a pipe that has just been filled has no room for it yet
    int64_t left = end - now_ms();
    if (the_log.untold && left > 0 && is_ready((int)left))
        log_flush();
}

uint64_t log_lost(void)
{
    return the_log.lost;
}
