// SPDX-License-Identifier: Apache-2.0
/* What each answer of TikTok means for the job: one table, one row a code (error.code, fail_reason,
 * and our own words for what is not an answer at all). The rows are the product: cause and remedy
 * are shown to people as they stand. */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "base/text.h"

// what happens to the job
enum next {
    NEXT_OK,       // go on
    NEXT_RETRY,    // a new attempt after retry.delay, a bounded number of times
    NEXT_WINDOW,   // the account waits one window; the job goes back
    NEXT_DAY,      // the account waits until its 24 h free one post
    NEXT_DRAFTS,   // the account's drafts wait until one frees
    NEXT_USERS,    // new accounts of the fleet wait until the UTC day ends
    NEXT_REFRESH,  // the token is refreshed; the account is parked until then
    NEXT_PARK,     // the account is parked until a person acts; the job goes back
    NEXT_LOOK_UP,  // nobody knows: UNSURE (at a commit point), or simply asked again (elsewhere)
    NEXT_FAIL,     // never again
};

enum scope { SCOPE_JOB, SCOPE_ACCOUNT, SCOPE_FLEET };

struct outcome {
    const char *code;  // TikTok's, or ours in lower case: "not_sent", "no_answer", ...
    enum next   next;
    enum scope  scope;
    enum effect effect;  // at a commit point: may it have been published?
    const char *cause;   // one sentence for people
    const char *remedy;  // one sentence: what to do
};

// an answer's error.code with its HTTP status; never NULL: an unknown code falls back to its HTTP
// status' row
const struct outcome *outcome_of_code(struct str code, int http_status);
// fail_reason of status/fetch or a webhook; unknown ones are permanent
const struct outcome *outcome_of_fail_reason(struct str reason);
// no answer at all, or one that cannot be understood: by what the transport knows
const struct outcome *outcome_of_error(const struct error *err);
// rows of our own that others name: "lease_ended", "poll_horizon", ...; NULL when there is no such
// row
const struct outcome *outcome_named(const char *code);
// the same, of a code that stands in a record or in Redis
const struct outcome *outcome_recorded(struct str code);
// each code once, though it may be a row in two places; NULL past the end
const char *outcome_code(size_t i);
// all of them, for tests and documents; NULL past the end
const struct outcome *outcome_row(size_t i);
