// SPDX-License-Identifier: Apache-2.0
// tokfleet unsure show ID: the evidence of one doubt laid out for a person, with the
// commands to decide.
#include "base/memory.h"
#include "job/job.h"
#include "loop/clock.h"
#include "producer/job/unsure.h"
#include "producer/job/view.h"
#include "producer/tool/page.h"
#include "producer/tool/verb.h"
#include "producer/tool/words.h"

enum { LABEL_COLUMNS = 12, CAPTION_SHOWN_UNITS = 150 };

struct show_options {
    bool json;
};

static const struct flag show_flags[] = {
    { "json", FLAG_YES, NULL, offsetof(struct show_options, json),
      .help = "print one JSON object" },
};

struct doubt {
    struct tool    *tool;
    const char     *job_id;
    struct job_view view;
    struct ask      account;  // HGETALL
    struct ask      worker;   // HGETALL of the program that claimed it last
    int64_t         now_ms;
    int64_t         since_ms;  // it is a doubt
    struct page     page;
};

static struct str field_of(const struct doubt *doubt, const char *field)
{
    return job_view_field(&doubt->view, field);
}

static void print_head(struct doubt *doubt, const char *head)
{
    out_paint(&doubt->tool->out, BOLD, "\n%s\n", head);
}

static void add_worker(const struct doubt *doubt, struct buf *out)
{
    const struct answer *program = &doubt->worker.reply.answer;
    int64_t              seen    = 0;
    int64_t              beat    = 0;
    buf_add_visible(out, field_of(doubt, "worker"));
    if (!str_to_i64(answer_field(program, "t_seen"), &seen)) {
        buf_add_text(out, ": it has not been heard of for a day or longer");
        return;
    }
    if (!str_to_i64(answer_field(program, "heartbeat_ms"), &beat))
        beat = doubt->tool->config.heartbeat_ms;
    if (str_is(answer_field(program, "state"), "stopped"))
        buf_add_text(out, ": it was stopped ");
    else if (doubt->now_ms - seen > 5 * beat)
        buf_add_text(out, ": it went away, and was last heard of ");
    else
        buf_add_text(out, ": it is alive, last heard of ");
    words_time(seen, doubt->now_ms, out);
}

static void print_state(struct doubt *doubt)
{
    out_paint(&doubt->tool->out, BOLD, "%s\n", doubt->job_id);
    buf_printf(page_line(&doubt->page), "%.*s: %s", STR_ARG(field_of(doubt, "state")),
               words_state(job_view_state(&doubt->view)));
    page_end(&doubt->page, "state");
    page_time(&doubt->page, "since", doubt->since_ms, doubt->now_ms);
    page_text(&doubt->page, "why", field_of(doubt, "error_code"));
    page_text(&doubt->page, "cause", field_of(doubt, "error_cause"));
    page_text(&doubt->page, "what to do", field_of(doubt, "error_remedy"));
}

// what was sent, as its message says
static void print_message(struct doubt *doubt)
{
    const struct config *config = &doubt->tool->config;
    struct job_rules     rules  = { config->job_max_bytes, config->job_privacy_default };
    struct job           job    = { 0 };
    struct error         err;
    struct str           message = doubt->view.asks[VIEW_MESSAGE].reply.answer.text;
    if (message.len && job_decode(message, &rules, &job, &err)) {
        bool is_video = job.post.media == MEDIA_VIDEO;
        for (size_t i = 0; i < job.post.url_count; i++)
            page_text(&doubt->page, is_video ? "video" : "photo", job.post.urls[i]);
        page_text(&doubt->page, "title", job.post.title);
        page_text(&doubt->page, "caption", str_utf8_prefix(job.post.caption, CAPTION_SHOWN_UNITS));
        page_text(&doubt->page, "privacy", job.post.privacy_level);
        page_text(&doubt->page, "as",
                  job.post.mode == POST_DRAFT ? STR("a draft for the inbox")
                                              : STR("a direct post"));
    }
    job_fini(&job);
}

static void print_sent(struct doubt *doubt)
{
    const struct answer *account = &doubt->account.reply.answer;
    struct str           alias   = answer_field(account, "alias");
    print_head(doubt, "what was sent");
    buf_add_visible(page_line(&doubt->page), alias.len ? alias : field_of(doubt, "account_text"));
    buf_add_text(&doubt->page.line, " (");
    buf_add_visible(&doubt->page.line, field_of(doubt, "account"));
    buf_add_text(&doubt->page.line, ")");
    page_end(&doubt->page, "account");
    print_message(doubt);
    buf_printf(page_line(&doubt->page), "%.*s, epoch %.*s", STR_ARG(field_of(doubt, "attempt")),
               STR_ARG(field_of(doubt, "attempt_epoch")));
    page_end(&doubt->page, "attempt");
    page_time(&doubt->page, "may be sent", job_view_number(&doubt->view, "t_sending"),
              doubt->now_ms);
    if (field_of(doubt, "worker").len) {
        add_worker(doubt, page_line(&doubt->page));
        page_end(&doubt->page, "worker");
    }
}

static void print_known(struct doubt *doubt)
{
    struct str  publish_id = field_of(doubt, "publish_id");
    struct str  status     = field_of(doubt, "tiktok_status");
    const char *words      = words_tiktok(status);
    print_head(doubt, "what is known");
    if (job_view_state(&doubt->view) == JOB_UNSURE && !publish_id.len)
        page_text(&doubt->page, "journal",
                  STR("an INTENT for this attempt, and no answer of TikTok"));
    page_text(&doubt->page, "publish id", publish_id);
    page_text(&doubt->page, "post id", field_of(doubt, "post_id"));
    page_text(&doubt->page, "post", field_of(doubt, "post_url"));
    if (status.len) {
        buf_add_visible(page_line(&doubt->page), status);
        if (words)
            buf_printf(&doubt->page.line, ": %s", words);
        page_end(&doubt->page, "TikTok said");
    }
    page_time(&doubt->page, "last look", job_view_number(&doubt->view, "t_look"), doubt->now_ms);
    page_text(&doubt->page, "log id", field_of(doubt, "log_id"));
    page_time(&doubt->page, "slot back", job_view_number(&doubt->view, "t_slot_back"),
              doubt->now_ms);
}

static void print_evidence(struct doubt *doubt)
{
    const struct answer *job = &doubt->view.asks[VIEW_JOB].reply.answer;
    struct str           said;
    bool                 has_said = unsure_said(job, &said);
    if (!has_said && job_view_state(&doubt->view) != JOB_UNSURE)
        return;
    print_head(doubt, "what listing the account's videos said");
    if (has_said) {
        page_text(&doubt->page, "said", said);
        page_time(&doubt->page, "at", job_view_number(&doubt->view, "evidence_at"), doubt->now_ms);
        page_text(&doubt->page, "looks", field_of(doubt, "evidence_looks"));
        if (job_view_number(&doubt->view, "evidence_next") > 0)
            page_time(&doubt->page, "next", job_view_number(&doubt->view, "evidence_next"),
                      doubt->now_ms);
        else
            page_text(&doubt->page, "next", STR("none: no listing will say more"));
    } else {
        page_text(&doubt->page, "said", STR("nothing yet"));
    }
}

static const struct {
    const char *when;     // in words
    const char *command;  // before the id
    const char *rest;     // behind it
} choices[] = {
    { "it is there", "tokfleet resolve", " --posted URL" },
    { "not there, send it again", "tokfleet retry", " --yes" },
    { "not there, leave it", "tokfleet resolve", " --failed" },
};

static void print_choices(struct doubt *doubt)
{
    const struct answer *job = &doubt->view.asks[VIEW_JOB].reply.answer;
    print_head(doubt, "what can be done");
    out_printf(&doubt->tool->out, "  Look at the account on TikTok, then\n");
    for (size_t i = 0; i < COUNT_OF(choices); i++)
        out_printf(&doubt->tool->out, "  %-26s %s %s%s\n", choices[i].when, choices[i].command,
                   doubt->job_id, choices[i].rest);
    unsure_plan(job, &doubt->tool->config, doubt->since_ms, doubt->now_ms, page_line(&doubt->page));
    out_printf(&doubt->tool->out, "  %-26s %s\n", "otherwise", buf_text(&doubt->page.line));
}

static void print_json(struct doubt *doubt)
{
    const struct answer *job      = &doubt->view.asks[VIEW_JOB].reply.answer;
    struct json         *object   = unsure_json(str_of(doubt->job_id), job, doubt->since_ms);
    struct json         *commands = json_array();
    struct json         *timeline = job_view_timeline_json(&doubt->view);
    struct str           alias    = answer_field(&doubt->account.reply.answer, "alias");
    json_set_text_or_null(object, "alias", alias);
    buf_clear(&doubt->page.line);
    add_worker(doubt, &doubt->page.line);
    json_set_text(object, "worker_in_words", buf_str(&doubt->page.line));
    bool is_doubt = job_view_state(&doubt->view) == JOB_UNSURE;
    for (size_t i = 0; is_doubt && i < COUNT_OF(choices); i++) {
        buf_printf(page_line(&doubt->page), "%s %s%s", choices[i].command, doubt->job_id,
                   choices[i].rest);
        json_add_text(commands, buf_str(&doubt->page.line));
    }
    json_set(object, "timeline", &timeline);
    json_set(object, "commands", &commands);
    out_json(&doubt->tool->out, object);
    json_free(object);
}

static void print(struct doubt *doubt)
{
    print_state(doubt);
    print_sent(doubt);
    print_known(doubt);
    print_evidence(doubt);
    job_view_print_timeline(&doubt->view, &doubt->tool->out);
    if (job_view_state(&doubt->view) == JOB_UNSURE)
        print_choices(doubt);
}

static bool load(struct doubt *doubt, struct error *err)
{
    struct ask since = { 0 };
    double     score = 0;
    ask_begin(doubt->tool, &since, "ZSCORE", "unsure", STR(""));
    ask_add(&since, doubt->job_id);
    ask_begin(doubt->tool, &doubt->account, "HGETALL", "account:", field_of(doubt, "account"));
    ask_begin(doubt->tool, &doubt->worker, "HGETALL", "program:", field_of(doubt, "worker"));
    bool ok = tool_ask(doubt->tool, &since, 1, err) &&
              tool_ask(doubt->tool, &doubt->account, 1, err) &&
              tool_ask(doubt->tool, &doubt->worker, 1, err);
    if (ok && str_to_double(since.reply.answer.text, &score))
        doubt->since_ms = (int64_t)score;
    asks_fini(&since, 1);
    return ok;
}

static int run_unsure_show(struct tool *tool, const void *options_read, char *const *operands,
                           int operand_count)
{
    (void)operand_count;
    const struct show_options *options = options_read;
    struct doubt doubt = { .tool = tool, .job_id = operands[0], .now_ms = clock_wall_ms() };
    struct error err;
    int          code;
    page_init(&doubt.page, &tool->out, LABEL_COLUMNS);
    if (job_view_look(tool, doubt.job_id, &doubt.view, &code) && !load(&doubt, &err))
        code = tool_fail(tool, &err);
    else if (code == END_WELL && options->json)
        print_json(&doubt);
    else if (code == END_WELL)
        print(&doubt);
    job_view_fini(&doubt.view);
    asks_fini(&doubt.account, 1);
    asks_fini(&doubt.worker, 1);
    page_fini(&doubt.page);
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
