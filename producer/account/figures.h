// SPDX-License-Identifier: Apache-2.0
/* What TikTok counts of an account and of its posts, asked for now: nothing of it is kept. Needs the
 * token keys, and of the account the scopes user.info.stats (account) and video.list (posts). */
#pragma once

#include "job/account.h"
#include "producer/account/tiktok_side.h"
#include "tiktok/list.h"
#include "tiktok/user.h"

enum { FIGURES_RECENT_MAX = 200 };

struct figures {
    struct tool       *tool;
    struct tiktok_side side;
    char               open_id[OPEN_ID_MAX + 1];
    struct buf         scopes;  // granted, by commas; all when that is not known
    struct buf         token;   // secret
};

// Finds the account and opens its token; name: an open_id or @alias. figures_close() also after a
// failure. ERR_REFUSED: there is no such account, or it has no token that could be used now.
bool figures_open(struct tool *tool, const char *name, struct figures *figures,
                  struct error *err) MUST_CHECK;
void figures_close(struct figures *figures);  // the token is overwritten

bool figures_may_count(const struct figures *figures, const char *scope);  // it was granted
// followers, following, likes and videos
bool figures_user(struct figures *figures, struct tiktok_user *user, struct error *err) MUST_CHECK;
// the newest public posts, at most `most`; count: how many there were
bool figures_recent(struct figures *figures, struct tiktok_video *videos, size_t most,
                    size_t *count, struct error *err) MUST_CHECK;
// one post of the account; false with ERR_REFUSED: TikTok does not show it
bool figures_post(struct figures *figures, struct str post_id, struct tiktok_video *video,
                  struct error *err) MUST_CHECK;

// {"views":…,"likes":…,"comments":…,"shares":…}; what is not told is null
void figures_json(const struct tiktok_video *video, struct json *object);

// a line each, for people
void figures_print(struct out *out, const struct tiktok_video *video);
void figures_print_count(struct out *out, const char *label, int64_t count);  // -1: "not told"
