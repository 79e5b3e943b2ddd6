// SPDX-License-Identifier: Apache-2.0
// tokfleet man: the man page in roff, made of the same rows as --help.
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/memory.h"
#include "loop/clock.h"
#include "producer/help/help.h"

enum { LINE_COLUMNS = 72 };

static void print_char(struct out *out, char c)
{
    if (c == '\\')
        out_printf(out, "\\e");
    else if (c == '-')
        out_printf(out, "\\-");
    else if (c == '\'')
        out_printf(out, "\\(aq");
    else if (c == '`')
        out_printf(out, "\\(ga");
    else
        out_printf(out, "%c", c);
}

// A backslash is one, a dash is a dash, and a dot or quote in front would begin a request.
static void print_roff(struct out *out, struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (i == 0 && (text.p[0] == '.' || text.p[0] == '\''))
            out_printf(out, "\\&");
        print_char(out, text.p[i]);
    }
    out_printf(out, "\n");
}

// text that is filled anyway, in lines that are not too long
static void print_words(struct out *out, struct str text)
{
    while (text.len > LINE_COLUMNS) {
        size_t len = LINE_COLUMNS;
        while (len > 0 && text.p[len] != ' ')
            len--;
        if (!len)
            break;
        print_roff(out, (struct str){ text.p, len });
        text = (struct str){ text.p + len + 1, text.len - len - 1 };
    }
    print_roff(out, text);
}

static bool is_example(struct str line)
{
    return str_starts(line, "  ");
}

// words are filled, lines that are indented stand as they are
static void print_text(struct out *out, const char *text)
{
    struct str rest = str_of(text);
    struct str line;
    bool       example = false, empty = false;
    while (str_cut(&rest, '\n', &line)) {
        if (!line.len) {
            empty = true;
            continue;
        }
        if (example && !is_example(line)) {
            out_printf(out, ".EE\n");
            example = false;
        }
        if (empty)
            out_printf(out, example ? "\n" : ".PP\n");
        if (!example && is_example(line)) {
            out_printf(out, ".EX\n");
            example = true;
        }
        empty = false;
        if (example)
            print_roff(out, line);
        else
            print_words(out, line);
    }
    if (example)
        out_printf(out, ".EE\n");
}

static void print_flag(void *owner, const char *typed, const char *help)
{
    struct out *out = owner;
    out_printf(out, ".TP\n.B ");
    print_roff(out, str_of(typed));
    print_words(out, str_of(help));
}

static void print_verb(struct out *out, const struct verb *verb)
{
    out_printf(out, ".SS %s\n.B ", verb->name);
    struct buf usage;
    buf_init(&usage, 1024);
    buf_printf(&usage, "tokfleet %s %s%s[flags]", verb->name, verb->operands,
               *verb->operands ? " " : "");
    print_roff(out, buf_str(&usage));
    buf_fini(&usage);
    out_printf(out, ".PP\n");
    print_text(out, verb->text);
    flags_tell(verb->flags, verb->flag_count, print_flag, out);
    if (verb->json) {
        out_printf(out, ".PP\nWith\n.BR \\-\\-json :\n");
        print_words(out, str_of(verb->json));
    }
}

static void print_endings(struct out *out)
{
    static const struct {
        int         number;
        const char *words;
    } rows[] = { ENDINGS(ENDING_ROW) };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        out_printf(out, ".TP\n.B %d\n", rows[i].number);
        print_words(out, str_of(rows[i].words));
    }
}

// of the build, as reproducible builds have it, else today
static void print_head(struct out *out)
{
    char        date[16];
    int64_t     seconds = clock_wall_ms() / 1000;
    const char *epoch   = getenv("SOURCE_DATE_EPOCH");
    if (epoch && !str_to_i64(str_of(epoch), &seconds))
        seconds = 0;
    struct tm utc;
    gmtime_r(&(time_t){ (time_t)seconds }, &utc);
    strftime(date, sizeof date, "%Y-%m-%d", &utc);
    out_printf(out, ".TH TOKFLEET 1 \"%s\" \"tokfleet %s\" \"tokfleet\"\n", date, TOKFLEET_VERSION);
}

static int run_man(struct tool *tool, const void *options, char *const *operands, int operand_count)
{
    (void)options, (void)operands, (void)operand_count;
    struct out *out = &tool->out;
    print_head(out);
    out_printf(out, ".SH NAME\ntokfleet \\- publish to TikTok at fleet scale: the tool\n"
                    ".SH SYNOPSIS\n.B tokfleet\n.I verb\n.RI [ flags ]\n"
                    ".SH DESCRIPTION\n"
                    "Puts jobs on Kafka, connects accounts, and shows what became of everything.\n"
                    ".SH VERBS\n");
    for (size_t i = 0; i < verb_count; i++)
        print_verb(out, verbs[i]);
    out_printf(out, ".SH ENVIRONMENT\n");
    print_words(out, str_of(help_environment));
    out_printf(out, ".SH EXIT STATUS\n");
    print_endings(out);
    return END_WELL;
}

const struct verb verb_man = {
    .name     = "man",
    .operands = "",
    .summary  = "print the man page",
    .text     = "Prints the man page in roff, made of the same rows as --help.\n\n"
                "  tokfleet man | man -l -\n"
                "  tokfleet man > /usr/local/share/man/man1/tokfleet.1",
    .bare     = true,
    .run      = run_man,
};
