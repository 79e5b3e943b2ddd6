// SPDX-License-Identifier: Apache-2.0
// tokfleet events: what the upstreams hear, <fleet>.events, in words.
#include <string.h>

#include "base/memory.h"
#include "job/job.h"
#include "loop/clock.h"
#include "producer/tool/account_name.h"
#include "producer/tool/moment.h"
#include "producer/tool/newest.h"
#include "producer/tool/verb.h"
#include "producer/tool/words.h"

enum {
    EVENT_MAX_BYTES = 1024 * 1024,
    EVENT_DEPTH_MAX = 64,
    TEXT_MAX_BYTES  = 4096,
    LIMIT_MAX       = 10000
};

struct events_options {
    const char       *job;
    const char       *account;
    struct flag_texts states;
    const char       *since;
    int64_t           limit;
    bool              follow;
    bool              json;
};

#define AT(field) offsetof(struct events_options, field)
#define STATES                                                                                     \
    "QUEUED|SENDING|PROCESSING|UNSURE|PUBLISHED|IN_INBOX|FAILED|REJECTED|EXPIRED|CANCELLED"

static const struct flag flags[] = {
    { "follow", FLAG_YES, NULL, AT(follow),
      .help = "then go on with those that come, until Ctrl-C" },
    { "job", FLAG_TEXT, "ID", AT(job), .help = "of this job only" },
    { "account", FLAG_TEXT, "ID|@ALIAS", AT(account),
      .help = "of this account only; an alias is looked up in Redis" },
    { "state", FLAG_TEXTS, "STATE", AT(states), .help = "of this state only; may be given again",
      .choices = STATES },
    { "since", FLAG_TEXT, "TIME", AT(since),
      .help = "no older than: 15m ago, or 2026-12-01T18:30:00+01:00" },
    { "limit", FLAG_COUNT, "N", AT(limit), "100", 1, LIMIT_MAX, "the newest so many" },
    { "json", FLAG_YES, NULL, AT(json),
      .help = "print each event as it stands on Kafka, one a line" },
};

struct events {
    struct tool                 *tool;                      // borrowed
    const struct events_options *options;                   // borrowed
    char                         open_id[OPEN_ID_MAX + 1];  // of --account
    int64_t                      bad;                       // records that are no events
};

static struct str text_of(const struct json *event, const char *field)
{
    return json_text(json_get(event, field));
}

static bool has_state(const struct events_options *options, struct str state)
{
    for (size_t i = 0; i < options->states.count; i++)
        if (str_is(state, options->states.texts[i]))
            return true;
    return options->states.count == 0;
}

static bool has_text(struct str value, const char *text)
{
    return memmem(value.p, value.len, text, strlen(text)) != NULL;
}

// what is not even in the text need not be parsed
static bool may_fit(const struct events_options *options, struct str value)
{
    bool state = options->states.count == 0;
    for (size_t i = 0; !state && i < options->states.count; i++)
        state = has_text(value, options->states.texts[i]);
    return state && (!options->job || has_text(value, options->job));
}

// every event is read for it: what is asked for most is looked at before the JSON is
static bool fits(void *owner, const struct kafka_message *message)
{
    const struct events         *events  = owner;
    const struct events_options *options = events->options;
    struct error                 err;
    if (!message->value.p)
        return false;
    if (options->account &&
        !account_name_fits(options->account, events->open_id, message->key, message->key))
        return false;
    if (!options->job && !options->states.count)
        return true;
    if (!may_fit(options, message->value))
        return false;
    struct json *event = json_parse(message->value, EVENT_MAX_BYTES, EVENT_DEPTH_MAX, &err);
    bool         ok = event && (!options->job || str_is(text_of(event, "job_id"), options->job)) &&
              has_state(options, text_of(event, "state"));
    json_free(event);
    return ok;
}

static void print_more(struct out *out, const char *label, struct str value)
{
    struct buf text;
    if (!value.len)
        return;
    buf_init(&text, TEXT_MAX_BYTES);
    buf_add_visible(&text, value);
    out_paint(out, FAINT, "%24s%-11s ", "", label);
    out_printf(out, "%s\n", buf_text(&text));
    buf_fini(&text);
}

static void print_words(struct out *out, const struct json *event)
{
    struct buf     line;
    char           time[CLOCK_TEXT_BYTES];
    int64_t        at_ms = 0;
    enum job_state state = JOB_NONE;
    enum job_event arrow;
    struct str     name = text_of(event, "event");
    if (!json_i64(json_get(event, "time"), &at_ms) ||
        !job_state_parse(text_of(event, "state"), &state))
        state = JOB_NONE;
    clock_format(at_ms, time);
    out_printf(out, "%.10s %.12s ", time, time + 11);
    buf_init(&line, TEXT_MAX_BYTES);
    buf_add_visible(&line, text_of(event, "state"));
    out_paint(out, words_paint(state), "%-11s ", buf_text(&line));
    buf_clear(&line);
    buf_add_visible(&line, text_of(event, "job_id"));
    out_paint(out, BOLD, "%s", buf_text(&line));
    buf_clear(&line);
    buf_add_text(&line, "  ");
    buf_add_visible(&line, text_of(event, "account"));
    buf_add_text(&line, "  ");
    if (str_is(name, "PUBLIC_ID"))
        buf_add_text(&line, "its public post id is known");
    else if (words_event_parse(name, &arrow))
        buf_add_text(&line, words_event(arrow));
    else
        buf_add_visible(&line, name);
    out_printf(out, "%s", buf_text(&line));
    buf_clear(&line);
    buf_add_text(&line, "  [");
    buf_add_visible(&line, text_of(event, "epoch"));
    out_paint(out, FAINT, "%s]", buf_text(&line));
    out_printf(out, "\n");
    buf_fini(&line);
    const struct json *error = json_get(event, "error");
    if (state == JOB_PROCESSING)
        print_more(out, "publish id", text_of(event, "publish_id"));
    print_more(out, "post id", text_of(event, "post_id"));
    print_more(out, "post", text_of(event, "post_url"));
    print_more(out, "why", text_of(error, "code"));
    print_more(out, "cause", text_of(error, "cause"));
    print_more(out, "what to do", text_of(error, "remedy"));
}

static void print_event(struct events *events, struct str value)
{
    struct error err;
    struct out  *out   = &events->tool->out;
    struct json *event = json_parse(value, EVENT_MAX_BYTES, EVENT_DEPTH_MAX, &err);
    if (!event || !json_is_object(event))
        events->bad++;
    else if (events->options->json)
        out_printf(out, "%.*s\n", STR_ARG(value));
    else
        print_words(out, event);
    json_free(event);
}

static void on_record(void *owner, const struct kafka_message *message)
{
    struct events *events = owner;
    if (!fits(events, message))
        return;
    print_event(events, message->value);
    out_flush(&events->tool->out);
}

static int run_events(struct tool *tool, const void *options_read, char *const *operands,
                      int operand_count)
{
    (void)operands, (void)operand_count;
    const struct events_options *options = options_read;
    struct events                events  = { .tool = tool, .options = options };
    struct newest                newest  = { .tool  = tool,
                                             .topic = TOPIC_EVENTS,
                                             .limit = (size_t)options->limit,
                                             .fits  = fits,
                                             .owner = &events };
    struct error                 err;
    int                          code = END_WELL;
    if ((options->since &&
         !moment_since(options->since, clock_wall_ms(), &newest.since_ms, &err)) ||
        (options->account && options->account[0] == '@' &&
         !account_name_find(tool, options->account, events.open_id, &err)) ||
        !newest_read(&newest, &err)) {
        code = tool_fail(tool, &err);
    } else {
        for (size_t i = 0; i < newest.count && !out_closed(&tool->out); i++)
            print_event(&events, newest.records[i].value);
        if (!newest.count && !options->follow)
            tool_note(tool, "there is no such event on %s.events%s", tool->config.fleet,
                      options->account && !events.open_id[0] ? ", and no account of that name"
                                                             : "");
        if (options->follow && !newest_follow(&newest, on_record, &err))
            code = tool_fail(tool, &err);
        else if (options->follow && tool->interrupted)
            code = END_INTERRUPTED;
    }
    if (events.bad)
        tool_note(tool, "%" PRIi64 " records are no events and were left out", events.bad);
    newest_fini(&newest);
    return code;
}

static const char help[] =
    "Shows what the upstreams hear: every change of state from QUEUED on, except\n"
    "CLAIMED, with its cause and what to do, oldest first. The topic is read back as far\n"
    "as it takes to find so many that fit; --since makes that short on a large one.\n\n"
    "  tokfleet events --follow\n"
    "  tokfleet events --state FAILED --state REJECTED --since 1h\n"
    "  tokfleet events --job campaign-7:clip-0042 --json | jq -r .event_id";

const struct verb verb_events = {
    .name          = "events",
    .operands      = "",
    .summary       = "show what happened, as the upstreams hear it; --follow",
    .flags         = flags,
    .flag_count    = COUNT_OF(flags),
    .options_bytes = sizeof(struct events_options),
    .run           = run_events,
    .text          = help,
    .json = "one object a line, as it stands on <fleet>.events: v, event_id, job_id, epoch, time, "
            "state, event, "
            "account, attempt, publish_id, post_id, post_url, log_id, error (code, cause, remedy), "
            "metadata",
};
