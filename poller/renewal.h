// SPDX-License-Identifier: Apache-2.0
/* One account's refresh (refresh.h), from the lease that was claimed for it to the lease's end: the record as Redis has it,
 * TikTok's answer, Kafka's word where TikTok says that the token is dead, the new pair onto Kafka and into Redis. */
#pragma once

#include <sys/queue.h>

#include "job/program.h"
#include "poller/confirm.h"
#include "tiktok/oauth.h"

struct renewal;
LIST_HEAD(renewal_list, renewal);

struct renewals {                 // those of one poller
    struct program     *program;  // borrowed
    struct oauth       *oauth;    // borrowed
    struct confirm     *confirm;  // borrowed
    struct renewal_list under_way;
    int64_t             count;          // of them
    int64_t             held_until_ms;  // monotonic: our key or secret was refused
    int64_t             refused;        // renewals in a row that were, for no reason that is known
    void (*on_ended)(void *owner);      // one of them has ended, and is freed
    void *owner;
};

// epoch: of its lease; failures: in a row, before this one
void renewal_start(struct renewals *all, struct str open_id, struct str epoch, int64_t failures);
void renewals_fini(struct renewals *all);  // cancels what is under way
