// SPDX-License-Identifier: Apache-2.0
#include "base/memory.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// the first block is for what is small, as most is
enum { ARENA_BLOCK_LEAST_BYTES = 480, ARENA_BLOCK_MOST_BYTES = 4000 };

// as glibc begins; to have set it is what keeps it from growing
enum { KEPT_AT_THE_END_BYTES = 128 * 1024 };

struct arena_block {
    struct arena_block *next;      // older block
    size_t              used;      // bytes taken of data
    size_t              capacity;  // bytes of data
    max_align_t         data[];    // what was handed out
};

static NORETURN void out_of_memory(size_t bytes)
{
    fprintf(stderr, "out of memory: %zu bytes\n", bytes);
    abort();
}

void memory_give_back(void)
{
    (void)mallopt(M_TRIM_THRESHOLD, KEPT_AT_THE_END_BYTES);
}

void *xmalloc(size_t bytes)
{
    void *p = malloc(bytes ? bytes : 1);
    if (!p)
        out_of_memory(bytes);
    return p;
}

void *xcalloc(size_t count, size_t bytes)
{
    void *p = calloc(count ? count : 1, bytes ? bytes : 1);
    if (!p)
        out_of_memory(count * bytes);
    return p;
}

void *xrealloc(void *p, size_t bytes)
{
    void *q = realloc(p, bytes ? bytes : 1);
    if (!q)
        out_of_memory(bytes);
    return q;
}

char *xstrdup(const char *text)
{
    size_t bytes = strlen(text) + 1;
    return memcpy(xmalloc(bytes), text, bytes);
}

void *arena_alloc(struct arena *arena, size_t bytes)
{
    size_t need = (bytes + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
    struct arena_block *block = arena->first;
    if (!block || block->capacity - block->used < need) {
        size_t capacity = block ? ARENA_BLOCK_MOST_BYTES : ARENA_BLOCK_LEAST_BYTES;
        capacity        = need > capacity ? need : capacity;
        block           = xmalloc(sizeof *block + capacity);
        block->next     = arena->first;
        block->used     = 0;
        block->capacity = capacity;
        arena->first    = block;
    }
    void *p = (char *)block->data + block->used;
    block->used += need;
    return memset(p, 0, bytes);
}

struct str arena_copy(struct arena *arena, struct str text)
{
    char *p = arena_alloc(arena, text.len + 1);
    if (text.len)
        memcpy(p, text.p, text.len);
    return (struct str){ p, text.len };
}

const char *arena_text(struct arena *arena, struct str text)
{
    return arena_copy(arena, text).p;
}

void arena_fini(struct arena *arena)
{
    while (arena->first) {
        struct arena_block *next = arena->first->next;
        free(arena->first);
        arena->first = next;
    }
}

void arena_wipe(struct arena *arena)
{
    for (struct arena_block *block = arena->first; block; block = block->next)
        explicit_bzero(block->data, block->used);
    arena_fini(arena);
}
