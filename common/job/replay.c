// SPDX-License-Identifier: Apache-2.0
#include "job/replay_job.h"

#include <assert.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "io/json.h"

enum { ABORTED_MAX_BYTES = 64 * 1024, IDS_MAX_BYTES = 4096 };

// ---- epochs

static int compare_digits(struct str a, struct str b)
{
    while (a.len && a.p[0] == '0')
        a = (struct str){ a.p + 1, a.len - 1 };
    while (b.len && b.p[0] == '0')
        b = (struct str){ b.p + 1, b.len - 1 };
    if (a.len != b.len)
        return a.len < b.len ? -1 : 1;
    return a.len ? memcmp(a.p, b.p, a.len) : 0;
}

int epoch_compare(struct str a, struct str b)
{
    struct str a_generation = { 0 }, b_generation = { 0 };
    if (!str_cut(&a, '-', &a_generation) || !str_cut(&b, '-', &b_generation))
        return compare_digits(a_generation, b_generation);
    int generation = compare_digits(a_generation, b_generation);
    return generation ? generation : compare_digits(a, b);
}

// ---- jobs by id

static int compare_jobs(const void *left, const void *right)
{
    const struct replay_job *a = left, *b = right;
    return str_compare(a->id, b->id);
}

static struct replay_job *job_of(struct replay *replay, struct str id)
{
    struct replay_job   wanted = { .id = id };
    struct replay_job **found  = tfind(&wanted, &replay->jobs, compare_jobs);
    if (found)
        return *found;
    struct replay_job *job = arena_alloc(&replay->arena, sizeof *job);
    job->id                = arena_copy(&replay->arena, id);
    if (!tsearch(job, &replay->jobs, compare_jobs))
        abort();  // no memory
    if (replay->count == replay->capacity) {
        replay->capacity = replay->capacity ? replay->capacity * 2 : 64;
        replay->list     = xrealloc(replay->list, replay->capacity * sizeof(struct replay_job *));
    }
    replay->list[replay->count++] = job;
    return job;
}

static struct attempt *attempt_of(struct replay *replay, struct replay_job *job, struct str epoch)
{
    for (struct attempt *attempt = job->attempts; attempt; attempt = attempt->next)
        if (str_eq(attempt->epoch, epoch))
            return attempt;
    struct attempt *attempt = arena_alloc(&replay->arena, sizeof *attempt);
    attempt->epoch          = arena_copy(&replay->arena, epoch);
    attempt->next           = job->attempts;
    job->attempts           = attempt;
    return attempt;
}

static struct ending *ending_of(struct replay *replay, struct replay_job *job, struct str epoch,
                                struct str state)
{
    bool old_key = !epoch.len;
    for (struct ending *ending = job->ends; ending; ending = ending->next)
        if (old_key
                ? ending->old_key
                : !ending->old_key && str_eq(ending->epoch, epoch) && str_eq(ending->state, state))
            return ending;
    struct ending *ending = arena_alloc(&replay->arena, sizeof *ending);
    ending->old_key       = old_key;
    ending->epoch         = arena_copy(&replay->arena, epoch);
    ending->state         = arena_copy(&replay->arena, state);
    ending->next          = job->ends;
    job->ends             = ending;
    return ending;
}

// ---- records

static struct str copy(struct replay *replay, const struct json *json, const char *field)
{
    return arena_copy(&replay->arena, json_text(json_get(json, field)));
}

static int64_t number_of(const struct json *json, const char *field)
{
    int64_t number;
    return json_i64(json_get(json, field), &number) ? number : 0;
}

/* Of one attempt the INTENT is first, and what TikTok answered is the last word. They have one key, and so their order;
 * but for a topic that was given more partitions between them, whose are read in any order. */
static bool knows_more(enum attempt_kind known, enum attempt_kind kind)
{
    return known == ATTEMPT_INITED ? kind != ATTEMPT_INITED
                                   : known == ATTEMPT_INTENT_ABORTED && kind == ATTEMPT_INTENT;
}

static bool take_attempt(struct replay *replay, struct str job_id, struct str epoch,
                         const struct json *json, struct error *err)
{
    struct str        text = json_text(json_get(json, "kind"));
    enum attempt_kind kind = ATTEMPT_INTENT;
    if (str_is(text, "INITED"))
        kind = ATTEMPT_INITED;
    else if (str_is(text, "INTENT_ABORTED"))
        kind = ATTEMPT_INTENT_ABORTED;
    else if (json && !str_is(text, "INTENT"))
        return error_set(err, ERR_INPUT, "kind \"%.*s\" is not known", STR_ARG(text));
    struct attempt *attempt = attempt_of(replay, job_of(replay, job_id), epoch);
    if (json && !attempt->gone && knows_more(attempt->kind, kind))
        return true;
    attempt->gone = !json;
    attempt->kind = kind;
    if (!json)
        return true;
    attempt->account    = copy(replay, json, "account");
    attempt->mode       = copy(replay, json, "mode");
    attempt->publish_id = copy(replay, json, "publish_id");
    attempt->source     = copy(replay, json, "source");
    attempt->number     = number_of(json, "attempt");
    attempt->at_ms      = number_of(json, "at");
    return true;
}

// The tombstone of an end is written last (journal.h): whoever sees it, and still an attempt, has
// read that one before its own tombstone.
static void bury(struct replay *replay, struct replay_job *job, struct str epoch)
{
    if (!job->buried.len || epoch_compare(epoch, job->buried) > 0)
        job->buried = arena_copy(&replay->arena, epoch);
}

// rest: <job_id>/<epoch>/<state>, or <job_id> alone (version 1)
static bool take_end(struct replay *replay, struct str rest, const struct json *json,
                     struct error *err)
{
    struct str job_id = { 0 }, epoch = { 0 };
    bool       whole   = !str_ends(rest, "/") && str_cut(&rest, '/', &job_id) && job_id.len;
    bool       old_key = whole && !rest.len;
    if (!whole || (!old_key && (!str_cut(&rest, '/', &epoch) || !epoch.len || !rest.len)))
        return error_set(err, ERR_INPUT, "its key is not one that this version knows");
    struct str said_epoch = json_text(json_get(json, "epoch"));
    struct str said_state = json_text(json_get(json, "state"));
    if (json && (!said_epoch.len || !said_state.len))
        return error_set(err, ERR_INPUT, "an end without epoch or state");
    if (json && !old_key && (!str_eq(said_epoch, epoch) || !str_eq(said_state, rest)))
        return error_set(err, ERR_INPUT, "it is not the end of its key");
    struct replay_job *job    = job_of(replay, job_id);
    struct ending     *ending = ending_of(replay, job, epoch, rest);
    struct buf         event;
    ending->gone = !json;
    if (!json) {
        if (!old_key)
            bury(replay, job, epoch);
        return true;
    }
    ending->epoch  = copy(replay, json, "epoch");
    ending->state  = copy(replay, json, "state");
    ending->source = copy(replay, json, "source");
    ending->at_ms  = number_of(json, "at");
    buf_init(&event, JOURNAL_RECORD_MAX_BYTES);
    if (json_get(json, "event"))
        json_print_value(json_get(json, "event"), &event);
    ending->event = arena_copy(&replay->arena, buf_str(&event));
    buf_fini(&event);
    return true;
}

static bool is_wanted(const struct replay *replay, struct str job_id)
{
    return !replay->wanted || replay->wanted(replay->wanted_by, job_id);
}

static void take_message(struct replay *replay, struct str job_id, const struct json *json)
{
    struct replay_job *job = job_of(replay, job_id);
    job->message           = json ? copy(replay, json, "message") : (struct str){ 0 };
    job->message_source    = json ? copy(replay, json, "source") : (struct str){ 0 };
    job->message_ms        = json ? number_of(json, "at") : 0;
}

static void take_pause(struct replay *replay, struct said *said)
{
    if (replay->pause_count == replay->pause_capacity) {
        replay->pause_capacity = replay->pause_capacity ? replay->pause_capacity * 2 : 16;
        replay->pauses = xrealloc(replay->pauses, replay->pause_capacity * sizeof *replay->pauses);
    }
    replay->pauses[replay->pause_count++] = said;
}

static bool take_command(struct replay *replay, struct str rest, const struct json *json,
                         struct error *err)
{
    struct said *said = NULL;
    if (json && !is_wanted(replay, json_text(json_get(json, "job_id"))))
        return true;
    if (!said_take(&replay->said, rest, json, &said, err))
        return false;
    if (!said || said->linked)
        return true;
    said->linked = true;
    if (command_is_pause(said->command.what)) {
        take_pause(replay, said);
        return true;
    }
    struct replay_job *job = job_of(replay, said->command.job_id);
    said->next             = job->said;
    job->said              = said;
    return true;
}

static bool take(struct replay *replay, struct str key, const struct json *json, struct error *err)
{
    struct str rest = key, kind = { 0 }, job_id = { 0 };
    int64_t    generation;
    if (!str_cut(&rest, '/', &kind) || !rest.len)
        return error_set(err, ERR_INPUT, "its key is not one of the journal's");
    if (str_is(kind, "attempt") && str_cut(&rest, '/', &job_id) && job_id.len && rest.len)
        return take_attempt(replay, job_id, rest, json, err);
    if (str_is(kind, "end"))
        return take_end(replay, rest, json, err);
    if (str_is(kind, "message")) {
        take_message(replay, rest, json);
        return true;
    }
    if (str_is(kind, "command"))
        return take_command(replay, rest, json, err);
    if (str_is(kind, "generation") && str_to_i64(rest, &generation)) {
        if (generation > replay->generation)
            replay->generation = generation;
        return true;
    }
    return error_set(err, ERR_INPUT, "its key is not one that this version knows");
}

// by its key alone; commands name their job inside
static bool is_passed_over(const struct replay *replay, struct str key)
{
    struct str kind = { 0 }, job_id = { 0 };
    bool       named    = str_cut(&key, '/', &kind) && str_cut(&key, '/', &job_id);
    bool       of_a_job = str_is(kind, "attempt") || str_is(kind, "end") || str_is(kind, "message");
    return named && of_a_job && !is_wanted(replay, job_id);
}

bool replay_record(struct replay *replay, struct str key, struct str value, struct error *err)
{
    struct json *json = NULL;
    int64_t      version;
    bool         ok = true;
    if (is_passed_over(replay, key))
        return true;
    if (value.p) {
        json = json_parse(value, JOURNAL_RECORD_MAX_BYTES * 2, JOURNAL_DEPTH_MAX, err);
        if (!json)
            return error_wrap(err, "journal record %.*s", STR_ARG(key));
        if (!json_i64(json_get(json, "v"), &version) || version < 1)
            ok = error_set(err, ERR_INPUT, "no version");
        else if (version > JOURNAL_VERSION)
            ok = error_set(err, ERR_INPUT, "version %" PRIi64 ", this program reads up to %d",
                           version, JOURNAL_VERSION);
    }
    ok = ok && take(replay, key, json, err);
    json_free(json);
    return ok || error_wrap(err, "journal record %.*s", STR_ARG(key));
}

// ---- life

struct replay *replay_new(int64_t keep_ms)
{
    struct replay *replay = xcalloc(1, sizeof *replay);
    replay->keep_ms       = keep_ms;
    buf_init(&replay->aborted, ABORTED_MAX_BYTES);
    buf_init(&replay->ids, IDS_MAX_BYTES);
    buf_init(&replay->voids, ABORTED_MAX_BYTES);
    return replay;
}

void replay_only(struct replay *replay, replay_wanted *wanted, const void *owner)
{
    replay->wanted    = wanted;
    replay->wanted_by = owner;
}

int64_t replay_generation(const struct replay *replay)
{
    return replay->generation;
}

size_t replay_jobs(const struct replay *replay)
{
    return replay->count;
}

bool replay_used(const struct replay *replay)
{
    return replay->count > 0 || replay->said.count > 0;
}

size_t replay_pauses(const struct replay *replay)
{
    return replay->pause_count;
}

bool replay_pause(const struct replay *replay, size_t i, struct replay_pause *pause)
{
    assert(i < replay->pause_count);
    const struct said *said = replay->pauses[i];
    *pause = (struct replay_pause){ .command = &said->command, .at_ms = said->record.at_ms };
    return said_counts(said);
}

static void forget(void *node)
{
    (void)node;  // the arena has it
}

void replay_free(struct replay *replay)
{
    if (!replay)
        return;
    tdestroy(replay->jobs, forget);
    free(replay->list);
    free(replay->pauses);
    said_book_fini(&replay->said);
    buf_fini(&replay->aborted);
    buf_fini(&replay->ids);
    buf_fini(&replay->voids);
    arena_fini(&replay->arena);
    free(replay);
}
