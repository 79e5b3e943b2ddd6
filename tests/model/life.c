// SPDX-License-Identifier: Apache-2.0
#include "life.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

_Static_assert(sizeof(struct state) % 8 == 0, "pad struct state");

const char *const life_rule_words[] = {
#define X(name, word, text) [WITHOUT_##name] = word,
    LIFE_RULES(X)
#undef X
};

const char *const life_rule_texts[] = {
#define X(name, word, text) [WITHOUT_##name] = text,
    LIFE_RULES(X)
#undef X
};

enum { USUAL_CLAIMS = 3, USUAL_TAKES = 99 };

enum job_state image_state(const struct image *image)
{
    return (enum job_state)image->state;
}

bool image_live(const struct life *life, const struct image *image)
{
    return image->there && (image->open || !has_rule(life, WITHOUT_GATED));
}

uint8_t epoch_next(const struct life *life, const struct image *image)
{
    return (uint8_t)((has_rule(life, WITHOUT_GENERATION) ? image->generation * GENERATION : 0) +
                     image->n + 1);
}

const char *epoch_text(uint8_t epoch)
{
    static char texts[8][16];
    static int  next;
    char       *text = texts[next++ & 7];
    snprintf(text, sizeof texts[0], "%d-%d", epoch / GENERATION, epoch % GENERATION);
    return text;
}

const char *at_text(enum server server)
{
    return server == OLD ? " by the OLD primary" : "";
}

const char *state_text(const struct image *image)
{
    return image->ownerless ? "UPLOADING without an owner" : job_state_text(image_state(image));
}

void image_move(struct search *search, struct image *image, enum job_event event)
{
    image->state     = (uint8_t)search_arrow(search, image_state(image), event);
    image->ownerless = 0;
    image->doubted   = 0;
}

// ---- TikTok, and what was risked

enum fate fate_of(const struct state *state, uint8_t pid)
{
    for (int i = 0; i < POSTS; i++)
        if (state->posts[i].fate && state->posts[i].pid == pid)
            return (enum fate)state->posts[i].fate;
    return FATE_NONE;
}

void post_add(struct state *state, uint8_t pid, enum fate fate)
{
    int i = 0, end = 0;
    while (end < POSTS && state->posts[end].fate)
        end++;
    assert(end < POSTS);
    while (i < end && state->posts[i].pid < pid)
        i++;
    memmove(&state->posts[i + 1], &state->posts[i], (size_t)(end - i) * sizeof state->posts[0]);
    state->posts[i] = (struct post){ .pid = pid, .fate = (uint8_t)fate };
}

static bool is_risked(const struct state *state, uint8_t pid)
{
    for (int i = 0; i < RISKS; i++)
        if (state->risked[i] == pid + 1)
            return true;
    return false;
}

void risk(struct state *state, uint8_t epoch)
{
    uint8_t value = (uint8_t)(epoch + 1);
    int     i     = 0;
    if (is_risked(state, epoch))
        return;
    assert(!state->risked[RISKS - 1]);
    while (state->risked[i] && state->risked[i] < value)
        i++;
    memmove(&state->risked[i + 1], &state->risked[i], (size_t)(RISKS - 1 - i));
    state->risked[i] = value;
}

void workers_sort(struct state *state)
{
    for (int i = 1; i < WORKERS; i++)
        for (int j = i;
             j > 0 && memcmp(&state->workers[j - 1], &state->workers[j], sizeof(struct worker)) < 0;
             j--) {
            struct worker worker  = state->workers[j];
            state->workers[j]     = state->workers[j - 1];
            state->workers[j - 1] = worker;
        }
}

// ---- the journal

void out_add(struct image *image, enum job_state name, uint8_t epoch)
{
    assert(image->out_count < OUTBOX);
    image->out[image->out_count++] = (struct out){ .name = (uint8_t)name, .epoch = epoch };
}

void journal_attempt(const struct life *life, struct journal *journal, uint8_t epoch,
                     enum kind kind, uint8_t pid)
{
    struct attempt_record  record = { .epoch = epoch, .kind = (uint8_t)kind, .pid = pid };
    struct attempt_record *at     = journal->attempts;
    if (!has_rule(life, WITHOUT_KEYS)) {
        journal->attempts[0] = record;
        memset(journal->ends, 0, sizeof journal->ends);
        return;
    }
    while (at->kind && at->epoch < epoch)
        at++;
    if (!at->kind || at->epoch != epoch) {
        assert(!journal->attempts[ATTEMPTS - 1].kind);
        memmove(at + 1, at, (size_t)(journal->attempts + ATTEMPTS - 1 - at) * sizeof *at);
    }
    *at = record;
}

// of one attempt: only FAILED may be followed by another end
bool end_is_newer(struct end_record a, struct end_record b)
{
    if (a.epoch != b.epoch)
        return a.epoch > b.epoch;
    return b.state == JOB_FAILED && a.state != JOB_FAILED;
}

void journal_end(const struct life *life, struct journal *journal, struct end_record end)
{
    struct end_record *at = journal->ends;
    if (life->paper || !has_rule(life, WITHOUT_END_KEYS)) {
        *at = end;
        return;
    }
    while (at->state && memcmp(at, &end, sizeof end) != 0 && !end_is_newer(*at, end))
        at++;
    if (memcmp(at, &end, sizeof end) == 0)
        return;
    assert(!journal->ends[ENDS - 1].state);
    memmove(at + 1, at, (size_t)(journal->ends + ENDS - 1 - at) * sizeof *at);
    *at = end;
}

void journal_out(const struct life *life, struct journal *journal, struct out out)
{
    if (out.name == JOB_NONE) {
        journal_attempt(life, journal, out.epoch, KIND_ABORTED, 0);
        return;
    }
    if (!has_rule(life, WITHOUT_KEYS))
        memset(journal->attempts, 0, sizeof journal->attempts);
    journal_end(life, journal, (struct end_record){ .epoch = out.epoch, .state = out.name });
}

bool journal_names(const struct journal *journal, uint8_t pid)
{
    for (int i = 0; i < ATTEMPTS && journal->attempts[i].kind; i++)
        if (journal->attempts[i].pid == pid)
            return true;
    return false;
}

// ---- the first state, the checks

static void on_start(const void *setting, void *first)
{
    const struct life *life  = setting;
    struct state      *state = first;
    struct image      *cur   = &state->image[CUR];
    cur->there               = 1;
    state->left              = life->bounds;
    if (!state->left.claims)
        state->left.claims = USUAL_CLAIMS;
    if (!state->left.takes)
        state->left.takes = USUAL_TAKES;
    if (life->first)
        return;
    cur->state        = JOB_QUEUED;
    cur->epoch        = GENERATION;
    cur->generation   = 1;
    cur->open         = 1;
    state->generation = 1;
}

static void on_next(const void *setting, const void *at, struct search *search)
{
    ingest_steps(setting, at, search);
    worker_steps(setting, at, search);
    poller_steps(setting, at, search);
    command_steps(setting, at, search);
    redis_steps(setting, at, search);
    gate_steps(setting, at, search);
}

// posts that stand: all but the newest must have been risked by choice
static bool is_double(const struct state *state)
{
    int newest = -1;
    for (int i = 0; i < POSTS; i++) {
        if (state->posts[i].fate != FATE_PUBLISHED)
            continue;
        if (newest >= 0 && !is_risked(state, state->posts[newest].pid))
            return true;
        newest = i;
    }
    return false;
}

// A retry or resolve that was applied, and the job is back where it was, or in an older attempt's
// end; and ingest has passed the command, or would, as one that is known.
static bool is_forgotten(const struct state *state)
{
    const struct image *cur = &state->image[CUR];
    for (int i = 0; i < COMMANDS && cur->open; i++) {
        const struct command *command = &state->commands[i];
        if (!command->what || command->what == WHAT_CANCEL || command->told == TOLD_NOTHING ||
            command->told == TOLD_REFUSED)
            continue;
        if (cur->watermark <= i && !(cur->applied & 1 << i))
            continue;
        if (cur->state == JOB_FAILED && command->what == WHAT_AGAIN &&
            cur->attempt <= command->told)
            return true;
        if (cur->state == JOB_UNSURE && !cur->pid && cur->attempt == command->told)
            return true;
    }
    return false;
}

// What the policy retried is in that doubt again.
static bool is_policy_forgotten(const struct state *state)
{
    const struct image *cur = &state->image[CUR];
    return cur->open && state->policied && cur->state == JOB_UNSURE && !cur->pid &&
           cur->attempt == state->policied;
}

// a post that nobody chose to risk stands, and the job says that there is none
static bool is_hidden(const struct state *state)
{
    const struct image *cur = &state->image[CUR];
    if (!cur->open || state->aged ||
        (cur->state != JOB_CANCELLED && cur->state != JOB_EXPIRED && cur->state != JOB_FAILED))
        return false;
    for (int i = 0; i < POSTS; i++)
        if (state->posts[i].fate == FATE_PUBLISHED && !is_risked(state, state->posts[i].pid))
            return true;
    return false;
}

static const char *on_broken(const void *setting, const void *at)
{
    const struct life  *life  = setting;
    const struct state *state = at;
    const struct image *cur   = &state->image[CUR];
    if (is_double(state))
        return "DOUBLE";
    if (life->forgetting && (is_forgotten(state) || is_policy_forgotten(state)))
        return "FORGOTTEN";
    if (life->hiding && is_hidden(state))
        return "HIDDEN";
    if (state->aged && cur->open && cur->state != JOB_NONE && !job_state_is_end(image_state(cur)))
        return "BACK from its end";
    return NULL;
}

// an end, a doubt that a person sees, or the queue with the bounds used up
static bool on_ended(const void *setting, const void *at)
{
    const struct state *state = at;
    const struct image *cur   = &state->image[CUR];
    (void)setting;
    if (!state->left.takes)
        return true;
    if (!cur->open)
        return false;
    return job_state_is_end(image_state(cur)) || cur->state == JOB_UNSURE ||
           (!state->left.claims && (cur->state == JOB_QUEUED || cur->ownerless));
}

const struct machine life_machine = {
    .bytes  = sizeof(struct state),
    .start  = on_start,
    .next   = on_next,
    .broken = on_broken,
    .ended  = on_ended,
};
