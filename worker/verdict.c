// SPDX-License-Identifier: Apache-2.0
#include "worker/verdict.h"

int64_t verdict_backoff_ms(const struct config *config, int64_t retries)
{
    int64_t doublings = retries < 10 ? retries : 10;
    return config->retry_delay_ms << doublings;
}

const char *verdict_account_then(const struct outcome *outcome, const struct config *config)
{
    switch (outcome->next) {
    case NEXT_WINDOW:
        return "window";
    case NEXT_DAY:
        return "day";
    case NEXT_DRAFTS:
        return "drafts";
    case NEXT_USERS:
        return "users";
    case NEXT_REFRESH:
        return config_refreshes(config) ? "refresh" : "park";
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

static struct verdict again(int64_t due_ms, int64_t retries, const char *account_then)
{
    return (struct verdict){ .event        = ON_NOT_SENT,
                             .arrived      = 1,
                             .due_ms       = due_ms,
                             .retries      = retries,
                             .account_then = account_then };
}

struct verdict verdict_of(const struct outcome *outcome, int http_status, int64_t attempt,
                          int64_t retries, const struct config *config)
{
    struct verdict verdict = {
        .event = ON_REFUSE, .arrived = 1, .retries = retries, .account_then = ""
    };
    if (outcome->next == NEXT_OK) {
        verdict.event = ON_ACCEPT;
        return verdict;
    }
    if (outcome->effect == EFFECT_MAYBE || outcome->next == NEXT_LOOK_UP) {
        verdict.event   = ON_DOUBT;
        verdict.arrived = -1;
        return verdict;
    }
    switch (outcome->next) {
    case NEXT_RETRY:
        verdict = again(verdict_backoff_ms(config, retries), retries + 1, "");
        break;
    case NEXT_WINDOW:
    case NEXT_DAY:
    case NEXT_DRAFTS:
    case NEXT_USERS:
    case NEXT_REFRESH:
    case NEXT_PARK:
        verdict = again(0, retries, verdict_account_then(outcome, config));
        break;
    case NEXT_OK:
    case NEXT_LOOK_UP:
    case NEXT_FAIL:
        break;
    }
    if (!http_status)
        verdict.arrived = 0;  // and no doubt: surely not sent
    if (verdict.event == ON_NOT_SENT &&
        (verdict.retries > config->retry_max || attempt >= config->attempts_max)) {
        verdict.event   = ON_REFUSE;
        verdict.gave_up = true;
    }
    return verdict;
}
