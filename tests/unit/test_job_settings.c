// SPDX-License-Identifier: Apache-2.0
// links: tokfleet_job
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "job_case.h"

// ---- texts and settings

static void assert_caption(size_t units, const char *media, const char *why)
{
    struct buf message;
    buf_init(&message, 64 * 1024);
    buf_printf(&message, "{" WHO ",%s,\"caption\":\"", media);
    for (size_t i = 0; i < units / 2; i++)
        buf_add_text(&message, "\xF0\x9F\x8E\xAC");
    buf_printf(&message, "%s\"}", units % 2 ? "x" : "");
    if (why) {
        assert_refused(buf_text(&message), why);
    } else {
        struct job job = taken_by(buf_str(&message), &rules);
        job_fini(&job);
    }
    buf_fini(&message);
}

TEST(captions_have_2200_utf16_units_for_a_video_and_4000_for_photos)
{
    assert_caption(2200, CLIP, NULL);
    assert_caption(2201, CLIP, "caption: 2201 UTF-16 units; at most 2200 are allowed for a video");
    assert_caption(4000, PICTURE, NULL);
    assert_caption(4001, PICTURE,
                   "caption: 4001 UTF-16 units; at most 4000 are allowed for photos");
}

TEST(escaped_surrogates_count_as_two_units)
{
    struct job job   = taken(VIDEO_JOB(",\"caption\":\"\\uD83C\\uDFAC\""));
    size_t     units = 0;
    assert_str(job.post.caption, "\xF0\x9F\x8E\xAC");
    assert_true(str_utf16_units(job.post.caption, &units));
    assert_int_equal(units, 2);
    job_fini(&job);
}

TEST(title_and_description_of_the_settings_are_taken_when_the_top_has_none)
{
    struct job job = taken(PHOTO_JOB(SETTINGS("\"title\":\"T\",\"description\":\"D\"")));
    assert_str(job.post.title, "T");
    assert_str(job.post.caption, "D");
    assert_true(job.post.given[FIELD_TITLE] && job.post.given[FIELD_CAPTION]);
    job_fini(&job);
    job = taken(PHOTO_JOB(
        ",\"title\":\"\",\"caption\":\"D\"" SETTINGS("\"title\":\"T\",\"description\":\"D\"")));
    assert_str(job.post.title, "T");
    assert_str(job.post.caption, "D");
    job_fini(&job);
    job = taken(PHOTO_JOB(",\"caption\":\"D\"" SETTINGS("\"description\":\"\"")));
    assert_str(job.post.caption, "D");
    job_fini(&job);
}

TEST(two_different_texts_for_one_place_are_refused)
{
    assert_refused(PHOTO_JOB(",\"title\":\"A\"" SETTINGS("\"title\":\"B\"")),
                   "title: it differs from settings.title; give one of the two");
    assert_refused(PHOTO_JOB(",\"caption\":\"A\"" SETTINGS("\"description\":\"B\"")),
                   "caption: it differs from settings.description; give one of the two");
}

TEST(a_title_on_a_video_is_a_warning)
{
    assert_taken(VIDEO_JOB(",\"title\":\"T\""),
                 "title: not sent, TikTok does not take it for a video\n");
}

TEST(settings_have_their_kinds)
{
    static const char *const flags[] = { "duet",
                                         "comment",
                                         "stitch",
                                         "video_made_with_ai",
                                         "brand_content_toggle",
                                         "brand_organic_toggle" };
    for (size_t i = 0; i < COUNT_OF(flags); i++) {
        char message[300];
        char why[120];
        snprintf(message, sizeof message, VIDEO_JOB(SETTINGS("\"%s\":true")), flags[i]);
        assert_taken(message, "");
        snprintf(message, sizeof message, VIDEO_JOB(SETTINGS("\"%s\":\"yes\"")), flags[i]);
        snprintf(why, sizeof why,
                 "settings.%s: the text \"yes\" is not allowed; it must be true or false",
                 flags[i]);
        assert_refused(message, why);
        snprintf(message, sizeof message, VIDEO_JOB(SETTINGS("\"%s\":1")), flags[i]);
        assert_refused(message, "1 is not allowed; it must be true or false");
    }
    assert_refused(VIDEO_JOB(",\"settings\":[]"),
                   "settings: an array is not allowed; it must be an object");
    assert_refused(VIDEO_JOB(",\"caption\":7"), "caption: 7 is not allowed; it must be a text");
    assert_refused(VIDEO_JOB(SETTINGS("\"description\":{}")),
                   "settings.description: an object is not allowed");
    assert_refused(VIDEO_JOB(SETTINGS("\"privacy_level\":true")),
                   "settings.privacy_level: true is not allowed");
}

TEST(auto_music_is_yes_or_no_or_a_boolean)
{
    static const struct {
        const char *value;
        bool        on;
    } rows[] = { { "\"yes\"", true }, { "\"no\"", false }, { "true", true }, { "false", false } };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char message[300];
        snprintf(message, sizeof message, PHOTO_JOB(SETTINGS("\"autoAddMusic\":%s")),
                 rows[i].value);
        struct job job = taken(message);
        assert_int_equal(job.post.auto_music, rows[i].on);
        job_fini(&job);
    }
    assert_refused(
        PHOTO_JOB(SETTINGS("\"autoAddMusic\":\"Yes\"")),
        "settings.autoAddMusic: the text \"Yes\" is not allowed; it must be \"yes\" or \"no\"");
    assert_refused(PHOTO_JOB(SETTINGS("\"autoAddMusic\":1")), "settings.autoAddMusic: 1");
}

TEST(the_posting_method_is_direct_or_upload)
{
    struct job job = taken(VIDEO_JOB(SETTINGS("\"content_posting_method\":\"UPLOAD\"")));
    assert_int_equal(job.post.mode, POST_DRAFT);
    assert_str(job.post.privacy_level, "");
    assert_string_equal(buf_text(&job.warnings), "");
    job_fini(&job);
    assert_refused(
        VIDEO_JOB(SETTINGS("\"content_posting_method\":\"upload\"")),
        "settings.content_posting_method: the text \"upload\" is not allowed; it must be one of "
        "DIRECT_POST|UPLOAD");
}

TEST(a_draft_warns_of_what_it_drops)
{
    assert_taken(
        VIDEO_JOB(SETTINGS(
            "\"content_posting_method\":\"UPLOAD\",\"privacy_level\":\"SELF_ONLY\",\"duet\":false,"
            "\"comment\":true")),
        "privacy_level: not sent, TikTok does not take it for a video draft\n"
        "comment: not sent, TikTok does not take it for a video draft\n");
}

TEST(the_fleet_may_require_a_privacy_level)
{
    struct job_rules strict = rules;
    strict.privacy_default  = "";
    assert_refused_as(STR(VIDEO_JOB("")), &strict, "settings.privacy_level: it is missing", "j-1",
                      "@brand.de");
    strict.privacy_default = NULL;
    assert_refused_as(STR(VIDEO_JOB("")), &strict, "settings.privacy_level: it is missing", "j-1",
                      "@brand.de");
    struct job job = taken_by(STR(VIDEO_JOB(SETTINGS("\"privacy_level\":\"SELF_ONLY\""))), &strict);
    assert_str(job.post.privacy_level, "SELF_ONLY");
    job_fini(&job);
    job = taken_by(STR(VIDEO_JOB(SETTINGS("\"content_posting_method\":\"UPLOAD\""))), &strict);
    job_fini(&job);
    assert_refused(VIDEO_JOB(SETTINGS("\"privacy_level\":\"PUBLIC\"")),
                   "privacy_level: \"PUBLIC\" is not one of");
}

TEST(branded_content_for_the_creator_alone_is_refused)
{
    assert_refused(
        VIDEO_JOB(SETTINGS("\"privacy_level\":\"SELF_ONLY\",\"brand_content_toggle\":true")),
        "SELF_ONLY");
}

// ---- when and how

TEST(times_are_checked_and_named)
{
    assert_refused(VIDEO_JOB(",\"publish_at\":\"tomorrow\""),
                   "publish_at: \"tomorrow\" is not a time");
    assert_refused(VIDEO_JOB(",\"expires_at\":\"2026-12-01T00:00:00\""),
                   "expires_at: \"2026-12-01T00:00:00\" has no offset");
    assert_refused(VIDEO_JOB(",\"publish_at\":1796146200000"), "publish_at:");
    assert_refused(VIDEO_JOB(",\"publish_at\":\"\""), "publish_at:");
}

TEST(a_job_expires_after_it_is_due)
{
    assert_taken(
        VIDEO_JOB(
            ",\"publish_at\":\"2026-12-01T18:00:00Z\",\"expires_at\":\"2026-12-01T18:00:00.001Z\""),
        "");
    assert_taken(VIDEO_JOB(",\"expires_at\":\"2001-12-01T18:00:00Z\""), "");
    assert_refused(
        VIDEO_JOB(
            ",\"publish_at\":\"2026-12-01T18:00:00Z\",\"expires_at\":\"2026-12-01T18:00:00Z\""),
        "expires_at: it must be later than publish_at");
    assert_refused(VIDEO_JOB(",\"publish_at\":\"2026-12-01T18:00:00Z\",\"expires_at\":\"2026-12-"
                             "01T18:30:00+01:00\""),
                   "expires_at: it must be later than publish_at");
}

TEST(priority_is_0_to_9)
{
    static const struct {
        const char *value;
        int         wanted;  // -1: refused
    } rows[] = { { "0", 0 },    { "9", 9 },      { "-1", -1 },   { "10", -1 },
                 { "5.5", -1 }, { "\"5\"", -1 }, { "true", -1 }, { "12345678901234567890", -1 } };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char message[300];
        snprintf(message, sizeof message, VIDEO_JOB(",\"priority\":%s"), rows[i].value);
        if (rows[i].wanted < 0) {
            assert_refused(message, "is not allowed; it must be a whole number from 0 to 9");
            continue;
        }
        struct job job = taken(message);
        assert_int_equal(job.priority, rows[i].wanted);
        job_fini(&job);
    }
}

TEST(what_happens_in_doubt_is_chosen)
{
    static const char *const words[] = { "hold", "retry", "fail" };
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        char message[300];
        snprintf(message, sizeof message, VIDEO_JOB(",\"on_unsure\":\"%s\""), words[i]);
        struct job job = taken(message);
        assert_int_equal(job.on_unsure, (enum on_unsure)i);
        job_fini(&job);
    }
    assert_refused(VIDEO_JOB(",\"on_unsure\":\"ask\""),
                   "on_unsure: the text \"ask\" is not allowed; it must be one of hold|retry|fail");
}

TEST(uploads_are_refused_with_the_reason)
{
    struct job job = taken(VIDEO_JOB(",\"transfer\":\"auto\""));
    assert_int_equal(job.transfer, TRANSFER_AUTO);
    job_fini(&job);
    assert_refused(VIDEO_JOB(",\"transfer\":\"upload\""), "transfer: uploads are not built yet");
    assert_refused(PHOTO_JOB(",\"transfer\":\"upload\""), "transfer: photos cannot be uploaded");
    assert_refused(VIDEO_JOB(",\"transfer\":\"push\""),
                   "transfer: the text \"push\" is not allowed");
}

TEST(metadata_is_an_object_of_at_most_4_kib)
{
    for (size_t bytes = 4096; bytes <= 4097; bytes++) {
        struct buf message;
        buf_init(&message, 8192);
        buf_add_text(&message, "{" WHO "," CLIP ",\"metadata\": { \"a\" : \"");
        for (size_t i = 0; i < bytes - 8; i++)  // {"a":""}
            buf_add_char(&message, 'x');
        buf_add_text(&message, "\" } }");
        if (bytes == 4096) {
            struct job job = taken(buf_text(&message));
            assert_int_equal(job.metadata.len, 4096);
            job_fini(&job);
        } else {
            assert_refused(buf_text(&message), "metadata: it is longer than 4096 bytes of JSON");
        }
        buf_fini(&message);
    }
    assert_refused(VIDEO_JOB(",\"metadata\":[]"),
                   "metadata: an array is not allowed; it must be an object");
    assert_refused(VIDEO_JOB(",\"metadata\":\"x\""), "metadata: the text \"x\"");
    assert_taken(VIDEO_JOB(",\"metadata\":{\"any\":[{\"thing\":null}]}"), "");
}
