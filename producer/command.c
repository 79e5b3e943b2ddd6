// SPDX-License-Identifier: Apache-2.0
#include "producer/command.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "producer/help/help.h"
#include "producer/tool/words.h"

enum { FIRST_WORD_BYTES = 32 };

// clang-format off
const struct verb *const verbs[] = {
    &verb_post,
    &verb_import,
    &verb_validate,
    &verb_status,
    &verb_job,
    &verb_jobs,
    &verb_stats,
    &verb_events,
    &verb_dlq_list,
    &verb_dlq_show,
    &verb_dlq_replay,
    &verb_cancel,
    &verb_reschedule,
    &verb_retry,
    &verb_resolve,
    &verb_unsure_list,
    &verb_unsure_show,
    &verb_account_connect,
    &verb_account_add,
    &verb_account_list,
    &verb_account_show,
    &verb_account_stats,
    &verb_account_remove,
    &verb_account_forget,
    &verb_account_reseal,
    &verb_account_pause,
    &verb_account_resume,
    &verb_pause,
    &verb_resume,
    &verb_topics_ensure,
    &verb_gate,
    &verb_rebuild,
    &verb_completion_bash,
    &verb_man,
    &verb_schema,
};
// clang-format on
const size_t verb_count = COUNT_OF(verbs);

static const char see_settings[] = "see: tokfleet-worker --help, which lists all settings\n";

// what was printed without a tool is only known to have arrived when it is flushed
static int printed(FILE *file, int code)
{
    if (fflush(file) == 0)
        return code;
    if (errno == EPIPE)
        return END_CLOSED;
    fprintf(stderr, "tokfleet: standard output cannot be written\n");
    return END_BAD;
}

// how many words of argv name the verb; 0: they do not
static int words_of(const struct verb *verb, int argc, char **argv)
{
    struct str rest = str_of(verb->name);
    struct str word;
    int        n = 0;
    while (str_cut(&rest, ' ', &word)) {
        if (n >= argc || !str_is(word, argv[n]))
            return 0;
        n++;
    }
    return n;
}

static const struct verb *find_verb(int argc, char **argv, int *taken)
{
    for (size_t i = 0; i < COUNT_OF(verbs); i++) {
        *taken = words_of(verbs[i], argc, argv);
        if (*taken)
            return verbs[i];
    }
    return NULL;
}

// a verb of one word, or the noun of others; NULL when nothing is near
static const char *nearest_first_word(const char *typed, char found[FIRST_WORD_BYTES])
{
    char        words[COUNT_OF(verbs)][FIRST_WORD_BYTES];
    const char *candidates[COUNT_OF(verbs)];
    for (size_t i = 0; i < COUNT_OF(verbs); i++) {
        struct str rest = str_of(verbs[i]->name), first = { 0 };
        if (str_cut(&rest, ' ', &first))
            snprintf(words[i], FIRST_WORD_BYTES, "%.*s", STR_ARG(first));
        candidates[i] = words[i];
    }
    const char *near = words_nearest(str_of(typed), candidates, COUNT_OF(candidates));
    if (near)
        snprintf(found, FIRST_WORD_BYTES, "%s", near);
    return near ? found : NULL;
}

// The verbs of a noun ("account"), when that is what was typed, and the nearest verb.
static int unknown_verb(int argc, char **argv)
{
    char        typed[64];
    const char *names[COUNT_OF(verbs)];
    bool        two = argc > 1 && argv[1] && argv[1][0] != '-';
    char        noun[64], first[FIRST_WORD_BYTES];
    snprintf(noun, sizeof noun, "%s ", argv[0]);
    snprintf(typed, sizeof typed, "%s%s%s", argv[0], two ? " " : "", two ? argv[1] : "");
    fprintf(stderr, "tokfleet: there is no verb \"%s\"", typed);
    int listed = 0;
    for (size_t i = 0; i < verb_count; i++) {
        assert(verbs[i]);
        names[i] = verbs[i]->name;
        if (str_starts(str_of(verbs[i]->name), noun))
            fprintf(stderr, "%s%s", listed++ ? ", " : ": there is ", verbs[i]->name);
    }
    const char *near = words_nearest(str_of(typed), names, COUNT_OF(names));
    if (!near && !listed)
        near = nearest_first_word(argv[0], first);
    if (near && (two || !listed))
        fprintf(stderr, "%s did you mean \"%s\"?", listed ? ";" : ":", near);
    fprintf(stderr, "\nsee: tokfleet --help\n");
    return END_USAGE;
}

static int print_settings(char *const *environment)
{
    struct config config;
    struct error  err;
    if (!config_read(environment, &config, &err)) {
        fprintf(stderr, "tokfleet: %s\n%s", err.message, see_settings);
        return END_USAGE;
    }
    setting_print_values(config_rows, config_row_count, environment, &config, stdout);
    config_free(&config);
    return printed(stdout, END_WELL);
}

// the exit status; what could not be written is told, but for a reader that went away
static int close_tool(struct tool *tool, int code)
{
    if (!out_flush(&tool->out) && !tool->out.closed) {
        fprintf(stderr, "tokfleet: standard output cannot be written\n");
        code = END_BAD;
    }
    if (tool->out.closed)
        code = END_CLOSED;
    tool_close(tool);
    return code;
}

static int run_verb(const struct verb *verb, int argc, char **argv, void *options,
                    char *const *environment)
{
    struct flags_common common;
    struct error        err;
    int                 first = 0, count = 0;
    if (!flags_read(verb->flags, verb->flag_count, argc, argv, options, &common, &first, &count,
                    &err)) {
        fprintf(stderr, "tokfleet %s: %s\nsee: tokfleet %s --help\n", verb->name, err.message,
                verb->name);
        return END_USAGE;
    }
    if (common.help) {
        help_print_verb(verb, stdout);
        return printed(stdout, END_WELL);
    }
    if (count < verb->operands_min || count > verb->operands_max) {
        const char *what =
            count < verb->operands_min ? verb->operands : argv[first + verb->operands_max];
        fprintf(stderr, "tokfleet %s: %s %s\nsee: tokfleet %s --help\n", verb->name, what,
                count < verb->operands_min ? "is missing" : "is one too many", verb->name);
        return END_USAGE;
    }
    struct tool tool;
    int         code;
    if (verb->bare)
        tool_open_bare(&tool, common.verbose);
    if (verb->bare || tool_open(&tool, environment, common.verbose, &err)) {
        code = verb->run(&tool, options, argv + first, count);
        if (code == END_USAGE)
            out_printf(&tool.err, "see: tokfleet %s --help\n", verb->name);
    } else {
        code = tool_fail(&tool, &err);
        out_printf(&tool.err, "%s", see_settings);
    }
    return close_tool(&tool, code);
}

static bool is_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

int command_main(int argc, char **argv, char *const *environment)
{
    const char *word  = argc > 1 ? argv[1] : "--help";
    int         taken = 0;
    // a reader that goes away is told by write(), not by a signal
    signal(SIGPIPE, SIG_IGN);
    if (is_help(word) || (strcmp(word, "help") == 0 && argc == 2)) {
        help_print(argc > 1 ? stdout : stderr);
        return printed(stdout, argc > 1 ? END_WELL : END_USAGE);
    }
    if (strcmp(word, "--version") == 0) {
        printf("tokfleet %s\n", TOKFLEET_VERSION);
        return printed(stdout, END_WELL);
    }
    if (strcmp(word, "--settings") == 0)
        return print_settings(environment);
    bool               wants_help = strcmp(word, "help") == 0;
    int                skip       = wants_help ? 2 : 1;
    const struct verb *verb       = find_verb(argc - skip, argv + skip, &taken);
    if (!verb && (wants_help || (argc == 3 && is_help(argv[2]))) &&
        help_print_noun(argv[skip], stdout))
        return printed(stdout, END_WELL);
    if (!verb)
        return unknown_verb(argc - skip, argv + skip);
    if (wants_help) {
        help_print_verb(verb, stdout);
        return printed(stdout, END_WELL);
    }
    void *options = xcalloc(1, verb->options_bytes ? verb->options_bytes : 1);
    // the last word of the verb stands where getopt expects the program's name
    int code = run_verb(verb, argc - taken, argv + taken, options, environment);
    free(options);
    return code;
}
