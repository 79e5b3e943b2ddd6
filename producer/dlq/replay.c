// SPDX-License-Identifier: Apache-2.0
/* tokfleet dlq replay: a dead letter, or what a person made of it, is put on <fleet>.jobs once more, and what became of
 * it is told.
 *
 *   letter ──► checked as the worker will ──► <fleet>.jobs ──► watermark passed it ──► the job, or a dead letter again
 */
#include <stdio.h>

#include "base/memory.h"
#include "job/command.h"
#include "job/job.h"
#include "loop/clock.h"
#include "producer/dlq/dlq.h"
#include "producer/job/view.h"
#include "producer/tool/lines.h"
#include "producer/tool/verb.h"
#include "producer/tool/words.h"

enum {
    LOOK_MS          = 200,
    DAY_MS           = 86400000,
    SKEW_MS          = 300000,
    FILE_MAX_BYTES   = 1024 * 1024,
    LOOKS_TO_BE_SURE = 2
};

struct replay_options {
    const char *file;
    bool        force;
    int64_t     timeout_ms;
    bool        json;
};

#define AT(field) offsetof(struct replay_options, field)

static const struct flag flags[] = {
    { "file", FLAG_TEXT, "FILE", AT(file), .help = "send this instead of the original" },
    { "force", FLAG_YES, NULL, AT(force),
      .help = "send it although it will be a dead letter again" },
    { "timeout", FLAG_MS, "TIME", AT(timeout_ms), "30s", 0, DAY_MS,
      "stop waiting for what becomes of it after; it is read all the same" },
    { "json", FLAG_YES, NULL, AT(json), .help = "print one JSON object" },
};

enum became { IS_WAITING, IS_TAKEN, IS_KNOWN, IS_DEAD, IS_READ };

struct replay_try {
    struct tool                 *tool;     // borrowed
    const struct replay_options *options;  // borrowed
    struct newest_record         letter;
    struct buf                   file;     // of --file
    struct str                   message;  // that is sent
    struct job                   job;      // of it, when it is a good one
    bool                         is_job;
    char                         job_id[JOB_ID_MAX + 1];
    char                         topic[TOPIC_NAME_BYTES];
    char                         partition[TOPIC_NAME_BYTES + 16];
    char                         source[TOPIC_NAME_BYTES + 48];
    struct kafka_place           place;
    struct newest_record         again;  // the dead letter that it became
    enum became                  became;
};

static bool read_file(struct replay_try *try, const char *path, struct error *err)
{
    struct lines    *lines = lines_open(path, FILE_MAX_BYTES, false, err);
    enum lines_found found = LINES_FAILED;
    struct str       line;
    while (lines && (found = lines_next_raw(lines, &line, err)) == LINES_LINE)
        buf_add(&try->file, line);
    lines_free(lines);
    if (!lines || found == LINES_FAILED)
        return false;
    if (found == LINES_TOO_LONG || try->file.full)
        return error_set(err, ERR_INPUT, "%.200s is longer than %d bytes", path, FILE_MAX_BYTES);
    // an editor ends a file with a line end, which is no part of the message
    try->message = str_trim(buf_str(&try->file));
    return true;
}

static bool choose_message(struct replay_try *try, struct error *err)
{
    if (try->options->file)
        return read_file(try, try->options->file, err);
    try->message = try->letter.value;
    return dlq_is_whole(&try->letter) ||
           error_set(
               err, ERR_INPUT,
               "only the first %zu bytes of the original are here: send a whole one with --file",
               try->letter.value.len);
}

// by the rules of the worker, so that a mistake is heard of here
static bool check_message(struct replay_try *try, struct error *err)
{
    const struct config *config = &try->tool->config;
    struct job_rules     rules  = { config->job_max_bytes, config->job_privacy_default };
    if (message_kind_of(try->message, config->job_max_bytes) == MESSAGE_COMMAND) {
        struct command command = { 0 };
        bool           ok      = command_decode(try->message, config->job_max_bytes, &command, err);
        command_fini(&command);
        return ok;
    }
    try->is_job = job_decode(try->message, &rules, &try->job, err);
    if (try->is_job)
        snprintf(try->job_id, sizeof try->job_id, "%.*s", STR_ARG(try->job.id));
    return try->is_job;
}

static bool send_message(struct replay_try *try, struct error *err)
{
    // a mended job may be another account's
    struct str key = try->is_job ? try->job.account : try->letter.key;
    tool_topic(try->tool, TOPIC_JOBS, try->topic);
    if (!tool_send(try->tool, TOPIC_JOBS, key, try->message, &try->place, err))
        return false;
    snprintf(try->partition, sizeof try->partition, "%s-%d", try->topic, (int)try->place.partition);
    snprintf(try->source, sizeof try->source, "%s@%" PRIi64, try->partition, try->place.offset);
    return true;
}

// whether ingest has gone past it
static bool is_passed(struct replay_try *try, bool *passed, struct error *err)
{
    struct ask ask = { 0 };
    if (!tool_store(try->tool, err))
        return false;
    ask_begin(try->tool, &ask, "HGET", "watermark", STR(""));
    ask_add(&ask, try->partition);
    bool ok = tool_ask(try->tool, &ask, 1, err);
    *passed = ok && watermark_next(ask.reply.answer.text) > try->place.offset;
    asks_fini(&ask, 1);
    return ok;
}

// -1: neither; the job as Redis has it, when it is ours or says the same
static bool look_job(struct replay_try *try, struct error *err)
{
    struct job_view view = { 0 };
    if (!try->is_job)
        return true;
    bool ok = job_view_load(try->tool, try->job_id, NULL, &view, err);
    if (ok && job_view_found(&view) && str_is(job_view_field(&view, "source"), try->source))
        try->became = IS_TAKEN;
    else if (ok && job_view_found(&view) && str_is(job_view_field(&view, "hash"), try->job.hash))
        try->became = IS_KNOWN;
    job_view_fini(&view);
    return ok;
}

static int wait_for_end(struct replay_try *try)
{
    int64_t      until_ms = clock_monotonic_ms() + try->options->timeout_ms;
    int64_t      since_ms = clock_wall_ms() - SKEW_MS;
    struct error err;
    for (int looks = 0;;) {
        bool passed = false;
        if (!is_passed(try, &passed, &err) || !look_job(try, &err))
            return tool_fail(try->tool, &err);
        looks += passed;
        if (try->became == IS_TAKEN || (try->became == IS_KNOWN && passed))
            return END_WELL;
        if (looks >= LOOKS_TO_BE_SURE)
            break;
        if (clock_monotonic_ms() >= until_ms)
            return END_GOING;
        if (!tool_idle(try->tool, LOOK_MS))
            return END_INTERRUPTED;
    }
    try->became = dlq_find(try->tool, try->source, since_ms, &try->again, &err) ? IS_DEAD : IS_READ;
    return try->became == IS_DEAD || try->is_job ? END_BAD : END_WELL;
}

static void print_end(struct replay_try *try, int code)
{
    struct out *out = &try->tool->out;
    struct buf  why;
    char        id[DLQ_ID_BYTES];
    buf_init(&why, 8192);
    out_printf(out, "sent to %s\n", try->source);
    switch (try->became) {
    case IS_TAKEN:
        out_paint(out, GREEN, "taken: job %s", try->job_id);
        out_printf(out, "; follow it with: tokfleet job %s --follow\n", try->job_id);
        break;
    case IS_KNOWN:
        out_paint(out, GREEN, "known: job %s has the same content, and nothing changed",
                  try->job_id);
        out_printf(out, "; look at it with: tokfleet job %s\n", try->job_id);
        break;
    case IS_DEAD:
        dlq_id_format(&try->again, id);
        buf_add_visible(&why, newest_header(&try->again, "why"));
        out_paint(out, RED, "a dead letter again, %s: %s\n", id, buf_text(&why));
        break;
    case IS_READ:
        out_printf(out, "read by a worker, and no dead letter came of it%s\n",
                   try->is_job ? ", but no job either: see tokfleet job and tokfleet dlq list"
                               : "");
        break;
    case IS_WAITING:
        if (code == END_GOING)
            tool_note(try->tool, "no worker has read it yet; it is read all the same when one does "
                                 "(tokfleet status shows which are alive)");
        else if (code == END_INTERRUPTED)
            tool_note(try->tool, "interrupted: it is on its way all the same");
        break;
    }
    buf_fini(&why);
}

static void print_json(struct replay_try *try)
{
    static const char *const words[] = { "waiting", "taken", "known", "dead_letter", "read" };
    struct json             *object  = json_object();
    json_set_text(object, "topic", str_of(try->topic));
    json_set_i64(object, "partition", try->place.partition);
    json_set_i64(object, "offset", try->place.offset);
    json_set_text(object, "became", str_of(words[try->became]));
    if (try->is_job)
        json_set_text(object, "job_id", str_of(try->job_id));
    else
        json_set_null(object, "job_id");
    if (try->became == IS_DEAD) {
        struct json *letter = dlq_json(&try->again);
        json_set(object, "dead_letter", &letter);
    } else {
        json_set_null(object, "dead_letter");
    }
    out_json(&try->tool->out, object);
    json_free(object);
}

static int replay(struct replay_try *try, const char *id)
{
    struct tool        *tool = try->tool;
    struct kafka_offset place;
    struct error        err;
    if (!dlq_id_parse(id, &place, &err) ||
        !newest_one(tool, TOPIC_DLQ, &place, &try->letter, &err) || !choose_message(try, &err))
        return tool_fail(tool, &err);
    if (!check_message(try, &err) && !try->options->force) {
        tool_note(tool,
                  "%s\nIt would be a dead letter again, and was not sent. Mend it:\n"
                  "  tokfleet dlq show %s --raw > letter.json\n"
                  "  tokfleet dlq replay %s --file letter.json",
                  err.message, id, id);
        return END_BAD;
    }
    if (!send_message(try, &err))
        return tool_fail(tool, &err);
    int code = wait_for_end(try);
    if (code == END_UNREACHABLE)
        tool_note(tool, "it is on Kafka (%s), and what became of it could not be seen",
                  try->source);
    else if (try->options->json)
        print_json(try);
    else
        print_end(try, code);
    return code;
}

static int run_dlq_replay(struct tool *tool, const void *options, char *const *operands,
                          int operand_count)
{
    (void)operand_count;
    struct replay_try try = { .tool = tool, .options = options };
    buf_init(&try.file, FILE_MAX_BYTES);
    int code = replay(&try, operands[0]);
    job_fini(&try.job);
    newest_record_fini(&try.letter);
    newest_record_fini(&try.again);
    buf_fini(&try.file);
    return code;
}

static const char help[] =
    "Sends the original bytes of a dead letter, or a file that was made of them, to\n"
    "<fleet>.jobs once more, and says what became of it: taken, known already with the\n"
    "same content, or a dead letter again and why. What the worker would refuse anyway is\n"
    "not sent, unless --force. A job that is known under its job_id with other content is\n"
    "not changed by a replay: give the mended one a new job_id.\n\n"
    "  tokfleet dlq replay 3@17\n"
    "  tokfleet dlq show 3@17 --raw | jq '.caption |= .[:2000]' | tokfleet dlq replay 3@17 --file "
    "-\n\n"
    "The exit status is 0 when it was taken or known, 1 when it is dead again, 4 when no\n"
    "worker had read it after --timeout.";

const struct verb verb_dlq_replay = {
    .name          = "dlq replay",
    .operands      = "ID",
    .summary       = "send a dead letter again, as it was or mended",
    .flags         = flags,
    .flag_count    = COUNT_OF(flags),
    .options_bytes = sizeof(struct replay_options),
    .operands_min  = 1,
    .operands_max  = 1,
    .run           = run_dlq_replay,
    .text          = help,
    .json = "one object: topic, partition, offset, became (taken, known, dead_letter, read, "
            "waiting), job_id or "
            "null, dead_letter (as in dlq list) or null",
};
