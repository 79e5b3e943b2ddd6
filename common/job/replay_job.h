// SPDX-License-Identifier: Apache-2.0
/* Inside the replay*.c files only: what is kept of one job while a journal is read (replay.h). */
#pragma once

#include "job/journal.h"
#include "job/replay.h"
#include "job/replay_said.h"

struct attempt {
    struct attempt   *next;   // of the job, in no order
    struct str        epoch;  // owned by the replay's arena, like all texts
    struct str        account;
    struct str        mode;
    struct str        publish_id;
    struct str        source;  // of the message that it sent; "" not known (a record of version 1)
    int64_t           number;
    int64_t           at_ms;
    enum attempt_kind kind;
    bool              gone;  // a tombstone took it away
};

struct ending {
    struct ending *next;   // of the job, in no order
    struct str     epoch;  // with state: its key
    struct str     state;
    struct str     event;
    struct str     source;
    int64_t        at_ms;
    bool           old_key;  // end/<job_id>, of version 1: whatever it says
    bool           gone;     // a tombstone took it away
};

struct replay_job {
    struct str      id;
    struct attempt *attempts;
    struct ending  *ends;
    struct said    *said;     // its commands; borrowed from the book
    struct str      buried;   // the newest epoch of which an end has a tombstone; len 0: none
    struct str      message;  // len 0: none
    struct str      message_source;
    int64_t         message_ms;
};

struct replay {
    void               *jobs;  // tsearch tree of struct replay_job
    struct replay_job **list;  // the same, as they came
    size_t              count;
    size_t              capacity;  // of list
    int64_t             generation;
    int64_t             keep_ms;    // of an end; 0: for ever
    replay_wanted      *wanted;     // NULL: all jobs
    const void         *wanted_by;  // borrowed
    struct arena        arena;      // owns every text and node
    struct said_book    said;       // every command
    struct said       **pauses;     // owned list of pause and resume; they are the book's
    size_t              pause_count;
    size_t              pause_capacity;
    struct buf          aborted;  // these three while a verdict is given
    struct buf          ids;
    struct buf          voids;
};
