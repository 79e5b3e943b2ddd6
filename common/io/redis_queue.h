// SPDX-License-Identifier: Apache-2.0
/* The commands of one redis: those that wait for a connection, and those that were written and wait
 * for an answer, which come in the order of the writing. Owned by io/redis.c. A command whose
 * deadline passes, or whose call is cancelled, leaves at once while it waits; once written it
 * stays, without its call, until its answer is there to be dropped. Those of the greeting have no
 * call and are not counted. */
#pragma once

#include <stdbool.h>
#include <sys/queue.h>

#include "base/text.h"
#include "io/redis.h"
#include "io/redis_greeting.h"
#include "loop/call.h"
#include "loop/loop.h"
#include "loop/stream.h"

struct command {
    bool                       greets;   // of the greeting
    enum greeting              word;     // when greets
    struct command_queue      *queue;    // borrowed
    struct call               *call;     // borrowed; NULL: nobody waits, the answer is dropped
    struct redis_reply        *reply;    // the caller's; NULL when call is
    const struct redis_script *script;   // NULL: not a script
    bool                       by_text;  // EVAL instead of EVALSHA
    bool                       written;  // which of the two lists it is in
    size_t                     argc;     // of a script: the words after its name
    struct str                 bytes;    // RESP, owned; of a script those words; empty when written
    struct timer               deadline;  // while call
    int64_t                    deadline_ms;
    int64_t                    written_us;  // monotonic; when written
    TAILQ_ENTRY(command) entry;
};

TAILQ_HEAD(command_list, command);

struct command_queue {
    struct loop        *loop;       // borrowed
    const char         *address;    // borrowed: who the server is, for messages
    const char         *why;        // borrowed: the last thing that went wrong with the connection
    struct command_list waiting;    // for a connection
    struct command_list written;    // for an answer
    int64_t             in_flight;  // in both lists, without the greeting
    int64_t             in_flight_max;
};

void queue_init(struct command_queue *queue, struct loop *loop, int64_t in_flight_max,
                const char *address, const char *why);
// in no list yet, bytes are to be set; NULL: too many in flight, and the call says so
struct command *queue_begin(struct command_queue *queue, int64_t deadline_ms,
                            struct redis_reply *reply, struct call *call, call_done *done);
struct command *queue_greet(struct command_queue *queue, enum greeting word, struct str bytes);
void            queue_wait(struct command *command);  // for a connection
// from `waiting`, `written` (again, by text) or no list to the end of `written`
void queue_write(struct command *command, struct stream *stream);
// the caller is to finish the call; what is left waits for an answer that nobody wants
struct call *queue_detach(struct command *command);
void         queue_forget(struct command *command);  // out of its list, and freed
// the connection is gone: the oldest written one hears `first`, the others ERR_LOST
void queue_lose(struct command_queue *queue, enum err_code first);
void queue_fini(struct command_queue *queue);  // calls were cancelled before
