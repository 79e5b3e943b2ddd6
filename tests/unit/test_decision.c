// SPDX-License-Identifier: Apache-2.0
// links: tokfleet_poller
#include "unit.h"

#include <string.h>

#include "base/memory.h"
#include "poller/decision.h"

enum { MINUTE_MS = 60000, HOUR_MS = 60 * MINUTE_MS };

static const struct config CONFIG = {
    .poll_interval_ms     = 10000,
    .poll_interval_max_ms = 60000,
    .poll_slow_after_ms   = 10 * MINUTE_MS,
    .poll_unknown_ms      = MINUTE_MS,
    .poll_horizon_ms      = 24 * HOUR_MS,
    .retry_delay_ms       = 1000,
    .retry_max            = 3,
};

static const enum job_state STATES[] = { JOB_PROCESSING, JOB_IN_INBOX, JOB_PUBLISHED };

static struct tiktok_answer answer_of(const char *status)
{
    struct tiktok_answer answer = { .outcome     = outcome_of_code(STR("ok"), 200),
                                    .http_status = 200 };
    assert_int_equal(answer.outcome->next, NEXT_OK);
    strncat(answer.status, status, sizeof answer.status - 1);
    return answer;
}

static struct decision told(const char *status, struct looked looked)
{
    struct tiktok_answer answer = answer_of(status);
    return decide(&answer, &looked, &CONFIG);
}

static struct decision failed(const char *reason, struct looked looked)
{
    struct tiktok_answer answer = answer_of("FAILED");
    strncat(answer.fail_reason, reason, sizeof answer.fail_reason - 1);
    return decide(&answer, &looked, &CONFIG);
}

static struct decision refused(const struct outcome *outcome, int http_status, struct looked looked)
{
    struct tiktok_answer answer = { .outcome = outcome, .http_status = http_status };
    return decide(&answer, &looked, &CONFIG);
}

static void assert_ends(struct decision decision, enum job_event event)
{
    assert_true(decision.ends);
    assert_int_equal(decision.event, event);
}

// ---- the end of a post

TEST(each_status_of_tiktok_in_each_state_ends_what_it_may_end)
{
    static const struct {
        const char    *status;
        enum job_state state;
        enum job_event event;
    } rows[] = {
        { "PUBLISH_COMPLETE", JOB_PROCESSING, ON_COMPLETE },
        { "PUBLISH_COMPLETE", JOB_IN_INBOX, ON_COMPLETE },
        { "SEND_TO_USER_INBOX", JOB_PROCESSING, ON_INBOX },
        { "FAILED", JOB_PROCESSING, ON_FAIL },
    };
    static const char *const statuses[] = { "PROCESSING_UPLOAD",
                                            "PROCESSING_DOWNLOAD",
                                            "SEND_TO_USER_INBOX",
                                            "PUBLISH_COMPLETE",
                                            "FAILED",
                                            "SOMETHING_NEW",
                                            "" };
    for (size_t i = 0; i < COUNT_OF(statuses); i++)
        for (size_t s = 0; s < COUNT_OF(STATES); s++) {
            struct decision decision = told(statuses[i], (struct looked){ .state = STATES[s] });
            bool            ends     = false;
            for (size_t r = 0; r < COUNT_OF(rows); r++)
                if (rows[r].state == STATES[s] && strcmp(rows[r].status, statuses[i]) == 0) {
                    ends = true;
                    assert_ends(decision, rows[r].event);
                    assert_int_equal(job_state_after(STATES[s], rows[r].event) == JOB_STATE_COUNT,
                                     false);
                }
            if (decision.ends != ends)
                fail_msg("%s in state %d", statuses[i], (int)STATES[s]);
            assert_int_equal(decision.answered, 1);
        }
}

TEST(a_fail_reason_worth_a_retry_is_tried_again_until_the_bound)
{
    const char *reason = "internal";
    assert_int_equal(outcome_of_fail_reason(str_of(reason))->next, NEXT_RETRY);
    for (int64_t retries = 0; retries < 6; retries++) {
        struct decision decision =
            failed(reason, (struct looked){ .state = JOB_PROCESSING, .retries = retries });
        assert_ends(decision, retries < CONFIG.retry_max ? ON_AGAIN : ON_FAIL);
        assert_int_equal(decision.gave_up, retries >= CONFIG.retry_max);
        assert_int_equal(decision.retries, retries < CONFIG.retry_max ? retries + 1 : retries);
        assert_int_equal(decision.due_ms,
                         retries < CONFIG.retry_max ? INT64_C(1000) << retries : 0);
        assert_string_equal(decision.outcome->code, reason);
    }
}

TEST(the_wait_before_a_new_attempt_doubles_no_further_than_ten_times)
{
    struct config        config = CONFIG;
    struct tiktok_answer answer = answer_of("FAILED");
    struct looked        looked = { .state = JOB_PROCESSING, .retries = 62 };
    config.retry_max            = 1000;
    strncat(answer.fail_reason, "internal", sizeof answer.fail_reason - 1);
    assert_int_equal(decide(&answer, &looked, &config).due_ms, 1000 << 10);
}

TEST(every_row_of_the_table_as_a_fail_reason_ends_the_attempt)
{
    for (size_t i = 0; outcome_row(i); i++) {
        const struct outcome *outcome = outcome_of_fail_reason(str_of(outcome_row(i)->code));
        struct decision       decision =
            failed(outcome_row(i)->code, (struct looked){ .state = JOB_PROCESSING });
        bool again = outcome->next == NEXT_RETRY || outcome->next == NEXT_DAY;
        assert_ends(decision, again ? ON_AGAIN : ON_FAIL);
        assert_ptr_equal(decision.outcome, outcome);
        assert_int_equal(decision.next_ms, -1);
        assert_string_equal(decision.account_then, outcome->next == NEXT_DAY    ? "day"
                                                   : outcome->next == NEXT_PARK ? "park"
                                                                                : "");
    }
}

TEST(a_draft_that_is_discarded_stays_where_its_end_was)
{
    struct decision decision = failed("internal", (struct looked){ .state = JOB_IN_INBOX });
    assert_false(decision.ends);
    assert_int_equal(decision.next_ms, -1);
}

// ---- the horizon

TEST(after_the_horizon_a_post_without_an_end_is_in_doubt)
{
    struct looked looked = { .state = JOB_PROCESSING, .age_ms = CONFIG.poll_horizon_ms };
    assert_false(told("PROCESSING_DOWNLOAD", looked).ends);
    looked.age_ms++;
    struct decision decision = told("PROCESSING_DOWNLOAD", looked);
    assert_ends(decision, ON_HORIZON);
    assert_string_equal(decision.outcome->code, "poll_horizon");
    assert_int_equal(decision.next_ms, -1);
    assert_ends(told("PUBLISH_COMPLETE", looked), ON_COMPLETE);
    assert_ends(failed("internal", looked), ON_AGAIN);
}

TEST(after_the_horizon_nobody_waits_for_a_public_id)
{
    assert_int_equal(
        told("PUBLISH_COMPLETE", (struct looked){ .state = JOB_PUBLISHED, .age_ms = 24 * HOUR_MS })
            .next_ms,
        MINUTE_MS);
    assert_int_equal(told("PUBLISH_COMPLETE",
                          (struct looked){ .state = JOB_PUBLISHED, .age_ms = 24 * HOUR_MS + 1 })
                         .next_ms,
                     -1);
    assert_int_equal(
        told("SEND_TO_USER_INBOX", (struct looked){ .state = JOB_IN_INBOX, .age_ms = 25 * HOUR_MS })
            .next_ms,
        -1);
}

TEST(an_id_that_tiktok_does_not_know_is_a_doubt_while_it_has_no_end)
{
    const struct outcome *outcome  = outcome_of_code(STR("invalid_publish_id"), 400);
    struct looked         looked   = { .state = JOB_PROCESSING, .age_ms = MINUTE_MS };
    struct decision       decision = refused(outcome, 400, looked);
    assert_ends(decision, ON_HORIZON);
    assert_ptr_equal(decision.outcome, outcome);
    looked.age_ms--;
    assert_false(refused(outcome, 400, looked).ends);
    assert_int_equal(refused(outcome, 400, looked).next_ms, CONFIG.poll_interval_ms);
    assert_false(refused(outcome, 400, (struct looked){ .state = JOB_PUBLISHED }).ends);
    assert_false(refused(outcome, 400, (struct looked){ .state = JOB_IN_INBOX }).ends);
}

// ---- the next look

TEST(looks_are_further_apart_with_age_and_never_beyond_the_longest)
{
    int64_t last = 0;
    for (int64_t age_ms = 0; age_ms < 24 * HOUR_MS; age_ms += 15000) {
        struct decision decision = told(
            "PROCESSING_DOWNLOAD", (struct looked){ .state = JOB_PROCESSING, .age_ms = age_ms });
        assert_false(decision.ends);
        assert_true(decision.next_ms >= last);
        assert_true(decision.next_ms >= CONFIG.poll_interval_ms &&
                    decision.next_ms <= CONFIG.poll_interval_max_ms);
        if (age_ms <= CONFIG.poll_slow_after_ms)
            assert_int_equal(decision.next_ms, CONFIG.poll_interval_ms);
        last = decision.next_ms;
    }
    assert_int_equal(last, CONFIG.poll_interval_max_ms);
}

TEST(a_longest_interval_below_the_interval_changes_nothing)
{
    struct config        config = CONFIG;
    struct tiktok_answer answer = answer_of("PROCESSING_DOWNLOAD");
    struct looked        looked = { .state = JOB_PROCESSING, .age_ms = HOUR_MS };
    config.poll_interval_max_ms = 1;
    assert_int_equal(decide(&answer, &looked, &config).next_ms, config.poll_interval_ms);
}

TEST(a_public_id_is_asked_for_after_1_5_15_and_60_minutes_then_hourly)
{
    static const int64_t minutes[] = { 1, 4, 10, 45, 60, 60 };
    for (size_t looks = 0; looks < COUNT_OF(minutes); looks++)
        assert_int_equal(told("PUBLISH_COMPLETE",
                              (struct looked){ .state = JOB_PUBLISHED, .looks = (int64_t)looks })
                             .next_ms,
                         minutes[looks] * MINUTE_MS);
    assert_int_equal(
        told("PUBLISH_COMPLETE", (struct looked){ .state = JOB_PROCESSING, .looks = 99 }).next_ms,
        MINUTE_MS);
    assert_int_equal(
        told("PUBLISH_COMPLETE", (struct looked){ .state = JOB_PUBLISHED, .looks = -1 }).next_ms,
        MINUTE_MS);
}

TEST(a_post_whose_public_id_is_known_is_not_looked_at_again)
{
    for (size_t s = 0; s < COUNT_OF(STATES); s++) {
        struct tiktok_answer answer = answer_of("PUBLISH_COMPLETE");
        struct looked        looked = { .state = STATES[s] };
        answer.post_id_count        = 1;
        assert_int_equal(decide(&answer, &looked, &CONFIG).next_ms, -1);
    }
}

TEST(a_private_post_gets_no_public_id_and_is_not_asked_for_one)
{
    assert_int_equal(
        told("PUBLISH_COMPLETE", (struct looked){ .state = JOB_PROCESSING, .is_private = true })
            .next_ms,
        -1);
    assert_int_equal(
        told("PUBLISH_COMPLETE", (struct looked){ .state = JOB_PUBLISHED, .is_private = true })
            .next_ms,
        -1);
    assert_true(
        told("PROCESSING_DOWNLOAD", (struct looked){ .state = JOB_PROCESSING, .is_private = true })
            .next_ms > 0);
}

// ---- no answer, or a refusal of the look

TEST(a_look_that_is_refused_ends_nothing_for_every_row_but_an_unknown_id)
{
    for (size_t i = 0; outcome_row(i); i++) {
        const struct outcome *outcome = outcome_row(i);
        if (outcome->next == NEXT_OK || strcmp(outcome->code, "invalid_publish_id") == 0)
            continue;
        for (size_t s = 0; s < COUNT_OF(STATES); s++) {
            struct decision decision = refused(outcome, 400, (struct looked){ .state = STATES[s] });
            bool            parks    = outcome->next == NEXT_PARK || outcome->next == NEXT_REFRESH;
            if (decision.ends || decision.next_ms <= 0 || decision.answered != 1 ||
                decision.outcome != outcome ||
                strcmp(decision.account_then, parks                          ? "park"
                                              : outcome->next == NEXT_WINDOW ? "window"
                                                                             : "") != 0)
                fail_msg("%s in state %d", outcome->code, (int)STATES[s]);
        }
    }
}

TEST(the_status_window_counts_what_may_have_arrived)
{
    for (size_t i = 0; outcome_row(i); i++) {
        const struct outcome *outcome = outcome_row(i);
        if (outcome->next == NEXT_OK)
            continue;
        assert_int_equal(refused(outcome, 0, (struct looked){ .state = JOB_PROCESSING }).answered,
                         outcome->effect == EFFECT_MAYBE ? -1 : 0);
        assert_int_equal(refused(outcome, 500, (struct looked){ .state = JOB_PROCESSING }).answered,
                         1);
    }
}

TEST(a_refused_token_is_refreshed_where_that_can_be_done_and_the_post_is_looked_at_again)
{
    static char          text[] = "x";
    struct config        config = CONFIG;
    struct looked        looked = { .state = JOB_PROCESSING };
    struct tiktok_answer answer = { .outcome = outcome_of_code(STR("access_token_invalid"), 401),
                                    .http_status = 401 };
    assert_string_equal(decide(&answer, &looked, &config).account_then, "park");
    config.tiktok_client_key = config.tiktok_client_secret = text;
    struct decision decision                               = decide(&answer, &looked, &config);
    assert_string_equal(decision.account_then, "refresh");
    assert_false(decision.ends);
    assert_true(decision.next_ms >= 0);
}
