// SPDX-License-Identifier: Apache-2.0
/* Writing what Kafka knows into a Redis whose gate this program has taken: accounts, then jobs and
 * their calls. Many scripts are on their way at a time (gate.at_once). One that fails, or a gate
 * that is lost, fails the whole. */
#pragma once

#include "job/program.h"
#include "job/replay.h"

struct restore;

// taker "": the gate is open, and nobody's (accounts only)
struct restore *restore_new(struct program *program, const char *taker, const char *generation);
// a record of <fleet>.accounts, as it is read; a newer one replaces an older
void restore_account(struct restore *restore, struct str value);
// the call is done when everything is in Redis. replay is borrowed until then.
void   restore_accounts(struct restore *restore, struct call *call, call_done *done);
void   restore_jobs(struct restore *restore, struct replay *replay, struct call *call,
                    call_done *done);
size_t restore_done(const struct restore *restore);  // of the step under way
size_t restore_of(const struct restore *restore);
void   restore_free(struct restore *restore);
