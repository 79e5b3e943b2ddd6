// SPDX-License-Identifier: Apache-2.0
/* The states of a job and every arrow between them. The build writes the same table as Lua for the
 * scripts (common/job/scripts/), which alone move a stored job: C never writes a state. */
#pragma once

#include <stdbool.h>

#include "base/text.h"

// clang-format off
/*      state        is an end  in flight (holds a slot) */
#define JOB_STATES(X)                                     \
    X( NONE,          false,     false )                  \
    X( QUEUED,        false,     false )                  \
    X( CLAIMED,       false,     true  )                  \
    X( UPLOADING,     false,     true  )                  \
    X( SENDING,       false,     true  )                  \
    X( PROCESSING,    false,     true  )                  \
    X( UNSURE,        false,     true  )                  \
    X( PUBLISHED,     true,      false )                  \
    X( IN_INBOX,      true,      false )                  \
    X( FAILED,        true,      false )                  \
    X( REJECTED,      true,      false )                  \
    X( EXPIRED,       true,      false )                  \
    X( CANCELLED,     true,      false )

enum job_state {
#define X(name, is_end, in_flight) JOB_##name,
    JOB_STATES(X)
#undef X
    JOB_STATE_COUNT
};
// clang-format on

// clang-format off
/*      from         event          to                                                          */
#define ARROWS(X)                                                                                 \
    X( NONE,        INGEST,        QUEUED     )                                                   \
    X( NONE,        BAD,           REJECTED   )  /* the message, or the account's bound         */ \
    X( NONE,        TOO_OLD,       EXPIRED    )  /* older than the end records live             */ \
    X( REJECTED,    INGEST,        QUEUED     )  /* replaced by a good message                  */ \
    X( QUEUED,      CLAIM,         CLAIMED    )                                                   \
    X( QUEUED,      CANCEL,        CANCELLED  )                                                   \
    X( QUEUED,      EXPIRE,        EXPIRED    )                                                   \
    X( QUEUED,      REJECT,        REJECTED   )                                                   \
    X( QUEUED,      ACCEPT,        PROCESSING )  /* a late answer, after a retry of the doubt   */ \
    X( CLAIMED,     RELEASE,       QUEUED     )  /* before SENDING: surely not sent             */ \
    X( CLAIMED,     LEASE_END,     QUEUED     )                                                   \
    X( CLAIMED,     CANCEL,        CANCELLED  )                                                   \
    X( CLAIMED,     REJECT,        REJECTED   )  /* refused by creator info, or not readable   */ \
    X( CLAIMED,     EXPIRE,        EXPIRED    )                                                   \
    X( CLAIMED,     INTENT,        SENDING    )                                                   \
    X( CLAIMED,     UPLOAD,        UPLOADING  )                                                   \
    X( UPLOADING,   CLAIM,         UPLOADING  )  /* a new owner resumes                         */ \
    X( UPLOADING,   INTENT,        SENDING    )                                                   \
    X( UPLOADING,   RELEASE,       QUEUED     )  /* upload URL gone, source changed             */ \
    X( UPLOADING,   CANCEL,        CANCELLED  )                                                   \
    X( UPLOADING,   REFUSE,        FAILED     )                                                   \
    X( SENDING,     ACCEPT,        PROCESSING )  /* the poller's now                            */ \
    X( SENDING,     NOT_SENT,      QUEUED     )  /* surely not sent, or refused for now         */ \
    X( SENDING,     REFUSE,        FAILED     )  /* refused for good                            */ \
    X( SENDING,     DOUBT,         UNSURE     )  /* never sent again on a guess                 */ \
    X( SENDING,     LEASE_END,     UNSURE     )                                                   \
    X( SENDING,     FOUND,         PROCESSING )  /* lease ended, publish id known               */ \
    X( SENDING,     FEWER_BYTES,   UPLOADING  )                                                   \
    X( PROCESSING,  COMPLETE,      PUBLISHED  )                                                   \
    X( PROCESSING,  INBOX,         IN_INBOX   )                                                   \
    X( PROCESSING,  FAIL,          FAILED     )                                                   \
    X( PROCESSING,  AGAIN,         QUEUED     )  /* a fail_reason worth a retry                 */ \
    X( PROCESSING,  HORIZON,       UNSURE     )  /* nobody could tell its end                   */ \
    X( PROCESSING,  FEWER_BYTES,   UPLOADING  )                                                   \
    X( IN_INBOX,    COMPLETE,      PUBLISHED  )                                                   \
    X( UNSURE,      ACCEPT,        PROCESSING )  /* a late answer                               */ \
    X( UNSURE,      NOT_SENT,      QUEUED     )  /* a late definite refusal                     */ \
    X( UNSURE,      REFUSE,        FAILED     )                                                   \
    X( UNSURE,      FOUND,         PUBLISHED  )  /* evidence of presence, or a person's word    */ \
    X( UNSURE,      FAIL,          FAILED     )  /* policy, or a person's word                  */ \
    X( UNSURE,      RETRY,         QUEUED     )  /* policy, or a person's word                  */ \
    X( FAILED,      RETRY,         QUEUED     )

#define JOB_EVENTS(X)                                                                              \
    X( INGEST ) X( BAD ) X( TOO_OLD ) X( CLAIM ) X( CANCEL ) X( EXPIRE ) X( REJECT ) X( RELEASE )  \
    X( LEASE_END ) X( INTENT ) X( UPLOAD ) X( REFUSE ) X( ACCEPT ) X( NOT_SENT ) X( DOUBT )        \
    X( FOUND ) X( FEWER_BYTES ) X( COMPLETE ) X( INBOX ) X( FAIL ) X( AGAIN ) X( HORIZON ) X( RETRY )

enum job_event {
#define X(name) ON_##name,
    JOB_EVENTS(X)
#undef X
    JOB_EVENT_COUNT
};
// clang-format on

const char *job_state_text(enum job_state state);
const char *job_event_text(enum job_event event);
bool        job_state_parse(struct str text, enum job_state *state) MUST_CHECK;
bool        job_state_is_end(enum job_state state);
bool        job_state_in_flight(enum job_state state);
// JOB_STATE_COUNT: no such arrow
enum job_state job_state_after(enum job_state from, enum job_event event);
