// SPDX-License-Identifier: Apache-2.0
/* What happens to Redis, and the gate: takers, generations, the wait, the journal, the replay. */
#include "life.h"

#include <string.h>

// ---- replication, failover, FLUSHALL

static void takers_drop(const struct life *life, struct state *to)
{
    if (life->takers <= 1)
        memset(to->takers, 0, sizeof to->takers);
}

static void failover_steps(const struct life *life, const struct state *state,
                           struct search *search)
{
    const struct image *rep = &state->image[REP];
    struct state        to  = *state;
    if (!rep->there || memcmp(rep, &state->image[CUR], sizeof *rep) != 0) {
        to.image[REP] = state->image[CUR];
        search_add(search, &to, "replica catches up");
    }
    if (!rep->there)
        return;
    to = *state;
    to.left.fail--;
    to.image[CUR] = *rep;
    to.image[REP] = (struct image){ 0 };
    if (!has_rule(life, WITHOUT_REPLID))
        search_add(search, &to,
                   "FAILOVER there and back before anyone saw it: run_id as before, image is %s",
                   state_text(rep));
    to.image[CUR].open = to.image[CUR].token = 0;
    if (!life->no_split)
        to.image[OLD] = state->image[CUR];
    takers_drop(life, &to);
    search_add(search, &to, "FAILOVER, the promoted image is %s", state_text(rep));
}

static bool is_quiet(const struct image *image)
{
    return image->state == JOB_QUEUED || image->state == JOB_UNSURE ||
           image->state == JOB_PROCESSING || job_state_is_end(image_state(image));
}

// A lease and a minute later: what was in flight then is over.
static void late_mark_steps(const struct life *life, const struct state *state,
                            struct search *search)
{
    const struct image *cur  = &state->image[CUR];
    bool                over = is_quiet(cur) || cur->attempt != cur->young_attempt;
    struct state        to   = *state;
    if (memcmp(&cur->young, &state->journal, sizeof cur->young) != 0) {
        to.image[CUR].young         = state->journal;
        to.image[CUR].young_attempt = is_quiet(cur) ? 0 : cur->attempt;
        search_add(search, &to, "heartbeat: the journal ends here");
    }
    if ((over || !has_rule(life, WITHOUT_TAIL_MARGIN)) &&
        memcmp(&cur->mark, &cur->young, sizeof cur->mark) != 0) {
        to                 = *state;
        to.image[CUR].mark = cur->young;
        search_add(search, &to,
                   "heartbeat: a tail may begin where the journal ended at the one before");
    }
}

static void mark_steps(const struct life *life, const struct state *state, struct search *search)
{
    const struct image *cur = &state->image[CUR];
    struct state        to  = *state;
    if (life->late_tail) {
        late_mark_steps(life, state, search);
    } else if ((is_quiet(cur) || !has_rule(life, WITHOUT_TAIL_MARGIN)) &&
               memcmp(&cur->mark, &state->journal, sizeof cur->mark) != 0) {
        to.image[CUR].mark = state->journal;
        search_add(search, &to, "heartbeat remembers where the journal ends");
    }
}

void redis_steps(const struct life *life, const struct state *state, struct search *search)
{
    const struct image *cur = &state->image[CUR];
    struct state        to  = *state;
    if (state->left.fail && !state->image[OLD].there)
        failover_steps(life, state, search);
    if (state->image[OLD].there) {
        to.image[OLD] = (struct image){ 0 };
        search_add(search, &to, "the old primary stops accepting");
    }
    if (state->left.flush) {
        to = *state;
        to.left.flush--;
        to.image[CUR] = (struct image){ .there = 1 };
        takers_drop(life, &to);
        search_add(search, &to, "FLUSHALL");
    }
    if (life->tail && cur->open && !state->at_policy)
        mark_steps(life, state, search);
}

// ---- the gate

static void takers_sort(struct state *state)
{
    if (memcmp(&state->takers[0], &state->takers[1], sizeof(struct taker)) >= 0)
        return;
    struct taker taker = state->takers[0];
    state->takers[0]   = state->takers[1];
    state->takers[1]   = taker;
}

static void go(struct state *to, int i, struct taker taker)
{
    to->takers[i] = taker;
    takers_sort(to);
}

static uint8_t token_new(const struct state *state)
{
    uint8_t token = state->image[CUR].token;
    if (state->image[OLD].token > token)
        token = state->image[OLD].token;
    for (int i = 0; i < TAKERS; i++)
        if (state->takers[i].token > token)
            token = state->takers[i].token;
    return (uint8_t)(token + 1);
}

static bool journal_is_empty(const struct journal *journal)
{
    static const struct journal empty;
    return memcmp(journal, &empty, sizeof empty) == 0;
}

static void take_steps(const struct life *life, const struct state *state, struct search *search)
{
    const struct image *cur    = &state->image[CUR];
    int                 takers = life->takers ? life->takers : 1;
    struct state        to     = *state;
    if (!state->left.takes || cur->open || (cur->token && takers == 1) ||
        state->takers[takers - 1].pc)
        return;
    int          i     = state->takers[0].pc ? 1 : 0;
    struct taker taker = { .token      = token_new(state),
                           .generation = (uint8_t)(state->generation + 1) };
    to.left.takes--;
    if (!cur->generation && journal_is_empty(&state->journal) && !state->generation &&
        !cur->token) {
        taker.pc = TAKING_FIRST;
        if (has_rule(life, WITHOUT_TOKEN))
            to.image[CUR].token = taker.token;
        go(&to, i, taker);
        search_add(search, &to, "first start: no gate, the journal is empty (token %d)",
                   taker.token);
        return;
    }
    to.image[CUR].token = taker.token;
    taker.pc            = takers == 1 ? TAKING_READ : TAKING_WRITE;
    if (takers == 1)
        to.generation = taker.generation;
    go(&to, i, taker);
    search_add(search, &to, "gate taken (token %d), GENERATION %d %s", taker.token,
               taker.generation, takers == 1 ? "in the journal" : "to be written");
}

static void read_steps(const struct life *life, const struct state *state, int i,
                       struct search *search)
{
    struct taker taker = state->takers[i];
    struct state to    = *state;
    if (has_rule(life, WITHOUT_WAIT) && state->image[OLD].there)
        return;
    taker.pc      = TAKING_APPLY;
    taker.journal = state->journal;
    go(&to, i, taker);
    search_add(search, &to, "taker %d: journal read to its end", taker.token);
    if (!life->torn)
        return;
    to       = *state;
    taker.pc = TAKING_REST_OTHERS;
    memset(taker.journal.commands, 0, sizeof taker.journal.commands);
    memset(taker.journal.policies, 0, sizeof taker.journal.policies);
    memset(taker.journal.ends, 0, sizeof taker.journal.ends);
    taker.journal.buried = 0;
    go(&to, i, taker);
    search_add(search, &to, "taker %d: the journal's attempts read", taker.token);
    to            = *state;
    taker.pc      = TAKING_REST_ATTEMPTS;
    taker.journal = state->journal;
    memset(taker.journal.attempts, 0, sizeof taker.journal.attempts);
    go(&to, i, taker);
    search_add(search, &to, "taker %d: the journal's ends and commands read", taker.token);
}

static void read_rest(const struct state *state, int i, struct search *search)
{
    struct taker   taker   = state->takers[i];
    struct state   to      = *state;
    struct journal journal = state->journal;
    if (taker.pc == TAKING_REST_OTHERS)
        memcpy(journal.attempts, taker.journal.attempts, sizeof journal.attempts);
    else {
        memcpy(journal.commands, taker.journal.commands, sizeof journal.commands);
        memcpy(journal.policies, taker.journal.policies, sizeof journal.policies);
        memcpy(journal.ends, taker.journal.ends, sizeof journal.ends);
        journal.buried = taker.journal.buried;
    }
    taker.pc      = TAKING_APPLY;
    taker.journal = journal;
    go(&to, i, taker);
    search_add(search, &to, "taker %d: the rest of the journal read", taker.token);
}

static bool holds(const struct image *image, const struct taker *taker)
{
    return image->there && image->token == taker->token && !image->open;
}

static void open_steps(const struct life *life, const struct state *state, int i,
                       enum server server, struct search *search)
{
    const struct taker *taker = &state->takers[i];
    struct state        to    = *state;
    struct image       *image = &to.image[server];
    to.takers[i]              = (struct taker){ 0 };
    takers_sort(&to);
    if (taker->pc == TAKING_OPEN) {
        image->open       = 1;
        image->generation = 1;
        image->token      = 0;
        search_add(search, &to, "taker %d: OPEN at once", taker->token);
        return;
    }
    replay(life, &taker->journal, taker->generation, image, &to);
    search_add(search, &to, "taker %d: the job is %s %s; OPEN", taker->token, state_text(image),
               epoch_text(image->epoch));
}

static void write_generation(const struct life *life, const struct state *state, int i,
                             struct search *search)
{
    struct taker taker = state->takers[i];
    struct state to    = *state;
    if (taker.generation > to.generation || !has_rule(life, WITHOUT_GENERATION_KEY))
        to.generation = taker.generation;
    taker.pc = taker.pc == TAKING_WRITE ? TAKING_READ : TAKING_OPEN;
    go(&to, i, taker);
    search_add(search, &to, "taker %d: GENERATION %d -> journal", taker.token, taker.generation);
}

static void taker_steps(const struct life *life, const struct state *state, int i,
                        struct search *search)
{
    const struct taker *taker = &state->takers[i];
    const struct image *cur   = &state->image[CUR];
    if (taker->pc == TAKING_WRITE || taker->pc == TAKING_FIRST) {
        write_generation(life, state, i, search);
        return;
    }
    bool mine[SERVERS] = { [CUR] = holds(cur, taker), [OLD] = holds(&state->image[OLD], taker) };
    if (taker->pc == TAKING_OPEN && !has_rule(life, WITHOUT_TOKEN) && !cur->generation &&
        !cur->open && !cur->token) {
        mine[CUR] = true;
        mine[OLD] = false;
    }
    if (!mine[CUR] && !mine[OLD]) {
        struct state to = *state;
        go(&to, i, (struct taker){ 0 });
        search_add(search, &to, "taker %d: lost the gate; stops", taker->token);
    } else if (taker->pc == TAKING_READ) {
        read_steps(life, state, i, search);
    } else if (taker->pc == TAKING_REST_ATTEMPTS || taker->pc == TAKING_REST_OTHERS) {
        read_rest(state, i, search);
    } else {
        for (enum server server = CUR; server < SERVERS; server++)
            if (mine[server])
                open_steps(life, state, i, server, search);
    }
}

void gate_steps(const struct life *life, const struct state *state, struct search *search)
{
    take_steps(life, state, search);
    for (int i = 0; i < TAKERS && state->takers[i].pc; i++)
        taker_steps(life, state, i, search);
}
