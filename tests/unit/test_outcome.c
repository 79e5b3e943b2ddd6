// SPDX-License-Identifier: Apache-2.0
// links: tokfleet_job
#include "unit.h"

#include <string.h>

#include "base/memory.h"
#include "tiktok/outcome.h"

static void assert_outcome(const struct outcome *outcome, const char *code, enum next next,
                           enum scope scope, enum effect effect)
{
    assert_string_equal(outcome->code, code);
    if (outcome->next != next || outcome->scope != scope || outcome->effect != effect)
        fail_msg("%s: next %d, scope %d, effect %d", code, (int)outcome->next, (int)outcome->scope,
                 (int)outcome->effect);
}

TEST(codes_of_answers_mean_what_the_documents_say)
{
    static const struct {
        const char *code;
        int         http_status;
        enum next   next;
        enum scope  scope;
        enum effect effect;
    } rows[] = {
        { "ok", 200, NEXT_OK, SCOPE_JOB, EFFECT_NO },
        { "invalid_param", 400, NEXT_FAIL, SCOPE_JOB, EFFECT_NO },
        { "invalid_params", 400, NEXT_FAIL, SCOPE_JOB, EFFECT_NO },
        { "invalid_file_upload", 400, NEXT_FAIL, SCOPE_JOB, EFFECT_NO },
        { "app_version_check_failed", 400, NEXT_FAIL, SCOPE_JOB, EFFECT_NO },
        { "privacy_level_option_mismatch", 403, NEXT_FAIL, SCOPE_JOB, EFFECT_NO },
        { "unaudited_client_can_only_post_to_private_accounts", 403, NEXT_FAIL, SCOPE_FLEET,
          EFFECT_NO },
        { "url_ownership_unverified", 403, NEXT_FAIL, SCOPE_FLEET, EFFECT_NO },
        { "invalid_publish_id", 400, NEXT_LOOK_UP, SCOPE_JOB, EFFECT_MAYBE },
        { "token_not_authorized_for_specified_publish_id", 400, NEXT_LOOK_UP, SCOPE_JOB,
          EFFECT_MAYBE },
        { "publish_not_cancellable", 400, NEXT_LOOK_UP, SCOPE_JOB, EFFECT_MAYBE },
        { "access_token_invalid", 401, NEXT_REFRESH, SCOPE_ACCOUNT, EFFECT_NO },
        { "scope_not_authorized", 401, NEXT_PARK, SCOPE_ACCOUNT, EFFECT_NO },
        { "scope_permission_missed", 400, NEXT_PARK, SCOPE_ACCOUNT, EFFECT_NO },
        { "rate_limit_exceeded", 429, NEXT_WINDOW, SCOPE_ACCOUNT, EFFECT_NO },
        { "spam_risk_too_many_posts", 403, NEXT_DAY, SCOPE_ACCOUNT, EFFECT_NO },
        { "spam_risk_too_many_posts", 200, NEXT_DAY, SCOPE_ACCOUNT, EFFECT_NO },
        { "spam_risk_too_many_pending_share", 403, NEXT_DRAFTS, SCOPE_ACCOUNT, EFFECT_NO },
        { "spam_risk_user_banned_from_posting", 403, NEXT_PARK, SCOPE_ACCOUNT, EFFECT_NO },
        { "spam_risk_user_banned_from_posting", 200, NEXT_PARK, SCOPE_ACCOUNT, EFFECT_NO },
        { "spam_risk", 403, NEXT_FAIL, SCOPE_JOB, EFFECT_NO },
        { "spam_risk_text", 403, NEXT_FAIL, SCOPE_JOB, EFFECT_NO },
        { "reached_active_user_cap", 403, NEXT_USERS, SCOPE_FLEET, EFFECT_NO },
        { "reached_active_user_cap", 200, NEXT_USERS, SCOPE_FLEET, EFFECT_NO },
        { "internal_error", 500, NEXT_LOOK_UP, SCOPE_JOB, EFFECT_MAYBE },
        { "access_denied", 200, NEXT_PARK, SCOPE_ACCOUNT, EFFECT_NO },
        { "invalid_grant", 200, NEXT_PARK, SCOPE_ACCOUNT, EFFECT_NO },
        { "invalid_client", 200, NEXT_PARK, SCOPE_FLEET, EFFECT_NO },
        { "unauthorized_client", 200, NEXT_PARK, SCOPE_FLEET, EFFECT_NO },
        { "invalid_request", 200, NEXT_FAIL, SCOPE_FLEET, EFFECT_NO },
        { "invalid_scope", 200, NEXT_FAIL, SCOPE_FLEET, EFFECT_NO },
        { "unsupported_grant_type", 200, NEXT_FAIL, SCOPE_FLEET, EFFECT_NO },
        { "unsupported_response_type", 200, NEXT_FAIL, SCOPE_FLEET, EFFECT_NO },
        { "server_error", 200, NEXT_LOOK_UP, SCOPE_FLEET, EFFECT_MAYBE },
        { "temporarily_unavailable", 200, NEXT_LOOK_UP, SCOPE_FLEET, EFFECT_MAYBE },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_outcome(outcome_of_code(str_of(rows[i].code), rows[i].http_status), rows[i].code,
                       rows[i].next, rows[i].scope, rows[i].effect);
}

TEST(an_unknown_code_and_a_missing_one_fall_back_to_the_http_status)
{
    static const struct {
        int         http_status;
        const char *unknown;  // the row when there is a code that is not known
        const char *missing;  // the row when there is none
    } rows[] = {
        { 200, "unknown_answer", "broken_answer" },
        { 201, "unknown_answer", "broken_answer" },
        { 302, "http_3xx", "http_3xx" },
        { 400, "unknown_code", "http_4xx" },
        { 401, "http_401", "http_401" },
        { 403, "unknown_code", "http_4xx" },
        { 404, "unknown_code", "http_4xx" },
        { 408, "http_408", "http_408" },
        { 429, "http_429", "http_429" },
        { 500, "http_5xx", "http_5xx" },
        { 502, "http_5xx", "http_5xx" },
        { 599, "http_5xx", "http_5xx" },
        { 0, "unknown_answer", "broken_answer" },
        { 600, "unknown_answer", "broken_answer" },
        { -1, "unknown_answer", "broken_answer" },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        assert_string_equal(outcome_of_code(STR("never_heard"), rows[i].http_status)->code,
                            rows[i].unknown);
        assert_string_equal(outcome_of_code(STR(""), rows[i].http_status)->code, rows[i].missing);
        assert_string_equal(outcome_of_code((struct str){ 0 }, rows[i].http_status)->code,
                            rows[i].missing);
    }
}

TEST(codes_are_compared_exactly)
{
    assert_string_equal(outcome_of_code(STR("OK"), 200)->code, "unknown_answer");
    assert_string_equal(outcome_of_code(STR("ok "), 200)->code, "unknown_answer");
    assert_string_equal(outcome_of_code(STR("rate_limit"), 400)->code, "unknown_code");
    assert_string_equal(outcome_of_code(STR("no_answer"), 400)->code,
                        "unknown_code");  // ours, not TikTok's
    assert_string_equal(outcome_of_code(STR("auth_removed"), 403)->code,
                        "unknown_code");  // a fail_reason
}

TEST(ok_with_a_status_that_is_not_good_is_not_ok)
{
    assert_string_equal(outcome_of_code(STR("ok"), 500)->code, "http_5xx");
    assert_string_equal(outcome_of_code(STR("ok"), 403)->code, "http_4xx");
    assert_string_equal(outcome_of_code(STR("ok"), 302)->code, "http_3xx");
    assert_string_equal(outcome_of_code(STR("ok"), 0)->code, "broken_answer");
}

TEST(statuses_that_leave_a_doubt_are_maybe_and_the_others_are_not)
{
    assert_outcome(outcome_of_code(STR(""), 200), "broken_answer", NEXT_LOOK_UP, SCOPE_JOB,
                   EFFECT_MAYBE);
    assert_outcome(outcome_of_code(STR("x"), 200), "unknown_answer", NEXT_LOOK_UP, SCOPE_JOB,
                   EFFECT_MAYBE);
    assert_outcome(outcome_of_code(STR(""), 503), "http_5xx", NEXT_LOOK_UP, SCOPE_JOB,
                   EFFECT_MAYBE);
    assert_outcome(outcome_of_code(STR(""), 408), "http_408", NEXT_LOOK_UP, SCOPE_JOB,
                   EFFECT_MAYBE);
    assert_outcome(outcome_of_code(STR(""), 429), "http_429", NEXT_WINDOW, SCOPE_ACCOUNT,
                   EFFECT_NO);
    assert_outcome(outcome_of_code(STR(""), 401), "http_401", NEXT_REFRESH, SCOPE_ACCOUNT,
                   EFFECT_NO);
    assert_outcome(outcome_of_code(STR(""), 403), "http_4xx", NEXT_RETRY, SCOPE_JOB, EFFECT_NO);
    assert_outcome(outcome_of_code(STR("x"), 403), "unknown_code", NEXT_FAIL, SCOPE_JOB, EFFECT_NO);
    assert_outcome(outcome_of_code(STR(""), 302), "http_3xx", NEXT_RETRY, SCOPE_FLEET, EFFECT_NO);
}

TEST(fail_reasons_mean_what_the_documents_say)
{
    static const struct {
        const char *reason;
        enum next   next;
        enum scope  scope;
    } rows[] = {
        { "file_format_check_failed", NEXT_FAIL, SCOPE_JOB },
        { "duration_check_failed", NEXT_FAIL, SCOPE_JOB },
        { "frame_rate_check_failed", NEXT_FAIL, SCOPE_JOB },
        { "picture_size_check_failed", NEXT_FAIL, SCOPE_JOB },
        { "internal", NEXT_RETRY, SCOPE_JOB },
        { "video_pull_failed", NEXT_RETRY, SCOPE_JOB },
        { "photo_pull_failed", NEXT_RETRY, SCOPE_JOB },
        { "publish_cancelled", NEXT_FAIL, SCOPE_JOB },
        { "auth_removed", NEXT_FAIL, SCOPE_ACCOUNT },
        { "spam_risk_too_many_posts", NEXT_DAY, SCOPE_ACCOUNT },
        { "spam_risk_user_banned_from_posting", NEXT_FAIL, SCOPE_ACCOUNT },
        { "spam_risk_text", NEXT_FAIL, SCOPE_JOB },
        { "spam_risk", NEXT_FAIL, SCOPE_JOB },
        { "spam_risk_too_many_pending_share", NEXT_FAIL, SCOPE_ACCOUNT },
        { "privacy_level_not_authorized", NEXT_FAIL, SCOPE_JOB },
        { "picture_size", NEXT_FAIL, SCOPE_JOB },
        { "duration", NEXT_FAIL, SCOPE_JOB },
        { "file_format", NEXT_FAIL, SCOPE_JOB },
        { "frame_rate", NEXT_FAIL, SCOPE_JOB },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_outcome(outcome_of_fail_reason(str_of(rows[i].reason)), rows[i].reason, rows[i].next,
                       rows[i].scope, EFFECT_NO);
}

TEST(an_unknown_fail_reason_is_permanent)
{
    assert_outcome(outcome_of_fail_reason(STR("moon_phase")), "unknown_fail_reason", NEXT_FAIL,
                   SCOPE_JOB, EFFECT_NO);
    assert_outcome(outcome_of_fail_reason(STR("")), "unknown_fail_reason", NEXT_FAIL, SCOPE_JOB,
                   EFFECT_NO);
    assert_outcome(outcome_of_fail_reason(STR("ok")), "unknown_fail_reason", NEXT_FAIL, SCOPE_JOB,
                   EFFECT_NO);
}

TEST(each_error_of_the_transport_has_its_row_with_the_same_effect)
{
    static const char *const codes[ERR_COUNT] = {
        [ERR_CONNECT] = "no_connection", [ERR_TIMEOUT] = "no_answer",
        [ERR_LOST] = "connection_lost",  [ERR_BROKEN] = "broken_answer",
        [ERR_NOT_SENT] = "not_sent",     [ERR_FULL] = "busy",
        [ERR_CLOSED] = "gate_closed",    [ERR_IO] = "system_refused",
        [ERR_SETTING] = "wrong_setting", [ERR_INPUT] = "wrong_request",
        [ERR_SEALED] = "sealed_token",   [ERR_REFUSED] = "request_refused",
    };
    for (enum err_code code = 0; code < ERR_COUNT; code++) {
        struct error          err     = { .code = code };
        const struct outcome *outcome = outcome_of_error(&err);
        assert_string_equal(outcome->code, codes[code]);
        assert_int_equal(outcome->effect, err_effect(code));
        assert_int_equal(outcome->next == NEXT_LOOK_UP, err_then(code) == THEN_LOOK_UP);
    }
}

TEST(rows_of_our_own_are_found_by_name)
{
    static const struct {
        const char *code;
        enum next   next;
        enum effect effect;
    } rows[] = {
        { "not_sent", NEXT_RETRY, EFFECT_NO },
        { "no_connection", NEXT_RETRY, EFFECT_NO },
        { "no_answer", NEXT_LOOK_UP, EFFECT_MAYBE },
        { "connection_lost", NEXT_LOOK_UP, EFFECT_MAYBE },
        { "broken_answer", NEXT_LOOK_UP, EFFECT_MAYBE },
        { "lease_ended", NEXT_LOOK_UP, EFFECT_MAYBE },
        { "poll_horizon", NEXT_LOOK_UP, EFFECT_MAYBE },
        { "expired", NEXT_FAIL, EFFECT_NO },
        { "account_unknown", NEXT_FAIL, EFFECT_NO },
        { "account_full", NEXT_FAIL, EFFECT_NO },
        { "cancelled", NEXT_FAIL, EFFECT_NO },
        { "sealed_token", NEXT_PARK, EFFECT_NO },
        { "no_token", NEXT_PARK, EFFECT_NO },
        { "upload_not_built", NEXT_FAIL, EFFECT_NO },
        { "retries_exhausted", NEXT_FAIL, EFFECT_NO },
        { "bad_message", NEXT_FAIL, EFFECT_NO },
        { "other_content", NEXT_FAIL, EFFECT_NO },
        { "command_unknown", NEXT_FAIL, EFFECT_NO },
        { "message_unreadable", NEXT_RETRY, EFFECT_NO },
        { "message_never_read", NEXT_FAIL, EFFECT_NO },
        { "too_old", NEXT_FAIL, EFFECT_NO },
        { "lease_short", NEXT_RETRY, EFFECT_NO },
        { "redis_unavailable", NEXT_RETRY, EFFECT_NO },
        { "kafka_unavailable", NEXT_RETRY, EFFECT_NO },
        { "privacy_not_offered", NEXT_FAIL, EFFECT_NO },
        { "upload_url_expired", NEXT_RETRY, EFFECT_NO },
        { "unsure_failed", NEXT_FAIL, EFFECT_MAYBE },
        { "resolved", NEXT_FAIL, EFFECT_NO },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct outcome *outcome = outcome_named(rows[i].code);
        if (!outcome)
            fail_msg("no row %s", rows[i].code);
        assert_string_equal(outcome->code, rows[i].code);
        assert_int_equal(outcome->next, rows[i].next);
        assert_int_equal(outcome->effect, rows[i].effect);
    }
    assert_null(outcome_named("never_heard"));
    assert_null(outcome_named(""));
}

TEST(a_stored_code_of_tiktok_is_found_by_name_too)
{
    assert_ptr_equal(outcome_named("rate_limit_exceeded"),
                     outcome_of_code(STR("rate_limit_exceeded"), 429));
    assert_ptr_equal(outcome_named("internal"), outcome_of_fail_reason(STR("internal")));
}

// Is the row what one of the four doors leads to?
static bool is_reachable(const struct outcome *outcome)
{
    struct str code = str_of(outcome->code);
    return outcome_of_code(code, 200) == outcome || outcome_of_code(code, 400) == outcome ||
           outcome_of_fail_reason(code) == outcome || outcome_named(outcome->code) == outcome;
}

TEST(every_row_is_reachable_and_has_words_for_people)
{
    size_t count = 0;
    for (const struct outcome *outcome; (outcome = outcome_row(count)); count++) {
        if (!is_reachable(outcome))
            fail_msg("%s cannot be reached", outcome->code);
        if (strlen(outcome->cause) < 15 || strlen(outcome->remedy) < 14)
            fail_msg("%s: too few words", outcome->code);
        size_t cause  = strlen(outcome->cause);
        size_t remedy = strlen(outcome->remedy);
        if (outcome->cause[cause - 1] != '.' || outcome->remedy[remedy - 1] != '.')
            fail_msg("%s: not sentences", outcome->code);
        if (cause > 200 || remedy > 200)
            fail_msg("%s: too many words", outcome->code);
    }
    assert_true(count > 80);
    assert_null(outcome_row(count));
    assert_null(outcome_row(SIZE_MAX));
}

TEST(a_row_that_may_have_been_published_is_never_one_that_is_sent_again)
{
    const struct outcome *outcome;
    for (size_t i = 0; (outcome = outcome_row(i)); i++) {
        if (outcome->next == NEXT_LOOK_UP && outcome->effect != EFFECT_MAYBE)
            fail_msg("%s is looked up without a doubt", outcome->code);
        if (outcome->effect == EFFECT_MAYBE && outcome->next != NEXT_LOOK_UP &&
            outcome->next != NEXT_FAIL)
            fail_msg("%s may be out, but is sent again", outcome->code);
    }
}

TEST(no_two_rows_stand_in_each_others_way)
{
    const struct outcome *a;
    for (size_t i = 0; (a = outcome_row(i)); i++)
        for (size_t k = 0; k < i; k++)
            if (strcmp(outcome_row(k)->code, a->code) == 0 &&
                outcome_of_fail_reason(str_of(a->code)) != a)
                fail_msg("%s stands twice", a->code);
}
