// SPDX-License-Identifier: Apache-2.0
/* What the programs of this folder have in common: their command line, their groups and their ablations.
 *
 *     model_x [--quick | --long] [--group TEXT]   searches its groups; 1 when one is broken, stuck or too small
 *     model_x --without RULE | all                takes the rule away: 1 when no counterexample is found
 *     -v prints counterexamples, --list the groups and rules, --memory MIB the limit (1,536) */
#pragma once

#include "engine.h"

enum group_when { QUICK = 1, LONG = 2, ALWAYS = 3 };

struct group {
    const char     *name;
    const void     *setting;   // borrowed
    uint32_t        floor;     // fewer states: the model has lost something
    bool            exact;     // the same model as the reference: not one more, either
    bool            progress;  // searched, too
    enum group_when when;
};

struct ablation {
    const char *const
        *rule;  // one word, for --without; a pointer, so that tables may share a list of rules
    const char *const *text;      // what it says
    const void        *setting;   // without it
    bool               progress;  // the counterexample may be a state that leads nowhere
};

struct suite {
    const struct machine  *machine;
    const struct group    *groups;
    size_t                 group_count;
    const struct ablation *ablations;
    size_t                 ablation_count;
};

int suite_main(const struct suite *suite, int argc, char **argv);
