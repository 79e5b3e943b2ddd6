// SPDX-License-Identifier: Apache-2.0
/* limit: a sliding log, the exact count of arrivals in the last so many milliseconds. */
#ifndef SIM_LIMIT_H
#define SIM_LIMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct slide {
    int64_t *at_ms;  // owned ring of arrival times, oldest at head
    size_t   size;   // of the ring, a power of two
    size_t   head;   // index of the oldest
    size_t   used;   // arrivals remembered
};

// Arrivals within the window that ends now. Forgets the older ones.
size_t slide_count(struct slide *slide, int64_t now_ms, int64_t window_ms);
// True when one more may come: fewer than limit in the window, or no limit (0).
bool slide_has_room(struct slide *slide, int64_t now_ms, int64_t window_ms, int64_t limit);
void slide_add(struct slide *slide, int64_t now_ms);
void slide_fini(struct slide *slide);

#endif
