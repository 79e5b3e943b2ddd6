// SPDX-License-Identifier: Apache-2.0
#include "tiktok/creator.h"

#include <string.h>

#include "io/json.h"
#include "tiktok/answer.h"

enum { OPTION_BYTES = 48 };

static bool add_option(char *options, const struct json *json)
{
    char   option[OPTION_BYTES];
    size_t used = strlen(options);
    answer_copy_whole(option, sizeof option, json_text(json));
    size_t len = strlen(option);
    if (!len || strchr(option, ',') || used + len + 2 > TIKTOK_OPTIONS_BYTES)
        return false;
    if (used)
        options[used++] = ',';
    memcpy(options + used, option, len + 1);
    return true;
}

static void read_options(const struct json *list, char *options)
{
    const struct json *one = json_is_array(list) ? json_at(list, 0) : NULL;
    for (; one; one = json_next(one))
        if (!add_option(options, one)) {
            options[0] = '\0';
            return;
        }
}

void tiktok_creator_decode(struct str body, struct tiktok_creator *creator)
{
    struct json       *root = answer_parse(body);
    const struct json *data = json_get(root, "data");
    memset(creator->privacy_options, 0, sizeof creator->privacy_options);
    answer_copy_whole(creator->username, sizeof creator->username,
                      json_text(json_get(data, "creator_username")));
    answer_copy_cut(creator->nickname, sizeof creator->nickname,
                    json_text(json_get(data, "creator_nickname")));
    read_options(json_get(data, "privacy_level_options"), creator->privacy_options);
    creator->comment_disabled = json_bool(json_get(data, "comment_disabled"), false);
    creator->duet_disabled    = json_bool(json_get(data, "duet_disabled"), false);
    creator->stitch_disabled  = json_bool(json_get(data, "stitch_disabled"), false);
    if (!json_i64(json_get(data, "max_video_post_duration_sec"), &creator->max_duration_s) ||
        creator->max_duration_s < 0)
        creator->max_duration_s = -1;
    json_free(root);
}
