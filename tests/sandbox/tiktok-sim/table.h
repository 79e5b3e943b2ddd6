// SPDX-License-Identifier: Apache-2.0
/* table: strings to pointers, open addressing with linear probing. A key is borrowed and must live
 * as long as its entry; values are borrowed too. Grows at three quarters; never fails. */
#ifndef SIM_TABLE_H
#define SIM_TABLE_H

#include <stddef.h>
#include <stdint.h>

struct table_slot {
    const char *key;    // borrowed; NULL when the slot is free
    uint64_t    hash;   // of key
    void       *value;  // borrowed
};

struct table {
    struct table_slot *slots;  // owned; NULL until the first put
    size_t             size;   // slots, a power of two
    size_t             used;   // entries
};

void *table_get(const struct table *table, const char *key);         // NULL when absent
void  table_put(struct table *table, const char *key, void *value);  // replaces
void *table_remove(struct table *table, const char *key);            // what was there, or NULL
void  table_fini(struct table *table);

// Walks all entries: start with *at = 0; false at the end. The table must not change meanwhile.
int table_next(const struct table *table, size_t *at, const char **key, void **value);

uint64_t table_hash(uint64_t hash, const void *data, size_t len);  // FNV-1a, chained
#define TABLE_HASH_START UINT64_C(14695981039346656037)

#endif
