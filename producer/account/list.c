// SPDX-License-Identifier: Apache-2.0
// tokfleet account list
#include <string.h>

#include "loop/clock.h"
#include "producer/account/view.h"
#include "producer/tool/ids.h"
#include "producer/tool/scan.h"
#include "producer/tool/verb.h"
#include "producer/tool/words.h"

enum { LIST_MAX = 100000 };

struct list_options {
    bool    json;
    int64_t limit;
};

#define AT(field) offsetof(struct list_options, field)

static const struct flag list_flags[] = {
    { "limit", FLAG_COUNT, "N", AT(limit), "1000", 1, LIST_MAX, "accounts at most" },
    { "json", FLAG_YES, NULL, AT(json), .help = "print one JSON object a line" },
};

// SCAN shows a key at least once: the ids are sorted and freed of repeats afterwards
static bool scan_ids(struct tool *tool, size_t limit, struct ids *ids, bool *more,
                     struct error *err)
{
    char cursor[SCAN_CURSOR_BYTES] = "0";
    do {
        struct ask ask = { 0 };
        bool       ok  = scan_page(tool, "account:*", cursor, &ask, err);
        for (size_t i = 0; ok && i < scan_keys(&ask)->count; i++) {
            struct str id = scan_id(tool, &ask, i, "account:");
            if (id.len)
                ids_add(ids, id);
        }
        asks_fini(&ask, 1);
        if (!ok)
            return false;
    } while (strcmp(cursor, "0") != 0 && ids->count <= 2 * limit);
    ids_sort(ids);
    *more = ids->count > limit || strcmp(cursor, "0") != 0;
    if (ids->count > limit)
        ids->count = limit;
    return true;
}

static void add_row(struct table *table, const struct account_view *view, int64_t now_ms)
{
    struct buf cell;
    int64_t    expires = account_view_number(view, "expires_at");
    buf_init(&cell, 512);
    table_add(table, account_view_field(view, "alias"));
    table_add(table, account_view_handle(view));
    table_add(table, view->open_id);
    table_add(table, account_view_field(view, "status"));
    if (expires > now_ms)
        words_age(expires - now_ms, &cell);
    else
        buf_add_text(&cell, "expired");
    table_add(table, buf_str(&cell));
    buf_clear(&cell);
    words_count(account_view_number(view, "queued"), &cell);
    table_add(table, buf_str(&cell));
    buf_clear(&cell);
    words_count(account_view_count(view, ACCOUNT_FLYING), &cell);
    table_add(table, buf_str(&cell));
    buf_clear(&cell);
    account_view_add_block(view, now_ms, &cell);
    table_add(table, buf_str(&cell));
    buf_fini(&cell);
}

static bool print_all(struct tool *tool, const struct ids *ids, bool as_json, struct error *err)
{
    static const char *const head[] = { "alias",         "handle", "open_id",   "status",
                                        "token ends in", "queued", "in flight", "held" };
    int64_t                  now_ms = clock_wall_ms();
    struct table             table;
    bool                     ok = true;
    table_init(&table, head, COUNT_OF(head));
    table.cut = true;
    for (size_t i = 0; ok && i < ids->count && !out_closed(&tool->out); i++) {
        struct account_view view = { 0 };
        ok                       = account_view_load(tool, &view, ids->texts[i], now_ms, err);
        if (ok && as_json) {
            struct json *json = account_view_json(tool, &view, now_ms);
            out_json(&tool->out, json);
            json_free(json);
        } else if (ok) {
            add_row(&table, &view, now_ms);
        }
        account_view_fini(&view);
    }
    if (ok && !as_json)
        table_print(&table, &tool->out, "");
    table_fini(&table);
    return ok;
}

static int run_account_list(struct tool *tool, const void *options_read, char *const *operands,
                            int operand_count)
{
    (void)operands, (void)operand_count;
    const struct list_options *options = options_read;
    struct ids                 ids     = { 0 };
    struct error               err;
    bool                       more = false;
    int                        code = END_WELL;
    if (!tool_store(tool, &err) || !scan_ids(tool, (size_t)options->limit, &ids, &more, &err))
        code = tool_fail(tool, &err);
    else if (!ids.count && !options->json)
        tool_note(tool,
                  "fleet %s has no accounts in Redis; connect some with: tokfleet account connect",
                  tool->config.fleet);
    else if (!print_all(tool, &ids, options->json, &err))
        code = tool_fail(tool, &err);
    if (more && code == END_WELL)
        tool_note(tool, "there are more accounts: --limit N shows more");
    ids_fini(&ids);
    return code;
}

static const char list_help[] =
    "Lists the accounts that Redis knows, sorted by open_id, with what holds each\n"
    "back.\n\n"
    "  tokfleet account list\n"
    "  tokfleet account list --json | jq -r 'select(.status != \"ok\") | .open_id'";

const struct verb verb_account_list = {
    .name          = "account list",
    .operands      = "",
    .summary       = "list the accounts: status, tokens, what waits",
    .flags         = list_flags,
    .flag_count    = COUNT_OF(list_flags),
    .options_bytes = sizeof(struct list_options),
    .run           = run_account_list,
    .text          = list_help,
    .json          = "one object a line: " ACCOUNT_VIEW_FIELDS,
};
