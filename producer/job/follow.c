// SPDX-License-Identifier: Apache-2.0
#include "producer/job/follow.h"

#include "base/memory.h"
#include "loop/clock.h"
#include "producer/job/timeline.h"
#include "producer/job/view.h"
#include "producer/tool/words.h"

enum { LOOK_MS = 200, PATIENCE_MS = 5000 };

struct following {
    const struct follow *follow;     // borrowed
    int64_t              began_ms;   // monotonic
    struct buf           last;       // the last line of the timeline that was printed
    int64_t              before_ms;  // its time
    struct buf           doing;      // that was printed last
    bool                 told_wait;  // that nobody has taken it yet
    bool                 saw;        // Redis has answered before
    bool                 told_lost;  // that it does not any more
    bool                 judged;     // the message came to nothing, which was told
};

int follow_ending(enum job_state state)
{
    if (state == JOB_PUBLISHED || state == JOB_IN_INBOX)
        return END_WELL;
    if (state == JOB_UNSURE)
        return END_UNSURE;
    return job_state_is_end(state) ? END_BAD : END_GOING;
}

static bool is_last(const struct following *f, struct str line)
{
    return f->last.len && str_eq(line, buf_str(&f->last));
}

// the lines after the one that was printed last; the list is trimmed in front
static void print_new_lines(struct tool *tool, struct following *f, const struct job_view *view)
{
    size_t count = job_view_lines(view);
    size_t i     = count;
    while (i > 0 && !is_last(f, job_view_line(view, i - 1)))
        i--;
    for (; i < count; i++) {
        struct timeline_line line;
        if (!timeline_parse(job_view_line(view, i), &line))
            continue;
        timeline_print(&line, f->before_ms, &tool->out);
        f->before_ms = line.at_ms;
    }
    if (count) {
        buf_clear(&f->last);
        buf_add(&f->last, job_view_line(view, count - 1));
    }
}

// what TikTok says of it, or what it waits for when that is more than its turn
static void add_doing(const struct following *f, const struct job_view *view, struct buf *doing)
{
    struct str  status = job_view_field(view, "tiktok_status");
    const char *words  = words_tiktok(status);
    int64_t     bytes =
        job_view_number(view, "downloaded_bytes") + job_view_number(view, "uploaded_bytes");
    if (job_view_state(view) == JOB_QUEUED) {
        // as of the arrow that led here, so that it stays the same until the next one
        job_view_add_waiting(view, f->before_ms, doing);
        if (str_is(buf_str(doing), words_state(JOB_QUEUED)))
            buf_clear(doing);
    } else if (job_view_state(view) == JOB_PROCESSING && status.len) {
        buf_add_text(doing, "TikTok says ");
        buf_add_visible(doing, status);
        if (words)
            buf_printf(doing, ": %s", words);
        if (bytes > 0) {
            buf_add_text(doing, ", ");
            words_bytes(bytes, doing);
        }
    }
}

static void print_doing(struct tool *tool, struct following *f, const struct job_view *view)
{
    struct buf doing;
    buf_init(&doing, 1024);
    add_doing(f, view, &doing);
    if (doing.len && !str_eq(buf_str(&doing), buf_str(&f->doing))) {
        out_paint(&tool->out, FAINT, "  %38s %s\n", "", buf_text(&doing));
        buf_clear(&f->doing);
        buf_add(&f->doing, buf_str(&doing));
    }
    buf_fini(&doing);
}

// Our message passed ingest, and the job is another message's: the same content, or a dead
// letter. -1: ours, or not yet.
static int judge_source(struct tool *tool, const struct following *f, const struct job_view *view)
{
    const struct follow *follow = f->follow;
    if (!follow->source || str_is(job_view_field(view, "source"), follow->source) ||
        job_view_watermark(view) <= follow->offset)
        return -1;
    if (!job_view_found(view)) {
        tool_note(tool,
                  "the message was read and no job came of it: see the dead letters on %s.dlq",
                  tool->config.fleet);
        return END_BAD;
    }
    if (str_is(job_view_field(view, "hash"), follow->hash))
        return -1;
    tool_note(tool,
              "job_id %s was known before, with other content: this message is a dead letter and "
              "changed nothing.\n"
              "Send it under a new --job-id. That job is %.*s: tokfleet job %s",
              follow->job_id, STR_ARG(job_view_field(view, "state")), follow->job_id);
    return END_BAD;
}

static void tell_waiting(struct tool *tool, struct following *f)
{
    if (f->told_wait || clock_monotonic_ms() - f->began_ms < PATIENCE_MS)
        return;
    f->told_wait = true;
    tool_note(tool, "no worker has read it yet; `tokfleet status` shows which programs are alive");
}

// is what the view shows about our message at all?
static bool is_ours(const struct following *f, const struct job_view *view)
{
    return !f->follow->source || str_is(job_view_field(view, "source"), f->follow->source) ||
           job_view_watermark(view) > f->follow->offset;
}

// Redis that answered before may come back: the job does not depend on our looking
static int lost_sight(struct tool *tool, struct following *f, const struct error *err)
{
    if (!f->saw || tool->interrupted)
        return tool_fail(tool, err);
    if (!f->told_lost)
        tool_note(tool, "%s; looking again", err->message);
    f->told_lost = true;
    return END_GOING;
}

static int look(struct tool *tool, struct following *f, struct job_view *view, struct error *err)
{
    if (!job_view_load(tool, f->follow->job_id, f->follow->partition, view, err))
        return lost_sight(tool, f, err);
    f->saw       = true;
    f->told_lost = false;
    int code     = judge_source(tool, f, view);
    f->judged    = code >= 0;
    if (f->judged)
        return code;
    if (!job_view_found(view) || !is_ours(f, view)) {
        tell_waiting(tool, f);
        return END_GOING;
    }
    if (!f->follow->quiet) {
        print_new_lines(tool, f, view);
        print_doing(tool, f, view);
        out_flush(&tool->out);
    }
    return follow_ending(job_view_state(view));
}

static void print_end(struct tool *tool, const struct follow *follow, const struct job_view *view,
                      int code)
{
    struct out *out = &tool->out;
    struct buf  text;
    if (follow->quiet || !job_view_found(view) || code == END_GOING)
        return;
    buf_init(&text, 4096);
    if (code != END_WELL)
        buf_add_visible(&text, job_view_field(view, "error_cause"));
    else if (job_view_field(view, "post_url").len)
        buf_add_visible(&text, job_view_field(view, "post_url"));
    else
        buf_add_visible(&text, job_view_field(view, "post_id"));
    out_paint(out,
              code == END_WELL     ? GREEN
              : code == END_UNSURE ? YELLOW
                                   : RED,
              "%.*s", STR_ARG(job_view_field(view, "state")));
    out_printf(out, "%s%s\n", text.len ? "  " : "", buf_text(&text));
    buf_clear(&text);
    buf_add_visible(&text, job_view_field(view, "error_remedy"));
    if (code != END_WELL && text.len)
        out_printf(out, "what to do: %s\n", buf_text(&text));
    buf_fini(&text);
}

int follow_job(struct tool *tool, const struct follow *follow)
{
    struct following f = { .follow = follow, .began_ms = clock_monotonic_ms() };
    struct error     err;
    int              code;
    buf_init(&f.last, 8192);
    buf_init(&f.doing, 1024);
    for (;;) {
        struct job_view view = { 0 };
        code                 = look(tool, &f, &view, &err);
        if (code != END_GOING && !f.judged)
            print_end(tool, follow, &view, code);
        job_view_fini(&view);
        if (code != END_GOING || out_closed(&tool->out))
            break;
        if (clock_monotonic_ms() - f.began_ms >= follow->timeout_ms) {
            tool_note(tool, "still going on after %" PRIi64 " s; look again with: tokfleet job %s",
                      follow->timeout_ms / 1000, follow->job_id);
            break;
        }
        if (!tool_idle(tool, LOOK_MS)) {
            tool_note(tool, "interrupted: the job goes on; look again with: tokfleet job %s",
                      follow->job_id);
            code = END_INTERRUPTED;
            break;
        }
    }
    buf_fini(&f.last);
    buf_fini(&f.doing);
    return code;
}
