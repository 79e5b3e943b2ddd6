// SPDX-License-Identifier: Apache-2.0
/* The accounts of one `account add`: read from its lines with their tokens sealed at once, and
 * compared with what Kafka and Redis know of them, before anything is written. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/memory.h"
#include "io/seal.h"
#include "job/account.h"

enum { BOOK_MAX = 100000 };

// texts live in the book's arena
struct book_entry {
    uint64_t               line;
    struct str             open_id;
    struct str             alias;                 // as the line has it; "" for none
    struct str             aliases[ALIASES_MAX];  // that one first, then all that it ever had
    size_t                 alias_count;
    struct str             scopes;
    struct str             sealed;
    int64_t                expires_at_ms;          // wall clock
    int64_t                refresh_expires_at_ms;  // wall clock
    int64_t                known_rev;              // of its record on Kafka; -1: it is new
    struct account_profile profile;                // of that record
    struct str             settings;               // of that record
    bool                   clashes;  // it was told that its alias is another account's
};

struct book {
    struct book_entry  *entries;  // owned, in the order of their lines
    size_t              count;
    size_t              capacity;
    struct book_entry **by_id;     // owned; sorted, after book_close
    struct book_entry **by_alias;  // owned; those with an alias, sorted, after book_close
    size_t              alias_count;
    struct arena        arena;
};

// a line of token answers: decoded, sealed, kept; the tokens are wiped in every case
bool book_add(struct book *book, struct str text, uint64_t line, const struct seal *seal,
              const char *fleet, int64_t now_ms, struct error *err) MUST_CHECK;
// no more lines: after this it can be searched. Each clash inside of the file is told to on_clash.
typedef void       book_clash(void *owner, uint64_t line, const char *why);
void               book_close(struct book *book, book_clash *on_clash, void *owner);
struct book_entry *book_by_id(const struct book *book, struct str open_id);   // NULL: none
struct book_entry *book_by_alias(const struct book *book, struct str alias);  // NULL: none
// its record on Kafka, if it is the newest so far: what stays of it when its tokens are renewed
void book_keep_record(struct book *book, struct book_entry *entry,
                      const struct account_record *record);
// one of all the aliases that it ever had; false: there are too many
bool book_keep_alias(struct book *book, struct book_entry *entry, struct str alias) MUST_CHECK;
void book_fini(struct book *book);
