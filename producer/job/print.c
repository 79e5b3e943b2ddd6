// SPDX-License-Identifier: Apache-2.0
// What `tokfleet job ID` prints for people.
#include "job/job.h"
#include "producer/job/timeline.h"
#include "producer/job/view.h"
#include "producer/tool/page.h"
#include "producer/tool/words.h"
#include "tiktok/outcome.h"

enum { LINE_MAX_BYTES = 8192, LABEL_COLUMNS = 12, CAPTION_SHOWN_UNITS = 120 };

void job_view_add_waiting(const struct job_view *view, int64_t now_ms, struct buf *out)
{
    const struct answer *account = &view->account.reply.answer;
    int64_t              due     = job_view_number(view, "t_due");
    int64_t              after   = 0;
    if (!job_view_field(view, "account").len) {
        buf_add_text(out, "waits for account ");
        buf_add_visible(out, job_view_field(view, "account_text"));
        buf_add_text(out, " to be connected (tokfleet account add)");
    } else if (due > now_ms) {
        buf_add_text(out, job_view_number(view, "attempt") > 0 ? "waits for its next attempt at "
                                                               : "scheduled for ");
        words_time(due, now_ms, out);
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
    } else if (str_to_i64(answer_field(account, "after"), &after) && after > now_ms) {
        buf_add_text(out, "waits because its account may not act before ");
        words_time(after, now_ms, out);
        buf_add_text(out, ": ");
        buf_add_visible(out, answer_field(account, "after_why"));
    } else {
        buf_add_text(out, words_state(JOB_QUEUED));
    }
}

// What holds back the account of a QUEUED job, when that is not what the job met itself: cause and
// remedy stand on the job that met it, and here.
static void print_block(struct page *page, const struct job_view *view, int64_t now_ms)
{
    const struct answer  *account = &view->account.reply.answer;
    int64_t               after   = 0;
    bool                  parked  = str_is(answer_field(account, "status"), "parked");
    struct str            code    = answer_field(account, parked ? "parked_why" : "after_why");
    const struct outcome *outcome = outcome_recorded(code);
    if (!parked && (!str_to_i64(answer_field(account, "after"), &after) || after <= now_ms))
        return;
    if (!outcome || str_eq(code, job_view_field(view, "error_code")))
        return;
    page_text(page, "held back", str_of(outcome->cause));
    page_text(page, "what to do", str_of(outcome->remedy));
}

static void print_state(struct page *page, const struct job_view *view, const char *job_id,
                        int64_t now_ms)
{
    enum job_state state    = job_view_state(view);
    enum paint     paint    = words_paint(state);
    struct str     warnings = job_view_field(view, "warnings");
    struct str     warning;
    struct buf     line;
    buf_init(&line, LINE_MAX_BYTES);
    out_paint(page->out, BOLD, "%s\n", job_id);
    buf_printf(&line, "%.*s: ", STR_ARG(job_view_field(view, "state")));
    if (state == JOB_QUEUED)
        job_view_add_waiting(view, now_ms, &line);
    else
        buf_add_text(&line, words_state(state));
    page_paint(page, "state", buf_str(&line), paint == PLAIN ? BOLD : paint);
    page_paint(page, "error", job_view_field(view, "error_code"), RED);
    page_text(page, "cause", job_view_field(view, "error_cause"));
    page_text(page, "what to do", job_view_field(view, "error_remedy"));
    if (state == JOB_QUEUED)
        print_block(page, view, now_ms);
    while (str_cut(&warnings, '\n', &warning))
        page_paint(page, "warning", warning, YELLOW);
    buf_fini(&line);
}

static void print_account(struct page *page, const struct job_view *view)
{
    struct str account = job_view_field(view, "account");
    struct str text    = job_view_field(view, "account_text");
    buf_add_visible(page_line(page), text);
    if (account.len && !str_eq(account, text)) {
        buf_add_text(&page->line, " (");
        buf_add_visible(&page->line, account);
        buf_add_text(&page->line, ")");
    }
    page_end(page, "account");
}

// what is to be posted, as its message says
static void print_message(struct page *page, const struct job_view *view,
                          const struct job_rules *rules)
{
    struct job   job = { 0 };
    struct error err;
    struct str   message = view->asks[VIEW_MESSAGE].reply.answer.text;
    if (message.len && job_decode(message, rules, &job, &err)) {
        const char *label = job.post.media == MEDIA_VIDEO ? "video" : "photo";
        for (size_t i = 0; i < job.post.url_count; i++)
            page_text(page, label, job.post.urls[i]);
        page_text(page, "title", job.post.title);
        page_text(page, "caption", str_utf8_prefix(job.post.caption, CAPTION_SHOWN_UNITS));
        page_text(page, "privacy", job.post.privacy_level);
    }
    job_fini(&job);
    page_text(page, "metadata", job_view_field(view, "metadata"));
}

static void print_bytes(struct page *page, const struct job_view *view, const char *label,
                        const char *field)
{
    int64_t bytes = job_view_number(view, field);
    if (bytes <= 0)
        return;
    words_count(bytes, page_line(page));
    buf_add_text(&page->line, " bytes (");
    words_bytes(bytes, &page->line);
    buf_add_text(&page->line, ")");
    page_end(page, label);
}

static void print_tiktok(struct page *page, const struct job_view *view)
{
    struct str  status = job_view_field(view, "tiktok_status");
    const char *words  = words_tiktok(status);
    if (job_view_number(view, "attempt") > 0) {
        buf_printf(page_line(page), "%" PRIi64, job_view_number(view, "attempt"));
        buf_printf(&page->line, ", epoch %.*s", STR_ARG(job_view_field(view, "attempt_epoch")));
        if (!str_eq(job_view_field(view, "attempt_epoch"), job_view_field(view, "epoch")))
            buf_printf(&page->line, " (fenced by %.*s)", STR_ARG(job_view_field(view, "epoch")));
        page_end(page, "attempt");
    }
    page_text(page, "publish id", job_view_field(view, "publish_id"));
    if (status.len) {
        buf_add_visible(page_line(page), status);
        if (words)
            buf_printf(&page->line, ": %s", words);
        page_end(page, "TikTok says");
    }
    print_bytes(page, view, "downloaded", "downloaded_bytes");
    print_bytes(page, view, "uploaded", "uploaded_bytes");
    page_text(page, "look", job_view_field(view, "look_code"));
    page_text(page, "post id", job_view_field(view, "post_id"));
    page_paint(page, "post", job_view_field(view, "post_url"), GREEN);
    page_text(page, "log id", job_view_field(view, "log_id"));
}

static void print_times(struct page *page, const struct job_view *view, int64_t now_ms)
{
    page_time(page, "on Kafka", job_view_number(view, "t_message"), now_ms);
    page_text(page, "source", job_view_field(view, "source"));
    if (job_view_number(view, "t_due") > now_ms)
        page_time(page, "due", job_view_number(view, "t_due"), now_ms);
    page_time(page, "expires", job_view_number(view, "t_expires"), now_ms);
    if (job_view_state(view) == JOB_QUEUED)
        page_time(page, "gives up", job_view_number(view, "t_account_until"), now_ms);
    page_time(page, "accepted", job_view_number(view, "t_accepted"), now_ms);
    page_time(page, "last look", job_view_number(view, "t_look"), now_ms);
    if (job_state_is_end(job_view_state(view)))
        page_time(page, "ended", job_view_number(view, "t_state"), now_ms);
}

void job_view_print_timeline(const struct job_view *view, struct out *out)
{
    int64_t before = 0;
    if (job_view_lines(view))
        out_paint(out, BOLD, "\ntimeline\n");
    for (size_t i = 0; i < job_view_lines(view); i++) {
        struct timeline_line line;
        if (!timeline_parse(job_view_line(view, i), &line))
            continue;
        timeline_print(&line, before, out);
        before = line.at_ms;
    }
}

// the next command, where a person is to decide
static void print_choice(const struct job_view *view, const char *job_id, struct out *out)
{
    enum job_state state = job_view_state(view);
    if (state != JOB_UNSURE && state != JOB_FAILED)
        return;
    out_paint(out, BOLD, "\nwhat can be done\n");
    if (state == JOB_UNSURE)
        out_printf(out, "  tokfleet unsure show %s    the evidence, and the commands to decide\n",
                   job_id);
    else
        out_printf(out, "  tokfleet retry %s    try it again, when its cause is mended\n", job_id);
}

void job_view_print(const struct job_view *view, const struct job_rules *rules, const char *job_id,
                    int64_t now_ms, struct out *out)
{
    struct page page;
    page_init(&page, out, LABEL_COLUMNS);
    print_state(&page, view, job_id, now_ms);
    print_account(&page, view);
    print_message(&page, view, rules);
    print_tiktok(&page, view);
    print_times(&page, view, now_ms);
    job_view_print_timeline(view, out);
    print_choice(view, job_id, out);
    page_fini(&page);
}
