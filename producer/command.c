// SPDX-License-Identifier: Apache-2.0
#include "producer/command.h"

#include <assert.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "producer/verb.h"
#include "producer/words.h"

static const struct verb *const verbs[] = {
    &verb_post,          &verb_import,      &verb_job,          &verb_status,
    &verb_gate,          &verb_rebuild,
    &verb_topics_ensure, &verb_account_add, &verb_account_list, &verb_account_show,
    &verb_account_pause, &verb_account_resume,
    &verb_cancel,        &verb_reschedule,  &verb_retry,        &verb_resolve,
    &verb_pause,         &verb_resume,
    &verb_unsure_list,   &verb_unsure_show,
};

static void print_help(FILE *file)
{
    fputs("usage: tokfleet VERB [flags]\n\n"
          "Puts jobs on Kafka, connects accounts, and shows what became of everything.\n\nverbs:\n",
          file);
    for (size_t i = 0; i < COUNT_OF(verbs); i++)
        fprintf(file, "  %-16s %s\n", verbs[i]->name, verbs[i]->summary);
    fputs(
        "\n`tokfleet help VERB` or `tokfleet VERB --help` teaches one of them, with examples.\n"
        "  --settings       print every setting, its value and where it comes from (secrets "
        "hidden)\n"
        "  --version        print the version\n"
        "\nWhich Kafka, Redis and fleet: TOKFLEET_KAFKA_BROKERS, TOKFLEET_REDIS_URL, "
        "TOKFLEET_FLEET, as for the\n"
        "worker and the poller. Colour is left out when the output is no terminal or NO_COLOR is "
        "set.\n"
        "\nexit status:\n"
        "  0   it ended well\n"
        "  1   it did not: the job failed, lines are bad, topics drifted, there is no such thing\n"
        "  2   wrong flags or settings\n"
        "  3   Kafka or Redis cannot be reached, or the gate is closed\n"
        "  4   still going on when the time was over\n"
        "  5   unsure: nobody knows whether the post was published\n"
        "  130 interrupted\n",
        file);
}

static void print_verb_help(const struct verb *verb, FILE *file)
{
    fprintf(file, "usage: tokfleet %s %s%s[flags]\n\n%s\n\nflags:\n", verb->name, verb->operands,
            *verb->operands ? " " : "", verb->text);
    flags_print_help(verb->flags, verb->flag_count, file);
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

// The verbs of a noun ("account"), when that is what was typed; else the nearest verb.
static int unknown_verb(int argc, char **argv)
{
    char        typed[64];
    const char *names[COUNT_OF(verbs)];
    bool        two = argc > 1 && argv[1] && argv[1][0] != '-';
    char        noun[64];
    snprintf(noun, sizeof noun, "%s ", argv[0]);
    snprintf(typed, sizeof typed, "%s%s%s", argv[0], two ? " " : "", two ? argv[1] : "");
    fprintf(stderr, "tokfleet: there is no verb \"%s\"", typed);
    int listed = 0;
    for (size_t i = 0; i < COUNT_OF(verbs); i++) {
        assert(verbs[i]);
        names[i] = verbs[i]->name;
        if (str_starts(str_of(verbs[i]->name), noun))
            fprintf(stderr, "%s%s", listed++ ? ", " : ": there is ", verbs[i]->name);
    }
    const char *near = words_nearest(str_of(typed), names, COUNT_OF(names));
    if (!near)
        near = words_nearest(str_of(argv[0]), names, COUNT_OF(names));
    if (!listed && near)
        fprintf(stderr, ": did you mean \"%s\"?", near);
    fprintf(stderr, "\nsee: tokfleet --help\n");
    return END_USAGE;
}

static int print_settings(char *const *environment)
{
    struct config config;
    struct error  err;
    if (!config_read(environment, &config, &err)) {
        fprintf(stderr, "tokfleet: %s\n", err.message);
        return END_USAGE;
    }
    setting_print_values(config_rows, config_row_count, environment, &config, stdout);
    config_free(&config);
    return END_WELL;
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
        print_verb_help(verb, stdout);
        return END_WELL;
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
    if (tool_open(&tool, environment, common.verbose, &err))
        code = verb->run(&tool, options, argv + first, count);
    else
        code = tool_fail(&tool, &err);
    if (!out_flush(&tool.out) && !tool.out.closed) {
        fprintf(stderr, "tokfleet: standard output cannot be written\n");
        code = END_BAD;
    }
    tool_close(&tool);
    return code;
}

int command_main(int argc, char **argv, char *const *environment)
{
    const char *word  = argc > 1 ? argv[1] : "--help";
    int         taken = 0;
    // a reader that goes away is told by write(), not by a signal
    signal(SIGPIPE, SIG_IGN);
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 ||
        (strcmp(word, "help") == 0 && argc == 2)) {
        print_help(argc > 1 ? stdout : stderr);
        return argc > 1 ? END_WELL : END_USAGE;
    }
    if (strcmp(word, "--version") == 0) {
        printf("tokfleet %s\n", TOKFLEET_VERSION);
        return END_WELL;
    }
    if (strcmp(word, "--settings") == 0)
        return print_settings(environment);
    bool               wants_help = strcmp(word, "help") == 0;
    int                skip       = wants_help ? 2 : 1;
    const struct verb *verb       = find_verb(argc - skip, argv + skip, &taken);
    if (!verb)
        return unknown_verb(argc - skip, argv + skip);
    if (wants_help) {
        print_verb_help(verb, stdout);
        return END_WELL;
    }
    void *options = xcalloc(1, verb->options_bytes ? verb->options_bytes : 1);
    // the last word of the verb stands where getopt expects the program's name
    int code = run_verb(verb, argc - taken, argv + taken, options, environment);
    free(options);
    return code;
}
