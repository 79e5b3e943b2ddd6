// SPDX-License-Identifier: Apache-2.0
/* The scopes that a user may grant, and what does not work without each. A list of scopes is text,
 * by commas. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"

struct scope_row {
    const char *name;
    const char *without;  // what will not work: the end of a sentence that begins with the name
};

const struct scope_row *scope_row(size_t i);  // the six of them; NULL past the end
// A list as it was told, by commas without empty names. TikTok separates them by commas, most others
// by spaces. False: it does not fit.
bool scope_read(struct str told, struct buf *scopes);
bool scope_has(struct str scopes, const char *name);
bool scope_known(struct str name);
void scope_all(struct buf *scopes);  // all six, by commas
