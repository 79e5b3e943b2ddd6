// SPDX-License-Identifier: Apache-2.0
/* A message that is a job: what was decoded, written down as a message again, is the same job (by
 * the hash that tells repeats), and its post has a body for TikTok. What is refused says why, and
 * keeps an id only if it is one. */
#include <string.h>

#include "fuzz.h"
#include "io/json.h"
#include "job/job.h"
#include "loop/clock.h"

enum { MAX_BYTES = 64 * 1024 };

static const int64_t year_2000_ms = INT64_C(946684800000);
static const int64_t year_2100_ms = INT64_C(4102444800000);

static void set_time(struct json *object, const char *key, int64_t ms)
{
    char text[CLOCK_TEXT_BYTES];
    if (!ms)
        return;
    clock_format(ms, text);
    json_set_text(object, key, str_of(text));
}

static struct json *media_of(const struct post *post)
{
    struct json *media = json_array();
    for (size_t i = 0; i < post->url_count; i++) {
        struct json *medium = json_object();
        json_set_text(medium, "url", post->urls[i]);
        json_set_text(medium, "type", post->media == MEDIA_VIDEO ? STR("video") : STR("photo"));
        if (i == 0)
            json_set_i64(medium, "cover_timestamp_ms", post->cover_timestamp_ms);
        json_add(media, &medium);
    }
    return media;
}

static struct json *settings_of(const struct post *post)
{
    struct json *settings = json_object();
    json_set_text(settings, "content_posting_method",
                  post->mode == POST_DRAFT ? STR("UPLOAD") : STR("DIRECT_POST"));
    // what the fleet's default filled in is not part of the message
    if (post->given[FIELD_PRIVACY])
        json_set_text(settings, "privacy_level", post->privacy_level);
    json_set_bool(settings, "duet", post->duet);
    json_set_bool(settings, "comment", post->comment);
    json_set_bool(settings, "stitch", post->stitch);
    json_set_bool(settings, "video_made_with_ai", post->ai);
    json_set_bool(settings, "brand_content_toggle", post->brand_content);
    json_set_bool(settings, "brand_organic_toggle", post->brand_organic);
    json_set_bool(settings, "autoAddMusic", post->auto_music);
    return settings;
}

static void encode(const struct job *job, struct buf *message)
{
    static const char *const policies[] = { "hold", "retry", "fail" };
    struct json             *object     = json_object();
    struct json             *media      = media_of(&job->post);
    struct json             *settings   = settings_of(&job->post);
    json_set_text(object, "job_id", job->id);
    json_set_text(object, "account", job->account);
    json_set(object, "media", &media);
    json_set_i64(object, "cover_index", job->post.cover_index);
    json_set_text(object, "title", job->post.title);
    json_set_text(object, "caption", job->post.caption);
    json_set(object, "settings", &settings);
    if (job->transfer == TRANSFER_PULL)
        json_set_text(object, "transfer", STR("pull"));
    set_time(object, "publish_at", job->publish_at_ms);
    set_time(object, "expires_at", job->expires_at_ms);
    json_set_i64(object, "priority", job->priority);
    json_set_text(object, "on_unsure", str_of(policies[job->on_unsure]));
    if (job->metadata.len)
        json_set_raw(object, "metadata", job->metadata);
    json_print(object, message);
    json_free(object);
}

// an offset may have led out of the years that can be written with Z
static bool writable(int64_t ms)
{
    return ms == 0 || (ms >= year_2000_ms && ms < year_2100_ms);
}

static void check_again(const struct job *job, const struct job_rules *rules)
{
    struct job   again;
    struct error err;
    struct buf   message;
    buf_init(&message, MAX_BYTES * 4);
    encode(job, &message);
    struct job_rules wider = *rules;
    wider.message_max_bytes *= 4;
    bool ok = job_decode(buf_str(&message), &wider, &again, &err);
    assert(ok && strcmp(again.hash, job->hash) == 0);
    // a level that was given as "" was filled, and is written as what it was filled with
    assert(str_eq(again.metadata, job->metadata));
    assert(str_eq(again.post.privacy_level, job->post.privacy_level));
    job_fini(&again);
    buf_fini(&message);
}

static void check_good(const struct job *job, const struct job_rules *rules)
{
    struct error err;
    struct buf   body;
    assert(job_id_valid(job->id) && job->account.len && job->account.len <= ACCOUNT_TEXT_MAX);
    assert(job->post.url_count >= 1 && job->post.url_count <= POST_URLS_MAX);
    assert(job->priority >= 0 && job->priority <= 9 && job->metadata.len <= METADATA_MAX_BYTES);
    assert(!job->expires_at_ms || job->expires_at_ms > job->publish_at_ms);
    buf_init(&body, MAX_BYTES * 4);
    post_init_body(&job->post, &body);
    struct json *json = body.full ? NULL : json_parse(buf_str(&body), body.max, 8, &err);
    assert(json && json_is_object(json_get(json, "source_info")));
    json_free(json);
    buf_fini(&body);
    bool emptied = job->post.given[FIELD_PRIVACY] && job->post.mode == POST_DIRECT;
    if (!emptied && writable(job->publish_at_ms) && writable(job->expires_at_ms))
        check_again(job, rules);
}

static void check_warnings(struct str warnings)
{
    struct str rest = warnings, line;
    while (str_cut(&rest, '\n', &line) && line.len)
        assert(fuzz_holds(line, STR(": ")));
}

FUZZ(job)
{
    struct job       job;
    struct error     err;
    struct job_rules rules = { .message_max_bytes = MAX_BYTES, .privacy_default = "SELF_ONLY" };
    if (job_decode(input, &rules, &job, &err)) {
        assert(message_kind_of(input, MAX_BYTES) != MESSAGE_GARBAGE);
        check_good(&job, &rules);
        if (!job.warnings.full)
            check_warnings(buf_str(&job.warnings));
    } else {
        fuzz_check_message(err.message);
        assert(!job.id.len || job_id_valid(job.id));
        assert(job.account.len <= ACCOUNT_TEXT_MAX);
    }
    job_fini(&job);
}
