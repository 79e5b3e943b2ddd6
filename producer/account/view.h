// SPDX-License-Identifier: Apache-2.0
/* Everything that Redis knows of one account, as it was at one moment; never a token. */
#pragma once

#include "producer/tool/tool.h"

// what is asked of Redis
enum account_ask {
    ACCOUNT_HASH,
    ACCOUNT_FLYING,
    ACCOUNT_INIT,
    ACCOUNT_STATUS,
    ACCOUNT_CREATOR,
    ACCOUNT_DAY,
    ACCOUNT_INBOX,
    ACCOUNT_REFRESH,
    ACCOUNT_ASKS
};

struct account_view {
    struct str open_id;             // borrowed
    struct ask asks[ACCOUNT_ASKS];  // of Redis
    char       since_window[24];    // arguments of ZCOUNT
    char       since_day[24];
};

// view is zeroed before, account_view_fini() after
bool account_view_load(struct tool *tool, struct account_view *view, struct str open_id,
                       int64_t now_ms, struct error *err) MUST_CHECK;
void account_view_fini(struct account_view *view);

bool       account_view_found(const struct account_view *view);
struct str account_view_field(const struct account_view *view, const char *name);  // "" when absent
int64_t    account_view_number(const struct account_view *view, const char *name);  // 0 when absent
int64_t    account_view_count(const struct account_view *view, enum account_ask what);
// as the user told, else as creator info did
struct str account_view_handle(const struct account_view *view);
struct str account_view_nickname(const struct account_view *view);
int64_t    account_view_next_refresh(const struct account_view *view);  // 0: none

// why the account may not act now; nothing when it may
void account_view_add_block(const struct account_view *view, int64_t now_ms, struct buf *out);
struct json *account_view_json(const struct tool *tool, const struct account_view *view,
                               int64_t now_ms);

// its fields, in words for the help of the verbs
#define ACCOUNT_VIEW_FIELDS                                                                        \
    "open_id, alias, username, display_name, status, parked_why, parked_at, paused_at, "           \
    "paused_by, paused_why, scopes, connected_at, stored_at, token_at, next_refresh_at, "          \
    "token_expires_at, consent_expires_at, queued, in_flight, inits_in_window, inits_limit, "      \
    "looks_in_window, looks_limit, creator_infos_in_window, creator_infos_limit, drafts_limit, "   \
    "posts_in_day, drafts_pending, waits_until, waits_why"
