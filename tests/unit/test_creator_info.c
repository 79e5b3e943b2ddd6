// SPDX-License-Identifier: Apache-2.0
// links: tokfleet_job
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "tiktok/creator.h"

static struct tiktok_creator told;

static void decode(const char *body)
{
    memset(&told, 'z', sizeof told);
    tiktok_creator_decode(str_of(body), &told);
}

static void assert_nothing_told(void)
{
    assert_string_equal(told.username, "");
    assert_string_equal(told.nickname, "");
    assert_string_equal(told.privacy_options, "");
    assert_false(told.comment_disabled || told.duet_disabled || told.stitch_disabled);
    assert_int_equal(told.max_duration_s, -1);
}

TEST(an_account_that_allows_all_is_read_whole)
{
    decode("{\"data\":{\"creator_avatar_url\":\"https://a.example/"
           "1.jpeg\",\"creator_username\":\"me.too\","
           "\"creator_nickname\":\"Me "
           "\xF0\x9F\x8C\x85\",\"privacy_level_options\":[\"PUBLIC_TO_EVERYONE\","
           "\"MUTUAL_FOLLOW_FRIENDS\",\"SELF_ONLY\"],\"comment_disabled\":false,\"duet_disabled\":"
           "true,"
           "\"stitch_disabled\":true,\"max_video_post_duration_sec\":300},\"error\":{\"code\":"
           "\"ok\"}}");
    assert_string_equal(told.username, "me.too");
    assert_string_equal(told.nickname, "Me \xF0\x9F\x8C\x85");
    assert_string_equal(told.privacy_options, "PUBLIC_TO_EVERYONE,MUTUAL_FOLLOW_FRIENDS,SELF_ONLY");
    assert_false(told.comment_disabled);
    assert_true(told.duet_disabled);
    assert_true(told.stitch_disabled);
    assert_int_equal(told.max_duration_s, 300);
}

TEST(a_private_account_of_two_options_is_as_good)
{
    decode("{\"data\":{\"privacy_level_options\":[\"MUTUAL_FOLLOW_FRIENDS\",\"SELF_ONLY\"]}}");
    assert_string_equal(told.privacy_options, "MUTUAL_FOLLOW_FRIENDS,SELF_ONLY");
    assert_int_equal(told.max_duration_s, -1);
}

TEST(every_field_may_be_absent_or_of_another_kind)
{
    static const char *const bodies[] = {
        "{}",
        "{\"data\":null}",
        "{\"data\":[]}",
        "{\"data\":{}}",
        "not JSON",
        "",
        ("{\"data\":{\"creator_username\":7,\"privacy_level_options\":\"SELF_ONLY\",\"comment_"
         "disabled\":\"yes\","
         "\"max_video_post_duration_sec\":-5}}"),
    };
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        decode(bodies[i]);
        assert_nothing_told();
    }
}

TEST(half_a_list_of_options_is_none)
{
    decode("{\"data\":{\"privacy_level_options\":[\"SELF_ONLY\",7]}}");
    assert_string_equal(told.privacy_options, "");
    decode("{\"data\":{\"privacy_level_options\":[\"SELF_ONLY\",\"A,B\"]}}");
    assert_string_equal(told.privacy_options, "");
    decode("{\"data\":{\"privacy_level_options\":[\"SELF_ONLY\",\"WITH SPACE\"]}}");
    assert_string_equal(told.privacy_options, "");
}

TEST(more_options_than_there_is_room_for_are_none)
{
    char body[8192] = "{\"data\":{\"privacy_level_options\":[";
    for (int i = 0; i < 100; i++)
        snprintf(body + strlen(body), sizeof body - strlen(body), "%s\"OPTION_%d\"", i ? "," : "",
                 i);
    strcat(body, "]}}");
    decode(body);
    assert_string_equal(told.privacy_options, "");
}
