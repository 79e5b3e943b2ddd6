// SPDX-License-Identifier: Apache-2.0
/* What a person or an upstream commands: seen, sent, journaled by ingest, then applied or refused.
 * Also what time does to the records of an end. */
#include "life.h"

#include <string.h>

static const char *const whats[] = {
    [WHAT_NONE] = "",           [WHAT_RETRY] = "retry",   [WHAT_AGAIN] = "retry of an end",
    [WHAT_RESOLVE] = "resolve", [WHAT_CANCEL] = "cancel", [WHAT_REFUSED] = "refused",
};

static int command_count(const struct state *state)
{
    int count = 0;
    while (count < COMMANDS && state->commands[count].what)
        count++;
    return count;
}

// ---- a person

static void ask(const struct state *state, struct command command, struct search *search)
{
    struct state to                   = *state;
    to.commands[command_count(state)] = command;
    if (command.what == WHAT_CANCEL)
        to.left.cancel--;
    else
        to.left.ask--;
    search_add(search, &to, "person: %s %s", whats[command.what], epoch_text(command.target));
}

static void ask_steps(const struct life *life, const struct state *state, const struct image *image,
                      struct search *search)
{
    uint8_t doubt = has_rule(life, WITHOUT_ATTEMPT_NAME) ? image->attempt : image->epoch;
    if (command_count(state) == COMMANDS || state->aged)
        return;
    if (state->left.ask && image->state == JOB_FAILED)
        ask(state,
            (struct command){ .what   = WHAT_AGAIN,
                              .target = life->paper ? image->epoch : image->attempt },
            search);
    if (state->left.ask && image->state == JOB_UNSURE) {
        ask(state, (struct command){ .what = WHAT_RETRY, .target = doubt, .pid = image->pid },
            search);
        if (life->resolve)
            ask(state, (struct command){ .what = WHAT_RESOLVE, .target = doubt, .pid = image->pid },
                search);
    }
    if (state->left.cancel && image->state != JOB_NONE && !job_state_is_end(image_state(image)))
        ask(state, (struct command){ .what = WHAT_CANCEL }, search);
}

// ---- ingest

static void tell(struct state *to, int k, uint8_t told)
{
    if (!to->commands[k].told)
        to->commands[k].told = told;
}

static bool fits(const struct life *life, const struct image *image, const struct command *command)
{
    bool    again  = command->what == WHAT_AGAIN;
    uint8_t target = has_rule(life, WITHOUT_ATTEMPT_NAME) && !(again && life->paper)
                         ? image->attempt
                         : image->epoch;
    if (image->state != (again ? JOB_FAILED : JOB_UNSURE))
        return false;
    return !has_rule(life, WITHOUT_NAMES) ||
           (command->target == target &&
            (image->pid == command->pid || again || !has_rule(life, WITHOUT_VOID_PID)));
}

static void apply(const struct life *life, const struct state *state, enum server server, int k,
                  struct search *search)
{
    const struct command *command = &state->commands[k];
    const char           *at      = at_text(server);
    struct state          to      = *state;
    struct image         *image   = &to.image[server];
    image->watermark++;
    image->applied |= (uint8_t)(1 << k);
    tell(&to, k, image->attempt);
    if (command->what != WHAT_RESOLVE) {
        risk(&to, has_rule(life, WITHOUT_NAMES) ? image->attempt : command->target);
        if (has_rule(life, WITHOUT_NAMES))
            risk(&to, image->pid);
        bool nameless = image->state == JOB_UNSURE && !image->pid;
        image_move(search, image, ON_RETRY);
        image->pid     = 0;
        image->doubted = nameless && !life->paper ? image->attempt : 0;
        if (command->what == WHAT_AGAIN && !life->paper)
            image->retried = image->attempt;
        search_add(search, &to, "ingest: command %s %s applied -> QUEUED%s", whats[command->what],
                   epoch_text(command->target), at);
        return;
    }
    image_move(search, image, ON_FOUND);
    image->epoch = epoch_next(life, image);
    image->n++;
    out_add(image, JOB_PUBLISHED, life->paper ? image->epoch : image->attempt);
    search_add(search, &to, "ingest: command resolve %s applied -> PUBLISHED%s",
               epoch_text(command->target), at);
}

// before the commit point only; an upload that has been in SENDING with its publish id is past it
static bool may_cancel(const struct life *life, const struct image *image)
{
    if (image->state == JOB_SENDING && !has_rule(life, WITHOUT_CANCEL_ARROW))
        return true;
    if (image->state == JOB_UPLOADING && image->committed && has_rule(life, WITHOUT_CANCEL_UPLOAD))
        return false;
    return search_has_arrow(image_state(image), ON_CANCEL);
}

static void cancel(const struct life *life, const struct state *state, enum server server, int k,
                   struct search *search)
{
    struct state  to    = *state;
    struct image *image = &to.image[server];
    image->watermark++;
    image->applied |= (uint8_t)(1 << k);
    tell(&to, k, 1);
    if (image->state != JOB_QUEUED) {
        image->epoch = epoch_next(life, image);
        image->n++;
    }
    if (image->state == JOB_SENDING)
        image->state = JOB_CANCELLED;  // without its rule
    else
        image_move(search, image, ON_CANCEL);
    out_add(image, JOB_CANCELLED, image->attempt);
    search_add(search, &to, "ingest: command cancel applied -> CANCELLED%s", at_text(server));
}

static void refuse(const struct life *life, const struct state *state, enum server server, int k,
                   struct search *search)
{
    const struct command *command = &state->commands[k];
    struct state          to      = *state;
    tell(&to, k, TOLD_REFUSED);
    if (has_rule(life, WITHOUT_REFUSAL))
        to.journal.commands[k] = (struct command_record){ .what   = WHAT_REFUSED,
                                                          .target = command->target,
                                                          .pid    = command->pid };
    else
        to.image[server].watermark++;
    search_add(search, &to, "ingest: command %s %s refused%s", whats[command->what],
               epoch_text(command->target),
               has_rule(life, WITHOUT_REFUSAL) ? " -> journal" : at_text(server));
}

static bool may_do(const struct life *life, const struct image *image,
                   const struct command *command)
{
    return command->what == WHAT_CANCEL ? may_cancel(life, image) : fits(life, image, command);
}

// a cancel is journaled with what the job was when it was looked at: its attempt, and whether it
// waited (in pid)
static struct command_record record_of(const struct command *command, const struct image *image)
{
    if (command->what == WHAT_CANCEL)
        return (struct command_record){ .what   = WHAT_CANCEL,
                                        .target = image->attempt,
                                        .pid    = image->state == JOB_QUEUED };
    return (struct command_record){ .what   = command->what,
                                    .target = command->target,
                                    .pid    = command->pid };
}

static void ingest_command(const struct life *life, const struct state *state, enum server server,
                           struct search *search)
{
    const struct image          *image   = &state->image[server];
    int                          k       = image->watermark;
    const struct command        *command = &state->commands[k];
    const struct command_record *record  = &state->journal.commands[k];
    struct state                 to      = *state;
    if (command->what == WHAT_CANCEL && image->state == JOB_NONE)
        return;  // the job's message stands before it in the same partition
    if (!record->what && state->aged && has_rule(life, WITHOUT_TOO_OLD)) {
        to.image[server].watermark++;
        search_add(search, &to, "ingest: command %s %s is too old%s", whats[command->what],
                   epoch_text(command->target), at_text(server));
    } else if (!record->what && !life->paper && !may_do(life, image, command)) {
        refuse(life, state, server, k, search);  // looked at first: no other record of it
    } else if (!record->what) {
        to.journal.commands[k] = record_of(command, image);
        search_add(search, &to, "ingest: command %s %s -> journal", whats[command->what],
                   epoch_text(command->target));
    } else if (image->applied & 1 << k || record->what == WHAT_REFUSED) {
        to.image[server].watermark++;
        search_add(search, &to, "ingest: command %s %s is known%s", whats[command->what],
                   epoch_text(command->target), at_text(server));
    } else if (!may_do(life, image, command)) {
        refuse(life, state, server, k, search);
    } else if (command->what == WHAT_CANCEL) {
        cancel(life, state, server, k, search);
    } else {
        apply(life, state, server, k, search);
    }
}

// ---- the records of an end have lived their time

static bool journal_is_bare(const struct journal *journal)
{
    static const struct command_record none[COMMANDS];
    return !journal->attempts[0].kind && memcmp(journal->commands, none, sizeof none) == 0 &&
           !journal->policies[0].what;
}

static bool journal_has_end(const struct journal *journal, struct end_record end)
{
    for (int i = 0; i < ENDS; i++)
        if (memcmp(&journal->ends[i], &end, sizeof end) == 0)
            return true;
    return false;
}

static void attempt_tombstones(const struct state *state, struct search *search)
{
    struct state to = *state;
    for (int i = 0; i < ATTEMPTS && state->journal.attempts[i].kind; i++) {
        struct attempt_record *at = &to.journal.attempts[i];
        to                        = *state;
        memmove(at, at + 1, (size_t)(ATTEMPTS - 1 - i) * sizeof *at);
        to.journal.attempts[ATTEMPTS - 1] = (struct attempt_record){ 0 };
        search_add(search, &to, "tombstone: the attempt %s",
                   epoch_text(state->journal.attempts[i].epoch));
    }
}

static void end_tombstones(const struct life *life, const struct state *state,
                           struct search *search)
{
    struct state to = *state;
    for (int i = 0; i < ENDS && state->journal.ends[i].state; i++) {
        if (i && has_rule(life, WITHOUT_NEWEST_LAST))
            return;
        struct end_record *at    = &to.journal.ends[i];
        uint8_t            epoch = state->journal.ends[i].epoch;
        to                       = *state;
        memmove(at, at + 1, (size_t)(ENDS - 1 - i) * sizeof *at);
        to.journal.ends[ENDS - 1] = (struct end_record){ 0 };
        if (epoch > to.journal.buried)
            to.journal.buried = epoch;
        search_add(search, &to, "tombstone: the end %s", epoch_text(epoch));
    }
}

// Sweepers, one or several, that stop anywhere: each step needs only what the ones before have
// confirmed.
static void tombstone_steps(const struct life *life, const struct state *state,
                            struct search *search)
{
    struct state      to   = *state;
    struct end_record end  = { 0 };
    bool              ends = journal_says_end(life, state, &end);
    if (ends && !journal_has_end(&state->journal, end) && has_rule(life, WITHOUT_END_AGAIN)) {
        journal_end(life, &to.journal, end);
        search_add(search, &to, "sweep: the end that a command made -> journal");
        ends = false;
    }
    if (ends || !has_rule(life, WITHOUT_ENDS_LAST))
        attempt_tombstones(state, search);
    for (int i = 0; i < COMMANDS; i++) {
        to                     = *state;
        to.journal.commands[i] = (struct command_record){ 0 };
        if (state->journal.commands[i].what &&
            (!state->journal.attempts[0].kind || !has_rule(life, WITHOUT_ENDS_LAST)))
            search_add(search, &to, "tombstone: the command %s",
                       whats[state->journal.commands[i].what]);
    }
    for (int i = 0; i < POLICIES && state->journal.policies[i].what; i++) {
        struct command_record *at = &to.journal.policies[i];
        to                        = *state;
        memmove(at, at + 1, (size_t)(POLICIES - 1 - i) * sizeof *at);
        to.journal.policies[POLICIES - 1] = (struct command_record){ 0 };
        if (!state->journal.attempts[0].kind || !has_rule(life, WITHOUT_ENDS_LAST))
            search_add(search, &to, "tombstone: the policy's retry");
    }
    if (state->journal.buried && !state->takers[0].pc) {
        to                = *state;
        to.journal.buried = 0;
        search_add(search, &to, "compaction: the tombstones have lived their time");
    }
    if (journal_is_bare(&state->journal) || !has_rule(life, WITHOUT_ENDS_LAST))
        end_tombstones(life, state, search);
    if (state->image[CUR].state != JOB_NONE && job_state_is_end(image_state(&state->image[CUR]))) {
        to                  = *state;
        struct image *image = &to.image[CUR];
        image->state = image->epoch = image->attempt = image->pid = image->committed =
            image->doubted                                        = 0;
        search_add(search, &to, "Redis: the job's hash has lived its time");
    }
}

static void age_steps(const struct life *life, const struct state *state, struct search *search)
{
    const struct image *cur = &state->image[CUR];
    if (state->aged) {
        tombstone_steps(life, state, search);
        return;
    }
    // nobody holds anything for so long, and the replica has caught up
    if (!state->left.old || !cur->open || cur->state == JOB_NONE ||
        !job_state_is_end(image_state(cur)) || cur->out_count || state->image[OLD].there ||
        state->workers[0].pc || state->takers[0].pc || state->sleeping_count ||
        cur->watermark != command_count(state))
        return;
    // an answer that came after all: the journal is right, and the gate will say so
    struct end_record end = { 0 };
    if (!journal_says_end(life, state, &end) && has_rule(life, WITHOUT_END_KEYS))
        return;
    struct state to = *state;
    to.left.old--;
    to.aged = 1;
    if (has_rule(life, WITHOUT_TAIL_STALE)) {
        memset(&to.image[CUR].mark, 0, sizeof to.image[CUR].mark);
        memset(&to.image[CUR].young, 0, sizeof to.image[CUR].young);
        to.image[CUR].young_attempt = 0;
    }
    if (to.image[REP].there)
        to.image[REP] = to.image[CUR];
    search_add(search, &to, "the time that the records of an end live is over");
}

void command_steps(const struct life *life, const struct state *state, struct search *search)
{
    for (enum server server = CUR; server < SERVERS; server++) {
        const struct image *image = &state->image[server];
        if (server == REP || !image->there)
            continue;
        ask_steps(life, state, image, search);
        if (image->watermark < command_count(state) && image_live(life, image))
            ingest_command(life, state, server, search);
    }
    age_steps(life, state, search);
}
