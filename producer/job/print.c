// SPDX-License-Identifier: Apache-2.0
// What `tokfleet job ID` prints for people.
#include "job/job.h"
#include "producer/job/timeline.h"
#include "producer/job/view.h"
#include "producer/tool/words.h"

enum { LINE_MAX_BYTES = 8192 };

// what a page needs, so that its lines stay short
struct page {
    const struct job_view *view;
    struct out            *out;
    int64_t                now_ms;
    struct buf             line;  // scratch
};

static struct buf *scratch(struct page *page)
{
    buf_clear(&page->line);
    return &page->line;
}

static void print_line(struct page *page, const char *label, enum paint paint)
{
    out_paint(page->out, FAINT, "  %-12s ", label);
    out_paint(page->out, paint, "%s", buf_text(&page->line));
    out_printf(page->out, "\n");
}

static void print_text(struct page *page, const char *label, struct str text, enum paint paint)
{
    if (!text.len)
        return;
    buf_add_visible(scratch(page), text);
    print_line(page, label, paint);
}

static void print_time(struct page *page, const char *label, int64_t ms)
{
    if (ms <= 0)
        return;
    words_time(ms, page->now_ms, scratch(page));
    print_line(page, label, PLAIN);
}

static enum paint paint_of(enum job_state state)
{
    if (state == JOB_PUBLISHED || state == JOB_IN_INBOX)
        return GREEN;
    if (state == JOB_UNSURE)
        return YELLOW;
    return job_state_is_end(state) ? RED : BOLD;
}

// why a QUEUED job waits, as far as its hash and its account's tell
static void add_why_waiting(struct page *page, struct buf *out)
{
    const struct job_view *view    = page->view;
    const struct answer   *account = &view->account.reply.answer;
    int64_t                due     = job_view_number(view, "t_due");
    int64_t                after   = 0;
    if (!job_view_field(view, "account").len) {
        buf_add_text(out, "waits for account ");
        buf_add_visible(out, job_view_field(view, "account_text"));
        buf_add_text(out, " to be connected (tokfleet account add)");
    } else if (due > page->now_ms) {
        buf_add_text(out, job_view_number(view, "attempt") > 0 ? "waits for its next attempt at "
                                                               : "scheduled for ");
        words_time(due, page->now_ms, out);
    } else if (answer_field(account, "paused").len) {
        buf_add_text(out, "waits because its account is paused by ");
        buf_add_visible(out, answer_field(account, "paused_by"));
        buf_add_text(out, ": ");
        buf_add_visible(out, answer_field(account, "paused_why"));
    } else if (answer_field(&view->breaker.reply.answer, "paused").len) {
        buf_add_text(out, "waits because the fleet is paused by ");
        buf_add_visible(out, answer_field(&view->breaker.reply.answer, "paused_by"));
        buf_add_text(out, ": ");
        buf_add_visible(out, answer_field(&view->breaker.reply.answer, "paused_why"));
    } else if (str_is(answer_field(account, "status"), "parked")) {
        buf_add_text(out, "waits because its account is parked: ");
        buf_add_visible(out, answer_field(account, "parked_why"));
    } else if (answer_field(account, "refused_rev").len &&
               str_eq(answer_field(account, "refused_rev"), answer_field(account, "rev"))) {
        buf_add_text(out, "waits because its account's token is being refreshed");
    } else if (str_to_i64(answer_field(account, "after"), &after) && after > page->now_ms) {
        buf_add_text(out, "waits because its account may not act before ");
        words_time(after, page->now_ms, out);
        buf_add_text(out, ": ");
        buf_add_visible(out, answer_field(account, "after_why"));
    } else {
        buf_add_text(out, words_state(JOB_QUEUED));
    }
}

static void print_state(struct page *page, const char *job_id)
{
    enum job_state state = job_view_state(page->view);
    buf_add_visible(scratch(page), str_of(job_id));
    out_paint(page->out, BOLD, "%s\n", buf_text(&page->line));
    struct buf *line = scratch(page);
    buf_printf(line, "%.*s: ", STR_ARG(job_view_field(page->view, "state")));
    if (state == JOB_QUEUED)
        add_why_waiting(page, line);
    else
        buf_add_text(line, words_state(state));
    print_line(page, "state", paint_of(state));
    struct str warnings = job_view_field(page->view, "warnings");
    struct str warning;
    print_text(page, "error", job_view_field(page->view, "error_code"), RED);
    print_text(page, "cause", job_view_field(page->view, "error_cause"), PLAIN);
    print_text(page, "what to do", job_view_field(page->view, "error_remedy"), PLAIN);
    while (str_cut(&warnings, '\n', &warning))
        print_text(page, "warning", warning, YELLOW);
}

static void print_account(struct page *page)
{
    struct str account = job_view_field(page->view, "account");
    struct str text    = job_view_field(page->view, "account_text");
    buf_add_visible(scratch(page), text);
    if (account.len && !str_eq(account, text)) {
        buf_add_text(&page->line, " (");
        buf_add_visible(&page->line, account);
        buf_add_text(&page->line, ")");
    }
    print_line(page, "account", PLAIN);
}

// what is to be posted, as its message says
static void print_message(struct page *page, const struct job_rules *rules)
{
    struct job   job = { 0 };
    struct error err;
    struct str   message = page->view->asks[VIEW_MESSAGE].reply.answer.text;
    if (message.len && job_decode(message, rules, &job, &err)) {
        const char *label = job.post.media == MEDIA_VIDEO ? "video" : "photo";
        for (size_t i = 0; i < job.post.url_count; i++)
            print_text(page, label, job.post.urls[i], PLAIN);
        print_text(page, "title", job.post.title, PLAIN);
        print_text(page, "caption", str_utf8_prefix(job.post.caption, 120), PLAIN);
        print_text(page, "privacy", job.post.privacy_level, PLAIN);
    }
    job_fini(&job);
    print_text(page, "metadata", job_view_field(page->view, "metadata"), PLAIN);
}

static void print_bytes(struct page *page, const char *label, const char *field)
{
    int64_t bytes = job_view_number(page->view, field);
    if (bytes <= 0)
        return;
    words_count(bytes, scratch(page));
    buf_add_text(&page->line, " bytes (");
    words_bytes(bytes, &page->line);
    buf_add_text(&page->line, ")");
    print_line(page, label, PLAIN);
}

static void print_tiktok(struct page *page)
{
    const struct job_view *view   = page->view;
    struct str             status = job_view_field(view, "tiktok_status");
    const char            *words  = words_tiktok(status);
    if (job_view_number(view, "attempt") > 0) {
        buf_printf(scratch(page), "%" PRIi64, job_view_number(view, "attempt"));
        buf_printf(&page->line, ", epoch %.*s", STR_ARG(job_view_field(view, "attempt_epoch")));
        if (!str_eq(job_view_field(view, "attempt_epoch"), job_view_field(view, "epoch")))
            buf_printf(&page->line, " (fenced by %.*s)", STR_ARG(job_view_field(view, "epoch")));
        print_line(page, "attempt", PLAIN);
    }
    print_text(page, "publish id", job_view_field(view, "publish_id"), PLAIN);
    if (status.len) {
        buf_add_visible(scratch(page), status);
        if (words)
            buf_printf(&page->line, ": %s", words);
        print_line(page, "TikTok says", PLAIN);
    }
    print_bytes(page, "downloaded", "downloaded_bytes");
    print_bytes(page, "uploaded", "uploaded_bytes");
    print_text(page, "look", job_view_field(view, "look_code"), PLAIN);
    print_text(page, "post id", job_view_field(view, "post_id"), PLAIN);
    print_text(page, "post", job_view_field(view, "post_url"), GREEN);
    print_text(page, "log id", job_view_field(view, "log_id"), PLAIN);
}

static void print_times(struct page *page)
{
    const struct job_view *view = page->view;
    print_time(page, "on Kafka", job_view_number(view, "t_message"));
    print_text(page, "source", job_view_field(view, "source"), PLAIN);
    if (job_view_number(view, "t_due") > page->now_ms)
        print_time(page, "due", job_view_number(view, "t_due"));
    print_time(page, "expires", job_view_number(view, "t_expires"));
    if (job_view_state(view) == JOB_QUEUED)
        print_time(page, "gives up", job_view_number(view, "t_account_until"));
    print_time(page, "accepted", job_view_number(view, "t_accepted"));
    print_time(page, "last look", job_view_number(view, "t_look"));
    if (job_state_is_end(job_view_state(view)))
        print_time(page, "ended", job_view_number(view, "t_state"));
}

static void print_log(struct page *page)
{
    int64_t before = 0;
    if (!job_view_lines(page->view))
        return;
    out_paint(page->out, BOLD, "\ntimeline\n");
    for (size_t i = 0; i < job_view_lines(page->view); i++) {
        struct timeline_line line;
        if (!timeline_parse(job_view_line(page->view, i), &line))
            continue;
        timeline_print(&line, before, page->out);
        before = line.at_ms;
    }
}

void job_view_print(const struct job_view *view, const struct job_rules *rules, const char *job_id,
                    int64_t now_ms, struct out *out)
{
    struct page page = { .view = view, .out = out, .now_ms = now_ms };
    buf_init(&page.line, LINE_MAX_BYTES);
    print_state(&page, job_id);
    print_account(&page);
    print_message(&page, rules);
    print_tiktok(&page);
    print_times(&page);
    print_log(&page);
    buf_fini(&page.line);
}
