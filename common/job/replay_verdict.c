// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <string.h>

#include "job/replay_job.h"

enum { KEY_MAX_BYTES = 512 };

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

// of its records; all: also of what was commanded and refused
static int64_t newest_ms(const struct replay_job *job, bool all)
{
    int64_t newest = job->message.len ? job->message_ms : 0;
    for (const struct attempt *attempt = job->attempts; attempt; attempt = attempt->next)
        if (!attempt->gone)
            newest = later(newest, attempt->at_ms);
    for (const struct ending *ending = job->ends; ending; ending = ending->next)
        if (!ending->gone)
            newest = later(newest, ending->at_ms);
    for (const struct said *said = job->said; said; said = said->next)
        if (said_counts(said) || (all && (said->recorded || said->refused)))
            newest = later(newest, said->record.at_ms);
    return newest;
}

// ---- which end, which attempt

/* Of one attempt: REJECTED is replaced, FAILED retried, IN_INBOX posted, and never the other way
 * round. PUBLISHED beside CANCELLED or EXPIRED is of two Redis that did not know of each other: what
 * says that there is a post stands, whenever it was written. `restore` has the same ranks. */
static int rank_of(struct str state)
{
    return str_is(state, "REJECTED")    ? 0
           : str_is(state, "FAILED")    ? 1
           : str_is(state, "IN_INBOX")  ? 3
           : str_is(state, "PUBLISHED") ? 4
                                        : 2;
}

static bool ending_is_newer(const struct ending *a, const struct ending *b)
{
    int order = epoch_compare(a->epoch, b->epoch);
    if (!order)
        order = rank_of(a->state) - rank_of(b->state);
    if (!order)
        order = (a->at_ms > b->at_ms) - (a->at_ms < b->at_ms);
    // no job has two such ends; whatever is decided, it is the same in any order of the records
    if (!order)
        order = strcmp(a->state.p, b->state.p);
    return order ? order > 0 : b->old_key && !a->old_key;
}

// The end that is left, not older than `since` (of another life of the job); or NULL.
static const struct ending *newest_end(const struct replay_job *job, int64_t since_ms)
{
    const struct ending *newest = NULL;
    for (const struct ending *ending = job->ends; ending; ending = ending->next)
        if (!ending->gone && ending->at_ms >= since_ms &&
            !said_voids_end(job->said, ending->epoch, ending->state) &&
            (!newest || ending_is_newer(ending, newest)))
            newest = ending;
    return newest;
}

// The newest epoch whose attempts are over with their end: it has a tombstone, or was another
// life's. "" none
static struct str over_epoch(const struct replay_job *job, int64_t since_ms)
{
    struct str over = job->buried;
    for (const struct ending *ending = job->ends; ending; ending = ending->next)
        if (!ending->gone && ending->at_ms < since_ms &&
            (!over.len || epoch_compare(ending->epoch, over) > 0))
            over = ending->epoch;
    return over;
}

static const struct attempt *newest_attempt(const struct replay_job *job, struct str over)
{
    const struct attempt *newest = NULL;
    for (const struct attempt *attempt = job->attempts; attempt; attempt = attempt->next)
        if (!attempt->gone && attempt->kind != ATTEMPT_INTENT_ABORTED &&
            (!over.len || epoch_compare(attempt->epoch, over) > 0) &&
            !said_voids_attempt(job->said, attempt->epoch, attempt->publish_id) &&
            (!newest || epoch_compare(attempt->epoch, newest->epoch) > 0))
            newest = attempt;
    return newest;
}

// ---- the verdict

static void verdict_of_attempt(const struct attempt *attempt, struct replay_verdict *verdict)
{
    bool named          = attempt->kind == ATTEMPT_INITED || attempt->publish_id.len;
    verdict->says       = named ? REPLAY_PROCESSING : REPLAY_UNSURE;
    verdict->epoch      = attempt->epoch;
    verdict->attempt    = attempt->number;
    verdict->account    = attempt->account;
    verdict->mode       = attempt->mode;
    verdict->publish_id = attempt->publish_id;
    verdict->at_ms      = attempt->at_ms;
    if (attempt->source.len)
        verdict->source = attempt->source;
}

static void verdict_of_end(const struct ending *ending, struct replay_verdict *verdict)
{
    verdict->says      = REPLAY_END;
    verdict->recorded  = true;
    verdict->epoch     = ending->epoch;
    verdict->end_state = ending->state;
    verdict->event     = ending->event;
    verdict->source    = ending->source;
    verdict->at_ms     = ending->at_ms;
}

// a cancel or a resolve: like an end of that attempt, with what is known of it
static void verdict_of_said(const struct replay_job *job, const struct said *said,
                            struct replay_verdict *verdict)
{
    const struct command *command = &said->command;
    bool                  failed  = command->what == COMMAND_RESOLVE && !command->posted;
    for (const struct attempt *attempt = job->attempts; attempt; attempt = attempt->next)
        if (!attempt->gone && str_eq(attempt->epoch, command->epoch))
            verdict_of_attempt(attempt, verdict);
    verdict->says       = REPLAY_END;
    verdict->said       = command->what == COMMAND_CANCEL ? STR("cancel") : STR("resolve");
    verdict->epoch      = str_is(command->epoch, "0-0") ? STR("") : command->epoch;
    verdict->publish_id = command->publish_id;
    verdict->end_state  = command->what == COMMAND_CANCEL ? STR("CANCELLED")
                          : failed                        ? STR("FAILED")
                                                          : STR("PUBLISHED");
    verdict->code       = command->what == COMMAND_CANCEL ? STR("cancelled")
                          : failed                        ? STR("resolved_failed")
                                                          : STR("");
    verdict->post_id    = command->post_id;
    verdict->post_url   = command->post_url;
    verdict->at_ms      = said->record.at_ms;
}

// An end of the attempt that a command ended, or of a newer one, is what the command made; but what
// was REJECTED waited as another message when it was cancelled.
static bool is_made(const struct ending *end, const struct said *said)
{
    int order = epoch_compare(end->epoch, said->command.epoch);
    return order > 0 || (order == 0 && !str_is(end->state, "REJECTED"));
}

static void verdict_of_commands(struct replay *replay, const struct replay_job *job,
                                struct replay_verdict *verdict)
{
    const struct said *moved = said_reschedule(job->said);
    buf_clear(&replay->ids);
    buf_clear(&replay->voids);
    said_ids(job->said, &replay->ids);
    said_voids(job->said, &replay->voids);
    verdict->commands = buf_str(&replay->ids);
    verdict->voids    = buf_str(&replay->voids);
    if (moved) {
        verdict->told_ms       = moved->record.at_ms;
        verdict->publish_at_ms = moved->command.publish_at_ms;
        verdict->expires_at_ms = moved->command.expires_at_ms;
    }
}

static void verdict_of_job(struct replay *replay, const struct replay_job *job,
                           struct replay_verdict *verdict)
{
    int64_t since_ms = replay->keep_ms ? newest_ms(job, false) - replay->keep_ms : INT64_MIN;
    const struct attempt *newest = newest_attempt(job, over_epoch(job, since_ms));
    const struct ending  *end    = newest_end(job, since_ms);
    const struct said    *said   = said_end(job->said, newest ? newest->epoch : STR(""), since_ms);
    *verdict                     = (struct replay_verdict){ .job_id         = job->id,
                                                            .source         = job->message_source,
                                                            .message        = job->message,
                                                            .message_source = job->message_source,
                                                            .message_at_ms  = job->message_ms };
    if (newest)
        verdict_of_attempt(newest, verdict);
    if (said && !(end && is_made(end, said)))
        verdict_of_said(job, said, verdict);
    else if (end && (!newest || epoch_compare(end->epoch, newest->epoch) >= 0))
        verdict_of_end(end, verdict);
    verdict_of_commands(replay, job, verdict);
    buf_clear(&replay->aborted);
    for (const struct attempt *attempt = job->attempts; attempt; attempt = attempt->next)
        if (!attempt->gone && attempt->kind == ATTEMPT_INTENT_ABORTED)
            buf_printf(&replay->aborted, "%s%.*s", replay->aborted.len ? " " : "",
                       STR_ARG(attempt->epoch));
    verdict->aborted = buf_str(&replay->aborted);
}

void replay_verdict(struct replay *replay, size_t i, struct replay_verdict *verdict)
{
    assert(i < replay->count);
    verdict_of_job(replay, replay->list[i], verdict);
}

size_t replay_calls(const struct replay *replay, size_t i, int64_t since_ms,
                    struct replay_call *calls, size_t max)
{
    size_t count = 0;
    assert(i < replay->count);
    for (const struct attempt *attempt = replay->list[i]->attempts; attempt && count < max;
         attempt                       = attempt->next) {
        if (attempt->gone || attempt->at_ms < since_ms)
            continue;
        calls[count++] = (struct replay_call){ .account = attempt->account,
                                               .epoch   = attempt->epoch,
                                               .mode    = attempt->mode,
                                               .job_id  = replay->list[i]->id,
                                               .at_ms   = attempt->at_ms,
                                               .aborted = attempt->kind == ATTEMPT_INTENT_ABORTED };
    }
    return count;
}

// ---- for the sweep

int64_t replay_newest_ms(const struct replay *replay, size_t i)
{
    assert(i < replay->count);
    return newest_ms(replay->list[i], true);
}

bool replay_is_orphan(const struct replay *replay, size_t i)
{
    const struct replay_job *job  = replay->list[i];
    bool                     bare = !job->message.len;
    for (const struct attempt *attempt = job->attempts; attempt; attempt = attempt->next)
        bare = bare && attempt->gone;
    for (const struct ending *ending = job->ends; ending; ending = ending->next)
        bare = bare && ending->gone;
    return bare;
}

static void tell_key(struct buf *key, replay_key *on_key, void *owner)
{
    on_key(owner, buf_str(key));
    buf_clear(key);
}

static void attempt_keys(const struct replay_job *job, struct buf *key, replay_key *on_key,
                         void *owner)
{
    for (const struct attempt *attempt = job->attempts; attempt; attempt = attempt->next) {
        if (attempt->gone)
            continue;
        buf_printf(key, "attempt/%.*s/%.*s", STR_ARG(job->id), STR_ARG(attempt->epoch));
        tell_key(key, on_key, owner);
    }
}

static void command_keys(const struct replay_job *job, struct buf *key, replay_key *on_key,
                         void *owner)
{
    for (const struct said *said = job->said; said; said = said->next) {
        if (said->recorded) {
            buf_printf(key, "command/%.*s", STR_ARG(said->command.id));
            tell_key(key, on_key, owner);
        }
        if (said->refused) {
            buf_printf(key, "command/%.*s/refused", STR_ARG(said->command.id));
            tell_key(key, on_key, owner);
        }
    }
    if (job->message.len) {
        buf_printf(key, "message/%.*s", STR_ARG(job->id));
        tell_key(key, on_key, owner);
    }
}

static void end_keys(const struct replay_job *job, bool newest, struct buf *key, replay_key *on_key,
                     void *owner)
{
    const struct ending *last = NULL;
    for (const struct ending *ending = job->ends; ending; ending = ending->next)
        if (!ending->gone && (!last || ending_is_newer(ending, last)))
            last = ending;
    for (const struct ending *ending = job->ends; ending; ending = ending->next) {
        if (ending->gone || newest != (ending == last))
            continue;
        buf_printf(key, "end/%.*s", STR_ARG(job->id));
        if (!ending->old_key)
            buf_printf(key, "/%.*s/%.*s", STR_ARG(ending->epoch), STR_ARG(ending->state));
        tell_key(key, on_key, owner);
    }
}

void replay_keys(const struct replay *replay, size_t i, enum replay_part part, replay_key *on_key,
                 void *owner)
{
    struct buf key;
    assert(i < replay->count);
    buf_init(&key, KEY_MAX_BYTES);
    switch (part) {
    case REPLAY_ATTEMPTS:
        attempt_keys(replay->list[i], &key, on_key, owner);
        break;
    case REPLAY_COMMANDS:
        command_keys(replay->list[i], &key, on_key, owner);
        break;
    case REPLAY_ENDS_OLDER:
    case REPLAY_END_NEWEST:
        end_keys(replay->list[i], part == REPLAY_END_NEWEST, &key, on_key, owner);
        break;
    case REPLAY_PART_COUNT:
        break;
    }
    buf_fini(&key);
}
