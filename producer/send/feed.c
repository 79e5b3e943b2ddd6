// SPDX-License-Identifier: Apache-2.0
#include "producer/send/feed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "io/cells.h"
#include "producer/send/sheet.h"
#include "producer/tool/lines.h"

#define BYTE_ORDER_MARK "\xef\xbb\xbf"

struct feed {
    struct lines *lines;       // owned
    bool          is_table;    // else a message a line
    const char   *utc_offset;  // borrowed; NULL: none
    size_t        message_max;
    uint64_t      line;  // on which the last message began
    // of a table
    char          separator;
    struct cells *cells;  // owned; NULL before the first row
    struct sheet *sheet;  // owned, like cells
    bool          row;    // one is complete
    bool          has_head;
    bool          at_end;
    bool          cell_failed;  // why is set
    struct error  why;
    uint64_t      begin;    // line of the row that is being read; 0: none
    size_t        bytes;    // of it
    struct buf    message;  // of the row
};

static void on_cell(void *owner, struct str text)
{
    struct feed *feed = owner;
    struct error err;
    if (!feed->cell_failed && !sheet_add_cell(feed->sheet, text, &err)) {
        feed->cell_failed = true;
        feed->why         = err;
    }
}

static void on_row(void *owner)
{
    struct feed *feed = owner;
    feed->row         = true;
}

static const struct cells_events cells_events = { .on_cell = on_cell, .on_row = on_row };

// ---- what it is

static struct str without_mark(struct str line)
{
    size_t mark = strlen(BYTE_ORDER_MARK);
    if (str_starts(line, BYTE_ORDER_MARK))
        line = (struct str){ line.p + mark, line.len - mark };
    return line;
}

// the separator that stands most often outside of quotes
static char separator_of(struct str line)
{
    static const char candidates[] = ",;\t";
    size_t            counts[3]    = { 0 };
    bool              quoted       = false;
    for (size_t i = 0; i < line.len; i++) {
        const char *found = strchr(candidates, line.p[i]);
        if (line.p[i] == '"')
            quoted = !quoted;
        else if (found && *found && !quoted)
            counts[found - candidates]++;
    }
    size_t most = counts[1] > counts[0] ? 1 : 0;
    return candidates[counts[2] > counts[most] ? 2 : most];
}

// "sep=;", which some spreadsheets write and read as the first line
static bool says_separator(struct str line)
{
    line = str_trim(line);
    return line.len == 5 && str_starts(line, "sep=");
}

static bool has_ending(const char *path, const char *const *endings)
{
    for (; *endings; endings++)
        if (str_ends(str_of(path), *endings))
            return true;
    return false;
}

static bool look_at(struct feed *feed, struct str line, const char *path, enum feed_format format,
                    struct error *err)
{
    static const char *const tables[] = { ".csv", ".CSV", ".tsv", ".TSV", NULL };
    static const char *const texts[]  = { ".json", ".ndjson", ".jsonl", NULL };
    if (str_starts(line, "\xff\xfe") || str_starts(line, "\xfe\xff") ||
        (line.len && memchr(line.p, 0, line.len)))
        return error_set(err, ERR_INPUT,
                         "line 1: this is UTF-16 or no text at all; save it as UTF-8 (\"CSV "
                         "UTF-8\" in a spreadsheet)");
    line           = str_trim(without_mark(line));
    bool is_object = str_starts(line, "{");
    feed->is_table =
        format == FEED_CSV || (format == FEED_AUTO && !is_object && has_ending(path, tables));
    feed->separator = says_separator(line) ? line.p[4] : separator_of(line);
    if (!feed->is_table && format == FEED_AUTO && !is_object && !has_ending(path, texts))
        feed->is_table = line.len && line.p[0] != '[' && memchr(line.p, feed->separator, line.len);
    if (!feed->is_table && str_starts(line, "["))
        return error_set(err, ERR_INPUT,
                         "line 1: this is a JSON array; one object a line is wanted: jq -c '.[]' "
                         "FILE | tokfleet import -");
    return true;
}

struct feed *feed_open(const char *path, enum feed_format format, const char *utc_offset,
                       size_t message_max_bytes, struct error *err)
{
    struct feed *feed = xcalloc(1, sizeof *feed);
    struct str   line = { 0 };
    feed->utc_offset  = utc_offset;
    feed->message_max = message_max_bytes;
    buf_init(&feed->message, message_max_bytes);
    feed->lines = lines_open(path, message_max_bytes, true, err);
    bool ok     = feed->lines != NULL;
    while (ok && !str_trim(without_mark(line)).len) {
        enum lines_found found = lines_next_raw(feed->lines, &line, err);
        ok                     = found != LINES_FAILED;
        if (found == LINES_TOO_LONG || found == LINES_END)
            break;
    }
    if (!ok || !look_at(feed, line, path, format, err)) {
        feed_free(feed);
        return NULL;
    }
    feed_rewind(feed);
    return feed;
}

// ---- lines

static enum feed_found next_line(struct feed *feed, struct str *message, struct error *err)
{
    for (;;) {
        enum lines_found found = lines_next(feed->lines, message, err);
        feed->line             = lines_number(feed->lines);
        if (found == LINES_END || found == LINES_FAILED)
            return found == LINES_END ? FEED_END : FEED_FAILED;
        if (found == LINES_TOO_LONG) {
            error_set(err, ERR_INPUT, "longer than %zu bytes (TOKFLEET_JOB_MAX_BYTES)",
                      feed->message_max);
            return FEED_BAD;
        }
        if (feed->line == 1)
            *message = str_trim(without_mark(*message));
        if (message->len)
            return FEED_MESSAGE;
    }
}

// ---- rows

// what is wrong with the whole file begins with its line
static bool broken(const struct feed *feed, struct error *err)
{
    struct error why      = *err;
    uint64_t     line     = lines_number(feed->lines);
    char         from[40] = "", letters[4];
    sheet_column_name(sheet_cells(feed->sheet), letters);
    if (feed->begin && feed->begin != line)
        snprintf(from, sizeof from, " (of the row that begins on line %" PRIu64 ")", feed->begin);
    return error_set(err, why.code, "line %" PRIu64 "%s, column %s: %s", line, from, letters,
                     why.message);
}

static bool feed_line_to(struct feed *feed, struct str line, struct error *err)
{
    if (lines_number(feed->lines) == 1)
        line = without_mark(line);
    if (lines_number(feed->lines) == 1 && says_separator(line))
        return true;
    if (!feed->begin && str_trim(line).len)
        feed->begin = lines_number(feed->lines);
    feed->bytes = feed->begin ? feed->bytes + line.len : 0;
    if (feed->bytes > feed->message_max)
        return error_set(err, ERR_INPUT,
                         "line %" PRIu64
                         ": this row is longer than %zu bytes (TOKFLEET_JOB_MAX_BYTES); is a quote "
                         "(\") that opens in it never closed?",
                         feed->begin, feed->message_max);
    return cells_feed(feed->cells, line, err) || broken(feed, err);
}

static bool end_rows(struct feed *feed, struct error *err)
{
    feed->at_end = true;
    return cells_end(feed->cells, err) || broken(feed, err);
}

// until one row is complete, or there are no more
static bool read_row(struct feed *feed, struct error *err)
{
    struct str line;
    sheet_next_row(feed->sheet);
    feed->row         = false;
    feed->cell_failed = false;
    feed->begin       = 0;
    feed->bytes       = 0;
    while (!feed->row && !feed->at_end) {
        enum lines_found found = lines_next_raw(feed->lines, &line, err);
        if (found == LINES_FAILED)
            return false;
        if (found == LINES_TOO_LONG)
            return error_set(err, ERR_INPUT,
                             "line %" PRIu64 ": longer than %zu bytes (TOKFLEET_JOB_MAX_BYTES)",
                             lines_number(feed->lines), feed->message_max);
        if (!(found == LINES_END ? end_rows(feed, err) : feed_line_to(feed, line, err)))
            return false;
    }
    return true;
}

static enum feed_found next_row(struct feed *feed, struct str *message, struct error *err)
{
    for (;;) {
        if (!read_row(feed, err))
            return FEED_FAILED;
        if (!feed->row)
            return FEED_END;
        feed->line = feed->begin;
        if (feed->cell_failed) {
            *err = feed->why;
            return feed->has_head ? FEED_BAD : FEED_FAILED;
        }
        if (sheet_row_is_empty(feed->sheet))
            continue;
        if (!feed->has_head) {
            if (!sheet_take_head(feed->sheet, err)) {
                error_wrap(err, "line %" PRIu64, feed->line);
                return FEED_FAILED;
            }
            feed->has_head = true;
            continue;
        }
        buf_clear(&feed->message);
        feed->message.full = false;
        if (!sheet_message(feed->sheet, &feed->message, err))
            return FEED_BAD;
        *message = buf_str(&feed->message);
        return FEED_MESSAGE;
    }
}

enum feed_found feed_next(struct feed *feed, struct str *message, struct error *err)
{
    return feed->is_table ? next_row(feed, message, err) : next_line(feed, message, err);
}

uint64_t feed_line(const struct feed *feed)
{
    return feed->line;
}

bool feed_is_table(const struct feed *feed)
{
    return feed->is_table;
}

void feed_blame(const struct feed *feed, struct error *err)
{
    if (feed->is_table)
        sheet_blame(feed->sheet, err);
}

void feed_rewind(struct feed *feed)
{
    lines_rewind(feed->lines);
    cells_free(feed->cells);
    sheet_free(feed->sheet);
    feed->cells    = NULL;
    feed->sheet    = NULL;
    feed->has_head = feed->at_end = false;
    feed->line                    = 0;
    if (!feed->is_table)
        return;
    feed->cells = cells_new(feed->separator, &cells_events, feed);
    feed->sheet = sheet_new(feed->utc_offset, feed->message_max);
}

void feed_free(struct feed *feed)
{
    if (!feed)
        return;
    cells_free(feed->cells);
    sheet_free(feed->sheet);
    lines_free(feed->lines);
    buf_fini(&feed->message);
    free(feed);
}
