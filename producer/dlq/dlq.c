// SPDX-License-Identifier: Apache-2.0
// tokfleet dlq list, dlq show: the messages that ingest could not take, and why.
#include "producer/dlq/dlq.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "loop/clock.h"
#include "producer/tool/moment.h"
#include "producer/tool/page.h"
#include "producer/tool/verb.h"
#include "producer/tool/words.h"

enum { LIMIT_MAX = 10000, WHY_UNITS = 160, TEXT_MAX_BYTES = 1024 * 1024, LABEL_COLUMNS = 9 };

struct list_options {
    const char *job;
    const char *code;
    const char *since;
    int64_t     limit;
    bool        json;
};

#define AT(field) offsetof(struct list_options, field)

static const struct flag list_flags[] = {
    { "job", FLAG_TEXT, "ID", AT(job), .help = "of this job_id only" },
    { "code", FLAG_TEXT, "CODE", AT(code), .help = "of this kind only",
      .choices = "bad_message|other_content|bad_command|unknown_target" },
    { "since", FLAG_TEXT, "TIME", AT(since),
      .help = "no older than: 15m ago, or 2026-12-01T18:30:00+01:00" },
    { "limit", FLAG_COUNT, "N", AT(limit), "100", 1, LIMIT_MAX, "the newest so many" },
    { "json", FLAG_YES, NULL, AT(json), .help = "print one JSON object a line" },
};

static struct str header_of(const struct kafka_message *message, const char *name)
{
    for (size_t i = 0; i < message->header_count; i++)
        if (strcmp(message->headers[i].name, name) == 0)
            return message->headers[i].value;
    return STR("");
}

bool dlq_id_parse(const char *text, struct kafka_offset *place, struct error *err)
{
    struct str whole = str_of(text), rest = whole, partition;
    int64_t    number = -1;
    // behind the last dash, when the topic stands in front
    for (size_t i = whole.len; i > 0; i--)
        if (whole.p[i - 1] == '-') {
            rest = (struct str){ whole.p + i, whole.len - i };
            break;
        }
    if (str_cut(&rest, '@', &partition) && rest.p && str_to_i64(partition, &number) &&
        number >= 0 && number < INT32_MAX && str_to_i64(rest, &place->offset) &&
        place->offset >= 0) {
        place->partition = (int32_t)number;
        return true;
    }
    return error_set(err, ERR_SETTING,
                     "\"%.60s\" is no dead letter: they are named like 3@17 (tokfleet dlq list)",
                     text);
}

void dlq_id_format(const struct newest_record *letter, char out[DLQ_ID_BYTES])
{
    snprintf(out, DLQ_ID_BYTES, "%d@%" PRIi64, (int)letter->partition, letter->offset);
}

bool dlq_is_whole(const struct newest_record *letter)
{
    int64_t length = 0;
    return !str_to_i64(newest_header(letter, "length"), &length) ||
           (size_t)length <= letter->value.len;
}

struct json *dlq_json(const struct newest_record *letter)
{
    static const char *const headers[] = { "code", "why", "source", "job_id", "at", "by" };
    struct json             *object    = json_object();
    char                     id[DLQ_ID_BYTES];
    int64_t                  length = (int64_t)letter->value.len;
    dlq_id_format(letter, id);
    json_set_text(object, "id", str_of(id));
    json_set_i64(object, "time", letter->at_ms);
    for (size_t i = 0; i < COUNT_OF(headers); i++)
        json_set_text(object, headers[i], newest_header(letter, headers[i]));
    if (letter->key.p)
        json_set_text(object, "key", letter->key);
    else
        json_set_null(object, "key");
    if (!str_to_i64(newest_header(letter, "length"), &length))
        length = (int64_t)letter->value.len;
    json_set_i64(object, "length", length);
    json_set_bool(object, "whole", dlq_is_whole(letter));
    return object;
}

struct find {
    const char *source;
};

static bool is_of_source(void *owner, const struct kafka_message *message)
{
    const struct find *find = owner;
    return str_is(header_of(message, "source"), find->source);
}

bool dlq_find(struct tool *tool, const char *source, int64_t since_ms, struct newest_record *record,
              struct error *err)
{
    struct find   find   = { .source = source };
    struct newest newest = { .tool     = tool,
                             .topic    = TOPIC_DLQ,
                             .limit    = 1,
                             .since_ms = since_ms,
                             .fits     = is_of_source,
                             .owner    = &find };
    bool          ok     = newest_read(&newest, err);
    bool          found  = ok && newest.count;
    if (found) {
        *record      = newest.records[0];
        newest.count = 0;  // the caller's now
    } else if (ok) {
        error_set(err, ERR_INPUT, "no dead letter was made of %s", source);
    }
    newest_fini(&newest);
    return found;
}

// ---- list

static bool fits(void *owner, const struct kafka_message *message)
{
    const struct list_options *options = owner;
    return (!options->job || str_is(header_of(message, "job_id"), options->job)) &&
           (!options->code || str_is(header_of(message, "code"), options->code));
}

static void add_row(struct table *table, const struct newest_record *letter, int64_t now_ms)
{
    char       id[DLQ_ID_BYTES];
    struct buf cell;
    buf_init(&cell, 256);
    dlq_id_format(letter, id);
    table_add_text(table, id);
    words_age(now_ms - letter->at_ms, &cell);
    buf_add_text(&cell, " ago");
    table_add(table, buf_str(&cell));
    table_add(table, newest_header(letter, "code"));
    table_add(table, newest_header(letter, "job_id"));
    table_add(table, str_utf8_prefix(newest_header(letter, "why"), WHY_UNITS));
    buf_fini(&cell);
}

static void print_list(struct tool *tool, const struct newest *newest, bool as_json)
{
    static const char *const head[] = { "id", "when", "code", "job", "why" };
    struct table             table;
    table_init(&table, head, COUNT_OF(head));
    table.cut = true;
    for (size_t i = 0; i < newest->count; i++) {
        if (as_json) {
            struct json *one = dlq_json(&newest->records[i]);
            out_json(&tool->out, one);
            json_free(one);
        } else {
            add_row(&table, &newest->records[i], clock_wall_ms());
        }
    }
    if (!newest->count)
        tool_note(tool, "there is no such dead letter on %s.dlq", tool->config.fleet);
    else if (!as_json)
        table_print(&table, &tool->out, "");
    if (newest->count && !as_json)
        tool_note(tool,
                  "tokfleet dlq show ID shows the original, tokfleet dlq replay ID sends it again");
    table_fini(&table);
}

static int run_dlq_list(struct tool *tool, const void *options_read, char *const *operands,
                        int operand_count)
{
    (void)operands, (void)operand_count;
    const struct list_options *options = options_read;
    struct list_options        filter  = *options;
    struct newest              newest  = { .tool  = tool,
                                           .topic = TOPIC_DLQ,
                                           .limit = (size_t)options->limit,
                                           .fits  = fits,
                                           .owner = &filter };
    struct error               err;
    int                        code = END_WELL;
    if ((options->since &&
         !moment_since(options->since, clock_wall_ms(), &newest.since_ms, &err)) ||
        !newest_read(&newest, &err))
        code = tool_fail(tool, &err);
    else
        print_list(tool, &newest, options->json);
    newest_fini(&newest);
    return code;
}

#define LETTER_JSON "id, time, code, why, source, job_id, at, by, key, length, whole"

const struct verb verb_dlq_list = {
    .name          = "dlq list",
    .operands      = "",
    .summary       = "list the dead letters: messages that were not taken",
    .flags         = list_flags,
    .flag_count    = COUNT_OF(list_flags),
    .options_bytes = sizeof(struct list_options),
    .run           = run_dlq_list,
    .text =
        "A message that is no valid job or command, or that has other content than the job that\n"
        "is known under its job_id, changes nothing and becomes a dead letter on <fleet>.dlq.\n"
        "They are listed oldest first, each by its place there.\n\n"
        "  tokfleet dlq list --since 1d\n"
        "  tokfleet dlq list --code bad_message --json | jq -r .id",
    .json = "one object a line: " LETTER_JSON,
};

// ---- show

struct show_options {
    bool raw;
    bool json;
};

static const struct flag show_flags[] = {
    { "raw", FLAG_YES, NULL, offsetof(struct show_options, raw),
      .help = "print the original bytes and nothing else" },
    { "json", FLAG_YES, NULL, offsetof(struct show_options, json),
      .help = "print one JSON object" },
};

static void print_letter(struct out *out, const struct newest_record *letter)
{
    char        id[DLQ_ID_BYTES];
    struct buf  text;
    struct page page;
    page_init(&page, out, LABEL_COLUMNS);
    dlq_id_format(letter, id);
    out_paint(out, BOLD, "dead letter %s\n", id);
    page_text(&page, "code", newest_header(letter, "code"));
    page_text(&page, "why", newest_header(letter, "why"));
    page_text(&page, "job_id", newest_header(letter, "job_id"));
    page_text(&page, "from", newest_header(letter, "source"));
    page_text(&page, "at", newest_header(letter, "at"));
    page_text(&page, "by", newest_header(letter, "by"));
    page_text(&page, "key", letter->key);
    page_text(&page, "bytes", newest_header(letter, "length"));
    if (!dlq_is_whole(letter))
        page_text(&page, "", STR("only the first 256 KiB of it are here"));
    buf_init(&text, TEXT_MAX_BYTES);
    buf_add_visible(&text, letter->value);
    out_paint(out, BOLD, "\nthe original\n");
    out_printf(out, "%s\n", buf_text(&text));
    out_paint(out, BOLD, "\nwhat can be done\n");
    out_printf(out, "  tokfleet dlq show %s --raw > letter.json     keep it, and mend it\n", id);
    out_printf(out, "  tokfleet dlq replay %s --file letter.json    send the mended one\n", id);
    buf_fini(&text);
    page_fini(&page);
}

static int run_dlq_show(struct tool *tool, const void *options_read, char *const *operands,
                        int operand_count)
{
    (void)operand_count;
    const struct show_options *options = options_read;
    struct newest_record       letter  = { 0 };
    struct kafka_offset        place;
    struct error               err;
    int                        code = END_WELL;
    if (!dlq_id_parse(operands[0], &place, &err) ||
        !newest_one(tool, TOPIC_DLQ, &place, &letter, &err)) {
        code = tool_fail(tool, &err);
    } else if (options->raw) {
        out_bytes(&tool->out, letter.value);
        if (!dlq_is_whole(&letter))
            tool_note(tool, "only the first %zu of %.*s bytes are here", letter.value.len,
                      STR_ARG(newest_header(&letter, "length")));
    } else if (options->json) {
        struct json *object = dlq_json(&letter);
        json_set_text(object, "message", letter.value);
        out_json(&tool->out, object);
        json_free(object);
    } else {
        print_letter(&tool->out, &letter);
    }
    newest_record_fini(&letter);
    return code;
}

const struct verb verb_dlq_show = {
    .name          = "dlq show",
    .operands      = "ID",
    .summary       = "show one dead letter: the original bytes, why, where from",
    .flags         = show_flags,
    .flag_count    = COUNT_OF(show_flags),
    .options_bytes = sizeof(struct show_options),
    .operands_min  = 1,
    .operands_max  = 1,
    .run           = run_dlq_show,
    .text =
        "Shows one dead letter, named as `tokfleet dlq list` does. With --raw the original bytes\n"
        "come as they are, to be kept in a file and mended.\n\n"
        "  tokfleet dlq show 3@17\n"
        "  tokfleet dlq show 3@17 --raw > letter.json",
    .json = "one object: " LETTER_JSON ", message (its text; what is not UTF-8 in it is replaced)",
};
