// SPDX-License-Identifier: Apache-2.0
#include "poller/decision.h"

#include <string.h>

#include "base/memory.h"

static int64_t at_most(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

// every poll.interval, doubling to poll.interval_max after poll.slow_after
static int64_t next_interval(const struct looked *looked, const struct config *config)
{
    int64_t interval = config->poll_interval_ms;
    int64_t slow     = config->poll_slow_after_ms;
    for (int64_t age = looked->age_ms - slow; age > 0 && interval < config->poll_interval_max_ms;
         age -= interval)
        interval *= 2;
    return at_most(interval, config->poll_interval_max_ms > config->poll_interval_ms
                                 ? config->poll_interval_max_ms
                                 : config->poll_interval_ms);
}

// After the end: for a public id that is still to come, or a draft that its owner may post. After
// 1, 5, 15, 60 minutes, then hourly, as long as the horizon.
static int64_t next_after_end(const struct looked *looked, const struct config *config)
{
    static const int64_t minutes[] = { 1, 4, 10, 45 };
    if (looked->is_private || looked->age_ms > config->poll_horizon_ms)
        return -1;
    size_t looks = (size_t)(looked->looks < 0 ? 0 : looked->looks);
    return (looks < COUNT_OF(minutes) ? minutes[looks] : 60) * 60000;
}

static struct decision go_on(struct decision decision, const struct looked *looked,
                             const struct config *config)
{
    decision.next_ms = looked->state == JOB_PROCESSING ? next_interval(looked, config)
                                                       : next_after_end(looked, config);
    if (looked->state == JOB_PROCESSING && looked->age_ms > config->poll_horizon_ms) {
        decision.ends    = true;
        decision.event   = ON_HORIZON;
        decision.outcome = outcome_named("poll_horizon");
        decision.next_ms = -1;
    }
    return decision;
}

static struct decision fail(struct decision decision, const struct outcome *outcome,
                            const struct looked *looked, const struct config *config)
{
    decision.ends    = true;
    decision.event   = ON_FAIL;
    decision.outcome = outcome;
    decision.next_ms = -1;
    decision.retries = looked->retries;
    if (outcome->next == NEXT_RETRY && looked->retries < config->retry_max) {
        decision.event   = ON_AGAIN;
        decision.due_ms  = config->retry_delay_ms << at_most(looked->retries, 10);
        decision.retries = looked->retries + 1;
    } else if (outcome->next == NEXT_RETRY) {
        decision.gave_up = true;
    } else if (outcome->next == NEXT_DAY) {
        decision.event        = ON_AGAIN;
        decision.account_then = "day";
    } else if (outcome->next == NEXT_PARK) {
        decision.account_then = "park";
    }
    return decision;
}

static struct decision decide_refusal(struct decision decision, const struct outcome *outcome,
                                      const struct looked *looked, const struct config *config)
{
    // an id that was given a moment ago is known, if not yet to every server of theirs
    if (strcmp(outcome->code, "invalid_publish_id") == 0 && looked->state == JOB_PROCESSING &&
        looked->age_ms >= config->poll_unknown_ms) {
        decision.ends    = true;
        decision.event   = ON_HORIZON;
        decision.outcome = outcome;
        decision.next_ms = -1;
        return decision;
    }
    if (outcome->next == NEXT_WINDOW)
        decision.account_then = "window";
    else if (outcome->next == NEXT_REFRESH && config_refreshes(config))
        decision.account_then = "refresh";
    else if (outcome->next == NEXT_REFRESH || outcome->next == NEXT_PARK)
        decision.account_then = "park";
    decision.outcome = outcome;
    return go_on(decision, looked, config);
}

struct decision decide(const struct tiktok_answer *answer, const struct looked *looked,
                       const struct config *config)
{
    const struct outcome *outcome  = answer->outcome;
    struct decision       decision = { .next_ms = -1, .account_then = "", .answered = 1 };
    if (!answer->http_status)
        decision.answered = outcome->effect == EFFECT_MAYBE ? -1 : 0;
    if (outcome->next != NEXT_OK)
        return decide_refusal(decision, outcome, looked, config);
    if (strcmp(answer->status, "FAILED") == 0 && looked->state == JOB_PROCESSING)
        return fail(decision, outcome_of_fail_reason(str_of(answer->fail_reason)), looked, config);
    if (strcmp(answer->status, "PUBLISH_COMPLETE") == 0 && looked->state != JOB_PUBLISHED) {
        decision.ends  = true;
        decision.event = ON_COMPLETE;
        decision.next_ms =
            answer->post_id_count
                ? -1
                : next_after_end(&(struct looked){ .is_private = looked->is_private }, config);
        return decision;
    }
    if (strcmp(answer->status, "SEND_TO_USER_INBOX") == 0 && looked->state == JOB_PROCESSING) {
        decision.ends    = true;
        decision.event   = ON_INBOX;
        decision.next_ms = next_after_end(&(struct looked){ 0 }, config);
        return decision;
    }
    if (looked->state == JOB_PUBLISHED && answer->post_id_count)
        return decision;
    // a draft that is discarded in the app: its end was the inbox, and stays so
    if (looked->state == JOB_IN_INBOX && strcmp(answer->status, "FAILED") == 0)
        return decision;
    return go_on(decision, looked, config);
}
