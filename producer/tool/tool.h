// SPDX-License-Identifier: Apache-2.0
/* What a verb works with: settings, the loop, and connections that are opened when they are first
 * asked for. A verb is a straight line: it starts calls and turns the loop until they are done
 * (tool_wait), so every wait is bounded by the call's own deadline and ends at once on Ctrl-C. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "io/kafka_out.h"
#include "io/redis.h"
#include "job/config.h"
#include "job/journal.h"
#include "job/store.h"
#include "loop/call.h"
#include "loop/loop.h"
#include "producer/tool/out.h"

// Exit statuses, the same for every verb. END_CLOSED and END_INTERRUPTED are what a shell makes of
// SIGPIPE and SIGINT.
// clang-format off
#define ENDINGS(X)                                                                              \
    X( END_WELL,        0,   "it ended well"                                                  ) \
    X( END_BAD,         1,   "it did not: the job failed, lines are bad, topics drifted, there is no such thing" ) \
    X( END_USAGE,       2,   "wrong flags or settings"                                        ) \
    X( END_UNREACHABLE, 3,   "Kafka or Redis cannot be reached, or the gate is closed"        ) \
    X( END_GOING,       4,   "still going on when the time was over"                          ) \
    X( END_UNSURE,      5,   "unsure: nobody knows whether the post was published"            ) \
    X( END_INTERRUPTED, 130, "interrupted (Ctrl-C, SIGTERM)"                                  ) \
    X( END_CLOSED,      141, "the reader of its output went away"                             )
// clang-format on

#define ENDING_NUMBER(name, number, words) name = (number),
enum ending { ENDINGS(ENDING_NUMBER) };
#undef ENDING_NUMBER
#define ENDING_ROW(name, number, words) { (number), (words) },

struct tool {
    struct config       config;
    struct loop        *loop;
    struct kafka_out   *kafka;        // NULL until tool_kafka()
    struct redis       *redis;        // NULL until tool_store()
    struct store       *store;        // NULL until tool_store()
    struct signal_watch signals[2];   // SIGINT, SIGTERM
    bool                interrupted;  // by one of them
    struct out          out;          // standard output
    struct out          err;          // standard error: progress and complaints
};

// one call, waited for in place
struct wait {
    struct call  call;
    bool         failed;
    struct error error;
};

// one command of Redis about one key, with its reply
struct ask {
    struct str         argv[16];
    size_t             argc;
    struct buf         key;  // argv[1]
    struct redis_reply reply;
    struct wait        wait;  // tool_ask()'s
};

void tool_open_bare(struct tool *tool, bool verbose);  // to print, no more
bool tool_open(struct tool *tool, char *const *environment, bool verbose,
               struct error *err) MUST_CHECK;
void tool_close(struct tool *tool);

struct kafka_out *tool_kafka(struct tool *tool, struct error *err) MUST_CHECK;
struct store     *tool_store(struct tool *tool, struct error *err) MUST_CHECK;
void              tool_kafka_settings(const struct tool *tool, struct kafka_settings *settings);
void tool_topic(const struct tool *tool, enum fleet_topic topic, char out[TOPIC_NAME_BYTES]);

void wait_done(struct call *call, const struct error *err);  // a call_done for struct wait
bool tool_wait(struct tool *tool, struct wait *wait, struct error *err) MUST_CHECK;
void tool_turn(struct tool *tool, int64_t at_most_ms);  // handles what is ready, or waits so long
bool tool_idle(struct tool *tool, int64_t ms);          // false: interrupted
// a zeroed ask: command, key ({fleet}:, what, id), then further arguments, borrowed until
// tool_ask() returns;
// tool_store() was asked for before. what NULL: a command without a key
void ask_begin(const struct tool *tool, struct ask *ask, const char *command, const char *what,
               struct str id);
void ask_add(struct ask *ask, const char *argument);
// all at once; false when one has no answer. An error that Redis itself answers is ERR_CLOSED here.
bool tool_ask(struct tool *tool, struct ask *asks, size_t count, struct error *err) MUST_CHECK;
void asks_fini(struct ask *asks, size_t count);
// one record to a topic of the fleet, confirmed
bool tool_send(struct tool *tool, enum fleet_topic topic, struct str key, struct str value,
               struct kafka_place *place, struct error *err) MUST_CHECK;

// names the server and the variable that leads to it
void tool_blame_kafka(const struct tool *tool, struct error *err);
void tool_blame_redis(const struct tool *tool, struct error *err);
// prints the error and returns the exit status that it means
int tool_fail(struct tool *tool, const struct error *err);
// warns, notes: "tokfleet: ..." on standard error
void tool_note(struct tool *tool, const char *format, ...) PRINTF_LIKE(2, 3);
