// SPDX-License-Identifier: Apache-2.0
/* Keys of the journal that are past their time, with the job that each is of: as they are read, and
 * taken out again by their tombstones. At most `max` of them: when there are more, only every
 * second job is looked at, then every fourth, ... (a part of all jobs by a hash of their ids), and
 * the others in a later reading, of another part. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

struct sweep_key;

struct sweep_keys {
    void              *tree;  // tsearch, by key
    struct sweep_key **list;  // owned; the same
    struct str        *jobs;  // owned, sorted, borrowed from the list; NULL until sweep_keys_close
    size_t             count;
    size_t             max;
    uint64_t           mask;  // part: jobs with hash & mask == part
    uint64_t           part;
};

// part 0 of 1; later readings go on with the mask that the ones before came to
void sweep_keys_init(struct sweep_keys *keys, size_t max, uint64_t mask, uint64_t part);
void sweep_keys_add(struct sweep_keys *keys, struct str key, struct str job_id);  // copied
void sweep_keys_drop(struct sweep_keys *keys, struct str key);                    // its tombstone
// all is read: jobs are asked for now
void sweep_keys_close(struct sweep_keys *keys);
bool sweep_keys_has(const struct sweep_keys *keys, struct str job_id);
void sweep_keys_fini(struct sweep_keys *keys);
