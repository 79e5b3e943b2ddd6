// SPDX-License-Identifier: Apache-2.0
#include "producer/tell/telling.h"

#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "io/seal.h"
#include "job/command.h"
#include "job/job.h"
#include "loop/clock.h"
#include "producer/job/timeline.h"
#include "producer/tool/words.h"

enum { LOOK_MS = 200, RANDOM_DIGITS = 10, WHY_BYTES = 600, LOOKS_TO_BE_SURE = 2 };

enum effect_seen { EFFECT_WAITING, EFFECT_APPLIED, EFFECT_REFUSED, EFFECT_NONE };

struct seen {
    enum effect_seen effect;
    int              passed;  // looks in which the message was read and nothing came of it
    char             why[WHY_BYTES];
};

// ---- the message

struct json *telling_begin(struct telling *telling)
{
    char                 time[CLOCK_TEXT_BYTES], digits[RANDOM_DIGITS + 1];
    const struct passwd *me = getpwuid(getuid());
    const char  *by = telling->options->by ? telling->options->by : me ? me->pw_name : "tokfleet";
    struct json *message = json_object();
    clock_format(clock_wall_ms(), time);
    random_hex(digits, RANDOM_DIGITS);
    snprintf(telling->id, sizeof telling->id, "%s-%.4s%.2s%.2s-%.2s%.2s%.2s-%s", telling->command,
             time, time + 5, time + 8, time + 11, time + 14, time + 17, digits);
    json_set_text(message, "command", str_of(telling->command));
    json_set_text(message, "id", str_of(telling->id));
    if (telling->job_id)
        json_set_text(message, "job_id", str_of(telling->job_id));
    else if (telling->account.len)
        json_set_text(message, "account", telling->account);
    json_set_text(message, "by", str_of(by));
    if (telling->options->reason)
        json_set_text(message, "reason", str_of(telling->options->reason));
    return message;
}

// ---- what became of it

// the line of the timeline that says so
static void find_why(const struct job_view *view, const char *command, char why[WHY_BYTES])
{
    for (size_t i = job_view_lines(view); i > 0; i--) {
        struct timeline_line line;
        if (!timeline_parse(job_view_line(view, i - 1), &line) || !str_is(line.event, "REFUSED") ||
            !str_starts(line.why, command))
            continue;
        snprintf(why, WHY_BYTES, "%.*s", STR_ARG(line.why));
        return;
    }
}

static bool has_word(struct str words, const char *prefix, const char *id)
{
    struct str word;
    while (str_cut(&words, ' ', &word))
        if (str_starts(word, prefix) &&
            str_is((struct str){ word.p + strlen(prefix), word.len - strlen(prefix) }, id))
            return true;
    return false;
}

static void judge_passed(const struct telling *telling, int64_t next_offset, struct seen *seen)
{
    // what was asked for first may be older than the watermark: look once more
    if (next_offset > telling->place.offset && ++seen->passed >= LOOKS_TO_BE_SURE)
        seen->effect = EFFECT_NONE;
}

static bool look_job(struct tool *tool, const struct telling *telling, struct seen *seen,
                     struct error *err)
{
    struct job_view view = { 0 };
    bool            ok   = job_view_load(tool, telling->job_id, telling->partition, &view, err);
    if (ok && has_word(job_view_field(&view, "commands"), "!", telling->id)) {
        seen->effect = EFFECT_REFUSED;
        find_why(&view, telling->command, seen->why);
    } else if (ok && has_word(job_view_field(&view, "commands"), "", telling->id)) {
        seen->effect = EFFECT_APPLIED;
        snprintf(seen->why, sizeof seen->why, "%.*s", STR_ARG(job_view_field(&view, "state")));
    } else if (ok) {
        judge_passed(telling, job_view_watermark(&view), seen);
    }
    job_view_fini(&view);
    return ok;
}

static bool look_pause(struct tool *tool, const struct telling *telling, struct seen *seen,
                       struct error *err)
{
    struct ask asks[2] = { { { { 0 } } } };
    ask_begin(tool, &asks[0], "HGET", telling->account.len ? "account:" : "breaker",
              telling->account);
    ask_add(&asks[0], "pause_id");
    ask_begin(tool, &asks[1], "HGET", "watermark", STR(""));
    ask_add(&asks[1], telling->partition);
    bool ok = tool_ask(tool, asks, 2, err);
    if (ok && str_is(asks[0].reply.answer.text, telling->id)) {
        seen->effect = EFFECT_APPLIED;
        snprintf(seen->why, sizeof seen->why, "%s",
                 strcmp(telling->command, "pause") == 0 ? "paused" : "not paused any more");
    } else if (ok) {
        judge_passed(telling, watermark_next(asks[1].reply.answer.text), seen);
    }
    asks_fini(asks, 2);
    return ok;
}

// END_GOING: nothing is known yet when the time is over
static int wait_for_effect(struct tool *tool, const struct telling *telling, struct seen *seen)
{
    int64_t      began_ms = clock_monotonic_ms();
    struct error err;
    for (;;) {
        bool ok = telling->job_id ? look_job(tool, telling, seen, &err)
                                  : look_pause(tool, telling, seen, &err);
        if (!ok)
            return tool_fail(tool, &err);
        if (seen->effect == EFFECT_APPLIED)
            return END_WELL;
        if (seen->effect != EFFECT_WAITING)
            return END_BAD;
        if (clock_monotonic_ms() - began_ms >= telling->options->timeout_ms)
            return END_GOING;
        if (!tool_idle(tool, LOOK_MS))
            return END_INTERRUPTED;
    }
}

// ---- telling it

static void print_effect(struct tool *tool, const struct telling *telling, const struct seen *seen,
                         int code)
{
    struct out *out = &tool->out;
    struct buf  what;
    buf_init(&what, 256);
    buf_add_visible(&what, str_of(telling->name));
    if (seen->effect == EFFECT_APPLIED)
        out_paint(out, GREEN, "%s: %s is %s\n", telling->command, buf_text(&what), seen->why);
    else if (seen->effect == EFFECT_REFUSED)
        out_paint(out, RED, "refused: %s\n", seen->why[0] ? seen->why : "see its timeline");
    else if (seen->effect == EFFECT_NONE)
        out_paint(
            out, RED,
            "nothing came of it: a newer command was first, or it is a dead letter on %s.dlq\n",
            tool->config.fleet);
    else if (code == END_GOING)
        tool_note(tool, "no worker has read it yet; it is done all the same when one does "
                        "(tokfleet status shows "
                        "which are alive)");
    else if (code == END_INTERRUPTED)
        tool_note(tool, "interrupted: the command is on its way all the same");
    buf_fini(&what);
}

static void print_json(struct tool *tool, const struct telling *telling, const struct seen *seen)
{
    static const char *const words[] = { "waiting", "applied", "refused", "none" };
    struct json             *object  = json_object();
    struct job_view          view    = { 0 };
    struct error             err;
    json_set_text(object, "command", str_of(telling->command));
    json_set_text(object, "id", str_of(telling->id));
    json_set_text(object, "topic", str_of(telling->topic));
    json_set_i64(object, "partition", telling->place.partition);
    json_set_i64(object, "offset", telling->place.offset);
    json_set_text(object, "effect", str_of(words[seen->effect]));
    json_set_text(object, "why", seen->effect == EFFECT_REFUSED ? str_of(seen->why) : STR(""));
    if (telling->job_id && job_view_load(tool, telling->job_id, NULL, &view, &err)) {
        struct json *job = job_view_json(&view, telling->job_id);
        json_set(object, "job", &job);
    } else if (telling->account.len) {
        json_set_text(object, "account", telling->account);
    }
    job_view_fini(&view);
    out_json(&tool->out, object);
    json_free(object);
}

// by the rules of the worker, so that a mistake is heard of here
static bool is_understood(const struct tool *tool, struct str text, struct error *err)
{
    struct command command = { 0 };
    bool           ok      = command_decode(text, tool->config.job_max_bytes, &command, err);
    command_fini(&command);
    return ok;
}

int telling_send(struct tool *tool, struct telling *telling, struct json **message)
{
    struct seen  seen = { 0 };
    struct error err;
    struct buf   text;
    int          code = END_USAGE;
    buf_init(&text, (size_t)tool->config.job_max_bytes);
    json_print(*message, &text);
    json_free(*message);
    *message = NULL;
    tool_topic(tool, TOPIC_JOBS, telling->topic);
    if (!is_understood(tool, buf_str(&text), &err)) {
        tool_note(tool, "%s", err.message);
    } else if (!tool_store(tool, &err) ||
               !tool_send(tool, TOPIC_JOBS, telling->key, buf_str(&text), &telling->place, &err)) {
        code = tool_fail(tool, &err);
    } else {
        snprintf(telling->partition, sizeof telling->partition, "%s-%d", telling->topic,
                 (int)telling->place.partition);
        code = wait_for_effect(tool, telling, &seen);
        if (telling->options->json && code != END_UNREACHABLE)
            print_json(tool, telling, &seen);
        else
            print_effect(tool, telling, &seen, code);
    }
    buf_fini(&text);
    return code;
}
