// SPDX-License-Identifier: Apache-2.0
/* A search of all states that a small model of the protocol can reach, breadth first: a
 * counterexample is a shortest one. A state is a struct of bytes without padding, so that two of
 * them are equal when their bytes are; its size is a multiple of 8. States are kept in one array
 * and found by an open-addressing table; both, and the arrows that the check of progress needs,
 * stay within the limit of memory that the caller gives.
 *
 * A model never moves a job by itself: search_arrow() looks the arrow up in the product's own table
 * (job/state.h), and an arrow that is not there is a fault of the model or of the product, with its
 * trace. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "job/state.h"

struct search;

struct machine {
    size_t bytes;                                     // of a state
    void (*start)(const void *setting, void *state);  // the first one; it is zero before
    void (*next)(const void *setting, const void *state,
                 struct search *search);                            // search_add() for each step
    const char *(*broken)(const void *setting, const void *state);  // what must never be, or NULL
    bool (*ended)(const void *setting, const void *state);          // where progress may stop
};

struct limits {
    size_t   bytes;   // of memory
    uint32_t states;  // at most
};

enum search_end {
    SEARCH_SAFE,    // all states seen, none is broken
    SEARCH_BROKEN,  // one is; or an arrow is missing
    SEARCH_STUCK,   // from one no way leads to an end
    SEARCH_FULL,    // the limits were not enough
};

struct search_result {
    enum search_end end;
    const char *
        what;  // of BROKEN: what machine->broken said, or the missing arrow; lives as long as the search
    uint32_t states;  // seen
    uint32_t steps;   // of the counterexample
    uint32_t stuck;   // states without a way to an end
    double   seconds;
};

struct search *search_new(const struct machine *machine, const void *setting, struct limits limits);
struct search_result search_run(struct search *search, bool progress);
void search_print(struct search *search);  // the steps to the counterexample, on standard output
void search_free(struct search *search);

// For machine->next: one step from the state that it was given. The label is made only for a
// counterexample.
void search_add(struct search *search, const void *state, const char *label, ...)
    __attribute__((format(printf, 3, 4)));

// The state after `event`. When the product's table has no such arrow, the search ends with that as
// its finding.
enum job_state search_arrow(struct search *search, enum job_state from, enum job_event event);

// The same question without a finding.
bool search_has_arrow(enum job_state from, enum job_event event);
