// SPDX-License-Identifier: Apache-2.0
#include "verdicts.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

enum { WORDS_MAX = 256, LINES_MAX = 256, CALLS_MAX = 256, LINE_MAX_BYTES = 64 * 1024 };

static int compare_strs(const void *left, const void *right)
{
    const struct str *a = left, *b = right;
    return str_compare(*a, *b);
}

static void say_sorted(struct str *words, size_t count, struct buf *said)
{
    qsort(words, count, sizeof *words, compare_strs);
    for (size_t i = 0; i < count; i++)
        buf_printf(said, " %.*s", STR_ARG(words[i]));
    buf_add_text(said, "|");
}

static void say_words(struct str list, struct buf *said)
{
    struct str words[WORDS_MAX], word;
    size_t     count = 0;
    while (list.len && count < WORDS_MAX && str_cut(&list, ' ', &word))
        words[count++] = word;
    say_sorted(words, count, said);
}

static void say_calls(struct replay *replay, size_t i, struct buf *said, struct arena *arena)
{
    struct replay_call calls[CALLS_MAX];
    struct str         lines[CALLS_MAX];
    size_t             count = replay_calls(replay, i, 1000, calls, CALLS_MAX);
    for (size_t c = 0; c < count; c++) {
        struct buf line;
        buf_init(&line, LINE_MAX_BYTES);
        buf_printf(&line, "%.*s/%.*s/%.*s/%" PRIi64 "/%d", STR_ARG(calls[c].account),
                   STR_ARG(calls[c].epoch), STR_ARG(calls[c].mode), calls[c].at_ms,
                   calls[c].aborted);
        lines[c] = arena_copy(arena, buf_str(&line));
        buf_fini(&line);
    }
    say_sorted(lines, count, said);
}

static void say_text(struct buf *said, struct str text)
{
    buf_printf(said, "%.*s|", STR_ARG(text));
}

static void say_number(struct buf *said, int64_t number)
{
    buf_printf(said, "%" PRIi64 "|", number);
}

static void say_verdict(struct replay *replay, size_t i, struct buf *said, struct arena *arena)
{
    struct replay_verdict v;
    replay_verdict(replay, i, &v);
    assert(v.job_id.len && (v.says == REPLAY_NOTHING || v.says == REPLAY_END || v.epoch.len));
    assert(v.says != REPLAY_END || v.end_state.len);
    say_text(said, v.job_id);
    say_number(said, v.says);
    struct str texts[] = { v.epoch,   v.account,  v.mode,          v.publish_id, v.end_state,
                           v.event,   v.source,   v.message,       v.said,       v.code,
                           v.post_id, v.post_url, v.message_source };
    for (size_t t = 0; t < COUNT_OF(texts); t++)
        say_text(said, texts[t]);
    int64_t numbers[] = { v.attempt, v.at_ms,         v.message_at_ms,
                          v.told_ms, v.publish_at_ms, v.expires_at_ms };
    for (size_t n = 0; n < COUNT_OF(numbers); n++)
        say_number(said, numbers[n]);
    // the ids are told oldest first, the others in no order
    say_text(said, v.commands);
    say_words(v.aborted, said);
    say_words(v.voids, said);
    say_calls(replay, i, said, arena);
}

static void say_pause(struct replay *replay, size_t i, struct buf *said)
{
    struct replay_pause pause;
    bool                counts = replay_pause(replay, i, &pause);
    buf_printf(said, "pause %.*s %.*s %d %d %" PRIi64, STR_ARG(pause.command->id),
               STR_ARG(pause.command->account), (int)pause.command->what, counts,
               counts ? pause.at_ms : 0);
}

void verdicts_say(struct replay *replay, struct buf *said)
{
    struct str   lines[LINES_MAX];
    struct arena arena = { 0 };
    size_t       jobs = replay_jobs(replay), pauses = replay_pauses(replay), count = 0;
    for (size_t i = 0; i < jobs + pauses && count < LINES_MAX; i++) {
        struct buf line;
        buf_init(&line, LINE_MAX_BYTES * 16);
        if (i < jobs)
            say_verdict(replay, i, &line, &arena);
        else
            say_pause(replay, i - jobs, &line);
        lines[count++] = arena_copy(&arena, buf_str(&line));
        buf_fini(&line);
    }
    buf_printf(said, "%" PRIi64 "\n", replay_generation(replay));
    qsort(lines, count, sizeof *lines, compare_strs);
    for (size_t i = 0; i < count; i++) {
        buf_add(said, lines[i]);
        buf_add_char(said, '\n');
    }
    assert(!said->full);
    arena_fini(&arena);
}
