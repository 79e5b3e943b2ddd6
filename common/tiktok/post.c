// SPDX-License-Identifier: Apache-2.0
#include "tiktok/post.h"

#include <assert.h>

#include "base/memory.h"
#include "io/json.h"
#include "tiktok/media_url.h"

// how a way of posting takes a field
enum take {
    SENT,     // part of the init's body
    DROPPED,  // not part of it: a warning unless the field is off
    REFUSED,  // no way to mean it: the post is refused unless the field is off
};

/* A draft keeps its texts only: its user chooses the rest in the app. Photos have no duet, no
 * stitch, no time for a cover, and no settled place for the AI mark. TikTok drops such fields
 * without a word, so the words are ours. */
// clang-format off
/*     field            direct video  draft video  direct photos  draft photos  */
#define TAKES(X)                                                                  \
    X( TITLE,           DROPPED,      DROPPED,     SENT,          SENT         )  \
    X( CAPTION,         SENT,         SENT,        SENT,          SENT         )  \
    X( PRIVACY,         SENT,         DROPPED,     SENT,          DROPPED      )  \
    X( DUET,            SENT,         DROPPED,     DROPPED,       DROPPED      )  \
    X( COMMENT,         SENT,         DROPPED,     SENT,          DROPPED      )  \
    X( STITCH,          SENT,         DROPPED,     DROPPED,       DROPPED      )  \
    X( AI,              SENT,         DROPPED,     DROPPED,       DROPPED      )  \
    X( BRAND_CONTENT,   SENT,         DROPPED,     SENT,          DROPPED      )  \
    X( BRAND_ORGANIC,   SENT,         DROPPED,     SENT,          DROPPED      )  \
    X( AUTO_MUSIC,      DROPPED,      DROPPED,     SENT,          DROPPED      )  \
    X( COVER_TIMESTAMP, SENT,         DROPPED,     DROPPED,       DROPPED      )  \
    X( COVER_INDEX,     REFUSED,      REFUSED,     SENT,          SENT         )
// clang-format on

enum way { DIRECT_VIDEO, DRAFT_VIDEO, DIRECT_PHOTOS, DRAFT_PHOTOS, WAY_COUNT };

static const enum take takes[FIELD_COUNT][WAY_COUNT] = {
#define X(field, ...) [FIELD_##field] = { __VA_ARGS__ },
    TAKES(X)
#undef X
};

// what people read, and where the init goes
static const struct {
    const char *what;  // of the media in this mode
    const char *path;  // of the API
    const char *name;  // for logs and metrics
} ways[WAY_COUNT] = {
    [DIRECT_VIDEO]  = { "a video", "/v2/post/publish/video/init/", "video/init" },
    [DRAFT_VIDEO]   = { "a video draft", "/v2/post/publish/inbox/video/init/", "inbox/video/init" },
    [DIRECT_PHOTOS] = { "photos", "/v2/post/publish/content/init/", "content/init" },
    [DRAFT_PHOTOS]  = { "a photo draft", "/v2/post/publish/content/init/", "content/init" },
};

static const char *const privacy_levels[] = {
    "PUBLIC_TO_EVERYONE",
    "MUTUAL_FOLLOW_FRIENDS",
    "FOLLOWER_OF_CREATOR",
    "SELF_ONLY",
};

static enum way way_of(const struct post *post)
{
    if (post->media == MEDIA_VIDEO)
        return post->mode == POST_DIRECT ? DIRECT_VIDEO : DRAFT_VIDEO;
    return post->mode == POST_DIRECT ? DIRECT_PHOTOS : DRAFT_PHOTOS;
}

static enum take take_of(const struct post *post, enum post_field field)
{
    return takes[field][way_of(post)];
}

static bool is_sent(const struct post *post, enum post_field field)
{
    return take_of(post, field) == SENT;
}

// Does the field ask for anything? One that is off says nothing and may be dropped in silence.
static bool is_on(const struct post *post, enum post_field field)
{
    switch (field) {
    case FIELD_TITLE:
        return post->title.len > 0;
    case FIELD_CAPTION:
        return post->caption.len > 0;
    case FIELD_PRIVACY:
        return post->privacy_level.len > 0;
    case FIELD_DUET:
        return post->duet;
    case FIELD_COMMENT:
        return post->comment;
    case FIELD_STITCH:
        return post->stitch;
    case FIELD_AI:
        return post->ai;
    case FIELD_BRAND_CONTENT:
        return post->brand_content;
    case FIELD_BRAND_ORGANIC:
        return post->brand_organic;
    case FIELD_AUTO_MUSIC:
        return post->auto_music;
    case FIELD_COVER_TIMESTAMP:
        return post->cover_timestamp_ms != 0;
    case FIELD_COVER_INDEX:
        return post->cover_index != 0;
    case FIELD_COUNT:
        break;
    }
    assert(false && "a field of POST_FIELDS");
    return false;
}

const char *post_field_text(enum post_field field)
{
    static const char *const texts[] = {
#define X(name, text) text,
        POST_FIELDS(X)
#undef X
    };
    assert(field < FIELD_COUNT);
    return texts[field];
}

static bool check_media(const struct post *post, struct error *err)
{
    if (post->url_count == 0)
        return error_set(err, ERR_INPUT, "media: one video or 1 to %d photos are needed",
                         POST_URLS_MAX);
    if (post->media == MEDIA_VIDEO && post->url_count != 1)
        return error_set(err, ERR_INPUT, "media: a post has one video, not %zu", post->url_count);
    if (post->url_count > POST_URLS_MAX)
        return error_set(err, ERR_INPUT, "media: %zu photos; at most %d are allowed",
                         post->url_count, POST_URLS_MAX);
    for (size_t i = 0; i < post->url_count; i++)
        if (!media_url_check(post->urls[i], err))
            return error_wrap(err, "media[%zu].url", i);
    return true;
}

static bool check_length(const struct post *post, enum post_field field, struct str text,
                         size_t units_max, struct error *err)
{
    size_t units = 0;
    if (!is_sent(post, field))
        return true;
    if (!str_utf16_units(text, &units))
        return error_set(err, ERR_INPUT, "%s: it is not UTF-8", post_field_text(field));
    if (units > units_max)
        return error_set(err, ERR_INPUT, "%s: %zu UTF-16 units; at most %zu are allowed for %s",
                         post_field_text(field), units, units_max, ways[way_of(post)].what);
    return true;
}

static bool check_texts(const struct post *post, struct error *err)
{
    size_t caption_max = post->media == MEDIA_VIDEO ? POST_CAPTION_UNITS_MAX : POST_PHOTO_UNITS_MAX;
    return check_length(post, FIELD_TITLE, post->title, POST_TITLE_UNITS_MAX, err) &&
           check_length(post, FIELD_CAPTION, post->caption, caption_max, err);
}

static bool check_privacy(const struct post *post, struct error *err)
{
    bool known = post->privacy_level.len == 0;
    for (size_t i = 0; i < COUNT_OF(privacy_levels); i++)
        known = known || str_is(post->privacy_level, privacy_levels[i]);
    if (!known)
        return error_set(err, ERR_INPUT,
                         "privacy_level: \"%.*s\" is not one of PUBLIC_TO_EVERYONE, "
                         "MUTUAL_FOLLOW_FRIENDS, FOLLOWER_OF_CREATOR, SELF_ONLY",
                         STR_ARG(str_utf8_prefix(post->privacy_level, 40)));
    if (!is_sent(post, FIELD_PRIVACY))
        return true;
    if (post->privacy_level.len == 0)
        return error_set(err, ERR_INPUT, "privacy_level: it is required for a direct post");
    if (post->brand_content && str_is(post->privacy_level, "SELF_ONLY"))
        return error_set(
            err, ERR_INPUT,
            "brand_content_toggle: TikTok does not allow branded content that only "
            "the creator can see (SELF_ONLY); choose another privacy_level or turn the toggle off");
    return true;
}

static bool check_cover(const struct post *post, struct error *err)
{
    if (post->cover_timestamp_ms < 0 || post->cover_timestamp_ms > INT32_MAX)
        return error_set(err, ERR_INPUT, "cover_timestamp_ms: %" PRId64 " is not within 0 to %d",
                         post->cover_timestamp_ms, INT32_MAX);
    if (post->media == MEDIA_PHOTOS &&
        (post->cover_index < 0 || (uint64_t)post->cover_index >= post->url_count))
        return error_set(err, ERR_INPUT,
                         "cover_index: %" PRId64 " is not within 0 to %zu, the last photo",
                         post->cover_index, post->url_count - 1);
    return true;
}

static bool check_fields(const struct post *post, struct buf *warnings, struct error *err)
{
    const char *what = ways[way_of(post)].what;
    for (enum post_field field = 0; field < FIELD_COUNT; field++)
        if (is_on(post, field) && take_of(post, field) == REFUSED)
            return error_set(err, ERR_INPUT, "%s: it has no meaning for %s", post_field_text(field),
                             what);
    for (enum post_field field = 0; field < FIELD_COUNT; field++)
        if (is_on(post, field) && take_of(post, field) == DROPPED)
            buf_printf(warnings, "%s: not sent, TikTok does not take it for %s\n",
                       post_field_text(field), what);
    return true;
}

bool post_check(const struct post *post, struct buf *warnings, struct error *err)
{
    return check_media(post, err) && check_texts(post, err) && check_privacy(post, err) &&
           check_cover(post, err) && check_fields(post, warnings, err);
}

const char *post_init_path(const struct post *post)
{
    return ways[way_of(post)].path;
}

const char *post_init_name(const struct post *post)
{
    return ways[way_of(post)].name;
}

static void add_text(struct json *info, const struct post *post, enum post_field field,
                     const char *key, struct str text)
{
    if (is_sent(post, field) && text.len)
        json_set_text(info, key, text);
}

static void add_bool(struct json *info, const struct post *post, enum post_field field,
                     const char *key, bool value)
{
    if (is_sent(post, field))
        json_set_bool(info, key, value);
}

// Flags are always said: what TikTok takes for absent ones is not documented for all of them.
static struct json *post_info(const struct post *post)
{
    struct json *info = json_object();
    add_text(info, post, FIELD_TITLE, "title", post->title);
    add_text(info, post, FIELD_CAPTION, post->media == MEDIA_VIDEO ? "title" : "description",
             post->caption);
    add_text(info, post, FIELD_PRIVACY, "privacy_level", post->privacy_level);
    add_bool(info, post, FIELD_DUET, "disable_duet", !post->duet);
    add_bool(info, post, FIELD_COMMENT, "disable_comment", !post->comment);
    add_bool(info, post, FIELD_STITCH, "disable_stitch", !post->stitch);
    if (is_sent(post, FIELD_COVER_TIMESTAMP) && is_on(post, FIELD_COVER_TIMESTAMP))
        json_set_i64(info, "video_cover_timestamp_ms", post->cover_timestamp_ms);
    add_bool(info, post, FIELD_AUTO_MUSIC, "auto_add_music", post->auto_music);
    add_bool(info, post, FIELD_BRAND_CONTENT, "brand_content_toggle", post->brand_content);
    add_bool(info, post, FIELD_BRAND_ORGANIC, "brand_organic_toggle", post->brand_organic);
    add_bool(info, post, FIELD_AI, "is_aigc", post->ai);
    return info;
}

static struct json *source_info(const struct post *post)
{
    struct json *source = json_object();
    json_set_text(source, "source", STR("PULL_FROM_URL"));
    if (post->media == MEDIA_VIDEO) {
        json_set_text(source, "video_url", post->urls[0]);
        return source;
    }
    struct json *images = json_array();
    for (size_t i = 0; i < post->url_count; i++)
        json_add_text(images, post->urls[i]);
    json_set(source, "photo_images", &images);
    json_set_i64(source, "photo_cover_index", post->cover_index);
    return source;
}

void post_init_body(const struct post *post, struct buf *out)
{
    assert(post->url_count > 0 && post->url_count <= POST_URLS_MAX);
    struct json *body   = json_object();
    struct json *info   = post_info(post);
    struct json *source = source_info(post);
    if (post->media == MEDIA_PHOTOS) {
        json_set_text(body, "media_type", STR("PHOTO"));
        json_set_text(body, "post_mode",
                      post->mode == POST_DIRECT ? STR("DIRECT_POST") : STR("MEDIA_UPLOAD"));
    }
    // the reference lists no post_info for a video draft: it is sent only to carry a caption
    if (way_of(post) != DRAFT_VIDEO || json_count(info) > 0)
        json_set(body, "post_info", &info);
    json_set(body, "source_info", &source);
    json_print(body, out);
    json_free(info);
    json_free(body);
}
