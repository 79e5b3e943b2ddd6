// SPDX-License-Identifier: Apache-2.0
#include "producer/help/help.h"

#include <string.h>

#include "base/memory.h"

enum { NAME_COLUMNS = 18, SUMMARY_COLUMN = 2 + NAME_COLUMNS + 1, WORDS_COLUMN = 6 };

const char help_environment[] =
    "Which Kafka, Redis and fleet: TOKFLEET_KAFKA_BROKERS, TOKFLEET_REDIS_URL and TOKFLEET_FLEET, "
    "as for the worker and the poller; --settings shows what is taken. Colour is left out when the "
    "output is no terminal, when TERM is dumb, or when NO_COLOR is set.";

static void print_endings(FILE *file)
{
    static const struct {
        int         number;
        const char *words;
    } rows[] = { ENDINGS(ENDING_ROW) };
    fputs("\nexit status:\n", file);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        fprintf(file, "  %-3d ", rows[i].number);
        flags_print_wrapped(rows[i].words, WORDS_COLUMN, WORDS_COLUMN, file);
    }
}

static void print_row(const struct verb *verb, FILE *file)
{
    fprintf(file, "  %-*s ", NAME_COLUMNS, verb->name);
    flags_print_wrapped(verb->summary, SUMMARY_COLUMN, SUMMARY_COLUMN, file);
}

bool help_print_noun(const char *noun, FILE *file)
{
    bool   any = false;
    size_t len = strlen(noun);
    for (size_t i = 0; i < verb_count; i++) {
        if (strncmp(verbs[i]->name, noun, len) != 0 || verbs[i]->name[len] != ' ')
            continue;
        if (!any)
            fprintf(file, "usage: tokfleet %s VERB [flags]\n\n", noun);
        any = true;
        print_row(verbs[i], file);
    }
    if (any)
        fprintf(file, "\n`tokfleet %s VERB --help` teaches one of them, with examples.\n", noun);
    return any;
}

void help_print(FILE *file)
{
    fputs("usage: tokfleet VERB [flags]\n\n"
          "Puts jobs on Kafka, connects accounts, and shows what became of everything.\n",
          file);
    for (size_t i = 0; i < verb_count; i++) {
        if (verbs[i]->heading)
            fprintf(file, "\n%s:\n", verbs[i]->heading);
        print_row(verbs[i], file);
    }
    fputs("\nto begin with:\n"
          "  tokfleet topics ensure               make the fleet's topics\n"
          "  tokfleet-poller & tokfleet-worker &  the programs that do the work\n"
          "  tokfleet account add answers.ndjson  connect accounts\n"
          "  tokfleet import plan.csv             put jobs on Kafka, or one: tokfleet post\n"
          "  tokfleet status --watch              see what becomes of them\n",
          file);
    fputs("\n`tokfleet help VERB` or `tokfleet VERB --help` teaches one of them, with\n"
          "examples; `tokfleet man | man -l -` is all of it.\n"
          "  --settings       print every setting, its value and where it comes from\n"
          "                   (secrets hidden)\n"
          "  --version        print the version\n\n",
          file);
    flags_print_wrapped(help_environment, 0, 0, file);
    print_endings(file);
}

void help_print_verb(const struct verb *verb, FILE *file)
{
    fprintf(file, "usage: tokfleet %s %s%s[flags]\n\n%s\n\nflags:\n", verb->name, verb->operands,
            *verb->operands ? " " : "", verb->text);
    flags_print_help(verb->flags, verb->flag_count, file);
    if (verb->json) {
        fputs("\nwith --json:\n  ", file);
        flags_print_wrapped(verb->json, 2, 2, file);
    }
    print_endings(file);
}
