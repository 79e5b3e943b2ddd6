// SPDX-License-Identifier: Apache-2.0
// tokfleet account show
#include "loop/clock.h"
#include "producer/account/view.h"
#include "producer/tool/account_name.h"
#include "producer/tool/page.h"
#include "producer/tool/verb.h"
#include "producer/tool/words.h"
#include "tiktok/scope.h"

enum { LABEL_COLUMNS = 14 };

struct show_options {
    bool json;
};

static const struct flag show_flags[] = {
    { "json", FLAG_YES, NULL, offsetof(struct show_options, json),
      .help = "print one JSON object" },
};

static void print_used(struct page *page, const char *label, int64_t used, int64_t limit,
                       const char *unit)
{
    struct buf *text = page_line(page);
    words_count(used, text);
    if (limit > 0) {
        buf_add_text(text, " of ");
        words_count(limit, text);
    }
    buf_printf(text, " %s", unit);
    if (limit > 0) {
        buf_add_text(text, ", ");
        words_count(used < limit ? limit - used : 0, text);
        buf_add_text(text, " left");
    }
    page_end(page, label);
}

static void print_missing(struct page *page, struct str scopes)
{
    for (size_t i = 0; scopes.len && scope_row(i); i++) {
        if (scope_has(scopes, scope_row(i)->name))
            continue;
        buf_printf(page_line(page), "%s: %s", scope_row(i)->name, scope_row(i)->without);
        page_end(page, "without");
    }
}

static void print_account(struct tool *tool, const struct account_view *view, int64_t now_ms)
{
    const struct config *config = &tool->config;
    struct page          page;
    struct buf           window, day;
    buf_init(&window, 64);
    buf_init(&day, 64);
    buf_add_text(&window, "in the last ");
    words_age(config->limit_window_ms, &window);
    buf_add_text(&day, "in the last ");
    words_age(config->limit_day_ms, &day);
    page_init(&page, &tool->out, LABEL_COLUMNS);
    page_text(&page, "open_id", view->open_id);
    page_text(&page, "alias", account_view_field(view, "alias"));
    page_text(&page, "handle", account_view_handle(view));
    page_text(&page, "nickname", account_view_nickname(view));
    page_text(&page, "status", account_view_field(view, "status"));
    account_view_add_block(view, now_ms, page_line(&page));
    if (page.line.len)
        page_end(&page, "held");
    page_text(&page, "scopes", account_view_field(view, "scopes"));
    print_missing(&page, account_view_field(view, "scopes"));
    page_time(&page, "connected", account_view_number(view, "connected_at"), now_ms);
    page_time(&page, "stored", account_view_number(view, "t_stored"), now_ms);
    page_time(&page, "token since", account_view_number(view, "token_at"), now_ms);
    page_time(&page, "next refresh", account_view_next_refresh(view), now_ms);
    page_time(&page, "token ends", account_view_number(view, "expires_at"), now_ms);
    page_time(&page, "consent ends", account_view_number(view, "refresh_expires_at"), now_ms);
    print_used(&page, "queued", account_view_number(view, "queued"), config->limit_queued, "jobs");
    print_used(&page, "in flight", account_view_count(view, ACCOUNT_FLYING), config->limit_account,
               "jobs");
    print_used(&page, "init calls", account_view_count(view, ACCOUNT_INIT), config->limit_init,
               buf_text(&window));
    print_used(&page, "status calls", account_view_count(view, ACCOUNT_STATUS),
               config->limit_status, buf_text(&window));
    print_used(&page, "creator infos", account_view_count(view, ACCOUNT_CREATOR),
               config->limit_creator_info, buf_text(&window));
    print_used(&page, "posts", account_view_count(view, ACCOUNT_DAY), config->limit_day_posts,
               buf_text(&day));
    print_used(&page, "drafts", account_view_count(view, ACCOUNT_INBOX), config->limit_drafts,
               "pending");
    page_fini(&page);
    buf_fini(&window);
    buf_fini(&day);
}

static int run_account_show(struct tool *tool, const void *options_read, char *const *operands,
                            int operand_count)
{
    (void)operand_count;
    const struct show_options *options = options_read;
    struct account_view        view    = { 0 };
    int64_t                    now_ms  = clock_wall_ms();
    int                        code    = END_WELL;
    char                       open_id[OPEN_ID_MAX + 1];
    struct error               err;
    if (!account_name_find(tool, operands[0], open_id, &err) ||
        (open_id[0] && !account_view_load(tool, &view, str_of(open_id), now_ms, &err))) {
        code = tool_fail(tool, &err);
    } else if (!account_view_found(&view)) {
        tool_note(tool,
                  "there is no account %s in fleet %s; connect it with: tokfleet account connect",
                  operands[0], tool->config.fleet);
        code = END_BAD;
    } else if (options->json) {
        struct json *json = account_view_json(tool, &view, now_ms);
        out_json(&tool->out, json);
        json_free(json);
    } else {
        print_account(tool, &view, now_ms);
    }
    account_view_fini(&view);
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
    .summary       = "show one account: scopes, limits used, what holds it back",
    .flags         = show_flags,
    .flag_count    = COUNT_OF(show_flags),
    .options_bytes = sizeof(struct show_options),
    .operands_min  = 1,
    .operands_max  = 1,
    .run           = run_account_show,
    .text          = show_help,
    .json          = "one object: " ACCOUNT_VIEW_FIELDS,
};
