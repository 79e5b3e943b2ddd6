// SPDX-License-Identifier: Apache-2.0
// links: tokfleet_job
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "job_case.h"

// ---- warnings

TEST(unknown_fields_are_warnings_wherever_they_stand)
{
    assert_taken("{" WHO ",\"media\":[{\"url\":\"https://c.example.com/1.jpg\"},"
                 "{\"url\":\"https://c.example.com/"
                 "2.jpg\",\"id\":\"x\"}],\"settings\":{\"__type\":\"tiktok\"},\"tags\":[],"
                 "\"Caption\":\"x\"}",
                 "tags: unknown field, not used\n"
                 "Caption: unknown field, not used\n"
                 "settings.__type: unknown field, not used\n"
                 "media[1].id: unknown field, not used\n");
}

TEST(a_warning_is_one_line_whatever_the_unknown_field_is_called)
{
    assert_taken("{" WHO "," CLIP ",\"a\\nb: \\u001b[2J\\u009b\":1}",
                 "a?b: ?[2J?: unknown field, not used\n");
}

TEST(warnings_are_bounded_and_those_of_the_post_come_first)
{
    struct buf message;
    buf_init(&message, 256 * 1024);
    buf_add_text(&message, "{" WHO "," CLIP ",\"title\":\"T\"");
    for (int i = 0; i < 3000; i++)
        buf_printf(&message, ",\"a_field_that_nobody_knows_and_that_has_a_long_name_%d\":1", i);
    buf_add_text(&message, "}");
    assert_false(message.full);
    struct job job = taken_by(buf_str(&message), &rules);
    assert_true(job.warnings.len <= JOB_WARNINGS_MAX_BYTES);
    assert_true(job.warnings.full);
    assert_true(str_starts(buf_str(&job.warnings), "title: not sent"));
    assert_true(str_ends(buf_str(&job.warnings), "not used\n"));
    job_fini(&job);
    buf_fini(&message);
}

TEST(all_that_a_draft_can_drop_fits_into_the_warnings)
{
    struct job job = taken("{" WHO ",\"media\":[{\"url\":\"https://c.example.com/"
                           "1.mp4\",\"cover_timestamp_ms\":9}],\"title\":\"T\"" SETTINGS(
                               "\"content_posting_method\":\"UPLOAD\",\"privacy_level\":"
                               "\"SELF_ONLY\",\"duet\":true,\"comment\":true,"
                               "\"stitch\":true,\"video_made_with_ai\":true,\"brand_"
                               "content_toggle\":true,\"brand_organic_toggle\":true,"
                               "\"autoAddMusic\":\"yes\"") "}");
    assert_false(job.warnings.full);
    assert_non_null(strstr(buf_text(&job.warnings), "cover_timestamp_ms: not sent"));
    job_fini(&job);
}

// ---- the same content

static void assert_hash_alike(const char *a, const char *b, bool alike)
{
    struct job one = taken(a);
    struct job two = taken(b);
    if ((strcmp(one.hash, two.hash) == 0) != alike)
        fail_msg("%s and %s", a, b);
    job_fini(&one);
    job_fini(&two);
}

TEST(spelling_order_defaults_metadata_and_unknown_fields_do_not_change_the_content)
{
    assert_hash_alike(VIDEO_JOB(",\"caption\":\"\\u0061\""),
                      "{ \"caption\" : \"a\" , " CLIP ", " WHO "}", true);
    assert_hash_alike(VIDEO_JOB(""), VIDEO_JOB(",\"metadata\":{\"a\":1}"), true);
    assert_hash_alike(VIDEO_JOB(""), VIDEO_JOB(",\"tags\":1"), true);
    assert_hash_alike(VIDEO_JOB(""),
                      VIDEO_JOB(",\"priority\":5,\"on_unsure\":\"hold\",\"transfer\":\"auto\""),
                      true);
    assert_hash_alike(
        VIDEO_JOB(""),
        VIDEO_JOB(SETTINGS("\"duet\":false,\"content_posting_method\":\"DIRECT_POST\"")), true);
    assert_hash_alike(VIDEO_JOB(",\"publish_at\":\"2026-12-01T18:30:00+01:00\""),
                      VIDEO_JOB(",\"publish_at\":\"2026-12-01T17:30:00Z\""), true);
    assert_hash_alike(VIDEO_JOB(",\"caption\":\"D\""), VIDEO_JOB(SETTINGS("\"description\":\"D\"")),
                      true);
}

TEST(every_field_changes_the_content)
{
    static const char *const others[] = {
        "{\"job_id\":\"j-2\",\"account\":\"@brand.de\"," CLIP "}",
        "{\"job_id\":\"j-1\",\"account\":\"@brand.at\"," CLIP "}",
        "{" WHO ",\"media\":[{\"url\":\"https://cdn.example.com/clip2.mp4\"}]}",
        "{" WHO ",\"media\":[{\"url\":\"https://cdn.example.com/clip.mp4\",\"type\":\"photo\"}]}",
        "{" WHO
        ",\"media\":[{\"url\":\"https://cdn.example.com/clip.mp4\",\"cover_timestamp_ms\":1}]}",
        VIDEO_JOB(",\"caption\":\"a\""),
        VIDEO_JOB(",\"title\":\"a\""),
        VIDEO_JOB(",\"priority\":4"),
        VIDEO_JOB(",\"on_unsure\":\"fail\""),
        VIDEO_JOB(",\"transfer\":\"pull\""),
        VIDEO_JOB(",\"publish_at\":\"2026-12-01T17:30:00Z\""),
        VIDEO_JOB(",\"expires_at\":\"2026-12-01T17:30:00Z\""),
        VIDEO_JOB(SETTINGS("\"content_posting_method\":\"UPLOAD\"")),
        VIDEO_JOB(SETTINGS("\"privacy_level\":\"SELF_ONLY\"")),
        VIDEO_JOB(SETTINGS("\"duet\":true")),
        VIDEO_JOB(SETTINGS("\"comment\":true")),
        VIDEO_JOB(SETTINGS("\"stitch\":true")),
        VIDEO_JOB(SETTINGS("\"video_made_with_ai\":true")),
        VIDEO_JOB(SETTINGS("\"brand_content_toggle\":true")),
        VIDEO_JOB(SETTINGS("\"brand_organic_toggle\":true")),
        VIDEO_JOB(SETTINGS("\"autoAddMusic\":\"yes\"")),
    };
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        assert_hash_alike(VIDEO_JOB(""), others[i], false);
        for (size_t k = 0; k < i; k++)
            assert_hash_alike(others[i], others[k], false);
    }
    assert_hash_alike(
        "{" WHO
        ",\"media\":[{\"url\":\"https://c.example.com/1\"},{\"url\":\"https://c.example.com/2\"}]}",
        "{" WHO
        ",\"media\":[{\"url\":\"https://c.example.com/2\"},{\"url\":\"https://c.example.com/1\"}]}",
        false);
    assert_hash_alike(PHOTO_JOB(",\"title\":\"ab\",\"caption\":\"c\""),
                      PHOTO_JOB(",\"title\":\"a\",\"caption\":\"bc\""), false);
}

TEST(the_privacy_default_of_the_fleet_is_not_part_of_the_content)
{
    struct job_rules other = rules;
    other.privacy_default  = "SELF_ONLY";
    struct job a           = taken(VIDEO_JOB(""));
    struct job b           = taken_by(STR(VIDEO_JOB("")), &other);
    assert_string_equal(a.hash, b.hash);
    assert_str(b.post.privacy_level, "SELF_ONLY");
    job_fini(&a);
    job_fini(&b);
}

// ---- memory

TEST(a_decoded_job_does_not_point_into_the_message)
{
    const char *text    = VIDEO_JOB(",\"caption\":\"hello\",\"metadata\":{\"a\":1}");
    char       *message = xstrdup(text);
    struct job  job     = taken(message);
    memset(message, 'x', strlen(text));
    free(message);
    assert_str(job.id, "j-1");
    assert_str(job.post.caption, "hello");
    assert_str(job.post.urls[0], "https://cdn.example.com/clip.mp4");
    assert_str(job.metadata, "{\"a\":1}");
    job_fini(&job);
    job_fini(&job);
}

TEST(a_message_cut_anywhere_is_refused)
{
    static const char whole[] =
        VIDEO_JOB(",\"caption\":\"h\xC3\xA9llo\"" SETTINGS("\"duet\":true"));
    for (size_t len = 0; len < sizeof whole - 1; len++) {
        char        *copy = xmalloc(len);
        struct job   job;
        struct error err;
        memcpy(copy, whole, len);
        assert_false(job_decode((struct str){ copy, len }, &rules, &job, &err));
        job_fini(&job);
        free(copy);
    }
}
