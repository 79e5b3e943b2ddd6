// SPDX-License-Identifier: Apache-2.0
#include "producer/job/view.h"

#include "base/memory.h"
#include "job/job.h"
#include "producer/job/timeline.h"
#include "producer/tool/words.h"

enum { MESSAGE_DEPTH_MAX = 64, MESSAGE_MAX_BYTES = 1024 * 1024, FIRST_LINE_MAX_BYTES = 512 };

static const struct answer *log_of(const struct job_view *view)
{
    return &view->asks[VIEW_LOG].reply.answer;
}

// as the scripts write it when the job moves for the first time (note() in _job.lua)
static void make_first_line(struct job_view *view)
{
    struct str at = job_view_field(view, "t_ingested");
    buf_init(&view->first, FIRST_LINE_MAX_BYTES);
    if (log_of(view)->count == 0 && at.len && job_view_state(view) == JOB_QUEUED)
        buf_printf(&view->first, "%.*s\t\tNONE\tINGEST\tQUEUED\t%.*s\t", STR_ARG(at),
                   STR_ARG(job_view_field(view, "source")));
}

static bool load_account(struct tool *tool, struct job_view *view, struct error *err)
{
    struct str account = job_view_field(view, "account");
    if (job_view_state(view) != JOB_QUEUED || !account.len)
        return true;
    ask_begin(tool, &view->account, "HGETALL", "account:", account);
    ask_begin(tool, &view->breaker, "HGETALL", "breaker", STR(""));
    return tool_ask(tool, &view->account, 1, err) && tool_ask(tool, &view->breaker, 1, err);
}

bool job_view_load(struct tool *tool, const char *job_id, const char *partition,
                   struct job_view *view, struct error *err)
{
    struct str  id   = str_of(job_id);
    struct ask *asks = view->asks;
    if (!tool_store(tool, err))
        return false;
    ask_begin(tool, &asks[VIEW_JOB], "HGETALL", "job:", id);
    ask_begin(tool, &asks[VIEW_LOG], "LRANGE", "log:", id);
    ask_add(&asks[VIEW_LOG], "0");
    ask_add(&asks[VIEW_LOG], "-1");
    ask_begin(tool, &asks[VIEW_MESSAGE], "GET", "message:", id);
    ask_begin(tool, &asks[VIEW_MARK], "HGET", "watermark", (struct str){ 0 });
    ask_add(&asks[VIEW_MARK], partition ? partition : "");
    if (!tool_ask(tool, asks, VIEW_ASKS, err))
        return false;
    make_first_line(view);
    return load_account(tool, view, err);
}

bool job_view_look(struct tool *tool, const char *job_id, struct job_view *view, int *code)
{
    struct error err;
    *code = END_WELL;
    if (!job_id_valid(str_of(job_id))) {
        tool_note(tool, "this is no job_id: it has 1 to %d characters of A-Za-z0-9._:-",
                  JOB_ID_MAX);
        *code = END_USAGE;
    } else if (!job_view_load(tool, job_id, NULL, view, &err)) {
        *code = tool_fail(tool, &err);
    } else if (!job_view_found(view)) {
        tool_note(tool,
                  "there is no job %s in fleet %s.\nIt may not have been read from Kafka yet "
                  "(tokfleet status shows which programs are alive), its record may have ended its "
                  "time, or the id is another one.",
                  job_id, tool->config.fleet);
        *code = END_BAD;
    }
    return *code == END_WELL;
}

void job_view_fini(struct job_view *view)
{
    asks_fini(view->asks, VIEW_ASKS);
    asks_fini(&view->account, 1);
    asks_fini(&view->breaker, 1);
    buf_fini(&view->first);
}

bool job_view_found(const struct job_view *view)
{
    return view->asks[VIEW_JOB].reply.answer.count > 0;
}

struct str job_view_field(const struct job_view *view, const char *field)
{
    return answer_field(&view->asks[VIEW_JOB].reply.answer, field);
}

int64_t job_view_number(const struct job_view *view, const char *field)
{
    int64_t number;
    return str_to_i64(job_view_field(view, field), &number) ? number : 0;
}

enum job_state job_view_state(const struct job_view *view)
{
    enum job_state state;
    return job_state_parse(job_view_field(view, "state"), &state) ? state : JOB_NONE;
}

size_t job_view_lines(const struct job_view *view)
{
    return view->first.len ? 1 : log_of(view)->count;
}

struct str job_view_line(const struct job_view *view, size_t i)
{
    return view->first.len ? buf_str(&view->first) : answer_item(log_of(view), i);
}

int64_t job_view_watermark(const struct job_view *view)
{
    return watermark_next(view->asks[VIEW_MARK].reply.answer.text);
}

int64_t watermark_next(struct str text)
{
    int64_t    next;
    struct str first;
    return str_cut(&text, ' ', &first) && str_to_i64(first, &next) ? next : -1;
}

static void set_texts(struct json *object, const struct job_view *view)
{
    static const char *const fields[] = { "account_text", "kind",     "media",         "source",
                                          "on_unsure",    "epoch",    "attempt_epoch", "publish_id",
                                          "post_id",      "post_url", "tiktok_status", "look_code",
                                          "log_id",       "worker" };
    for (size_t i = 0; i < COUNT_OF(fields); i++)
        json_set_text_or_null(object, fields[i], job_view_field(view, fields[i]));
}

static void set_numbers(struct json *object, const struct job_view *view)
{
    static const char *const fields[] = { "attempt",          "retries",        "priority",
                                          "downloaded_bytes", "uploaded_bytes", "looks" };
    for (size_t i = 0; i < COUNT_OF(fields); i++)
        if (job_view_field(view, fields[i]).len)
            json_set_i64(object, fields[i], job_view_number(view, fields[i]));
        else
            json_set_null(object, fields[i]);
}

// every t_<what> of the hash, as <what>
static void set_times(struct json *object, const struct job_view *view)
{
    const struct answer *hash  = &view->asks[VIEW_JOB].reply.answer;
    struct json         *times = json_object();
    for (size_t i = 0; i + 1 < hash->count; i += 2) {
        struct str field = answer_item(hash, i);
        int64_t    ms;
        if (!str_starts(field, "t_") || !str_to_i64(answer_item(hash, i + 1), &ms) || ms == 0)
            continue;
        struct buf name;
        buf_init(&name, 64);
        buf_add(&name, (struct str){ field.p + 2, field.len - 2 });
        json_set_i64(times, buf_text(&name), ms);
        buf_fini(&name);
    }
    json_set(object, "times", &times);
}

static void set_error(struct json *object, const struct job_view *view)
{
    if (!job_view_field(view, "error_code").len) {
        json_set_null(object, "error");
        return;
    }
    struct json *error = json_object();
    json_set_text(error, "code", job_view_field(view, "error_code"));
    json_set_text(error, "cause", job_view_field(view, "error_cause"));
    json_set_text(error, "remedy", job_view_field(view, "error_remedy"));
    json_set(object, "error", &error);
}

struct json *job_view_timeline_json(const struct job_view *view)
{
    struct json *timeline = json_array();
    for (size_t i = 0; i < job_view_lines(view); i++) {
        struct timeline_line line;
        if (!timeline_parse(job_view_line(view, i), &line))
            continue;
        struct json *one = timeline_json(&line);
        json_add(timeline, &one);
    }
    return timeline;
}

static void set_lists(struct json *object, const struct job_view *view)
{
    struct json *warnings = json_array();
    struct json *timeline = job_view_timeline_json(view);
    struct str   rest     = job_view_field(view, "warnings");
    struct str   line;
    while (str_cut(&rest, '\n', &line))
        if (line.len)
            json_add_text(warnings, line);
    json_set(object, "warnings", &warnings);
    json_set(object, "timeline", &timeline);
}

// what the upstream wrote: JSON where it is JSON
static void set_upstream(struct json *object, const char *key, struct str text)
{
    struct error err;
    struct json *json =
        text.len ? json_parse(text, MESSAGE_MAX_BYTES, MESSAGE_DEPTH_MAX, &err) : NULL;
    if (json)
        json_set_raw(object, key, text);
    else
        json_set_text_or_null(object, key, text);
    json_free(json);
}

struct json *job_view_json(const struct job_view *view, const char *job_id)
{
    enum job_state state  = job_view_state(view);
    struct json   *object = json_object();
    json_set_text(object, "job_id", str_of(job_id));
    json_set_text(object, "state", job_view_field(view, "state"));
    json_set_text(object, "in_words", str_of(words_state(state)));
    json_set_bool(object, "is_end", job_state_is_end(state));
    json_set_text_or_null(object, "account", job_view_field(view, "account"));
    set_texts(object, view);
    set_numbers(object, view);
    set_error(object, view);
    set_times(object, view);
    set_lists(object, view);
    set_upstream(object, "metadata", job_view_field(view, "metadata"));
    set_upstream(object, "message", view->asks[VIEW_MESSAGE].reply.answer.text);
    return object;
}
