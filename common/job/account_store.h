// SPDX-License-Identifier: Apache-2.0
/* An account's record in Redis: put there by the script `account`, read back by `account_read`.
 * Redis holds the whole record, field by field (REDIS.md), so that whoever renews a part of it need
 * not read Kafka. */
#pragma once

#include "job/account.h"
#include "job/store.h"

// What the script `account` said. WORD_GATE: nothing was written; WORD_STATE: the alias is another
// account's.
struct account_stored {
    enum store_word word;
    int64_t         left;   // jobs that still wait for the account: store the same again
    bool            newer;  // nothing was written: Redis holds a newer record
    struct str      owner;  // WORD_STATE: who has the alias; in the reply
};

// One call of the script. alias: which of the record's aliases it stores (each needs a call; 0 if
// there is none). seen: the rev that the record was built on; -1: whatever is there. taker: who has
// the gate, "" for everyone else.
void account_store(struct store *store, const struct account_record *record, size_t alias,
                   int64_t seen, struct str taker, struct str by, struct redis_reply *reply,
                   struct call *call, call_done *done);
// false: no answer, or an error of Redis itself
bool account_store_answer(const struct error *call_err, const struct redis_reply *reply,
                          struct account_stored *stored, struct error *err) MUST_CHECK;

// What the script `account_read` (script_account_read) answered with OK, as a record; texts live in
// the arena.
bool account_read_answer(const struct redis_reply *reply, struct account_record *record,
                         struct arena *arena, struct error *err) MUST_CHECK;
