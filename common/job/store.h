// SPDX-License-Identifier: Apache-2.0
/* The fleet's Redis: where jobs live (REDIS.md). Every change is a script (scripts/, one function
 * script_<name>() each, from the build); a program never writes a key by itself. A script answers
 * an array whose first word is one of these; running it again with the same arguments is harmless,
 * so that a lost answer is simply asked for again. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "io/redis.h"
#include "job/config.h"
#include "job/scripts.gen.h"
#include "loop/call.h"

struct store;

enum store_word {
    WORD_OK,      // done, or done before
    WORD_GATE,    // the gate is closed: nothing was written
    WORD_FENCED,  // somebody newer has it: nothing was written
    WORD_STATE,   // no such arrow from where the job is: nothing was written
    WORD_WAIT,    // nothing to do now
    WORD_FULL,    // a limit
};

// redis and config are borrowed for the store's life
struct store        *store_new(struct loop *loop, struct redis *redis, const struct config *config);
void                 store_free(struct store *store);
struct redis        *store_redis(const struct store *store);
const struct config *store_config(const struct store *store);
// "{fleet}:" and what; the buffer is the caller's
void store_key(const struct store *store, struct buf *out, const char *what, struct str id);
// any other command (reads): argv[1] must be a whole key
void store_command(struct store *store, const struct str *argv, size_t argc,
                   struct redis_reply *reply, struct call *call, call_done *done);

// What a script answered. False: no answer, or an error of Redis itself (memory, replicas,
// loading): `why` says so, and whether it happened is not known.
bool store_word(const struct error *err, const struct redis_reply *reply, enum store_word *word,
                struct error *why) MUST_CHECK;
bool store_out_of_memory(const struct redis_reply *reply);

// for scripts.gen.c
void store_run(struct store *store, const struct redis_script *script, const struct str *argv,
               size_t argc, struct redis_reply *reply, struct call *call, call_done *done);
