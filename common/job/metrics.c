// SPDX-License-Identifier: Apache-2.0
#include "job/metrics.h"

#include <assert.h>

#include "base/memory.h"
#include "job/store.h"

#define MS INT64_C(1000)
#define SECOND (1000 * MS)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

// ---- labels

#define TEXT(name, text) text,
#define LABEL(name, label, ...)                                                                    \
    static const char *name##_value(size_t place)                                                  \
    {                                                                                              \
        static const char *const texts[] = { __VA_ARGS__ };                                        \
        return place < COUNT_OF(texts) ? texts[place] : NULL;                                      \
    }                                                                                              \
    static const struct metric_label by_##name = { label, name##_value, NULL };

// clang-format off
LABEL(claim, "result", METRIC_CLAIM_ENDS(TEXT))
LABEL(attempt, "result", METRIC_ATTEMPT_ENDS(TEXT))
LABEL(command_end, "result", METRIC_COMMAND_ENDS(TEXT))
LABEL(program, "program", METRIC_PROGRAMS(TEXT))
LABEL(result, "result", METRIC_RESULTS(TEXT))
LABEL(refresh, "result", METRIC_REFRESH_ENDS(TEXT))
LABEL(account, "status", METRIC_ACCOUNT_STATUSES(TEXT))
LABEL(endpoint, "endpoint", "video/init", "inbox/video/init", "content/init", "status/fetch", "cancel", "video/list", "creator_info", "oauth/token", "other")
LABEL(ingested, "result", "QUEUED", "KNOWN", "REJECTED", "EXPIRED", "SKIPPED", "command", "other")
LABEL(command, "command", "cancel", "reschedule", "retry", "resolve", "pause", "resume", "other")
LABEL(dead, "reason", "bad_message", "other_content", "bad_command", "unknown_target", "other")
LABEL(release, "reason", "redis_unavailable", "kafka_unavailable", "fenced", "lease_short", "no_token", "sealed_token", "message_unreadable", "creator_info", "other")
// clang-format on

static const char *version_value(size_t place)
{
    return place == 0 ? TOKFLEET_VERSION : NULL;
}

static const char *script_value(size_t place)
{
    if (place < all_scripts_count)
        return all_scripts[place]->name;
    return place == all_scripts_count ? "other" : NULL;
}

static const char *code_value(size_t place)
{
    const char *code = outcome_code(place);
    if (code)
        return code;
    return outcome_code(place - 1) ? "other" : NULL;
}

size_t metric_state_place(enum job_state state)
{
    assert(state != JOB_NONE && state < JOB_STATE_COUNT);
    return (size_t)state - 1;
}

static const char *state_value(size_t place)
{
    return place + 1 < JOB_STATE_COUNT ? job_state_text((enum job_state)(place + 1)) : NULL;
}

// of the outbox: the states, and what is none
static const char *event_value(size_t place)
{
    static const char *const others[] = { "PUBLIC_ID", "INTENT_ABORTED", "other" };
    const char              *state    = state_value(place);
    if (state)
        return state;
    place -= JOB_STATE_COUNT - 1;
    return place < COUNT_OF(others) ? others[place] : NULL;
}

static const struct metric_label by_state   = { "state", state_value, "a job's state" };
static const struct metric_label by_event   = { "name", event_value,
                                                "a job's state, PUBLIC_ID, INTENT_ABORTED, other" };
static const struct metric_label by_version = { "version", version_value, "that of the program" };
static const struct metric_label by_script  = { "script", script_value, "a script's name, other" };
static const struct metric_label by_code    = { "code", code_value,
                                                "a code of the outcome table, other" };

// ---- buckets, in microseconds

static const int64_t of_scripts[]  = { 100,      250,     500,        MS,      2500,
                                       5 * MS,   10 * MS, 25 * MS,    50 * MS, 100 * MS,
                                       250 * MS, SECOND,  5 * SECOND, 0 };
static const int64_t of_requests[] = { 5 * MS,      10 * MS,     25 * MS, 50 * MS,   100 * MS,
                                       250 * MS,    500 * MS,    SECOND,  2500 * MS, 5 * SECOND,
                                       10 * SECOND, 30 * SECOND, MINUTE,  0 };

static const int64_t of_waits[] = { 100 * MS,  250 * MS,   500 * MS,    SECOND,
                                    2500 * MS, 5 * SECOND, 10 * SECOND, 30 * SECOND,
                                    MINUTE,    5 * MINUTE, 15 * MINUTE, HOUR,
                                    6 * HOUR,  DAY,        7 * DAY,     0 };

// ---- rows

// clang-format off
const struct metric_row metric_rows[METRIC_COUNT] = {
#define X(id, name, kind, unit, first, second, bounds, programs, help) \
    [METRIC_##id] = { name, METRIC_##kind, METRIC_##unit, { first, second }, bounds, programs, help },
    METRICS(X)
#undef X
};
// clang-format on

enum metric_result metric_result_of(enum next next)
{
    static const enum metric_result results[] = {
        [NEXT_OK] = RESULT_OK,           [NEXT_RETRY] = RESULT_RETRY,
        [NEXT_WINDOW] = RESULT_WINDOW,   [NEXT_DAY] = RESULT_DAY,
        [NEXT_DRAFTS] = RESULT_DRAFTS,   [NEXT_USERS] = RESULT_USERS,
        [NEXT_REFRESH] = RESULT_REFRESH, [NEXT_PARK] = RESULT_PARK,
        [NEXT_LOOK_UP] = RESULT_LOOK_UP, [NEXT_FAIL] = RESULT_FAIL,
    };
    assert((size_t)next < COUNT_OF(results));
    return results[next];
}
