// SPDX-License-Identifier: Apache-2.0
/* Slots: two jobs and a limit of one. What counts is what TikTok is really doing: never more posts
 * in process than the limit, but for those whose hold or horizon is over; and never a slot that
 * nobody gives back. */
#pragma once

#include "engine.h"

enum { JOBS = 2, TRIES = 2, WORKERS = 2, LIMIT = 1, GENERATION = 32 };

// clang-format off
/*      rule          what it says                                                                   */
#define SLOT_RULES(X)                                                                                \
    X( NOTHING,    "nothing",    "nothing is taken away"                                         )   \
    X( ONE_SCRIPT, "one-script", "a free slot is looked for and taken in one script"             )   \
    X( WITH_END,   "with-end",   "the script that ends a job gives its slot back"                )   \
    X( NO_CLOCK,   "no-clock",   "a slot never expires by time"                                  )   \
    X( HOLD,       "hold",       "an UNSURE job keeps its slot until its hold is over"           )   \
    X( NOT_AGAIN,  "not-again",  "a job that gave its slot back for time never takes one back"   )   \
    X( REBUILT,    "rebuilt",    "the replay rebuilds the ledger"                                )   \
    X( REQUEUED,   "requeued",   "the gate gives back the slot of what it turns into QUEUED"     )   \
    X( WAIT,       "wait",       "the gate waits for an isolated primary"                        )   \
    X( INTENT,     "intent",     "INTENT before SENDING: the replay knows who may be in flight"  )

enum slot_rule {
#define X(name, word, text) WITHOUT_##name,
    SLOT_RULES(X)
#undef X
};
// clang-format on

struct bounds {
    uint8_t fail, flush, crash, reap, lost, refuse, bad;  // as in life.h
    uint8_t late;  // attempts whose hold and horizon are over
    uint8_t claims;
};

struct slots {
    enum slot_rule without;
    struct bounds  bounds;
};

enum kind { KIND_NONE, KIND_INTENT, KIND_ABORTED, KIND_INITED };
enum fate { FATE_NONE, FATE_IN_PROCESS, FATE_PUBLISHED, FATE_FAILED };

struct
try {                // one attempt, wherever it is known
    uint8_t epoch;   // 0: no more
    uint8_t kind;    // in the journal
    uint8_t fate;    // at TikTok
    uint8_t is_old;  // its hold and its horizon are over
};

struct job {  // as Redis holds it
    uint8_t state;
    uint8_t epoch;
    uint8_t try;  // index of its attempt, plus 1
    uint8_t has_pid;
    uint8_t slot;       // in the ledger
    uint8_t owed;       // its slot is still to be given back (without WITH_END)
    uint8_t out_abort;  // outbox: INTENT_ABORTED of this try, plus 1
    uint8_t out_end;    // outbox: the end
};

struct image {
    uint8_t    there;
    uint8_t    n;
    uint8_t    generation;
    uint8_t    open;
    uint8_t    above;  // slots above the limit that the replay found taken
    struct job jobs[JOBS];
};

enum server { CUR, REP, OLD, SERVERS };
enum pc { PC_NONE, PC_LOOKED, PC_INTENT, PC_SENDING, PC_POST, PC_RESULT };
enum result { RESULT_ACCEPTED, RESULT_NOT_SENT, RESULT_DOUBT };
enum todo { TO_JOURNAL = 1, TO_REDIS = 2 };

struct worker {
    uint8_t pc, job, try, result, todo;
};

struct state {
    struct image image[SERVERS];
    struct try   tries[JOBS][TRIES];
    uint8_t      ended[JOBS];  // the end record: its try, plus 1
    uint8_t      generation;
    uint8_t taker;  // 0: none; else the next job to be applied, plus 2; 1: the journal is not read
    struct worker workers[WORKERS];
    struct bounds left;
    uint8_t       pad[2];
};

extern const struct machine slots_machine;
