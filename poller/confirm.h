// SPDX-License-Identifier: Apache-2.0
/* What Kafka holds of an account, whatever Redis says: before it is said that an account needs a
 * new consent, somebody else's newer pair of tokens has to be ruled out. <fleet>.accounts is read
 * from its beginning to its end, once for all who ask at a time; who asks meanwhile has the next
 * reading. */
#pragma once

#include <sys/queue.h>

#include "job/account.h"
#include "job/program.h"

struct confirm;

struct confirm_ask {                 // embedded; zeroed before
    struct call *waiting;            // the owner's; NULL: nothing is under way
    TAILQ_ENTRY(confirm_ask) entry;  // among those that wait, or those of the reading
    struct confirm       *confirm;   // borrowed
    bool                  reading;   // it is of the reading under way
    struct str            open_id;   // borrowed
    struct arena          arena;     // of the record
    bool                  found;     // the result: there is a record, the one with the highest rev
    struct account_record record;
    bool                  unreadable;  // one of its records is of a newer version: nothing is known
};

struct confirm *confirm_new(struct program *program);
// err of done: Kafka cannot be read, or the account's record cannot: nothing is known
void confirm_start(struct confirm *confirm, struct confirm_ask *ask, struct str open_id,
                   struct call *call, call_done *done);
void confirm_ask_fini(struct confirm_ask *ask);  // the call is done or cancelled
void confirm_free(struct confirm *confirm);      // nobody asks any more
