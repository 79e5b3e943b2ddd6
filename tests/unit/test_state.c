// SPDX-License-Identifier: Apache-2.0
// links: tokfleet_job
#include "unit.h"

#include <string.h>

#include "base/memory.h"
#include "job/state.h"

/* The picture of the design once more, by hand: what state.h says is compared with it pair by pair. */
struct arrow {
    const char *from;
    const char *event;
    const char *to;
};

// clang-format off
static const struct arrow drawn[] = {
    { "NONE", "INGEST", "QUEUED" },           { "NONE", "BAD", "REJECTED" },
    { "NONE", "TOO_OLD", "EXPIRED" },         { "REJECTED", "INGEST", "QUEUED" },
    { "QUEUED", "CLAIM", "CLAIMED" },         { "QUEUED", "CANCEL", "CANCELLED" },
    { "QUEUED", "EXPIRE", "EXPIRED" },        { "QUEUED", "REJECT", "REJECTED" },
    { "QUEUED", "ACCEPT", "PROCESSING" },
    { "CLAIMED", "RELEASE", "QUEUED" },       { "CLAIMED", "LEASE_END", "QUEUED" },
    { "CLAIMED", "CANCEL", "CANCELLED" },     { "CLAIMED", "REJECT", "REJECTED" },
    { "CLAIMED", "EXPIRE", "EXPIRED" },       { "CLAIMED", "INTENT", "SENDING" },
    { "CLAIMED", "UPLOAD", "UPLOADING" },     { "UPLOADING", "CLAIM", "UPLOADING" },
    { "UPLOADING", "INTENT", "SENDING" },     { "UPLOADING", "RELEASE", "QUEUED" },
    { "UPLOADING", "CANCEL", "CANCELLED" },   { "UPLOADING", "REFUSE", "FAILED" },
    { "SENDING", "ACCEPT", "PROCESSING" },    { "SENDING", "NOT_SENT", "QUEUED" },
    { "SENDING", "REFUSE", "FAILED" },        { "SENDING", "DOUBT", "UNSURE" },
    { "SENDING", "LEASE_END", "UNSURE" },     { "SENDING", "FOUND", "PROCESSING" },
    { "SENDING", "FEWER_BYTES", "UPLOADING" }, { "PROCESSING", "COMPLETE", "PUBLISHED" },
    { "PROCESSING", "INBOX", "IN_INBOX" },    { "PROCESSING", "FAIL", "FAILED" },
    { "PROCESSING", "AGAIN", "QUEUED" },      { "PROCESSING", "HORIZON", "UNSURE" },
    { "PROCESSING", "FEWER_BYTES", "UPLOADING" }, { "IN_INBOX", "COMPLETE", "PUBLISHED" },
    { "UNSURE", "ACCEPT", "PROCESSING" },     { "UNSURE", "NOT_SENT", "QUEUED" },
    { "UNSURE", "REFUSE", "FAILED" },         { "UNSURE", "FOUND", "PUBLISHED" },
    { "UNSURE", "FAIL", "FAILED" },           { "UNSURE", "RETRY", "QUEUED" },
    { "FAILED", "RETRY", "QUEUED" },
};
// clang-format on

static const char *drawn_after(enum job_state from, enum job_event event)
{
    for (size_t i = 0; i < COUNT_OF(drawn); i++)
        if (strcmp(drawn[i].from, job_state_text(from)) == 0 &&
            strcmp(drawn[i].event, job_event_text(event)) == 0)
            return drawn[i].to;
    return "none";
}

TEST(every_pair_of_state_and_event_goes_where_it_is_drawn_or_nowhere)
{
    size_t arrows = 0;
    for (enum job_state from = 0; from < JOB_STATE_COUNT; from++)
        for (enum job_event event = 0; event < JOB_EVENT_COUNT; event++) {
            enum job_state to = job_state_after(from, event);
            arrows += to != JOB_STATE_COUNT;
            assert_string_equal(to == JOB_STATE_COUNT ? "none" : job_state_text(to),
                                drawn_after(from, event));
        }
    assert_int_equal(arrows, COUNT_OF(drawn));
}

TEST(no_two_arrows_leave_a_state_by_the_same_event)
{
    static const struct {
        enum job_state from;
        enum job_event event;
    } arrows[] = {
#define X(from, event, to) { JOB_##from, ON_##event },
        ARROWS(X)
#undef X
    };
    for (size_t i = 0; i < COUNT_OF(arrows); i++)
        for (size_t k = 0; k < i; k++)
            assert_false(arrows[i].from == arrows[k].from && arrows[i].event == arrows[k].event);
}

static void reach(enum job_state from, bool seen[JOB_STATE_COUNT])
{
    if (seen[from])
        return;
    seen[from] = true;
    for (enum job_event event = 0; event < JOB_EVENT_COUNT; event++) {
        enum job_state to = job_state_after(from, event);
        if (to != JOB_STATE_COUNT)
            reach(to, seen);
    }
}

TEST(every_state_can_be_reached_from_nothing)
{
    bool seen[JOB_STATE_COUNT] = { false };
    reach(JOB_NONE, seen);
    for (enum job_state state = 0; state < JOB_STATE_COUNT; state++)
        if (!seen[state])
            fail_msg("%s cannot be reached", job_state_text(state));
}

TEST(from_every_state_an_end_can_be_reached)
{
    for (enum job_state from = 0; from < JOB_STATE_COUNT; from++) {
        bool seen[JOB_STATE_COUNT] = { false };
        bool end                   = false;
        reach(from, seen);
        for (enum job_state state = 0; state < JOB_STATE_COUNT; state++)
            end = end || (seen[state] && job_state_is_end(state));
        assert_true(end);
    }
}

TEST(every_event_leads_somewhere)
{
    for (enum job_event event = 0; event < JOB_EVENT_COUNT; event++) {
        bool used = false;
        for (enum job_state from = 0; from < JOB_STATE_COUNT; from++)
            used = used || job_state_after(from, event) != JOB_STATE_COUNT;
        if (!used)
            fail_msg("%s leads nowhere", job_event_text(event));
    }
}

TEST(ends_are_these_and_hold_no_slot)
{
    for (enum job_state state = 0; state < JOB_STATE_COUNT; state++) {
        bool end = state == JOB_PUBLISHED || state == JOB_IN_INBOX || state == JOB_FAILED ||
                   state == JOB_REJECTED || state == JOB_EXPIRED || state == JOB_CANCELLED;
        bool flies = state == JOB_CLAIMED || state == JOB_UPLOADING || state == JOB_SENDING ||
                     state == JOB_PROCESSING || state == JOB_UNSURE;
        assert_int_equal(job_state_is_end(state), end);
        assert_int_equal(job_state_in_flight(state), flies);
        assert_false(end && flies);
    }
}

TEST(published_expired_and_cancelled_are_final)
{
    static const enum job_state final[] = { JOB_PUBLISHED, JOB_EXPIRED, JOB_CANCELLED };
    for (size_t i = 0; i < COUNT_OF(final); i++)
        for (enum job_event event = 0; event < JOB_EVENT_COUNT; event++)
            assert_int_equal(job_state_after(final[i], event), JOB_STATE_COUNT);
}

TEST(from_the_commit_point_on_nothing_is_cancelled_or_expired)
{
    static const enum job_state late[] = { JOB_SENDING, JOB_PROCESSING, JOB_UNSURE };
    for (size_t i = 0; i < COUNT_OF(late); i++) {
        assert_int_equal(job_state_after(late[i], ON_CANCEL), JOB_STATE_COUNT);
        assert_int_equal(job_state_after(late[i], ON_EXPIRE), JOB_STATE_COUNT);
        assert_int_not_equal(job_state_after(late[i], ON_LEASE_END), JOB_QUEUED);
    }
}

TEST(a_doubt_goes_back_to_the_queue_by_a_definite_refusal_or_a_retry_only)
{
    for (enum job_event event = 0; event < JOB_EVENT_COUNT; event++)
        if (job_state_after(JOB_UNSURE, event) == JOB_QUEUED)
            assert_true(event == ON_NOT_SENT || event == ON_RETRY);
}

TEST(states_are_parsed_by_their_text_and_nothing_else)
{
    for (enum job_state state = JOB_QUEUED; state < JOB_STATE_COUNT; state++) {
        enum job_state parsed = JOB_NONE;
        assert_true(job_state_parse(str_of(job_state_text(state)), &parsed));
        assert_int_equal(parsed, state);
    }
    static const char *const bad[] = { "NONE", "", "queued", "QUEUED ", "QUEUE" };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        enum job_state parsed = JOB_FAILED;
        assert_false(job_state_parse(str_of(bad[i]), &parsed));
        assert_int_equal(parsed, JOB_FAILED);
    }
}
