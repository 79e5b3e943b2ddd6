// SPDX-License-Identifier: Apache-2.0
// links: tokfleet_job
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "tiktok/list.h"

static struct tiktok_page page;

static bool decode(const char *body)
{
    memset(&page, 'z', sizeof page);
    return tiktok_page_decode(str_of(body), &page);
}

static void refuse(const char *body)
{
    assert_false(decode(body));
    assert_int_equal(page.count, 0);
}

#define VIDEO(more) "{\"id\":\"7678907398077074696\",\"create_time\":1795389803" more "}"
#define PAGE(videos)                                                                               \
    "{\"data\":{\"videos\":[" videos "],\"cursor\":1795389803123,\"has_more\":true}}"

TEST(a_page_has_videos_a_cursor_and_whether_there_are_more)
{
    assert_true(
        decode(PAGE(VIDEO(",\"video_description\":\"Morning \xF0\x9F\x8C\x85\",\"share_url\":"
                          "\"https://www.tiktok.com/@me/video/7678907398077074696\""))));
    assert_int_equal(page.count, 1);
    assert_string_equal(page.videos[0].id, "7678907398077074696");
    assert_int_equal(page.videos[0].create_time_s, 1795389803);
    assert_string_equal(page.videos[0].description, "Morning \xF0\x9F\x8C\x85");
    assert_string_equal(page.videos[0].share_url,
                        "https://www.tiktok.com/@me/video/7678907398077074696");
    assert_int_equal(page.cursor, 1795389803123);
    assert_true(page.has_more);
}

TEST(counts_are_taken_where_they_are_told)
{
    assert_true(
        decode(PAGE(VIDEO(",\"view_count\":5000000000,\"like_count\":7,\"comment_count\":-1,"
                          "\"share_count\":\"9\""))));
    assert_int_equal(page.videos[0].views, 5000000000);
    assert_int_equal(page.videos[0].likes, 7);
    assert_int_equal(page.videos[0].comments, -1);
    assert_int_equal(page.videos[0].shares, 9);
    assert_true(decode(PAGE(VIDEO(""))));
    assert_int_equal(page.videos[0].views, -1);
}

TEST(an_id_that_is_a_number_keeps_its_19_digits)
{
    assert_true(decode(PAGE("{\"id\":7678907398077074697,\"create_time\":5}")));
    assert_string_equal(page.videos[0].id, "7678907398077074697");
}

TEST(an_account_without_videos_has_an_empty_page)
{
    assert_true(decode("{\"data\":{\"videos\":[],\"cursor\":0,\"has_more\":false}}"));
    assert_int_equal(page.count, 0);
    assert_false(page.has_more);
    assert_true(decode("{\"data\":{\"videos\":[]}}"));
    assert_int_equal(page.cursor, 0);
    assert_false(page.has_more);
}

TEST(a_description_or_link_that_is_absent_is_empty)
{
    assert_true(decode(PAGE(VIDEO(""))));
    assert_string_equal(page.videos[0].description, "");
    assert_string_equal(page.videos[0].share_url, "");
    assert_true(decode(PAGE(VIDEO(",\"video_description\":null,\"share_url\":null"))));
    assert_string_equal(page.videos[0].description, "");
}

TEST(a_page_that_is_not_whole_is_none)
{
    refuse("");
    refuse("[]");
    refuse("{\"data\":null}");
    refuse("{\"data\":{\"videos\":{}}}");
    refuse(PAGE(VIDEO("") ",7"));
    refuse(PAGE(VIDEO("") ",{\"id\":\"12\"}"));
    refuse(PAGE("{\"id\":\"x\",\"create_time\":5}"));
    refuse(PAGE("{\"id\":\"-5\",\"create_time\":5}"));
    refuse(PAGE("{\"id\":\"12\",\"create_time\":0}"));
    refuse(PAGE("{\"id\":\"12\",\"create_time\":\"soon\"}"));
    refuse(PAGE(VIDEO(",\"video_description\":5")));
}

TEST(a_description_that_ends_in_half_a_character_is_shown_as_one_that_cannot_be)
{
    static const struct {
        const char *json;
        const char *text;
    } rows[] = {
        { "half \\ud83c", "half \xEF\xBF\xBD" },
        { "\\uDF05 half", "\xEF\xBF\xBD half" },
        { "\\ud83c\\ud83c\\udf05", "\xEF\xBF\xBD\xF0\x9F\x8C\x85" },
        { "\\\\ud83c", "\\ud83c" },
        { "\\ud83cx\\u0041", "\xEF\xBF\xBDxA" },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char body[300];
        snprintf(body, sizeof body, PAGE(VIDEO(",\"video_description\":\"%s\"")), rows[i].json);
        assert_true(decode(body));
        assert_string_equal(page.videos[0].description, rows[i].text);
    }
    refuse(PAGE(VIDEO(",\"video_description\":\"\\ud83\"")));
    refuse(PAGE(VIDEO(",\"video_description\":\"\\")));
}

TEST(an_account_without_videos_may_be_told_in_three_ways)
{
    assert_true(decode("{\"data\":{\"videos\":[]}}") && page.count == 0 && !page.has_more);
    assert_true(decode("{\"data\":{\"videos\":null}}") && page.count == 0 && !page.has_more);
    assert_true(decode("{\"data\":{\"cursor\":5}}") && page.count == 0 && !page.has_more);
}

static bool decode_videos(size_t count)
{
    struct buf body;
    buf_init(&body, 1 << 16);
    buf_add_text(&body, "{\"data\":{\"videos\":[");
    for (size_t i = 0; i < count; i++)
        buf_printf(&body, "%s{\"id\":\"%zu\",\"create_time\":5}", i ? "," : "", i + 1);
    buf_add_text(&body, "]}}");
    bool ok = decode(buf_text(&body));
    buf_fini(&body);
    return ok;
}

TEST(more_videos_than_were_asked_for_are_no_page)
{
    assert_true(decode_videos(TIKTOK_PAGE_VIDEOS));
    assert_int_equal(page.count, TIKTOK_PAGE_VIDEOS);
    assert_string_equal(page.videos[19].id, "20");
    assert_false(decode_videos(TIKTOK_PAGE_VIDEOS + 1));
}

TEST(a_description_is_cut_at_150_units_and_never_inside_a_character)
{
    struct buf body;
    buf_init(&body, 4096);
    buf_add_text(&body,
                 "{\"data\":{\"videos\":[{\"id\":\"1\",\"create_time\":5,\"video_description\":\"");
    for (int i = 0; i < 149; i++)
        buf_add_text(&body, "\xE2\x82\xAC");
    buf_add_text(&body, "\xF0\x9F\x8C\x85 and so on\"}]}}");
    assert_true(decode(buf_text(&body)));
    assert_int_equal(strlen(page.videos[0].description), 3 * 149);
    buf_fini(&body);
}

TEST(a_link_with_anything_strange_in_it_is_absent)
{
    assert_true(decode(PAGE(VIDEO(",\"share_url\":\"https://www.tiktok.com/@me /video/1\""))));
    assert_string_equal(page.videos[0].share_url, "");
}
