// SPDX-License-Identifier: Apache-2.0
/* Ingest of the message, claim, and the worker's trip: INTENT, SENDING, the request, its result in
 * both places. */
#include "life.h"

#include <string.h>

// ---- ingest and claim

static void ingest_message(const struct life *life, const struct state *state, enum server server,
                           struct search *search)
{
    struct state  to    = *state;
    struct image *image = &to.image[server];
    if (state->aged && has_rule(life, WITHOUT_TOO_OLD)) {
        image_move(search, image, ON_TOO_OLD);
    } else {
        image_move(search, image, ON_INGEST);
    }
    image->epoch = (uint8_t)(image->generation * GENERATION);
    search_add(search, &to, "ingest: %s%s", state_text(image), at_text(server));
}

static bool has_room(const struct life *life, const struct state *state)
{
    return !state->workers[(life->workers ? life->workers : 2) - 1].pc && state->left.claims;
}

static uint8_t take(const struct life *life, struct state *to, enum server server, enum pc pc,
                    uint8_t pid)
{
    struct image  *image = &to->image[server];
    uint8_t        epoch = epoch_next(life, image);
    struct worker *free  = to->workers;
    while (free->pc)
        free++;
    *free = (struct worker){ .pc = (uint8_t)pc, .epoch = epoch, .pid = pid };
    workers_sort(to);
    image->epoch = image->attempt = epoch;
    image->n++;
    to->left.claims--;
    return epoch;
}

static enum pc first_step(const struct life *life)
{
    if (life->upload)
        return PC_INIT;
    return has_rule(life, WITHOUT_KAFKA_FIRST) ? PC_INTENT : PC_SENDING;
}

static void claim_steps(const struct life *life, const struct state *state, enum server server,
                        struct search *search)
{
    const struct image *from = &state->image[server];
    struct state        to   = *state;
    if (from->state == JOB_QUEUED && !(state->expired && !life->paper)) {
        image_move(search, &to.image[server], ON_CLAIM);
        to.image[server].committed = 0;
        uint8_t epoch              = take(life, &to, server, first_step(life), 0);
        search_add(search, &to, "worker %s: claims%s", epoch_text(epoch), at_text(server));
    }
    if (!from->ownerless)
        return;
    image_move(search, &to.image[server], ON_CLAIM);
    uint8_t epoch = take(life, &to, server, PC_INTENT, from->pid);
    search_add(search, &to, "worker %s: takes the upload over%s", epoch_text(epoch),
               at_text(server));
    if (!state->left.changed ||
        (has_rule(life, WITHOUT_KEEP_URL) && journal_names(&state->journal, from->pid)))
        return;
    to = *state;
    image_move(search, &to.image[server], ON_RELEASE);
    image_move(search, &to.image[server], ON_CLAIM);
    to.image[server].pid       = 0;
    to.image[server].committed = 0;
    to.left.changed--;
    epoch = take(life, &to, server, PC_INIT, 0);
    search_add(search, &to, "worker %s: takes over, the source changed: begins anew%s",
               epoch_text(epoch), at_text(server));
}

void ingest_steps(const struct life *life, const struct state *state, struct search *search)
{
    for (enum server server = CUR; server < SERVERS; server++) {
        const struct image *image = &state->image[server];
        if (server == REP || !image_live(life, image))
            continue;
        if (image->state == JOB_NONE)
            ingest_message(life, state, server, search);
        if (has_room(life, state))
            claim_steps(life, state, server, search);
    }
}

// ---- one step of one worker

static void go(struct state *to, int i, struct worker worker)
{
    to->workers[i] = worker;
    workers_sort(to);
}

static struct worker result_of(const struct worker *worker, uint8_t pid, enum result result,
                               int todo)
{
    return (struct worker){ .pc     = PC_RESULT,
                            .epoch  = worker->epoch,
                            .pid    = pid,
                            .result = (uint8_t)result,
                            .todo   = (uint8_t)todo };
}

static void init_steps(const struct life *life, const struct state *state, int i,
                       struct search *search)
{
    const struct worker *worker = &state->workers[i];
    for (enum server server = CUR; server < SERVERS; server++) {
        const struct image *from = &state->image[server];
        struct state        to   = *state;
        if (server == REP || !from->there)
            continue;
        if (image_live(life, from) && from->state == JOB_CLAIMED && from->epoch == worker->epoch) {
            image_move(search, &to.image[server], ON_UPLOAD);
            to.image[server].pid = worker->epoch;
            go(&to, i,
               (struct worker){ .pc = PC_INTENT, .epoch = worker->epoch, .pid = worker->epoch });
            search_add(search, &to, "worker %s: upload begun, publish id saved%s",
                       epoch_text(worker->epoch), at_text(server));
        } else {
            go(&to, i, (struct worker){ 0 });
            search_add(search, &to, "worker %s: refused before INTENT%s; stops",
                       epoch_text(worker->epoch), at_text(server));
        }
    }
}

static void intent_steps(const struct life *life, const struct state *state, int i,
                         struct search *search)
{
    struct worker worker = state->workers[i];
    struct state  to     = *state;
    journal_attempt(life, &to.journal, worker.epoch, KIND_INTENT, worker.pid);
    if (state->left.lost && !life->paper) {
        struct state lost = to;
        lost.left.lost--;
        go(&lost, i, result_of(&worker, worker.pid, RESULT_NOT_SENT, TO_JOURNAL | TO_REDIS));
        search_add(search, &lost, "worker %s: INTENT -> journal, never confirmed: releases",
                   epoch_text(worker.epoch));
        lost.journal = state->journal;
        search_add(search, &lost, "worker %s: INTENT lost: releases", epoch_text(worker.epoch));
    }
    worker.pc = has_rule(life, WITHOUT_KAFKA_FIRST) ? PC_SENDING : PC_POST;
    go(&to, i, worker);
    search_add(search, &to, "worker %s: INTENT -> journal, confirmed", epoch_text(worker.epoch));
}

static bool takes_sending(const struct life *life, const struct image *image, uint8_t epoch)
{
    if (!image_live(life, image) || image->epoch != epoch)
        return false;
    return image->state == JOB_SENDING ||
           (life->upload ? image->state == JOB_UPLOADING && !image->ownerless
                         : image->state == JOB_CLAIMED);
}

static void sending_refused(const struct life *life, const struct state *state, int i,
                            enum server server, struct search *search)
{
    const struct worker *worker = &state->workers[i];
    bool                 live   = image_live(life, &state->image[server]);
    const char          *why    = live ? "fenced" : "GATE";
    struct state         to     = *state;
    if (!has_rule(life, WITHOUT_KAFKA_FIRST)) {
        go(&to, i, (struct worker){ 0 });
        search_add(search, &to, "worker %s: SENDING refused%s (%s); stops",
                   epoch_text(worker->epoch), at_text(server), why);
        return;
    }
    go(&to, i,
       result_of(worker, worker->pid, RESULT_NOT_SENT,
                 live && !life->paper ? TO_JOURNAL : TO_JOURNAL | TO_REDIS));
    search_add(search, &to, "worker %s: SENDING refused%s (%s)", epoch_text(worker->epoch),
               at_text(server), why);
}

// The reply is lost: on paper the worker asks again; in the product it releases, whatever became of
// the script.
static void sending_lost(const struct life *life, const struct state *state,
                         const struct state *taken, int i, enum server server,
                         struct search *search)
{
    const struct worker *worker = &state->workers[i];
    struct state         to     = *taken;
    if (!state->left.lost || (life->paper && state->image[server].state == JOB_SENDING))
        return;
    to.left.lost--;
    if (!life->paper)
        go(&to, i, result_of(worker, worker->pid, RESULT_NOT_SENT, TO_JOURNAL | TO_REDIS));
    search_add(search, &to, "worker %s: SENDING accepted%s, reply lost", epoch_text(worker->epoch),
               at_text(server));
    if (life->paper)
        return;
    to.image[server] = state->image[server];
    search_add(search, &to, "worker %s: SENDING never arrives%s: releases",
               epoch_text(worker->epoch), at_text(server));
}

static void sending_steps(const struct life *life, const struct state *state, int i,
                          struct search *search)
{
    for (enum server server = CUR; server < SERVERS; server++) {
        struct worker worker = state->workers[i];
        struct state  to     = *state;
        struct image *image  = &to.image[server];
        if (server == REP || !image->there)
            continue;
        if (!takes_sending(life, image, worker.epoch)) {
            sending_refused(life, state, i, server, search);
            continue;
        }
        if (image->state != JOB_SENDING)
            image_move(search, image, ON_INTENT);
        if (!life->paper)
            image->committed = 1;
        sending_lost(life, state, &to, i, server, search);
        worker.pc = has_rule(life, WITHOUT_KAFKA_FIRST) ? PC_POST : PC_INTENT;
        go(&to, i, worker);
        search_add(search, &to, "worker %s: SENDING accepted%s", epoch_text(worker.epoch),
                   at_text(server));
    }
}

static void post_again(const struct state *state, int i, uint8_t pid, struct search *search)
{
    const struct worker *worker = &state->workers[i];
    struct state         to     = *state;
    bool                 gone   = fate_of(state, pid) == FATE_EXPIRED;
    go(&to, i,
       result_of(worker, pid, gone ? RESULT_NOT_SENT : RESULT_ACCEPTED, TO_JOURNAL | TO_REDIS));
    search_add(search, &to, "worker %s: last chunk: %s", epoch_text(worker->epoch),
               gone ? "the upload URL has expired" : "again, nothing new is published");
}

static void post_lost(const struct life *life, const struct state *state,
                      const struct state *posted, int i, struct search *search)
{
    const struct worker *worker = &state->workers[i];
    struct state         to     = *posted;
    bool                 known  = has_rule(life, WITHOUT_ABORT_KNOWN);
    struct worker        lost =
        known ? result_of(worker, worker->pid, RESULT_DOUBT, TO_REDIS)
                     : result_of(worker, worker->pid, RESULT_NOT_SENT, TO_JOURNAL | TO_REDIS);
    to.left.lost--;
    go(&to, i, lost);
    search_add(search, &to, "worker %s: POST; TikTok publishes, the answer is lost",
               epoch_text(worker->epoch));
    memcpy(to.posts, state->posts, sizeof to.posts);
    search_add(search, &to, "worker %s: POST is lost on the way", epoch_text(worker->epoch));
}

static void post_steps(const struct life *life, const struct state *state, int i,
                       struct search *search)
{
    const struct worker *worker = &state->workers[i];
    uint8_t              pid    = worker->pid ? worker->pid : worker->epoch;
    struct state         posted = *state, to;
    if (life->upload && fate_of(state, pid)) {
        post_again(state, i, pid, search);
        return;
    }
    post_add(&posted, pid, FATE_PUBLISHED);
    if (state->left.lost)
        post_lost(life, state, &posted, i, search);
    go(&posted, i, result_of(worker, pid, RESULT_ACCEPTED, TO_JOURNAL | TO_REDIS));
    search_add(search, &posted, "worker %s: POST; TikTok publishes and answers",
               epoch_text(worker->epoch));
    if (state->left.refuse) {
        to = *state;
        to.left.refuse--;
        go(&to, i, result_of(worker, worker->pid, RESULT_NOT_SENT, TO_JOURNAL | TO_REDIS));
        search_add(search, &to, "worker %s: POST; TikTok refuses for now",
                   epoch_text(worker->epoch));
        to = *state;
        to.left.refuse--;
        go(&to, i, result_of(worker, worker->pid, RESULT_REFUSED, TO_JOURNAL | TO_REDIS));
        if (!life->paper && !life->upload)
            search_add(search, &to, "worker %s: POST; TikTok refuses for good",
                       epoch_text(worker->epoch));
    }
    if (state->left.bad) {
        to = *state;
        to.left.bad--;
        post_add(&to, pid, FATE_FAILED);
        go(&to, i, result_of(worker, pid, RESULT_ACCEPTED, TO_JOURNAL | TO_REDIS));
        search_add(search, &to, "worker %s: POST; TikTok answers a publish id that will end FAILED",
                   epoch_text(worker->epoch));
    }
}

// ---- the result

static struct worker done_with(struct worker worker, enum todo what)
{
    worker.todo = (uint8_t)(worker.todo & ~what);
    return worker.todo ? worker : (struct worker){ 0 };
}

// what the script makes of it; false: refused
static bool takes_result(const struct life *life, const struct image *image,
                         const struct worker *worker)
{
    bool unsure = image->state == JOB_UNSURE;
    if (!life->paper && worker->result == RESULT_NOT_SENT && image->state == JOB_CLAIMED)
        return image->attempt == worker->epoch && image->epoch == worker->epoch;
    if (image->state == JOB_QUEUED && worker->result == RESULT_ACCEPTED && image->doubted)
        return image->doubted == worker->epoch && image->attempt == worker->epoch;
    if (image->state != JOB_SENDING && !unsure)
        return false;
    if (image->attempt != worker->epoch && !(unsure && !has_rule(life, WITHOUT_SAME)))
        return false;
    // it was taken before, and the job is in doubt although this is known
    if (!life->paper && unsure && worker->result == RESULT_ACCEPTED && image->pid == worker->pid)
        return false;
    return !(unsure && worker->result == RESULT_DOUBT);
}

static void result_apply(const struct life *life, const struct state *state,
                         const struct worker *worker, struct image *image, struct search *search)
{
    switch ((enum result)worker->result) {
    case RESULT_ACCEPTED:
        image_move(search, image, ON_ACCEPT);
        break;
    case RESULT_NOT_SENT:
        if (image->state == JOB_CLAIMED) {
            image_move(search, image, ON_RELEASE);
        } else if (life->upload && fate_of(state, worker->pid) != FATE_EXPIRED) {
            image_move(search, image, ON_FEWER_BYTES);
            image->ownerless = 1;
        } else {
            image_move(search, image, ON_NOT_SENT);
        }
        break;
    case RESULT_REFUSED:
        image_move(search, image, ON_REFUSE);
        out_add(image, JOB_FAILED, image->attempt);
        break;
    case RESULT_DOUBT:
        image_move(search, image, worker->pid ? ON_FOUND : ON_DOUBT);
        break;
    case RESULT_NONE:
        break;
    }
    image->pid = worker->pid;
}

static void result_steps(const struct life *life, const struct state *state, int i,
                         struct search *search)
{
    const struct worker *worker = &state->workers[i];
    struct state         to     = *state;
    if (worker->todo & TO_JOURNAL) {
        bool accepted = worker->result == RESULT_ACCEPTED;
        journal_attempt(life, &to.journal, worker->epoch, accepted ? KIND_INITED : KIND_ABORTED,
                        accepted ? worker->pid : 0);
        go(&to, i, done_with(*worker, TO_JOURNAL));
        search_add(search, &to, "worker %s: %s -> journal", epoch_text(worker->epoch),
                   accepted ? "INITED" : "INTENT_ABORTED");
    }
    for (enum server server = CUR; server < SERVERS && worker->todo & TO_REDIS; server++) {
        to                  = *state;
        struct image *image = &to.image[server];
        if (server == REP || !image_live(life, image))
            continue;  // answered GATE: again later
        bool taken = takes_result(life, image, worker);
        if (taken)
            result_apply(life, state, worker, image, search);
        go(&to, i, done_with(*worker, TO_REDIS));
        search_add(search, &to, "worker %s: result -> Redis%s: %s", epoch_text(worker->epoch),
                   at_text(server), taken ? state_text(image) : "refused");
    }
}

void worker_steps(const struct life *life, const struct state *state, struct search *search)
{
    static void (*const steps[])(const struct life *, const struct state *, int,
                                 struct search *) = {
        [PC_INIT] = init_steps, [PC_INTENT] = intent_steps, [PC_SENDING] = sending_steps,
        [PC_POST] = post_steps, [PC_RESULT] = result_steps,
    };
    for (int i = 0; i < WORKERS && state->workers[i].pc; i++) {
        const struct worker *worker = &state->workers[i];
        if (i && memcmp(worker, worker - 1, sizeof *worker) == 0)
            continue;
        steps[worker->pc](life, state, i, search);
        if (!state->left.crash)
            continue;
        struct state to = *state;
        to.left.crash--;
        go(&to, i, (struct worker){ 0 });
        search_add(search, &to, "worker %s: KILLED", epoch_text(worker->epoch));
    }
}
