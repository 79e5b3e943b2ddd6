// SPDX-License-Identifier: Apache-2.0
// tokfleet stats: what TikTok counts of the post that a job made.
#include "job/job.h"
#include "producer/account/figures.h"
#include "producer/job/view.h"
#include "producer/tool/verb.h"

struct job_stats_options {
    bool json;
};

static const struct flag flags[] = {
    { "json", FLAG_YES, NULL, offsetof(struct job_stats_options, json),
      .help = "print one JSON object" },
};

static bool ask(struct tool *tool, const struct job_view *view, struct tiktok_video *post,
                struct error *err)
{
    struct figures figures;
    struct buf     account;
    struct str     post_id = job_view_field(view, "post_id");
    if (!post_id.len)
        return error_set(err, ERR_REFUSED,
                         "there are no figures: TikTok has told no id of a public post of this "
                         "job (tokfleet job ID tells what became of it)");
    buf_init(&account, OPEN_ID_MAX);
    buf_add(&account, job_view_field(view, "account"));
    bool ok = figures_open(tool, buf_text(&account), &figures, err) &&
              figures_post(&figures, post_id, post, err);
    figures_close(&figures);
    buf_fini(&account);
    return ok;
}

static void print(struct tool *tool, const char *job_id, const struct job_view *view,
                  const struct tiktok_video *post)
{
    struct str url = job_view_field(view, "post_url");
    out_paint(&tool->out, BOLD, "%s", job_id);
    out_printf(&tool->out, "  %.*s\n", STR_ARG(url.len ? url : job_view_field(view, "post_id")));
    figures_print(&tool->out, post);
}

static void print_json(struct tool *tool, const char *job_id, const struct job_view *view,
                       const struct tiktok_video *post)
{
    struct json *json = json_object();
    json_set_text(json, "job_id", str_of(job_id));
    json_set_text(json, "account", job_view_field(view, "account"));
    json_set_text(json, "post_id", str_of(post->id));
    figures_json(post, json);
    out_json(&tool->out, json);
    json_free(json);
}

static int run_stats(struct tool *tool, const void *options_read, char *const *operands,
                     int operand_count)
{
    (void)operand_count;
    const struct job_stats_options *options = options_read;
    const char                     *job_id  = operands[0];
    struct job_view                 view    = { 0 };
    struct tiktok_video             post    = { 0 };
    struct error                    err;
    int                             code;
    if (job_view_look(tool, job_id, &view, &code) && !ask(tool, &view, &post, &err))
        code = tool_fail(tool, &err);
    else if (code == END_WELL && options->json)
        print_json(tool, job_id, &view, &post);
    else if (code == END_WELL)
        print(tool, job_id, &view, &post);
    job_view_fini(&view);
    return code;
}

static const char help[] =
    "Asks TikTok for the views, likes, comments and shares of the post that a job made.\n"
    "They are TikTok's of this moment; nothing of them is kept. Needs the scope video.list\n"
    "and the id of the public post, which TikTok tells some time after it is published.\n\n"
    "  tokfleet stats campaign-7:clip-0042\n"
    "  tokfleet stats campaign-7:clip-0042 --json | jq .views\n"
    "  tokfleet jobs --state PUBLISHED --json | jq -r .job_id | xargs -n1 tokfleet stats --json";

const struct verb verb_stats = {
    .name          = "stats",
    .operands      = "ID",
    .summary       = "ask TikTok how often a job's post was viewed and liked",
    .flags         = flags,
    .flag_count    = COUNT_OF(flags),
    .options_bytes = sizeof(struct job_stats_options),
    .operands_min  = 1,
    .operands_max  = 1,
    .run           = run_stats,
    .text          = help,
    .json          = "one object: job_id, account, post_id, views, likes, comments, shares; what "
                     "is not told is null",
};
