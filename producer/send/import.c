// SPDX-License-Identifier: Apache-2.0
/* tokfleet import: pass one checks every message and sends nothing; pass two sends, so many at a time.
 *
 *   file ──► check_all ──► bad lines told ──► rewind
 *        ──► check_next ──► kafka_send ──► delivery reports
 */
#include <inttypes.h>
#include <stdlib.h>

#include "base/memory.h"
#include "loop/clock.h"
#include "producer/send/check.h"
#include "producer/tool/verb.h"
#include "producer/tool/words.h"

enum { GOODBYE_MS = 2000, TURN_EVERY = 64, FULL_TURN_MS = 100 };

struct import_options {
    struct check_options check;
    bool                 skip_bad;
    bool                 dry_run;
    int64_t              in_flight;
};

#define AT(field) offsetof(struct import_options, field)

static const struct flag flags[] = {
    { "skip-bad", FLAG_YES, NULL, AT(skip_bad),
      .help = "send the good lines although there are bad ones" },
    { "dry-run", FLAG_YES, NULL, AT(dry_run), .help = "check every line, send nothing" },
    { "in-flight", FLAG_COUNT, "N", AT(in_flight), "1000", 1, 100000,
      "messages on their way to Kafka at a time" },
    CHECK_FLAGS(import_options),
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
    struct check                 check;
    char                         topic[TOPIC_NAME_BYTES];
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
};

static void tell_sending(struct import *import)
{
    struct buf text;
    if (!check_time_to_tell(&import->check))
        return;
    int64_t took_ms = clock_monotonic_ms() - import->began_ms;
    int64_t rate    = took_ms > 0 ? (int64_t)import->confirmed * 1000 / took_ms : 0;
    buf_init(&text, 256);
    words_bar((int64_t)import->confirmed, (int64_t)import->check.good, 24, &text);
    buf_add_char(&text, ' ');
    words_count((int64_t)import->confirmed, &text);
    buf_add_text(&text, " of ");
    words_count((int64_t)import->check.good, &text);
    buf_add_text(&text, ", ");
    words_count(rate, &text);
    buf_add_text(&text, "/s");
    if (rate > 0) {
        buf_add_text(&text, ", ends in ");
        words_age((int64_t)(import->check.good - import->confirmed) * 1000 / rate, &text);
    }
    out_printf(&import->tool->err, "\r\033[Ksending: %s", buf_text(&text));
    out_flush(&import->tool->err);
    buf_fini(&text);
}

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
    flight->line  = feed_line(import->check.feed);
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
    struct str message;
    feed_rewind(import->check.feed);
    for (;;) {
        struct job   job = { 0 };
        struct error why;
        enum verdict verdict = check_next(&import->check, &message, &job, &why);
        bool         going   = verdict < CHECK_END;
        if (verdict == CHECK_GOOD) {
            going = make_room(import, message.len);
            if (going)
                start(import, &job, message);
        }
        job_fini(&job);
        tell_sending(import);
        if (verdict == CHECK_FAILED)
            *err = why;
        if (!going)
            return verdict != CHECK_FAILED;
    }
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
    check_clear_progress(&import->check);
    return ok;
}

// ---- the end

static void print_json(struct import *import)
{
    struct json *object = json_object();
    check_json(&import->check, object);
    json_set_i64(object, "sent", (int64_t)import->confirmed);
    json_set_i64(object, "not_confirmed", (int64_t)(import->sent - import->confirmed));
    out_json(&import->tool->out, object);
    json_free(object);
}

static void print_summary(struct import *import)
{
    struct buf text;
    if (import->options->check.json) {
        print_json(import);
        return;
    }
    buf_init(&text, 512);
    check_words(&import->check, &text);
    buf_add_text(&text, "; ");
    words_count((int64_t)import->confirmed, &text);
    buf_printf(&text, " sent to %s", import->topic);
    if (import->confirmed)
        buf_printf(&text, " in %.1f s", (double)(clock_monotonic_ms() - import->began_ms) / 1000);
    out_printf(&import->tool->out, "%s\n", buf_text(&text));
    buf_fini(&text);
}

static int tell_end(struct import *import)
{
    struct tool *tool = import->tool;
    check_tell_more(&import->check);
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
    if (!import->check.read) {
        tool_note(tool, "there is no job in it: nothing was sent");
        return END_BAD;
    }
    if (import->check.bad && !import->options->skip_bad) {
        tool_note(tool, "nothing was sent: mend the bad lines, or send the others with --skip-bad");
        return END_BAD;
    }
    return END_WELL;
}

static int run_import(struct tool *tool, const void *options_read, char *const *operands,
                      int operand_count)
{
    (void)operand_count;
    const struct import_options *options = options_read;
    struct import                import  = { .tool = tool, .options = options };
    struct error                 err;
    int                          code;
    tool_topic(tool, TOPIC_JOBS, import.topic);
    bool ok = check_open(&import.check, tool, operands[0], &options->check, &err) &&
              check_all(&import.check, &err);
    if (ok && !options->dry_run && import.check.good && (!import.check.bad || options->skip_bad))
        ok = send_file(&import, &err);
    if (ok)
        code = tell_end(&import);
    else
        code = tool_fail(tool, &err);
    free(import.flights);
    check_fini(&import.check);
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
    "  tokfleet import plan.csv --utc-offset +01:00\n"
    "  jq -c '.[]' plan.json | tokfleet import -\n"
    "  tokfleet import jobs.ndjson --dry-run --errors 1000\n\n" CHECK_FORMATS;

const struct verb verb_import = {
    .name          = "import",
    .operands      = "FILE|-",
    .summary       = "put a file of jobs on Kafka: JSON, one a line, or CSV",
    .flags         = flags,
    .flag_count    = COUNT_OF(flags),
    .options_bytes = sizeof(struct import_options),
    .operands_min  = 1,
    .operands_max  = 1,
    .run           = run_import,
    .text          = help,
    .json          = CHECK_JSON ", sent, not_confirmed",
};
