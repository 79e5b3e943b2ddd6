// SPDX-License-Identifier: Apache-2.0
// links: tokfleet_poller
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "poller/match.h"

#define EMOJI "\xF0\x9F\x8C\x85"  // two units
#define HALF "\xEF\xBF\xBD"       // U+FFFD

enum { SENT_S = 1795389803 };

static struct tiktok_page page;
static struct match       match;
static struct match_job   job;

static void begin(const char *caption)
{
    memset(&page, 0, sizeof page);
    memset(&match, 0, sizeof match);
    job = (struct match_job){ .caption = str_of(caption), .sent_ms = INT64_C(1000) * SENT_S + 500 };
}

static void add(const char *id, int64_t after_s, const char *description)
{
    struct tiktok_video *video = &page.videos[page.count++];
    snprintf(video->id, sizeof video->id, "%s", id);
    snprintf(video->description, sizeof video->description, "%s", description);
    snprintf(video->share_url, sizeof video->share_url, "https://www.tiktok.com/@me/video/%s", id);
    video->create_time_s = SENT_S + after_s;
}

static size_t fits(void)
{
    match_page(&match, &job, &page);
    return match.fits;
}

// count times text, then end
static const char *many(char *out, size_t count, const char *text, const char *end)
{
    out[0] = '\0';
    for (char *p = out; count--; p += strlen(text))
        memcpy(p, text, strlen(text) + 1);
    memcpy(out + strlen(out), end, strlen(end) + 1);
    return out;
}

static bool equal(const char *caption, const char *description)
{
    return match_caption(str_of(caption), str_of(description));
}

TEST(one_video_of_the_hour_with_the_caption_fits)
{
    begin("Morning light #lisbon");
    add("73", 90, "another one");
    add("72", 30, "Morning light #lisbon");
    add("71", -5, "an older one");
    assert_int_equal(fits(), 1);
    assert_string_equal(match.video.id, "72");
    assert_string_equal(match.video.share_url, "https://www.tiktok.com/@me/video/72");
    assert_int_equal(match.seen, 3);
    assert_int_equal(match.in_hour, 2);
    assert_true(match.reached);
}

TEST(the_owners_own_post_under_another_caption_does_not_fit)
{
    begin("Morning light");
    add("74", 40, "Morning light!");
    add("73", 30, "Morning ligh");
    add("72", 20, "morning light");
    add("71", 10, "");
    assert_int_equal(fits(), 0);
    assert_int_equal(match.in_hour, 4);
}

TEST(two_videos_that_fit_are_no_evidence)
{
    begin("Morning light");
    add("72", 60, "Morning light");
    add("71", 30, "Morning light");
    assert_int_equal(fits(), 2);
}

TEST(a_video_that_two_pages_show_is_one)
{
    begin("Morning light");
    add("72", 60, "Morning light");
    assert_int_equal(fits(), 1);
    assert_int_equal(fits(), 1);
    page.count = 0;
    add("71", 30, "Morning light");
    assert_int_equal(fits(), 2);
}

TEST(another_jobs_post_does_not_fit)
{
    begin("Morning light");
    job.known_ids = STR("70 72 75");
    add("72", 60, "Morning light");
    add("7", 30, "Morning light");
    assert_int_equal(fits(), 1);
    assert_string_equal(match.video.id, "7");
}

TEST(a_photo_post_does_not_fit)
{
    begin("Morning light");
    add("72", 60, "Morning light");
    snprintf(page.videos[0].share_url, sizeof page.videos[0].share_url,
             "https://www.tiktok.com/@me/photo/72");
    assert_int_equal(fits(), 0);
}

TEST(the_hour_begins_with_the_second_of_the_intent_and_never_before)
{
    begin("x");
    add("71", -1, "x");
    assert_int_equal(fits(), 0);
    assert_true(match.reached);
    begin("x");
    add("71", 0, "x");
    assert_int_equal(fits(), 1);
    assert_false(match.reached);
}

TEST(the_hour_ends_an_hour_and_half_a_minute_later)
{
    begin("x");
    add("71", 3600 + 30, "x");
    assert_int_equal(fits(), 1);
    begin("x");
    add("71", 3600 + 31, "x");
    assert_int_equal(fits(), 0);
    assert_int_equal(match.in_hour, 0);
}

TEST(only_the_last_video_of_a_page_tells_that_the_hour_was_seen)
{
    begin("x");
    add("71", -500, "pinned");
    add("72", 30, "y");
    fits();
    assert_false(match.reached);
    page.count = 0;
    fits();
    assert_false(match.reached);
}

TEST(a_caption_of_150_units_is_compared_whole)
{
    char caption[1024], same[1024];
    assert_true(equal(many(caption, 150, "x", ""), many(same, 150, "x", "")));
    assert_false(equal(many(caption, 150, "x", ""), many(same, 149, "x", "")));
    assert_false(equal(many(caption, 149, "x", "y"), many(same, 150, "x", "")));
    assert_false(equal(many(caption, 149, "x", ""), many(same, 150, "x", "")));
    assert_true(equal(many(caption, 75, EMOJI, ""), many(same, 75, EMOJI, "")));
}

TEST(a_longer_caption_is_compared_as_far_as_tiktok_shows_it)
{
    char caption[8192], shown[1024];
    assert_true(equal(many(caption, 2000, "x", ""), many(shown, 150, "x", "")));
    assert_false(equal(many(caption, 2000, "x", ""), many(shown, 149, "x", "")));
    assert_false(equal(many(caption, 2000, "x", ""), many(shown, 149, "x", "y")));
    assert_true(
        equal(many(caption, 150, "\xE2\x82\xAC", "more"), many(shown, 150, "\xE2\x82\xAC", "")));
    // code points would be 150, units are 300
    assert_true(equal(many(caption, 150, EMOJI, ""), many(shown, 75, EMOJI, "")));
}

TEST(an_emoji_across_the_cut_is_left_out_or_halved)
{
    char caption[1024], shown[1024];
    many(caption, 149, "x", EMOJI " and so on");
    assert_true(equal(caption, many(shown, 149, "x", "")));
    assert_true(equal(caption, many(shown, 149, "x", HALF)));
    assert_false(equal(caption, many(shown, 148, "x", "")));
    assert_false(equal(caption, many(shown, 149, "x", "a")));
    assert_false(equal(caption, many(shown, 149, "x", HALF HALF)));
    assert_false(equal(caption, many(shown, 148, "x", "y" HALF)));
    // nothing lies across the cut here
    assert_false(equal(many(caption, 148, "x", EMOJI " and so on"), many(shown, 148, "x", "")));
    assert_false(equal(many(caption, 160, "x", ""), many(shown, 150, "x", HALF)));
    assert_false(equal(many(caption, 149, "x", ""), many(shown, 149, "x", HALF)));
}

TEST(an_emoji_just_before_the_cut_is_whole)
{
    char caption[1024], shown[1024];
    many(caption, 148, "x", EMOJI " and so on");
    assert_true(equal(caption, many(shown, 148, "x", EMOJI)));
    assert_false(equal(caption, many(shown, 148, "x", HALF)));
}

TEST(no_caption_is_equal_to_nothing)
{
    assert_false(equal("", ""));
    assert_false(equal("", "x"));
    assert_false(equal("x", ""));
}
