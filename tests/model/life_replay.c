// SPDX-License-Identifier: Apache-2.0
/* What the gate makes of a job: from the journal's records of it, in no order, and from what Redis
 * holds. The replay restores and is no arrow: it may set any state. */
#include "life.h"

#include <string.h>

enum { LIVE_MAX = ATTEMPTS + 1, ENDS_MAX = ENDS + 2 };

struct view {                                  // what is known of the job
    struct attempt_record attempts[LIVE_MAX];  // kind NONE: voided, or no more
    int                   count;
    struct end_record     ends[ENDS_MAX];  // state NONE: voided, or no more
    int                   end_count;
    bool                  resolved;  // said to be there, by a person
    uint8_t               resolved_epoch;
    bool                  cancelled;
    uint8_t               cancel_epoch;
    bool                  cancel_waits;  // the job was QUEUED when it was looked at
};

static const struct attempt_record *find(const struct journal *journal, uint8_t epoch)
{
    for (int i = 0; i < ATTEMPTS && journal->attempts[i].kind; i++)
        if (journal->attempts[i].epoch == epoch)
            return &journal->attempts[i];
    return NULL;
}

static bool has_end(const struct journal *journal, struct end_record end)
{
    for (int i = 0; i < ENDS && journal->ends[i].state; i++)
        if (memcmp(&journal->ends[i], &end, sizeof end) == 0)
            return true;
    return false;
}

static void add_end(struct view *view, uint8_t epoch, uint8_t state)
{
    view->ends[view->end_count++] = (struct end_record){ .epoch = epoch, .state = state };
}

static const struct end_record *newest_end(const struct view *view)
{
    const struct end_record *newest = NULL;
    for (int i = 0; i < view->end_count; i++)
        if (view->ends[i].state && (!newest || end_is_newer(view->ends[i], *newest)))
            newest = &view->ends[i];
    return newest;
}

static bool is_empty(const struct journal *journal)
{
    static const struct journal empty;
    return memcmp(journal, &empty, sizeof empty) == 0;
}

// the records that stand after the mark
static void read_journal(struct view *view, const struct life *life, const struct journal *journal,
                         const struct journal *mark)
{
    for (int i = 0; i < ATTEMPTS && journal->attempts[i].kind; i++) {
        const struct attempt_record *record = &journal->attempts[i];
        const struct attempt_record *before = find(mark, record->epoch);
        if (record->epoch <= journal->buried && has_rule(life, WITHOUT_BURIED))
            continue;
        if (!before || memcmp(before, record, sizeof *record) != 0)
            view->attempts[view->count++] = *record;
    }
    for (int i = 0; i < ENDS && journal->ends[i].state; i++)
        if (!has_end(mark, journal->ends[i]))
            add_end(view, journal->ends[i].epoch, journal->ends[i].state);
}

static bool is_new_command(const struct journal *journal, const struct journal *mark, int k)
{
    return journal->commands[k].what &&
           memcmp(&journal->commands[k], &mark->commands[k], sizeof journal->commands[k]) != 0;
}

// on paper: the image stands for what is older than the tail, and for that only
static bool image_counts(const struct view *view, const struct life *life,
                         const struct image *image, const struct journal *journal)
{
    bool named = view->count || view->end_count;
    if (is_empty(&image->mark) && (life->paper || !has_rule(life, WITHOUT_HELD)))
        return false;
    for (int k = 0; k < COMMANDS; k++)
        named = named || is_new_command(journal, &image->mark, k);
    return has_rule(life, WITHOUT_IMAGE) && (has_rule(life, WITHOUT_IMAGE_ALWAYS) || !named);
}

// the command that retried an end may stand before the tail
static void void_retried(struct view *view, uint8_t retried)
{
    for (int i = 0; i < view->end_count && retried; i++)
        if (view->ends[i].epoch <= retried && view->ends[i].state == JOB_FAILED)
            view->ends[i].state = JOB_NONE;
    for (int i = 0; i < view->count; i++)
        if (view->attempts[i].epoch <= retried)
            view->attempts[i].kind = KIND_NONE;
}

static void read_image(struct view *view, const struct life *life, const struct image *image,
                       const struct journal *journal)
{
    struct attempt_record record = { .epoch = image->attempt, .pid = image->pid };
    if (!image_counts(view, life, image, journal))
        return;
    if (has_rule(life, WITHOUT_RETRIED))
        void_retried(view, image->retried);
    if (image->state == JOB_SENDING || image->state == JOB_UNSURE)
        record.kind = image->pid ? KIND_DOUBT : KIND_INTENT;
    if (image->state == JOB_PROCESSING)
        record.kind = KIND_INITED;
    for (int i = 0; i < view->count; i++) {
        if (view->attempts[i].epoch != image->attempt)
            continue;
        if (life->paper)
            return;
        // its answer reached Redis and not yet the journal
        if (view->attempts[i].kind == KIND_INTENT && record.kind == KIND_INITED)
            view->attempts[i] = record;
        record.kind = KIND_NONE;
    }
    if (record.kind)
        view->attempts[view->count++] = record;
    if (image->state == JOB_NONE || !job_state_is_end(image_state(image)))
        return;
    if (!life->paper) {
        add_end(view, image->attempt, image->state);
    } else if (!view->end_count || view->ends[0].epoch < image->epoch) {
        view->end_count = 0;
        add_end(view, image->epoch, image->state);
    }
}

static bool is_voided(const struct life *life, const struct attempt_record *attempt,
                      const struct command_record *command)
{
    bool again = command->what == WHAT_AGAIN;
    if (attempt->epoch != command->target &&
        !(again && has_rule(life, WITHOUT_WHOLE) && attempt->epoch < command->target))
        return false;
    return attempt->kind == KIND_INTENT || attempt->kind == KIND_DOUBT ||
           (attempt->kind == KIND_INITED &&
            (command->pid || again || !has_rule(life, WITHOUT_VOID_PID)));
}

static bool is_voided_end(const struct life *life, struct end_record end,
                          const struct command_record *command)
{
    if (life->paper || !has_rule(life, WITHOUT_DOUBT_ONLY))
        return end.epoch == command->target;
    if (command->what == WHAT_RESOLVE || end.state != JOB_FAILED)
        return false;
    return end.epoch == command->target ||
           (command->what == WHAT_AGAIN && end.epoch < command->target);
}

static void use_command(struct view *view, const struct life *life,
                        const struct command_record *command, const struct command *sent,
                        struct state *state)
{
    if (command->what == WHAT_REFUSED)
        return;
    if (command->what == WHAT_CANCEL) {
        view->cancelled    = true;
        view->cancel_epoch = command->target;
        view->cancel_waits = command->pid;
        return;
    }
    for (int i = 0; i < view->end_count; i++)
        if (is_voided_end(life, view->ends[i], command))
            view->ends[i].state = JOB_NONE;
    for (int i = 0; i < view->count; i++) {
        struct attempt_record *attempt = &view->attempts[i];
        if (!is_voided(life, attempt, command))
            continue;
        if (command->what == WHAT_RETRY && sent->told == TOLD_NOTHING &&
            (attempt->kind == KIND_INTENT || command->pid))
            risk(state, attempt->epoch);
        attempt->kind = KIND_NONE;
    }
    if (command->what != WHAT_RESOLVE || !has_rule(life, WITHOUT_VERDICT))
        return;
    if (!view->resolved || view->resolved_epoch < command->target)
        view->resolved_epoch = command->target;
    view->resolved = true;
}

static void use_policy(struct view *view, const struct life *life,
                       const struct command_record *policy, struct state *state)
{
    bool known =
        false;  // what became of it: whoever sends it again then does not risk it, but knows
    for (int i = 0; i < view->end_count && !has_rule(life, WITHOUT_POLICY_WEAK); i++) {
        if (view->ends[i].epoch != policy->target)
            continue;
        view->ends[i].state = JOB_NONE;
        known               = true;
    }
    for (int i = 0; i < view->count; i++) {
        struct attempt_record *attempt = &view->attempts[i];
        if (!is_voided(life, attempt, policy) || (attempt->pid && attempt->pid != policy->pid))
            continue;
        if (!known) {
            risk(state, attempt->epoch);
            risk(state, attempt->pid);
        }
        attempt->kind = KIND_NONE;
    }
}

static bool is_live(const struct attempt_record *attempt)
{
    return attempt->kind != KIND_NONE && attempt->kind != KIND_ABORTED;
}

static const struct attempt_record *newest_of(const struct view *view, enum kind kind)
{
    const struct attempt_record *newest = NULL;
    for (int i = 0; i < view->count; i++)
        if (is_live(&view->attempts[i]) && (kind == KIND_NONE || view->attempts[i].kind == kind) &&
            (!newest || view->attempts[i].epoch > newest->epoch))
            newest = &view->attempts[i];
    return newest;
}

static void set_end(struct image *image, enum job_state end, uint8_t epoch)
{
    image->state = (uint8_t)end;
    image->epoch = image->attempt = epoch;
    image->pid = image->ownerless = image->committed = image->doubted = 0;
}

static void set_attempt(const struct life *life, struct image *image,
                        const struct attempt_record *attempt)
{
    bool known   = attempt->kind == KIND_INITED || (attempt->kind == KIND_INTENT && attempt->pid);
    image->state = known ? JOB_PROCESSING : JOB_UNSURE;
    image->epoch = image->attempt = attempt->epoch;
    image->pid                    = attempt->pid;
    image->ownerless              = 0;
    image->doubted                = 0;
    image->committed              = !life->paper;
}

static void set_queued(const struct life *life, struct image *image)
{
    if ((image->state == JOB_CLAIMED && !has_rule(life, WITHOUT_REQUEUE)) ||
        image->state == JOB_NONE)
        return;
    image->state = JOB_QUEUED;
    image->epoch =
        has_rule(life, WITHOUT_GENERATION) ? (uint8_t)(image->generation * GENERATION) : image->n;
    image->pid = image->ownerless = image->committed = 0;
}

// Like an end of the attempt that the job was at: over that attempt, too, when the job waited,
// since then it was over; but not when it was claimed, which may have gone on to its INTENT.
static bool cancel_decides(const struct life *life, const struct view *view,
                           const struct attempt_record *newest)
{
    if (!view->cancelled)
        return false;
    if (!has_rule(life, WITHOUT_CANCEL_REPLAY))
        return true;
    if (newest_end(view) && newest_end(view)->epoch >= view->cancel_epoch)
        return false;
    return !newest || newest->epoch < view->cancel_epoch ||
           (newest->epoch == view->cancel_epoch && view->cancel_waits);
}

static void mark_used(struct image *image, const struct life *life, const struct journal *journal,
                      const struct journal *mark, bool cancel_used)
{
    for (int k = 0; k < COMMANDS; k++) {
        if (!has_rule(life, WITHOUT_USED) || !is_new_command(journal, mark, k))
            continue;
        if (journal->commands[k].what != WHAT_CANCEL || cancel_used)
            image->applied |= (uint8_t)(1 << k);
    }
}

void replay(const struct life *life, const struct journal *journal, uint8_t generation,
            struct image *image, struct state *state)
{
    struct view          view = { 0 };
    const struct journal mark = image->mark;
    read_journal(&view, life, journal, &mark);
    read_image(&view, life, image, journal);
    for (int k = 0; k < COMMANDS; k++)
        if (is_new_command(journal, &mark, k))
            use_command(&view, life, &journal->commands[k], &state->commands[k], state);
    for (int k = 0; k < POLICIES; k++)
        if (journal->policies[k].what &&
            memcmp(&journal->policies[k], &mark.policies[k], sizeof mark.policies[k]) != 0)
            use_policy(&view, life, &journal->policies[k], state);
    const struct attempt_record *newest = newest_of(&view, KIND_NONE);
    uint8_t                      epoch  = newest ? newest->epoch : 0;
    const struct end_record     *end    = newest_end(&view);
    if (view.resolved && view.resolved_epoch >= epoch &&
        !(end && end->epoch >= view.resolved_epoch)) {
        add_end(&view, view.resolved_epoch, JOB_PUBLISHED);
        end = newest_end(&view);
    }
    bool cancelled = cancel_decides(life, &view, newest);
    for (int i = 0; i < view.count && !has_rule(life, WITHOUT_GENERATION); i++)
        if (view.attempts[i].kind && view.attempts[i].epoch > image->n)
            image->n = view.attempts[i].epoch;
    mark_used(image, life, journal, &mark, cancelled);
    image->generation = generation;
    image->open       = 1;
    image->token      = 0;
    image->mark = image->young = (struct journal){ 0 };
    image->young_attempt       = 0;
    if (cancelled)
        set_end(image, JOB_CANCELLED, view.cancel_epoch);
    else if (end && (end->epoch >= epoch || !has_rule(life, WITHOUT_END_OLD)))
        set_end(image, (enum job_state)end->state, end->epoch);
    else if (!newest)
        set_queued(life, image);
    else if (has_rule(life, WITHOUT_NEWEST) || !newest_of(&view, KIND_INITED))
        set_attempt(life, image, newest);
    else
        set_attempt(life, image, newest_of(&view, KIND_INITED));
}

// the whole of it, as one reads it who has nothing else
bool journal_says_end(const struct life *life, const struct state *state, struct end_record *end)
{
    struct state to    = *state;
    struct image image = { .there = 1 };
    replay(life, &state->journal, state->generation, &image, &to);
    *end = (struct end_record){ .epoch = image.attempt, .state = image.state };
    return image.state != JOB_NONE && job_state_is_end(image_state(&image));
}
