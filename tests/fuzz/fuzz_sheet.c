// SPDX-License-Identifier: Apache-2.0
/* A table of jobs (CSV), fed in two pieces that meet anywhere: the same cells come of it wherever
 * that is, and each row becomes a message that is JSON, or an error that names its column. */
#include "base/memory.h"
#include "fuzz.h"
#include "io/cells.h"
#include "io/json.h"
#include "job/job.h"
#include "producer/send/sheet.h"

enum { ROW_MAX_BYTES = 4096 };

struct table {
    struct sheet *sheet;
    struct buf    said;  // everything that came of it
    bool          has_head;
    bool          failed;  // in this row
    bool          over;    // no head, no rows
};

static void on_cell(void *owner, struct str text)
{
    struct table *table = owner;
    struct error  err;
    if (!table->failed && !sheet_add_cell(table->sheet, text, &err)) {
        fuzz_check_message(err.message);
        table->failed = true;
    }
    buf_printf(&table->said, "<%.*s>", STR_ARG(text));
}

static void check_message(struct table *table)
{
    struct buf       message;
    struct error     err;
    struct job       job;
    struct job_rules rules = { .message_max_bytes = ROW_MAX_BYTES, .privacy_default = "SELF_ONLY" };
    buf_init(&message, ROW_MAX_BYTES);
    if (sheet_message(table->sheet, &message, &err)) {
        struct json *json = json_parse(buf_str(&message), ROW_MAX_BYTES, 16, &err);
        bool         deep = !json && fuzz_holds(str_of(err.message), STR("too deep"));
        assert(json_is_object(json) || deep);
        json_free(json);
        if (!job_decode(buf_str(&message), &rules, &job, &err))
            sheet_blame(table->sheet, &err);
        job_fini(&job);
        buf_add(&table->said, buf_str(&message));
    } else {
        fuzz_check_message(err.message);
        buf_add_text(&table->said, err.message);
    }
    buf_fini(&message);
}

static void on_row(void *owner)
{
    struct table *table = owner;
    struct error  err;
    buf_add_char(&table->said, '\n');
    if (!table->failed && !table->over && table->has_head && !sheet_row_is_empty(table->sheet)) {
        check_message(table);
    } else if (!table->has_head) {
        table->has_head = true;
        table->over     = table->failed || !sheet_take_head(table->sheet, &err);
    }
    table->failed = false;
    sheet_next_row(table->sheet);
}

static const struct cells_events events = { .on_cell = on_cell, .on_row = on_row };

static void read_table(struct str input, char separator, size_t first, struct table *table)
{
    struct cells *cells = cells_new(separator, &events, table);
    struct error  err;
    table->sheet = sheet_new("+01:00", ROW_MAX_BYTES);
    buf_init(&table->said, 1024 * 1024);
    bool ok = cells_feed(cells, (struct str){ input.p, first }, &err) &&
              cells_feed(cells, (struct str){ input.p + first, input.len - first }, &err) &&
              cells_end(cells, &err);
    if (!ok)
        fuzz_check_message(err.message);
    buf_add_text(&table->said, ok ? "end" : err.message);
    cells_free(cells);
    sheet_free(table->sheet);
}

FUZZ(sheet)
{
    struct table once = { 0 }, twice = { 0 };
    char         separator = ",;\t,"[fuzz_byte(&input) % 4];
    size_t       first     = fuzz_byte(&input);
    if (!input.len)
        return;
    read_table(input, separator, 0, &once);
    read_table(input, separator, first % input.len, &twice);
    assert(str_eq(buf_str(&once.said), buf_str(&twice.said)));
    buf_fini(&once.said);
    buf_fini(&twice.said);
}
