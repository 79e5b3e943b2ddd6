// SPDX-License-Identifier: Apache-2.0
/* Ids as they come, in an order of their own and without repeats once they are sorted. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/memory.h"
#include "base/text.h"

struct ids {
    struct str  *texts;  // owned; what they point to is the arena's
    size_t       count;
    size_t       capacity;
    struct arena arena;
};

void ids_add(struct ids *ids, struct str id);         // copied; ids is zeroed before the first
void ids_sort(struct ids *ids);                       // byte by byte; each stays once
bool ids_have(const struct ids *ids, struct str id);  // they are sorted
void ids_fini(struct ids *ids);
