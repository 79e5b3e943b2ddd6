// SPDX-License-Identifier: Apache-2.0
#include "producer/send/check.h"

#include <string.h>

#include "loop/clock.h"
#include "producer/tool/verb.h"
#include "producer/tool/words.h"

enum { PROGRESS_MS = 200, TURN_EVERY = 64 };

bool check_time_to_tell(struct check *check)
{
    int64_t now_ms = clock_monotonic_ms();
    if (!check->tool->err.terminal || now_ms - check->told_ms < PROGRESS_MS)
        return false;
    check->told_ms = now_ms;
    return true;
}

void check_clear_progress(struct check *check)
{
    if (check->tool->err.terminal)
        out_printf(&check->tool->err, "\r\033[K");
}

static void tell_progress(struct check *check)
{
    struct buf text;
    if (!check_time_to_tell(check))
        return;
    buf_init(&text, 128);
    words_count((int64_t)check->read, &text);
    out_printf(&check->tool->err, "\r\033[Kchecking: %s lines", buf_text(&text));
    out_flush(&check->tool->err);
    buf_fini(&text);
}

static void tell_bad(struct check *check, const struct error *err)
{
    check->bad++;
    if (check->bad > (uint64_t)check->options->errors)
        return;
    check_clear_progress(check);
    out_printf(&check->tool->err, "line %" PRIu64 ": %s\n", feed_line(check->feed), err->message);
    struct json *one = json_object();
    json_set_i64(one, "line", (int64_t)feed_line(check->feed));
    json_set_text(one, "why", str_of(err->message));
    json_add(check->errors, &one);
}

static bool check_offset(const char *offset, struct error *err)
{
    char    text[64];
    int64_t ms;
    if (!offset)
        return true;
    snprintf(text, sizeof text, "2026-12-01T00:00:00%.20s", offset);
    return (offset[0] && time_parse(str_of(text), &ms, err)) ||
           error_set(err, ERR_SETTING, "--utc-offset %.20s: Z, or one like +01:00 is wanted",
                     offset);
}

bool check_open(struct check *check, struct tool *tool, const char *path,
                const struct check_options *options, struct error *err)
{
    const char      *name   = options->format;
    enum feed_format format = !name ? FEED_AUTO : strcmp(name, "csv") == 0 ? FEED_CSV : FEED_NDJSON;
    check->tool             = tool;
    check->options          = options;
    check->rules =
        (struct job_rules){ tool->config.job_max_bytes, tool->config.job_privacy_default };
    check->errors = json_array();
    check->seen   = seen_new(SEEN_MAX);
    if (!check_offset(options->utc_offset, err))
        return false;
    check->feed =
        feed_open(path, format, options->utc_offset, (size_t)tool->config.job_max_bytes, err);
    return check->feed != NULL;
}

enum verdict check_message(struct str message, uint64_t line, const struct job_rules *rules,
                           struct seen *seen, struct job *job, struct error *err)
{
    uint64_t first;
    if (!job_decode(message, rules, job, err))
        return CHECK_BAD;
    switch (seen_add(seen, job->id, job->hash, line, &first)) {
    case SEEN_SAME:
        return CHECK_REPEAT;
    case SEEN_OTHER:
        error_set(err, ERR_INPUT, "job_id: %.*s stands on line %" PRIu64 " with other content",
                  STR_ARG(job->id), first);
        return CHECK_BAD;
    case SEEN_FIRST:
    case SEEN_FULL:
        break;
    }
    return CHECK_GOOD;
}

enum verdict check_next(struct check *check, struct str *message, struct job *job,
                        struct error *err)
{
    enum verdict verdict = CHECK_BAD;
    switch (feed_next(check->feed, message, err)) {
    case FEED_END:
        return CHECK_END;
    case FEED_FAILED:
        return CHECK_FAILED;
    case FEED_BAD:
        return CHECK_BAD;
    case FEED_MESSAGE:
        break;
    }
    verdict = check_message(*message, feed_line(check->feed), &check->rules, check->seen, job, err);
    if (verdict == CHECK_BAD)
        feed_blame(check->feed, err);
    return verdict;
}

bool check_all(struct check *check, struct error *err)
{
    struct str message;
    for (;;) {
        struct job   job     = { 0 };
        enum verdict verdict = check_next(check, &message, &job, err);
        check->read += verdict < CHECK_END;
        check->good += verdict == CHECK_GOOD;
        check->repeats += verdict == CHECK_REPEAT;
        check->warned += verdict == CHECK_GOOD && job.warnings.len > 0;
        if (verdict == CHECK_BAD)
            tell_bad(check, err);
        job_fini(&job);
        tell_progress(check);
        if (check->read % TURN_EVERY == 0)
            tool_turn(check->tool, 0);
        if (verdict < CHECK_END && !check->tool->interrupted)
            continue;
        check_clear_progress(check);
        if (check->tool->interrupted)
            return error_set(err, ERR_NOT_SENT, "interrupted");
        return verdict == CHECK_END;
    }
}

void check_tell_more(const struct check *check)
{
    uint64_t told = (uint64_t)check->options->errors;
    if (check->bad > told)
        tool_note(check->tool, "%" PRIu64 " more bad lines (--errors N lists more)",
                  check->bad - told);
}

void check_json(struct check *check, struct json *object)
{
    json_set_i64(object, "lines", (int64_t)check->read);
    json_set_i64(object, "good", (int64_t)check->good);
    json_set_i64(object, "repeats", (int64_t)check->repeats);
    json_set_i64(object, "bad", (int64_t)check->bad);
    json_set_i64(object, "with_warnings", (int64_t)check->warned);
    json_set(object, "errors", &check->errors);
}

static void add_figure(struct buf *text, uint64_t number, const char *what)
{
    if (!number)
        return;
    buf_add_text(text, ", ");
    words_count((int64_t)number, text);
    buf_printf(text, " %s", what);
}

void check_words(const struct check *check, struct buf *out)
{
    words_plural((int64_t)check->read, feed_is_table(check->feed) ? "row" : "line", out);
    buf_add_text(out, ": ");
    words_plural((int64_t)check->good, "job", out);
    add_figure(out, check->repeats, "repeats of an earlier line (not sent twice)");
    add_figure(out, check->bad, "bad");
    add_figure(out, check->warned, "with warnings");
}

void check_fini(struct check *check)
{
    json_free(check->errors);
    seen_free(check->seen);
    feed_free(check->feed);
}
