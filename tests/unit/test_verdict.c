// SPDX-License-Identifier: Apache-2.0
// links: tokfleet_worker
#include "unit.h"

#include <string.h>

#include "base/memory.h"
#include "worker/verdict.h"

static const struct config CONFIG = { .retry_delay_ms = 1000, .retry_max = 3, .attempts_max = 10 };

static bool goes_back(const struct outcome *outcome)
{
    return outcome->next == NEXT_RETRY || outcome->next == NEXT_WINDOW ||
           outcome->next == NEXT_DAY || outcome->next == NEXT_DRAFTS ||
           outcome->next == NEXT_USERS || outcome->next == NEXT_REFRESH ||
           outcome->next == NEXT_PARK;
}

static const char *account_then_of(enum next next)
{
    switch (next) {
    case NEXT_WINDOW:
        return "window";
    case NEXT_DAY:
        return "day";
    case NEXT_DRAFTS:
        return "drafts";
    case NEXT_USERS:
        return "users";
    case NEXT_REFRESH:
    case NEXT_PARK:
        return "park";
    case NEXT_OK:
    case NEXT_RETRY:
    case NEXT_LOOK_UP:
    case NEXT_FAIL:
        break;
    }
    return "";
}

static enum job_event event_of(const struct outcome *outcome, int64_t attempt, int64_t retries)
{
    if (outcome->next == NEXT_OK)
        return ON_ACCEPT;
    if (outcome->effect == EFFECT_MAYBE || outcome->next == NEXT_LOOK_UP)
        return ON_DOUBT;
    if (!goes_back(outcome) || attempt >= CONFIG.attempts_max ||
        retries + (outcome->next == NEXT_RETRY) > CONFIG.retry_max)
        return ON_REFUSE;
    return ON_NOT_SENT;
}

static void assert_row(const struct outcome *outcome, int http_status, int64_t attempt,
                       int64_t retries)
{
    struct verdict verdict = verdict_of(outcome, http_status, attempt, retries, &CONFIG);
    enum job_event event   = event_of(outcome, attempt, retries);
    int            arrived = event == ON_DOUBT ? -1 : event == ON_ACCEPT || http_status ? 1 : 0;
    bool           again   = goes_back(outcome) && event != ON_DOUBT;
    if (verdict.event != event || verdict.arrived != arrived ||
        verdict.retries != retries + (again && outcome->next == NEXT_RETRY) ||
        strcmp(verdict.account_then, again ? account_then_of(outcome->next) : "") != 0 ||
        verdict.gave_up != (again && event == ON_REFUSE))
        fail_msg("%s, HTTP %d, attempt %d, retries %d: event %d, arrived %d, then \"%s\"",
                 outcome->code, http_status, (int)attempt, (int)retries, (int)verdict.event,
                 verdict.arrived, verdict.account_then);
}

TEST(every_row_at_every_number_of_attempts_and_retries_is_what_its_columns_say)
{
    static const int64_t attempts[] = { 1, 2, 9, 10, 11, 1000 };
    static const int64_t retries[]  = { 0, 1, 2, 3, 4, 50 };
    size_t               rows       = 0;
    for (; outcome_row(rows); rows++)
        for (size_t a = 0; a < COUNT_OF(attempts); a++)
            for (size_t r = 0; r < COUNT_OF(retries); r++) {
                assert_row(outcome_row(rows), 0, attempts[a], retries[r]);
                assert_row(outcome_row(rows), 200, attempts[a], retries[r]);
                assert_row(outcome_row(rows), 503, attempts[a], retries[r]);
            }
    assert_true(rows > 40);
}

TEST(a_refused_token_is_refreshed_where_that_can_be_done_and_a_person_has_to_act_where_not)
{
    static char           text[] = "x", none[] = "";
    struct config         config  = CONFIG;
    const struct outcome *outcome = outcome_of_code(STR("access_token_invalid"), 401);
    assert_int_equal(outcome->next, NEXT_REFRESH);
    assert_string_equal(verdict_of(outcome, 401, 1, 0, &config).account_then, "park");
    config.tiktok_client_key    = text;
    config.tiktok_client_secret = none;
    assert_string_equal(verdict_of(outcome, 401, 1, 0, &config).account_then, "park");
    config.tiktok_client_secret = text;
    struct verdict verdict      = verdict_of(outcome, 401, 1, 3, &config);
    assert_string_equal(verdict.account_then, "refresh");
    assert_int_equal(verdict.event, ON_NOT_SENT);
    assert_int_equal(verdict.retries, 3);  // it is no fault of the job
    outcome = outcome_of_code(STR("scope_not_authorized"), 401);
    assert_string_equal(verdict_of(outcome, 401, 1, 0, &config).account_then, "park");
}

TEST(what_may_be_published_is_never_sent_again)
{
    for (size_t i = 0; outcome_row(i); i++) {
        const struct outcome *outcome = outcome_row(i);
        struct verdict        verdict = verdict_of(outcome, 0, 1, 0, &CONFIG);
        if (outcome->effect == EFFECT_MAYBE &&
            (verdict.event == ON_NOT_SENT || verdict.event == ON_REFUSE))
            fail_msg("%s would be sent again", outcome->code);
    }
}

TEST(the_wait_doubles_with_each_retry_and_no_further_than_ten_times)
{
    const struct config config = { .retry_delay_ms = 1000, .retry_max = 100, .attempts_max = 1000 };
    const struct outcome *outcome = NULL;
    for (size_t i = 0; outcome_row(i) && !outcome; i++)
        if (outcome_row(i)->next == NEXT_RETRY && outcome_row(i)->effect == EFFECT_NO)
            outcome = outcome_row(i);
    assert_non_null(outcome);
    for (int64_t retries = 0; retries < 60; retries++) {
        struct verdict verdict = verdict_of(outcome, 429, 1, retries, &config);
        assert_int_equal(verdict.event, ON_NOT_SENT);
        assert_int_equal(verdict.due_ms, INT64_C(1000) << (retries < 10 ? retries : 10));
        assert_int_equal(verdict.retries, retries + 1);
    }
}

TEST(a_limit_of_the_account_is_no_retry_of_the_job)
{
    struct verdict verdict =
        verdict_of(outcome_of_code(STR("rate_limit_exceeded"), 429), 429, 1, 3, &CONFIG);
    assert_int_equal(verdict.event, ON_NOT_SENT);
    assert_int_equal(verdict.retries, 3);
    assert_int_equal(verdict.due_ms, 0);
    assert_string_equal(verdict.account_then, "window");
}

TEST(no_retries_at_all_may_be_chosen)
{
    const struct config config  = { .retry_delay_ms = 1000, .retry_max = 0, .attempts_max = 1 };
    size_t              refused = 0;
    for (size_t i = 0; outcome_row(i); i++) {
        struct verdict verdict = verdict_of(outcome_row(i), 400, 1, 0, &config);
        assert_int_not_equal(verdict.event, ON_NOT_SENT);
        refused += verdict.gave_up;
    }
    assert_true(refused > 0);
}
