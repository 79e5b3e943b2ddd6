// SPDX-License-Identifier: Apache-2.0
/* sim: the whole simulated world in one struct, owned by main and lent to everybody. */
#ifndef SIM_SIM_H
#define SIM_SIM_H

#include <stdint.h>

#include "account.h"
#include "authorize.h"
#include "chance.h"
#include "doubles.h"
#include "fault.h"
#include "ledger.h"
#include "options.h"
#include "park.h"
#include "publish.h"
#include "table.h"

struct event_base;
struct evhttp;

struct sim {
    struct options     options;    // the command line
    struct event_base *base;       // owned
    struct evhttp     *http;       // owned
    char               self[64];   // "ADDRESS:PORT" we listen on
    struct chance      chance;     // all randomness
    uint64_t           log_seq;    // makes log ids unique
    struct accounts    accounts;   // creators and tokens
    struct codes       codes;      // of consents not redeemed yet
    struct publishes   publishes;  // every accepted init
    struct doubles     doubles;    // the same thing posted twice
    struct ledger      ledger;     // events, last calls, counts
    struct faults      faults;     // fault rules
    struct parked     *parked;     // calls not answered yet; NULL when none
    int64_t            start_ms;   // when the simulator started
};

#endif
