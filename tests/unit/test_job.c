// SPDX-License-Identifier: Apache-2.0
// links: tokfleet_job
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "job_case.h"

// ---- the whole

TEST(the_example_of_the_design_is_decoded)
{
    struct job job = taken(
        "{\"job_id\": \"campaign-7:clip-0042\", \"account\": \"@brand.de\",\n"
        " \"media\": [{\"url\": \"https://cdn.example.com/clip.mp4\", \"cover_timestamp_ms\": "
        "1200}],\n"
        " \"caption\": \"Morning light #lisbon #travel\", \"title\": \"\",\n"
        " \"settings\": {\"content_posting_method\": \"DIRECT_POST\", \"privacy_level\": "
        "\"PUBLIC_TO_EVERYONE\",\n"
        "   \"duet\": false, \"comment\": true, \"stitch\": false, \"video_made_with_ai\": false,\n"
        "   \"brand_content_toggle\": false, \"brand_organic_toggle\": false, \"autoAddMusic\": "
        "\"no\"},\n"
        " \"transfer\": \"pull\", \"publish_at\": \"2026-12-01T18:30:00+01:00\",\n"
        " \"expires_at\": \"2026-12-01T22:00:00+01:00\",\n"
        " \"priority\": 5, \"on_unsure\": \"hold\", \"metadata\": {\"order\": 991}}");
    assert_str(job.id, "campaign-7:clip-0042");
    assert_str(job.account, "@brand.de");
    assert_int_equal(job.post.mode, POST_DIRECT);
    assert_int_equal(job.post.media, MEDIA_VIDEO);
    assert_int_equal(job.post.url_count, 1);
    assert_str(job.post.urls[0], "https://cdn.example.com/clip.mp4");
    assert_str(job.post.caption, "Morning light #lisbon #travel");
    assert_str(job.post.title, "");
    assert_str(job.post.privacy_level, "PUBLIC_TO_EVERYONE");
    assert_true(job.post.comment);
    assert_false(job.post.duet || job.post.stitch || job.post.ai || job.post.brand_content ||
                 job.post.auto_music);
    assert_int_equal(job.post.cover_timestamp_ms, 1200);
    assert_int_equal(job.transfer, TRANSFER_PULL);
    assert_int_equal(job.publish_at_ms, 1796146200000);
    assert_int_equal(job.expires_at_ms, 1796158800000);
    assert_int_equal(job.priority, 5);
    assert_int_equal(job.on_unsure, UNSURE_HOLD);
    assert_str(job.metadata, "{\"order\":991}");
    assert_string_equal(buf_text(&job.warnings), "");
    assert_int_equal(strlen(job.hash), 32);
    for (enum post_field field = 0; field < FIELD_COUNT; field++)
        assert_int_equal(job.post.given[field], field != FIELD_COVER_INDEX);
    job_fini(&job);
}

TEST(the_least_job_has_the_defaults)
{
    struct job job = taken(VIDEO_JOB(""));
    assert_int_equal(job.post.mode, POST_DIRECT);
    assert_int_equal(job.transfer, TRANSFER_AUTO);
    assert_int_equal(job.publish_at_ms, 0);
    assert_int_equal(job.expires_at_ms, 0);
    assert_int_equal(job.priority, 5);
    assert_int_equal(job.on_unsure, UNSURE_HOLD);
    assert_str(job.metadata, "");
    assert_str(job.post.caption, "");
    assert_str(job.post.privacy_level, "PUBLIC_TO_EVERYONE");
    assert_false(job.post.duet || job.post.comment || job.post.stitch);
    for (enum post_field field = 0; field < FIELD_COUNT; field++)
        assert_false(job.post.given[field]);
    job_fini(&job);
}

TEST(null_counts_as_absent)
{
    assert_taken(
        VIDEO_JOB(",\"caption\":null,\"title\":null,\"settings\":null,\"transfer\":null,\"publish_"
                  "at\":null,"
                  "\"expires_at\":null,\"priority\":null,\"on_unsure\":null,\"metadata\":null,"
                  "\"cover_index\":null"),
        "");
    assert_taken(VIDEO_JOB(SETTINGS("\"duet\":null,\"privacy_level\":null,\"autoAddMusic\":null")),
                 "");
    assert_refused_as(STR("{\"job_id\":null}"), &rules, "job_id: it is missing", "", "");
}

// ---- not a job at all

TEST(what_is_not_a_json_object_is_refused)
{
    static const char *const bad[] = { "",         "x", "[]",       "null", "7",
                                       "\"text\"", "{", "{\"a\":1", "{}x",  "\xFF" };
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_refused_as(str_of(bad[i]), &rules, "message", "", "");
}

TEST(the_same_key_twice_is_refused_and_named)
{
    assert_refused_as(STR("{\"job_id\":\"a\",\"job_id\":\"b\",\"account\":\"@x\"}"), &rules,
                      "\"job_id\" stands twice", "", "");
}

TEST(a_message_has_a_bound)
{
    struct job_rules tight  = rules;
    const char      *text   = VIDEO_JOB("");
    tight.message_max_bytes = (int64_t)strlen(text);
    struct job job          = taken_by(str_of(text), &tight);
    job_fini(&job);
    tight.message_max_bytes--;
    assert_refused_as(str_of(text), &tight, "are allowed (job.max_bytes)", "", "");
}

TEST(a_message_that_is_too_deep_is_refused)
{
    struct buf deep;
    buf_init(&deep, 4096);
    for (int i = 0; i < 1000; i++)
        buf_add_text(&deep, "{\"a\":");
    assert_refused_as(buf_str(&deep), &rules, "too deep", "", "");
    buf_fini(&deep);
}

TEST(kinds_of_messages_are_told_apart)
{
    static const struct {
        const char       *text;
        enum message_kind kind;
    } rows[] = {
        { VIDEO_JOB(""), MESSAGE_JOB },
        { "{}", MESSAGE_JOB },
        { " {\"caption\":\"command\"} ", MESSAGE_JOB },
        { "{\"metadata\":{\"command\":1}}", MESSAGE_JOB },
        { "{\"command\":\"cancel\",\"job_id\":\"j\"}", MESSAGE_COMMAND },
        { "{\"job_id\":\"j\",\"command\":null}", MESSAGE_COMMAND },
        { "", MESSAGE_GARBAGE },
        { "[]", MESSAGE_GARBAGE },
        { "[{\"command\":1}]", MESSAGE_GARBAGE },
        { "\"command\"", MESSAGE_GARBAGE },
        { "{\"command\":", MESSAGE_GARBAGE },
        { "{\"a\":1,\"a\":1}", MESSAGE_GARBAGE },
        { "\xFF\xFE{}", MESSAGE_GARBAGE },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (message_kind_of(str_of(rows[i].text), 1000) != rows[i].kind)
            fail_msg("%s", rows[i].text);
    assert_int_equal(message_kind_of((struct str){ 0 }, 1000), MESSAGE_GARBAGE);
    assert_int_equal(message_kind_of(STR("{}"), 2), MESSAGE_JOB);
    assert_int_equal(message_kind_of(STR("{}"), 1), MESSAGE_GARBAGE);
    assert_int_equal(message_kind_of(STR("{}"), 0), MESSAGE_GARBAGE);
}

// ---- who

TEST(ids_are_1_to_128_of_a_few_characters)
{
    char id[130];
    memset(id, 'a', sizeof id);
    assert_true(job_id_valid((struct str){ id, 1 }));
    assert_true(job_id_valid((struct str){ id, 128 }));
    assert_false(job_id_valid((struct str){ id, 129 }));
    assert_false(job_id_valid((struct str){ 0 }));
    assert_true(job_id_valid(STR("AZaz09._:-")));
    static const char *const bad[] = {
        "a b", "a/b", "a\n", "\xC3\xA9", "a{b}", "@a", "a\x7f", "a*"
    };
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_false(job_id_valid(str_of(bad[i])));
}

TEST(a_wrong_id_is_refused_and_the_account_still_read)
{
    static const char *const whys[][2] = {
        { "{\"account\":\"@x\"," CLIP "}", "job_id: it is missing; a text of 1 to 128 characters" },
        { "{\"job_id\":\"\",\"account\":\"@x\"," CLIP "}", "job_id: the text \"\" is not allowed" },
        { "{\"job_id\":\"a b\",\"account\":\"@x\"," CLIP "}",
          "job_id: the text \"a b\" is not allowed" },
        { "{\"job_id\":7,\"account\":\"@x\"," CLIP "}", "job_id: 7 is not allowed" },
        { "{\"job_id\":[],\"account\":\"@x\"," CLIP "}", "job_id: an array is not allowed" },
    };
    for (size_t i = 0; i < COUNT_OF(whys); i++)
        assert_refused_as(str_of(whys[i][0]), &rules, whys[i][1], "", "@x");
}

TEST(a_wrong_account_is_refused_and_the_id_still_read)
{
    static const char *const whys[][2] = {
        { "{\"job_id\":\"j\"," CLIP "}", "account: it is missing; an open_id or @alias" },
        { "{\"job_id\":\"j\",\"account\":\"\"," CLIP "}", "account: the text \"\" is not allowed" },
        { "{\"job_id\":\"j\",\"account\":\"@\"," CLIP "}",
          "account: the text \"@\" is not allowed" },
        { "{\"job_id\":\"j\",\"account\":\"a b\"," CLIP "}", "account: the text \"a b\"" },
        { "{\"job_id\":\"j\",\"account\":\"\xC3\xA9\"," CLIP "}", "account:" },
        { "{\"job_id\":\"j\",\"account\":true," CLIP "}", "account: true is not allowed" },
    };
    for (size_t i = 0; i < COUNT_OF(whys); i++)
        assert_refused_as(str_of(whys[i][0]), &rules, whys[i][1], "j", "");
}

TEST(an_account_may_have_128_characters)
{
    for (size_t length = 128; length <= 129; length++) {
        char account[130];
        char message[400];
        memset(account, 'a', sizeof account);
        account[length] = '\0';
        snprintf(message, sizeof message, "{\"job_id\":\"j\",\"account\":\"%s\"," CLIP "}",
                 account);
        if (length == 128) {
            struct job job = taken(message);
            assert_str(job.account, account);
            job_fini(&job);
        } else {
            assert_refused_as(str_of(message), &rules, "account:", "j", "");
        }
    }
}

TEST(open_ids_of_the_real_kind_are_accounts)
{
    assert_taken("{\"job_id\":\"j\",\"account\":\"-000YSS_abc-DEF\"," CLIP "}", "");
    assert_taken("{\"job_id\":\"j\",\"account\":\"723f24d7-e717-40f8-a2b6-cb8464cd23b4\"," CLIP "}",
                 "");
}

// ---- media

static void photos_message(struct buf *message, size_t count)
{
    buf_init(message, 64 * 1024);
    buf_add_text(message, "{" WHO ",\"media\":[");
    for (size_t i = 0; i < count; i++)
        buf_printf(message, "%s{\"url\":\"https://cdn.example.com/%zu.jpg\"}", i ? "," : "", i);
    buf_add_text(message, "]}");
}

TEST(photos_are_1_to_35_and_36_are_refused_under_their_id)
{
    struct buf message;
    photos_message(&message, 35);
    struct job job = taken_by(buf_str(&message), &rules);
    assert_int_equal(job.post.media, MEDIA_PHOTOS);
    assert_int_equal(job.post.url_count, 35);
    assert_str(job.post.urls[34], "https://cdn.example.com/34.jpg");
    job_fini(&job);
    buf_fini(&message);
    photos_message(&message, 36);
    assert_refused_as(buf_str(&message), &rules,
                      "media: 36 entries; it must be one video or 1 to 35 photos", "j-1",
                      "@brand.de");
    buf_fini(&message);
}

TEST(a_post_needs_media)
{
    assert_refused("{" WHO "}", "media: it is missing");
    assert_refused("{" WHO ",\"media\":[]}", "media: 0 entries");
    assert_refused("{" WHO ",\"media\":null}", "media: it is missing");
    assert_refused("{" WHO ",\"media\":\"https://cdn.example.com/a.mp4\"}", "media: the text");
    assert_refused("{" WHO ",\"media\":{\"url\":\"https://cdn.example.com/a.mp4\"}}",
                   "media: an object is not allowed");
    assert_refused("{" WHO ",\"media\":[\"https://cdn.example.com/a.mp4\"]}",
                   "media[0]: it must be an object");
    assert_refused("{" WHO ",\"media\":[{}]}", "media[0].url: it is missing");
    assert_refused("{" WHO ",\"media\":[{\"url\":7}]}",
                   "media[0].url: 7 is not allowed; it must be a text");
    assert_refused("{" WHO ",\"media\":[{\"url\":\"\"}]}", "media[0].url: it is empty");
    assert_refused("{" WHO ",\"media\":[{\"url\":\"http://cdn.example.com/a.mp4\"}]}",
                   "media[0].url: TikTok fetches only");
    assert_refused("{" WHO ",\"media\":[null]}", "media[0]: it must be an object");
}

TEST(the_kind_of_one_medium_is_its_type_or_the_ending_of_its_path)
{
    static const struct {
        const char     *entry;
        enum post_media media;
    } rows[] = {
        { "\"url\":\"https://c.example.com/a.jpg\"", MEDIA_PHOTOS },
        { "\"url\":\"https://c.example.com/a.JPEG?x=1\"", MEDIA_PHOTOS },
        { "\"url\":\"https://c.example.com/a.webp\"", MEDIA_PHOTOS },
        { "\"url\":\"https://c.example.com/a.mp4\"", MEDIA_VIDEO },
        { "\"url\":\"https://c.example.com/a.mov?thumb=a.jpg\"", MEDIA_VIDEO },
        { "\"url\":\"https://c.example.com/a\"", MEDIA_VIDEO },
        { "\"url\":\"https://c.example.com/a\",\"type\":\"photo\"", MEDIA_PHOTOS },
        { "\"url\":\"https://c.example.com/a.jpg\",\"type\":\"video\"", MEDIA_VIDEO },
        { "\"url\":\"https://c.example.com/a.mp4\",\"type\":\"photo\"", MEDIA_PHOTOS },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char message[300];
        snprintf(message, sizeof message, "{" WHO ",\"media\":[{%s}]}", rows[i].entry);
        struct job job = taken(message);
        assert_int_equal(job.post.media, rows[i].media);
        job_fini(&job);
    }
    assert_refused("{" WHO ",\"media\":[{\"url\":\"https://c.example.com/a\",\"type\":\"gif\"}]}",
                   "media[0].type: the text \"gif\" is not allowed; it must be one of video|photo");
}

TEST(several_media_are_photos_and_never_a_mix)
{
    struct job job = taken("{" WHO ",\"media\":[{\"url\":\"https://c.example.com/"
                           "1\"},{\"url\":\"https://c.example.com/2\"}]}");
    assert_int_equal(job.post.media, MEDIA_PHOTOS);
    job_fini(&job);
    assert_refused("{" WHO ",\"media\":[{\"url\":\"https://c.example.com/"
                   "1.jpg\"},{\"url\":\"https://c.example.com/2.mp4\"}]}",
                   "media: a video and a photo cannot be in one post");
    assert_refused("{" WHO ",\"media\":[{\"url\":\"https://c.example.com/1\",\"type\":\"photo\"},"
                   "{\"url\":\"https://c.example.com/2\",\"type\":\"video\"}]}",
                   "a video and a photo");
    assert_refused("{" WHO ",\"media\":[{\"url\":\"https://c.example.com/"
                   "1.mp4\"},{\"url\":\"https://c.example.com/2.mp4\"}]}",
                   "media: a video stands alone in a post; there are 2 entries");
    assert_refused("{" WHO ",\"media\":[{\"url\":\"https://c.example.com/"
                   "1.mp4\"},{\"url\":\"https://c.example.com/2\"}]}",
                   "a video stands alone");
}

TEST(png_is_taken_with_a_warning)
{
    assert_taken("{" WHO ",\"media\":[{\"url\":\"https://c.example.com/1.png\"},{\"url\":\"https://"
                 "c.example.com/2.PNG\"},"
                 "{\"url\":\"https://c.example.com/3.jpg\"}]}",
                 "media: 2 of 3 are PNG, which TikTok's guide does not list (JPEG, WebP)\n");
}

TEST(cover_fields_are_checked_and_kept)
{
    struct job job = taken("{" WHO ",\"media\":[{\"url\":\"https://c.example.com/1.jpg\"},"
                           "{\"url\":\"https://c.example.com/2.jpg\"}],\"cover_index\":1}");
    assert_int_equal(job.post.cover_index, 1);
    assert_true(job.post.given[FIELD_COVER_INDEX]);
    job_fini(&job);
    assert_taken(VIDEO_JOB(",\"cover_index\":0"), "");
    assert_refused(VIDEO_JOB(",\"cover_index\":1"), "cover_index: it has no meaning for a video");
    assert_refused(PHOTO_JOB(",\"cover_index\":1"), "cover_index: 1 is not within 0 to 0");
    assert_refused(PHOTO_JOB(",\"cover_index\":-1"),
                   "cover_index: -1 is not allowed; it must be a whole number from 0 to 34");
    assert_refused(PHOTO_JOB(",\"cover_index\":0.5"), "cover_index: 0.5 is not allowed");
    assert_refused(PHOTO_JOB(",\"cover_index\":\"0\""),
                   "cover_index: the text \"0\" is not allowed");
    assert_refused(
        "{" WHO ",\"media\":[{\"url\":\"https://c.example.com/1.mp4\",\"cover_timestamp_ms\":-1}]}",
        "media[0].cover_timestamp_ms: -1 is not allowed; it must be a whole number from 0 to "
        "2147483647");
    assert_refused(
        "{" WHO
        ",\"media\":[{\"url\":\"https://c.example.com/1.mp4\",\"cover_timestamp_ms\":2147483648}]}",
        "media[0].cover_timestamp_ms: 2147483648");
    assert_taken(
        "{" WHO
        ",\"media\":[{\"url\":\"https://c.example.com/1.mp4\",\"cover_timestamp_ms\":2147483647}]}",
        "");
    assert_taken("{" WHO
                 ",\"media\":[{\"url\":\"https://c.example.com/1.jpg\",\"cover_timestamp_ms\":5}]}",
                 "cover_timestamp_ms: not sent, TikTok does not take it for photos\n");
}
