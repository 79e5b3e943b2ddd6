// SPDX-License-Identifier: Apache-2.0
#include "producer/tool/flags.h"

#include <assert.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "producer/tool/words.h"

enum { ROWS_MAX = 40, AT_HELP = ROWS_MAX, AT_VERBOSE, FIRST_VALUE = 256 };
enum { CHOICES_MAX = 24, CHOICE_BYTES = 40 };
enum { COLUMNS = 79, TYPED_COLUMNS = 24, HELP_COLUMN = 2 + TYPED_COLUMNS + 1 };

bool flags_parse_ms(const char *text, int64_t *ms)
{
    static const struct {
        const char *unit;
        int64_t     ms;
    } units[]        = { { "ms", 1 },      { "s", 1000 },     { "m", 60000 },
                         { "h", 3600000 }, { "d", 86400000 }, { "", 1000 } };
    struct str whole = str_of(text);
    for (size_t i = 0; i < COUNT_OF(units); i++) {
        if (!str_ends(whole, units[i].unit))
            continue;
        int64_t    number;
        struct str digits = { whole.p, whole.len - strlen(units[i].unit) };
        if (!digits.len || digits.p[0] < '0' || digits.p[0] > '9' || !str_to_i64(digits, &number) ||
            number > INT64_MAX / units[i].ms)
            return false;
        *ms = number * units[i].ms;
        return true;
    }
    return false;
}

static bool read_number(const struct flag *row, const char *text, int64_t *number,
                        struct error *err)
{
    bool ok =
        row->kind == FLAG_MS ? flags_parse_ms(text, number) : str_to_i64(str_of(text), number);
    // a default outside of the range means "not given"
    if (ok && (text == row->default_text || (*number >= row->lowest && *number <= row->highest)))
        return true;
    if (row->kind == FLAG_MS)
        return error_set(err, ERR_INPUT,
                         "--%s %.60s: a time such as 30s, 5m or 2h is wanted, from %g s to %" PRIi64
                         " s",
                         row->name, text, (double)row->lowest / 1000, row->highest / 1000);
    return error_set(err, ERR_INPUT,
                     "--%s %.60s: a number from %" PRIi64 " to %" PRIi64 " is wanted", row->name,
                     text, row->lowest, row->highest);
}

static bool is_choice(const struct flag *row, const char *text, struct error *err)
{
    const char *near[CHOICES_MAX];
    char        words[CHOICES_MAX][CHOICE_BYTES];
    struct str  rest = str_of(row->choices);
    struct str  word;
    size_t      count = 0;
    while (row->choices && str_cut(&rest, '|', &word)) {
        assert(count < CHOICES_MAX);
        if (str_is(word, text))
            return true;
        snprintf(words[count], CHOICE_BYTES, "%.*s", STR_ARG(word));
        near[count] = words[count];
        count++;
    }
    if (!row->choices)
        return true;
    const char *nearest = words_nearest(str_of(text), near, count);
    if (nearest)
        return error_set(err, ERR_INPUT, "--%s %.60s: did you mean %s? It is one of %s", row->name,
                         text, nearest, row->choices);
    return error_set(err, ERR_INPUT, "--%s %.60s: it must be one of %s", row->name, text,
                     row->choices);
}

static bool store_value(const struct flag *row, const char *text, void *options, struct error *err)
{
    void *field = (char *)options + row->offset;
    if (!is_choice(row, text, err))
        return false;
    switch (row->kind) {
    case FLAG_YES:
        *(bool *)field = true;
        return true;
    case FLAG_TEXT:
        *(const char **)field = text;
        return true;
    case FLAG_TEXTS: {
        struct flag_texts *list = field;
        if (list->count == FLAG_TEXTS_MAX)
            return error_set(err, ERR_INPUT, "--%s is given more than %d times", row->name,
                             FLAG_TEXTS_MAX);
        list->texts[list->count++] = text;
        return true;
    }
    case FLAG_COUNT:
    case FLAG_MS:
        return read_number(row, text, field, err);
    }
    return true;
}

static bool set_defaults(const struct flag *rows, size_t count, void *options, struct error *err)
{
    for (size_t i = 0; i < count; i++)
        if (rows[i].default_text && !store_value(&rows[i], rows[i].default_text, options, err))
            return false;
    return true;
}

static bool unknown_flag(const struct flag *rows, size_t count, const char *typed, struct str name,
                         struct error *err)
{
    const char *names[ROWS_MAX + 2];
    size_t      n = 0;
    for (; n < count; n++)
        names[n] = rows[n].name;
    names[n++]       = "help";
    names[n++]       = "verbose";
    const char *near = words_nearest(name, names, n);
    if (near)
        return error_set(err, ERR_INPUT, "there is no flag %.60s: did you mean --%s?", typed, near);
    return error_set(err, ERR_INPUT, "there is no flag %.60s", typed);
}

// whether the flag that was typed takes the next word as its value
static bool takes_next(const struct flag *rows, size_t count, const char *typed, bool *takes,
                       struct error *err)
{
    struct str rest = str_of(typed + 2);
    struct str name = rest;
    *takes          = false;
    if (strcmp(typed, "-h") == 0 || strcmp(typed, "--help") == 0 || strcmp(typed, "--verbose") == 0)
        return true;
    if (!str_cut(&rest, '=', &name))
        return true;
    for (size_t i = 0; i < count; i++)
        if (str_is(name, rows[i].name)) {
            *takes = rows[i].kind != FLAG_YES && !rest.p;
            return true;
        }
    return unknown_flag(rows, count, typed, name, err);
}

// Flags with their values first, then operands; "--" goes away.
static bool put_in_order(const struct flag *rows, size_t count, int argc, char **argv,
                         int *flag_words, int *operands, struct error *err)
{
    char **words = xcalloc((size_t)argc + 1, sizeof *words);
    bool   ended = false, ok = true;
    int    n    = 0;
    *flag_words = 1;
    for (int i = 1; ok && i < argc; i++) {
        bool is_flag = !ended && (strncmp(argv[i], "--", 2) == 0 || strcmp(argv[i], "-h") == 0);
        bool takes   = false;
        if (is_flag && strcmp(argv[i], "--") == 0) {
            ended = true;
        } else if (is_flag) {
            ok                    = takes_next(rows, count, argv[i], &takes, err);
            argv[(*flag_words)++] = argv[i];
            if (takes && i + 1 < argc)
                argv[(*flag_words)++] = argv[++i];
        } else {
            words[n++] = argv[i];
        }
    }
    for (int i = 0; ok && i < n; i++)
        argv[*flag_words + i] = words[i];
    *operands = n;
    free(words);
    return ok;
}

bool flags_read(const struct flag *rows, size_t count, int argc, char **argv, void *options,
                struct flags_common *common, int *operands, int *operand_count, struct error *err)
{
    struct option longs[ROWS_MAX + 3] = { { 0 } };
    assert(count <= ROWS_MAX);
    size_t n = 0;
    for (; n < count; n++)
        longs[n] =
            (struct option){ rows[n].name, rows[n].kind != FLAG_YES, NULL, FIRST_VALUE + (int)n };
    longs[n++] = (struct option){ "help", no_argument, NULL, FIRST_VALUE + AT_HELP };
    longs[n]   = (struct option){ "verbose", no_argument, NULL, FIRST_VALUE + AT_VERBOSE };
    memset(common, 0, sizeof *common);
    if (!set_defaults(rows, count, options, err) ||
        !put_in_order(rows, count, argc, argv, operands, operand_count, err))
        return false;
    optind = 0;  // begin anew, also after another verb's flags
    opterr = 0;
    for (;;) {
        int value = getopt_long(*operands, argv, ":h", longs, NULL);
        if (value == -1)
            break;
        if (value == ':')
            return error_set(err, ERR_INPUT, "%.60s needs a value", argv[optind - 1]);
        if (value == '?')
            return error_set(err, ERR_INPUT, "%.60s takes no value", argv[optind - 1]);
        if (value == 'h' || value == FIRST_VALUE + AT_HELP)
            common->help = true;
        else if (value == FIRST_VALUE + AT_VERBOSE)
            common->verbose = true;
        else if (!store_value(&rows[value - FIRST_VALUE], optarg, options, err))
            return false;
    }
    return true;
}

void flags_print_wrapped(const char *text, int column, int indent, FILE *file)
{
    struct str rest = str_of(text);
    struct str word;
    bool       first = true;
    while (str_cut(&rest, ' ', &word)) {
        if (!first && column + 1 + (int)word.len > COLUMNS) {
            fprintf(file, "\n%*s", indent, "");
            column = indent;
        } else if (!first) {
            fputc(' ', file);
            column++;
        }
        fprintf(file, "%.*s", STR_ARG(word));
        column += (int)word.len;
        first = false;
    }
    fputc('\n', file);
}

static void tell_row(const struct flag *row, flags_told *told, void *owner)
{
    char left[64], help[512];
    bool shown = row->default_text && row->default_text[0] != '-';
    snprintf(left, sizeof left, "--%s%s%s", row->name, row->argument ? " " : "",
             row->argument ? row->argument : "");
    snprintf(help, sizeof help, "%s%s%s%s", row->help, shown ? " (default " : "",
             shown ? row->default_text : "", shown ? ")" : "");
    told(owner, left, help);
}

void flags_tell(const struct flag *rows, size_t count, flags_told *told, void *owner)
{
    static const struct flag common[] = {
        { .name = "verbose", .help = "log to standard error what the connections do" },
        { .name = "help", .help = "print this" },
    };
    for (size_t i = 0; i < count; i++)
        tell_row(&rows[i], told, owner);
    for (size_t i = 0; i < COUNT_OF(common); i++)
        tell_row(&common[i], told, owner);
}

static void print_row(void *owner, const char *typed, const char *help)
{
    FILE *file = owner;
    if (strlen(typed) > TYPED_COLUMNS)
        fprintf(file, "  %s\n%*s", typed, HELP_COLUMN, "");
    else
        fprintf(file, "  %-*s ", TYPED_COLUMNS, typed);
    flags_print_wrapped(help, HELP_COLUMN, HELP_COLUMN, file);
}

void flags_print_help(const struct flag *rows, size_t count, FILE *file)
{
    flags_tell(rows, count, print_row, file);
}
