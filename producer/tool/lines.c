// SPDX-License-Identifier: Apache-2.0
#include "producer/tool/lines.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"

enum { COPY_BYTES = 64 * 1024, PATH_BYTES = 4096 };

struct lines {
    int      fd;  // owned, unless it is standard input
    size_t   line_max;
    char    *buffer;  // line_max and two bytes for its end
    size_t   capacity;
    size_t   begin;  // what was not returned yet is [begin, end)
    size_t   end;
    bool     at_end;    // of the file
    bool     skipping;  // the rest of a line that is too long
    uint64_t number;
    int64_t  bytes;
    char     path[PATH_BYTES];  // for messages
};

static bool write_all(int fd, const char *bytes, size_t count)
{
    while (count) {
        ssize_t n = write(fd, bytes, count);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        bytes += n;
        count -= (size_t)n;
    }
    return true;
}

static int open_unlinked(void)
{
    char        path[PATH_BYTES];
    const char *folder = getenv("TMPDIR");
    if (!folder || !*folder)
        folder = "/tmp";
    int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0)
        return fd;
    snprintf(path, sizeof path, "%s/tokfleet-XXXXXX", folder);
    fd = mkostemp(path, O_CLOEXEC);
    if (fd >= 0)
        unlink(path);
    return fd;
}

// from: standard input or a pipe; false with errno
static bool spool(int from, int *to)
{
    char *bytes = xmalloc(COPY_BYTES);
    bool  ok    = false;
    *to         = open_unlinked();
    while (*to >= 0) {
        ssize_t n = read(from, bytes, COPY_BYTES);
        if (n < 0 && errno == EINTR)
            continue;
        ok = n == 0;
        if (n <= 0 || !write_all(*to, bytes, (size_t)n))
            break;
    }
    int why = errno;
    if (ok)
        ok = lseek(*to, 0, SEEK_SET) == 0;
    else if (*to >= 0)
        close(*to);
    explicit_bzero(bytes, COPY_BYTES);
    free(bytes);
    errno = why;
    return ok;
}

static bool open_input(struct lines *lines, const char *path, bool twice, struct error *err)
{
    struct stat about;
    bool        is_input = strcmp(path, "-") == 0;
    snprintf(lines->path, sizeof lines->path, "%s", is_input ? "standard input" : path);
    lines->fd = is_input ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (lines->fd < 0)
        return error_set(err, ERR_IO, "%.200s: %s", path, strerror(errno));
    if (fstat(lines->fd, &about) != 0)
        return error_set(err, ERR_IO, "%.200s: %s", lines->path, strerror(errno));
    if (S_ISDIR(about.st_mode))
        return error_set(err, ERR_IO, "%.200s is a folder", lines->path);
    if (!twice || S_ISREG(about.st_mode))
        return true;
    int copy = -1;
    if (!spool(lines->fd, &copy))
        return error_set(err, ERR_IO, "%.200s cannot be copied to a temporary file (TMPDIR): %s",
                         lines->path, strerror(errno));
    if (!is_input)
        close(lines->fd);
    lines->fd = copy;
    return true;
}

struct lines *lines_open(const char *path, size_t line_max_bytes, bool twice, struct error *err)
{
    struct lines *lines = xcalloc(1, sizeof *lines);
    lines->line_max     = line_max_bytes;
    lines->capacity     = line_max_bytes + 2;
    lines->buffer       = xmalloc(lines->capacity);
    if (!open_input(lines, path, twice, err)) {
        lines_free(lines);
        return NULL;
    }
    return lines;
}

static bool fill(struct lines *lines, struct error *err)
{
    if (lines->begin) {
        memmove(lines->buffer, lines->buffer + lines->begin, lines->end - lines->begin);
        lines->end -= lines->begin;
        lines->begin = 0;
    }
    ssize_t n;
    do
        n = read(lines->fd, lines->buffer + lines->end, lines->capacity - lines->end);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return error_set(err, ERR_IO, "%.200s: %s", lines->path, strerror(errno));
    lines->at_end = n == 0;
    lines->end += (size_t)n;
    lines->bytes += n;
    return true;
}

// The next line, whatever is in it, with its end; false: more bytes are needed first.
static bool cut(struct lines *lines, struct str *line)
{
    char  *from  = lines->buffer + lines->begin;
    size_t bytes = lines->end - lines->begin;
    char  *stop  = bytes ? memchr(from, '\n', bytes) : NULL;
    if (!stop && !(lines->at_end && bytes))
        return false;
    size_t len = stop ? (size_t)(stop - from) : bytes;
    *line      = (struct str){ from, len + (stop != NULL) };
    lines->begin += line->len;
    return true;
}

enum lines_found lines_next_raw(struct lines *lines, struct str *line, struct error *err)
{
    for (;;) {
        if (cut(lines, line)) {
            bool rest       = lines->skipping;
            lines->skipping = false;
            if (rest)
                continue;
            lines->number++;
            return str_trim(*line).len > lines->line_max ? LINES_TOO_LONG : LINES_LINE;
        } else if (lines->at_end) {
            return LINES_END;
        } else if (lines->end - lines->begin == lines->capacity) {
            bool first      = !lines->skipping;
            lines->skipping = true;
            lines->begin = lines->end = 0;
            if (first) {
                lines->number++;
                return LINES_TOO_LONG;
            }
        } else if (!fill(lines, err)) {
            return LINES_FAILED;
        }
    }
}

enum lines_found lines_next(struct lines *lines, struct str *line, struct error *err)
{
    for (;;) {
        enum lines_found found = lines_next_raw(lines, line, err);
        if (found != LINES_LINE)
            return found;
        *line = str_trim(*line);
        if (line->len)
            return LINES_LINE;
    }
}

uint64_t lines_number(const struct lines *lines)
{
    return lines->number;
}

int64_t lines_bytes(const struct lines *lines)
{
    return lines->bytes;
}

void lines_rewind(struct lines *lines)
{
    off_t at = lseek(lines->fd, 0, SEEK_SET);
    assert(at == 0);
    lines->begin = lines->end = 0;
    lines->number             = 0;
    lines->bytes              = 0;
    lines->at_end = lines->skipping = false;
}

void lines_free(struct lines *lines)
{
    if (!lines)
        return;
    if (lines->fd > STDERR_FILENO)
        close(lines->fd);
    explicit_bzero(lines->buffer, lines->capacity);
    free(lines->buffer);
    free(lines);
}
