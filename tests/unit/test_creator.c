// SPDX-License-Identifier: Apache-2.0
// links: tokfleet_worker
#include "unit.h"

#include "worker/creator.h"

static const struct config CONFIG = { .creator_keep_ms = 300000,
                                      .creator_sure_ms = 10000,
                                      .creator_tries   = 3 };

static const struct post DIRECT = { .privacy_level = { "PUBLIC_TO_EVERYONE", 18 } };

#define ALL STR("user.info.basic,video.publish,video.upload")

// known of an account that was asked age_ms ago
static struct creator_known known_of(int64_t age_ms, const char *options)
{
    return (struct creator_known){
        .scopes = ALL, .age_ms = age_ms, .privacy_options = str_of(options), .failed_age_ms = -1
    };
}

static void assert_next(const struct post *post, struct creator_known known, enum creator_next next,
                        const char *code, const char *why)
{
    const struct outcome *outcome = NULL;
    struct buf            text;
    buf_init(&text, 1024);
    assert_int_equal(creator_decide(post, &known, &CONFIG, &outcome, &text), next);
    if (code)
        assert_string_equal(outcome->code, code);
    else
        assert_null(outcome);
    assert_string_equal(buf_text(&text), why);
    buf_fini(&text);
}

TEST(who_was_never_asked_is_asked)
{
    assert_next(&DIRECT, known_of(-1, ""), CREATOR_ASK, NULL, "");
}

TEST(what_was_told_is_good_for_a_while)
{
    assert_next(&DIRECT, known_of(0, "PUBLIC_TO_EVERYONE,SELF_ONLY"), CREATOR_GO, NULL, "");
    assert_next(&DIRECT, known_of(300000, "SELF_ONLY, PUBLIC_TO_EVERYONE"), CREATOR_GO, NULL, "");
    assert_next(&DIRECT, known_of(300001, "PUBLIC_TO_EVERYONE"), CREATOR_ASK, NULL, "");
}

TEST(an_account_that_names_no_options_is_left_to_the_init)
{
    assert_next(&DIRECT, known_of(0, ""), CREATOR_GO, NULL, "");
}

TEST(an_option_that_is_not_offered_is_rejected_with_the_options_named)
{
    assert_next(&DIRECT, known_of(10000, "MUTUAL_FOLLOW_FRIENDS,SELF_ONLY"), CREATOR_REJECT,
                "privacy_not_offered",
                "asked for PUBLIC_TO_EVERYONE, offered are MUTUAL_FOLLOW_FRIENDS,SELF_ONLY");
}

TEST(a_no_that_is_not_young_is_asked_again_before_it_is_believed)
{
    assert_next(&DIRECT, known_of(10001, "SELF_ONLY"), CREATOR_ASK, NULL, "");
}

TEST(the_part_of_an_option_is_not_that_option)
{
    assert_next(
        &DIRECT, known_of(0, "PUBLIC_TO_EVERYONE_ELSE,XPUBLIC_TO_EVERYONE"), CREATOR_REJECT,
        "privacy_not_offered",
        "asked for PUBLIC_TO_EVERYONE, offered are PUBLIC_TO_EVERYONE_ELSE,XPUBLIC_TO_EVERYONE");
}

TEST(after_some_failures_in_a_row_posts_go_without_and_later_it_is_tried_again)
{
    struct creator_known known = known_of(-1, "");
    for (known.failures = 0; known.failures < 6; known.failures++) {
        known.failed_age_ms = known.failures ? 300000 : -1;
        assert_next(&DIRECT, known, known.failures < 3 ? CREATOR_ASK : CREATOR_GO, NULL, "");
    }
    known.failed_age_ms = 300001;
    assert_next(&DIRECT, known, CREATOR_ASK, NULL, "");
}

TEST(a_draft_asks_nothing_and_needs_no_permission_to_publish)
{
    struct post          draft = { .mode = POST_DRAFT };
    struct creator_known known = known_of(-1, "");
    known.scopes               = STR("video.upload");
    assert_next(&draft, known, CREATOR_GO, NULL, "");
    assert_next(&DIRECT, known, CREATOR_REJECT, "scope_missing",
                "needs video.publish, granted are video.upload");
}

TEST(a_draft_of_photos_takes_either_permission_and_one_of_a_video_does_not)
{
    struct post          draft = { .mode = POST_DRAFT, .media = MEDIA_PHOTOS };
    struct creator_known known = known_of(-1, "");
    known.scopes               = STR("video.publish");
    assert_next(&draft, known, CREATOR_GO, NULL, "");
    draft.media = MEDIA_VIDEO;
    assert_next(&draft, known, CREATOR_REJECT, "scope_missing",
                "needs video.upload, granted are video.publish");
}

TEST(a_draft_of_photos_that_tiktok_wants_the_other_permission_for_stops_no_account)
{
    static const struct post draft   = { .mode = POST_DRAFT, .media = MEDIA_PHOTOS };
    const struct outcome    *refused = outcome_of_code(STR("scope_not_authorized"), 401);
    struct creator_known     known   = known_of(0, "");
    known.scopes                     = STR("video.publish");
    assert_string_equal(creator_refused(&draft, &known, refused)->code, "scope_missing");
    assert_ptr_equal(creator_refused(&DIRECT, &known, refused), refused);
    const struct outcome *expired = outcome_of_code(STR("access_token_invalid"), 401);
    assert_ptr_equal(creator_refused(&draft, &known, expired), expired);
    known.scopes = ALL;
    assert_ptr_equal(creator_refused(&draft, &known, refused), refused);
    known.scopes = STR("");
    assert_ptr_equal(creator_refused(&draft, &known, refused), refused);
}

TEST(scopes_that_are_not_known_are_left_to_tiktok)
{
    struct creator_known known = known_of(0, "PUBLIC_TO_EVERYONE");
    known.scopes               = STR("");
    assert_next(&DIRECT, known, CREATOR_GO, NULL, "");
}

static void assert_sent(struct post post, struct creator_known known, bool comment, bool duet,
                        bool stitch, const char *warnings)
{
    struct buf text;
    buf_init(&text, 1024);
    creator_limit_post(&known, &post, &text);
    assert_int_equal(post.comment, comment);
    assert_int_equal(post.duet, duet);
    assert_int_equal(post.stitch, stitch);
    assert_string_equal(buf_text(&text), warnings);
    buf_fini(&text);
}

#define OFF ": the account has it switched off in TikTok, so it was sent as off"

TEST(what_the_account_has_switched_off_is_sent_as_off_with_a_warning)
{
    struct post          all   = { .comment = true, .duet = true, .stitch = true };
    struct creator_known known = known_of(0, "");
    assert_sent(all, known, true, true, true, "");
    known.comment_disabled = true;
    assert_sent(all, known, false, true, true, "comment" OFF);
    known.duet_disabled = known.stitch_disabled = true;
    assert_sent(all, known, false, false, false, "comment" OFF "\nduet" OFF "\nstitch" OFF);
    assert_sent((struct post){ 0 }, known, false, false, false, "");
}

TEST(photos_know_comments_only_and_drafts_nothing)
{
    struct creator_known known = known_of(0, "");
    known.comment_disabled = known.duet_disabled = known.stitch_disabled = true;
    struct post all = { .media = MEDIA_PHOTOS, .comment = true, .duet = true, .stitch = true };
    assert_sent(all, known, false, true, true, "comment" OFF);
    all.mode = POST_DRAFT;
    assert_sent(all, known, true, true, true, "");
}
