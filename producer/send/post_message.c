// SPDX-License-Identifier: Apache-2.0
#include "io/json.h"
#include "job/job.h"
#include "loop/clock.h"
#include "producer/send/post.h"
#include "producer/tool/moment.h"

enum { METADATA_DEPTH_MAX = 32 };

static void set_optional(struct json *object, const char *key, const char *text)
{
    if (text)
        json_set_text(object, key, str_of(text));
}

static void set_flag(struct json *object, const char *key, bool given)
{
    if (given)
        json_set_bool(object, key, true);
}

static struct json *media_of(const struct post_options *options)
{
    const struct flag_texts *urls  = options->videos.count ? &options->videos : &options->photos;
    struct json             *media = json_array();
    for (size_t i = 0; i < urls->count; i++) {
        struct json *medium = json_object();
        json_set_text(medium, "url", str_of(urls->texts[i]));
        json_set_text(medium, "type", options->videos.count ? STR("video") : STR("photo"));
        if (i == 0 && options->cover_timestamp_ms >= 0)
            json_set_i64(medium, "cover_timestamp_ms", options->cover_timestamp_ms);
        json_add(media, &medium);
    }
    return media;
}

static struct json *settings_of(const struct post_options *options)
{
    struct json *settings = json_object();
    json_set_text(settings, "content_posting_method",
                  options->draft ? STR("UPLOAD") : STR("DIRECT_POST"));
    set_optional(settings, "privacy_level", options->privacy);
    set_flag(settings, "duet", options->duet);
    set_flag(settings, "comment", options->comment);
    set_flag(settings, "stitch", options->stitch);
    set_flag(settings, "video_made_with_ai", options->ai);
    set_flag(settings, "brand_content_toggle", options->brand_content);
    set_flag(settings, "brand_organic_toggle", options->brand_organic);
    set_optional(settings, "autoAddMusic", options->auto_music ? "yes" : NULL);
    return settings;
}

static bool set_metadata(struct json *object, const char *text, struct error *err)
{
    if (!text)
        return true;
    struct json *metadata = json_parse(str_of(text), METADATA_MAX_BYTES, METADATA_DEPTH_MAX, err);
    if (!metadata)
        return error_wrap(err, "--metadata");
    json_free(metadata);
    json_set_raw(object, "metadata", str_of(text));
    return true;
}

static bool check_media(const struct post_options *options, struct error *err)
{
    if (options->videos.count && options->photos.count)
        return error_set(err, ERR_INPUT, "a post is one --video, or one to 35 --photo: not both");
    if (options->videos.count > 1)
        return error_set(err, ERR_INPUT, "a post has one --video, not %zu", options->videos.count);
    if (!options->videos.count && !options->photos.count)
        return error_set(err, ERR_INPUT, "--video URL or --photo URL is missing");
    return true;
}

bool post_message(const struct post_options *options, const char *job_id, int64_t now_ms,
                  struct buf *out, struct error *err)
{
    if (!options->account)
        return error_set(err, ERR_INPUT, "--account is missing: an open_id, or an @alias");
    if (!check_media(options, err))
        return false;
    struct json *job      = json_object();
    struct json *media    = media_of(options);
    struct json *settings = settings_of(options);
    json_set_text(job, "job_id", str_of(job_id));
    json_set_text(job, "account", str_of(options->account));
    json_set(job, "media", &media);
    set_optional(job, "caption", options->caption);
    set_optional(job, "title", options->title);
    json_set(job, "settings", &settings);
    if (options->cover_index >= 0)
        json_set_i64(job, "cover_index", options->cover_index);
    set_optional(job, "transfer", options->transfer);
    if (options->priority >= 0)
        json_set_i64(job, "priority", options->priority);
    set_optional(job, "on_unsure", options->on_unsure);
    bool ok = moment_set(job, "publish_at", "--publish-at", options->publish_at, now_ms, err) &&
              moment_set(job, "expires_at", "--expires-at", options->expires_at, now_ms, err) &&
              set_metadata(job, options->metadata, err);
    if (ok) {
        json_print(job, out);
        ok = !out->full || error_set(err, ERR_INPUT, "the job is longer than %zu bytes", out->max);
    }
    json_free(job);
    return ok;
}
