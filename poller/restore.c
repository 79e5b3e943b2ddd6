// SPDX-License-Identifier: Apache-2.0
#include "poller/restore.h"

#include <assert.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "io/json.h"
#include "job/account_store.h"
#include "job/job.h"
#include "job/message.h"
#include "loop/clock.h"
#include "tiktok/outcome.h"

enum { CALLS_MAX = 64 };

// what one place of the pipeline is doing for its item, in this order
enum part { PART_ACCOUNT, PART_VERDICT, PART_CALLS, PART_MESSAGE, PART_PAUSE, PART_END };

struct place {  // one of the scripts on their way
    struct call           call;
    struct redis_reply    reply;
    struct restore       *restore;  // borrowed
    bool                  busy;
    size_t                item;  // index of the account or job
    enum part             part;
    size_t                alias;      // PART_ACCOUNT: the next of its aliases
    size_t                call_next;  // PART_CALLS
    size_t                call_count;
    struct replay_call    calls[CALLS_MAX];
    struct replay_verdict verdict;  // its `aborted` is not used after the first script
    struct job            job;      // PART_MESSAGE
};

struct known {  // an account
    struct str open_id;
    size_t     i;  // in accounts
};

struct restore {
    struct program        *program;  // borrowed
    struct str             taker;
    struct str             generation;
    struct arena           arena;     // of the accounts' texts
    struct account_record *accounts;  // owned
    size_t                 account_count;
    size_t                 account_capacity;
    void                  *known;   // tsearch, by open_id; the arena has the nodes
    struct replay         *replay;  // borrowed while restore_jobs runs
    bool                   jobs;    // the step: jobs, else accounts
    size_t                 next;    // the next item to begin
    size_t                 done;
    size_t                 of;
    struct place          *places;  // owned
    size_t                 place_count;
    struct call           *waiting;  // the owner's, or NULL
    bool                   pumping;  // restore_pump is at it
    bool                   failed;
    struct error           error;
};

static void place_next(struct place *place);

// ---- the end of a step

static void restore_stop(struct restore *restore)
{
    for (size_t i = 0; i < restore->place_count; i++) {
        struct place *place = &restore->places[i];
        call_cancel(&place->call);
        redis_reply_fini(&place->reply);
        job_fini(&place->job);
        place->busy = false;
    }
}

static void restore_finish(struct restore *restore, const struct error *err)
{
    struct call *call = restore->waiting;
    restore->waiting  = NULL;
    restore_stop(restore);
    if (call)
        call_finish(call, err);
}

static void on_cancelled(struct call *call)
{
    struct restore *restore = call->adapter;
    restore->waiting        = NULL;
    restore_stop(restore);
}

// pauses come behind the jobs
static enum part first_part(const struct restore *restore, size_t item)
{
    if (!restore->jobs)
        return PART_ACCOUNT;
    return item < replay_jobs(restore->replay) ? PART_VERDICT : PART_PAUSE;
}

static void place_begin(struct place *place)
{
    struct restore *restore = place->restore;
    place->busy             = true;
    place->item             = restore->next++;
    place->part             = first_part(restore, place->item);
    place->alias            = 0;
    place->call_next        = 0;
    place_next(place);
}

// An item for which nothing has to be asked ends inside place_begin: the place is taken again in
// the same loop.
static void restore_pump(struct restore *restore)
{
    if (restore->pumping)
        return;
    restore->pumping = true;
    for (size_t i = 0; i < restore->place_count && restore->next < restore->of;) {
        if (restore->places[i].busy)
            i++;
        else
            place_begin(&restore->places[i]);
    }
    restore->pumping = false;
    if (restore->done == restore->of)
        restore_finish(restore, NULL);
}

static void place_end(struct place *place)
{
    place->busy = false;
    job_fini(&place->job);
    place->restore->done++;
    restore_pump(place->restore);
}

// true: the script was taken; false: the step has failed
static bool place_taken(struct place *place, const struct error *err)
{
    enum store_word word;
    struct error    why;
    if (!store_word(err, &place->reply, &word, &why)) {
        restore_finish(place->restore, &why);
        return false;
    }
    if (word == WORD_FENCED || word == WORD_GATE) {
        error_set(&why, ERR_CLOSED, "the gate is somebody else's now");
        restore_finish(place->restore, &why);
        return false;
    }
    return true;
}

// Stores the account once for each alias; one that is another's already is left out, and the
// account with it never.
static bool account_is_stored(struct place *place)
{
    struct account_record *account = &place->restore->accounts[place->item];
    struct account_stored  stored;
    struct error           ignored;
    if (!account_store_answer(NULL, &place->reply, &stored, &ignored))
        return false;  // place_taken has seen to it
    if (stored.word == WORD_STATE) {
        log_error("an alias belongs to another account already: this account keeps its others and "
                  "its open_id",
                  F_STRN("account", account->open_id),
                  F_STRN("alias", account->aliases[place->alias]), F_STRN("owner", stored.owner));
        account->alias_count--;
        for (size_t i = place->alias; i < account->alias_count; i++)
            account->aliases[i] = account->aliases[i + 1];
        return account->alias_count > 0 && place->alias >= account->alias_count;
    }
    // jobs that wait for the account move 1,000 a call
    return stored.left == 0 && ++place->alias >= account->alias_count;
}

static void on_part_done(struct call *call, const struct error *err)
{
    struct place *place = container_of(call, struct place, call);
    if (!place_taken(place, err))
        return;
    bool stored = place->part == PART_ACCOUNT && account_is_stored(place);
    // its end has had its time: nothing of it is put into Redis, and its message least of all
    bool is_past = place->part == PART_VERDICT && place->verdict.says == REPLAY_END &&
                   !answer_item(&place->reply.answer, 1).len;
    redis_reply_fini(&place->reply);
    if (place->part == PART_ACCOUNT) {
        if (stored)
            place->part = PART_END;
    } else if (place->part == PART_VERDICT) {
        place->part = is_past ? PART_END : PART_CALLS;
    } else if (place->part == PART_MESSAGE || place->part == PART_PAUSE) {
        place->part = PART_END;
    }
    place_next(place);
}

// ---- accounts

static void ask_account(struct place *place)
{
    struct restore *restore = place->restore;
    struct str      by      = restore->taker.len ? restore->taker : program_id(restore->program);
    account_store(restore->program->store, &restore->accounts[place->item], place->alias, -1,
                  restore->taker, by, &place->reply, &place->call, on_part_done);
}

// ---- jobs

static struct str event_text(const struct json *event, const char *field)
{
    return json_text(json_get(event, field));
}

// False: there is nothing to ask.
static bool ask_verdict(struct place *place)
{
    struct restore              *restore = place->restore;
    const struct replay_verdict *v       = &place->verdict;
    static const char *const     says[]  = { "nothing", "unsure", "processing", "end" };
    struct json                 *event   = NULL;
    struct error                 err;
    char                         attempt[24] = "";
    replay_verdict(restore->replay, place->item, &place->verdict);
    place->call_count = replay_calls(restore->replay, place->item,
                                     clock_wall_ms() - restore->program->config.limit_day_ms,
                                     place->calls, CALLS_MAX);
    if (v->says == REPLAY_NOTHING && !v->aborted.len && !v->commands.len && !v->told_ms)
        return false;  // of tombstones, or of a message: whoever is CLAIMED is swept in the end
    if (v->event.len) {
        event = json_parse(v->event, v->event.len + 1, JOB_DEPTH_MAX, &err);
        if (!event)
            log_warn("event of an end cannot be read", F_STRN("job", v->job_id),
                     F_STR("why", err.message));
    }
    if (v->attempt > 0)
        snprintf(attempt, sizeof attempt, "%" PRIi64, v->attempt);
    struct str          account = v->account.len ? v->account : event_text(event, "account");
    struct str          id    = v->publish_id.len ? v->publish_id : event_text(event, "publish_id");
    const struct json  *error = json_get(event, "error");
    struct restore_args args  = {
         .taker      = restore->taker,
         .generation = restore->generation,
         .job_id     = v->job_id,
         .says       = str_of(says[v->says]),
         .epoch      = v->epoch,
         .attempt    = str_of(attempt),
         .account    = account,
         .mode       = v->mode,
         .publish_id = id,
         .at         = v->at_ms,
         .end_state  = v->end_state,
         .post_id    = v->post_id.len ? v->post_id : event_text(event, "post_id"),
         .post_url   = v->post_url.len ? v->post_url : event_text(event, "post_url"),
         .code       = v->code.len ? v->code : json_text(json_get(error, "code")),
         .cause      = json_text(json_get(error, "cause")),
         .remedy     = json_text(json_get(error, "remedy")),
         .log_id     = event_text(event, "log_id"),
         .source     = v->source,
         .aborted    = v->aborted,
         .commands   = v->commands,
         .voids      = v->voids,
         .said       = v->said,
         .due        = v->publish_at_ms,
         .expires    = v->expires_at_ms,
         .told       = v->told_ms,
    };
    script_restore(restore->program->store, &args, &place->reply, &place->call, on_part_done);
    json_free(event);
    return true;
}

static void ask_call(struct place *place)
{
    const struct replay_call *c    = &place->calls[place->call_next++];
    struct restore_call_args  args = {
         .taker   = place->restore->taker,
         .account = c->account,
         .epoch   = c->epoch,
         .mode    = c->mode,
         .job_id  = c->job_id,
         .at      = c->at_ms,
         .aborted = c->aborted,
    };
    script_restore_call(place->restore->program->store, &args, &place->reply, &place->call,
                        on_part_done);
}

// It was good when it was taken in, by another version or under other settings. A job that nobody
// could see would be lost; this one has an end, and its job_id may be sent again.
static void reject_message(struct place *place, const char *why)
{
    struct restore              *restore = place->restore;
    const struct replay_verdict *v       = &place->verdict;
    const struct outcome        *outcome = outcome_named("message_never_read");
    struct ingest_args           args    = {
                     .verdict   = STR("bad"),
                     .job_id    = v->job_id,
                     .timestamp = v->message_at_ms,
                     .source    = v->message_source,
                     .code      = str_of(outcome->code),
                     .cause     = str_of(why),
                     .remedy    = str_of(outcome->remedy),
                     .taker     = restore->taker,
                     .by        = restore->taker,
    };
    log_error("a job's message in the journal cannot be read", F_STRN("job", v->job_id),
              F_STR("why", why));
    script_ingest(restore->program->store, &args, &place->reply, &place->call, on_part_done);
}

// a job that outlives the topic: what it was is in the journal, too. False: there is nothing to
// ask.
static bool ask_message(struct place *place)
{
    struct restore              *restore = place->restore;
    struct program              *p       = restore->program;
    const struct replay_verdict *v       = &place->verdict;
    struct job_rules             rules   = { .message_max_bytes = p->config.job_max_bytes,
                                             .privacy_default   = p->config.job_privacy_default };
    struct error                 err;
    if (!v->message.len)
        return false;
    if (!job_decode(v->message, &rules, &place->job, &err)) {
        reject_message(place, err.message);
        return true;
    }
    struct ingest_args args = {
        .verdict   = STR("job"),
        .timestamp = v->message_at_ms,
        .source    = v->message_source,
        .taker     = restore->taker,
        .by        = restore->taker,
    };
    ingest_args_of_job(&place->job, v->message, &args);
    script_ingest(p->store, &args, &place->reply, &place->call, on_part_done);
    return true;
}

// A pause or resume: an older one than what Redis knows does nothing, so their order is no matter.
// False: nothing to ask.
static bool ask_pause(struct place *place)
{
    struct restore     *restore = place->restore;
    struct replay_pause pause;
    if (!replay_pause(restore->replay, place->item - replay_jobs(restore->replay), &pause))
        return false;
    struct command_args args = { 0 };
    command_args_of(pause.command, "do", &args);
    args.timestamp = pause.at_ms;
    args.taker     = restore->taker;
    args.by        = restore->taker;
    script_command(restore->program->store, &args, &place->reply, &place->call, on_part_done);
    return true;
}

static void place_next(struct place *place)
{
    switch (place->part) {
    case PART_ACCOUNT:
        ask_account(place);
        return;
    case PART_VERDICT:
        if (ask_verdict(place))
            return;
        // nothing was done about it yet, but its message may be gone from the topic
        place->part = PART_MESSAGE;
        if (!ask_message(place))
            place_end(place);
        return;
    case PART_CALLS:
        if (place->call_next < place->call_count) {
            ask_call(place);
            return;
        }
        place->part = PART_MESSAGE;
        if (ask_message(place))
            return;
        place_end(place);
        return;
    case PART_PAUSE:
        if (!ask_pause(place))
            place_end(place);
        return;
    case PART_MESSAGE:
    case PART_END:
        place_end(place);
        return;
    }
}

// ---- life

struct restore *restore_new(struct program *program, const char *taker, const char *generation)
{
    struct restore *restore = xcalloc(1, sizeof *restore);
    restore->program        = program;
    restore->taker          = arena_copy(&restore->arena, str_of(taker));
    restore->generation     = arena_copy(&restore->arena, str_of(generation));
    restore->place_count    = (size_t)program->config.gate_at_once;
    restore->places         = xcalloc(restore->place_count, sizeof *restore->places);
    for (size_t i = 0; i < restore->place_count; i++)
        restore->places[i].restore = restore;
    return restore;
}

static int compare_known(const void *left, const void *right)
{
    const struct known *a = left, *b = right;
    return str_compare(a->open_id, b->open_id);
}

static void forget(void *node)
{
    (void)node;  // the arena has it
}

void restore_account(struct restore *restore, struct str value)
{
    struct account_record record;
    struct error          err;
    if (!account_record_decode(value, &record, &restore->arena, &err)) {
        log_error("an account's record cannot be read", F_STR("why", err.message));
        return;
    }
    struct known   wanted = { .open_id = record.open_id };
    struct known **found  = tfind(&wanted, &restore->known, compare_known);
    if (found) {
        if (record.rev > restore->accounts[(*found)->i].rev)
            restore->accounts[(*found)->i] = record;
        return;
    }
    struct known *fresh = arena_alloc(&restore->arena, sizeof *fresh);
    *fresh              = (struct known){ record.open_id, restore->account_count };
    if (!tsearch(fresh, &restore->known, compare_known))
        abort();  // no memory
    if (restore->account_count == restore->account_capacity) {
        restore->account_capacity = restore->account_capacity ? restore->account_capacity * 2 : 64;
        restore->accounts =
            xrealloc(restore->accounts, restore->account_capacity * sizeof *restore->accounts);
    }
    restore->accounts[restore->account_count++] = record;
}

static void restore_start(struct restore *restore, bool jobs, size_t of, struct call *call,
                          call_done *done)
{
    restore->jobs    = jobs;
    restore->next    = 0;
    restore->done    = 0;
    restore->of      = of;
    restore->waiting = call;
    call_begin(call, restore->program->loop, "restore", 0, done, on_cancelled, restore);
    restore_pump(restore);
}

void restore_accounts(struct restore *restore, struct call *call, call_done *done)
{
    restore_start(restore, false, restore->account_count, call, done);
}

void restore_jobs(struct restore *restore, struct replay *replay, struct call *call,
                  call_done *done)
{
    restore->replay = replay;
    restore_start(restore, true, replay_jobs(replay) + replay_pauses(replay), call, done);
}

size_t restore_done(const struct restore *restore)
{
    return restore->done;
}

size_t restore_of(const struct restore *restore)
{
    return restore->of;
}

void restore_free(struct restore *restore)
{
    if (!restore)
        return;
    assert(!restore->waiting);
    restore_stop(restore);
    free(restore->places);
    free(restore->accounts);
    tdestroy(restore->known, forget);
    arena_fini(&restore->arena);
    free(restore);
}
