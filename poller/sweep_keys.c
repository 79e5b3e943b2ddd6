// SPDX-License-Identifier: Apache-2.0
#include "poller/sweep_keys.h"

#include <assert.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

struct sweep_key {
    struct str key;     // in text
    struct str job_id;  // in text
    size_t     place;   // in the list
    char       text[];
};

static int compare_texts(const void *left, const void *right)
{
    const struct str *a = left, *b = right;
    return str_compare(*a, *b);
}

static int compare_keys(const void *left, const void *right)
{
    const struct sweep_key *a = left, *b = right;
    return compare_texts(&a->key, &b->key);
}

// FNV-1a
static uint64_t hash_of(struct str text)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < text.len; i++)
        hash = (hash ^ (unsigned char)text.p[i]) * UINT64_C(1099511628211);
    return hash ^ hash >> 32;
}

static bool is_in_part(const struct sweep_keys *keys, struct str job_id)
{
    return (hash_of(job_id) & keys->mask) == keys->part;
}

void sweep_keys_init(struct sweep_keys *keys, size_t max, uint64_t mask, uint64_t part)
{
    assert(part <= mask);
    *keys      = (struct sweep_keys){ .max = max, .mask = mask, .part = part };
    keys->list = xcalloc(max, sizeof(struct sweep_key *));
}

static void take_out(struct sweep_keys *keys, struct sweep_key *found)
{
    struct sweep_key *last = keys->list[--keys->count];
    tdelete(found, &keys->tree, compare_keys);
    keys->list[found->place] = last;
    last->place              = found->place;
    free(found);
}

// there are too many: every second one of those jobs is for a later reading
static void halve(struct sweep_keys *keys)
{
    keys->mask = keys->mask * 2 + 1;
    for (size_t i = 0; i < keys->count;) {
        if (is_in_part(keys, keys->list[i]->job_id))
            i++;
        else
            take_out(keys, keys->list[i]);
    }
}

static struct sweep_key *find(const struct sweep_keys *keys, struct str key)
{
    struct sweep_key   wanted = { .key = key };
    struct sweep_key **found  = tfind(&wanted, &keys->tree, compare_keys);
    return found ? *found : NULL;
}

void sweep_keys_add(struct sweep_keys *keys, struct str key, struct str job_id)
{
    if (find(keys, key))
        return;
    while (keys->count == keys->max && keys->mask < UINT32_MAX)
        halve(keys);
    if (!is_in_part(keys, job_id) || keys->count == keys->max)
        return;
    struct sweep_key *fresh = xcalloc(1, sizeof *fresh + key.len + job_id.len);
    memcpy(fresh->text, key.p, key.len);
    memcpy(fresh->text + key.len, job_id.p, job_id.len);
    fresh->key    = (struct str){ fresh->text, key.len };
    fresh->job_id = (struct str){ fresh->text + key.len, job_id.len };
    fresh->place  = keys->count;
    if (!tsearch(fresh, &keys->tree, compare_keys))
        abort();  // no memory
    keys->list[keys->count++] = fresh;
}

void sweep_keys_drop(struct sweep_keys *keys, struct str key)
{
    struct sweep_key *found = find(keys, key);
    if (found)
        take_out(keys, found);
}

void sweep_keys_close(struct sweep_keys *keys)
{
    keys->jobs = xcalloc(keys->count + 1, sizeof *keys->jobs);
    for (size_t i = 0; i < keys->count; i++)
        keys->jobs[i] = keys->list[i]->job_id;
    if (keys->count)
        qsort(keys->jobs, keys->count, sizeof *keys->jobs, compare_texts);
}

bool sweep_keys_has(const struct sweep_keys *keys, struct str job_id)
{
    assert(keys->jobs);
    return keys->count &&
           bsearch(&job_id, keys->jobs, keys->count, sizeof *keys->jobs, compare_texts);
}

static void forget(void *node)
{
    (void)node;  // the list has it
}

void sweep_keys_fini(struct sweep_keys *keys)
{
    tdestroy(keys->tree, forget);
    for (size_t i = 0; i < keys->count; i++)
        free(keys->list[i]);
    free(keys->list);
    free(keys->jobs);
    *keys = (struct sweep_keys){ 0 };
}
