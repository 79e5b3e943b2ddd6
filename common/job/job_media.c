// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "job/job_read.h"
#include "tiktok/media_url.h"

enum kind { KIND_UNKNOWN, KIND_VIDEO, KIND_PHOTO };

static bool is_one_of(struct str text, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (text.len == strlen(words[i]) && strncasecmp(text.p, words[i], text.len) == 0)
            return true;
    return false;
}

static enum kind kind_of_url(struct str url)
{
    static const char *const photos[]  = { "jpg", "jpeg", "webp", "png" };
    static const char *const videos[]  = { "mp4", "mov", "webm", "m4v" };
    struct str               extension = media_url_extension(url);
    if (is_one_of(extension, photos, COUNT_OF(photos)))
        return KIND_PHOTO;
    return is_one_of(extension, videos, COUNT_OF(videos)) ? KIND_VIDEO : KIND_UNKNOWN;
}

// media[i].type if it is there, else what the URL looks like
static bool read_entry(struct job *job, const struct json *entry, size_t i, enum kind *kind,
                       struct error *err)
{
    struct post *post = &job->post;
    char         prefix[32];
    int          type = -1;
    snprintf(prefix, sizeof prefix, "media[%zu].", i);
    if (!json_is_object(entry))
        return error_set(err, ERR_INPUT,
                         "media[%zu]: it must be an object like {\"url\": \"https://...\"}", i);
    struct field url   = field_of(entry, prefix, "url");
    struct field kinds = field_of(entry, prefix, "type");
    struct field cover = field_of(entry, prefix, "cover_timestamp_ms");
    if (!url.value)
        return field_bad(&url, "an https URL", err);
    if (!field_text(&url, &job->arena, &post->urls[i], err) ||
        !field_choice(&kinds, "video|photo", &type, err) ||
        !field_i64(&cover, 0, INT32_MAX, &post->cover_timestamp_ms, err))
        return false;
    post->given[FIELD_COVER_TIMESTAMP] = post->given[FIELD_COVER_TIMESTAMP] || cover.value;
    *kind = type == 0 ? KIND_VIDEO : type == 1 ? KIND_PHOTO : kind_of_url(post->urls[i]);
    return true;
}

static bool settle_kind(struct post *post, const size_t count_of[], struct error *err)
{
    if (count_of[KIND_VIDEO] && count_of[KIND_PHOTO])
        return error_set(err, ERR_INPUT, "media: a video and a photo cannot be in one post");
    if (count_of[KIND_VIDEO] && post->url_count > 1)
        return error_set(err, ERR_INPUT,
                         "media: a video stands alone in a post; there are %zu entries",
                         post->url_count);
    post->media = count_of[KIND_PHOTO] || post->url_count > 1 ? MEDIA_PHOTOS : MEDIA_VIDEO;
    return true;
}

bool job_read_media(struct job *job, const struct json *root, struct error *err)
{
    struct post *post        = &job->post;
    struct field media       = field_of(root, "", "media");
    struct field cover       = field_of(root, "", "cover_index");
    size_t       count       = json_count(media.value);
    size_t       count_of[3] = { 0 };
    if (!json_is_array(media.value))
        return field_bad(&media, "a list of one video or 1 to 35 photos", err);
    if (count < 1 || count > POST_URLS_MAX)
        return error_set(err, ERR_INPUT,
                         "media: %zu entries; it must be one video or 1 to %d photos", count,
                         POST_URLS_MAX);
    for (size_t i = 0; i < count; i++) {
        enum kind kind = KIND_UNKNOWN;
        if (!read_entry(job, json_at(media.value, i), i, &kind, err))
            return false;
        count_of[kind]++;
    }
    post->url_count                = count;
    post->given[FIELD_COVER_INDEX] = cover.value != NULL;
    return settle_kind(post, count_of, err) &&
           field_i64(&cover, 0, POST_URLS_MAX - 1, &post->cover_index, err);
}
