// SPDX-License-Identifier: Apache-2.0
#include "producer/tool/words.h"

#include <assert.h>
#include <stdio.h>

#include "base/memory.h"
#include "loop/clock.h"

void words_count(int64_t number, struct buf *out)
{
    char digits[24];
    int  len = snprintf(digits, sizeof digits, "%" PRIi64, number);
    for (int i = 0; i < len; i++) {
        bool separates = i > 0 && (len - i) % 3 == 0 && digits[i - 1] != '-';
        if (separates)
            buf_add_char(out, ',');
        buf_add_char(out, digits[i]);
    }
}

void words_plural(int64_t number, const char *noun, struct buf *out)
{
    words_count(number, out);
    buf_printf(out, " %s%s", noun, number == 1 ? "" : "s");
}

void words_age(int64_t ms, struct buf *out)
{
    int64_t s = ms / 1000;
    if (ms < 0)
        buf_add_text(out, "0 s");
    else if (s < 120)
        buf_printf(out, "%" PRIi64 " s", s);
    else if (s < 2 * 3600)
        buf_printf(out, "%" PRIi64 " min", s / 60);
    else if (s < 48 * 3600)
        buf_printf(out, "%" PRIi64 " h", s / 3600);
    else
        buf_printf(out, "%" PRIi64 " d", s / 86400);
}

void words_bytes(int64_t bytes, struct buf *out)
{
    static const char *const units[] = { "KiB", "MiB", "GiB", "TiB" };
    if (bytes < 1024) {
        buf_printf(out, "%" PRIi64 " bytes", bytes);
        return;
    }
    double number = (double)bytes / 1024;
    size_t unit   = 0;
    while (number >= 1024 && unit + 1 < COUNT_OF(units)) {
        number /= 1024;
        unit++;
    }
    buf_printf(out, "%.1f %s", number, units[unit]);
}

void words_time(int64_t wall_ms, int64_t now_ms, struct buf *out)
{
    char text[CLOCK_TEXT_BYTES];
    clock_format(wall_ms, text);
    // 2026-12-01T17:30:00.000Z, without the T and the fraction
    buf_printf(out, "%.10s %.8sZ ", text, text + 11);
    if (wall_ms > now_ms) {
        buf_add_text(out, "(in ");
        words_age(wall_ms - now_ms, out);
        buf_add_text(out, ")");
    } else {
        buf_add_text(out, "(");
        words_age(now_ms - wall_ms, out);
        buf_add_text(out, " ago)");
    }
}

void words_bar(int64_t part, int64_t whole, int width, struct buf *out)
{
    int64_t filled = whole > 0 ? part * width / whole : 0;
    if (part > 0 && filled == 0)
        filled = 1;
    buf_add_char(out, '[');
    for (int i = 0; i < width; i++)
        buf_add_char(out, i < filled ? '#' : '.');
    buf_add_char(out, ']');
}

const char *words_state(enum job_state state)
{
    static const char *const words[JOB_STATE_COUNT] = {
        [JOB_NONE]       = "not known yet",
        [JOB_QUEUED]     = "waits for its turn",
        [JOB_CLAIMED]    = "a worker has taken it; nothing was sent yet",
        [JOB_UPLOADING]  = "its bytes are on their way to TikTok",
        [JOB_SENDING]    = "the request that may publish it is on its way",
        [JOB_PROCESSING] = "TikTok accepted it and is working on it",
        [JOB_UNSURE] = "nobody knows whether TikTok published it: it is not sent again on a guess",
        [JOB_PUBLISHED] = "it is on TikTok",
        [JOB_IN_INBOX]  = "delivered to the creator's inbox, to be posted by hand",
        [JOB_FAILED]    = "failed for good",
        [JOB_REJECTED]  = "rejected: it was never sent",
        [JOB_EXPIRED]   = "expired before it was sent",
        [JOB_CANCELLED] = "cancelled before it was sent",
    };
    assert(state < JOB_STATE_COUNT);
    return words[state];
}

static const char *const event_words[JOB_EVENT_COUNT] = {
    [ON_INGEST]      = "taken from Kafka",
    [ON_BAD]         = "its message is wrong",
    [ON_TOO_OLD]     = "its message is too old to know what became of it",
    [ON_CLAIM]       = "a worker takes it",
    [ON_CANCEL]      = "cancelled",
    [ON_EXPIRE]      = "its time ran out",
    [ON_REJECT]      = "refused before it was sent",
    [ON_RELEASE]     = "given back before it was sent",
    [ON_LEASE_END]   = "its worker went silent",
    [ON_INTENT]      = "the intent is on Kafka: the request goes out",
    [ON_UPLOAD]      = "the upload begins",
    [ON_REFUSE]      = "TikTok refused it for good",
    [ON_ACCEPT]      = "TikTok accepted it",
    [ON_NOT_SENT]    = "surely not sent, or refused for now",
    [ON_DOUBT]       = "no clear answer from TikTok",
    [ON_FOUND]       = "found at TikTok",
    [ON_FEWER_BYTES] = "TikTok has fewer bytes than were sent",
    [ON_COMPLETE]    = "TikTok published it",
    [ON_INBOX]       = "TikTok delivered it to the inbox",
    [ON_FAIL]        = "it failed",
    [ON_AGAIN]       = "TikTok failed it for a reason worth another attempt",
    [ON_HORIZON]     = "TikTok told no end in time",
    [ON_RETRY]       = "another attempt",
};

enum paint words_paint(enum job_state state)
{
    if (state == JOB_PUBLISHED || state == JOB_IN_INBOX)
        return GREEN;
    if (state == JOB_UNSURE)
        return YELLOW;
    return job_state_is_end(state) && state != JOB_CANCELLED ? RED : PLAIN;
}

const char *words_event(enum job_event event)
{
    assert(event < JOB_EVENT_COUNT);
    return event_words[event];
}

bool words_event_parse(struct str text, enum job_event *event)
{
    for (enum job_event e = ON_INGEST; e < JOB_EVENT_COUNT; e++)
        if (str_is(text, job_event_text(e))) {
            *event = e;
            return true;
        }
    return false;
}

const char *words_tiktok(struct str status)
{
    static const struct {
        const char *status;
        const char *words;
    } rows[] = {
        { "PROCESSING_DOWNLOAD", "TikTok is fetching the media" },
        { "PROCESSING_UPLOAD", "TikTok is receiving the bytes" },
        { "SEND_TO_USER_INBOX", "in the creator's inbox" },
        { "PUBLISH_COMPLETE", "published" },
        { "FAILED", "failed" },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (str_is(status, rows[i].status))
            return rows[i].words;
    return NULL;
}

enum { WORD_MAX = 32 };

// edits between two short words (insert, drop, change), one row of the matrix at a time
static size_t distance(struct str a, struct str b)
{
    size_t row[WORD_MAX + 1];
    for (size_t j = 0; j <= b.len; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        size_t diagonal = row[0];
        row[0]          = i;
        for (size_t j = 1; j <= b.len; j++) {
            size_t above  = row[j];
            size_t change = diagonal + (a.p[i - 1] != b.p[j - 1]);
            size_t other  = (above < row[j - 1] ? above : row[j - 1]) + 1;
            row[j]        = change < other ? change : other;
            diagonal      = above;
        }
    }
    return row[b.len];
}

const char *words_nearest(struct str typed, const char *const *candidates, size_t count)
{
    const char *nearest = NULL;
    size_t      least   = SIZE_MAX;
    if (!typed.len || typed.len > WORD_MAX)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        struct str candidate = str_of(candidates[i]);
        if (candidate.len > WORD_MAX)
            continue;
        size_t edits = distance(typed, candidate);
        if (edits < least) {
            least   = edits;
            nearest = candidates[i];
        }
    }
    return least <= 1 + typed.len / 4 ? nearest : NULL;
}
