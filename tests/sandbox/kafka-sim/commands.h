/* SPDX-License-Identifier: Apache-2.0
 *
 * The control socket's language: one line in, some lines out, the last of them `ok` or
 * `error: <why>`. */
#ifndef COMMANDS_H
#define COMMANDS_H

#include "cluster.h"
#include "watch.h"

#include <stdio.h>

struct commands {
    struct cluster *cluster;  // borrowed
    struct watch   *watch;    // borrowed
    bool            quit;     // somebody asked for the end
};

/* Runs one line, which it cuts in place, and writes the whole answer. */
void commands_run(struct commands *commands, char *line, FILE *out);

#endif
