// SPDX-License-Identifier: Apache-2.0
#include "engine.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "base/memory.h"

enum { FIRST_TABLE = 1 << 12, LABEL_BYTES = 240 };

static const uint32_t NOWHERE = UINT32_MAX;

struct search {
    const struct machine *machine;  // borrowed
    const void           *setting;  // borrowed
    struct limits         limits;
    uint8_t *
        states;  // count of machine->bytes each; address space of the whole limit, pages as they are used
    uint32_t   *parents;      // the state that each was first reached from
    uint32_t   *hashes;       // of each
    uint32_t   *table;        // index of a state plus 1; 0: free
    uint32_t   *arrows;       // pairs from, to; NULL when progress is not asked for
    size_t      table_size;   // a power of two
    size_t      arrow_count;  // pairs
    uint32_t    count;        // states
    uint32_t    at;           // the one that is being expanded
    uint32_t    found;        // the broken or stuck one
    bool        full;
    char        missing[80];  // the arrow that the product's table lacks
    const void *want;         // looking for the label of the step to this state
    char        label[LABEL_BYTES];
};

static void *reserve(size_t bytes)
{
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) {
        fprintf(stderr, "no address space for %zu bytes\n", bytes);
        abort();
    }
    return memory;
}

static size_t states_max(const struct search *search)
{
    size_t per_state = search->machine->bytes + 2 * sizeof(uint32_t);
    size_t fit       = search->limits.bytes / per_state;
    return fit < search->limits.states ? fit : search->limits.states;
}

static size_t arrows_max(const struct search *search)
{
    return search->limits.bytes / (2 * sizeof(uint32_t));
}

struct search *search_new(const struct machine *machine, const void *setting, struct limits limits)
{
    struct search *search = xcalloc(1, sizeof *search);
    assert(machine->bytes % 8 == 0);
    search->machine    = machine;
    search->setting    = setting;
    search->limits     = limits;
    search->found      = NOWHERE;
    search->states     = reserve((states_max(search) + 1) * machine->bytes);
    search->parents    = reserve((states_max(search) + 1) * sizeof(uint32_t));
    search->hashes     = reserve((states_max(search) + 1) * sizeof(uint32_t));
    search->table_size = FIRST_TABLE;
    search->table      = reserve(search->table_size * sizeof(uint32_t));
    return search;
}

void search_free(struct search *search)
{
    if (!search)
        return;
    size_t most = states_max(search) + 1;
    munmap(search->states, most * search->machine->bytes);
    munmap(search->parents, most * sizeof(uint32_t));
    munmap(search->hashes, most * sizeof(uint32_t));
    munmap(search->table, search->table_size * sizeof(uint32_t));
    if (search->arrows)
        munmap(search->arrows, (arrows_max(search) + 1) * 2 * sizeof(uint32_t));
    free(search);
}

static uint8_t *state_at(const struct search *search, uint32_t index)
{
    return search->states + (size_t)index * search->machine->bytes;
}

static uint32_t hash_of(const void *state, size_t bytes)
{
    uint64_t hash = UINT64_C(0x9E3779B97F4A7C15);
    for (size_t i = 0; i < bytes; i += 8) {
        uint64_t word;
        memcpy(&word, (const uint8_t *)state + i, 8);
        hash = (hash ^ word) * UINT64_C(0xD6E8FEB86659FD93);
        hash ^= hash >> 32;
    }
    return (uint32_t)hash;
}

static size_t memory_used(const struct search *search, size_t table_size)
{
    return (size_t)search->count * (search->machine->bytes + 2 * sizeof(uint32_t)) +
           table_size * sizeof(uint32_t) + search->arrow_count * 2 * sizeof(uint32_t);
}

static void table_grow(struct search *search)
{
    size_t    size  = search->table_size * 2;
    uint32_t *table = reserve(size * sizeof(uint32_t));
    for (uint32_t i = 0; i < search->count; i++) {
        size_t place = search->hashes[i] & (size - 1);
        while (table[place])
            place = (place + 1) & (size - 1);
        table[place] = i + 1;
    }
    munmap(search->table, search->table_size * sizeof(uint32_t));
    search->table      = table;
    search->table_size = size;
}

// the index of the state, which is stored when it is new; NOWHERE when it has no room
static uint32_t state_index(struct search *search, const void *state)
{
    size_t   bytes = search->machine->bytes;
    uint32_t hash  = hash_of(state, bytes);
    size_t   place = hash & (search->table_size - 1);
    for (; search->table[place]; place = (place + 1) & (search->table_size - 1)) {
        uint32_t index = search->table[place] - 1;
        if (search->hashes[index] == hash && memcmp(state_at(search, index), state, bytes) == 0)
            return index;
    }
    if (search->count >= states_max(search) ||
        memory_used(search, search->table_size) > search->limits.bytes) {
        search->full = true;
        return NOWHERE;
    }
    uint32_t index = search->count++;
    memcpy(state_at(search, index), state, bytes);
    search->hashes[index]  = hash;
    search->parents[index] = search->at;
    search->table[place]   = index + 1;
    if ((size_t)search->count * 3 > search->table_size * 2)
        table_grow(search);
    return index;
}

void search_add(struct search *search, const void *state, const char *label, ...)
{
    if (search->want) {
        if (search->label[0] || memcmp(search->want, state, search->machine->bytes) != 0)
            return;
        va_list args;
        va_start(args, label);
        vsnprintf(search->label, sizeof search->label, label, args);
        va_end(args);
        return;
    }
    if (search->found != NOWHERE || search->full)
        return;
    uint32_t known = search->count;
    uint32_t index = state_index(search, state);
    if (index == NOWHERE)
        return;
    if (search->arrows) {
        if (search->arrow_count >= arrows_max(search)) {
            search->full = true;
            return;
        }
        search->arrows[search->arrow_count * 2]     = search->at;
        search->arrows[search->arrow_count * 2 + 1] = index;
        search->arrow_count++;
    }
    if (index == known && search->machine->broken(search->setting, state))
        search->found = index;
}

bool search_has_arrow(enum job_state from, enum job_event event)
{
    static uint8_t to[JOB_STATE_COUNT][JOB_EVENT_COUNT];  // plus 1
    if (!to[from][event])
        to[from][event] = (uint8_t)(job_state_after(from, event) + 1);
    return to[from][event] != JOB_STATE_COUNT + 1;
}

enum job_state search_arrow(struct search *search, enum job_state from, enum job_event event)
{
    if (search_has_arrow(from, event))
        return job_state_after(from, event);
    if (!search->want && search->found == NOWHERE) {
        snprintf(search->missing, sizeof search->missing, "no arrow %s from %s",
                 job_event_text(event), job_state_text(from));
        search->found = search->at;
    }
    return from;
}

// ---- progress: from every state a way to an end

static uint32_t count_stuck(struct search *search)
{
    uint32_t *first = reserve(((size_t)search->count + 2) * sizeof(uint32_t));
    uint32_t *from  = reserve((search->arrow_count + 1) * sizeof(uint32_t));
    uint32_t *queue = reserve(((size_t)search->count + 1) * sizeof(uint32_t));
    uint8_t  *ends  = reserve((size_t)search->count + 1);
    uint32_t  head = 0, tail = 0;
    for (size_t i = 0; i < search->arrow_count; i++)
        first[search->arrows[i * 2 + 1] + 2]++;
    for (uint32_t i = 1; i <= search->count; i++)
        first[i + 1] += first[i];
    for (size_t i = 0; i < search->arrow_count; i++)
        from[first[search->arrows[i * 2 + 1] + 1]++] = search->arrows[i * 2];
    for (uint32_t i = 0; i < search->count; i++)
        if (search->machine->ended(search->setting, state_at(search, i))) {
            ends[i]       = 1;
            queue[tail++] = i;
        }
    while (head < tail) {
        uint32_t to = queue[head++];
        for (uint32_t i = first[to]; i < first[to + 1]; i++)
            if (!ends[from[i]]) {
                ends[from[i]] = 1;
                queue[tail++] = from[i];
            }
    }
    for (uint32_t i = 0; i < search->count && tail < search->count; i++)
        if (!ends[i]) {
            search->found = i;
            break;
        }
    munmap(first, ((size_t)search->count + 2) * sizeof(uint32_t));
    munmap(from, (search->arrow_count + 1) * sizeof(uint32_t));
    munmap(queue, ((size_t)search->count + 1) * sizeof(uint32_t));
    munmap(ends, (size_t)search->count + 1);
    return search->count - tail;
}

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static uint32_t steps_to(const struct search *search, uint32_t index)
{
    uint32_t steps = 0;
    for (; search->parents[index] != NOWHERE; index = search->parents[index])
        steps++;
    return steps;
}

struct search_result search_run(struct search *search, bool progress)
{
    struct search_result result = { .end = SEARCH_SAFE };
    double               began  = seconds_now();
    uint8_t             *start  = xcalloc(1, search->machine->bytes);
    if (progress)
        search->arrows = reserve((arrows_max(search) + 1) * 2 * sizeof(uint32_t));
    search->machine->start(search->setting, start);
    search->at = NOWHERE;
    state_index(search, start);
    free(start);
    for (search->at = 0; search->at < search->count && search->found == NOWHERE && !search->full;
         search->at++)
        search->machine->next(search->setting, state_at(search, search->at), search);
    if (search->found != NOWHERE) {
        result.end  = SEARCH_BROKEN;
        result.what = search->missing[0] ? search->missing
                                         : search->machine->broken(search->setting,
                                                                   state_at(search, search->found));
    } else if (search->full) {
        result.end = SEARCH_FULL;
    } else if (progress) {
        result.stuck = count_stuck(search);
        if (result.stuck)
            result.end = SEARCH_STUCK;
    }
    result.states  = search->count;
    result.steps   = search->found != NOWHERE ? steps_to(search, search->found) : 0;
    result.seconds = seconds_now() - began;
    return result;
}

void search_print(struct search *search)
{
    if (search->found == NOWHERE)
        return;
    uint32_t  steps = steps_to(search, search->found);
    uint32_t *path  = xcalloc((size_t)steps + 1, sizeof *path);
    for (uint32_t i = steps, index = search->found;; index = search->parents[index]) {
        path[i] = index;
        if (i-- == 0)
            break;
    }
    for (uint32_t i = 0; i < steps; i++) {
        search->at       = path[i];
        search->want     = state_at(search, path[i + 1]);
        search->label[0] = '\0';
        search->machine->next(search->setting, state_at(search, path[i]), search);
        printf("     %2u %s\n", i + 1, search->label);
    }
    search->want = NULL;
    free(path);
}
