// SPDX-License-Identifier: Apache-2.0
#include "table.h"

#include <stdlib.h>
#include <string.h>

#include "base.h"

uint64_t table_hash(uint64_t hash, const void *data, size_t len)
{
    const unsigned char *p = data;
    for (size_t i = 0; i < len; i++)
        hash = (hash ^ p[i]) * UINT64_C(1099511628211);
    return hash;
}

// FNV leaves its low bits weak: the multiply and fold spread them.
static uint64_t key_hash(const char *key)
{
    uint64_t hash = table_hash(TABLE_HASH_START, key, strlen(key));
    hash *= UINT64_C(0x9E3779B97F4A7C15);
    return hash ^ (hash >> 32);
}

// The slot of the key, or the free slot where it would go.
static struct table_slot *find(const struct table *table, const char *key, uint64_t hash)
{
    size_t mask = table->size - 1;
    for (size_t i = (size_t)hash & mask;; i = (i + 1) & mask) {
        struct table_slot *slot = &table->slots[i];
        if (!slot->key || (slot->hash == hash && strcmp(slot->key, key) == 0))
            return slot;
    }
}

static void grow(struct table *table)
{
    struct table old = *table;
    table->size      = old.size ? old.size * 2 : 64;
    table->slots     = xcalloc(table->size, sizeof *table->slots);
    for (size_t i = 0; i < old.size; i++)
        if (old.slots[i].key)
            *find(table, old.slots[i].key, old.slots[i].hash) = old.slots[i];
    free(old.slots);
}

void *table_get(const struct table *table, const char *key)
{
    if (!table->size)
        return NULL;
    return find(table, key, key_hash(key))->value;
}

void table_put(struct table *table, const char *key, void *value)
{
    if ((table->used + 1) * 4 > table->size * 3)
        grow(table);
    uint64_t           hash = key_hash(key);
    struct table_slot *slot = find(table, key, hash);
    if (!slot->key)
        table->used++;
    *slot = (struct table_slot){ .key = key, .hash = hash, .value = value };
}

void *table_remove(struct table *table, const char *key)
{
    if (!table->size)
        return NULL;
    struct table_slot *slot = find(table, key, key_hash(key));
    if (!slot->key)
        return NULL;
    void  *value = slot->value;
    size_t mask  = table->size - 1;
    size_t hole  = (size_t)(slot - table->slots);
    // Entries that probed past the hole move back into it.
    for (size_t i = (hole + 1) & mask; table->slots[i].key; i = (i + 1) & mask) {
        size_t home = (size_t)table->slots[i].hash & mask;
        if (((i - home) & mask) >= ((i - hole) & mask)) {
            table->slots[hole] = table->slots[i];
            hole               = i;
        }
    }
    table->slots[hole] = (struct table_slot){ 0 };
    table->used--;
    return value;
}

int table_next(const struct table *table, size_t *at, const char **key, void **value)
{
    while (*at < table->size) {
        const struct table_slot *slot = &table->slots[(*at)++];
        if (slot->key) {
            *key   = slot->key;
            *value = slot->value;
            return 1;
        }
    }
    return 0;
}

void table_fini(struct table *table)
{
    free(table->slots);
    *table = (struct table){ 0 };
}
