// SPDX-License-Identifier: Apache-2.0
// links: tokfleet_job
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "tiktok/media_url.h"
#include "tiktok/post.h"

#define VIDEO_URL "https://cdn.example.com/clip.mp4"
#define PHOTO_URL "https://cdn.example.com/%zu.jpg"

// clang-format off
// The whole body of an init, with what a field may change left open.
#define DIRECT_VIDEO(title, privacy, duet, comment, stitch, cover, content, organic, ai)           \
    "{\"post_info\":{" title "\"privacy_level\":\"" privacy "\",\"disable_duet\":" duet            \
    ",\"disable_comment\":" comment ",\"disable_stitch\":" stitch "," cover                        \
    "\"brand_content_toggle\":" content ",\"brand_organic_toggle\":" organic ",\"is_aigc\":" ai    \
    "},\"source_info\":{\"source\":\"PULL_FROM_URL\",\"video_url\":\"" VIDEO_URL "\"}}"
#define DRAFT_VIDEO(info)                                                                          \
    "{" info "\"source_info\":{\"source\":\"PULL_FROM_URL\",\"video_url\":\"" VIDEO_URL "\"}}"
#define PHOTOS(mode, info, cover)                                                                  \
    "{\"media_type\":\"PHOTO\",\"post_mode\":\"" mode "\",\"post_info\":{" info                    \
    "},\"source_info\":{\"source\":\"PULL_FROM_URL\",\"photo_images\":[\"https://cdn.example.com/" \
    "0.jpg\","                                                                                     \
    "\"https://cdn.example.com/1.jpg\",\"https://cdn.example.com/"                                 \
    "2.jpg\"],\"photo_cover_index\":" cover "}}"
#define DIRECT_PHOTOS(texts, privacy, comment, music, content, organic, cover)                     \
    PHOTOS("DIRECT_POST",                                                                          \
           texts "\"privacy_level\":\"" privacy "\",\"disable_comment\":" comment                  \
                 ",\"auto_add_music\":" music ",\"brand_content_toggle\":" content                 \
                 ",\"brand_organic_toggle\":" organic,                                             \
           cover)
#define DRAFT_PHOTOS(info, cover) PHOTOS("MEDIA_UPLOAD", info, cover)

#define PUBLIC "PUBLIC_TO_EVERYONE"
#define VIDEO_PLAIN DIRECT_VIDEO("", PUBLIC, "true", "true", "true", "", "false", "false", "false")
#define VDRAFT_PLAIN DRAFT_VIDEO("")
#define PHOTOS_PLAIN DIRECT_PHOTOS("", PUBLIC, "true", "false", "false", "false", "0")
#define PDRAFT_PLAIN DRAFT_PHOTOS("", "0")

#define NOT_SENT(field, what) field ": not sent, TikTok does not take it for " what "\n"
#define NO_MEANING(field, what) field ": it has no meaning for " what

enum way { WAY_VIDEO, WAY_VDRAFT, WAY_PHOTOS, WAY_PDRAFT, WAY_COUNT };

struct cell {
    const char *body;     // NULL: refused
    const char *warning;  // "" when none; the reason when refused
};

// what one field alone does, in each way of posting
static const struct cell cells[FIELD_COUNT][WAY_COUNT] = {
    [FIELD_TITLE] = {
        { VIDEO_PLAIN, NOT_SENT("title", "a video") },
        { VDRAFT_PLAIN, NOT_SENT("title", "a video draft") },
        { DIRECT_PHOTOS("\"title\":\"a title\",", PUBLIC, "true", "false", "false", "false", "0"), "" },
        { DRAFT_PHOTOS("\"title\":\"a title\"", "0"), "" },
    },
    [FIELD_CAPTION] = {
        { DIRECT_VIDEO("\"title\":\"a caption\",", PUBLIC, "true", "true", "true", "", "false", "false", "false"), "" },
        { DRAFT_VIDEO("\"post_info\":{\"title\":\"a caption\"},"), "" },
        { DIRECT_PHOTOS("\"description\":\"a caption\",", PUBLIC, "true", "false", "false", "false", "0"), "" },
        { DRAFT_PHOTOS("\"description\":\"a caption\"", "0"), "" },
    },
    [FIELD_PRIVACY] = {
        { DIRECT_VIDEO("", "SELF_ONLY", "true", "true", "true", "", "false", "false", "false"), "" },
        { VDRAFT_PLAIN, NOT_SENT("privacy_level", "a video draft") },
        { DIRECT_PHOTOS("", "SELF_ONLY", "true", "false", "false", "false", "0"), "" },
        { PDRAFT_PLAIN, NOT_SENT("privacy_level", "a photo draft") },
    },
    [FIELD_DUET] = {
        { DIRECT_VIDEO("", PUBLIC, "false", "true", "true", "", "false", "false", "false"), "" },
        { VDRAFT_PLAIN, NOT_SENT("duet", "a video draft") },
        { PHOTOS_PLAIN, NOT_SENT("duet", "photos") },
        { PDRAFT_PLAIN, NOT_SENT("duet", "a photo draft") },
    },
    [FIELD_COMMENT] = {
        { DIRECT_VIDEO("", PUBLIC, "true", "false", "true", "", "false", "false", "false"), "" },
        { VDRAFT_PLAIN, NOT_SENT("comment", "a video draft") },
        { DIRECT_PHOTOS("", PUBLIC, "false", "false", "false", "false", "0"), "" },
        { PDRAFT_PLAIN, NOT_SENT("comment", "a photo draft") },
    },
    [FIELD_STITCH] = {
        { DIRECT_VIDEO("", PUBLIC, "true", "true", "false", "", "false", "false", "false"), "" },
        { VDRAFT_PLAIN, NOT_SENT("stitch", "a video draft") },
        { PHOTOS_PLAIN, NOT_SENT("stitch", "photos") },
        { PDRAFT_PLAIN, NOT_SENT("stitch", "a photo draft") },
    },
    [FIELD_AI] = {
        { DIRECT_VIDEO("", PUBLIC, "true", "true", "true", "", "false", "false", "true"), "" },
        { VDRAFT_PLAIN, NOT_SENT("video_made_with_ai", "a video draft") },
        { PHOTOS_PLAIN, NOT_SENT("video_made_with_ai", "photos") },
        { PDRAFT_PLAIN, NOT_SENT("video_made_with_ai", "a photo draft") },
    },
    [FIELD_BRAND_CONTENT] = {
        { DIRECT_VIDEO("", PUBLIC, "true", "true", "true", "", "true", "false", "false"), "" },
        { VDRAFT_PLAIN, NOT_SENT("brand_content_toggle", "a video draft") },
        { DIRECT_PHOTOS("", PUBLIC, "true", "false", "true", "false", "0"), "" },
        { PDRAFT_PLAIN, NOT_SENT("brand_content_toggle", "a photo draft") },
    },
    [FIELD_BRAND_ORGANIC] = {
        { DIRECT_VIDEO("", PUBLIC, "true", "true", "true", "", "false", "true", "false"), "" },
        { VDRAFT_PLAIN, NOT_SENT("brand_organic_toggle", "a video draft") },
        { DIRECT_PHOTOS("", PUBLIC, "true", "false", "false", "true", "0"), "" },
        { PDRAFT_PLAIN, NOT_SENT("brand_organic_toggle", "a photo draft") },
    },
    [FIELD_AUTO_MUSIC] = {
        { VIDEO_PLAIN, NOT_SENT("autoAddMusic", "a video") },
        { VDRAFT_PLAIN, NOT_SENT("autoAddMusic", "a video draft") },
        { DIRECT_PHOTOS("", PUBLIC, "true", "true", "false", "false", "0"), "" },
        { PDRAFT_PLAIN, NOT_SENT("autoAddMusic", "a photo draft") },
    },
    [FIELD_COVER_TIMESTAMP] = {
        { DIRECT_VIDEO("", PUBLIC, "true", "true", "true", "\"video_cover_timestamp_ms\":1200,", "false", "false",
                       "false"), "" },
        { VDRAFT_PLAIN, NOT_SENT("cover_timestamp_ms", "a video draft") },
        { PHOTOS_PLAIN, NOT_SENT("cover_timestamp_ms", "photos") },
        { PDRAFT_PLAIN, NOT_SENT("cover_timestamp_ms", "a photo draft") },
    },
    [FIELD_COVER_INDEX] = {
        { NULL, NO_MEANING("cover_index", "a video") },
        { NULL, NO_MEANING("cover_index", "a video draft") },
        { DIRECT_PHOTOS("", PUBLIC, "true", "false", "false", "false", "2"), "" },
        { DRAFT_PHOTOS("", "2"), "" },
    },
};
// clang-format on

static char photo_urls[POST_URLS_MAX][64];

static struct post post_with_photos(enum post_mode mode, size_t count)
{
    struct post post = { .mode = mode, .media = MEDIA_PHOTOS, .url_count = count };
    for (size_t i = 0; i < count && i < POST_URLS_MAX; i++) {
        snprintf(photo_urls[i], sizeof photo_urls[i], PHOTO_URL, i);
        post.urls[i] = str_of(photo_urls[i]);
    }
    if (mode == POST_DIRECT)
        post.privacy_level = STR("PUBLIC_TO_EVERYONE");
    return post;
}

static struct post post_of(enum way way)
{
    enum post_mode mode = way == WAY_VIDEO || way == WAY_PHOTOS ? POST_DIRECT : POST_DRAFT;
    struct post    post = post_with_photos(mode, 3);
    if (way == WAY_VIDEO || way == WAY_VDRAFT) {
        post.media     = MEDIA_VIDEO;
        post.url_count = 1;
        post.urls[0]   = STR(VIDEO_URL);
    }
    return post;
}

static void set_on(struct post *post, enum post_field field)
{
    post->given[field] = true;
    switch (field) {
    case FIELD_TITLE:
        post->title = STR("a title");
        break;
    case FIELD_CAPTION:
        post->caption = STR("a caption");
        break;
    case FIELD_PRIVACY:
        post->privacy_level = STR("SELF_ONLY");
        break;
    case FIELD_DUET:
        post->duet = true;
        break;
    case FIELD_COMMENT:
        post->comment = true;
        break;
    case FIELD_STITCH:
        post->stitch = true;
        break;
    case FIELD_AI:
        post->ai = true;
        break;
    case FIELD_BRAND_CONTENT:
        post->brand_content = true;
        break;
    case FIELD_BRAND_ORGANIC:
        post->brand_organic = true;
        break;
    case FIELD_AUTO_MUSIC:
        post->auto_music = true;
        break;
    case FIELD_COVER_TIMESTAMP:
        post->cover_timestamp_ms = 1200;
        break;
    case FIELD_COVER_INDEX:
        post->cover_index = 2;
        break;
    case FIELD_COUNT:
        fail();
        break;
    }
}

static void assert_body(const struct post *post, const char *wanted)
{
    struct buf body;
    buf_init(&body, 256 * 1024);
    post_init_body(post, &body);
    assert_false(body.full);
    assert_string_equal(buf_text(&body), wanted);
    buf_fini(&body);
}

static void assert_passes(const struct post *post, const char *warnings_wanted)
{
    struct error err;
    struct buf   warnings;
    buf_init(&warnings, 4096);
    if (!post_check(post, &warnings, &err))
        fail_msg("refused: %s", err.message);
    assert_string_equal(buf_text(&warnings), warnings_wanted);
    buf_fini(&warnings);
}

static void assert_refused(const struct post *post, const char *why)
{
    struct error err;
    struct buf   warnings;
    buf_init(&warnings, 4096);
    if (post_check(post, &warnings, &err))
        fail_msg("passed, but \"%s\"", why);
    assert_int_equal(err.code, ERR_INPUT);
    if (!strstr(err.message, why))
        fail_msg("\"%s\" does not say \"%s\"", err.message, why);
    buf_fini(&warnings);
}

TEST(each_field_in_each_way_is_sent_dropped_or_refused_as_the_table_says)
{
    for (enum post_field field = 0; field < FIELD_COUNT; field++)
        for (enum way way = 0; way < WAY_COUNT; way++) {
            const struct cell *cell = &cells[field][way];
            struct post        post = post_of(way);
            set_on(&post, field);
            if (!cell->body) {
                assert_refused(&post, cell->warning);
                continue;
            }
            assert_passes(&post, cell->warning);
            assert_body(&post, cell->body);
        }
}

TEST(a_field_that_is_given_but_off_needs_no_warning_anywhere)
{
    for (enum way way = 0; way < WAY_COUNT; way++) {
        static const char *const plain[] = { VIDEO_PLAIN, VDRAFT_PLAIN, PHOTOS_PLAIN,
                                             PDRAFT_PLAIN };
        struct post              post    = post_of(way);
        for (enum post_field field = 0; field < FIELD_COUNT; field++)
            post.given[field] = true;
        assert_passes(&post, "");
        assert_body(&post, plain[way]);
    }
}

TEST(everything_at_once_goes_into_one_body)
{
    struct post post = post_of(WAY_VIDEO);
    for (enum post_field field = 0; field < FIELD_COVER_INDEX; field++)
        if (field != FIELD_PRIVACY)
            set_on(&post, field);
    assert_passes(&post, NOT_SENT("title", "a video") NOT_SENT("autoAddMusic", "a video"));
    assert_body(&post, DIRECT_VIDEO("\"title\":\"a caption\",", PUBLIC, "false", "false", "false",
                                    "\"video_cover_timestamp_ms\":1200,", "true", "true", "true"));
}

TEST(texts_are_escaped_in_the_body)
{
    struct post post = post_of(WAY_VDRAFT);
    post.caption     = STR("a \"b\" \\ \n #c \xF0\x9F\x8E\xAC");
    assert_passes(&post, "");
    assert_body(
        &post,
        DRAFT_VIDEO("\"post_info\":{\"title\":\"a \\\"b\\\" \\\\ \\n #c \xF0\x9F\x8E\xAC\"},"));
}

TEST(each_way_has_its_endpoint)
{
    static const char *const paths[] = { "/v2/post/publish/video/init/",
                                         "/v2/post/publish/inbox/video/init/",
                                         "/v2/post/publish/content/init/",
                                         "/v2/post/publish/content/init/" };
    static const char *const names[] = { "video/init", "inbox/video/init", "content/init",
                                         "content/init" };
    for (enum way way = 0; way < WAY_COUNT; way++) {
        struct post post = post_of(way);
        assert_string_equal(post_init_path(&post), paths[way]);
        assert_string_equal(post_init_name(&post), names[way]);
    }
}

// `units` UTF-16 units: emoji of two, and one letter when it is odd
static void fill(struct buf *text, size_t units)
{
    buf_init(text, units * 2 + 8);
    for (size_t i = 0; i < units / 2; i++)
        assert_true(buf_add_text(text, "\xF0\x9F\x8E\xAC"));
    if (units % 2)
        assert_true(buf_add_text(text, "x"));
}

static void assert_border(enum way way, enum post_field field, size_t most)
{
    for (size_t units = most; units <= most + 1; units++) {
        struct post post = post_of(way);
        struct buf  text;
        char        why[80];
        fill(&text, units);
        *(field == FIELD_TITLE ? &post.title : &post.caption) = buf_str(&text);
        snprintf(why, sizeof why, "%s: %zu UTF-16 units; at most %zu are allowed",
                 post_field_text(field), units, most);
        if (units == most)
            assert_passes(&post, "");
        else
            assert_refused(&post, why);
        buf_fini(&text);
    }
}

TEST(lengths_are_counted_in_utf16_units_on_both_sides_of_the_border)
{
    assert_border(WAY_VIDEO, FIELD_CAPTION, 2200);
    assert_border(WAY_VDRAFT, FIELD_CAPTION, 2200);
    assert_border(WAY_PHOTOS, FIELD_CAPTION, 4000);
    assert_border(WAY_PDRAFT, FIELD_CAPTION, 4000);
    assert_border(WAY_PHOTOS, FIELD_TITLE, 90);
    assert_border(WAY_PDRAFT, FIELD_TITLE, 90);
}

TEST(an_emoji_across_the_border_is_too_long)
{
    struct post post = post_of(WAY_VIDEO);
    struct buf  text;
    fill(&text, 2199);
    buf_add_text(&text, "\xC3\xA9");  // one unit, two bytes
    post.caption = buf_str(&text);
    assert_passes(&post, "");
    buf_fini(&text);
    buf_init(&text, 8000);
    for (size_t i = 0; i < 2199; i++)
        buf_add_text(&text, "x");
    buf_add_text(&text, "\xF0\x9F\x8E\xAC");
    post.caption = buf_str(&text);
    assert_refused(&post, "caption: 2201 UTF-16 units");
    buf_fini(&text);
}

TEST(a_title_that_is_dropped_may_have_any_length)
{
    struct post post = post_of(WAY_VIDEO);
    struct buf  text;
    fill(&text, 300);
    post.title = buf_str(&text);
    assert_passes(&post, NOT_SENT("title", "a video"));
    buf_fini(&text);
}

TEST(a_text_that_is_not_utf8_is_refused)
{
    struct post post = post_of(WAY_VIDEO);
    post.caption     = STR("a\xED\xA0\x80");
    assert_refused(&post, "caption: it is not UTF-8");
}

TEST(photos_are_1_to_35)
{
    struct post none = post_with_photos(POST_DIRECT, 0);
    struct post most = post_with_photos(POST_DIRECT, 35);
    struct post more = post_with_photos(POST_DIRECT, 36);
    assert_refused(&none, "1 to 35 photos");
    assert_passes(&most, "");
    assert_refused(&more, "36 photos; at most 35");
}

TEST(a_video_stands_alone)
{
    struct post post = post_of(WAY_VIDEO);
    post.url_count   = 2;
    assert_refused(&post, "one video, not 2");
}

TEST(the_cover_index_names_one_of_the_photos)
{
    struct post post = post_of(WAY_PHOTOS);
    post.cover_index = 2;
    assert_passes(&post, "");
    post.cover_index = 3;
    assert_refused(&post, "cover_index: 3 is not within 0 to 2");
    post.cover_index = -1;
    assert_refused(&post, "cover_index: -1");
}

TEST(the_cover_timestamp_is_not_negative_and_an_int32)
{
    struct post post        = post_of(WAY_VIDEO);
    post.cover_timestamp_ms = INT32_MAX;
    assert_passes(&post, "");
    post.cover_timestamp_ms = (int64_t)INT32_MAX + 1;
    assert_refused(&post, "cover_timestamp_ms");
    post.cover_timestamp_ms = -1;
    assert_refused(&post, "cover_timestamp_ms: -1");
}

TEST(privacy_is_one_of_four_names_and_required_for_direct_posts)
{
    static const char *const levels[] = { "PUBLIC_TO_EVERYONE", "MUTUAL_FOLLOW_FRIENDS",
                                          "FOLLOWER_OF_CREATOR", "SELF_ONLY" };
    struct post              post     = post_of(WAY_VIDEO);
    for (size_t i = 0; i < COUNT_OF(levels); i++) {
        post.privacy_level = str_of(levels[i]);
        assert_passes(&post, "");
    }
    post.privacy_level = STR("public_to_everyone");
    assert_refused(&post, "privacy_level: \"public_to_everyone\" is not one of");
    post.privacy_level = STR("");
    assert_refused(&post, "privacy_level: it is required");
    struct post draft   = post_of(WAY_VDRAFT);
    draft.privacy_level = STR("EVERYONE");
    assert_refused(&draft, "\"EVERYONE\" is not one of");
}

TEST(branded_content_cannot_be_for_the_creator_alone)
{
    for (enum way way = 0; way < WAY_COUNT; way++) {
        struct post post   = post_of(way);
        post.privacy_level = STR("SELF_ONLY");
        post.brand_organic = true;
        if (way == WAY_VIDEO || way == WAY_PHOTOS) {
            assert_passes(&post, "");
            post.brand_content = true;
            assert_refused(
                &post, "does not allow branded content that only the creator can see (SELF_ONLY)");
        }
    }
}

TEST(a_wrong_url_is_named_by_its_place)
{
    struct post post = post_of(WAY_PHOTOS);
    post.urls[2]     = STR("http://cdn.example.com/2.jpg");
    assert_refused(
        &post,
        "media[2].url: TikTok fetches only from https:// URLs: http://cdn.example.com/2.jpg");
}

TEST(urls_that_tiktok_may_fetch_pass)
{
    static const char *const urls[] = {
        "https://cdn.example.com/clip.mp4",
        "HTTPS://CDN.Example.COM/a",
        "https://example.com",
        "https://example.com/a%20b.mp4?sig=a|b{c}&x=@y",
        "https://a-b.c1.example.co.uk:8443/x",
        "https://my_bucket.s3.example.com/x",
        "https://1.2.3.4.example.com/x",
        "https://xn--bcher-kva.example/x",
        "https://example.com./x",
    };
    for (size_t i = 0; i < COUNT_OF(urls); i++) {
        struct error err;
        if (!media_url_check(str_of(urls[i]), &err))
            fail_msg("%s: %s", urls[i], err.message);
    }
}

TEST(urls_that_tiktok_would_refuse_are_refused_in_words)
{
    static const struct {
        const char *url;
        const char *why;
    } rows[] = {
        { "", "it is empty" },
        { "http://example.com/x", "only from https" },
        { "ftp://example.com/x", "only from https" },
        { "clip.mp4", "only from https" },
        { "https:/example.com/x", "only from https" },
        { "https:///x", "the host is missing" },
        { "https://", "the host is missing" },
        { "https://:443/x", "the host is missing" },
        { "https://192.0.2.1/x", "not an IP address" },
        { "https://192.0.2.1./x", "not an IP address" },
        { "https://2130706433/x", "not an IP address" },
        { "https://0x7f.1/x", "not an IP address" },
        { "https://127.0.0.0x1/x", "not an IP address" },
        { "https://[2001:db8::1]/x", "not an IP address" },
        { "https://localhost/x", "a public name" },
        { "https://media/x", "a public name" },
        { "https://a..example.com/x", "not a valid name" },
        { "https://./x", "not a valid name" },
        { "https://-a.example.com/x", "not a valid name" },
        { "https://a-.example.com/x", "not a valid name" },
        { "https://ex%61mple.com/x", "not a valid name" },
        { "https://user@example.com/x", "user name or password" },
        { "https://user:pw@example.com/x", "user name or password" },
        { "https://example.com:0/x", "the port" },
        { "https://example.com:65536/x", "the port" },
        { "https://example.com:/x", "the port" },
        { "https://example.com:-1/x", "the port" },
        { "https://example.com:8x/x", "the port" },
        { "https://example.com/x#t=1", "a fragment" },
        { "https://example.com/a b", "percent-encoded" },
        { "https://example.com/a\nb", "percent-encoded" },
        { "https://example.com/a\\b", "percent-encoded" },
        { "https://example.com/\xC3\xA9", "percent-encoded" },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct error err = { 0 };
        if (media_url_check(str_of(rows[i].url), &err))
            fail_msg("passed: %s", rows[i].url);
        if (!strstr(err.message, rows[i].why))
            fail_msg("%s: \"%s\" does not say \"%s\"", rows[i].url, err.message, rows[i].why);
    }
}

TEST(a_url_may_have_2048_bytes)
{
    char         url[2050];
    struct error err;
    memset(url, 'x', sizeof url);
    memcpy(url, "https://example.com/", 20);
    assert_true(media_url_check((struct str){ url, 2048 }, &err));
    assert_false(media_url_check((struct str){ url, 2049 }, &err));
    assert_non_null(strstr(err.message, "2049 bytes; at most 2048"));
}

TEST(labels_and_hosts_have_their_limits)
{
    char         url[400];
    struct error err;
    snprintf(url, sizeof url, "https://%063d.example.com/x", 7);
    assert_true(media_url_check(str_of(url), &err));
    snprintf(url, sizeof url, "https://%064d.example.com/x", 7);
    assert_false(media_url_check(str_of(url), &err));
    snprintf(url, sizeof url, "https://%062d.%062d.%062d.%060d.com/x", 1, 2, 3, 4);
    assert_true(media_url_check(str_of(url), &err));
    snprintf(url, sizeof url, "https://%062d.%062d.%062d.%062d.com/x", 1, 2, 3, 4);
    assert_false(media_url_check(str_of(url), &err));
    assert_non_null(strstr(err.message, "longer than 253"));
}

TEST(messages_show_neither_passwords_nor_queries)
{
    struct error err;
    assert_false(media_url_check(STR("https://user:hunter2@example.com/x"), &err));
    assert_null(strstr(err.message, "hunter2"));
    assert_false(media_url_check(STR("http://example.com/x?X-Signature=hunter2"), &err));
    assert_null(strstr(err.message, "hunter2"));
    // not encoded, so that the password seems to be a port, and its rest a fragment
    assert_false(media_url_check(STR("https://user:hunter2#@example.com/x"), &err));
    assert_null(strstr(err.message, "hunter2"));
    assert_false(media_url_check(STR("ftp://user:hunter2\0@example.com/x"), &err));
    assert_null(strstr(err.message, "hunter2"));
}

TEST(the_extension_is_that_of_the_path)
{
    assert_str(media_url_extension(STR("https://example.com/a.b/clip.MP4?x=.jpg#.png")), "MP4");
    assert_str(media_url_extension(STR("https://example.com/a.b/clip")), "");
    assert_str(media_url_extension(STR("https://example.com/clip.")), "");
    assert_str(media_url_extension(STR("")), "");
}
