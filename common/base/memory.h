// SPDX-License-Identifier: Apache-2.0
/* Memory: no memory is not an error that anyone can act on here, so these abort with one line.
 * An arena holds what belongs to one thing (a job, a request) and dies with it. */
#pragma once

#include <stddef.h>

#include "base/text.h"

#define container_of(pointer, type, member)                                                        \
    ((type *)(void *)((char *)(pointer)-offsetof(type, member)))
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* What is freed at the end of the heap goes back to the system, also after a burst: glibc learns
 * from large blocks to keep ever more of it. Once, before any other thread. */
void memory_give_back(void);

void *xmalloc(size_t bytes) __attribute__((malloc, returns_nonnull));
void *xcalloc(size_t count, size_t bytes) __attribute__((malloc, returns_nonnull));
void *xrealloc(void *p, size_t bytes) __attribute__((returns_nonnull));
char *xstrdup(const char *text) __attribute__((malloc, returns_nonnull));

struct arena_block;

struct arena {
    struct arena_block *first;  // newest block; NULL when empty
};

// zeroed, aligned
void      *arena_alloc(struct arena *arena, size_t bytes) __attribute__((returns_nonnull));
struct str arena_copy(struct arena *arena, struct str text);  // ends in '\0', too
// the same as a C string
const char *arena_text(struct arena *arena, struct str text);
void        arena_fini(struct arena *arena);  // may be used again
void        arena_wipe(struct arena *arena);  // the same, overwritten before
