// SPDX-License-Identifier: Apache-2.0
// tokfleet account list, tokfleet account show: what Redis knows of the accounts; never a token.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "job/account.h"
#include "loop/clock.h"
#include "producer/tool/scan.h"
#include "producer/tool/verb.h"
#include "producer/tool/words.h"
#include "tiktok/scope.h"

enum { LIST_MAX = 100000 };

// one account as it was at one moment
enum {
    ACCOUNT_HASH,
    ACCOUNT_FLYING,
    ACCOUNT_INIT,
    ACCOUNT_STATUS,
    ACCOUNT_DAY,
    ACCOUNT_INBOX,
    ACCOUNT_READY,
    ACCOUNT_CREATOR,
    ACCOUNT_REFRESH,
    ACCOUNT_ASKS
};

struct account_view {
    struct str open_id;             // borrowed
    struct ask asks[ACCOUNT_ASKS];  // of Redis
    char       since_window[24];    // arguments of ZCOUNT
    char       since_day[24];
};

static struct str field_of(const struct account_view *view, const char *name)
{
    return answer_field(&view->asks[ACCOUNT_HASH].reply.answer, name);
}

static int64_t number_of(const struct account_view *view, const char *name)
{
    int64_t number;
    return str_to_i64(field_of(view, name), &number) ? number : 0;
}

static int64_t count_of(const struct account_view *view, int what)
{
    return view->asks[what].reply.answer.number;
}

static bool load(struct tool *tool, struct account_view *view, struct str open_id, int64_t now_ms,
                 struct error *err)
{
    static const struct {
        int         what;
        const char *command;
        const char *key;
    } rows[] = {
        { ACCOUNT_HASH, "HGETALL", "account:" },  { ACCOUNT_FLYING, "SCARD", "flying:" },
        { ACCOUNT_INIT, "ZCOUNT", "window:" },    { ACCOUNT_STATUS, "ZCOUNT", "window:" },
        { ACCOUNT_DAY, "ZCOUNT", "day:" },        { ACCOUNT_INBOX, "ZCOUNT", "inbox:" },
        { ACCOUNT_READY, "ZSCORE", "ready" },     { ACCOUNT_CREATOR, "ZCOUNT", "window:" },
        { ACCOUNT_REFRESH, "ZSCORE", "refresh" },
    };
    char open_text[OPEN_ID_MAX + 1], init[OPEN_ID_MAX + 16], status[OPEN_ID_MAX + 16],
        creator[OPEN_ID_MAX + 16];
    view->open_id = open_id;
    snprintf(open_text, sizeof open_text, "%.*s", STR_ARG(open_id));
    snprintf(init, sizeof init, "%s:init", open_text);
    snprintf(status, sizeof status, "%s:status", open_text);
    snprintf(creator, sizeof creator, "%s:creator", open_text);
    snprintf(view->since_window, sizeof view->since_window, "(%" PRIi64,
             now_ms - tool->config.limit_window_ms);
    snprintf(view->since_day, sizeof view->since_day, "(%" PRIi64,
             now_ms - tool->config.limit_day_ms);
    for (int i = 0; i < ACCOUNT_ASKS; i++) {
        struct ask *ask    = &view->asks[i];
        struct str  id     = i == ACCOUNT_INIT      ? str_of(init)
                             : i == ACCOUNT_STATUS  ? str_of(status)
                             : i == ACCOUNT_CREATOR ? str_of(creator)
                                                    : open_id;
        bool        scored = i == ACCOUNT_READY || i == ACCOUNT_REFRESH;
        ask_begin(tool, ask, rows[i].command, rows[i].key, scored ? STR("") : id);
        if (scored)
            ask_add(ask, open_text);
        if (strcmp(rows[i].command, "ZCOUNT") == 0) {
            ask_add(ask,
                    i == ACCOUNT_DAY || i == ACCOUNT_INBOX ? view->since_day : view->since_window);
            ask_add(ask, "+inf");
        }
    }
    return tool_ask(tool, view->asks, ACCOUNT_ASKS, err);
}

static void view_fini(struct account_view *view)
{
    asks_fini(view->asks, ACCOUNT_ASKS);
}

// it does nothing until a person acts
static bool parked(const struct account_view *view)
{
    return str_is(field_of(view, "status"), "parked") ||
           str_is(field_of(view, "status"), "removed");
}

// the handle: as the user told, else as creator info did
static struct str handle_of(const struct account_view *view)
{
    struct str handle = field_of(view, "username");
    return handle.len ? handle : field_of(view, "creator_username");
}

static struct str nickname_of(const struct account_view *view)
{
    struct str name = field_of(view, "display_name");
    return name.len ? name : field_of(view, "creator_nickname");
}

static int64_t next_refresh_of(const struct account_view *view)
{
    double at;
    return str_to_double(view->asks[ACCOUNT_REFRESH].reply.answer.text, &at) ? (int64_t)at : 0;
}

// TikTok refused its access token, and there is no other one yet
static bool refused(const struct account_view *view)
{
    struct str rev = field_of(view, "refused_rev");
    return rev.len && str_eq(rev, field_of(view, "rev"));
}

// why the account may not act now; nothing when it may
static void add_block(const struct account_view *view, int64_t now_ms, struct buf *out)
{
    int64_t after = number_of(view, "after");
    if (number_of(view, "paused")) {
        buf_add_text(out, "paused by ");
        buf_add_visible(out, field_of(view, "paused_by"));
        if (field_of(view, "paused_why").len)
            buf_add_text(out, ": ");
        buf_add_visible(out, field_of(view, "paused_why"));
        if (parked(view) || refused(view) || after > now_ms)
            buf_add_text(out, "; ");
    }
    if (parked(view)) {
        buf_add_visible(out, field_of(view, "status"));
        buf_add_text(out, ": ");
        buf_add_visible(out, field_of(view, "parked_why"));
    } else if (refused(view)) {
        buf_add_text(out, "its token is being refreshed");
        if (field_of(view, "refresh_why").len)
            buf_add_text(out, ": ");
        buf_add_visible(out, field_of(view, "refresh_why"));
    } else if (after > now_ms) {
        buf_add_text(out, "waits ");
        words_age(after - now_ms, out);
        buf_add_text(out, ": ");
        buf_add_visible(out, field_of(view, "after_why"));
    }
}

static void set_text_or_null(struct json *object, const char *key, struct str text)
{
    if (text.len)
        json_set_text(object, key, text);
    else
        json_set_null(object, key);
}

static void set_time_or_null(struct json *object, const char *key, int64_t ms)
{
    if (ms > 0)
        json_set_i64(object, key, ms);
    else
        json_set_null(object, key);
}

static struct json *view_json(const struct tool *tool, const struct account_view *view,
                              int64_t now_ms)
{
    struct json *object = json_object();
    json_set_text(object, "open_id", view->open_id);
    set_text_or_null(object, "alias", field_of(view, "alias"));
    set_text_or_null(object, "username", handle_of(view));
    set_text_or_null(object, "display_name", nickname_of(view));
    set_text_or_null(object, "status", field_of(view, "status"));
    set_text_or_null(object, "parked_why", field_of(view, "parked_why"));
    set_time_or_null(object, "parked_at", number_of(view, "t_parked"));
    set_time_or_null(object, "paused_at", number_of(view, "paused"));
    set_text_or_null(object, "paused_by", field_of(view, "paused_by"));
    set_text_or_null(object, "paused_why", field_of(view, "paused_why"));
    set_text_or_null(object, "scopes", field_of(view, "scopes"));
    set_time_or_null(object, "connected_at", number_of(view, "connected_at"));
    set_time_or_null(object, "stored_at", number_of(view, "t_stored"));
    set_time_or_null(object, "token_at", number_of(view, "token_at"));
    set_time_or_null(object, "next_refresh_at", next_refresh_of(view));
    set_time_or_null(object, "token_expires_at", number_of(view, "expires_at"));
    set_time_or_null(object, "consent_expires_at", number_of(view, "refresh_expires_at"));
    json_set_i64(object, "queued", number_of(view, "queued"));
    json_set_i64(object, "in_flight", count_of(view, ACCOUNT_FLYING));
    json_set_i64(object, "inits_in_window", count_of(view, ACCOUNT_INIT));
    json_set_i64(object, "inits_limit", tool->config.limit_init);
    json_set_i64(object, "looks_in_window", count_of(view, ACCOUNT_STATUS));
    json_set_i64(object, "looks_limit", tool->config.limit_status);
    json_set_i64(object, "creator_infos_in_window", count_of(view, ACCOUNT_CREATOR));
    json_set_i64(object, "creator_infos_limit", tool->config.limit_creator_info);
    json_set_i64(object, "drafts_limit", tool->config.limit_drafts);
    json_set_i64(object, "posts_in_day", count_of(view, ACCOUNT_DAY));
    json_set_i64(object, "drafts_pending", count_of(view, ACCOUNT_INBOX));
    bool waits = number_of(view, "after") > now_ms;
    set_time_or_null(object, "waits_until", waits ? number_of(view, "after") : 0);
    set_text_or_null(object, "waits_why", waits ? field_of(view, "after_why") : STR(""));
    return object;
}

// ---- list

struct list_options {
    bool    json;
    int64_t limit;
};

#define AT(field) offsetof(struct list_options, field)

static const struct flag list_flags[] = {
    { "limit", FLAG_COUNT, "N", AT(limit), "1000", 1, LIST_MAX, "accounts at most" },
    { "json", FLAG_YES, NULL, AT(json), .help = "print one JSON object a line" },
};

struct ids {
    struct str  *texts;
    size_t       count;
    size_t       capacity;
    bool         more;  // than the limit
    struct arena arena;
};

static void ids_add(struct ids *ids, struct str id)
{
    if (ids->count == ids->capacity) {
        ids->capacity = ids->capacity ? ids->capacity * 2 : 64;
        ids->texts    = xrealloc(ids->texts, ids->capacity * sizeof *ids->texts);
    }
    ids->texts[ids->count++] = arena_copy(&ids->arena, id);
}

static int compare_ids(const void *left, const void *right)
{
    const struct str *a = left, *b = right;
    size_t            shorter = a->len < b->len ? a->len : b->len;
    int               order   = shorter ? memcmp(a->p, b->p, shorter) : 0;
    return order ? order : (a->len > b->len) - (a->len < b->len);
}

// SCAN shows a key at least once: the ids are sorted and freed of repeats afterwards
static bool scan_ids(struct tool *tool, size_t limit, struct ids *ids, struct error *err)
{
    char   cursor[SCAN_CURSOR_BYTES] = "0";
    size_t prefix                    = strlen(tool->config.fleet) + strlen("{}:account:");
    do {
        struct ask ask = { 0 };
        bool       ok  = scan_page(tool, "account:*", cursor, &ask, err);
        for (size_t i = 0; ok && i < scan_keys(&ask)->count; i++) {
            struct str key = answer_item(scan_keys(&ask), i);
            if (key.len > prefix)
                ids_add(ids, (struct str){ key.p + prefix, key.len - prefix });
        }
        asks_fini(&ask, 1);
        if (!ok)
            return false;
    } while (strcmp(cursor, "0") != 0 && ids->count <= 2 * limit);
    size_t kept = 0;
    if (ids->count)
        qsort(ids->texts, ids->count, sizeof *ids->texts, compare_ids);
    for (size_t i = 0; i < ids->count; i++)
        if (kept == 0 || !str_eq(ids->texts[kept - 1], ids->texts[i]))
            ids->texts[kept++] = ids->texts[i];
    ids->more  = kept > limit || strcmp(cursor, "0") != 0;
    ids->count = kept < limit ? kept : limit;
    return true;
}

static void add_row(struct table *table, const struct account_view *view, int64_t now_ms)
{
    struct buf cell;
    int64_t    expires = number_of(view, "expires_at");
    buf_init(&cell, 512);
    table_add(table, field_of(view, "alias"));
    table_add(table, handle_of(view));
    table_add(table, view->open_id);
    table_add(table, field_of(view, "status"));
    if (expires > now_ms)
        words_age(expires - now_ms, &cell);
    else
        buf_add_text(&cell, "expired");
    table_add(table, buf_str(&cell));
    buf_clear(&cell);
    words_count(number_of(view, "queued"), &cell);
    table_add(table, buf_str(&cell));
    buf_clear(&cell);
    words_count(count_of(view, ACCOUNT_FLYING), &cell);
    table_add(table, buf_str(&cell));
    buf_clear(&cell);
    add_block(view, now_ms, &cell);
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
    table_init(&table, COUNT_OF(head));
    for (size_t i = 0; i < COUNT_OF(head); i++)
        table_add_text(&table, head[i]);
    for (size_t i = 0; ok && i < ids->count && !out_closed(&tool->out); i++) {
        struct account_view view = { 0 };
        ok                       = load(tool, &view, ids->texts[i], now_ms, err);
        if (ok && as_json) {
            struct json *json = view_json(tool, &view, now_ms);
            out_json(&tool->out, json);
            json_free(json);
        } else if (ok) {
            add_row(&table, &view, now_ms);
        }
        view_fini(&view);
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
    int                        code = END_WELL;
    if (!tool_store(tool, &err) || !scan_ids(tool, (size_t)options->limit, &ids, &err))
        code = tool_fail(tool, &err);
    else if (!ids.count && !options->json)
        tool_note(tool,
                  "fleet %s has no accounts in Redis; connect some with: tokfleet account connect",
                  tool->config.fleet);
    else if (!print_all(tool, &ids, options->json, &err))
        code = tool_fail(tool, &err);
    if (ids.more && code == END_WELL)
        tool_note(tool, "there are more accounts: --limit N shows more");
    free(ids.texts);
    arena_fini(&ids.arena);
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
    .json          = "one object a line: open_id, alias, username, display_name, status, "
                     "parked_why, parked_at, paused_at, paused_by, paused_why, scopes, "
                     "connected_at, stored_at, token_at, next_refresh_at, token_expires_at, "
                     "consent_expires_at, queued, in_flight, inits_in_window, inits_limit, "
                     "looks_in_window, looks_limit, creator_infos_in_window, "
                     "creator_infos_limit, drafts_limit, posts_in_day, drafts_pending, "
                     "waits_until, waits_why",
};

// ---- show

struct show_options {
    bool json;
};

static const struct flag show_flags[] = {
    { "json", FLAG_YES, NULL, offsetof(struct show_options, json),
      .help = "print one JSON object" },
};

static void print_field(struct tool *tool, const char *label, const struct buf *text)
{
    out_paint(&tool->out, FAINT, "  %-14s ", label);
    out_printf(&tool->out, "%s\n", buf_text(text));
}

static void print_text(struct tool *tool, const char *label, struct str text)
{
    struct buf visible;
    if (!text.len)
        return;
    buf_init(&visible, 2048);
    buf_add_visible(&visible, text);
    print_field(tool, label, &visible);
    buf_fini(&visible);
}

static void print_time(struct tool *tool, const char *label, int64_t ms, int64_t now_ms)
{
    struct buf text;
    if (ms <= 0)
        return;
    buf_init(&text, 128);
    words_time(ms, now_ms, &text);
    print_field(tool, label, &text);
    buf_fini(&text);
}

static void print_used(struct tool *tool, const char *label, int64_t used, int64_t limit,
                       const char *unit)
{
    struct buf text;
    buf_init(&text, 128);
    words_count(used, &text);
    if (limit > 0) {
        buf_add_text(&text, " of ");
        words_count(limit, &text);
    }
    buf_printf(&text, " %s", unit);
    if (limit > 0) {
        buf_add_text(&text, ", ");
        words_count(used < limit ? limit - used : 0, &text);
        buf_add_text(&text, " left");
    }
    print_field(tool, label, &text);
    buf_fini(&text);
}

static void print_missing(struct tool *tool, struct str scopes)
{
    for (size_t i = 0; scopes.len && scope_row(i); i++) {
        struct buf words;
        if (scope_has(scopes, scope_row(i)->name))
            continue;
        buf_init(&words, 512);
        buf_printf(&words, "%s: %s", scope_row(i)->name, scope_row(i)->without);
        print_field(tool, "without", &words);
        buf_fini(&words);
    }
}

static void print_account(struct tool *tool, const struct account_view *view, int64_t now_ms)
{
    const struct config *config = &tool->config;
    struct buf           block;
    print_text(tool, "open_id", view->open_id);
    print_text(tool, "alias", field_of(view, "alias"));
    print_text(tool, "handle", handle_of(view));
    print_text(tool, "nickname", nickname_of(view));
    print_text(tool, "status", field_of(view, "status"));
    buf_init(&block, 512);
    add_block(view, now_ms, &block);
    if (block.len)
        print_field(tool, "held", &block);
    buf_fini(&block);
    print_text(tool, "scopes", field_of(view, "scopes"));
    print_missing(tool, field_of(view, "scopes"));
    print_time(tool, "connected", number_of(view, "connected_at"), now_ms);
    print_time(tool, "stored", number_of(view, "t_stored"), now_ms);
    print_time(tool, "token since", number_of(view, "token_at"), now_ms);
    print_time(tool, "next refresh", next_refresh_of(view), now_ms);
    print_time(tool, "token ends", number_of(view, "expires_at"), now_ms);
    print_time(tool, "consent ends", number_of(view, "refresh_expires_at"), now_ms);
    print_used(tool, "queued", number_of(view, "queued"), config->limit_queued, "jobs");
    print_used(tool, "in flight", count_of(view, ACCOUNT_FLYING), config->limit_account, "jobs");
    print_used(tool, "init calls", count_of(view, ACCOUNT_INIT), config->limit_init,
               "in the window");
    print_used(tool, "status calls", count_of(view, ACCOUNT_STATUS), config->limit_status,
               "in the window");
    print_used(tool, "creator infos", count_of(view, ACCOUNT_CREATOR), config->limit_creator_info,
               "in the window");
    print_used(tool, "posts", count_of(view, ACCOUNT_DAY), config->limit_day_posts, "in the day");
    print_used(tool, "drafts", count_of(view, ACCOUNT_INBOX), config->limit_drafts, "pending");
}

// an @alias becomes its open_id, in `reply`'s memory
static bool find_account(struct tool *tool, const char *name, struct ask *ask, struct str *open_id,
                         struct error *err)
{
    *open_id = str_of(name);
    if (name[0] != '@')
        return true;
    ask_begin(tool, ask, "HGET", "alias", STR(""));
    ask_add(ask, name);
    if (!tool_ask(tool, ask, 1, err))
        return false;
    *open_id = ask->reply.answer.text;
    return true;
}

static int run_account_show(struct tool *tool, const void *options_read, char *const *operands,
                            int operand_count)
{
    (void)operand_count;
    const struct show_options *options = options_read;
    struct account_view        view    = { 0 };
    struct ask                 ask     = { 0 };
    struct str                 open_id = { 0 };
    struct error               err;
    int64_t                    now_ms = clock_wall_ms();
    int                        code   = END_WELL;
    if (!tool_store(tool, &err) || !find_account(tool, operands[0], &ask, &open_id, &err) ||
        (open_id.len && open_id.len <= OPEN_ID_MAX && !load(tool, &view, open_id, now_ms, &err))) {
        code = tool_fail(tool, &err);
    } else if (!view.asks[ACCOUNT_HASH].reply.answer.count || !field_of(&view, "rev").len) {
        tool_note(tool,
                  "there is no account %s in fleet %s; connect it with: tokfleet account connect",
                  operands[0], tool->config.fleet);
        code = END_BAD;
    } else if (options->json) {
        struct json *json = view_json(tool, &view, now_ms);
        out_json(&tool->out, json);
        json_free(json);
    } else {
        print_account(tool, &view, now_ms);
    }
    view_fini(&view);
    asks_fini(&ask, 1);
    return code;
}

static const char show_help[] =
    "Shows what Redis knows of one account, and how much of its limits is used now;\n"
    "never a token.\n\n"
    "  tokfleet account show @brand.de\n"
    "  tokfleet account show @brand.de --json | jq .token_expires_at";

const struct verb verb_account_show = {
    .name          = "account show",
    .operands      = "ID|@ALIAS",
    .summary       = "show one account: status, scopes, limits used, what holds it back",
    .flags         = show_flags,
    .flag_count    = COUNT_OF(show_flags),
    .options_bytes = sizeof(struct show_options),
    .operands_min  = 1,
    .operands_max  = 1,
    .run           = run_account_show,
    .text          = show_help,
    .json          = "one object: open_id, alias, username, display_name, status, "
                     "parked_why, parked_at, paused_at, paused_by, paused_why, scopes, "
                     "connected_at, stored_at, token_at, next_refresh_at, token_expires_at, "
                     "consent_expires_at, queued, in_flight, inits_in_window, inits_limit, "
                     "looks_in_window, looks_limit, creator_infos_in_window, "
                     "creator_infos_limit, drafts_limit, posts_in_day, drafts_pending, "
                     "waits_until, waits_why",
};
