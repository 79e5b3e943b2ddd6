// SPDX-License-Identifier: Apache-2.0
#include "poller/sweep_ids.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

static int compare(const void *left, const void *right)
{
    const struct str *a = left, *b = right;
    size_t            shorter = a->len < b->len ? a->len : b->len;
    int               order   = shorter ? memcmp(a->p, b->p, shorter) : 0;
    return order ? order : (a->len > b->len) - (a->len < b->len);
}

void sweep_ids_init(struct sweep_ids *ids, size_t max)
{
    *ids = (struct sweep_ids){ .max = max };
}

bool sweep_ids_has(const struct sweep_ids *ids, struct str id)
{
    return tfind(&id, &ids->tree, compare) != NULL;
}

void sweep_ids_add(struct sweep_ids *ids, struct str id)
{
    if (sweep_ids_has(ids, id))
        return;
    if (ids->count == ids->max) {
        ids->overflow = true;
        return;
    }
    struct str *own = arena_alloc(&ids->arena, sizeof *own);
    *own            = arena_copy(&ids->arena, id);
    if (!tsearch(own, &ids->tree, compare))
        abort();  // no memory
    ids->count++;
}

static void forget(void *node)
{
    (void)node;  // the arena has it
}

void sweep_ids_fini(struct sweep_ids *ids)
{
    tdestroy(ids->tree, forget);
    arena_fini(&ids->arena);
    *ids = (struct sweep_ids){ 0 };
}
