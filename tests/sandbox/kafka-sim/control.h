/* SPDX-License-Identifier: Apache-2.0
 *
 * A Unix socket that takes lines and gives answers. At most 16 connections and 4 KiB a line; a
 * peer that breaks a bound, or reads no answer for 2 s, is dropped. */
#ifndef CONTROL_H
#define CONTROL_H

#include "sim_error.h"

#include <stdio.h>

struct control;

/* Takes the place of a socket file that nobody listens on. */
MUST_CHECK bool control_new(struct control **out, const char *path, struct sim_error *err,
                            void (*on_line)(void *arg, char *line, FILE *answer), void *arg);

/* Readable when control_serve has something to do. */
int  control_fd(const struct control *control);
void control_serve(struct control *control);

/* Closes everything and removes the socket file. */
void control_free(struct control *control);

#endif
