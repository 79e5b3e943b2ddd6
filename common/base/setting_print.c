// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "base/setting_part.h"

enum { LINE_BYTES = 2048 };

static const char *const kind_words[] = {
    [SET_TEXT] = "text",   [SET_COUNT] = "number",    [SET_MS] = "time",
    [SET_BYTES] = "bytes", [SET_BOOL] = "true/false", [SET_CHOICE] = "choice",
};

static void print_row_help(const struct setting *row, struct buf *line, FILE *out)
{
    char variable[SETTING_VARIABLE_BYTES];
    setting_variable(row, variable, sizeof variable);
    buf_printf(line, "  %s%s\n      %s\n      %s, ", variable, row->secret ? "[_FILE]" : "",
               row->help, kind_words[row->kind]);
    setting_allowed(row, line);
    if (row->default_text)
        buf_printf(line, "; default %s", *row->default_text ? row->default_text : "empty");
    fprintf(out, "%s\n", buf_text(line));
}

void setting_print_help(const struct setting *rows, size_t count, FILE *out)
{
    struct buf line;
    buf_init(&line, LINE_BYTES);
    for (size_t i = 0; i < count; i++) {
        buf_clear(&line);
        print_row_help(&rows[i], &line, out);
    }
    buf_fini(&line);
}

static bool same_value(const struct setting *row, const struct setting_value *value,
                       const void *values)
{
    const void *field = (const char *)values + row->offset;
    if (row->kind == SET_BOOL)
        return *(const bool *)field == value->yes;
    if (!setting_is_text(row))
        return *(const int64_t *)field == value->number;
    const char *text = *(char *const *)field;
    return text && value->text ? strcmp(text, value->text) == 0 : text == value->text;
}

// A value that the environment does not explain was given by a flag.
static void add_origin(const struct setting *row, char *const *environment, const void *values,
                       struct buf *line)
{
    struct setting_source source;
    struct setting_value  value = { 0 };
    struct error          err;
    bool                  found = setting_source_find(row, environment, &source, &err);
    bool ok = found && (!source.text || setting_parse(row, source.text, &value, &err));
    if (ok && !same_value(row, &value, values))
        buf_add_text(line, "flag");
    else if (source.origin == FROM_FILE)
        buf_printf(line, "file %s", source.path);
    else
        buf_add_text(line, source.origin == FROM_VARIABLE ? "environment" : "default");
    setting_source_fini(&source);
}

static void add_value(const struct setting *row, const void *values, struct buf *line)
{
    const void *field = (const char *)values + row->offset;
    if (row->kind == SET_BOOL) {
        buf_add_text(line, *(const bool *)field ? "true" : "false");
    } else if (!setting_is_text(row)) {
        setting_number(row, *(const int64_t *)field, line);
    } else {
        const char *text = *(char *const *)field;
        if (text && row->secret)
            buf_add_text(line, *text ? "(hidden)" : "");
        else
            buf_add_visible(line, str_of(text));
    }
}

void setting_print_values(const struct setting *rows, size_t count, char *const *environment,
                          const void *values, FILE *out)
{
    struct buf line;
    struct buf origin;
    buf_init(&line, LINE_BYTES);
    buf_init(&origin, LINE_BYTES);
    for (size_t i = 0; i < count; i++) {
        char variable[SETTING_VARIABLE_BYTES];
        setting_variable(&rows[i], variable, sizeof variable);
        buf_clear(&line);
        buf_clear(&origin);
        buf_printf(&line, "%s=", variable);
        add_value(&rows[i], values, &line);
        add_origin(&rows[i], environment, values, &origin);
        fprintf(out, "%-60s  # %s\n", buf_text(&line), buf_text(&origin));
    }
    buf_fini(&line);
    buf_fini(&origin);
}

// One cell of a Markdown table.
static void print_cell(const char *text, FILE *out)
{
    fputs(" ", out);
    for (; *text; text++)
        fprintf(out, "%s%c", *text == '|' ? "\\" : "", *text);
    fputs(" |", out);
}

static void print_row_reference(const struct setting *row, struct buf *cell, FILE *out)
{
    char variable[SETTING_VARIABLE_BYTES];
    setting_variable(row, variable, sizeof variable);
    fprintf(out, "| `%s` |", variable);
    if (row->default_text && *row->default_text)
        buf_printf(cell, "`%s`", row->default_text);
    else if (row->default_text)
        buf_add_text(cell, "empty");
    print_cell(buf_text(cell), out);
    buf_clear(cell);
    setting_allowed(row, cell);
    print_cell(buf_text(cell), out);
    buf_clear(cell);
    buf_add_text(cell, row->help);
    if (row->secret)
        buf_printf(cell, "; a secret: `%s_FILE` may name a file that holds it", variable);
    print_cell(buf_text(cell), out);
    fputs("\n", out);
}

void setting_print_reference(const struct setting *rows, size_t count, FILE *out)
{
    struct buf cell;
    buf_init(&cell, LINE_BYTES);
    fputs("| variable | default | allowed | what it is |\n|---|---|---|---|\n", out);
    for (size_t i = 0; i < count; i++) {
        buf_clear(&cell);
        print_row_reference(&rows[i], &cell, out);
    }
    buf_fini(&cell);
}
