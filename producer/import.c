// SPDX-License-Identifier: Apache-2.0
/* tokfleet import: pass one checks every line and sends nothing; pass two sends, so many at a time.
 *
 *   file ──► import_check ──► bad lines told ──► rewind
 *        ──► import_check ──► kafka_send ──► delivery reports
 */
#include <inttypes.h>
#include <stdlib.h>

#include "base/memory.h"
#include "loop/clock.h"
#include "producer/import_check.h"
#include "producer/verb.h"
#include "producer/words.h"

enum { PROGRESS_MS = 200, GOODBYE_MS = 2000, TURN_EVERY = 64, FULL_TURN_MS = 100 };

struct import_options {
    bool    skip_bad;
    bool    dry_run;
    bool    json;
    int64_t errors;
    int64_t in_flight;
};

#define AT(field) offsetof(struct import_options, field)

static const struct flag flags[] = {
    { "skip-bad", FLAG_YES, NULL, AT(skip_bad),
      .help = "send the good lines although there are bad ones" },
    { "dry-run", FLAG_YES, NULL, AT(dry_run), .help = "check every line, send nothing" },
    { "errors", FLAG_COUNT, "N", AT(errors), "20", 0, 1000000,
      "bad lines that are told one by one" },
    { "in-flight", FLAG_COUNT, "N", AT(in_flight), "1000", 1, 100000,
      "messages on their way to Kafka at a time" },
    { "json", FLAG_YES, NULL, AT(json), .help = "print the summary as one JSON object" },
};

struct import;

// a message on its way
struct flight {
    struct call    call;
    struct import *import;  // borrowed
    uint64_t       line;
    size_t         bytes;
    struct flight *next;  // while it is free
};

struct import {
    struct tool                 *tool;     // borrowed
    const struct import_options *options;  // borrowed
    struct lines                *lines;    // owned
    struct seen                 *seen;     // owned
    struct job_rules             rules;
    char                         topic[TOPIC_NAME_BYTES];
    uint64_t                     read;  // lines with something on them
    uint64_t                     good;
    uint64_t                     repeats;
    uint64_t                     bad;
    uint64_t                     warned;     // good lines with a warning
    uint64_t                     sent;       // handed to Kafka
    uint64_t                     confirmed;  // by Kafka
    uint64_t                     failed;
    struct error                 failure;  // the first one
    uint64_t                     failure_line;
    struct flight               *flights;  // owned, max_flights of them
    struct flight               *free;
    size_t                       max_flights;
    size_t                       flying;
    size_t                       flying_bytes;
    int64_t                      began_ms;
    int64_t                      told_ms;  // progress
};

static bool time_to_tell(struct import *import)
{
    int64_t now_ms = clock_monotonic_ms();
    if (!import->tool->err.terminal || now_ms - import->told_ms < PROGRESS_MS)
        return false;
    import->told_ms = now_ms;
    return true;
}

static void clear_progress(struct import *import)
{
    if (import->tool->err.terminal)
        out_printf(&import->tool->err, "\r\033[K");
}

static void tell_checking(struct import *import)
{
    struct buf text;
    if (!time_to_tell(import))
        return;
    buf_init(&text, 128);
    words_count((int64_t)import->read, &text);
    out_printf(&import->tool->err, "\r\033[Kchecking: %s lines", buf_text(&text));
    out_flush(&import->tool->err);
    buf_fini(&text);
}

static void tell_sending(struct import *import)
{
    struct buf text;
    if (!time_to_tell(import))
        return;
    int64_t took_ms = clock_monotonic_ms() - import->began_ms;
    int64_t rate    = took_ms > 0 ? (int64_t)import->confirmed * 1000 / took_ms : 0;
    buf_init(&text, 256);
    words_bar((int64_t)import->confirmed, (int64_t)import->good, 24, &text);
    buf_add_char(&text, ' ');
    words_count((int64_t)import->confirmed, &text);
    buf_add_text(&text, " of ");
    words_count((int64_t)import->good, &text);
    buf_add_text(&text, ", ");
    words_count(rate, &text);
    buf_add_text(&text, "/s");
    if (rate > 0) {
        buf_add_text(&text, ", ends in ");
        words_age((int64_t)(import->good - import->confirmed) * 1000 / rate, &text);
    }
    out_printf(&import->tool->err, "\r\033[Ksending: %s", buf_text(&text));
    out_flush(&import->tool->err);
    buf_fini(&text);
}

static void tell_bad(struct import *import, const struct error *err)
{
    import->bad++;
    if (import->bad > (uint64_t)import->options->errors)
        return;
    clear_progress(import);
    out_printf(&import->tool->err, "line %" PRIu64 ": %s\n", lines_number(import->lines),
               err->message);
}

// ---- pass one

static bool check_all(struct import *import, struct error *err)
{
    struct str line;
    for (;;) {
        enum lines_found found = lines_next(import->lines, &line, err);
        struct job       job   = { 0 };
        struct error     why;
        if (found == LINES_END || found == LINES_FAILED || import->tool->interrupted)
            return found == LINES_END ||
                   (found != LINES_FAILED && error_set(err, ERR_NOT_SENT, "interrupted"));
        import->read++;
        switch (import_check(found, line, lines_number(import->lines), &import->rules, import->seen,
                             &job, &why)) {
        case LINE_GOOD:
            import->good++;
            import->warned += job.warnings.len > 0;
            break;
        case LINE_REPEAT:
            import->repeats++;
            break;
        case LINE_BAD:
            tell_bad(import, &why);
            break;
        }
        job_fini(&job);
        tell_checking(import);
        if (import->read % TURN_EVERY == 0)
            tool_turn(import->tool, 0);
    }
}

// ---- pass two

static void on_sent(struct call *call, const struct error *err)
{
    struct flight *flight = container_of(call, struct flight, call);
    struct import *import = flight->import;
    import->flying--;
    import->flying_bytes -= flight->bytes;
    flight->next = import->free;
    import->free = flight;
    if (!err) {
        import->confirmed++;
        return;
    }
    if (!import->failed++) {
        import->failure      = *err;
        import->failure_line = flight->line;
    }
}

static void start(struct import *import, const struct job *job, struct str line)
{
    struct flight      *flight = import->free;
    struct kafka_record record = {
        .topic = import->topic, .partition = -1, .key = job->account, .value = line
    };
    import->free  = flight->next;
    flight->line  = lines_number(import->lines);
    flight->bytes = line.len;
    import->flying++;
    import->flying_bytes += line.len;
    import->sent++;
    kafka_send(import->tool->kafka, &record, NULL, &flight->call, on_sent);
}

// until there is room for `bytes` more; false: stop sending
static bool make_room(struct import *import, size_t bytes)
{
    size_t bytes_max = (size_t)import->tool->config.kafka_queue_bytes / 2;
    if (import->sent % TURN_EVERY == 0)
        tool_turn(import->tool, 0);
    while (!import->tool->interrupted && !import->failed &&
           (!import->free || (import->flying && import->flying_bytes + bytes > bytes_max))) {
        tool_turn(import->tool, FULL_TURN_MS);
        tell_sending(import);
    }
    return !import->tool->interrupted && !import->failed;
}

static bool send_all(struct import *import, struct error *err)
{
    bool       going = true;
    struct str line;
    lines_rewind(import->lines);
    while (going) {
        enum lines_found found = lines_next(import->lines, &line, err);
        struct job       job   = { 0 };
        struct error     why;
        if (found == LINES_END || found == LINES_FAILED)
            return found == LINES_END;
        enum line_verdict verdict = import_check(found, line, lines_number(import->lines),
                                                 &import->rules, import->seen, &job, &why);
        if (verdict == LINE_GOOD) {
            going = make_room(import, line.len);
            if (going)
                start(import, &job, line);
        }
        job_fini(&job);
        tell_sending(import);
    }
    return true;
}

// what is on its way has its own deadline; after Ctrl-C it is waited for shortly
static void land_all(struct import *import)
{
    int64_t interrupted_ms = 0;
    while (import->flying) {
        tool_turn(import->tool, FULL_TURN_MS);
        tell_sending(import);
        if (import->tool->interrupted && !interrupted_ms)
            interrupted_ms = clock_monotonic_ms();
        if (interrupted_ms && clock_monotonic_ms() - interrupted_ms > GOODBYE_MS)
            break;
    }
    for (size_t i = 0; i < import->max_flights; i++)
        call_cancel(&import->flights[i].call);
}

static bool send_file(struct import *import, struct error *err)
{
    size_t queue        = (size_t)import->tool->config.kafka_queue_messages / 2;
    size_t asked        = (size_t)import->options->in_flight;
    import->max_flights = asked < queue ? asked : queue;
    import->flights     = xcalloc(import->max_flights, sizeof *import->flights);
    for (size_t i = 0; i < import->max_flights; i++) {
        import->flights[i].import = import;
        import->flights[i].next   = import->free;
        import->free              = &import->flights[i];
    }
    import->began_ms = clock_monotonic_ms();
    if (!tool_kafka(import->tool, err))
        return false;
    bool ok = send_all(import, err);
    land_all(import);
    clear_progress(import);
    return ok;
}

// ---- the end

static void print_json(const struct import *import)
{
    struct json *object = json_object();
    json_set_i64(object, "lines", (int64_t)import->read);
    json_set_i64(object, "good", (int64_t)import->good);
    json_set_i64(object, "repeats", (int64_t)import->repeats);
    json_set_i64(object, "bad", (int64_t)import->bad);
    json_set_i64(object, "with_warnings", (int64_t)import->warned);
    json_set_i64(object, "sent", (int64_t)import->confirmed);
    json_set_i64(object, "not_confirmed", (int64_t)(import->good - import->confirmed));
    out_json(&import->tool->out, object);
    json_free(object);
}

static void add_figure(struct buf *text, uint64_t number, const char *what)
{
    if (!number)
        return;
    buf_add_text(text, ", ");
    words_count((int64_t)number, text);
    buf_printf(text, " %s", what);
}

static void print_summary(const struct import *import)
{
    struct buf text;
    if (import->options->json) {
        print_json(import);
        return;
    }
    buf_init(&text, 512);
    words_count((int64_t)import->read, &text);
    buf_add_text(&text, " lines: ");
    words_count((int64_t)import->good, &text);
    buf_add_text(&text, " jobs");
    add_figure(&text, import->repeats, "repeats of an earlier line (not sent twice)");
    add_figure(&text, import->bad, "bad");
    add_figure(&text, import->warned, "with warnings");
    buf_add_text(&text, "; ");
    words_count((int64_t)import->confirmed, &text);
    buf_printf(&text, " sent to %s", import->topic);
    if (import->confirmed) {
        buf_printf(&text, " in %.1f s", (double)(clock_monotonic_ms() - import->began_ms) / 1000);
    }
    out_printf(&import->tool->out, "%s\n", buf_text(&text));
    buf_fini(&text);
}

static int tell_end(struct import *import)
{
    struct tool *tool = import->tool;
    if (import->bad > (uint64_t)import->options->errors)
        tool_note(tool, "%" PRIu64 " more bad lines (--errors N lists more)",
                  import->bad - (uint64_t)import->options->errors);
    print_summary(import);
    if (import->failed) {
        tool_blame_kafka(tool, &import->failure);
        int code = tool_fail(tool, &import->failure);
        tool_note(
            tool,
            "line %" PRIu64
            " was not confirmed, and sending stopped. Run the same import again: a job that is "
            "there already is not posted twice",
            import->failure_line);
        return code;
    }
    if (tool->interrupted) {
        tool_note(tool, "interrupted. Run the same import again: a job that is there already is "
                        "not posted twice");
        return END_INTERRUPTED;
    }
    if (import->bad && !import->options->skip_bad) {
        tool_note(tool, "nothing was sent: mend the bad lines, or send the others with --skip-bad");
        return END_BAD;
    }
    return END_WELL;
}

static int run_import(struct tool *tool, const void *options_read, char *const *operands,
                      int operand_count)
{
    (void)operand_count;
    struct import import = {
        .tool    = tool,
        .options = options_read,
        .rules   = { tool->config.job_max_bytes, tool->config.job_privacy_default },
    };
    struct error err;
    int          code;
    tool_topic(tool, TOPIC_JOBS, import.topic);
    import.lines = lines_open(operands[0], (size_t)tool->config.job_max_bytes, true, &err);
    import.seen  = seen_new(SEEN_MAX);
    bool ok      = import.lines && check_all(&import, &err);
    clear_progress(&import);
    bool sends =
        ok && !import.options->dry_run && import.good && (!import.bad || import.options->skip_bad);
    if (sends)
        ok = send_file(&import, &err);
    if (ok)
        code = tell_end(&import);
    else
        code = tool_fail(tool, &err);
    free(import.flights);
    seen_free(import.seen);
    lines_free(import.lines);
    return code;
}

static const char help[] =
    "Checks every line first, by the rules of the worker, and tells each bad one\n"
    "with its reason; nothing is sent when there is one, unless --skip-bad.\n"
    "Standard input is copied to an unlinked file in TMPDIR, since it is read\n"
    "twice. The same job_id on two lines is harmless when both say the same, else\n"
    "the later line is bad (for the first 1,000,000 jobs of a file; ingest finds\n"
    "the others). Memory does not grow with the file. An import that stopped half\n"
    "way may simply be run again.\n\n"
    "  tokfleet import jobs.ndjson\n"
    "  jq -c '.[]' plan.json | tokfleet import -\n"
    "  tokfleet import jobs.ndjson --dry-run --errors 1000\n\n"
    "A line: {\"job_id\": \"campaign-7:clip-0042\", \"account\": \"@brand.de\",\n"
    "         \"media\": [{\"url\": \"https://cdn.example.com/clip.mp4\"}], \"caption\": \"Morning "
    "light\"}";

const struct verb verb_import = {
    .name          = "import",
    .operands      = "FILE|-",
    .summary       = "put a file of jobs on Kafka, one JSON object a line",
    .flags         = flags,
    .flag_count    = COUNT_OF(flags),
    .options_bytes = sizeof(struct import_options),
    .operands_min  = 1,
    .operands_max  = 1,
    .run           = run_import,
    .text          = help,
};
