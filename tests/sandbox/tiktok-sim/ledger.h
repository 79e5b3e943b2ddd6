// SPDX-License-Identifier: Apache-2.0
/* ledger: what happened, for checkers. Events go to a file, one JSON object a line, each written by
 * one write, so that the file is whole even after kill -9. The last calls and the counts are kept
 * in memory. */
#ifndef SIM_LEDGER_H
#define SIM_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "account.h"
#include "table.h"

struct call;
struct cJSON;
struct publish;
struct sim;

struct call_note {
    int64_t     at_ms;           // arrival
    int64_t     took_ms;         // until answered or dropped
    const char *endpoint;        // name, static
    const char *fault;           // name, static; NULL for none
    int         http;            // status; 0 when nothing was answered
    bool        answered;        // the client got the true answer
    char        method[8];       // "POST"
    char        code[64];        // error code
    char        account[64];     // open_id, "" when unknown
    char        publish_id[64];  // made by the call, "" for none
    char        log_id[40];      // of the answer
};

struct count {
    char    key[128];  // "endpoint http code"
    int64_t calls;     // how many
};

struct ledger {
    int               fd;                     // of the file; -1 for none
    struct call_note *notes;                  // owned ring of the last calls
    size_t            notes_size;             // of the ring
    uint64_t          notes_made;             // ever; the next goes to notes_made % notes_size
    struct table      counts;                 // struct count, owned
    int64_t           breaches[LIMIT_KINDS];  // by kind
    int64_t           requests;               // API calls, control not counted
    int64_t           unknown_fields;         // fields that an endpoint does not know
    int64_t           dropped_fields;         // fields silently dropped
    int64_t           refused;                // inits refused
};

bool ledger_open(struct sim *sim);         // false when the file cannot be opened (errno is set)
void ledger_reset(struct ledger *ledger);  // forgets calls and counts, not the file
void ledger_fini(struct ledger *ledger);

void ledger_breach(struct call *call, enum limit_kind kind);
// An init was refused. unknown is borrowed and may be NULL.
void ledger_refused(struct call *call, const struct cJSON *unknown);
void ledger_init(struct call *call, const struct publish *publish);
void ledger_end(struct sim *sim, const struct publish *publish);
// One of the small events of a publish: "uploaded", "reported", "unanswered".
void ledger_publish(struct sim *sim, const char *event, const struct publish *publish);
void ledger_double(struct sim *sim, const struct publish *first, const struct publish *second,
                   const char *by);
// An event about a call alone: "fault", "refresh", "revoke".
void ledger_call_event(struct call *call, const char *event);
void ledger_call(struct call *call);  // the call is over: note and count it

struct cJSON *ledger_calls(struct sim *sim, size_t limit);  // newest last
struct cJSON *ledger_stats(struct sim *sim);

#endif
