// SPDX-License-Identifier: Apache-2.0
#include "producer/send/post.h"

#include <stdio.h>

#include "base/memory.h"
#include "io/seal.h"
#include "job/job.h"
#include "loop/clock.h"
#include "producer/job/follow.h"
#include "producer/job/view.h"
#include "producer/tool/verb.h"

#define AT(field) offsetof(struct post_options, field)

enum { RANDOM_DIGITS = 10, DAY_MS = 86400000 };

// clang-format off
static const struct flag flags[] = {
    { "account", FLAG_TEXT, "NAME", AT(account), .help = "whose post it is: an open_id, or an @alias" },
    { "video", FLAG_TEXTS, "URL", AT(videos), .help = "the video; https, on a domain that TikTok has verified for you" },
    { "photo", FLAG_TEXTS, "URL", AT(photos), .help = "a photo; again for each, up to 35, in their order" },
    { "caption", FLAG_TEXT, "TEXT", AT(caption), .help = "with its #hashtags and @mentions" },
    { "title", FLAG_TEXT, "TEXT", AT(title), .help = "of photos, up to 90 characters" },
    { "privacy", FLAG_TEXT, "LEVEL", AT(privacy), .help = "PUBLIC_TO_EVERYONE, MUTUAL_FOLLOW_FRIENDS, FOLLOWER_OF_CREATOR or SELF_ONLY" },
    { "draft", FLAG_YES, NULL, AT(draft), .help = "to the creator's inbox, who posts it by hand" },
    { "duet", FLAG_YES, NULL, AT(duet), .help = "others may duet with it" },
    { "comment", FLAG_YES, NULL, AT(comment), .help = "others may comment on it" },
    { "stitch", FLAG_YES, NULL, AT(stitch), .help = "others may stitch it" },
    { "ai", FLAG_YES, NULL, AT(ai), .help = "label it as made with AI" },
    { "brand-content", FLAG_YES, NULL, AT(brand_content), .help = "label it as a paid partnership" },
    { "brand-organic", FLAG_YES, NULL, AT(brand_organic), .help = "label it as promoting your own business" },
    { "auto-music", FLAG_YES, NULL, AT(auto_music), .help = "photos: TikTok adds music" },
    { "cover-timestamp-ms", FLAG_COUNT, "N", AT(cover_timestamp_ms), "-1", 0, DAY_MS, "video: the frame that is its cover" },
    { "cover-index", FLAG_COUNT, "N", AT(cover_index), "-1", 0, 34, "photos: the one that is the cover, from 0" },
    { "publish-at", FLAG_TEXT, "TIME", AT(publish_at), .help = "not before: 2026-12-01T18:30:00+01:00, or +30m from now" },
    { "expires-at", FLAG_TEXT, "TIME", AT(expires_at), .help = "never after: EXPIRED when it was not sent by then" },
    { "priority", FLAG_COUNT, "N", AT(priority), "-1", 0, 9, "among the jobs of its account, 9 first (default 5)" },
    { "on-unsure", FLAG_TEXT, "WHAT", AT(on_unsure), .help = "hold, retry or fail when nobody knows whether it was published (default hold)" },
    { "transfer", FLAG_TEXT, "HOW", AT(transfer), .help = "auto, pull or upload (default auto)" },
    { "metadata", FLAG_TEXT, "JSON", AT(metadata), .help = "comes back with every event, up to 4 KiB" },
    { "job-id", FLAG_TEXT, "ID", AT(job_id), .help = "the idempotency key; made and printed when not given" },
    { "wait", FLAG_YES, NULL, AT(wait), .help = "follow it to its end, showing each step" },
    { "timeout", FLAG_MS, "TIME", AT(timeout_ms), "10m", 0, INT64_C(30) * DAY_MS, "with --wait: stop following after" },
    { "dry-run", FLAG_YES, NULL, AT(dry_run), .help = "check it and print the message, send nothing" },
    { "json", FLAG_YES, NULL, AT(json), .help = "print one JSON object" },
};
// clang-format on

static void make_job_id(int64_t now_ms, char out[JOB_ID_MAX + 1])
{
    char time[CLOCK_TEXT_BYTES];
    char digits[RANDOM_DIGITS + 1];
    clock_format(now_ms, time);
    random_hex(digits, RANDOM_DIGITS);
    // post-20261201-173000-1f3a...
    snprintf(out, JOB_ID_MAX + 1, "post-%.4s%.2s%.2s-%.2s%.2s%.2s-%s", time, time + 5, time + 8,
             time + 11, time + 14, time + 17, digits);
}

static void print_warnings(struct tool *tool, const struct job *job)
{
    struct str rest = buf_str(&job->warnings);
    struct str line;
    while (str_cut(&rest, '\n', &line))
        if (line.len)
            tool_note(tool, "warning: %.*s", STR_ARG(line));
}

static struct json *warnings_json(const struct job *job)
{
    struct json *list = json_array();
    struct str   rest = buf_str(&job->warnings);
    struct str   line;
    while (str_cut(&rest, '\n', &line))
        if (line.len)
            json_add_text(list, line);
    return list;
}

// what was sent, and where it stands
struct sent {
    const struct post_options *options;  // borrowed
    const char                *job_id;   // borrowed
    const struct job          *job;      // borrowed
    char                       topic[TOPIC_NAME_BYTES];
    struct kafka_place         place;
};

static struct json *sent_json(const struct sent *sent)
{
    struct json *object   = json_object();
    struct json *warnings = warnings_json(sent->job);
    json_set_text(object, "job_id", str_of(sent->job_id));
    json_set_text(object, "topic", str_of(sent->topic));
    json_set_i64(object, "partition", sent->place.partition);
    json_set_i64(object, "offset", sent->place.offset);
    json_set(object, "warnings", &warnings);
    return object;
}

static bool add_view(struct tool *tool, const struct sent *sent, struct json *object)
{
    struct job_view view = { 0 };
    struct error    err;
    bool            ok = job_view_load(tool, sent->job_id, NULL, &view, &err);
    if (ok && job_view_found(&view)) {
        struct json *job = job_view_json(&view, sent->job_id);
        json_set(object, "job", &job);
    }
    job_view_fini(&view);
    return ok;
}

static int follow_sent(struct tool *tool, const struct sent *sent)
{
    char          partition[TOPIC_NAME_BYTES + 16];
    char          source[TOPIC_NAME_BYTES + 48];
    struct follow follow = {
        .job_id     = sent->job_id,
        .timeout_ms = sent->options->timeout_ms,
        .quiet      = sent->options->json,
        .source     = source,
        .partition  = partition,
        .offset     = sent->place.offset,
        .hash       = sent->job->hash,
    };
    snprintf(partition, sizeof partition, "%s-%d", sent->topic, (int)sent->place.partition);
    snprintf(source, sizeof source, "%s@%" PRIi64, partition, sent->place.offset);
    return follow_job(tool, &follow);
}

static int report(struct tool *tool, const struct sent *sent)
{
    int code = END_WELL;
    if (!sent->options->json) {
        out_printf(&tool->out, "%s  %s-%d@%" PRIi64 "\n", sent->job_id, sent->topic,
                   (int)sent->place.partition, sent->place.offset);
        out_flush(&tool->out);
    }
    if (sent->options->wait)
        code = follow_sent(tool, sent);
    if (sent->options->json) {
        struct json *object = sent_json(sent);
        if (sent->options->wait && code != END_UNREACHABLE && !add_view(tool, sent, object))
            json_set_null(object, "job");
        out_json(&tool->out, object);
        json_free(object);
    }
    return code;
}

static int send_post(struct tool *tool, struct sent *sent, struct str message)
{
    struct error err;
    tool_topic(tool, TOPIC_JOBS, sent->topic);
    if (!tool_send(tool, TOPIC_JOBS, sent->job->account, message, &sent->place, &err)) {
        int code = tool_fail(tool, &err);
        if (err_effect(err.code) == EFFECT_MAYBE)
            tool_note(
                tool,
                "it may have arrived all the same: sending it again with --job-id %s is harmless",
                sent->job_id);
        return code;
    }
    return report(tool, sent);
}

static int run_post(struct tool *tool, const void *options_read, char *const *operands,
                    int operand_count)
{
    (void)operands, (void)operand_count;
    const struct post_options *options = options_read;
    struct job                 job     = { 0 };
    struct job_rules rules = { tool->config.job_max_bytes, tool->config.job_privacy_default };
    struct error     err;
    struct buf       message;
    char             made_id[JOB_ID_MAX + 1];
    int64_t          now_ms = clock_wall_ms();
    int              code   = END_USAGE;
    make_job_id(now_ms, made_id);
    const char *job_id = options->job_id ? options->job_id : made_id;
    buf_init(&message, (size_t)tool->config.job_max_bytes);
    if (!post_message(options, job_id, now_ms, &message, &err) ||
        !job_decode(buf_str(&message), &rules, &job, &err)) {
        tool_note(tool, "%s", err.message);
    } else {
        struct sent sent = { .options = options, .job_id = job_id, .job = &job };
        print_warnings(tool, &job);
        if (options->dry_run) {
            out_printf(&tool->out, "%s\n", buf_text(&message));
            code = END_WELL;
        } else {
            code = send_post(tool, &sent, buf_str(&message));
        }
    }
    job_fini(&job);
    buf_fini(&message);
    return code;
}

static const char help[] =
    "Makes a job of its flags, checks it by the same rules as the worker does,\n"
    "sends it to <fleet>.jobs and prints its job_id and where on Kafka it stands.\n"
    "The same job_id with the same content is posted once, however often it is\n"
    "sent.\n\n"
    "  tokfleet post --account @brand.de --video https://cdn.example.com/clip.mp4 \\\n"
    "      --caption 'Morning light #lisbon' --privacy SELF_ONLY --wait\n"
    "  tokfleet post --account @brand.de --photo https://cdn.example.com/1.jpg \\\n"
    "      --photo https://cdn.example.com/2.jpg --title 'Two views' --draft\n"
    "  tokfleet post --account @brand.de --video https://cdn.example.com/clip.mp4 --publish-at +2h "
    "\\\n"
    "      --job-id campaign-7:clip-0042 --json\n\n"
    "With --wait the exit status tells its end: 0 published (or in the inbox), 1\n"
    "failed, rejected, expired or cancelled, 4 still going on after --timeout, 5\n"
    "unsure. Ctrl-C stops the following, not the job.";

const struct verb verb_post = {
    .heading       = "jobs onto Kafka",
    .name          = "post",
    .operands      = "--account NAME (--video URL | --photo URL ...)",
    .summary       = "put one job on Kafka",
    .flags         = flags,
    .flag_count    = COUNT_OF(flags),
    .options_bytes = sizeof(struct post_options),
    .run           = run_post,
    .text          = help,
    .json          = "one object: job_id, topic, partition, offset, warnings; with "
                     "--wait also job, as in tokfleet job",
};
