// SPDX-License-Identifier: Apache-2.0
#include "producer/tool/ids.h"

#include <stdlib.h>
#include <string.h>

void ids_add(struct ids *ids, struct str id)
{
    if (ids->count == ids->capacity) {
        ids->capacity = ids->capacity ? 2 * ids->capacity : 64;
        ids->texts    = xrealloc(ids->texts, ids->capacity * sizeof *ids->texts);
    }
    ids->texts[ids->count++] = arena_copy(&ids->arena, id);
}

static int compare(const void *left, const void *right)
{
    const struct str *a = left, *b = right;
    return str_compare(*a, *b);
}

void ids_sort(struct ids *ids)
{
    size_t kept = 0;
    if (ids->count)
        qsort(ids->texts, ids->count, sizeof *ids->texts, compare);
    for (size_t i = 0; i < ids->count; i++)
        if (kept == 0 || !str_eq(ids->texts[kept - 1], ids->texts[i]))
            ids->texts[kept++] = ids->texts[i];
    ids->count = kept;
}

bool ids_have(const struct ids *ids, struct str id)
{
    return ids->count && bsearch(&id, ids->texts, ids->count, sizeof *ids->texts, compare) != NULL;
}

void ids_fini(struct ids *ids)
{
    free(ids->texts);
    arena_fini(&ids->arena);
    *ids = (struct ids){ 0 };
}
