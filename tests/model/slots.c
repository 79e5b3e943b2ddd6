// SPDX-License-Identifier: Apache-2.0
#include "slots.h"

#include <string.h>

_Static_assert(sizeof(struct state) % 8 == 0, "pad struct state");

static const char *const names[JOBS] = { "A", "B" };

static bool has_rule(const struct slots *slots, enum slot_rule rule)
{
    return slots->without != rule;
}

static void workers_sort(struct state *to)
{
    if (memcmp(&to->workers[0], &to->workers[1], sizeof to->workers[0]) >= 0)
        return;
    struct worker worker = to->workers[0];
    to->workers[0]       = to->workers[1];
    to->workers[1]       = worker;
}

static void go(struct state *to, int i, struct worker worker)
{
    to->workers[i] = worker;
    workers_sort(to);
}

static int ledger(const struct image *image)
{
    int taken = 0;
    for (int j = 0; j < JOBS; j++)
        taken += image->jobs[j].slot;
    return taken;
}

static const char *at_text(enum server server)
{
    return server == OLD ? " by the OLD primary" : "";
}

// ---- what move() does: the arrow, and with it the place in the ledger

static void move(const struct slots *slots, struct search *search, struct job *job,
                 enum job_event event)
{
    enum job_state from = (enum job_state)job->state;
    enum job_state to   = search_arrow(search, from, event);
    job->state          = (uint8_t)to;
    if (job_state_in_flight(from) && !job_state_in_flight(to)) {
        if (has_rule(slots, WITHOUT_WITH_END))
            job->slot = 0;
        else
            job->owed = 1;
    }
    if (to == JOB_CLAIMED)
        job->slot = 1;
    if (to == JOB_UNSURE && !has_rule(slots, WITHOUT_HOLD))
        job->slot = 0;
    if (to == JOB_PROCESSING && !has_rule(slots, WITHOUT_NOT_AGAIN))
        job->slot = 1;
}

// ---- claim

static int tries_of(const struct state *state, int j)
{
    int count = 0;
    while (count < TRIES && state->tries[j][count].epoch)
        count++;
    return count;
}

static void claim(const struct slots *slots, const struct state *state, enum server server, int j,
                  int worker, struct search *search)
{
    struct state  to    = *state;
    struct image *image = &to.image[server];
    struct job   *job   = &image->jobs[j];
    int           count = tries_of(state, j);
    if (job->state != JOB_QUEUED || count == TRIES)
        return;
    move(slots, search, job, ON_CLAIM);
    job->epoch               = (uint8_t)(image->generation * GENERATION + ++image->n);
    job->try                 = (uint8_t)(count + 1);
    job->has_pid             = 0;
    to.tries[j][count].epoch = job->epoch;
    to.left.claims--;
    go(&to, worker, (struct worker){ .pc = PC_INTENT, .job = (uint8_t)j, .try = (uint8_t)count });
    search_add(search, &to, "a worker claims %s%s", names[j], at_text(server));
}

static void claim_steps(const struct slots *slots, const struct state *state, enum server server,
                        struct search *search)
{
    const struct image *image = &state->image[server];
    for (int i = 0; i < WORKERS; i++)
        if (state->workers[i].pc == PC_LOOKED)
            for (int j = 0; j < JOBS && state->left.claims; j++)
                claim(slots, state, server, j, i, search);
    if (state->workers[WORKERS - 1].pc || ledger(image) >= LIMIT || !state->left.claims)
        return;
    if (!has_rule(slots, WITHOUT_ONE_SCRIPT)) {
        struct state to = *state;
        go(&to, WORKERS - 1, (struct worker){ .pc = PC_LOOKED });
        search_add(search, &to, "a worker sees a free slot%s", at_text(server));
        return;
    }
    for (int j = 0; j < JOBS; j++)
        claim(slots, state, server, j, WORKERS - 1, search);
}

// ---- the trip

static struct worker result_of(struct worker worker, enum result result, int todo)
{
    worker.pc     = PC_RESULT;
    worker.result = (uint8_t)result;
    worker.todo   = (uint8_t)todo;
    return worker;
}

static void sending_steps(const struct slots *slots, const struct state *state, int i,
                          struct search *search)
{
    for (enum server server = CUR; server < SERVERS; server++) {
        struct worker worker = state->workers[i];
        struct state  to     = *state;
        struct image *image  = &to.image[server];
        struct job   *job    = &image->jobs[worker.job];
        if (server == REP || !image->there)
            continue;
        bool mine = image->open && job->epoch == state->tries[worker.job][worker.try].epoch &&
                    job->state == JOB_CLAIMED;
        if (mine) {
            move(slots, search, job, ON_INTENT);
            worker.pc = PC_POST;
            go(&to, i, worker);
            search_add(search, &to, "worker of %s: SENDING accepted%s", names[worker.job],
                       at_text(server));
            continue;
        }
        go(&to, i,
           result_of(worker, RESULT_NOT_SENT, image->open ? TO_JOURNAL : TO_JOURNAL | TO_REDIS));
        search_add(search, &to, "worker of %s: SENDING refused%s", names[worker.job],
                   at_text(server));
    }
}

static void post_steps(const struct state *state, int i, struct search *search)
{
    struct worker worker                  = state->workers[i];
    const char   *name                    = names[worker.job];
    struct state  to                      = *state;
    to.tries[worker.job][worker.try].fate = FATE_IN_PROCESS;
    go(&to, i, result_of(worker, RESULT_ACCEPTED, TO_JOURNAL | TO_REDIS));
    search_add(search, &to, "worker of %s: POST accepted, TikTok is at it", name);
    if (state->left.lost) {
        to = *state;
        to.left.lost--;
        go(&to, i, result_of(worker, RESULT_DOUBT, TO_REDIS));
        search_add(search, &to, "worker of %s: POST is lost on the way", name);
        to.tries[worker.job][worker.try].fate = FATE_IN_PROCESS;
        search_add(search, &to, "worker of %s: POST accepted, TikTok is at it, the answer is lost",
                   name);
    }
    if (state->left.refuse) {
        to = *state;
        to.left.refuse--;
        go(&to, i, result_of(worker, RESULT_NOT_SENT, TO_JOURNAL | TO_REDIS));
        search_add(search, &to, "worker of %s: POST refused for now", name);
    }
}

static void result_apply(const struct slots *slots, struct search *search, struct job *job,
                         const struct worker *worker, uint8_t epoch)
{
    bool in_doubt = job->state == JOB_SENDING || job->state == JOB_UNSURE;
    if (job->try != worker->try + 1)
        return;
    if (worker->result == RESULT_NOT_SENT && job->state == JOB_CLAIMED && job->epoch == epoch)
        move(slots, search, job, ON_RELEASE);
    else if (worker->result == RESULT_NOT_SENT && in_doubt)
        move(slots, search, job, ON_NOT_SENT);
    else if (worker->result == RESULT_DOUBT && job->state == JOB_SENDING)
        move(slots, search, job, ON_DOUBT);
    else if (worker->result == RESULT_ACCEPTED && in_doubt && !job->has_pid) {
        move(slots, search, job, ON_ACCEPT);
        job->has_pid = 1;
    }
}

static struct worker done_with(struct worker worker, enum todo what)
{
    worker.todo = (uint8_t)(worker.todo & ~what);
    return worker.todo ? worker : (struct worker){ 0 };
}

static void result_steps(const struct slots *slots, const struct state *state, int i,
                         struct search *search)
{
    const struct worker *worker = &state->workers[i];
    const char          *name   = names[worker->job];
    struct state         to     = *state;
    if (worker->todo & TO_JOURNAL) {
        to.tries[worker->job][worker->try].kind =
            worker->result == RESULT_ACCEPTED ? KIND_INITED : KIND_ABORTED;
        go(&to, i, done_with(*worker, TO_JOURNAL));
        search_add(search, &to, "worker of %s: result -> journal", name);
    }
    for (enum server server = CUR; server < SERVERS && worker->todo & TO_REDIS; server++) {
        to = *state;
        if (server == REP || !state->image[server].there || !state->image[server].open)
            continue;
        result_apply(slots, search, &to.image[server].jobs[worker->job], worker,
                     state->tries[worker->job][worker->try].epoch);
        go(&to, i, done_with(*worker, TO_REDIS));
        search_add(search, &to, "worker of %s: result -> Redis%s", name, at_text(server));
    }
}

static void worker_steps(const struct slots *slots, const struct state *state, int i,
                         struct search *search)
{
    struct worker worker = state->workers[i];
    const char   *name   = names[worker.job];
    struct state  to     = *state;
    if (worker.pc == PC_INTENT) {
        if (has_rule(slots, WITHOUT_INTENT))
            to.tries[worker.job][worker.try].kind = KIND_INTENT;
        worker.pc = PC_SENDING;
        go(&to, i, worker);
        search_add(search, &to, "worker of %s: INTENT -> journal, confirmed", name);
    } else if (worker.pc == PC_SENDING) {
        sending_steps(slots, state, i, search);
    } else if (worker.pc == PC_POST) {
        post_steps(state, i, search);
    } else if (worker.pc == PC_RESULT) {
        result_steps(slots, state, i, search);
    }
    if (!state->left.crash)
        return;
    to = *state;
    to.left.crash--;
    go(&to, i, (struct worker){ 0 });
    search_add(search, &to, "worker of %s: KILLED", name);
}

// ---- poller: follow, reap, hold, relay

static void follow_steps(const struct slots *slots, const struct state *state, enum server server,
                         int j, struct search *search)
{
    struct state to  = *state;
    struct job  *job = &to.image[server].jobs[j];
    struct try   try = state->tries[j][job->try - 1];
    if (try.fate == FATE_PUBLISHED) {
        move(slots, search, job, ON_COMPLETE);
        job->out_end = job->try;
        search_add(search, &to, "poller: %s PUBLISHED%s", names[j], at_text(server));
    } else if (try.fate == FATE_FAILED) {
        move(slots, search, job, ON_AGAIN);
        search_add(search, &to, "poller: %s FAILED at TikTok, again%s", names[j], at_text(server));
    }
    if (try.is_old) {
        to = *state;
        move(slots, search, job, ON_HORIZON);
        job->slot = 0;
        search_add(search, &to, "poller: %s is past its horizon, slot given back%s", names[j],
                   at_text(server));
    }
}

static bool has_owner(const struct state *state, int j, uint8_t epoch)
{
    for (int i = 0; i < WORKERS; i++)
        if (state->workers[i].pc > PC_LOOKED && state->workers[i].job == j &&
            state->tries[j][state->workers[i].try].epoch == epoch)
            return true;
    return false;
}

static void reap_steps(const struct slots *slots, const struct state *state, enum server server,
                       int j, struct search *search)
{
    struct state  to    = *state;
    struct image *image = &to.image[server];
    struct job   *job   = &image->jobs[j];
    bool          owned = has_owner(state, j, job->epoch);
    if (owned && !state->left.reap)
        return;
    if (owned)
        to.left.reap--;
    if (job->state == JOB_CLAIMED)
        job->out_abort = job->try;
    move(slots, search, job, ON_LEASE_END);
    job->epoch = (uint8_t)(image->generation * GENERATION + ++image->n);
    search_add(search, &to, "reaper: the lease of %s ended: %s%s", names[j],
               job_state_text((enum job_state)job->state), at_text(server));
}

static void relay_steps(const struct state *state, enum server server, int j, struct search *search)
{
    const struct job *from = &state->image[server].jobs[j];
    struct state      to   = *state;
    if (from->out_abort) {
        to.tries[j][from->out_abort - 1].kind = KIND_ABORTED;
        to.image[server].jobs[j].out_abort    = 0;
        search_add(search, &to, "relay: INTENT_ABORTED of %s%s", names[j], at_text(server));
    }
    if (from->out_end) {
        to                               = *state;
        to.ended[j]                      = from->out_end;
        to.image[server].jobs[j].out_end = 0;
        search_add(search, &to, "relay: the end of %s%s", names[j], at_text(server));
    }
}

static void time_steps(const struct slots *slots, const struct state *state, enum server server,
                       int j, struct search *search)
{
    const struct job *from = &state->image[server].jobs[j];
    struct state      to   = *state;
    bool              open = state->image[server].open;
    if (from->state == JOB_UNSURE && from->slot && state->tries[j][from->try - 1].is_old && open) {
        to.image[server].jobs[j].slot = 0;
        search_add(search, &to, "reaper: the hold of %s is over, slot given back%s", names[j],
                   at_text(server));
    }
    if (from->owed && open) {
        to                            = *state;
        to.image[server].jobs[j].slot = to.image[server].jobs[j].owed = 0;
        search_add(search, &to, "poller: gives back the slot of %s%s", names[j], at_text(server));
    }
    if (from->slot && !has_rule(slots, WITHOUT_NO_CLOCK) && open) {
        to                            = *state;
        to.image[server].jobs[j].slot = 0;
        search_add(search, &to, "the slot of %s expires%s", names[j], at_text(server));
    }
    if (state->left.late && (from->state == JOB_UNSURE || from->state == JOB_PROCESSING) &&
        !state->tries[j][from->try - 1].is_old) {
        to                                = *state;
        to.tries[j][from->try - 1].is_old = 1;
        to.left.late--;
        search_add(search, &to, "the hold and the horizon of %s pass", names[j]);
    }
}

static void tiktok_steps(const struct state *state, struct search *search)
{
    for (int j = 0; j < JOBS; j++)
        for (int t = 0; t < TRIES; t++) {
            struct state to = *state;
            if (state->tries[j][t].fate != FATE_IN_PROCESS)
                continue;
            to.tries[j][t].fate = FATE_PUBLISHED;
            search_add(search, &to, "TikTok: %s is published", names[j]);
            if (!state->left.bad)
                continue;
            to.left.bad--;
            to.tries[j][t].fate = FATE_FAILED;
            search_add(search, &to, "TikTok: %s FAILED", names[j]);
        }
}

static void job_steps(const struct slots *slots, const struct state *state, enum server server,
                      int j, struct search *search)
{
    const struct job *job  = &state->image[server].jobs[j];
    bool              open = state->image[server].open;
    if (job->state == JOB_NONE && open) {
        struct state to = *state;
        move(slots, search, &to.image[server].jobs[j], ON_INGEST);
        search_add(search, &to, "ingest: %s%s", names[j], at_text(server));
    }
    if (job->state == JOB_PROCESSING && open)
        follow_steps(slots, state, server, j, search);
    if ((job->state == JOB_CLAIMED || job->state == JOB_SENDING) && open)
        reap_steps(slots, state, server, j, search);
    relay_steps(state, server, j, search);
    time_steps(slots, state, server, j, search);
}

// ---- Redis and the gate

static void redis_steps(const struct state *state, struct search *search)
{
    struct state        to  = *state;
    const struct image *rep = &state->image[REP];
    if (state->left.fail && !state->image[OLD].there) {
        if (memcmp(rep, &state->image[CUR], sizeof *rep) != 0) {
            to.image[REP] = state->image[CUR];
            search_add(search, &to, "replica catches up");
        }
        if (rep->there) {
            to                 = *state;
            to.image[CUR]      = *rep;
            to.image[CUR].open = 0;
            to.image[OLD]      = state->image[CUR];
            to.image[REP]      = (struct image){ 0 };
            to.taker           = 0;
            to.left.fail--;
            search_add(search, &to, "FAILOVER");
        }
    }
    if (state->image[OLD].there) {
        to            = *state;
        to.image[OLD] = (struct image){ 0 };
        search_add(search, &to, "the old primary stops accepting");
    }
    if (state->left.flush) {
        to            = *state;
        to.image[CUR] = (struct image){ .there = 1 };
        to.taker      = 0;
        to.left.flush--;
        search_add(search, &to, "FLUSHALL");
    }
}

// the newest attempt that is not aborted decides; an end where no attempt is newer; what Redis
// holds counts
static void replay(const struct slots *slots, const struct state *state, int j, struct image *image)
{
    struct job *job    = &image->jobs[j];
    int         newest = -1, end = state->ended[j] - 1;
    for (int t = 0; t < TRIES; t++)
        if (state->tries[j][t].kind == KIND_INTENT || state->tries[j][t].kind == KIND_INITED)
            newest = t;
    if (job->state == JOB_PUBLISHED && job->try - 1 > end)
        end = job->try - 1;
    bool known = newest >= 0 && (state->tries[j][newest].kind == KIND_INITED ||
                                 (job->state == JOB_PROCESSING && job->try - 1 == newest));
    if (end >= 0 && end >= newest) {
        *job = (struct job){ .state   = JOB_PUBLISHED,
                             .try     = (uint8_t)(end + 1),
                             .out_end = job->out_end };
        return;
    }
    if (newest < 0) {
        job->slot    = has_rule(slots, WITHOUT_REQUEUED) ? 0 : job->slot;
        job->state   = job->state == JOB_NONE ? JOB_NONE : JOB_QUEUED;
        job->epoch   = (uint8_t)(image->generation * GENERATION);
        job->has_pid = 0;
        return;
    }
    job->state   = known ? JOB_PROCESSING : JOB_UNSURE;
    job->epoch   = state->tries[j][newest].epoch;
    job->try     = (uint8_t)(newest + 1);
    job->has_pid = known;
    job->slot    = has_rule(slots, WITHOUT_REBUILT) && !state->tries[j][newest].is_old;
}

static void gate_steps(const struct slots *slots, const struct state *state, struct search *search)
{
    struct state  to    = *state;
    struct image *image = &to.image[CUR];
    if (image->open)
        return;
    if (!state->taker) {
        to.taker          = 1;
        image->generation = ++to.generation;
        search_add(search, &to, "gate taken, GENERATION %d in the journal", to.generation);
        return;
    }
    if (state->taker == 1) {
        if (has_rule(slots, WITHOUT_WAIT) && state->image[OLD].there)
            return;
        to.taker = 2;
        search_add(search, &to, "the gate has waited");
    } else if (state->taker < 2 + JOBS) {
        int j = state->taker - 2;
        replay(slots, state, j, image);
        to.taker++;
        search_add(search, &to, "replay: %s is %s", names[j],
                   job_state_text((enum job_state)image->jobs[j].state));
    } else {
        to.taker     = 0;
        image->open  = 1;
        image->above = (uint8_t)(ledger(image) > LIMIT ? ledger(image) - LIMIT : 0);
        search_add(search, &to, "the gate opens");
    }
    if (state->left.crash) {
        to       = *state;
        to.taker = 0;
        to.left.crash--;
        search_add(search, &to, "the taker is KILLED");
    }
}

// ---- the machine

static void on_start(const void *setting, void *first)
{
    const struct slots *slots = setting;
    struct state       *state = first;
    struct image       *cur   = &state->image[CUR];
    cur->there = cur->open = cur->generation = 1;
    state->generation                        = 1;
    state->left                              = slots->bounds;
    for (int j = 0; j < JOBS; j++)
        cur->jobs[j] = (struct job){ .state = JOB_QUEUED, .epoch = GENERATION };
}

static void on_next(const void *setting, const void *at, struct search *search)
{
    const struct state *state = at;
    for (enum server server = CUR; server < SERVERS; server++) {
        if (server == REP || !state->image[server].there)
            continue;
        if (state->image[server].open)
            claim_steps(setting, state, server, search);
        for (int j = 0; j < JOBS; j++)
            job_steps(setting, state, server, j, search);
    }
    for (int i = 0; i < WORKERS && state->workers[i].pc; i++)
        worker_steps(setting, state, i, search);
    tiktok_steps(state, search);
    redis_steps(state, search);
    gate_steps(setting, state, search);
}

static const char *on_broken(const void *setting, const void *at)
{
    const struct state *state      = at;
    const struct image *cur        = &state->image[CUR];
    int                 in_process = 0;
    (void)setting;
    for (int j = 0; j < JOBS; j++)
        for (int t = 0; t < TRIES; t++)
            in_process += state->tries[j][t].fate == FATE_IN_PROCESS && !state->tries[j][t].is_old;
    if (in_process > LIMIT)
        return "OVER THE LIMIT";
    for (int j = 0; j < JOBS && cur->open; j++)
        if (cur->jobs[j].slot && !job_state_in_flight((enum job_state)cur->jobs[j].state))
            return "LEAKED";
    if (cur->open && ledger(cur) > LIMIT + cur->above)
        return "A SLOT TAKEN BACK";
    return NULL;
}

// every job at its end, in a doubt that a person sees, behind one, or with its attempts used up; no
// other slot is taken
static bool on_ended(const void *setting, const void *at)
{
    const struct state *state  = at;
    const struct image *cur    = &state->image[CUR];
    int                 doubts = 0;
    (void)setting;
    if (!cur->open)
        return false;
    for (int j = 0; j < JOBS; j++)
        doubts += cur->jobs[j].slot && cur->jobs[j].state == JOB_UNSURE;
    for (int j = 0; j < JOBS; j++) {
        enum job_state state_now = (enum job_state)cur->jobs[j].state;
        bool           waits     = state_now == JOB_QUEUED &&
                     (doubts || !state->left.claims || tries_of(state, j) == TRIES);
        if (!waits && !job_state_is_end(state_now) && state_now != JOB_UNSURE)
            return false;
    }
    return ledger(cur) == doubts;
}

const struct machine slots_machine = {
    .bytes  = sizeof(struct state),
    .start  = on_start,
    .next   = on_next,
    .broken = on_broken,
    .ended  = on_ended,
};
