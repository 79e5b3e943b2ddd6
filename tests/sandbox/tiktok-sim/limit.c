// SPDX-License-Identifier: Apache-2.0
#include "limit.h"

#include <stdlib.h>

#include "base.h"

size_t slide_count(struct slide *slide, int64_t now_ms, int64_t window_ms)
{
    while (slide->used && slide->at_ms[slide->head] <= now_ms - window_ms) {
        slide->head = (slide->head + 1) & (slide->size - 1);
        slide->used--;
    }
    return slide->used;
}

bool slide_has_room(struct slide *slide, int64_t now_ms, int64_t window_ms, int64_t limit)
{
    return limit == 0 || slide_count(slide, now_ms, window_ms) < (size_t)limit;
}

void slide_add(struct slide *slide, int64_t now_ms)
{
    if (slide->used == slide->size) {
        size_t   size  = slide->size ? slide->size * 2 : 8;
        int64_t *at_ms = xcalloc(size, sizeof *at_ms);
        for (size_t i = 0; i < slide->used; i++)
            at_ms[i] = slide->at_ms[(slide->head + i) & (slide->size - 1)];
        free(slide->at_ms);
        *slide = (struct slide){ .at_ms = at_ms, .size = size, .used = slide->used };
    }
    slide->at_ms[(slide->head + slide->used++) & (slide->size - 1)] = now_ms;
}

void slide_fini(struct slide *slide)
{
    free(slide->at_ms);
    *slide = (struct slide){ 0 };
}
