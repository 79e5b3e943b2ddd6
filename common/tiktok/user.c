// SPDX-License-Identifier: Apache-2.0
#include "tiktok/user.h"

#include <string.h>

#include "base/memory.h"
#include "io/json.h"
#include "tiktok/answer.h"
#include "tiktok/scope.h"

static const struct {
    const char *scope;
    const char *fields;
} by_scope[] = {
    { "user.info.basic", "open_id,display_name,avatar_url" },
    { "user.info.profile", "username,is_verified" },
    { "user.info.stats", "follower_count,following_count,likes_count,video_count" },
};

bool tiktok_user_allowed(struct str scopes)
{
    for (size_t i = 0; i < COUNT_OF(by_scope); i++)
        if (scope_has(scopes, by_scope[i].scope))
            return true;
    return false;
}

bool tiktok_user_fields(struct str scopes, struct buf *fields)
{
    const char *comma = "";
    for (size_t i = 0; i < COUNT_OF(by_scope); i++)
        if (scope_has(scopes, by_scope[i].scope)) {
            if (!buf_printf(fields, "%s%s", comma, by_scope[i].fields))
                return false;
            comma = ",";
        }
    return true;
}

static void read_whole(const struct json *user, const char *key, char *out, size_t out_bytes)
{
    answer_copy_whole(out, out_bytes, json_text(json_get(user, key)));
}

static void read_user(const struct json *json, struct tiktok_user *user)
{
    const struct json *verified = json_get(json, "is_verified");
    struct str         username = json_text(json_get(json, "username"));
    read_whole(json, "open_id", user->open_id, sizeof user->open_id);
    read_whole(json, "avatar_url", user->avatar_url, sizeof user->avatar_url);
    if (str_starts(username, "@"))
        username = (struct str){ username.p + 1, username.len - 1 };
    answer_copy_whole(user->username, sizeof user->username, username);
    answer_copy_cut(user->display_name, sizeof user->display_name,
                    json_text(json_get(json, "display_name")));
    user->verified  = json_is_bool(verified) ? json_bool(verified, false) : -1;
    user->followers = answer_count(json, "follower_count");
    user->following = answer_count(json, "following_count");
    user->likes     = answer_count(json, "likes_count");
    user->videos    = answer_count(json, "video_count");
}

bool tiktok_user_decode(struct str body, struct tiktok_user *user)
{
    struct json       *root = answer_parse(body);
    const struct json *json = json_get(json_get(root, "data"), "user");
    bool               ok   = json_is_object(json);
    read_user(ok ? json : NULL, user);
    json_free(root);
    return ok;
}
