// SPDX-License-Identifier: Apache-2.0
#include "job/job_hash.h"

#include <assert.h>
#include <stdio.h>

enum { HASHED_MAX_BYTES = 1024 * 1024 };

static void add_text(struct buf *buf, struct str text)
{
    buf_add_i64(buf, (int64_t)text.len);
    buf_add_char(buf, ':');
    buf_add(buf, text);
}

static void add_number(struct buf *buf, int64_t number)
{
    buf_add_i64(buf, number);
    buf_add_char(buf, ';');
}

static void add_post(struct buf *buf, const struct post *post)
{
    add_number(buf, post->mode == POST_DRAFT);
    add_number(buf, post->media == MEDIA_PHOTOS);
    add_number(buf, (int64_t)post->url_count);
    for (size_t i = 0; i < post->url_count; i++)
        add_text(buf, post->urls[i]);
    add_text(buf, post->title);
    add_text(buf, post->caption);
    add_text(buf, post->privacy_level);
    add_number(buf, post->duet);
    add_number(buf, post->comment);
    add_number(buf, post->stitch);
    add_number(buf, post->ai);
    add_number(buf, post->brand_content);
    add_number(buf, post->brand_organic);
    add_number(buf, post->auto_music);
    add_number(buf, post->cover_timestamp_ms);
    add_number(buf, post->cover_index);
}

void job_hash(struct job *job)
{
    struct buf hashed;
    char       hex[SHA256_HEX_BYTES];
    buf_init(&hashed, HASHED_MAX_BYTES);
    add_text(&hashed, STR("job 1"));
    add_text(&hashed, job->id);
    add_text(&hashed, job->account);
    add_post(&hashed, &job->post);
    add_number(&hashed, (int64_t)job->transfer);
    add_number(&hashed, job->publish_at_ms);
    add_number(&hashed, job->expires_at_ms);
    add_number(&hashed, job->priority);
    add_number(&hashed, (int64_t)job->on_unsure);
    assert(!hashed.full);
    sha256_hex(buf_str(&hashed), hex);
    snprintf(job->hash, sizeof job->hash, "%.*s", JOB_HASH_BYTES - 1, hex);
    buf_fini(&hashed);
}
