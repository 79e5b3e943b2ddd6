// SPDX-License-Identifier: Apache-2.0
#include "producer/tool/out.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/memory.h"
#include "producer/tool/words.h"

enum { JSON_LINE_MAX_BYTES = 16 * 1024 * 1024, CELL_MAX_BYTES = 4096, LAST_COLUMN_MIN = 12 };

void out_init(struct out *out, FILE *file)
{
    const char *no_color = getenv("NO_COLOR");
    const char *term     = getenv("TERM");
    memset(out, 0, sizeof *out);
    out->file     = file;
    out->terminal = isatty(fileno(file)) == 1;
    out->screen   = out->terminal && !(term && strcmp(term, "dumb") == 0);
    out->colour   = out->screen && !(no_color && *no_color);
}

static void note_failure(struct out *out)
{
    if (errno == EPIPE)
        out->closed = true;
    else
        out->broken = true;
}

static void PRINTF_LIKE(2, 0) print(struct out *out, const char *format, va_list args)
{
    if (out->closed || out->broken)
        return;
    errno = 0;
    if (vfprintf(out->file, format, args) < 0)
        note_failure(out);
}

void out_printf(struct out *out, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    print(out, format, args);
    va_end(args);
}

const char *paint_code(enum paint paint)
{
    static const char *const codes[] = { "",         "\033[1m",  "\033[2m",
                                         "\033[32m", "\033[33m", "\033[31m" };
    return codes[paint];
}

void out_paint(struct out *out, enum paint paint, const char *format, ...)
{
    bool    painted = out->colour && paint != PLAIN;
    va_list args;
    if (painted)
        out_printf(out, "%s", paint_code(paint));
    va_start(args, format);
    print(out, format, args);
    va_end(args);
    if (painted)
        out_printf(out, "\033[0m");
}

void out_bytes(struct out *out, struct str bytes)
{
    if (out->closed || out->broken || !bytes.len)
        return;
    errno = 0;
    if (fwrite(bytes.p, 1, bytes.len, out->file) != bytes.len)
        note_failure(out);
}

void out_json(struct out *out, const struct json *json)
{
    struct buf line;
    buf_init(&line, JSON_LINE_MAX_BYTES);
    json_print(json, &line);
    assert(!line.full);
    out_printf(out, "%s\n", buf_text(&line));
    buf_fini(&line);
}

bool out_flush(struct out *out)
{
    errno = 0;
    if (!out->closed && !out->broken && fflush(out->file) != 0)
        note_failure(out);
    return !out->closed && !out->broken;
}

bool out_closed(const struct out *out)
{
    return out->closed || out->broken;
}

int out_columns(const struct out *out)
{
    struct winsize size = { 0 };
    return out->terminal && ioctl(fileno(out->file), TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

void table_init(struct table *table, const char *const *head, size_t columns)
{
    assert(columns <= TABLE_COLUMNS_MAX);
    memset(table, 0, sizeof *table);
    table->columns = columns;
    for (size_t i = 0; i < columns; i++)
        table_add_text(table, head[i]);
}

void table_add(struct table *table, struct str cell)
{
    if (table->count == table->capacity) {
        table->capacity = table->capacity ? table->capacity * 2 : 64;
        table->cells    = xrealloc(table->cells, table->capacity * sizeof *table->cells);
    }
    struct buf visible;
    buf_init(&visible, CELL_MAX_BYTES);
    buf_add_visible(&visible, cell);
    table->cells[table->count++] = xstrdup(buf_text(&visible));
    buf_fini(&visible);
}

void table_add_text(struct table *table, const char *cell)
{
    table_add(table, str_of(cell));
}

// columns on a terminal, as far as one character is one column
static size_t width_of(const char *text)
{
    size_t width = 0;
    for (; *text; text++)
        width += ((unsigned char)*text & 0xc0) != 0x80;
    return width;
}

// bytes of the first so many characters
static int bytes_of(const char *text, size_t characters)
{
    const char *p = text;
    for (; *p; p++)
        if (((unsigned char)*p & 0xc0) != 0x80 && characters-- == 0)
            break;
    return (int)(p - text);
}

// characters that the last column may have
static size_t room_of(const struct table *table, const struct out *out, const char *indent,
                      const size_t *widths)
{
    size_t columns = table->cut ? (size_t)out_columns(out) : 0;
    size_t before  = strlen(indent);
    for (size_t i = 0; i + 1 < table->columns; i++)
        before += widths[i] + strlen("  ");
    return columns >= before + LAST_COLUMN_MIN ? columns - before : SIZE_MAX;
}

void table_print(const struct table *table, struct out *out, const char *indent)
{
    size_t widths[TABLE_COLUMNS_MAX] = { 0 };
    for (size_t i = 0; i < table->count; i++) {
        size_t width = width_of(table->cells[i]);
        if (width > widths[i % table->columns])
            widths[i % table->columns] = width;
    }
    size_t room = room_of(table, out, indent, widths);
    for (size_t i = 0; i < table->count; i++) {
        size_t      column = i % table->columns;
        const char *cell   = table->cells[i];
        bool        last   = column + 1 == table->columns;
        out_paint(out, i < table->columns ? FAINT : PLAIN, "%s%.*s", column ? "  " : indent,
                  bytes_of(cell, last ? room : SIZE_MAX), cell);
        if (last)
            out_printf(out, "\n");
        else
            out_printf(out, "%*s", (int)(widths[column] - width_of(cell)), "");
    }
}

void table_fini(struct table *table)
{
    for (size_t i = 0; i < table->count; i++)
        free(table->cells[i]);
    free(table->cells);
    memset(table, 0, sizeof *table);
}
