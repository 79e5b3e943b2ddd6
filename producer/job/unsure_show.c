// SPDX-License-Identifier: Apache-2.0
// tokfleet unsure show ID: the evidence of one doubt laid out for a person, with the
// commands to decide.
#include "base/memory.h"
#include "job/job.h"
#include "loop/clock.h"
#include "producer/job/timeline.h"
#include "producer/job/unsure.h"
#include "producer/job/view.h"
#include "producer/tool/verb.h"
#include "producer/tool/words.h"

enum { LINE_MAX_BYTES = 8192, CAPTION_SHOWN_UNITS = 150 };

struct show_options {
    bool json;
};

static const struct flag show_flags[] = {
    { "json", FLAG_YES, NULL, offsetof(struct show_options, json),
      .help = "print one JSON object" },
};

struct page {
    struct tool    *tool;
    const char     *job_id;
    struct job_view view;
    struct ask      account;  // HGETALL
    struct ask      worker;   // HGETALL of the program that claimed it last
    int64_t         now_ms;
    int64_t         since_ms;  // it is a doubt
    struct buf      line;      // scratch
};

static struct str field_of(const struct page *page, const char *field)
{
    return job_view_field(&page->view, field);
}

static struct buf *scratch(struct page *page)
{
    buf_clear(&page->line);
    return &page->line;
}

static void print_line(struct page *page, const char *label)
{
    out_paint(&page->tool->out, FAINT, "  %-12s ", label);
    out_printf(&page->tool->out, "%s\n", buf_text(&page->line));
}

static void print_text(struct page *page, const char *label, struct str text)
{
    if (!text.len)
        return;
    buf_add_visible(scratch(page), text);
    print_line(page, label);
}

static void print_time(struct page *page, const char *label, int64_t ms)
{
    if (ms <= 0)
        return;
    words_time(ms, page->now_ms, scratch(page));
    print_line(page, label);
}

static void print_head(struct page *page, const char *head)
{
    out_paint(&page->tool->out, BOLD, "\n%s\n", head);
}

static void add_worker(const struct page *page, struct buf *out)
{
    const struct answer *program = &page->worker.reply.answer;
    int64_t              seen    = 0;
    int64_t              beat    = 0;
    buf_add_visible(out, field_of(page, "worker"));
    if (!str_to_i64(answer_field(program, "t_seen"), &seen)) {
        buf_add_text(out, ": it has not been heard of for a day or longer");
        return;
    }
    if (!str_to_i64(answer_field(program, "heartbeat_ms"), &beat))
        beat = page->tool->config.heartbeat_ms;
    if (str_is(answer_field(program, "state"), "stopped"))
        buf_add_text(out, ": it was stopped ");
    else if (page->now_ms - seen > 5 * beat)
        buf_add_text(out, ": it went away, and was last heard of ");
    else
        buf_add_text(out, ": it is alive, last heard of ");
    words_time(seen, page->now_ms, out);
}

static void print_state(struct page *page)
{
    out_paint(&page->tool->out, BOLD, "%s\n", page->job_id);
    buf_printf(scratch(page), "%.*s: %s", STR_ARG(field_of(page, "state")),
               words_state(job_view_state(&page->view)));
    print_line(page, "state");
    print_time(page, "since", page->since_ms);
    print_text(page, "why", field_of(page, "error_code"));
    print_text(page, "cause", field_of(page, "error_cause"));
    print_text(page, "what to do", field_of(page, "error_remedy"));
}

// what was sent, as its message says
static void print_message(struct page *page)
{
    const struct config *config = &page->tool->config;
    struct job_rules     rules  = { config->job_max_bytes, config->job_privacy_default };
    struct job           job    = { 0 };
    struct error         err;
    struct str           message = page->view.asks[VIEW_MESSAGE].reply.answer.text;
    if (message.len && job_decode(message, &rules, &job, &err)) {
        bool is_video = job.post.media == MEDIA_VIDEO;
        for (size_t i = 0; i < job.post.url_count; i++)
            print_text(page, is_video ? "video" : "photo", job.post.urls[i]);
        print_text(page, "title", job.post.title);
        print_text(page, "caption", str_utf8_prefix(job.post.caption, CAPTION_SHOWN_UNITS));
        print_text(page, "privacy", job.post.privacy_level);
        print_text(page, "as",
                   job.post.mode == POST_DRAFT ? STR("a draft for the inbox")
                                               : STR("a direct post"));
    }
    job_fini(&job);
}

static void print_sent(struct page *page)
{
    const struct answer *account = &page->account.reply.answer;
    struct str           alias   = answer_field(account, "alias");
    print_head(page, "what was sent");
    buf_add_visible(scratch(page), alias.len ? alias : field_of(page, "account_text"));
    buf_add_text(&page->line, " (");
    buf_add_visible(&page->line, field_of(page, "account"));
    buf_add_text(&page->line, ")");
    print_line(page, "account");
    print_message(page);
    buf_printf(scratch(page), "%.*s, epoch %.*s", STR_ARG(field_of(page, "attempt")),
               STR_ARG(field_of(page, "attempt_epoch")));
    print_line(page, "attempt");
    print_time(page, "may be sent", job_view_number(&page->view, "t_sending"));
    if (field_of(page, "worker").len) {
        add_worker(page, scratch(page));
        print_line(page, "worker");
    }
}

static void print_known(struct page *page)
{
    struct str  publish_id = field_of(page, "publish_id");
    struct str  status     = field_of(page, "tiktok_status");
    const char *words      = words_tiktok(status);
    print_head(page, "what is known");
    if (job_view_state(&page->view) == JOB_UNSURE && !publish_id.len)
        print_text(page, "journal", STR("an INTENT for this attempt, and no answer of TikTok"));
    print_text(page, "publish id", publish_id);
    print_text(page, "post id", field_of(page, "post_id"));
    print_text(page, "post", field_of(page, "post_url"));
    if (status.len) {
        buf_add_visible(scratch(page), status);
        if (words)
            buf_printf(&page->line, ": %s", words);
        print_line(page, "TikTok said");
    }
    print_time(page, "last look", job_view_number(&page->view, "t_look"));
    print_text(page, "log id", field_of(page, "log_id"));
    print_time(page, "slot back", job_view_number(&page->view, "t_slot_back"));
}

static void print_evidence(struct page *page)
{
    const struct answer *job = &page->view.asks[VIEW_JOB].reply.answer;
    struct str           said;
    print_head(page, "what listing the account's videos said");
    if (unsure_said(job, &said)) {
        print_text(page, "said", said);
        print_time(page, "at", job_view_number(&page->view, "evidence_at"));
        print_text(page, "looks", field_of(page, "evidence_looks"));
        if (job_view_number(&page->view, "evidence_next") > 0)
            print_time(page, "next", job_view_number(&page->view, "evidence_next"));
        else
            print_text(page, "next", STR("none: no listing will say more"));
    } else {
        print_text(page, "said", STR("nothing yet"));
    }
}

static void print_log(struct page *page)
{
    int64_t before = 0;
    if (job_view_lines(&page->view))
        print_head(page, "timeline");
    for (size_t i = 0; i < job_view_lines(&page->view); i++) {
        struct timeline_line line;
        if (!timeline_parse(job_view_line(&page->view, i), &line))
            continue;
        timeline_print(&line, before, &page->tool->out);
        before = line.at_ms;
    }
}

static const struct {
    const char *when;     // in words
    const char *command;  // before the id
    const char *rest;     // behind it
} choices[] = {
    { "it is there", "tokfleet resolve", " --posted URL" },
    { "not there, send it again", "tokfleet retry", "" },
    { "not there, leave it", "tokfleet resolve", " --failed" },
};

static void print_choices(struct page *page)
{
    const struct answer *job = &page->view.asks[VIEW_JOB].reply.answer;
    print_head(page, "what can be done");
    out_printf(&page->tool->out, "  Look at the account on TikTok, then\n");
    for (size_t i = 0; i < COUNT_OF(choices); i++)
        out_printf(&page->tool->out, "  %-26s %s %s%s\n", choices[i].when, choices[i].command,
                   page->job_id, choices[i].rest);
    unsure_plan(job, &page->tool->config, page->since_ms, page->now_ms, scratch(page));
    out_printf(&page->tool->out, "  %-26s %s\n", "otherwise", buf_text(&page->line));
}

static void print_json(struct page *page)
{
    const struct answer *job      = &page->view.asks[VIEW_JOB].reply.answer;
    struct json         *object   = unsure_json(str_of(page->job_id), job, page->since_ms);
    struct json         *commands = json_array();
    struct json         *timeline = json_array();
    struct str           alias    = answer_field(&page->account.reply.answer, "alias");
    if (alias.len)
        json_set_text(object, "alias", alias);
    else
        json_set_null(object, "alias");
    buf_clear(&page->line);
    add_worker(page, &page->line);
    json_set_text(object, "worker_in_words", buf_str(&page->line));
    for (size_t i = 0; i < job_view_lines(&page->view); i++) {
        struct timeline_line line;
        if (!timeline_parse(job_view_line(&page->view, i), &line))
            continue;
        struct json *one = timeline_json(&line);
        json_add(timeline, &one);
    }
    bool is_doubt = job_view_state(&page->view) == JOB_UNSURE;
    for (size_t i = 0; is_doubt && i < COUNT_OF(choices); i++) {
        buf_printf(scratch(page), "%s %s%s", choices[i].command, page->job_id, choices[i].rest);
        json_add_text(commands, buf_str(&page->line));
    }
    json_set(object, "timeline", &timeline);
    json_set(object, "commands", &commands);
    out_json(&page->tool->out, object);
    json_free(object);
}

static void print_page(struct page *page)
{
    print_state(page);
    print_sent(page);
    print_known(page);
    print_evidence(page);
    print_log(page);
    if (job_view_state(&page->view) == JOB_UNSURE)
        print_choices(page);
}

static bool load(struct page *page, struct error *err)
{
    struct ask since = { 0 };
    double     score = 0;
    if (!job_view_load(page->tool, page->job_id, NULL, &page->view, err))
        return false;
    ask_begin(page->tool, &since, "ZSCORE", "unsure", STR(""));
    ask_add(&since, page->job_id);
    ask_begin(page->tool, &page->account, "HGETALL", "account:", field_of(page, "account"));
    ask_begin(page->tool, &page->worker, "HGETALL", "program:", field_of(page, "worker"));
    bool ok = tool_ask(page->tool, &since, 1, err) &&
              tool_ask(page->tool, &page->account, 1, err) &&
              tool_ask(page->tool, &page->worker, 1, err);
    if (ok && str_to_double(since.reply.answer.text, &score))
        page->since_ms = (int64_t)score;
    asks_fini(&since, 1);
    return ok;
}

static int run_unsure_show(struct tool *tool, const void *options_read, char *const *operands,
                           int operand_count)
{
    (void)operand_count;
    const struct show_options *options = options_read;
    struct page  page = { .tool = tool, .job_id = operands[0], .now_ms = clock_wall_ms() };
    struct error err;
    int          code = END_WELL;
    if (!job_id_valid(str_of(page.job_id))) {
        tool_note(tool, "this is no job_id: it has 1 to %d characters of A-Za-z0-9._:-",
                  JOB_ID_MAX);
        return END_USAGE;
    }
    buf_init(&page.line, LINE_MAX_BYTES);
    if (!load(&page, &err)) {
        code = tool_fail(tool, &err);
    } else if (!job_view_found(&page.view)) {
        tool_note(tool, "there is no job %s in fleet %s", page.job_id, tool->config.fleet);
        code = END_BAD;
    } else if (options->json) {
        print_json(&page);
    } else {
        print_page(&page);
    }
    job_view_fini(&page.view);
    asks_fini(&page.account, 1);
    asks_fini(&page.worker, 1);
    buf_fini(&page.line);
    return code;
}

static const char show_help[] =
    "Lays out what is known of a job that may be on TikTok or not: what was sent,\n"
    "when and by whom, what became of that worker, what TikTok said, what listing the\n"
    "account's videos said, and the commands to decide.\n\n"
    "  tokfleet unsure show campaign-7:clip-0042\n"
    "  tokfleet unsure show campaign-7:clip-0042 --json | jq -r .evidence.said";

const struct verb verb_unsure_show = {
    .name          = "unsure show",
    .operands      = "ID",
    .summary       = "lay out the evidence of one doubt, and how to decide",
    .flags         = show_flags,
    .flag_count    = COUNT_OF(show_flags),
    .options_bytes = sizeof(struct show_options),
    .operands_min  = 1,
    .operands_max  = 1,
    .run           = run_unsure_show,
    .text          = show_help,
    .json          = "one object: as in tokfleet unsure list, and alias, "
                     "worker_in_words, timeline, commands",
};
