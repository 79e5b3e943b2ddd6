// SPDX-License-Identifier: Apache-2.0
#include "producer/send/sheet.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "producer/send/sheet_fields.h"

struct cell {
    size_t begin;  // in the row's text
    size_t len;
};

struct sheet {
    const char         *utc_offset;                  // borrowed; NULL: none
    struct sheet_column columns[SHEET_COLUMNS_MAX];  // of the head; texts live in the arena
    size_t              column_count;
    struct cell         cells[SHEET_COLUMNS_MAX];  // of the row
    size_t              cell_count;
    struct buf          text;  // of the row
    struct arena        arena;
};

struct sheet *sheet_new(const char *utc_offset, size_t row_max_bytes)
{
    struct sheet *sheet = xcalloc(1, sizeof *sheet);
    sheet->utc_offset   = utc_offset;
    buf_init(&sheet->text, row_max_bytes);
    return sheet;
}

void sheet_free(struct sheet *sheet)
{
    if (!sheet)
        return;
    buf_fini(&sheet->text);
    arena_fini(&sheet->arena);
    free(sheet);
}

void sheet_column_name(size_t column, char out[4])
{
    size_t high = column / 26;
    if (high)
        *out++ = (char)('A' + high - 1);
    *out++ = (char)('A' + column % 26);
    *out   = '\0';
}

bool sheet_add_cell(struct sheet *sheet, struct str text, struct error *err)
{
    if (sheet->cell_count == SHEET_COLUMNS_MAX)
        return error_set(err, ERR_INPUT, "more than %d columns", SHEET_COLUMNS_MAX);
    struct cell *cell = &sheet->cells[sheet->cell_count];
    cell->begin       = sheet->text.len;
    // a line end in a cell is a line feed, whatever the system it comes from
    struct str rest = text, line;
    for (bool first = true; str_cut(&rest, '\n', &line); first = false) {
        if (!first)
            buf_add_char(&sheet->text, '\n');
        if (rest.p && str_ends(line, "\r"))
            line.len--;
        buf_add(&sheet->text, line);
    }
    cell->len = sheet->text.len - cell->begin;
    sheet->cell_count++;
    return !sheet->text.full ||
           error_set(err, ERR_INPUT, "longer than %zu bytes (TOKFLEET_JOB_MAX_BYTES)",
                     sheet->text.max);
}

size_t sheet_cells(const struct sheet *sheet)
{
    return sheet->cell_count;
}

static struct str cell_of(const struct sheet *sheet, size_t column)
{
    if (column >= sheet->cell_count || !sheet->text.p)
        return STR("");
    return str_trim(
        (struct str){ sheet->text.p + sheet->cells[column].begin, sheet->cells[column].len });
}

bool sheet_row_is_empty(const struct sheet *sheet)
{
    for (size_t i = 0; i < sheet->cell_count; i++)
        if (cell_of(sheet, i).len)
            return false;
    return true;
}

void sheet_next_row(struct sheet *sheet)
{
    buf_clear(&sheet->text);
    sheet->text.full  = false;
    sheet->cell_count = 0;
}

// "column D (priority): "
static void add_place(const struct sheet *sheet, size_t column, char *out, size_t bytes)
{
    char       letters[4];
    struct str name = sheet->columns[column].name;
    sheet_column_name(column, letters);
    snprintf(out, bytes, "column %s%s%.*s%s", letters, name.len ? " (" : "", STR_ARG(name),
             name.len ? ")" : "");
}

// ---- the head

static bool check_utf8(struct str cell, struct error *err)
{
    size_t units;
    // a zero byte is UTF-8, but no text: UTF-16 is full of them
    return ((!cell.len || !memchr(cell.p, '\0', cell.len)) && str_utf16_units(cell, &units)) ||
           error_set(err, ERR_INPUT,
                     "this is not UTF-8: save the table as \"CSV UTF-8\", or convert it with: "
                     "iconv -f WINDOWS-1252 -t UTF-8");
}

static bool take_name(struct sheet *sheet, size_t column, struct error *err)
{
    struct sheet_column *taken = &sheet->columns[column];
    struct str           cell  = cell_of(sheet, column);
    char                 letters[4];
    sheet_column_name(column, letters);
    memset(taken, 0, sizeof *taken);
    if (cell.len > SHEET_NAME_MAX)
        return error_set(err, ERR_INPUT, "column %s: its name is longer than %d bytes", letters,
                         SHEET_NAME_MAX);
    if (!check_utf8(cell, err))
        return error_wrap(err, "column %s", letters);
    taken->name = arena_copy(&sheet->arena, cell);
    if (!sheet_column_find(taken, &sheet->arena, err))
        return error_wrap(err, "column %s", letters);
    for (size_t i = 0; i < column; i++)
        if (taken->field && sheet_column_same(taken, &sheet->columns[i])) {
            char other[4];
            sheet_column_name(i, other);
            return error_set(err, ERR_INPUT, "columns %s and %s are both %.*s", other, letters,
                             STR_ARG(taken->name));
        }
    return true;
}

static bool has(const struct sheet *sheet, enum sheet_place place, const char *field)
{
    for (size_t i = 0; i < sheet->column_count; i++) {
        const struct sheet_field *found = sheet->columns[i].field;
        if (found && found->place == place && (!field || strcmp(found->field, field) == 0))
            return true;
    }
    return false;
}

bool sheet_take_head(struct sheet *sheet, struct error *err)
{
    for (size_t i = 0; i < sheet->cell_count; i++)
        if (!take_name(sheet, i, err))
            return false;
    sheet->column_count = sheet->cell_count;
    const char *missing = !has(sheet, IN_JOB, "job_id")    ? "job_id"
                          : !has(sheet, IN_JOB, "account") ? "account"
                          : !has(sheet, IN_MEDIA, NULL)
                              ? "media (or video, or photo_1, photo_2, ...)"
                              : NULL;
    if (missing)
        return error_set(err, ERR_INPUT,
                         "the first row must name the columns, and there is none of the name %s "
                         "(tokfleet import --help lists them)",
                         missing);
    if (has(sheet, IN_JOB, "metadata") && has(sheet, IN_METADATA, NULL))
        return error_set(
            err, ERR_INPUT,
            "metadata stands in one column as JSON, or in columns metadata.NAME: not both");
    return true;
}

// ---- a row

// what the columns say, on its way to becoming JSON
struct parts {
    struct json *job;
    struct json *settings;
    struct json *metadata;
};

static bool set_cell(const struct sheet *sheet, size_t column, struct parts *parts,
                     struct error *err)
{
    const struct sheet_column *named = &sheet->columns[column];
    struct str                 cell  = cell_of(sheet, column);
    switch (named->field->place) {
    case IN_JOB:
        return sheet_set(parts->job, named->field, cell, sheet->utc_offset, err);
    case IN_SETTINGS:
        return sheet_set(parts->settings, named->field, cell, sheet->utc_offset, err);
    case IN_METADATA:
        json_set_text(parts->metadata, named->key, cell);
        return true;
    case IN_MEDIA:
    case IN_MEDIUM:  // together, in add_media()
        break;
    }
    return true;
}

static bool set_cells(const struct sheet *sheet, struct parts *parts, struct error *err)
{
    char place[SHEET_NAME_MAX + 32];
    for (size_t i = 0; i < sheet->cell_count; i++) {
        bool named = i < sheet->column_count && sheet->columns[i].field;
        bool note  = i < sheet->column_count && sheet->columns[i].note;
        bool ok    = true;
        if (!cell_of(sheet, i).len || note)
            continue;
        if (!named)
            ok = error_set(err, ERR_INPUT,
                           "there is something in it, and the first row has no name for it; is a "
                           "text with a separator in it not in quotes?");
        else
            ok = check_utf8(cell_of(sheet, i), err) && set_cell(sheet, i, parts, err);
        if (ok)
            continue;
        if (i < sheet->column_count) {
            add_place(sheet, i, place, sizeof place);
        } else {
            char letters[4];
            sheet_column_name(i, letters);
            snprintf(place, sizeof place, "column %s", letters);
        }
        return error_wrap(err, "%s", place);
    }
    return true;
}

// what a column of its own says of the first medium
static bool set_cover(const struct sheet *sheet, struct json *medium, struct error *err)
{
    char place[SHEET_NAME_MAX + 32];
    for (size_t i = 0; i < sheet->column_count; i++) {
        const struct sheet_field *field = sheet->columns[i].field;
        if (!field || field->place != IN_MEDIUM || !cell_of(sheet, i).len ||
            sheet_set(medium, field, cell_of(sheet, i), NULL, err))
            continue;
        add_place(sheet, i, place, sizeof place);
        return error_wrap(err, "%s", place);
    }
    return true;
}

// a cell of media may hold several URLs, with white space between them
static bool add_media(const struct sheet *sheet, struct json *media, struct error *err)
{
    for (size_t i = 0; i < sheet->column_count; i++) {
        const struct sheet_field *field = sheet->columns[i].field;
        struct str                rest  = cell_of(sheet, i);
        if (!field || field->place != IN_MEDIA)
            continue;
        while ((rest = str_trim(rest)).len) {
            struct json *medium = json_object();
            size_t       len    = 0;
            while (len < rest.len && rest.p[len] != ' ' && rest.p[len] != '\t' &&
                   rest.p[len] != '\n')
                len++;
            json_set_text(medium, "url", (struct str){ rest.p, len });
            if (field->field[0])
                json_set_text(medium, "type", str_of(field->field));
            rest    = (struct str){ rest.p + len, rest.len - len };
            bool ok = json_count(media) > 0 || set_cover(sheet, medium, err);
            json_add(media, &medium);
            if (!ok)
                return false;
        }
    }
    return true;
}

bool sheet_message(const struct sheet *sheet, struct buf *message, struct error *err)
{
    struct parts parts = { json_object(), json_object(), json_object() };
    struct json *media = json_array();
    bool         ok    = set_cells(sheet, &parts, err) && add_media(sheet, media, err);
    if (ok) {
        if (json_count(media))
            json_set(parts.job, "media", &media);
        if (json_count(parts.settings))
            json_set(parts.job, "settings", &parts.settings);
        if (json_count(parts.metadata))
            json_set(parts.job, "metadata", &parts.metadata);
        json_print(parts.job, message);
        ok = !message->full ||
             error_set(err, ERR_INPUT, "longer than %zu bytes (TOKFLEET_JOB_MAX_BYTES)",
                       message->max);
    }
    json_free(media);
    json_free(parts.metadata);
    json_free(parts.settings);
    json_free(parts.job);
    return ok;
}

void sheet_blame(const struct sheet *sheet, struct error *err)
{
    char       place[SHEET_NAME_MAX + 32];
    struct str rest = str_of(err->message), path;
    if (!str_cut(&rest, ':', &path) || !rest.p)
        return;
    for (size_t i = 0; i < sheet->column_count; i++) {
        if (!sheet->columns[i].field || !sheet_column_is(&sheet->columns[i], path))
            continue;
        add_place(sheet, i, place, sizeof place);
        struct error why = *err;
        // the field's name is said already when it is the column's
        bool same = str_eq(path, sheet->columns[i].name);
        error_set(err, why.code, "%s: %s", place, same ? why.message + path.len + 2 : why.message);
        return;
    }
}
