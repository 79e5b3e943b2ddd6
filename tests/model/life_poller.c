// SPDX-License-Identifier: Apache-2.0
/* What a poller does with one job: follow its publish id, reap its lease, apply its policy, relay
 * its outbox. */
#include "life.h"

#include <assert.h>
#include <string.h>

static void add_end(const struct life *life, struct image *image, enum job_state name)
{
    out_add(image, name, life->paper ? image->epoch : image->attempt);
}

static const char *out_text(struct out out)
{
    return out.name == JOB_NONE ? "INTENT_ABORTED" : job_state_text((enum job_state)out.name);
}

// ---- follow

static bool has_failed_post(const struct state *state)
{
    for (int i = 0; i < POSTS; i++)
        if (state->posts[i].fate == FATE_FAILED || state->posts[i].fate == FATE_EXPIRED)
            return true;
    return false;
}

static void follow_steps(const struct life *life, const struct state *state, enum server server,
                         struct search *search)
{
    const char   *at    = at_text(server);
    enum fate     fate  = fate_of(state, state->image[server].pid);
    struct state  to    = *state;
    struct image *image = &to.image[server];
    if (fate == FATE_PUBLISHED) {
        image_move(search, image, ON_COMPLETE);
        add_end(life, image, JOB_PUBLISHED);
        search_add(search, &to, "poller: PUBLISHED, end in the outbox%s", at);
    }
    if (fate == FATE_FAILED || fate == FATE_EXPIRED || !has_rule(life, WITHOUT_FINISH)) {
        to = *state;
        image_move(search, image, ON_AGAIN);
        image->pid = 0;
        if (fate == FATE_FAILED || fate == FATE_EXPIRED)
            search_add(search, &to, "poller: publish id FAILED -> QUEUED%s", at);
        else if (has_failed_post(state))
            search_add(search, &to, "a poller that slept: what it asked about FAILED -> QUEUED%s",
                       at);
    }
    if (life->failed && (fate == FATE_FAILED || fate == FATE_EXPIRED)) {
        to = *state;
        image_move(search, image, ON_FAIL);
        add_end(life, image, JOB_FAILED);
        search_add(search, &to, "poller: FAILED, end in the outbox%s", at);
    }
    if (fate == FATE_NONE) {
        to = *state;
        image_move(search, image, ON_FEWER_BYTES);
        image->ownerless = 1;
        search_add(search, &to, "poller: fewer bytes than the file -> UPLOADING%s", at);
    }
    if (state->left.late) {
        to = *state;
        image_move(search, image, ON_HORIZON);
        to.left.late--;
        search_add(search, &to, "poller: horizon or invalid_publish_id -> UNSURE%s", at);
    }
}

// ---- reap

static bool has_owner(const struct state *state, uint8_t epoch)
{
    for (int i = 0; i < WORKERS; i++)
        if (state->workers[i].pc && state->workers[i].epoch == epoch)
            return true;
    return false;
}

// a dead owner's lease costs nothing, a paused one's is bounded
static void reap_steps(const struct life *life, const struct state *state, enum server server,
                       struct search *search)
{
    const struct image *from  = &state->image[server];
    struct state        to    = *state;
    struct image       *image = &to.image[server];
    const char         *at    = at_text(server);
    bool                owned = has_owner(state, from->epoch);
    if (owned && !state->left.reap)
        return;
    if (owned)
        to.left.reap--;
    image->epoch = epoch_next(life, image);
    image->n++;
    if (from->state == JOB_CLAIMED) {
        out_add(image, JOB_NONE, from->attempt);
        image_move(search, image, ON_LEASE_END);
        search_add(search, &to, "reaper: CLAIMED -> QUEUED, INTENT_ABORTED in the outbox%s", at);
    } else if (from->state == JOB_UPLOADING) {
        image->ownerless = 1;
        search_add(search, &to, "reaper: UPLOADING has no owner%s", at);
    } else if (!has_rule(life, WITHOUT_DOUBT_KEPT)) {
        image->state = JOB_QUEUED;
        image->pid   = 0;
        search_add(search, &to, "reaper: SENDING -> QUEUED%s", at);
    } else {
        image_move(search, image, from->pid ? ON_FOUND : ON_LEASE_END);
        search_add(search, &to, "reaper: SENDING -> %s%s", state_text(image), at);
    }
}

// ---- relay

static void relay_steps(const struct life *life, const struct state *state, enum server server,
                        struct search *search)
{
    struct state  to    = *state;
    struct image *image = &to.image[server];
    struct out    out   = image->out[0];
    journal_out(life, &to.journal, out);
    memmove(&image->out[0], &image->out[1], sizeof image->out - sizeof image->out[0]);
    image->out[OUTBOX - 1] = (struct out){ 0 };
    image->out_count--;
    search_add(search, &to, "relay: %s %s -> journal%s", out_text(out), epoch_text(out.epoch),
               at_text(server));
    if (!state->left.slow || state->sleeping_count == SLEEPING)
        return;
    to = *state;
    to.left.slow--;
    int i          = to.sleeping_count++;
    to.sleeping[i] = out;
    if (i && memcmp(&to.sleeping[0], &out, sizeof out) > 0) {
        to.sleeping[1] = to.sleeping[0];
        to.sleeping[0] = out;
    }
    search_add(search, &to, "a relay reads %s %s%s and sleeps", out_text(out),
               epoch_text(out.epoch), at_text(server));
}

static void sleeping_steps(const struct life *life, const struct state *state,
                           struct search *search)
{
    for (int i = 0; i < state->sleeping_count; i++) {
        struct state to = *state;
        journal_out(life, &to.journal, state->sleeping[i]);
        if (i == 0)
            to.sleeping[0] = to.sleeping[1];
        to.sleeping[1] = (struct out){ 0 };
        to.sleeping_count--;
        search_add(search, &to, "the relay that slept: %s %s -> journal",
                   out_text(state->sleeping[i]), epoch_text(state->sleeping[i].epoch));
    }
}

// ---- policy, expires_at, upload URLs

static struct command_record *policy_find(struct state *state, uint8_t epoch, uint8_t pid)
{
    for (int i = 0; i < POLICIES; i++)
        if (state->journal.policies[i].what && state->journal.policies[i].target == epoch &&
            state->journal.policies[i].pid == pid)
            return &state->journal.policies[i];
    return NULL;
}

// its id names the attempt: one that is made again stands where the first one stood
static void policy_write(struct state *to, uint8_t epoch, uint8_t pid)
{
    struct command_record record = { .what = WHAT_RETRY, .target = epoch, .pid = pid };
    int                   i      = 0;
    while (i < POLICIES && to->journal.policies[i].what && to->journal.policies[i].target != epoch)
        i++;
    assert(i < POLICIES);
    to->journal.policies[i] = record;
    to->at_policy           = epoch;
    for (int s = 0; s < SERVERS; s++)  // it stands behind every end that is remembered
        to->image[s].mark.policies[i] = to->image[s].young.policies[i] =
            (struct command_record){ 0 };
}

static void policy_retry(const struct life *life, const struct state *state, enum server server,
                         struct search *search)
{
    struct state  to    = *state;
    struct image *image = &to.image[server];
    bool          known = policy_find(&to, image->attempt, image->pid) != NULL;
    bool          ready = known && state->at_policy == image->attempt;
    if (!life->paper && !ready && has_rule(life, WITHOUT_POLICY_FIRST)) {
        if (!state->left.policy && !known)
            return;
        to.left.policy = (uint8_t)(to.left.policy - !known);
        policy_write(&to, image->attempt, image->pid);
        search_add(search, &to, "policy: retry of %s -> journal%s", epoch_text(image->attempt),
                   at_text(server));
        return;
    }
    if (!known && !state->left.policy)
        return;
    to.left.policy = (uint8_t)(to.left.policy - !known);
    if (!life->paper)
        to.policied = image->attempt, to.at_policy = 0;
    risk(&to, image->attempt);
    risk(&to, image->pid);
    bool nameless = !image->pid;
    image_move(search, image, ON_RETRY);
    image->pid     = 0;
    image->doubted = nameless && !life->paper ? image->attempt : 0;
    search_add(search, &to, "policy: UNSURE -> QUEUED%s", at_text(server));
}

static void policy_steps(const struct life *life, const struct state *state, enum server server,
                         struct search *search)
{
    struct state  to    = *state;
    struct image *image = &to.image[server];
    policy_retry(life, state, server, search);
    if (life->paper || !state->left.policy)
        return;
    to.left.policy--;
    risk(&to, image->attempt);
    risk(&to, image->pid);
    image_move(search, image, ON_FAIL);
    add_end(life, image, JOB_FAILED);
    search_add(search, &to, "policy: UNSURE -> FAILED%s", at_text(server));
}

static void expire_steps(const struct state *state, enum server server, struct search *search)
{
    struct state  to    = *state;
    struct image *image = &to.image[server];
    image_move(search, image, ON_EXPIRE);
    out_add(image, JOB_EXPIRED, image->attempt);
    search_add(search, &to, "claim: EXPIRED, end in the outbox%s", at_text(server));
}

static void server_steps(const struct life *life, const struct state *state, enum server server,
                         struct search *search)
{
    const struct image *image = &state->image[server];
    bool                live  = image_live(life, image);
    if (image->state == JOB_PROCESSING && live)
        follow_steps(life, state, server, search);
    if ((image->state == JOB_CLAIMED || image->state == JOB_SENDING ||
         (image->state == JOB_UPLOADING && !image->ownerless)) &&
        (image->open || !has_rule(life, WITHOUT_REAPER_GATED)))
        reap_steps(life, state, server, search);
    if (image->out_count)
        relay_steps(life, state, server, search);
    if ((state->left.policy || state->journal.policies[0].what) && image->state == JOB_UNSURE &&
        live)
        policy_steps(life, state, server, search);
    if (state->expired && image->state == JOB_QUEUED && live)
        expire_steps(state, server, search);
    if (state->left.gone && life->upload && image->pid && !fate_of(state, image->pid)) {
        struct state to = *state;
        to.left.gone--;
        post_add(&to, image->pid, FATE_EXPIRED);
        search_add(search, &to, "TikTok: the upload URL of %s expires", epoch_text(image->pid));
    }
}

void poller_steps(const struct life *life, const struct state *state, struct search *search)
{
    if (state->at_policy) {
        struct state to = *state;
        to.at_policy    = 0;
        search_add(search, &to, "the policy's poller stops");
    }
    for (enum server server = CUR; server < SERVERS; server++)
        if (server != REP && state->image[server].there)
            server_steps(life, state, server, search);
    sleeping_steps(life, state, search);
    if (state->left.expire) {
        struct state to = *state;
        to.left.expire--;
        to.expired = 1;
        search_add(search, &to, "expires_at passes");
    }
}
