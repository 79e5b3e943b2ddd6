// SPDX-License-Identifier: Apache-2.0
/* Following publish ids: claim due ones, ask TikTok for their status, write what it says, again
 * until the end. */
#pragma once

#include "job/program.h"

struct follow;

struct follow *follow_new(struct program *program);
void           follow_drain(struct follow *follow);
bool           follow_idle(const struct follow *follow);
void           follow_free(struct follow *follow);
