// SPDX-License-Identifier: Apache-2.0
#include "producer/account/figures.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loop/clock.h"
#include "producer/tool/account_name.h"
#include "producer/tool/words.h"
#include "tiktok/scope.h"

enum { SCOPES_MAX_BYTES = 1024, PAGES_MAX = 40 };

static bool no_account(const struct figures *figures, const char *name, struct error *err)
{
    return error_set(err, ERR_REFUSED,
                     "there is no account %.80s in fleet %s; connect it with: tokfleet account "
                     "connect",
                     name, figures->tool->config.fleet);
}

static bool open_token(struct figures *figures, const struct answer *account, struct str sealed,
                       struct error *err)
{
    int64_t expires_ms = 0;
    if (!sealed.len)
        return error_set(err, ERR_REFUSED, "the account has no token: connect it again");
    if (str_to_i64(answer_field(account, "expires_at"), &expires_ms) && expires_ms > 0 &&
        expires_ms <= clock_wall_ms())
        return error_set(err, ERR_REFUSED,
                         "the account's access token has expired: a running poller renews it, try "
                         "again then (tokfleet account show tells when)");
    return account_unseal(figures->side.seal, figures->tool->config.fleet, str_of(figures->open_id),
                          sealed, &figures->token, err);
}

bool figures_open(struct tool *tool, const char *name, struct figures *figures, struct error *err)
{
    struct ask asks[2] = { 0 };
    *figures           = (struct figures){ .tool = tool };
    buf_init(&figures->scopes, SCOPES_MAX_BYTES);
    if (!side_open_api(tool, &figures->side, err) ||
        !account_name_find(tool, name, figures->open_id, err))
        return false;
    if (!figures->open_id[0])
        return no_account(figures, name, err);
    ask_begin(tool, &asks[0], "HGETALL", "account:", str_of(figures->open_id));
    ask_begin(tool, &asks[1], "GET", "token:", str_of(figures->open_id));
    bool ok = tool_ask(tool, asks, COUNT_OF(asks), err);
    if (ok && !answer_field(&asks[0].reply.answer, "rev").len)
        ok = no_account(figures, name, err);
    if (ok) {
        buf_add(&figures->scopes, answer_field(&asks[0].reply.answer, "scopes"));
        if (!figures->scopes.len)  // not known: TikTok decides
            scope_all(&figures->scopes);
        ok = open_token(figures, &asks[0].reply.answer, asks[1].reply.answer.text, err);
    }
    asks_fini(asks, COUNT_OF(asks));
    return ok;
}

void figures_close(struct figures *figures)
{
    buf_wipe(&figures->token);
    buf_fini(&figures->scopes);
    side_close(&figures->side);
}

bool figures_may_count(const struct figures *figures, const char *scope)
{
    return scope_has(buf_str(&figures->scopes), scope);
}

// what TikTok refused, in words
static bool answered(const struct tiktok_answer *answer, struct error *err)
{
    const struct outcome *outcome = answer->outcome;
    if (outcome->next == NEXT_OK)
        return true;
    return error_set(err, ERR_REFUSED, "TikTok does not tell (%.64s): %s %s",
                     answer->code[0] ? answer->code : outcome->code, outcome->cause,
                     outcome->next == NEXT_REFRESH ? "A running poller renews it: try again."
                                                   : outcome->remedy);
}

bool figures_user(struct figures *figures, struct tiktok_user *user, struct error *err)
{
    struct wait wait = { 0 };
    tiktok_user(figures->side.tiktok, buf_str(&figures->scopes), buf_str(&figures->token), user,
                &wait.call, wait_done);
    return tool_wait(figures->tool, &wait, err) && answered(&user->answer, err);
}

bool figures_recent(struct figures *figures, struct tiktok_video *videos, size_t most,
                    size_t *count, struct error *err)
{
    struct tiktok_page *page   = xcalloc(1, sizeof *page);
    int64_t             cursor = 0;
    bool                ok     = true;
    *count                     = 0;
    for (int pages = 0; ok && *count < most && pages < PAGES_MAX; pages++) {
        struct wait wait = { 0 };
        tiktok_list(figures->side.tiktok, cursor, buf_str(&figures->token), page, &wait.call,
                    wait_done);
        ok = tool_wait(figures->tool, &wait, err) && answered(&page->answer, err);
        for (size_t i = 0; ok && i < page->count && *count < most; i++)
            videos[(*count)++] = page->videos[i];
        // a cursor that does not go back would ask for the same page for ever
        if (!page->has_more || page->cursor <= 0 || (cursor && page->cursor >= cursor))
            break;
        cursor = page->cursor;
    }
    free(page);
    return ok;
}

bool figures_post(struct figures *figures, struct str post_id, struct tiktok_video *video,
                  struct error *err)
{
    struct tiktok_page *page = xcalloc(1, sizeof *page);
    struct wait         wait = { 0 };
    tiktok_videos(figures->side.tiktok, &post_id, 1, buf_str(&figures->token), page, &wait.call,
                  wait_done);
    bool ok = tool_wait(figures->tool, &wait, err) && answered(&page->answer, err);
    if (ok && page->count != 1)
        ok = error_set(err, ERR_REFUSED,
                       "TikTok does not show the post %.*s of this account: it was deleted, or is "
                       "not public",
                       STR_ARG(post_id));
    if (ok)
        *video = page->videos[0];
    free(page);
    return ok;
}

static void set_count(struct json *object, const char *key, int64_t count)
{
    if (count < 0)
        json_set_null(object, key);
    else
        json_set_i64(object, key, count);
}

void figures_json(const struct tiktok_video *video, struct json *object)
{
    set_count(object, "views", video->views);
    set_count(object, "likes", video->likes);
    set_count(object, "comments", video->comments);
    set_count(object, "shares", video->shares);
}

void figures_print_count(struct out *out, const char *label, int64_t count)
{
    struct buf text;
    buf_init(&text, 64);
    if (count < 0)
        buf_add_text(&text, "not told");
    else
        words_count(count, &text);
    out_paint(out, FAINT, "  %-12s ", label);
    out_printf(out, "%s\n", buf_text(&text));
    buf_fini(&text);
}

void figures_print(struct out *out, const struct tiktok_video *video)
{
    figures_print_count(out, "views", video->views);
    figures_print_count(out, "likes", video->likes);
    figures_print_count(out, "comments", video->comments);
    figures_print_count(out, "shares", video->shares);
}
