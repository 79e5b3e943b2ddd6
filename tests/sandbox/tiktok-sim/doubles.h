// SPDX-License-Identifier: Apache-2.0
/* doubles: finds the same thing posted twice. Publishes with the same account, caption and media
 * (URLs, or the bytes of a finished upload) form a group in order of time; a member is a double
 * when an earlier member of its group did not end FAILED. */
#ifndef SIM_DOUBLES_H
#define SIM_DOUBLES_H

#include <stdint.h>

#include "table.h"

struct cJSON;
struct publish;
struct sim;

struct group {
    char           *key;    // owned
    const char     *by;     // "url" or "bytes", static
    struct publish *first;  // oldest member
    struct publish *last;   // newest member
    struct group   *next;   // in the list of groups of two and more; NULL at its end
};

struct doubles {
    struct table  by_key;  // struct group, owned
    struct group *many;    // groups of two and more
};

// media: the URLs, or the digest of the bytes.
void    doubles_add(struct sim *sim, struct publish *publish, const char *by, const char *media);
int64_t doubles_count(struct sim *sim);
struct cJSON *doubles_list(struct sim *sim);  // pairs of the first good member and the double
void          doubles_fini(struct doubles *doubles);

#endif
