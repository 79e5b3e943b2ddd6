// SPDX-License-Identifier: Apache-2.0
/* Ingest: three messages of one partition, the last one a bad one, workers that pipeline scripts, a
 * watermark that is compared and set. LOST: a message that is not in Redis (or among the dead
 * letters), and nobody is left who would read it again. The topic may be made anew, its oldest
 * messages may go, the partition may move to another worker. */
#include <string.h>

#include "base/memory.h"
#include "engine.h"
#include "runner.h"

enum { MESSAGES = 3, BAD = 2, WORKERS = 2, PIPELINE = 2, NO_MARK = 255, NO_TOPIC = 2 };

// clang-format off
/*      rule             what it says                                                                       */
#define INGEST_RULES(X)                                                                                     \
    X( NOTHING,       "nothing",        "nothing is taken away"                                         )   \
    X( CAS_MAX,       "cas-max",        "the watermark is compared and set, not a maximum"              )   \
    X( CAS_SET,       "cas-set",        "the watermark is compared and set, not only set"               )   \
    X( CAS_WHOLE,     "cas-whole",      "the watermark is compared whole, not its offset only"          )   \
    X( SEEK,          "seek",           "when the gate has opened, ingest seeks to the watermark"       )   \
    X( FITS,          "fits",           "the message before the watermark has to fit"                   )   \
    X( HEARS,         "hears",          "a reader hears that the topic is another one"                  )   \
    X( LETTER_FIRST,  "letter-first",   "the dead letter before the watermark passes"                   )   \
    X( OUTLIVES,      "outlives",       "the message of a job that outlives the topic is in the journal")   \
    X( ONE_SCRIPT,    "one-script",     "one script stores the job and moves the watermark"             )

enum ingest_rule {
#define X(name, word, text) WITHOUT_##name,
    INGEST_RULES(X)
#undef X
};
// clang-format on

struct bounds {
    uint8_t fail, flush, crash;
    uint8_t
        broken;  // scripts that fail (memory full, a cut connection) while the next is on its way
    uint8_t rebalance;  // the partition moves to the second worker
    uint8_t anew;       // the topic is deleted and made again
    uint8_t retention;  // messages whose time in the topic is over
};

struct ingest {
    enum ingest_rule without;
    struct bounds    bounds;
    bool    paper;  // the reference: good messages, and a reader that is where the gate puts it
    uint8_t workers;
    bool    ungated;  // the scripts do not ask the gate
};

struct image {
    uint8_t there;
    uint8_t mark;        // the next offset, or NO_MARK
    uint8_t mark_topic;  // the topic of the message before it: its CRC
    uint8_t open;
    uint8_t jobs;  // a bit for each message of the topic that is there now
};

struct item {
    uint8_t taken;  // plus 1: its offset
    uint8_t topic;
    uint8_t
            before;  // the topic of the message before it, as the reader knows it; NO_TOPIC: no watermark is shown
    uint8_t ready;  // what Kafka has to hear of it is there
};

struct worker {
    uint8_t     owner;
    uint8_t     next;    // offset to fetch
    uint8_t     before;  // the topic of the message before that; NO_TOPIC: there was no watermark
    uint8_t     begins;  // has to ask for the watermark first
    uint8_t     owes;    // a dead letter that comes too late (without LETTER_FIRST)
    struct item items[PIPELINE];
    uint8_t
        stored;  // plus 1: stored by a script of its own, the watermark comes after (without ONE_SCRIPT)
};

enum server { CUR, REP, SERVERS };

struct state {
    struct image  image[SERVERS];
    uint8_t       topic;      // 0, then 1
    uint8_t       length;     // messages in it so far
    uint8_t       low;        // the oldest that is still there
    uint8_t       journaled;  // messages that the journal has, a bit each
    uint8_t       letters;    // dead letters, a bit for each topic
    struct worker workers[WORKERS];
    struct bounds left;
    uint8_t       pad[6];
};

static bool has_rule(const struct ingest *ingest, enum ingest_rule rule)
{
    return ingest->without != rule;
}

static bool is_bad(const struct ingest *ingest, int offset)
{
    return !ingest->paper && offset == BAD;
}

static int worker_count(const struct ingest *ingest)
{
    return ingest->workers ? ingest->workers : 1;
}

// ---- the reader

static void drop_items(struct worker *worker)
{
    memset(worker->items, 0, sizeof worker->items);
}

static void shift_items(struct worker *worker)
{
    memmove(&worker->items[0], &worker->items[1], sizeof worker->items - sizeof worker->items[0]);
    worker->items[PIPELINE - 1] = (struct item){ 0 };
}

// where the reader goes when a script was refused or the gate is closed
static void go_back(const struct ingest *ingest, struct worker *worker, const struct image *image)
{
    drop_items(worker);
    if (!worker->owner)
        return;
    if (!ingest->paper)
        worker->begins = 1;
    else if (image->open || ingest->ungated)
        worker->next = image->mark == NO_MARK ? 0 : image->mark;
}

static void fetch_steps(const struct ingest *ingest, const struct state *state, int i,
                        struct search *search)
{
    const struct worker *from   = &state->workers[i];
    struct state         to     = *state;
    struct worker       *worker = &to.workers[i];
    if (!from->owner || from->begins || from->stored)
        return;
    if (from->next < state->low || from->next > state->length) {
        worker->begins = 1;
        drop_items(worker);
        search_add(search, &to, "W%d: offset %d is out of range, begins again", i + 1, from->next);
        return;
    }
    int slot = 0;
    while (slot < PIPELINE && from->items[slot].taken)
        slot++;
    if (slot == PIPELINE || from->next == state->length)
        return;
    worker->items[slot] = (struct item){
        .taken  = (uint8_t)(from->next + 1),
        .topic  = state->topic,
        .before = from->before,
        .ready  = !is_bad(ingest, from->next) || !has_rule(ingest, WITHOUT_LETTER_FIRST),
    };
    worker->next++;
    worker->before = ingest->paper ? 0 : state->topic;
    search_add(search, &to, "W%d: fetches message %d", i + 1, from->next);
}

static void begin_steps(const struct ingest *ingest, const struct state *state, int i,
                        struct search *search)
{
    const struct image *cur    = &state->image[CUR];
    struct state        to     = *state;
    struct worker      *worker = &to.workers[i];
    if (!worker->owner || !worker->begins || !cur->open)
        return;
    if (cur->mark == NO_MARK) {
        worker->begins = 0;
        worker->next   = state->low;
        worker->before = NO_TOPIC;
        search_add(search, &to, "W%d: no watermark, begins with message %d", i + 1, state->low);
        return;
    }
    bool fits = cur->mark == 0 || (cur->mark > state->low && cur->mark <= state->length &&
                                   cur->mark_topic == state->topic);
    if (!fits && (has_rule(ingest, WITHOUT_FITS) || cur->mark > state->length)) {
        to.image[CUR].mark = NO_MARK;
        search_add(search, &to,
                   "W%d: the message before watermark %d does not fit: from the beginning", i + 1,
                   cur->mark);
        return;
    }
    worker->begins = 0;
    worker->next   = cur->mark < state->low ? state->low : cur->mark;
    worker->before = cur->mark_topic;
    search_add(search, &to, "W%d: begins where the watermark is, with message %d", i + 1,
               worker->next);
}

// ---- the script

static void store(const struct ingest *ingest, struct state *to, int i, struct item item)
{
    struct image  *cur    = &to->image[CUR];
    struct worker *worker = &to->workers[i];
    uint8_t        offset = (uint8_t)(item.taken - 1);
    if (is_bad(ingest, offset)) {
        if (!has_rule(ingest, WITHOUT_LETTER_FIRST))
            worker->owes = (uint8_t)(item.topic + 1);
    } else if (item.topic == to->topic) {
        cur->jobs |= (uint8_t)(1 << offset);
    }
}

static void mark_set(const struct ingest *ingest, struct image *cur, struct item item)
{
    bool behind = cur->mark == NO_MARK || cur->mark < item.taken;
    if (!has_rule(ingest, WITHOUT_CAS_MAX) && !behind)
        return;
    cur->mark       = item.taken;
    cur->mark_topic = item.topic;
}

static bool is_shown(const struct ingest *ingest, const struct image *cur, struct item item)
{
    if (!has_rule(ingest, WITHOUT_CAS_MAX) || !has_rule(ingest, WITHOUT_CAS_SET))
        return true;
    if (ingest->paper)
        return cur->mark == item.taken - 1;
    if (cur->mark == NO_MARK || item.before == NO_TOPIC)
        return cur->mark == NO_MARK && item.before == NO_TOPIC;
    return cur->mark == item.taken - 1 &&
           (cur->mark_topic == item.before || !has_rule(ingest, WITHOUT_CAS_WHOLE));
}

static void script_steps(const struct ingest *ingest, const struct state *state, int i,
                         struct search *search)
{
    const struct worker *from   = &state->workers[i];
    const struct image  *cur    = &state->image[CUR];
    struct item          item   = from->items[0];
    struct state         to     = *state;
    int                  offset = item.taken - 1;
    if (!item.taken || !item.ready || from->stored)
        return;
    if (!cur->open && !ingest->ungated) {
        go_back(ingest, &to.workers[i], cur);
        search_add(search, &to, "W%d: ingest %d answered GATE", i + 1, offset);
        return;
    }
    if (!is_shown(ingest, cur, item)) {
        go_back(ingest, &to.workers[i], cur);
        search_add(search, &to, "W%d: ingest %d refused, the watermark is %d", i + 1, offset,
                   cur->mark);
        return;
    }
    shift_items(&to.workers[i]);
    if (!has_rule(ingest, WITHOUT_ONE_SCRIPT)) {
        mark_set(ingest, &to.image[CUR], item);
        to.workers[i].stored = item.taken;
        search_add(search, &to, "W%d: watermark %d, the job is to follow", i + 1, item.taken);
        return;
    }
    store(ingest, &to, i, item);
    mark_set(ingest, &to.image[CUR], item);
    search_add(search, &to, "W%d: ingest %d stored, watermark %d", i + 1, offset,
               to.image[CUR].mark);
    if (!state->left.broken)
        return;
    to = *state;
    shift_items(&to.workers[i]);
    to.left.broken--;
    search_add(search, &to, "W%d: ingest %d FAILS, the next one is already on its way", i + 1,
               offset);
}

static void letter_steps(const struct state *state, int i, struct search *search)
{
    const struct worker *from = &state->workers[i];
    struct state         to   = *state;
    for (int k = 0; k < PIPELINE; k++) {
        if (!from->items[k].taken || from->items[k].ready)
            continue;
        to                           = *state;
        to.workers[i].items[k].ready = 1;
        to.letters |= (uint8_t)(1 << from->items[k].topic);
        search_add(search, &to, "W%d: dead letter of message %d", i + 1, from->items[k].taken - 1);
    }
    if (from->owes) {
        to = *state;
        to.letters |= (uint8_t)(1 << (from->owes - 1));
        to.workers[i].owes = 0;
        search_add(search, &to, "W%d: dead letter, after its script", i + 1);
    }
    if (from->stored && state->image[CUR].open) {
        to                   = *state;
        to.workers[i].stored = 0;
        to.image[CUR].jobs |= (uint8_t)(1 << (from->stored - 1));
        search_add(search, &to, "W%d: the job %d, after its watermark", i + 1, from->stored - 1);
    }
}

// ---- faults

static void redis_steps(const struct state *state, struct search *search)
{
    const struct image *rep = &state->image[REP];
    struct state        to  = *state;
    if (rep->there && memcmp(rep, &state->image[CUR], sizeof *rep) != 0) {
        to.image[REP] = state->image[CUR];
        search_add(search, &to, "replica catches up");
    }
    if (state->left.fail && rep->there) {
        to                 = *state;
        to.image[CUR]      = *rep;
        to.image[CUR].open = 0;
        to.image[REP]      = (struct image){ 0 };
        to.left.fail--;
        search_add(search, &to, "FAILOVER: watermark %d", rep->mark);
    }
    if (state->left.flush) {
        to            = *state;
        to.image[CUR] = (struct image){ .there = 1, .mark = NO_MARK };
        to.image[REP] = (struct image){ 0 };
        to.left.flush--;
        search_add(search, &to, "FLUSHALL");
    }
}

static void rebalance_steps(const struct ingest *ingest, const struct state *state,
                            struct search *search)
{
    const struct image *cur = &state->image[CUR];
    struct state        to  = *state;
    if (worker_count(ingest) < 2)
        return;
    if (state->left.rebalance) {
        uint8_t next      = cur->mark == NO_MARK ? 0 : cur->mark;
        to.workers[1]     = (struct worker){ .owner  = 1,
                                             .next   = ingest->paper ? next : 0,
                                             .begins = !ingest->paper };
        to.left.rebalance = 0;
        search_add(search, &to, "rebalance: W2 owns the partition; W1 does not know yet");
    } else if (state->workers[0].owner && state->workers[1].owner) {
        to.workers[0].owner = 0;
        search_add(search, &to, "W1 learns that it lost the partition");
    }
}

// A gate that opens restores the messages in the journal; the reader goes to the watermark.
static void gate_steps(const struct ingest *ingest, const struct state *state,
                       struct search *search)
{
    const struct image *cur = &state->image[CUR];
    struct state        to  = *state;
    if (cur->open)
        return;
    to.image[CUR].open = 1;
    to.image[CUR].jobs |= state->journaled;
    for (int i = 0; i < worker_count(ingest) && has_rule(ingest, WITHOUT_SEEK); i++) {
        struct worker *worker = &to.workers[i];
        if (!worker->owner)
            continue;
        if (!ingest->ungated ||
            (has_rule(ingest, WITHOUT_CAS_MAX) && has_rule(ingest, WITHOUT_CAS_SET)))
            drop_items(worker);
        worker->begins = !ingest->paper;
        if (ingest->paper)
            worker->next = cur->mark == NO_MARK ? 0 : cur->mark;
    }
    search_add(search, &to, "the gate opens, the watermark is %d", cur->mark);
}

static void topic_steps(const struct ingest *ingest, const struct state *state,
                        struct search *search)
{
    struct state to = *state;
    if (state->topic && state->length < MESSAGES) {
        to.length++;
        search_add(search, &to, "upstream: message %d of the new topic", state->length);
    }
    if (state->left.anew && !state->topic) {
        to = *state;
        to.left.anew--;
        to.topic  = 1;
        to.length = to.low = to.journaled = 0;
        for (int s = 0; s < SERVERS; s++)
            to.image[s].jobs = 0;  // those of the old topic are of no account here
        for (int i = 0; i < worker_count(ingest) && has_rule(ingest, WITHOUT_HEARS); i++)
            to.workers[i].begins = to.workers[i].owner;
        search_add(search, &to, "the topic is deleted and made again");
    }
    if (state->left.retention && state->low < state->length && state->image[CUR].open &&
        (state->image[CUR].jobs & 1 << state->low)) {
        to = *state;
        to.left.retention--;
        if (has_rule(ingest, WITHOUT_OUTLIVES))
            to.journaled |= (uint8_t)(1 << state->low);
        to.low++;
        if (to.image[REP].there)
            to.image[REP] = to.image[CUR];  // half a week: no replica lags so far
        search_add(search, &to, "the time of message %d in the topic is over, its job still waits",
                   state->low);
    }
}

// ---- the machine

static void on_start(const void *setting, void *first)
{
    const struct ingest *ingest = setting;
    struct state        *state  = first;
    state->image[CUR] =
        (struct image){ .there = 1, .open = 1, .mark = ingest->paper ? 0 : NO_MARK };
    state->image[REP] = state->image[CUR];
    state->length     = MESSAGES;
    state->left       = ingest->bounds;
    state->workers[0] = (struct worker){ .owner = 1, .begins = !ingest->paper };
}

static void on_next(const void *setting, const void *at, struct search *search)
{
    const struct ingest *ingest = setting;
    const struct state  *state  = at;
    for (int i = 0; i < worker_count(ingest); i++) {
        fetch_steps(ingest, state, i, search);
        begin_steps(ingest, state, i, search);
        script_steps(ingest, state, i, search);
        letter_steps(state, i, search);
        if (!state->left.crash)
            continue;
        struct state to = *state;
        to.left.crash--;
        to.workers[i] = (struct worker){ .owner = state->workers[i].owner, .begins = 1 };
        search_add(search, &to, "W%d: KILLED and started again", i + 1);
    }
    redis_steps(state, search);
    rebalance_steps(ingest, state, search);
    gate_steps(ingest, state, search);
    topic_steps(ingest, state, search);
}

static bool is_there(const struct ingest *ingest, const struct state *state, int offset)
{
    if (is_bad(ingest, offset))
        return state->letters & 1 << state->topic;
    return state->image[CUR].jobs & 1 << offset;
}

static bool is_quiet(const struct ingest *ingest, const struct state *state)
{
    for (int i = 0; i < worker_count(ingest); i++) {
        const struct worker *worker = &state->workers[i];
        if (worker->items[0].taken || worker->stored || worker->owes ||
            (worker->owner && worker->begins))
            return false;
    }
    return state->image[CUR].open;
}

// nobody would fetch it any more
static bool is_passed(const struct ingest *ingest, const struct state *state, int offset)
{
    const struct image *cur = &state->image[CUR];
    bool behind = cur->mark != NO_MARK && cur->mark > offset && cur->mark_topic == state->topic;
    bool all    = true;
    for (int i = 0; i < worker_count(ingest); i++) {
        const struct worker *worker = &state->workers[i];
        if (worker->owner && worker->next < MESSAGES && (!behind || worker->next <= offset))
            all = false;
    }
    return all && (behind || (!ingest->paper && state->length == MESSAGES));
}

static const char *on_broken(const void *setting, const void *at)
{
    const struct ingest *ingest = setting;
    const struct state  *state  = at;
    if (!is_quiet(ingest, state))
        return NULL;
    for (int offset = 0; offset < state->length; offset++)
        if (!is_there(ingest, state, offset) &&
            (offset < state->low || is_passed(ingest, state, offset)))
            return "LOST";
    return NULL;
}

// all messages are where they belong
static bool on_ended(const void *setting, const void *at)
{
    const struct state *state = at;
    for (int offset = 0; offset < MESSAGES; offset++)
        if (!is_there(setting, state, offset))
            return false;
    return state->image[CUR].open;
}

static const struct machine machine = {
    .bytes  = sizeof(struct state),
    .start  = on_start,
    .next   = on_next,
    .broken = on_broken,
    .ended  = on_ended,
};

static const char *const words[] = {
#define X(name, word, text) [WITHOUT_##name] = word,
    INGEST_RULES(X)
#undef X
};

static const char *const texts[] = {
#define X(name, word, text) [WITHOUT_##name] = text,
    INGEST_RULES(X)
#undef X
};

#define INGEST(...)                                                                                \
    &(const struct ingest)                                                                         \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }
#define REFERENCE(text, count, ...)                                                                \
    {                                                                                              \
        .name = "reference: " text, .setting = INGEST(.paper = true, __VA_ARGS__),                 \
        .floor = (count), .exact = true, .when = LONG                                              \
    }
#define GROUP(text, least, moment, ...)                                                            \
    {                                                                                              \
        .name = text, .setting = INGEST(__VA_ARGS__), .floor = (least), .progress = true,          \
        .when = (moment)                                                                           \
    }
#define ABLATION(word, ...)                                                                        \
    {                                                                                              \
        .rule = &words[WITHOUT_##word], .text = &texts[WITHOUT_##word],                            \
        .setting = INGEST(.without = WITHOUT_##word, __VA_ARGS__)                                  \
    }

static const struct group groups[] = {
    GROUP("ingest, every fault of Redis", 980, ALWAYS,
          .bounds = { .fail = 1, .flush = 1, .crash = 1, .broken = 1 }),
    GROUP("ingest, rebalance with a zombie", 35000, ALWAYS, .workers = 2,
          .bounds = { .fail = 1, .flush = 1, .crash = 1, .broken = 1, .rebalance = 1 }),
    GROUP("ingest, another topic", 560000, ALWAYS, .workers = 2,
          .bounds = { .fail = 1, .flush = 1, .crash = 1, .rebalance = 1, .anew = 1 }),
    GROUP("ingest, jobs that outlive the topic", 58000, ALWAYS, .workers = 2,
          .bounds = { .fail = 1, .flush = 1, .crash = 1, .rebalance = 1, .retention = 2 }),
    GROUP("ingest, all of it", 4000000, LONG, .workers = 2,
          .bounds = { .fail      = 1,
                      .flush     = 1,
                      .crash     = 1,
                      .broken    = 1,
                      .rebalance = 1,
                      .anew      = 1,
                      .retention = 1 }),
    REFERENCE("failover, gated", 47, .bounds = { .fail = 1 }),
    REFERENCE("failover, not gated", 47, .ungated = true, .bounds = { .fail = 1 }),
    REFERENCE("FLUSHALL, gated", 31, .bounds = { .flush = 1 }),
    REFERENCE("FLUSHALL, not gated", 31, .ungated = true, .bounds = { .flush = 1 }),
    REFERENCE("a script fails in a pipeline", 48, .bounds = { .broken = 1 }),
    REFERENCE("rebalance with a zombie, failing script, failover", 2604, .workers = 2,
              .bounds = { .fail = 1, .broken = 1, .rebalance = 1 }),
};

static const struct ablation ablations[] = {
    ABLATION(CAS_MAX, .bounds = { .broken = 1 }),
    ABLATION(CAS_SET, .bounds = { .broken = 1 }),
    ABLATION(CAS_WHOLE, .workers = 2, .bounds = { .broken = 1, .rebalance = 1, .anew = 1 }),
    ABLATION(SEEK, .bounds = { .fail = 1 }),
    ABLATION(FITS, .bounds = { .anew = 1 }),
    ABLATION(HEARS, .bounds = { .anew = 1 }),
    ABLATION(LETTER_FIRST, .bounds = { .crash = 1 }),
    ABLATION(OUTLIVES, .bounds = { .flush = 1, .retention = 1 }),
    ABLATION(ONE_SCRIPT, .bounds = { .crash = 1 }),
};

int main(int argc, char **argv)
{
    static const struct suite suite = { &machine, groups, COUNT_OF(groups), ablations,
                                        COUNT_OF(ablations) };
    return suite_main(&suite, argc, argv);
}
