// SPDX-License-Identifier: Apache-2.0
/* The commands of a journal, as the replay (replay.h) keeps them, and what each means for attempts
 * and ends. */
#pragma once

#include "job/command.h"

struct said {                       // one command
    struct said          *next;     // of its job; NULL: the last, or none
    struct command        command;  // owned
    struct command_record record;
    bool                  linked;    // it is in its job's list
    bool                  recorded;  // command/<id> is there
    bool                  refused;   // command/<id>/refused is
};

struct said_book {
    void         *tree;  // tsearch, by id
    struct said **list;  // owned; the same, as they came
    size_t        count;
    size_t        capacity;
};

// A record of the journal, `rest` being its key behind "command/"; json NULL: a tombstone. *said
// NULL: nothing is known of it.
bool said_take(struct said_book *book, struct str rest, const struct json *json, struct said **said,
               struct error *err) MUST_CHECK;
void said_book_fini(struct said_book *book);

bool said_counts(const struct said *said);  // recorded and not refused
// by the time and place of their messages
bool said_newer(const struct said *a, const struct said *b);

// of the list of one job: is that attempt (its publish id, "" none) over by a person's word, so
// that it decides nothing?
bool said_voids_attempt(const struct said *list, struct str epoch, struct str publish_id);
bool said_voids_end(const struct said *list, struct str epoch, struct str state);
// The cancel or resolve that decides like an end, where `newest` ("" none) is the newest attempt
// that is left; none that is older than since_ms. Or NULL.
const struct said *said_end(const struct said *list, struct str newest, int64_t since_ms);
const struct said *said_reschedule(const struct said *list);  // the newest, or NULL
// ids, oldest first, those refused behind a '!'; and what retries acted on, for the script
// `restore`
void said_ids(const struct said *list, struct buf *out);
void said_voids(const struct said *list, struct buf *out);
