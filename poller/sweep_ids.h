// SPDX-License-Identifier: Apache-2.0
/* Ids of jobs, each once, at most so many. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/memory.h"

struct sweep_ids {
    struct arena arena;     // owns the ids
    void        *tree;      // tsearch
    size_t       count;
    size_t       max;
    bool         overflow;  // one more came than there is room for
};

void sweep_ids_init(struct sweep_ids *ids, size_t max);
void sweep_ids_add(struct sweep_ids *ids, struct str id);  // copied
bool sweep_ids_has(const struct sweep_ids *ids, struct str id);
void sweep_ids_fini(struct sweep_ids *ids);
