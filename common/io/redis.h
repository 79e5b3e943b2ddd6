// SPDX-License-Identifier: Apache-2.0
/* A connection to Redis: hiredis as the codec (formatter, reply reader) on a loop/stream. Connects
 * by itself and again with backoff and jitter; AUTH, SELECT, settings.permit and PING come first on
 * every connection, and only their answers make it connected (not while Redis loads its data, not
 * with refused credentials). Commands are pipelined. One that is asked for while not connected
 * waits in a bounded queue. Errors: ERR_CONNECT (never written, its deadline passed first),
 * ERR_FULL (too many in flight), ERR_TIMEOUT or ERR_LOST (written; it may or may not have
 * happened), ERR_BROKEN (not RESP: the connection is closed). An error that Redis answers is no
 * failure of the call: it is an answer of kind ANSWER_ERROR.
 *
 * A server that answers READONLY or MASTERDOWN is left for a new connection: its name may mean
 * another one by now.
 *
 * With redis+sentinel:// the sentinels are asked in turn who is the primary, before every
 * connection. The server that they name is taken only if it says so itself (ROLE, which the user's
 * ACL has to allow). A lost connection, an answer of a replica (READONLY) or a standstill of
 * silence_ms, be it the server's or this process's, begins anew with the sentinels: a primary that
 * was stopped, and replaced meanwhile, accepts commands for a moment when it wakes. So silence_ms
 * has to be longer than the pauses between two commands and well below gate.wait. After NOREPLICAS
 * the sentinels are asked while the connection stays, until they name another one. User and
 * password of the URL are Redis' own. rediss+sentinel:// speaks TLS with the sentinels and with
 * Redis; the certificate of each has to be for the name or address by which it is spoken to, and
 * sentinels name addresses unless they are told to announce host names. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "loop/call.h"

struct redis;
struct redis_script;

struct redis_settings {
    const char *url;  // redis://[user:password@]host[:port][/db], or
                      // redis+sentinel://[user:password@]host[:port][,host[:port]...]/service[/db];
                      // rediss://... and rediss+sentinel://... over TLS
    const char *ca_file;            // for TLS; NULL: the system's
    const char *sentinel_user;      // the sentinels' own, not Redis'; NULL: their default user
    const char *sentinel_password;  // NULL: they want none
    // asked on every connection before it counts as one: a script that answers OK, or in words why
    // this server or its user will not do; NULL: none. Borrowed.
    const struct redis_script *permit;
    const char                *permit_key;      // its KEYS[1]; NULL only without permit
    int64_t                    connect_ms;      // for one try
    int64_t                    backoff_min_ms;  // between tries, doubling with jitter
    int64_t                    backoff_max_ms;
    int64_t                    in_flight_max;     // commands waiting for an answer or a connection
    int64_t                    answer_max_bytes;  // a longer answer closes the connection
    int64_t silence_ms;  // answers are due and not a byte comes: closes it; 0: 30 s, or
                         // connect_ms with sentinels
    // each answer to a command: how long after it was written; script NULL: it was none; may be
    // NULL
    void (*on_timed)(void *owner, const struct redis_script *script, int64_t took_us);
    void *owner;  // for on_timed
};

enum answer_kind { ANSWER_NIL, ANSWER_TEXT, ANSWER_INTEGER, ANSWER_ARRAY, ANSWER_ERROR };

struct answer {
    enum answer_kind kind;
    int64_t          number;  // ANSWER_INTEGER
    struct str text;  // ANSWER_TEXT, ANSWER_ERROR (status replies are text); in the reply's arena
    struct answer *items;  // ANSWER_ARRAY
    size_t         count;  // ANSWER_ARRAY
};

// An answer and the memory it lives in; owned by the caller, who keeps it until after `done` and
// frees it.
struct redis_reply {
    struct answer answer;
    struct arena  arena;  // zeroed before the first use
};

// one script: its text and SHA-1, from the build
struct redis_script {
    const char *name;  // "claim"
    const char *text;  // with its shebang
    size_t      text_len;
    const char *sha1;  // 40 hex digits
};

// NULL only for a URL that cannot be understood (ERR_SETTING); settings are copied
struct redis *redis_new(struct loop *loop, const struct redis_settings *settings,
                        struct error *err) MUST_CHECK;
bool          redis_connected(const struct redis *redis);
// each time, before the commands that have waited; may start commands, may not free redis; NULL:
// nobody asks
void        redis_on_connect(struct redis *redis, void (*on_connect)(void *owner), void *owner);
const char *redis_address(const struct redis *redis);  // host:port of the server now, for logs
const char *
redis_why(const struct redis *redis);  // not connected: what went wrong last; else empty

// argv is copied; deadline_ms > 0; reply is filled before done(NULL)
void redis_command(struct redis *redis, const struct str *argv, size_t argc, int64_t deadline_ms,
                   struct redis_reply *reply, struct call *call, call_done *done);
// EVALSHA sha1 1 key argv...; on NOSCRIPT the text is sent instead, once (EVAL)
void redis_eval(struct redis *redis, const struct redis_script *script, struct str key,
                const struct str *argv, size_t argc, int64_t deadline_ms, struct redis_reply *reply,
                struct call *call, call_done *done);
void redis_reply_fini(struct redis_reply *reply);  // harmless on a zeroed reply; may be used again
void redis_free(struct redis *redis);              // calls in flight were cancelled before

// items[i] as text (numbers are not converted); empty when there is no such item or it is nil
struct str answer_item(const struct answer *answer, size_t i);
// value of a field in a flat [field, value, ...] array (HGETALL); empty when absent
struct str answer_field(const struct answer *answer, const char *field);
