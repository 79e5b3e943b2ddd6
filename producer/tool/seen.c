// SPDX-License-Identifier: Apache-2.0
#include "producer/tool/seen.h"

#include <stdlib.h>

#include "base/memory.h"
#include "io/seal.h"

enum { SLOTS_FIRST = 1024 };

struct entry {
    uint64_t id[2];  // of the job_id
    uint64_t content;
    uint64_t line;  // 0: free
};

struct seen {
    struct entry *slots;  // owned; a power of two of them, at most half of them taken
    size_t        count_slots;
    size_t        count;
    size_t        max;
};

struct seen *seen_new(size_t max)
{
    struct seen *seen = xcalloc(1, sizeof *seen);
    seen->max         = max;
    seen->count_slots = SLOTS_FIRST;
    seen->slots       = xcalloc(seen->count_slots, sizeof *seen->slots);
    return seen;
}

void seen_free(struct seen *seen)
{
    if (!seen)
        return;
    free(seen->slots);
    free(seen);
}

// 16 hex digits, which a hash has
static uint64_t number_of(const char *hex)
{
    uint64_t number = 0;
    for (int i = 0; i < 16; i++) {
        unsigned digit = hex[i] <= '9' ? (unsigned)(hex[i] - '0') : (unsigned)(hex[i] - 'a' + 10);
        number         = number << 4 | (digit & 15);
    }
    return number;
}

static struct entry *find(const struct seen *seen, const uint64_t id[2])
{
    size_t mask = seen->count_slots - 1;
    size_t i    = (size_t)id[0] & mask;
    while (seen->slots[i].line && (seen->slots[i].id[0] != id[0] || seen->slots[i].id[1] != id[1]))
        i = (i + 1) & mask;
    return &seen->slots[i];
}

static void grow(struct seen *seen)
{
    struct seen bigger = { .count_slots = seen->count_slots * 2,
                           .count       = seen->count,
                           .max         = seen->max };
    bigger.slots       = xcalloc(bigger.count_slots, sizeof *bigger.slots);
    for (size_t i = 0; i < seen->count_slots; i++)
        if (seen->slots[i].line)
            *find(&bigger, seen->slots[i].id) = seen->slots[i];
    free(seen->slots);
    *seen = bigger;
}

enum seen_verdict seen_add(struct seen *seen, struct str job_id, const char *content, uint64_t line,
                           uint64_t *first)
{
    char hex[SHA256_HEX_BYTES];
    sha256_hex(job_id, hex);
    uint64_t      id[2] = { number_of(hex), number_of(hex + 16) };
    uint64_t      what  = number_of(content);
    struct entry *entry = find(seen, id);
    *first              = line;
    if (entry->line) {
        *first = entry->line;
        if (entry->line == line)
            return SEEN_FIRST;
        return entry->content == what ? SEEN_SAME : SEEN_OTHER;
    }
    if (seen->count >= seen->max)
        return SEEN_FULL;
    *entry = (struct entry){ .id = { id[0], id[1] }, .content = what, .line = line };
    seen->count++;
    if (seen->count * 2 > seen->count_slots)
        grow(seen);
    return SEEN_FIRST;
}
