// SPDX-License-Identifier: Apache-2.0
#include "job/replay.h"

#include <assert.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "io/json.h"
#include "job/journal.h"
#include "job/replay_said.h"

enum { RECORD_DEPTH = 16, ABORTED_MAX_BYTES = 64 * 1024, IDS_MAX_BYTES = 4096 };

struct attempt {
    struct attempt *next;        // of the job, in no order
    struct str      epoch;       // owned by the arena, like all texts
    struct str      account;
    struct str      mode;
    struct str      publish_id;
    int64_t         number;
    int64_t         at_ms;
    enum attempt_kind kind;
    bool            gone;        // a tombstone took it away
};

struct replay_job {
    struct str      id;
    struct attempt *attempts;
    struct said    *said;        // its commands; borrowed from the book
    struct str      end_epoch;   // len 0: no end
    struct str      end_state;
    struct str      end_event;
    struct str      end_source;
    int64_t         end_ms;
    struct str      message;     // len 0: none
    struct str      message_source;
    int64_t         message_ms;
};

struct replay {
    void        *jobs;           // tsearch tree of struct replay_job
    struct replay_job **list;    // the same, as they came
    size_t       count;
    size_t       capacity;       // of list
    int64_t      generation;
    struct arena arena;          // owns every text and node
    struct said_book  said;      // every command
    struct said **pauses;        // owned list of pause and resume; they are the book's
    size_t       pause_count;
    size_t       pause_capacity;
    struct buf   aborted;        // these three while a verdict is given
    struct buf   ids;
    struct buf   voids;
};

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
    size_t                   shorter = a->id.len < b->id.len ? a->id.len : b->id.len;
    int                      order   = memcmp(a->id.p, b->id.p, shorter);
    return order ? order : (a->id.len > b->id.len) - (a->id.len < b->id.len);
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

static bool take_attempt(struct replay *replay, struct str job_id, struct str epoch, const struct json *json,
                         struct error *err)
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
    attempt->gone           = !json;
    attempt->kind           = kind;
    if (!json)
        return true;
    attempt->account    = copy(replay, json, "account");
    attempt->mode       = copy(replay, json, "mode");
    attempt->publish_id = copy(replay, json, "publish_id");
    attempt->number     = number_of(json, "attempt");
    attempt->at_ms      = number_of(json, "at");
    return true;
}

static bool take_end(struct replay *replay, struct str job_id, const struct json *json, struct error *err)
{
    if (json && (!json_text(json_get(json, "epoch")).len || !json_text(json_get(json, "state")).len))
        return error_set(err, ERR_INPUT, "an end without epoch or state");
    struct replay_job *job = job_of(replay, job_id);
    struct buf         event;
    job->end_epoch = job->end_state = (struct str){ 0 };
    if (!json)
        return true;
    job->end_epoch  = copy(replay, json, "epoch");
    job->end_state  = copy(replay, json, "state");
    job->end_source = copy(replay, json, "source");
    job->end_ms     = number_of(json, "at");
    buf_init(&event, JOURNAL_RECORD_MAX_BYTES);
    if (json_get(json, "event"))
        json_print_value(json_get(json, "event"), &event);
    job->end_event = arena_copy(&replay->arena, buf_str(&event));
    buf_fini(&event);
    return true;
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
        replay->pauses         = xrealloc(replay->pauses, replay->pause_capacity * sizeof *replay->pauses);
    }
    replay->pauses[replay->pause_count++] = said;
}

static bool take_command(struct replay *replay, struct str rest, const struct json *json, struct error *err)
{
    struct said *said = NULL;
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
    if (str_is(kind, "attempt") && str_cut(&rest, '/', &job_id) && rest.len)
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

bool replay_record(struct replay *replay, struct str key, struct str value, struct error *err)
{
    struct json *json = NULL;
    int64_t      version;
    bool         ok = true;
    if (value.p) {
        json = json_parse(value, JOURNAL_RECORD_MAX_BYTES * 2, RECORD_DEPTH, err);
        if (!json)
            return error_wrap(err, "journal record %.*s", STR_ARG(key));
        if (!json_i64(json_get(json, "v"), &version) || version < 1)
            ok = error_set(err, ERR_INPUT, "no version");
        else if (version > JOURNAL_VERSION)
            ok = error_set(err, ERR_INPUT, "version %" PRIi64 ", this program reads up to %d", version, JOURNAL_VERSION);
    }
    ok = ok && take(replay, key, json, err);
    json_free(json);
    return ok || error_wrap(err, "journal record %.*s", STR_ARG(key));
}

// ---- verdicts

static const struct attempt *newest_of(const struct replay_job *job)
{
    const struct attempt *newest = NULL;
    for (const struct attempt *attempt = job->attempts; attempt; attempt = attempt->next)
        if (!attempt->gone && attempt->kind != ATTEMPT_INTENT_ABORTED &&
            !said_voids_attempt(job->said, attempt->epoch, attempt->publish_id) &&
            (!newest || epoch_compare(attempt->epoch, newest->epoch) > 0))
            newest = attempt;
    return newest;
}

static void verdict_of_attempt(const struct attempt *attempt, struct replay_verdict *verdict)
{
    bool named           = attempt->kind == ATTEMPT_INITED || attempt->publish_id.len;
    verdict->says        = named ? REPLAY_PROCESSING : REPLAY_UNSURE;
    verdict->epoch       = attempt->epoch;
    verdict->attempt     = attempt->number;
    verdict->account     = attempt->account;
    verdict->mode        = attempt->mode;
    verdict->publish_id  = attempt->publish_id;
    verdict->at_ms       = attempt->at_ms;
}

static void verdict_of_end(const struct replay_job *job, struct replay_verdict *verdict)
{
    verdict->says      = REPLAY_END;
    verdict->epoch     = job->end_epoch;
    verdict->end_state = job->end_state;
    verdict->event     = job->end_event;
    verdict->source    = job->end_source;
    verdict->at_ms     = job->end_ms;
}

// a cancel or a resolve: like an end of that attempt, with what is known of it
static void verdict_of_said(const struct replay_job *job, const struct said *said, struct replay_verdict *verdict)
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
    verdict->end_state  = command->what == COMMAND_CANCEL ? STR("CANCELLED") : failed ? STR("FAILED") : STR("PUBLISHED");
    verdict->code       = command->what == COMMAND_CANCEL ? STR("cancelled") : failed ? STR("resolved_failed") : STR("");
    verdict->post_id    = command->post_id;
    verdict->post_url   = command->post_url;
    verdict->at_ms      = said->record.at_ms;
}

static void verdict_of_commands(struct replay *replay, const struct replay_job *job, struct replay_verdict *verdict)
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

static void verdict_of_job(struct replay *replay, const struct replay_job *job, struct replay_verdict *verdict)
{
    const struct attempt *newest = newest_of(job);
    *verdict                     = (struct replay_verdict){ .job_id  = job->id,
                                                            .source  = job->message_source,
                                                            .message = job->message,
                                                            .message_source = job->message_source,
                                                            .message_at_ms  = job->message_ms };
    const struct said *said = said_end(job->said, newest ? newest->epoch : STR(""));
    bool has_end = job->end_epoch.len && !said_voids_end(job->said, job->end_epoch, job->end_state);
    if (newest)
        verdict_of_attempt(newest, verdict);
    if (has_end && said && epoch_compare(job->end_epoch, said->command.epoch) >= 0)
        said = NULL;  // the end that it made, or a newer one
    if (said)
        verdict_of_said(job, said, verdict);
    else if (has_end && (!newest || epoch_compare(job->end_epoch, newest->epoch) >= 0))
        verdict_of_end(job, verdict);
    verdict_of_commands(replay, job, verdict);
    buf_clear(&replay->aborted);
    for (const struct attempt *attempt = job->attempts; attempt; attempt = attempt->next)
        if (!attempt->gone && attempt->kind == ATTEMPT_INTENT_ABORTED)
            buf_printf(&replay->aborted, "%s%.*s", replay->aborted.len ? " " : "", STR_ARG(attempt->epoch));
    verdict->aborted = buf_str(&replay->aborted);
}

void replay_verdict(struct replay *replay, size_t i, struct replay_verdict *verdict)
{
    assert(i < replay->count);
    verdict_of_job(replay, replay->list[i], verdict);
}

size_t replay_calls(const struct replay *replay, size_t i, int64_t since_ms, struct replay_call *calls, size_t max)
{
    size_t count = 0;
    assert(i < replay->count);
    for (const struct attempt *attempt = replay->list[i]->attempts; attempt && count < max; attempt = attempt->next) {
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

// ---- life

struct replay *replay_new(void)
{
    struct replay *replay = xcalloc(1, sizeof *replay);
    buf_init(&replay->aborted, ABORTED_MAX_BYTES);
    buf_init(&replay->ids, IDS_MAX_BYTES);
    buf_init(&replay->voids, ABORTED_MAX_BYTES);
    return replay;
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
    *pause                  = (struct replay_pause){ .command = &said->command, .at_ms = said->record.at_ms };
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
