// SPDX-License-Identifier: Apache-2.0
#include "runner.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEFAULT_MIB = 1536, LONG_MIB = 4096, ABLATION_STATES = 4000000 };

struct options {
    enum group_when when;
    const char     *group;    // only those whose name contains it
    const char     *without;  // a rule, "all", or NULL
    size_t          mib;
    bool            verbose;
    bool            list;
};

static int usage(const char *program)
{
    fprintf(stderr,
            "usage: %s [--quick | --long] [--group TEXT] [--without RULE | --without all] "
            "[--memory MIB] [--list] [-v]\n",
            program);
    return 2;
}

static bool options_read(struct options *options, int argc, char **argv)
{
    static const struct option names[] = {
        { "quick", no_argument, NULL, 'q' },
        { "long", no_argument, NULL, 'l' },
        { "group", required_argument, NULL, 'g' },
        { "without", required_argument, NULL, 'w' },
        { "memory", required_argument, NULL, 'm' },
        { "list", no_argument, NULL, 'i' },
        { NULL, 0, NULL, 0 },
    };
    *options = (struct options){ .when = QUICK, .mib = DEFAULT_MIB };
    for (int c; (c = getopt_long(argc, argv, "v", names, NULL)) != -1;) {
        int64_t mib;
        switch (c) {
        case 'q':
            options->when = QUICK;
            break;
        case 'l':
            options->when = LONG;
            options->mib  = options->mib == DEFAULT_MIB ? LONG_MIB : options->mib;
            break;
        case 'g':
            options->group = optarg;
            break;
        case 'w':
            options->without = optarg;
            break;
        case 'm':
            if (!str_to_i64(str_of(optarg), &mib) || mib < 1)
                return false;
            options->mib = (size_t)mib;
            break;
        case 'i':
            options->list = true;
            break;
        case 'v':
            options->verbose = true;
            break;
        default:
            return false;
        }
    }
    return optind == argc;
}

static int list(const struct suite *suite)
{
    for (size_t i = 0; i < suite->group_count; i++)
        printf("group    %s%s%s\n", suite->groups[i].name,
               suite->groups[i].when & QUICK ? " (quick)" : "",
               suite->groups[i].when & LONG ? " (long)" : "");
    for (size_t i = 0; i < suite->ablation_count; i++)
        printf("rule     %-12s %s\n", *suite->ablations[i].rule, *suite->ablations[i].text);
    return 0;
}

static bool group_run(const struct suite *suite, const struct group *group,
                      const struct options *options, uint64_t *states)
{
    struct limits        limits = { .bytes = options->mib << 20, .states = UINT32_MAX - 1 };
    struct search       *search = search_new(suite->machine, group->setting, limits);
    struct search_result result = search_run(search, group->progress);
    bool                 ok     = result.end == SEARCH_SAFE;
    printf("%-62s %10u states %6.1f s  ", group->name, result.states, result.seconds);
    *states += result.states;
    if (result.end == SEARCH_BROKEN)
        printf("BROKEN in %u steps: %s\n", result.steps, result.what);
    else if (result.end == SEARCH_STUCK)
        printf("STUCK: %u states without a way to an end, one after %u steps\n", result.stuck,
               result.steps);
    else if (result.end == SEARCH_FULL)
        printf("FULL: the limit of memory is not enough\n");
    else
        printf("safe%s\n", group->progress ? ", and always a way to an end" : "");
    if (ok && (result.states < group->floor || (group->exact && result.states != group->floor))) {
        printf("%-62s has to have %s%u states\n", group->name, group->exact ? "" : "at least ",
               group->floor);
        ok = false;
    }
    if (!ok)
        search_print(search);
    fflush(stdout);
    search_free(search);
    return ok;
}

static int groups_run(const struct suite *suite, const struct options *options)
{
    bool     ok     = true;
    uint64_t states = 0;
    size_t   count  = 0;
    for (size_t i = 0; i < suite->group_count; i++) {
        const struct group *group = &suite->groups[i];
        if (options->group ? !strstr(group->name, options->group) : !(group->when & options->when))
            continue;
        count++;
        if (!group_run(suite, group, options, &states))
            ok = false;
    }
    printf("%zu groups, %" PRIu64 " states\n", count, states);
    return ok && count ? 0 : 1;
}

static bool ablation_run(const struct suite *suite, const struct ablation *ablation,
                         const struct options *options)
{
    struct limits        limits = { .bytes = options->mib << 20, .states = ABLATION_STATES };
    struct search       *search = search_new(suite->machine, ablation->setting, limits);
    struct search_result result = search_run(search, ablation->progress);
    bool                 found  = result.end == SEARCH_BROKEN || result.end == SEARCH_STUCK;
    printf("without %-14s %-58s ", *ablation->rule, *ablation->text);
    if (found)
        printf("%s in %u steps (%u states, %.1f s)\n", result.what ? result.what : "leads nowhere",
               result.steps, result.states, result.seconds);
    else
        printf("NO COUNTEREXAMPLE in %u states, %.1f s\n", result.states, result.seconds);
    if (found && options->verbose)
        search_print(search);
    fflush(stdout);
    search_free(search);
    return found;
}

static int ablations_run(const struct suite *suite, const struct options *options)
{
    bool   ok    = true;
    size_t count = 0;
    for (size_t i = 0; i < suite->ablation_count; i++) {
        const struct ablation *ablation = &suite->ablations[i];
        if (strcmp(options->without, "all") != 0 && strcmp(options->without, *ablation->rule) != 0)
            continue;
        count++;
        if (!ablation_run(suite, ablation, options))
            ok = false;
    }
    if (!count)
        fprintf(stderr, "no rule %s: --list shows them\n", options->without);
    return ok && count ? 0 : 1;
}

int suite_main(const struct suite *suite, int argc, char **argv)
{
    struct options options;
    if (!options_read(&options, argc, argv))
        return usage(argv[0]);
    if (options.list)
        return list(suite);
    return options.without ? ablations_run(suite, &options) : groups_run(suite, &options);
}
