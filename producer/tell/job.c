// SPDX-License-Identifier: Apache-2.0
// tokfleet cancel, reschedule, retry, resolve: commands for one job.
#include <string.h>

#include "base/memory.h"
#include "job/job.h"
#include "loop/clock.h"
#include "producer/tell/telling.h"
#include "producer/tool/moment.h"
#include "producer/tool/words.h"

struct tell_options {
    struct telling_options telling;
    const char            *publish_at;
    const char            *expires_at;
    const char            *posted;  // URL
    const char            *post_id;
    bool                   failed;
    bool                   yes;
};

// fills the rest of the message from the job as it is; false: why was told
typedef bool tell_fill(struct tool *tool, const struct tell_options *options,
                       const struct job_view *view, struct json *message);

static bool refuse(struct tool *tool, const struct job_view *view, const char *what)
{
    tool_note(tool, "it is %.*s (%s): %s", STR_ARG(job_view_field(view, "state")),
              words_state(job_view_state(view)), what);
    return false;
}

static int tell(struct tool *tool, const char *command, const void *options_read,
                const char *job_id, tell_fill *fill)
{
    const struct tell_options *options = options_read;
    struct telling             telling = {
                    .options = &options->telling, .command = command, .name = job_id, .job_id = job_id
    };
    struct job_view view = { 0 };
    int             code;
    if (job_view_look(tool, job_id, &view, &code)) {
        struct json *message = telling_begin(&telling);
        telling.key          = job_view_field(&view, "account_text");
        code                 = END_BAD;
        if (fill(tool, options, &view, message))
            code = telling_send(tool, &telling, &message);
        json_free(message);
    }
    job_view_fini(&view);
    return code;
}

// the attempt that is meant: what is there now, and nothing else
static void set_attempt(const struct job_view *view, struct json *message)
{
    struct str epoch = job_view_field(view, "attempt_epoch");
    json_set_text(message, "epoch", epoch.len ? epoch : STR("0-0"));
    if (job_view_field(view, "publish_id").len)
        json_set_text(message, "publish_id", job_view_field(view, "publish_id"));
}

// ---- cancel

static const struct flag cancel_flags[] = { TELLING_FLAGS(tell_options) };

static bool fill_cancel(struct tool *tool, const struct tell_options *options,
                        const struct job_view *view, struct json *message)
{
    (void)options, (void)message;
    if (job_state_after(job_view_state(view), ON_CANCEL) == JOB_STATE_COUNT)
        return refuse(tool, view,
                      "only what waits, or was claimed and not yet sent, can be cancelled");
    return true;
}

static int run_cancel(struct tool *tool, const void *options, char *const *operands,
                      int operand_count)
{
    (void)operand_count;
    return tell(tool, "cancel", options, operands[0], fill_cancel);
}

static const char cancel_help[] =
    "Cancels a job that was not sent to TikTok yet. What is at TikTok cannot be\n"
    "called back.\n\n"
    "  tokfleet cancel campaign-7:clip-0042 --reason 'wrong cut'\n\n"
    "The exit status is 0 when it is cancelled, 1 when it was too late, 4 when no\n"
    "worker had read the command after --timeout.";

const struct verb verb_cancel = {
    .heading       = "decide about one job",
    .name          = "cancel",
    .operands      = "ID",
    .summary       = "cancel a job that was not sent yet",
    .flags         = cancel_flags,
    .flag_count    = COUNT_OF(cancel_flags),
    .options_bytes = sizeof(struct tell_options),
    .operands_min  = 1,
    .operands_max  = 1,
    .run           = run_cancel,
    .text          = cancel_help,
    .json          = TELLING_JSON ", job (as in tokfleet job)",
};

// ---- reschedule

static const struct flag reschedule_flags[] = {
    { "publish-at", FLAG_TEXT, "TIME", offsetof(struct tell_options, publish_at),
      .help = "not before: 2026-12-01T18:30:00+01:00, or +30m from now" },
    { "expires-at", FLAG_TEXT, "TIME", offsetof(struct tell_options, expires_at),
      .help = "never after; as it was when not given" },
    TELLING_FLAGS(tell_options),
};

static bool fill_reschedule(struct tool *tool, const struct tell_options *options,
                            const struct job_view *view, struct json *message)
{
    if (job_view_state(view) != JOB_QUEUED)
        return refuse(tool, view, "only what waits can be rescheduled");
    struct error  err;
    const int64_t now_ms = clock_wall_ms();
    if (moment_set(message, "publish_at", "--publish-at", options->publish_at, now_ms, &err) &&
        moment_set(message, "expires_at", "--expires-at", options->expires_at, now_ms, &err))
        return true;
    tool_note(tool, "%s", err.message);
    return false;
}

static int run_reschedule(struct tool *tool, const void *options_read, char *const *operands,
                          int operand_count)
{
    const struct tell_options *options = options_read;
    (void)operand_count;
    if (!options->publish_at) {
        tool_note(tool, "--publish-at TIME is missing; +0s is now");
        return END_USAGE;
    }
    return tell(tool, "reschedule", options, operands[0], fill_reschedule);
}

static const char reschedule_help[] =
    "Gives a job that waits another moment. Without --expires-at its end stays.\n\n"
    "  tokfleet reschedule campaign-7:clip-0042 --publish-at 2026-12-01T18:30:00+01:00\n"
    "  tokfleet reschedule campaign-7:clip-0042 --publish-at +2h --expires-at +6h\n"
    "  tokfleet reschedule campaign-7:clip-0042 --publish-at +0s";

const struct verb verb_reschedule = {
    .name          = "reschedule",
    .operands      = "ID --publish-at TIME",
    .summary       = "give a job that waits another moment",
    .flags         = reschedule_flags,
    .flag_count    = COUNT_OF(reschedule_flags),
    .options_bytes = sizeof(struct tell_options),
    .operands_min  = 1,
    .operands_max  = 1,
    .run           = run_reschedule,
    .text          = reschedule_help,
    .json          = TELLING_JSON ", job (as in tokfleet job)",
};

// ---- retry

static const struct flag retry_flags[] = {
    { "yes", FLAG_YES, NULL, offsetof(struct tell_options, yes),
      .help = "an UNSURE job: I know that it may be posted twice" },
    TELLING_FLAGS(tell_options),
};

static bool fill_retry(struct tool *tool, const struct tell_options *options,
                       const struct job_view *view, struct json *message)
{
    if (job_state_after(job_view_state(view), ON_RETRY) == JOB_STATE_COUNT)
        return refuse(tool, view, "only FAILED and UNSURE jobs can be retried");
    if (job_view_state(view) == JOB_UNSURE && !options->yes)
        return refuse(tool, view,
                      "look at the account on TikTok first. If the post is there, resolve it "
                      "(--posted URL). If it is not, retry with --yes: it may be posted twice. "
                      "tokfleet unsure show lays out what is known");
    set_attempt(view, message);
    return true;
}

static int run_retry(struct tool *tool, const void *options, char *const *operands,
                     int operand_count)
{
    (void)operand_count;
    return tell(tool, "retry", options, operands[0], fill_retry);
}

static const char retry_help[] =
    "Tries a FAILED or UNSURE job again, as a new attempt. It names the attempt\n"
    "that it is about: when something else has happened to the job by then, the\n"
    "command is refused and nothing is done.\n\n"
    "  tokfleet retry campaign-7:clip-0042\n"
    "  tokfleet retry campaign-7:clip-0043 --yes --reason 'not on the profile'\n\n"
    "A post that nobody knows of (UNSURE) may be there already: --yes says that\n"
    "you looked, and take the risk of a second one.";

const struct verb verb_retry = {
    .name          = "retry",
    .operands      = "ID",
    .summary       = "try a FAILED or UNSURE job again",
    .flags         = retry_flags,
    .flag_count    = COUNT_OF(retry_flags),
    .options_bytes = sizeof(struct tell_options),
    .operands_min  = 1,
    .operands_max  = 1,
    .run           = run_retry,
    .text          = retry_help,
    .json          = TELLING_JSON ", job (as in tokfleet job)",
};

// ---- resolve

static const struct flag resolve_flags[] = {
    { "posted", FLAG_TEXT, "URL", offsetof(struct tell_options, posted),
      .help = "it is on TikTok, there" },
    { "post-id", FLAG_TEXT, "ID", offsetof(struct tell_options, post_id),
      .help = "with --posted: its id, when the URL does not end in it" },
    { "failed", FLAG_YES, NULL, offsetof(struct tell_options, failed),
      .help = "it is not on TikTok" },
    TELLING_FLAGS(tell_options),
};

// the digits behind "/video/" or "/photo/"; "" none
static struct str id_of_url(const char *url)
{
    const char *found = strstr(url, "/video/");
    if (!found)
        found = strstr(url, "/photo/");
    struct str id = { found ? found + strlen("/video/") : "", 0 };
    while (id.p[id.len] >= '0' && id.p[id.len] <= '9')
        id.len++;
    return id;
}

static bool fill_resolve(struct tool *tool, const struct tell_options *options,
                         const struct job_view *view, struct json *message)
{
    if (job_view_state(view) != JOB_UNSURE)
        return refuse(tool, view, "only an UNSURE job can be resolved");
    set_attempt(view, message);
    json_set_text(message, "outcome", options->failed ? STR("failed") : STR("posted"));
    if (options->failed)
        return true;
    struct str id = options->post_id ? str_of(options->post_id) : id_of_url(options->posted);
    json_set_text(message, "post_url", str_of(options->posted));
    if (id.len)
        json_set_text(message, "post_id", id);
    return true;
}

static int run_resolve(struct tool *tool, const void *options_read, char *const *operands,
                       int operand_count)
{
    const struct tell_options *options = options_read;
    (void)operand_count;
    if (!options->posted == !options->failed) {
        tool_note(tool, "say one of them: --posted URL, or --failed");
        return END_USAGE;
    }
    return tell(tool, "resolve", options, operands[0], fill_resolve);
}

static const char resolve_help[] =
    "Says what became of an UNSURE job, after a look at the account on TikTok: it\n"
    "ends PUBLISHED or FAILED, and is never sent again by itself.\n\n"
    "  tokfleet resolve campaign-7:clip-0042 \\\n"
    "      --posted https://www.tiktok.com/@brand/video/7123456789012345678\n"
    "  tokfleet resolve campaign-7:clip-0043 --failed --reason 'not there after a day'";

const struct verb verb_resolve = {
    .name          = "resolve",
    .operands      = "ID (--posted URL | --failed)",
    .summary       = "say what became of an UNSURE job",
    .flags         = resolve_flags,
    .flag_count    = COUNT_OF(resolve_flags),
    .options_bytes = sizeof(struct tell_options),
    .operands_min  = 1,
    .operands_max  = 1,
    .run           = run_resolve,
    .text          = resolve_help,
    .json          = TELLING_JSON ", job (as in tokfleet job)",
};
