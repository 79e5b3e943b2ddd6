// SPDX-License-Identifier: Apache-2.0
// links: tokfleet_producer
#include "producer/send/post.h"

#include <string.h>

#include "job/job.h"
#include "producer/tool/moment.h"
#include "unit.h"

static const struct job_rules rules = { 262144, "PUBLIC_TO_EVERYONE" };
static struct buf             message;

static struct post_options video(void)
{
    return (struct post_options){
        .account            = "@brand.de",
        .videos             = { { "https://cdn.example.com/clip.mp4" }, 1 },
        .cover_timestamp_ms = -1,
        .cover_index        = -1,
        .priority           = -1,
    };
}

static bool make(const struct post_options *options, struct error *err)
{
    buf_fini(&message);
    buf_init(&message, 262144);
    return post_message(options, "j1", 0, &message, err);
}

TEST(the_least_post_is_a_job_that_the_decoder_takes_without_a_warning)
{
    struct post_options options = video();
    struct error        err;
    struct job          job;
    assert_true(make(&options, &err));
    assert_str(buf_str(&message),
               "{\"job_id\":\"j1\",\"account\":\"@brand.de\",\"media\":[{\"url\":"
               "\"https://cdn.example.com/clip.mp4\",\"type\":\"video\"}],\"settings\":"
               "{\"content_posting_method\":\"DIRECT_POST\"}}");
    assert_true(job_decode(buf_str(&message), &rules, &job, &err));
    assert_int_equal(job.warnings.len, 0);
    job_fini(&job);
    buf_fini(&message);
}

TEST(every_flag_of_a_video_reaches_the_job)
{
    struct post_options options = video();
    struct error        err;
    struct job          job;
    options.caption = "Morning \"light\"";
    options.privacy = "SELF_ONLY";
    options.duet = options.comment = options.stitch = options.ai = options.brand_organic = true;
    options.cover_timestamp_ms                                                           = 1200;
    options.publish_at = "2026-12-01T18:30:00+01:00";
    options.expires_at = "2026-12-01T22:00:00+01:00";
    options.priority   = 9;
    options.on_unsure  = "fail";
    options.transfer   = "pull";
    options.metadata   = "{\"order\":991}";
    assert_true(make(&options, &err));
    assert_true(job_decode(buf_str(&message), &rules, &job, &err));
    assert_str(job.post.caption, "Morning \"light\"");
    assert_str(job.post.privacy_level, "SELF_ONLY");
    assert_true(job.post.duet && job.post.comment && job.post.stitch && job.post.ai);
    assert_true(job.post.brand_organic && !job.post.brand_content);
    assert_int_equal(job.post.cover_timestamp_ms, 1200);
    assert_int_equal(job.expires_at_ms - job.publish_at_ms, 12600000);
    assert_int_equal(job.priority, 9);
    assert_int_equal(job.on_unsure, UNSURE_FAIL);
    assert_int_equal(job.transfer, TRANSFER_PULL);
    assert_str(job.metadata, "{\"order\":991}");
    job_fini(&job);
    buf_fini(&message);
}

TEST(one_photo_without_an_extension_is_still_a_photo)
{
    struct post_options options = video();
    struct error        err;
    struct job          job;
    options.videos.count = 0;
    options.photos       = (struct flag_texts){ { "https://cdn.example.com/1" }, 1 };
    options.title        = "One view";
    options.auto_music   = true;
    options.cover_index  = 0;
    assert_true(make(&options, &err));
    assert_true(job_decode(buf_str(&message), &rules, &job, &err));
    assert_int_equal(job.post.media, MEDIA_PHOTOS);
    assert_true(job.post.auto_music);
    assert_str(job.post.title, "One view");
    job_fini(&job);
    buf_fini(&message);
}

TEST(a_draft_goes_to_the_inbox)
{
    struct post_options options = video();
    struct error        err;
    options.draft = true;
    assert_true(make(&options, &err));
    assert_non_null(strstr(buf_text(&message), "\"content_posting_method\":\"UPLOAD\""));
    buf_fini(&message);
}

TEST(what_no_message_can_say_is_refused_with_its_flag)
{
    struct error        err;
    struct post_options options = video();
    options.account             = NULL;
    assert_false(make(&options, &err));
    assert_non_null(strstr(err.message, "--account"));
    options              = video();
    options.videos.count = 0;
    assert_false(make(&options, &err));
    assert_non_null(strstr(err.message, "--video"));
    options        = video();
    options.photos = (struct flag_texts){ { "https://cdn.example.com/1.jpg" }, 1 };
    assert_false(make(&options, &err));
    options          = video();
    options.metadata = "{\"a\":";
    assert_false(make(&options, &err));
    assert_non_null(strstr(err.message, "--metadata"));
    options            = video();
    options.publish_at = "tomorrow";
    assert_false(make(&options, &err));
    assert_non_null(strstr(err.message, "--publish-at"));
    buf_fini(&message);
}

TEST(a_time_from_now_is_written_as_a_time)
{
    struct error err;
    struct json *job = json_object();
    assert_true(moment_set(job, "publish_at", "--publish-at", NULL, 1000, &err));
    assert_null(json_get(job, "publish_at"));
    assert_true(moment_set(job, "publish_at", "--publish-at", "+30m", 1000, &err));
    assert_str(json_text(json_get(job, "publish_at")), "1970-01-01T00:30:01.000Z");
    assert_false(moment_set(job, "publish_at", "--publish-at", "+30x", 1000, &err));
    assert_non_null(strstr(err.message, "--publish-at"));
    assert_false(moment_set(job, "publish_at", "--publish-at", "+99999d", 1000, &err));
    json_free(job);
}
