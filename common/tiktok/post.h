// SPDX-License-Identifier: Apache-2.0
/* What is to be posted, and how each way of posting takes it (tiktok-api: direct-post,
 * upload-video, photo-post). One table says for every mode x media x field: sent, dropped with a
 * warning, or refused. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/text.h"

enum post_mode { POST_DIRECT, POST_DRAFT };  // DIRECT_POST; UPLOAD, the inbox
enum post_media { MEDIA_VIDEO, MEDIA_PHOTOS };

enum {
    POST_URLS_MAX          = 35,    // photos [PH]
    POST_TITLE_UNITS_MAX   = 90,    // UTF-16 units, photos [PH]
    POST_CAPTION_UNITS_MAX = 2200,  // UTF-16 units, video [DP]
    POST_PHOTO_UNITS_MAX   = 4000,  // UTF-16 units, photos' description [PH]
};

// the fields of a post that may be given or not; the table in post.c has a row for each
// clang-format off
#define POST_FIELDS(X)                                                                                     \
    X( TITLE,           "title"                ) X( CAPTION,         "caption"              )              \
    X( PRIVACY,         "privacy_level"        ) X( DUET,            "duet"                 )              \
    X( COMMENT,         "comment"              ) X( STITCH,          "stitch"               )              \
    X( AI,              "video_made_with_ai"   ) X( BRAND_CONTENT,   "brand_content_toggle" )              \
    X( BRAND_ORGANIC,   "brand_organic_toggle" ) X( AUTO_MUSIC,      "autoAddMusic"         )              \
    X( COVER_TIMESTAMP, "cover_timestamp_ms"   ) X( COVER_INDEX,     "cover_index"          )

enum post_field {
#define X(name, text) FIELD_##name,
    POST_FIELDS(X)
#undef X
    FIELD_COUNT
};
// clang-format on

struct post {
    enum post_mode  mode;
    enum post_media media;
    struct str      urls[POST_URLS_MAX];  // media, in order
    size_t          url_count;
    bool            given[FIELD_COUNT];  // the upstream named the field; else it has its default
    struct str      title;               // photos; "" when absent
    struct str      caption;             // video: title in TikTok's words; photos: description
    struct str      privacy_level;       // "" when absent
    bool            duet;                // may others ...; off when absent
    bool            comment;
    bool            stitch;
    bool            ai;                  // is_aigc
    bool            brand_content;       // paid partnership
    bool            brand_organic;       // own business
    bool            auto_music;          // photos
    int64_t         cover_timestamp_ms;  // video
    int64_t         cover_index;         // photos, 0-based
};

const char *post_field_text(enum post_field field);  // the upstream's name
// Refuses what TikTok would refuse whatever the account is; adds a line to `warnings` for each
// field that this way of posting would drop silently. Lengths in UTF-16 units.
bool        post_check(const struct post *post, struct buf *warnings, struct error *err) MUST_CHECK;
const char *post_init_path(const struct post *post);  // "/v2/post/publish/video/init/"
const char *post_init_name(const struct post *post);  // "video/init", for logs and metrics
// JSON, exactly as TikTok wants it
void post_init_body(const struct post *post, struct buf *out);
