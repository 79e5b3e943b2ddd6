// SPDX-License-Identifier: Apache-2.0
#include "job/replay_said.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "job/replay.h"

enum { IDS_MAX = 16, FIRST_CAPACITY = 16 };

// ---- the book

static int compare_ids(const void *left, const void *right)
{
    const struct said *a = left, *b = right;
    return str_compare(a->command.id, b->command.id);
}

static struct said *said_find(const struct said_book *book, struct str id)
{
    struct said   wanted = { .command = { .id = id } };
    struct said **found  = tfind(&wanted, &book->tree, compare_ids);
    return found ? *found : NULL;
}

static struct said *said_add(struct said_book *book, struct said **fresh)
{
    struct said *said = *fresh;
    *fresh            = NULL;
    if (!tsearch(said, &book->tree, compare_ids))
        abort();  // no memory
    if (book->count == book->capacity) {
        book->capacity = book->capacity ? book->capacity * 2 : FIRST_CAPACITY;
        book->list     = xrealloc(book->list, book->capacity * sizeof *book->list);
    }
    book->list[book->count++] = said;
    return said;
}

static void said_free(struct said *said)
{
    if (!said)
        return;
    command_fini(&said->command);
    free(said);
}

bool said_take(struct said_book *book, struct str rest, const struct json *json, struct said **said,
               struct error *err)
{
    struct str id      = { 0 };
    bool       refused = str_cut(&rest, '/', &id) && str_is(rest, "refused");
    if (!id.len || (rest.len && !refused))
        return error_set(err, ERR_INPUT, "its key is not one that this version knows");
    *said = said_find(book, id);
    if (json && !*said) {
        struct said *fresh = xcalloc(1, sizeof *fresh);
        if (!command_of_record(json, &fresh->command, &fresh->record, err) ||
            !str_eq(fresh->command.id, id)) {
            if (fresh->command.id.len)
                error_set(err, ERR_INPUT, "it is not the command of its key");
            said_free(fresh);
            return false;
        }
        *said = said_add(book, &fresh);
    }
    if (*said && refused)
        (*said)->refused = json != NULL;
    else if (*said)
        (*said)->recorded = json != NULL;
    return true;
}

static void forget(void *node)
{
    (void)node;  // the list has it
}

void said_book_fini(struct said_book *book)
{
    tdestroy(book->tree, forget);
    for (size_t i = 0; i < book->count; i++)
        said_free(book->list[i]);
    free(book->list);
    *book = (struct said_book){ 0 };
}

// ---- one command

bool said_counts(const struct said *said)
{
    return said->recorded && !said->refused;
}

// "jobs-3@17": 17 where both are of the same partition
static int compare_places(struct str a, struct str b)
{
    struct str a_partition = { 0 }, b_partition = { 0 };
    int64_t    a_offset, b_offset;
    if (!str_cut(&a, '@', &a_partition) || !str_cut(&b, '@', &b_partition) ||
        !str_eq(a_partition, b_partition) || !str_to_i64(a, &a_offset) || !str_to_i64(b, &b_offset))
        return 0;
    return (a_offset > b_offset) - (a_offset < b_offset);
}

bool said_newer(const struct said *a, const struct said *b)
{
    if (a->record.at_ms != b->record.at_ms)
        return a->record.at_ms > b->record.at_ms;
    int order = compare_places(a->record.source, b->record.source);
    return (order ? order : compare_ids(a, b)) > 0;
}

static bool is_retry_of(const struct said *said, const char *state)
{
    return said_counts(said) && said->command.what == COMMAND_RETRY &&
           str_is(said->command.state, state);
}

// ---- what they mean

bool said_voids_attempt(const struct said *list, struct str epoch, struct str publish_id)
{
    for (const struct said *said = list; said; said = said->next) {
        const struct command *command = &said->command;
        if (is_retry_of(said, "FAILED") && epoch_compare(epoch, command->epoch) <= 0)
            return true;
        bool of_doubt =
            is_retry_of(said, "UNSURE") || (said_counts(said) && command->what == COMMAND_RESOLVE);
        if (of_doubt && epoch_compare(epoch, command->epoch) == 0 &&
            (!publish_id.len || str_eq(publish_id, command->publish_id)))
            return true;
    }
    return false;
}

bool said_voids_end(const struct said *list, struct str epoch, struct str state)
{
    if (!str_is(state, "FAILED"))
        return false;
    for (const struct said *said = list; said; said = said->next) {
        int  order      = epoch_compare(epoch, said->command.epoch);
        bool of_a_doubt = is_retry_of(said, "UNSURE") && !command_is_policy(&said->command);
        if ((is_retry_of(said, "FAILED") && order <= 0) || (of_a_doubt && order == 0))
            return true;
    }
    return false;
}

// a person said that it failed, and then that it is to be tried again
static bool is_taken_back(const struct said *list, const struct said *resolve)
{
    for (const struct said *said = list; said; said = said->next)
        if (!resolve->command.posted && is_retry_of(said, "FAILED") &&
            epoch_compare(resolve->command.epoch, said->command.epoch) <= 0)
            return true;
    return false;
}

static bool decides(const struct said *list, const struct said *said, struct str newest)
{
    const struct command *command = &said->command;
    int                   order   = newest.len ? epoch_compare(newest, command->epoch) : -1;
    if (!said_counts(said))
        return false;
    if (command->what == COMMAND_RESOLVE)
        return order < 0 && !is_taken_back(list, said);
    // what was CLAIMED may have been sent by then; of what waited, that attempt was over
    return command->what == COMMAND_CANCEL &&
           (order < 0 || (order == 0 && str_is(command->state, "QUEUED")));
}

const struct said *said_end(const struct said *list, struct str newest, int64_t since_ms)
{
    const struct said *end = NULL;
    for (const struct said *said = list; said; said = said->next) {
        int order = end ? epoch_compare(said->command.epoch, end->command.epoch) : 1;
        if (said->record.at_ms >= since_ms && decides(list, said, newest) &&
            (order > 0 || (order == 0 && said_newer(end, said))))
            end = said;  // of two of the same attempt the older one: the other one was too late
    }
    return end;
}

const struct said *said_reschedule(const struct said *list)
{
    const struct said *newest = NULL;
    for (const struct said *said = list; said; said = said->next)
        if (said_counts(said) && said->command.what == COMMAND_RESCHEDULE &&
            (!newest || said_newer(said, newest)))
            newest = said;
    return newest;
}

// ---- for the script

void said_ids(const struct said *list, struct buf *out)
{
    const struct said *newest[IDS_MAX];
    size_t             count = 0;
    for (const struct said *said = list; said; said = said->next) {
        if (!said->recorded && !said->refused)
            continue;
        size_t at = count;
        while (at > 0 && said_newer(newest[at - 1], said))
            at--;
        if (count == IDS_MAX && at == 0)
            continue;
        if (count == IDS_MAX) {
            memmove(newest, newest + 1, (--at) * sizeof newest[0]);
        } else {
            memmove(newest + at + 1, newest + at, (count - at) * sizeof newest[0]);
            count++;
        }
        newest[at] = said;
    }
    for (size_t i = 0; i < count; i++)
        buf_printf(out, "%s%s%.*s", i ? " " : "", newest[i]->refused ? "!" : "",
                   STR_ARG(newest[i]->command.id));
}

void said_voids(const struct said *list, struct buf *out)
{
    for (const struct said *said = list; said; said = said->next)
        if (is_retry_of(said, "FAILED") || is_retry_of(said, "UNSURE"))
            buf_printf(
                out, "%s%.*s/%.*s/%.*s", out->len ? " " : "", STR_ARG(said->command.epoch),
                STR_ARG(command_is_policy(&said->command) ? STR("POLICY") : said->command.state),
                STR_ARG(said->command.publish_id));
}
