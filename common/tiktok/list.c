// SPDX-License-Identifier: Apache-2.0
#include "tiktok/list.h"

#include <stdio.h>
#include <string.h>

#include "io/json.h"
#include "tiktok/answer.h"

static bool read_video(const struct json *json, struct tiktok_video *video)
{
    const struct json *description = json_get(json, "video_description");
    const struct json *id          = json_get(json, "id");
    int64_t            number      = 0;
    if (!json_is_object(json) || !json_i64(id, &number) || number <= 0)
        return false;
    snprintf(video->id, sizeof video->id, "%" PRId64, number);
    if (!json_i64(json_get(json, "create_time"), &video->create_time_s) ||
        video->create_time_s <= 0)
        return false;
    if (description && !json_is_text(description) && !json_is_null(description))
        return false;
    struct str text = str_utf8_prefix(json_text(description), TIKTOK_DESCRIPTION_UNITS);
    if (text.len >= sizeof video->description || memchr(text.len ? text.p : "x", '\0', text.len))
        return false;
    if (text.len)
        memcpy(video->description, text.p, text.len);
    video->description[text.len] = '\0';
    answer_copy_whole(video->share_url, sizeof video->share_url,
                      json_text(json_get(json, "share_url")));
    video->views    = answer_count(json, "view_count");
    video->likes    = answer_count(json, "like_count");
    video->comments = answer_count(json, "comment_count");
    video->shares   = answer_count(json, "share_count");
    return true;
}

static bool read_page(const struct json *data, struct tiktok_page *page)
{
    const struct json *videos = json_get(data, "videos");
    if (json_is_object(data) && (!videos || json_is_null(videos)))
        return true;  // an account without any: not every language writes an empty list as []
    if (!json_is_array(videos) || json_count(videos) > TIKTOK_PAGE_VIDEOS)
        return false;
    for (const struct json *one = json_at(videos, 0); one; one = json_next(one))
        if (!read_video(one, &page->videos[page->count++]))
            return false;
    page->has_more = json_bool(json_get(data, "has_more"), false);
    if (!json_i64(json_get(data, "cursor"), &page->cursor) || page->cursor < 0)
        page->cursor = 0;
    return true;
}

bool tiktok_page_decode(struct str body, struct tiktok_page *page)
{
    struct json *root = answer_parse(body);
    memset(page->videos, 0, sizeof page->videos);
    page->count    = 0;
    page->cursor   = 0;
    page->has_more = false;
    bool ok        = root && read_page(json_get(root, "data"), page);
    if (!ok)
        page->count = 0;
    json_free(root);
    return ok;
}
