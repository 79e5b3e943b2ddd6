// SPDX-License-Identifier: Apache-2.0
/* fault: rules that spoil calls. A rule matches by endpoint, account and text in the request; the
 * first rule that matches and fires is done. Kinds are rows of a table in fault.c. */
#ifndef SIM_FAULT_H
#define SIM_FAULT_H

#include <stdbool.h>
#include <stdint.h>

struct call;
struct cJSON;
struct sim;

enum fault_answer {
    FAULT_ANSWER_TRUE,      // the true answer, after ms
    FAULT_ANSWER_NEVER,     // nothing until the client leaves
    FAULT_ANSWER_RESET,     // TCP reset
    FAULT_ANSWER_EMPTY,     // the given HTTP status, no body
    FAULT_ANSWER_HTML,      // the given HTTP status, a page
    FAULT_ANSWER_ERROR,     // the given HTTP status, code and message in the endpoint's error shape
    FAULT_ANSWER_BROKEN,    // half of the true body, as if it were whole
    FAULT_ANSWER_TRUNCATE,  // the true head, half of the true body, then the end of the connection
};

struct fault {
    int64_t           id;            // 1, 2, 3 ...
    const char       *name;          // of the kind, static
    enum fault_answer answer;        // what the client gets
    bool              effect;        // the call is done for real
    int               endpoint;      // enum endpoint; END_KINDS = any
    char             *account;       // owned open_id; NULL = any
    char             *url_contains;  // owned text in the target or the body; NULL = any
    char             *code;          // owned error code
    char             *message;       // owned error message
    int64_t           count;         // times to fire; -1 = without end
    int64_t           skip;          // matches to let pass first
    int64_t           matched;       // calls that matched
    int64_t           hits;          // times fired
    int64_t           ms;            // delay before the answer
    double            probability;   // to fire when it matches
    int               http;          // status
    struct fault     *next;          // in order of id
};

struct faults {
    struct fault *first;  // owned list
    int64_t       made;   // ids given
};

// The rule to do to this call, counted as a hit; NULL for none.
const struct fault *fault_fire(struct call *call);

// A rule from its JSON: gives the id, or 0 and a reason.
int64_t       fault_add(struct sim *sim, const struct cJSON *json, const char **why);
int           fault_clear(struct sim *sim, int64_t id);  // 0 = all; how many went
struct cJSON *fault_list(struct sim *sim);

#endif
