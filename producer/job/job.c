// SPDX-License-Identifier: Apache-2.0
#include "job/job.h"

#include "base/memory.h"
#include "loop/clock.h"
#include "producer/job/follow.h"
#include "producer/job/view.h"
#include "producer/tool/verb.h"

enum { DAY_MS = 86400000 };

struct job_options {
    bool    json;
    bool    follow;
    int64_t timeout_ms;
};

#define AT(field) offsetof(struct job_options, field)

static const struct flag flags[] = {
    { "json", FLAG_YES, NULL, AT(json), .help = "print one JSON object" },
    { "follow", FLAG_YES, NULL, AT(follow), .help = "go on printing each step until its end" },
    { "timeout", FLAG_MS, "TIME", AT(timeout_ms), "24h", 0, INT64_C(30) * DAY_MS,
      "with --follow: stop after" },
};

static int show(struct tool *tool, const char *job_id, const struct job_options *options)
{
    struct job_view  view  = { 0 };
    struct job_rules rules = { tool->config.job_max_bytes, tool->config.job_privacy_default };
    int              code;
    if (job_view_look(tool, job_id, &view, &code) && options->json) {
        struct json *json = job_view_json(&view, job_id);
        out_json(&tool->out, json);
        json_free(json);
    } else if (code == END_WELL) {
        job_view_print(&view, &rules, job_id, clock_wall_ms(), &tool->out);
    }
    job_view_fini(&view);
    return code;
}

static int run_job(struct tool *tool, const void *options_read, char *const *operands,
                   int operand_count)
{
    (void)operand_count;
    const struct job_options *options = options_read;
    const char               *job_id  = operands[0];
    if (!job_id_valid(str_of(job_id))) {
        tool_note(tool, "this is no job_id: it has 1 to %d characters of A-Za-z0-9._:-",
                  JOB_ID_MAX);
        return END_USAGE;
    }
    if (!options->follow)
        return show(tool, job_id, options);
    struct follow follow = { .job_id     = job_id,
                             .timeout_ms = options->timeout_ms,
                             .quiet      = options->json };
    int           code   = follow_job(tool, &follow);
    if (!options->json || code == END_INTERRUPTED || code == END_UNREACHABLE)
        return code;
    int shown = show(tool, job_id, options);
    return shown == END_WELL ? code : shown;
}

static const char help[] =
    "Shows what became of a job: its state in words, what TikTok says, the error\n"
    "with its cause and what to do, and every step with its time and who took it.\n\n"
    "  tokfleet job campaign-7:clip-0042\n"
    "  tokfleet job campaign-7:clip-0042 --follow\n"
    "  tokfleet job campaign-7:clip-0042 --json | jq -r .post_url\n\n"
    "Without --follow the exit status is 0 for every job that is there and 1 for\n"
    "one that is not; with it, it tells the end: 0 published (or in the inbox), 1\n"
    "failed, rejected, expired or cancelled, 5 unsure.";

const struct verb verb_job = {
    .name          = "job",
    .operands      = "ID",
    .summary       = "show everything about one job, with its timeline",
    .flags         = flags,
    .flag_count    = COUNT_OF(flags),
    .options_bytes = sizeof(struct job_options),
    .operands_min  = 1,
    .operands_max  = 1,
    .run           = run_job,
    .text          = help,
    .json          = "one object: job_id, state, in_words, is_end, account, "
                     "account_text, kind, media, source, on_unsure, epoch, "
                     "attempt_epoch, attempt, retries, priority, publish_id, post_id, "
                     "post_url, tiktok_status, downloaded_bytes, uploaded_bytes, looks, "
                     "look_code, log_id, worker, error (code, cause, remedy) or null, "
                     "times, warnings, timeline (time, epoch, from, event, to, by, why), "
                     "metadata, message. What is not known is null; times are "
                     "milliseconds since 1970",
};
