// SPDX-License-Identifier: Apache-2.0
#include "tiktok/scope.h"

#include "base/memory.h"

// clang-format off
static const struct scope_row rows[] = {
    { "video.list", "nobody can look whether a post whose answer was lost is there, so such a job waits for a person" },
    { "user.info.basic", "the account's display name and picture are not known" },
    { "video.publish", "nothing can be posted directly: drafts only" },
    { "video.upload", "no drafts can be sent to the inbox" },
    { "user.info.profile", "the @handle is not known, so events carry no post_url" },
    { "user.info.stats", "followers, likes and videos are not known" },
};
// clang-format on

const struct scope_row *scope_row(size_t i)
{
    return i < COUNT_OF(rows) ? &rows[i] : NULL;
}

bool scope_read(struct str told, struct buf *scopes)
{
    struct str part, scope;
    while (str_cut(&told, ',', &part))
        while (str_cut(&part, ' ', &scope)) {
            scope = str_trim(scope);
            if (!scope.len)
                continue;
            if (scopes->len)
                buf_add_char(scopes, ',');
            buf_add(scopes, scope);
        }
    return !scopes->full;
}

bool scope_has(struct str scopes, const char *name)
{
    struct str scope;
    while (str_cut(&scopes, ',', &scope))
        if (str_is(str_trim(scope), name))
            return true;
    return false;
}

bool scope_known(struct str name)
{
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (str_is(name, rows[i].name))
            return true;
    return false;
}

void scope_all(struct buf *scopes)
{
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        buf_printf(scopes, "%s%s", i ? "," : "", rows[i].name);
}
