// SPDX-License-Identifier: Apache-2.0
#include "producer/account/view.h"

#include <stdio.h>
#include <string.h>

#include "job/account.h"
#include "producer/tool/words.h"

struct str account_view_field(const struct account_view *view, const char *name)
{
    return answer_field(&view->asks[ACCOUNT_HASH].reply.answer, name);
}

bool account_view_found(const struct account_view *view)
{
    return account_view_field(view, "rev").len > 0;
}

int64_t account_view_number(const struct account_view *view, const char *name)
{
    int64_t number;
    return str_to_i64(account_view_field(view, name), &number) ? number : 0;
}

int64_t account_view_count(const struct account_view *view, enum account_ask what)
{
    return view->asks[what].reply.answer.number;
}

bool account_view_load(struct tool *tool, struct account_view *view, struct str open_id,
                       int64_t now_ms, struct error *err)
{
    // clang-format off
    static const struct {
        const char *command;
        const char *key;
        const char *suffix;  // of the key, behind the open_id
    } rows[ACCOUNT_ASKS] = {
        [ACCOUNT_HASH]    = { "HGETALL", "account:", ""         },
        [ACCOUNT_FLYING]  = { "SCARD",   "flying:",  ""         },
        [ACCOUNT_INIT]    = { "ZCOUNT",  "window:",  ":init"    },
        [ACCOUNT_STATUS]  = { "ZCOUNT",  "window:",  ":status"  },
        [ACCOUNT_CREATOR] = { "ZCOUNT",  "window:",  ":creator" },
        [ACCOUNT_DAY]     = { "ZCOUNT",  "day:",     ""         },
        [ACCOUNT_INBOX]   = { "ZCOUNT",  "inbox:",   ""         },
        [ACCOUNT_REFRESH] = { "ZSCORE",  "refresh",  ""         },
    };
    // clang-format on
    char open_text[OPEN_ID_MAX + 1], id[OPEN_ID_MAX + 16];
    view->open_id = open_id;
    snprintf(open_text, sizeof open_text, "%.*s", STR_ARG(open_id));
    snprintf(view->since_window, sizeof view->since_window, "(%" PRIi64,
             now_ms - tool->config.limit_window_ms);
    snprintf(view->since_day, sizeof view->since_day, "(%" PRIi64,
             now_ms - tool->config.limit_day_ms);
    for (int i = 0; i < ACCOUNT_ASKS; i++) {
        struct ask *ask    = &view->asks[i];
        bool        scored = i == ACCOUNT_REFRESH;  // one key of all accounts
        snprintf(id, sizeof id, "%s%s", open_text, rows[i].suffix);
        ask_begin(tool, ask, rows[i].command, rows[i].key, scored ? STR("") : str_of(id));
        if (scored)
            ask_add(ask, open_text);
        if (strcmp(rows[i].command, "ZCOUNT") == 0) {
            ask_add(ask, rows[i].suffix[0] ? view->since_window : view->since_day);
            ask_add(ask, "+inf");
        }
    }
    return tool_ask(tool, view->asks, ACCOUNT_ASKS, err);
}

void account_view_fini(struct account_view *view)
{
    asks_fini(view->asks, ACCOUNT_ASKS);
}

// it does nothing until a person acts
static bool parked(const struct account_view *view)
{
    return str_is(account_view_field(view, "status"), "parked") ||
           str_is(account_view_field(view, "status"), "removed");
}

// the handle: as the user told, else as creator info did
struct str account_view_handle(const struct account_view *view)
{
    struct str handle = account_view_field(view, "username");
    return handle.len ? handle : account_view_field(view, "creator_username");
}

struct str account_view_nickname(const struct account_view *view)
{
    struct str name = account_view_field(view, "display_name");
    return name.len ? name : account_view_field(view, "creator_nickname");
}

int64_t account_view_next_refresh(const struct account_view *view)
{
    double at;
    return str_to_double(view->asks[ACCOUNT_REFRESH].reply.answer.text, &at) ? (int64_t)at : 0;
}

// TikTok refused its access token, and there is no other one yet
static bool refused(const struct account_view *view)
{
    struct str rev = account_view_field(view, "refused_rev");
    return rev.len && str_eq(rev, account_view_field(view, "rev"));
}

// why the account may not act now; nothing when it may
void account_view_add_block(const struct account_view *view, int64_t now_ms, struct buf *out)
{
    int64_t after = account_view_number(view, "after");
    if (account_view_number(view, "paused")) {
        buf_add_text(out, "paused by ");
        buf_add_visible(out, account_view_field(view, "paused_by"));
        if (account_view_field(view, "paused_why").len)
            buf_add_text(out, ": ");
        buf_add_visible(out, account_view_field(view, "paused_why"));
        if (parked(view) || refused(view) || after > now_ms)
            buf_add_text(out, "; ");
    }
    if (parked(view)) {
        buf_add_visible(out, account_view_field(view, "status"));
        buf_add_text(out, ": ");
        buf_add_visible(out, account_view_field(view, "parked_why"));
    } else if (refused(view)) {
        buf_add_text(out, "its token is being refreshed");
        if (account_view_field(view, "refresh_why").len)
            buf_add_text(out, ": ");
        buf_add_visible(out, account_view_field(view, "refresh_why"));
    } else if (after > now_ms) {
        buf_add_text(out, "waits ");
        words_age(after - now_ms, out);
        buf_add_text(out, ": ");
        buf_add_visible(out, account_view_field(view, "after_why"));
    }
}

static void set_time_or_null(struct json *object, const char *key, int64_t ms)
{
    if (ms > 0)
        json_set_i64(object, key, ms);
    else
        json_set_null(object, key);
}

struct json *account_view_json(const struct tool *tool, const struct account_view *view,
                               int64_t now_ms)
{
    struct json *object = json_object();
    json_set_text(object, "open_id", view->open_id);
    json_set_text_or_null(object, "alias", account_view_field(view, "alias"));
    json_set_text_or_null(object, "username", account_view_handle(view));
    json_set_text_or_null(object, "display_name", account_view_nickname(view));
    json_set_text_or_null(object, "status", account_view_field(view, "status"));
    json_set_text_or_null(object, "parked_why", account_view_field(view, "parked_why"));
    set_time_or_null(object, "parked_at", account_view_number(view, "t_parked"));
    set_time_or_null(object, "paused_at", account_view_number(view, "paused"));
    json_set_text_or_null(object, "paused_by", account_view_field(view, "paused_by"));
    json_set_text_or_null(object, "paused_why", account_view_field(view, "paused_why"));
    json_set_text_or_null(object, "scopes", account_view_field(view, "scopes"));
    set_time_or_null(object, "connected_at", account_view_number(view, "connected_at"));
    set_time_or_null(object, "stored_at", account_view_number(view, "t_stored"));
    set_time_or_null(object, "token_at", account_view_number(view, "token_at"));
    set_time_or_null(object, "next_refresh_at", account_view_next_refresh(view));
    set_time_or_null(object, "token_expires_at", account_view_number(view, "expires_at"));
    set_time_or_null(object, "consent_expires_at", account_view_number(view, "refresh_expires_at"));
    json_set_i64(object, "queued", account_view_number(view, "queued"));
    json_set_i64(object, "in_flight", account_view_count(view, ACCOUNT_FLYING));
    json_set_i64(object, "inits_in_window", account_view_count(view, ACCOUNT_INIT));
    json_set_i64(object, "inits_limit", tool->config.limit_init);
    json_set_i64(object, "looks_in_window", account_view_count(view, ACCOUNT_STATUS));
    json_set_i64(object, "looks_limit", tool->config.limit_status);
    json_set_i64(object, "creator_infos_in_window", account_view_count(view, ACCOUNT_CREATOR));
    json_set_i64(object, "creator_infos_limit", tool->config.limit_creator_info);
    json_set_i64(object, "drafts_limit", tool->config.limit_drafts);
    json_set_i64(object, "posts_in_day", account_view_count(view, ACCOUNT_DAY));
    json_set_i64(object, "drafts_pending", account_view_count(view, ACCOUNT_INBOX));
    bool waits = account_view_number(view, "after") > now_ms;
    set_time_or_null(object, "waits_until", waits ? account_view_number(view, "after") : 0);
    json_set_text_or_null(object, "waits_why",
                          waits ? account_view_field(view, "after_why") : STR(""));
    return object;
}
