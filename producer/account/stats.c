// SPDX-License-Identifier: Apache-2.0
// tokfleet account stats: what TikTok counts of an account and of its newest posts.
#include <stdlib.h>

#include "base/memory.h"
#include "loop/clock.h"
#include "producer/account/figures.h"
#include "producer/tool/verb.h"
#include "producer/tool/words.h"

enum { TEXT_UNITS = 40 };

struct stats_options {
    bool    json;
    bool    posts;
    int64_t recent;
};

#define AT(field) offsetof(struct stats_options, field)

static const struct flag flags[] = {
    { "recent", FLAG_COUNT, "N", AT(recent), "20", 1, FIGURES_RECENT_MAX,
      "add up this many of the newest public posts" },
    { "posts", FLAG_YES, NULL, AT(posts), .help = "list each of them, too" },
    { "json", FLAG_YES, NULL, AT(json), .help = "print one JSON object" },
};

// what is known of the account; a part that its scopes do not allow is not asked for
struct picture {
    bool                 has_user;
    struct tiktok_user   user;
    bool                 has_posts;
    struct tiktok_video *posts;  // newest first; owned
    size_t               count;
    struct tiktok_video  sum;
};

static void add_count(int64_t *sum, int64_t count)
{
    if (count >= 0)
        *sum = (*sum < 0 ? 0 : *sum) + count;
}

static void add_up(struct picture *picture)
{
    int64_t none       = picture->count ? -1 : 0;
    picture->sum.views = picture->sum.likes = picture->sum.comments = picture->sum.shares = none;
    for (size_t i = 0; i < picture->count; i++) {
        add_count(&picture->sum.views, picture->posts[i].views);
        add_count(&picture->sum.likes, picture->posts[i].likes);
        add_count(&picture->sum.comments, picture->posts[i].comments);
        add_count(&picture->sum.shares, picture->posts[i].shares);
    }
}

static bool take_picture(struct figures *figures, size_t recent, struct picture *picture,
                         struct error *err)
{
    picture->has_user  = figures_may_count(figures, "user.info.stats");
    picture->has_posts = figures_may_count(figures, "video.list");
    if (!picture->has_user && !picture->has_posts)
        return error_set(err, ERR_REFUSED,
                         "the account granted neither user.info.stats nor video.list, so TikTok "
                         "tells no figures; connect it again with them: tokfleet account connect");
    if (picture->has_user && !figures_user(figures, &picture->user, err))
        return false;
    if (picture->has_posts &&
        !figures_recent(figures, picture->posts, recent, &picture->count, err))
        return false;
    add_up(picture);
    return true;
}

// ---- for people

static void print_user(struct out *out, const struct picture *picture)
{
    if (!picture->has_user) {
        out_printf(out, "  user.info.stats was not granted: followers, likes and videos are not "
                        "known\n");
        return;
    }
    figures_print_count(out, "followers", picture->user.followers);
    figures_print_count(out, "following", picture->user.following);
    figures_print_count(out, "total likes", picture->user.likes);
    figures_print_count(out, "videos", picture->user.videos);
}

static void print_sum(struct out *out, const struct picture *picture, int64_t now_ms)
{
    struct buf since;
    if (!picture->has_posts) {
        out_printf(out, "  video.list was not granted: figures of posts are not known\n");
        return;
    }
    if (!picture->count) {
        out_printf(out, "  TikTok lists no public posts of this account\n");
        return;
    }
    buf_init(&since, 128);
    words_time(picture->posts[picture->count - 1].create_time_s * 1000, now_ms, &since);
    out_paint(out, BOLD, "of the newest %zu public posts, since %s\n", picture->count,
              buf_text(&since));
    figures_print(out, &picture->sum);
    buf_fini(&since);
}

static void add_cell(struct table *table, int64_t count)
{
    struct buf cell;
    buf_init(&cell, 64);
    if (count >= 0)
        words_count(count, &cell);
    table_add(table, buf_str(&cell));
    buf_fini(&cell);
}

static void print_posts(struct out *out, const struct picture *picture, int64_t now_ms)
{
    static const char *const head[] = { "posted", "views",   "likes",      "comments",
                                        "shares", "post_id", "description" };
    struct table             table;
    table_init(&table, head, COUNT_OF(head));
    table.cut = true;
    for (size_t i = 0; i < picture->count; i++) {
        const struct tiktok_video *post = &picture->posts[i];
        struct buf                 posted;
        buf_init(&posted, 128);
        words_time(post->create_time_s * 1000, now_ms, &posted);
        table_add(&table, buf_str(&posted));
        add_cell(&table, post->views);
        add_cell(&table, post->likes);
        add_cell(&table, post->comments);
        add_cell(&table, post->shares);
        table_add_text(&table, post->id);
        table_add(&table, str_utf8_prefix(str_of(post->description), TEXT_UNITS));
        buf_fini(&posted);
    }
    table_print(&table, out, "  ");
    table_fini(&table);
}

// ---- for scripts

static void set_count(struct json *object, const char *key, bool known, int64_t count)
{
    if (known && count >= 0)
        json_set_i64(object, key, count);
    else
        json_set_null(object, key);
}

static struct json *post_json(const struct tiktok_video *post)
{
    struct json *object = json_object();
    json_set_text(object, "post_id", str_of(post->id));
    json_set_i64(object, "posted_at", post->create_time_s * 1000);
    json_set_text(object, "description", str_of(post->description));
    json_set_text(object, "url", str_of(post->share_url));
    figures_json(post, object);
    return object;
}

static struct json *picture_json(const struct figures *figures, const struct picture *picture)
{
    struct json              *object = json_object();
    struct json              *recent = json_object();
    struct json              *posts  = json_array();
    const struct tiktok_user *user   = &picture->user;
    json_set_text(object, "open_id", str_of(figures->open_id));
    set_count(object, "followers", picture->has_user, user->followers);
    set_count(object, "following", picture->has_user, user->following);
    set_count(object, "likes", picture->has_user, user->likes);
    set_count(object, "videos", picture->has_user, user->videos);
    if (picture->has_posts) {
        json_set_i64(recent, "posts", (int64_t)picture->count);
        figures_json(&picture->sum, recent);
        json_set(object, "recent", &recent);
        for (size_t i = 0; i < picture->count; i++) {
            struct json *post = post_json(&picture->posts[i]);
            json_add(posts, &post);
        }
        json_set(object, "posts", &posts);
    } else {
        json_set_null(object, "recent");
        json_set_null(object, "posts");
    }
    json_free(recent);
    json_free(posts);
    return object;
}

// ---- the verb

static void print(struct tool *tool, const struct figures *figures, const struct picture *picture,
                  const struct stats_options *options)
{
    if (options->json) {
        struct json *json = picture_json(figures, picture);
        out_json(&tool->out, json);
        json_free(json);
        return;
    }
    int64_t now_ms = clock_wall_ms();
    out_paint(&tool->out, BOLD, "%s\n", figures->open_id);
    print_user(&tool->out, picture);
    print_sum(&tool->out, picture, now_ms);
    if (options->posts && picture->count)
        print_posts(&tool->out, picture, now_ms);
}

static int run_account_stats(struct tool *tool, const void *options_read, char *const *operands,
                             int operand_count)
{
    (void)operand_count;
    const struct stats_options *options = options_read;
    struct picture picture = { .posts = xcalloc((size_t)options->recent, sizeof *picture.posts) };
    struct figures figures;
    struct error   err;
    int            code = END_WELL;
    if (!figures_open(tool, operands[0], &figures, &err) ||
        !take_picture(&figures, (size_t)options->recent, &picture, &err))
        code = tool_fail(tool, &err);
    else
        print(tool, &figures, &picture, options);
    figures_close(&figures);
    free(picture.posts);
    return code;
}

static const char help[] =
    "Asks TikTok for the figures of an account: followers, following, likes and videos\n"
    "in all, and views, likes, comments and shares of its newest public posts added up.\n"
    "They are TikTok's of this moment; nothing of them is kept. What was not granted\n"
    "(user.info.stats, video.list) is left out. One post of a job: tokfleet stats ID\n\n"
    "  tokfleet account stats @brand.de\n"
    "  tokfleet account stats @brand.de --recent 100 --posts\n"
    "  tokfleet account stats @brand.de --json | jq .recent.views";

const struct verb verb_account_stats = {
    .name          = "account stats",
    .operands      = "ID|@ALIAS",
    .summary       = "ask TikTok for followers, and views of recent posts",
    .flags         = flags,
    .flag_count    = COUNT_OF(flags),
    .options_bytes = sizeof(struct stats_options),
    .operands_min  = 1,
    .operands_max  = 1,
    .run           = run_account_stats,
    .text          = help,
    .json          = "one object: open_id, followers, following, likes, videos, recent (posts, "
                     "views, likes, comments, shares), posts (post_id, posted_at, description, "
                     "url, views, likes, comments, shares). What is not told is null; times are "
                     "milliseconds since 1970",
};
