// SPDX-License-Identifier: Apache-2.0
/* Decoding, in the order in which an upstream wants to hear of its mistakes:
 *
 *     message ─► size, JSON ─► who (id, account) ─► media ─► settings, texts ─► when and how
 *             ─► hash ─► the fleet's default ─► post_check ─► warnings
 */
#include "job/job.h"

#include <assert.h>
#include <stdio.h>
#include <strings.h>

#include "io/json.h"
#include "job/job_hash.h"
#include "job/job_read.h"
#include "tiktok/media_url.h"

enum { PRIORITY_DEFAULT = 5 };

static bool is_id_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == ':' || c == '-';
}

bool job_id_valid(struct str id)
{
    for (size_t i = 0; i < id.len; i++)
        if (!is_id_char(id.p[i]))
            return false;
    return id.len >= 1 && id.len <= JOB_ID_MAX;
}

// An open_id is opaque, but no key and no log line is to break by one.
static bool account_valid(struct str account)
{
    for (size_t i = 0; i < account.len; i++)
        if (account.p[i] <= ' ' || account.p[i] >= 0x7f)
            return false;
    return account.len >= 1 && account.len <= ACCOUNT_TEXT_MAX && !str_is(account, "@");
}

// Whatever is wrong with one of the two, the other is still read.
static bool read_who(struct job *job, const struct json *root, struct error *err)
{
    struct field id      = field_of(root, "", "job_id");
    struct field account = field_of(root, "", "account");
    bool         id_ok   = json_is_text(id.value) && job_id_valid(json_text(id.value));
    bool         who_ok  = json_is_text(account.value) && account_valid(json_text(account.value));
    if (id_ok)
        job->id = arena_copy(&job->arena, json_text(id.value));
    if (who_ok)
        job->account = arena_copy(&job->arena, json_text(account.value));
    if (!id_ok)
        return field_bad(&id, "a text of 1 to 128 characters of A-Z a-z 0-9 . _ : -", err);
    if (!who_ok)
        return field_bad(&account, "an open_id or @alias of 1 to 128 visible ASCII characters",
                         err);
    return true;
}

static bool read_when(struct job *job, const struct json *root, struct error *err)
{
    struct field publish_at = field_of(root, "", "publish_at");
    struct field expires_at = field_of(root, "", "expires_at");
    if (!field_time(&publish_at, &job->publish_at_ms, err) ||
        !field_time(&expires_at, &job->expires_at_ms, err))
        return false;
    if (job->expires_at_ms && job->publish_at_ms && job->expires_at_ms <= job->publish_at_ms)
        return error_set(err, ERR_INPUT, "expires_at: it must be later than publish_at");
    return true;
}

static bool read_transfer(struct job *job, const struct json *root, struct error *err)
{
    struct field field    = field_of(root, "", "transfer");
    int          transfer = 0;
    if (!field_choice(&field, "auto|pull|upload", &transfer, err))
        return false;
    if (transfer == 2 && job->post.media == MEDIA_PHOTOS)
        return error_set(err, ERR_INPUT,
                         "transfer: photos cannot be uploaded, TikTok only fetches them; "
                         "use \"pull\" or leave it out");
    if (transfer == 2)
        return error_set(err, ERR_INPUT,
                         "transfer: uploads are not built yet; use \"pull\" or leave it out, with "
                         "the media on a domain that is verified for the TikTok app");
    job->transfer = transfer == 1 ? TRANSFER_PULL : TRANSFER_AUTO;
    return true;
}

static bool read_metadata(struct job *job, const struct json *root, struct error *err)
{
    struct field field = field_of(root, "", "metadata");
    struct buf   printed;
    if (!field.value)
        return true;
    if (!json_is_object(field.value))
        return field_bad(&field, "an object", err);
    buf_init(&printed, METADATA_MAX_BYTES);
    json_print_value(field.value, &printed);
    bool fits = !printed.full;
    if (fits)
        job->metadata = arena_copy(&job->arena, buf_str(&printed));
    buf_fini(&printed);
    return fits || error_set(err, ERR_INPUT, "metadata: it is longer than %d bytes of JSON",
                             METADATA_MAX_BYTES);
}

static bool read_how(struct job *job, const struct json *root, struct error *err)
{
    struct field priority  = field_of(root, "", "priority");
    struct field on_unsure = field_of(root, "", "on_unsure");
    int          unsure    = 0;
    if (!field_i64(&priority, 0, 9, &job->priority, err) ||
        !field_choice(&on_unsure, "hold|retry|fail", &unsure, err))
        return false;
    job->on_unsure = (enum on_unsure)unsure;
    return read_transfer(job, root, err) && read_metadata(job, root, err);
}

static bool fill_privacy(struct job *job, const struct job_rules *rules, struct error *err)
{
    struct post *post = &job->post;
    if (post->mode == POST_DRAFT || post->privacy_level.len)
        return true;
    post->privacy_level = arena_copy(&job->arena, str_of(rules->privacy_default));
    if (!post->privacy_level.len)
        return error_set(
            err, ERR_INPUT,
            "settings.privacy_level: it is missing; for DIRECT_POST this fleet requires one "
            "of PUBLIC_TO_EVERYONE, MUTUAL_FOLLOW_FRIENDS, FOLLOWER_OF_CREATOR, SELF_ONLY");
    return true;
}

static void warn_png(struct job *job)
{
    size_t count = 0;
    for (size_t i = 0; i < job->post.url_count; i++) {
        struct str extension = media_url_extension(job->post.urls[i]);
        count += extension.len == 3 && strncasecmp(extension.p, "png", 3) == 0;
    }
    if (count && job->post.media == MEDIA_PHOTOS)
        buf_printf(&job->warnings,
                   "media: %zu of %zu are PNG, which TikTok's guide does not list (JPEG, WebP)\n",
                   count, job->post.url_count);
}

static void warn_all_unknown(struct job *job, const struct json *root)
{
    const struct json *media = json_get(root, "media");
    char               prefix[32];
    size_t             i = 0;
    warn_unknown(
        job, root, "",
        "job_id|account|media|caption|title|settings|transfer|publish_at|expires_at|priority|"
        "on_unsure|metadata|cover_index");
    warn_unknown(job, json_get(root, "settings"), "settings.",
                 "content_posting_method|privacy_level|duet|comment|stitch|video_made_with_ai|"
                 "brand_content_toggle|"
                 "brand_organic_toggle|autoAddMusic|title|description");
    for (const struct json *entry = json_at(media, 0); entry; entry = json_next(entry)) {
        snprintf(prefix, sizeof prefix, "media[%zu].", i++);
        warn_unknown(job, entry, prefix, "url|type|cover_timestamp_ms");
    }
}

static bool decode_tree(struct job *job, const struct json *root, const struct job_rules *rules,
                        struct error *err)
{
    if (!json_is_object(root))
        return error_set(err, ERR_INPUT, "the message is not a JSON object");
    if (!read_who(job, root, err) || !job_read_media(job, root, err) ||
        !job_read_settings(job, root, err) || !read_when(job, root, err) ||
        !read_how(job, root, err))
        return false;
    job_hash(job);
    if (!fill_privacy(job, rules, err) || !post_check(&job->post, &job->warnings, err))
        return false;
    warn_png(job);
    warn_all_unknown(job, root);
    return true;
}

bool job_decode(struct str message, const struct job_rules *rules, struct job *job,
                struct error *err)
{
    assert(rules->message_max_bytes > 0);
    *job    = (struct job){ .priority = PRIORITY_DEFAULT };
    job->id = job->account = job->metadata = (struct str){ "", 0 };
    job->post.title = job->post.caption = job->post.privacy_level = (struct str){ "", 0 };
    buf_init(&job->warnings, JOB_WARNINGS_MAX_BYTES);
    if (message.len > (size_t)rules->message_max_bytes)
        return error_set(err, ERR_INPUT,
                         "the message has %zu bytes; at most %" PRId64
                         " are allowed (job.max_bytes)",
                         message.len, rules->message_max_bytes);
    struct json *root = json_parse(message, (size_t)rules->message_max_bytes, JOB_DEPTH_MAX, err);
    if (!root)
        return error_wrap(err, "the message");
    bool ok = decode_tree(job, root, rules, err);
    json_free(root);
    return ok;
}

void job_fini(struct job *job)
{
    buf_fini(&job->warnings);
    arena_fini(&job->arena);
    *job = (struct job){ 0 };
}

enum message_kind message_kind_of(struct str message, int64_t max_bytes)
{
    struct error ignored;
    if (max_bytes <= 0 || message.len > (size_t)max_bytes)
        return MESSAGE_GARBAGE;
    struct json      *root = json_parse(message, (size_t)max_bytes, JOB_DEPTH_MAX, &ignored);
    enum message_kind kind = !json_is_object(root)       ? MESSAGE_GARBAGE
                             : json_get(root, "command") ? MESSAGE_COMMAND
                                                         : MESSAGE_JOB;
    json_free(root);
    return kind;
}
