// SPDX-License-Identifier: Apache-2.0
#include "doubles.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base.h"
#include "sim.h"

static char *make_key(const struct publish *publish, const char *media)
{
    const char *account = publish->account->open_id;
    size_t      size    = strlen(account) + strlen(publish->caption) + strlen(media) + 3;
    char       *key     = xcalloc(1, size);
    snprintf(key, size, "%s\n%s\n%s", account, publish->caption, media);
    return key;
}

// The first member that did not end FAILED; NULL when all did.
static struct publish *first_good(const struct group *group)
{
    struct publish *publish = group->first;
    while (publish && publish->state == STATE_FAILED)
        publish = publish->group_next;
    return publish;
}

void doubles_add(struct sim *sim, struct publish *publish, const char *by, const char *media)
{
    char         *key   = make_key(publish, media);
    struct group *group = table_get(&sim->doubles.by_key, key);
    if (!group) {
        group  = xcalloc(1, sizeof *group);
        *group = (struct group){ .key = key, .by = by, .first = publish, .last = publish };
        table_put(&sim->doubles.by_key, group->key, group);
        return;
    }
    free(key);
    if (group->first == group->last) {
        group->next       = sim->doubles.many;
        sim->doubles.many = group;
    }
    const struct publish *first = first_good(group);
    group->last->group_next     = publish;
    group->last                 = publish;
    if (first)
        ledger_double(sim, first, publish, by);
}

int64_t doubles_count(struct sim *sim)
{
    int64_t count = 0;
    for (const struct group *group = sim->doubles.many; group; group = group->next) {
        const struct publish *publish = first_good(group);
        while (publish && (publish = publish->group_next))
            count++;
    }
    return count;
}

cJSON *doubles_list(struct sim *sim)
{
    cJSON *list = cJSON_CreateArray();
    for (const struct group *group = sim->doubles.many; group; group = group->next) {
        const struct publish *first = first_good(group);
        for (const struct publish *publish = first; publish && (publish = publish->group_next);) {
            cJSON *item = cJSON_CreateObject();
            cJSON_AddStringToObject(item, "by", group->by);
            cJSON_AddItemToObject(item, "first", publish_json(first, clock_now_ms(), NULL));
            cJSON_AddItemToObject(item, "second", publish_json(publish, clock_now_ms(), NULL));
            cJSON_AddItemToArray(list, item);
        }
    }
    return list;
}

void doubles_fini(struct doubles *doubles)
{
    const char *key;
    void       *value;
    for (size_t at = 0; table_next(&doubles->by_key, &at, &key, &value);) {
        free(((struct group *)value)->key);
        free(value);
    }
    table_fini(&doubles->by_key);
}
