// SPDX-License-Identifier: Apache-2.0
#include "job/state.h"

#include <assert.h>

static const struct {
    const char *text;       // as stored
    bool        is_end;     // column 2
    bool        in_flight;  // column 3
} states[] = {
#define X(name, is_end, in_flight) { #name, is_end, in_flight },
    JOB_STATES(X)
#undef X
};

static const char *const events[] = {
#define X(name) #name,
    JOB_EVENTS(X)
#undef X
};

const char *job_state_text(enum job_state state)
{
    assert(state < JOB_STATE_COUNT);
    return states[state].text;
}

const char *job_event_text(enum job_event event)
{
    assert(event < JOB_EVENT_COUNT);
    return events[event];
}

bool job_state_parse(struct str text, enum job_state *state)
{
    for (enum job_state s = JOB_QUEUED; s < JOB_STATE_COUNT; s++)
        if (str_is(text, states[s].text)) {
            *state = s;
            return true;
        }
    return false;
}

bool job_state_is_end(enum job_state state)
{
    assert(state < JOB_STATE_COUNT);
    return states[state].is_end;
}

bool job_state_in_flight(enum job_state state)
{
    assert(state < JOB_STATE_COUNT);
    return states[state].in_flight;
}

enum job_state job_state_after(enum job_state from, enum job_event event)
{
    static const struct {
        enum job_state from;
        enum job_event event;
        enum job_state to;
    } arrows[] = {
#define X(from, event, to) { JOB_##from, ON_##event, JOB_##to },
        ARROWS(X)
#undef X
    };
    for (size_t i = 0; i < sizeof arrows / sizeof arrows[0]; i++)
        if (arrows[i].from == from && arrows[i].event == event)
            return arrows[i].to;
    return JOB_STATE_COUNT;
}
