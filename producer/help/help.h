// SPDX-License-Identifier: Apache-2.0
/* Help for people, made of the rows of verbs, flags and endings: of the tool and of one verb. */
#pragma once

#include <stdio.h>

#include "producer/tool/verb.h"

void help_print(FILE *file);
bool help_print_noun(const char *noun, FILE *file);  // "account"; false: no verb begins with it
void help_print_verb(const struct verb *verb, FILE *file);

// what every page says of the environment
extern const char help_environment[];
