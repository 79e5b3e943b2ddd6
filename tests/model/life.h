// SPDX-License-Identifier: Apache-2.0
/* One job's whole life: ingest, claim, INTENT, SENDING, the post, its result, the poller, the reaper, the outbox,
 * commands, and a gate that rebuilds a Redis that forgot. Every rule can be taken away alone.
 *
 *   Redis      an image each for the primary, what its replica has of it, and an isolated old primary that still
 *              accepts; while there are two primaries, every script may go to either
 *   journal    the last record of each key, at all times: what compaction may leave
 *   worker     what it holds and its next step; a paused one needs no step of its own, since whoever holds
 *              something may take the next step at any later moment
 *   TikTok     publish ids and what becomes of them
 *   risked     the attempts that a person or the policy chose to risk
 *
 * Epochs are generation * GENERATION + n in one byte. The files: life.c start and checks, life_worker.c,
 * life_poller.c, life_command.c, life_gate.c. */
#pragma once

#include "engine.h"

enum { GENERATION = 32, ATTEMPTS = 4, WORKERS = 3, TAKERS = 2, OUTBOX = 6 };
enum { SLEEPING = 2, COMMANDS = 2, POSTS = 4, RISKS = 8, ENDS = 4, POLICIES = 2 };

// clang-format off
/*      rule          what it says                                              */
#define LIFE_RULES(X)                                                                                \
    X( NOTHING,       "nothing",        "nothing is taken away"                                  )   \
    X( KAFKA_FIRST,   "kafka-first",    "Kafka before Redis"                                     )   \
    X( GENERATION,    "generation",     "the generation is part of the epoch"                    )   \
    X( GATED,         "gated",          "scripts ask the gate"                                   )   \
    X( REAPER_GATED,  "reaper-gated",   "the reaper asks the gate, too"                          )   \
    X( WAIT,          "wait",           "the gate waits for an isolated primary"                 )   \
    X( REPLID,        "replid",         "identity is master_replid"                              )   \
    X( KEYS,          "keys",           "a journal key for each attempt"                         )   \
    X( NEWEST,        "newest",         "the newest attempt decides"                             )   \
    X( END_OLD,       "end-old",        "an end decides only if nothing is newer"                )   \
    X( SAME,          "same",           "late results for the same attempt only"                 )   \
    X( FINISH,        "finish",         "FINISH names its publish id"                            )   \
    X( REQUEUE,       "requeue",        "the gate turns CLAIMED into QUEUED"                     )   \
    X( NAMES,         "names",          "retry and resolve name an epoch"                        )   \
    X( ATTEMPT_NAME,  "attempt-name",   "a doubt's epoch is its attempt's"                       )   \
    X( VOID_PID,      "void-pid",       "a retry voids a doubt, not an answer"                   )   \
    X( VERDICT,       "verdict",        "a resolve decides in the replay"                        )   \
    X( REFUSAL,       "refusal",        "a refused command is journaled as refused"              )   \
    X( USED,          "used",           "a command that the replay used is applied"              )   \
    X( WHOLE,         "whole",          "a retry of an end voids its attempts"                   )   \
    X( IMAGE,         "image",          "tail: what Redis holds counts"                          )   \
    X( IMAGE_ALWAYS,  "image-always",   "tail: even if the tail names the job"                   )   \
    X( TOKEN,         "token",          "the first start takes the gate's token"                 )   \
    X( GENERATION_KEY,"generation-key", "an older GENERATION overwrites nothing"                 )   \
    X( KEEP_URL,      "keep-url",       "an upload with INTENT is not begun anew"                )   \
    X( CANCEL_REPLAY, "cancel-replay",  "a cancel decides in the replay like an end of its attempt" )   \
    X( CANCEL_ARROW,  "cancel-before",  "a cancel is for before the commit point only"           )   \
    X( CANCEL_UPLOAD, "cancel-upload",  "an upload with INTENT is not cancelled"                 )   \
    X( TOO_OLD,       "too-old",        "a message older than the end records live is EXPIRED"   )   \
    X( ENDS_LAST,     "ends-last",      "tombstones: attempts, then commands, then the end"      )   \
    X( DOUBT_KEPT,    "doubt-kept",     "SENDING whose lease ended is UNSURE, never QUEUED"      )   \
    X( ABORT_KNOWN,   "abort-known",    "INTENT_ABORTED only after a definite refusal"           )   \
    X( DOUBT_ONLY,    "doubt-only",     "a retry of a doubt voids no end but a FAILED one"       )   \
    X( HELD,          "held",           "what Redis holds counts, in a full replay, too"         )   \
    X( RETRIED,       "retried",        "tail: Redis holds which end was retried"                )   \
    X( END_AGAIN,     "end-again",      "an end that a command made is a record before the command goes" )   \
    X( BURIED,        "buried",         "the tombstone of an end buries its attempts"            )   \
    X( NEWEST_LAST,   "newest-last",    "tombstones: of several ends the newest one last"        )   \
    X( TAIL_MARGIN,   "tail-margin",    "the tail begins a lease and a minute back"              )   \
    X( TAIL_STALE,    "tail-stale",     "no tail from where the journal ended half an end's time ago" )   \
    X( POLICY_FIRST,  "policy-first",   "a retry by the policy is journaled before it is done"   )   \
    X( POLICY_WEAK,   "policy-weak",    "it voids a doubt, and no end"                           )   \
    X( END_KEYS,      "end-keys",       "a journal key for each attempt's end"                   )

enum life_rule {
#define X(name, word, text) WITHOUT_##name,
    LIFE_RULES(X)
#undef X
};
// clang-format on

// the faults and choices that are left, each a bound of the search
struct bounds {
    uint8_t fail;     // failovers
    uint8_t flush;    // FLUSHALLs
    uint8_t crash;    // kills
    uint8_t reap;     // leases that end while their owner lives
    uint8_t lost;     // answers or replies of scripts
    uint8_t refuse;   // refusals by TikTok
    uint8_t bad;      // publish ids that end FAILED
    uint8_t ask;      // retries and resolves by a person
    uint8_t slow;     // relays that sleep
    uint8_t late;     // publish ids whose end nobody can tell: horizon or invalid_publish_id
    uint8_t policy;   // UNSURE jobs that the policy sends again, or fails
    uint8_t changed;  // sources that changed
    uint8_t gone;     // upload URLs that expire
    uint8_t claims;   // attempts
    uint8_t takes;    // times that the gate is taken
    uint8_t cancel;   // cancels by a person
    uint8_t expire;   // expires_at passes
    uint8_t old;      // the records of an end have lived their time
};

struct life {
    enum life_rule without;
    struct bounds  bounds;   // claims and takes: 0 is the usual 3 and 99
    uint8_t        workers;  // that hold an attempt at once; 0: 2
    uint8_t        takers;   // 0: 1
    bool           paper;    // the reference's order of steps, where the product's differs
    bool           first;    // begins before the first start
    bool           tail;     // the journal may be read from where it ended at a heartbeat
    bool late_tail;   // a tail begins where the journal ended at a heartbeat of some time ago
    bool torn;        // it is read in two parts, at two moments
    bool upload;      // publish id before the commit point
    bool no_split;    // a failover leaves no old primary that accepts
    bool resolve;     // a person may also say that the post is there
    bool failed;      // FAILED publish ids may be FAILED for good
    bool forgetting;  // checked, too: what a command decided stays decided
    bool hiding;      // checked, too: nothing that stands on TikTok is said not to
};

static inline bool has_rule(const struct life *life, enum life_rule rule)
{
    return life->without != rule;
}

enum kind { KIND_NONE, KIND_INTENT, KIND_ABORTED, KIND_INITED, KIND_DOUBT };

struct attempt_record {
    uint8_t epoch;
    uint8_t kind;
    uint8_t pid;  // 0: none
};

enum what { WHAT_NONE, WHAT_RETRY, WHAT_AGAIN, WHAT_RESOLVE, WHAT_CANCEL, WHAT_REFUSED };

struct command_record {
    uint8_t what;    // AGAIN: retry of an end
    uint8_t target;  // epoch that it acts on
    uint8_t pid;     // that it names
};

struct end_record {
    uint8_t epoch;
    uint8_t state;  // NONE: no more
};

struct journal {
    struct attempt_record attempts[ATTEMPTS];  // by epoch; kind NONE: no more
    struct command_record commands[COMMANDS];
    struct command_record policies[POLICIES];  // retries by the policy, by epoch
    struct end_record     ends[ENDS];          // by epoch, then as one may follow another
    uint8_t               buried;              // the newest attempt whose end has a tombstone
};

struct out {
    uint8_t name;  // an end's state; JOB_NONE: INTENT_ABORTED
    uint8_t epoch;
};

struct image {
    uint8_t there;      // a server; nothing else counts without it
    uint8_t state;      // enum job_state
    uint8_t ownerless;  // UPLOADING, and its owner is gone
    uint8_t epoch;
    uint8_t attempt;  // its epoch
    uint8_t pid;      // publish id; 0: not known
    uint8_t n;        // the fleet's counter
    uint8_t generation;
    uint8_t open;       // the gate
    uint8_t committed;  // this publish id has been in SENDING (not in the paper's steps)
    uint8_t token;      // its taker's; 0: nobody
    uint8_t retried;    // the end that a command retried, by its epoch (not in the paper's steps)
    uint8_t
        doubted;  // the attempt whose doubt was retried, until the next step (not in the paper's steps)
    uint8_t        watermark;  // the next command
    uint8_t        applied;    // bit of each command
    uint8_t        out_count;
    struct out     out[OUTBOX];
    struct journal mark;           // what the journal held where a tail begins
    struct journal young;          // what it held at the last heartbeat, where one will begin
    uint8_t        young_attempt;  // what was in flight then; 0: nothing
};

enum server { CUR, REP, OLD, SERVERS };

enum pc { PC_NONE, PC_INIT, PC_INTENT, PC_SENDING, PC_POST, PC_RESULT };
enum result { RESULT_NONE, RESULT_ACCEPTED, RESULT_NOT_SENT, RESULT_REFUSED, RESULT_DOUBT };
enum todo { TO_JOURNAL = 1, TO_REDIS = 2 };

struct worker {
    uint8_t pc;  // its next step
    uint8_t epoch;
    uint8_t pid;
    uint8_t result;
    uint8_t todo;  // where the result still has to go
};

enum taking {
    TAKING_NONE,
    TAKING_FIRST,          // a first start: GENERATION is to be written
    TAKING_WRITE,          // GENERATION is to be written
    TAKING_READ,           // the journal is to be read
    TAKING_REST_ATTEMPTS,  // all of it but the attempts has been read
    TAKING_REST_OTHERS,    // only the attempts have
    TAKING_APPLY,
    TAKING_OPEN,  // at once: the first start
};

struct taker {
    uint8_t        pc;
    uint8_t        token;
    uint8_t        generation;
    struct journal journal;  // as read
};

enum { TOLD_NOTHING = 0, TOLD_REFUSED = 255 };  // else the attempt's epoch that it was applied to

struct command {
    uint8_t what;  // NONE: no more
    uint8_t target;
    uint8_t pid;
    uint8_t told;
};

enum fate { FATE_NONE, FATE_PUBLISHED, FATE_FAILED, FATE_EXPIRED };

struct post {
    uint8_t pid;
    uint8_t fate;
};

struct state {
    struct image   image[SERVERS];
    struct journal journal;
    uint8_t        generation;        // in the journal
    struct worker  workers[WORKERS];  // sorted, free ones last
    struct taker   takers[TAKERS];
    struct out     sleeping[SLEEPING];  // read by a relay that sleeps
    uint8_t        sleeping_count;
    struct command commands[COMMANDS];
    struct post    posts[POSTS];   // by publish id
    uint8_t        risked[RISKS];  // sorted, each plus 1; 0: no more
    uint8_t        expired;        // expires_at has passed
    uint8_t        aged;           // so has the time of the end's records
    uint8_t        policied;       // the attempt that the policy retried last
    uint8_t        at_policy;  // the attempt whose retry a poller has journaled and not done yet
    struct bounds  left;       // without padding; the whole is a multiple of 8
    uint8_t        pad[7];
};

extern const struct machine life_machine;

// ---- rows of the tables of groups and ablations (runner.h)

extern const char *const life_rule_words[];
extern const char *const life_rule_texts[];

#define LIFE(...)                                                                                  \
    &(const struct life)                                                                           \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }

// The reference's order of steps: so many states, not one more or less.
#define REFERENCE(text, count, live, ...)                                                          \
    {                                                                                              \
        .name = "reference: " text, .setting = LIFE(.paper = true, __VA_ARGS__), .floor = (count), \
        .exact = true, .progress = (live), .when = LONG                                            \
    }

// A rule of LIFE_RULES taken away, in the product's order of steps.
#define ABLATION(word, ...)                                                                        \
    {                                                                                              \
        .rule = &life_rule_words[WITHOUT_##word], .text = &life_rule_texts[WITHOUT_##word],        \
        .setting = LIFE(.without = WITHOUT_##word, __VA_ARGS__)                                    \
    }

// The product's order of steps.
#define GROUP(text, least, live, moment, ...)                                                      \
    {                                                                                              \
        .name = text, .setting = LIFE(.hiding = true, .forgetting = true, __VA_ARGS__),            \
        .floor = (least), .progress = (live), .when = (moment)                                     \
    }

// ---- what the files share; life.c unless said otherwise

enum job_state image_state(const struct image *image);
bool        image_live(const struct life *life, const struct image *image);  // a script may write
uint8_t     epoch_next(const struct life *life, const struct image *image);
const char *epoch_text(uint8_t epoch);    // "1-3"; a few at a time
const char *at_text(enum server server);  // " by the OLD primary"
const char *state_text(const struct image *image);
enum fate   fate_of(const struct state *state, uint8_t pid);
void        post_add(struct state *state, uint8_t pid, enum fate fate);
void        risk(struct state *state, uint8_t epoch);
void        workers_sort(struct state *state);
void        out_add(struct image *image, enum job_state name, uint8_t epoch);
void        journal_attempt(const struct life *life, struct journal *journal, uint8_t epoch,
                            enum kind kind, uint8_t pid);
void        journal_end(const struct life *life, struct journal *journal, struct end_record end);
void        journal_out(const struct life *life, struct journal *journal, struct out out);
bool        end_is_newer(struct end_record a, struct end_record b);  // a decides over b
// an attempt with this publish id
bool journal_names(const struct journal *journal, uint8_t pid);

// the arrow of a job; where it leaves to is the product's table's business
void image_move(struct search *search, struct image *image, enum job_event event);

// life_worker.c
void worker_steps(const struct life *life, const struct state *state, struct search *search);
// life_worker.c
void ingest_steps(const struct life *life, const struct state *state, struct search *search);
// life_poller.c
void poller_steps(const struct life *life, const struct state *state, struct search *search);
// life_command.c
void command_steps(const struct life *life, const struct state *state, struct search *search);
// life_gate.c
void redis_steps(const struct life *life, const struct state *state, struct search *search);
// life_gate.c
void gate_steps(const struct life *life, const struct state *state, struct search *search);

// What the gate makes of the job on `image`; the attempts that a journaled retry voided are risked.
// life_replay.c
void replay(const struct life *life, const struct journal *journal, uint8_t generation,
            struct image *image, struct state *state);
bool journal_says_end(const struct life *life, const struct state *state, struct end_record *end);
