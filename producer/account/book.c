// SPDX-License-Identifier: Apache-2.0
#include "producer/account/book.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SEALED_MAX_BYTES = 32 * 1024, CLASH_BYTES = 400 };

static struct book_entry *new_entry(struct book *book)
{
    if (book->count == book->capacity) {
        book->capacity = book->capacity ? book->capacity * 2 : 16;
        book->entries  = xrealloc(book->entries, book->capacity * sizeof *book->entries);
    }
    struct book_entry *entry = &book->entries[book->count++];
    memset(entry, 0, sizeof *entry);
    return entry;
}

bool book_add(struct book *book, struct str text, uint64_t line, const struct seal *seal,
              const char *fleet, int64_t now_ms, struct error *err)
{
    struct account_tokens tokens;
    struct buf            sealed;
    if (book->count == BOOK_MAX)
        return error_set(err, ERR_INPUT, "more than %d accounts in one file", BOOK_MAX);
    if (!account_tokens_decode(text, &tokens, err))
        return false;
    buf_init(&sealed, SEALED_MAX_BYTES);
    bool ok = account_seal(seal, fleet, &tokens, &sealed, err);
    if (ok) {
        struct book_entry *entry     = new_entry(book);
        entry->line                  = line;
        entry->open_id               = arena_copy(&book->arena, tokens.open_id);
        entry->alias                 = arena_copy(&book->arena, tokens.alias);
        entry->scopes                = arena_copy(&book->arena, tokens.scope);
        entry->sealed                = arena_copy(&book->arena, buf_str(&sealed));
        entry->expires_at_ms         = now_ms + tokens.expires_in_s * 1000;
        entry->refresh_expires_at_ms = now_ms + tokens.refresh_expires_in_s * 1000;
        entry->known_rev             = -1;
        if (entry->alias.len)
            entry->aliases[entry->alias_count++] = entry->alias;
    }
    buf_fini(&sealed);
    account_tokens_fini(&tokens);
    return ok;
}

static int later_line(const struct book_entry *a, const struct book_entry *b)
{
    return (a->line > b->line) - (a->line < b->line);
}

static int compare_ids(const void *left, const void *right)
{
    const struct book_entry *a = *(struct book_entry *const *)left,
                            *b = *(struct book_entry *const *)right;
    int order                  = str_compare(a->open_id, b->open_id);
    return order ? order : later_line(a, b);
}

static int compare_aliases(const void *left, const void *right)
{
    const struct book_entry *a = *(struct book_entry *const *)left,
                            *b = *(struct book_entry *const *)right;
    int order                  = str_compare(a->alias, b->alias);
    return order ? order : later_line(a, b);
}

static void tell_clash(const struct book_entry *first, const struct book_entry *second,
                       const char *what, struct str text, book_clash *on_clash, void *owner)
{
    char why[CLASH_BYTES];
    snprintf(why, sizeof why, "%s %.*s stands on line %" PRIu64 ", too", what, STR_ARG(text),
             first->line);
    on_clash(owner, second->line, why);
}

void book_close(struct book *book, book_clash *on_clash, void *owner)
{
    book->by_id    = xcalloc(book->count + 1, sizeof(struct book_entry *));
    book->by_alias = xcalloc(book->count + 1, sizeof(struct book_entry *));
    for (size_t i = 0; i < book->count; i++) {
        book->by_id[i] = &book->entries[i];
        if (book->entries[i].alias.len)
            book->by_alias[book->alias_count++] = &book->entries[i];
    }
    qsort(book->by_id, book->count, sizeof(struct book_entry *), compare_ids);
    qsort(book->by_alias, book->alias_count, sizeof(struct book_entry *), compare_aliases);
    for (size_t i = 1; i < book->count; i++)
        if (str_eq(book->by_id[i - 1]->open_id, book->by_id[i]->open_id))
            tell_clash(book->by_id[i - 1], book->by_id[i], "open_id", book->by_id[i]->open_id,
                       on_clash, owner);
    for (size_t i = 1; i < book->alias_count; i++)
        if (str_eq(book->by_alias[i - 1]->alias, book->by_alias[i]->alias) &&
            !str_eq(book->by_alias[i - 1]->open_id, book->by_alias[i]->open_id))
            tell_clash(book->by_alias[i - 1], book->by_alias[i], "alias", book->by_alias[i]->alias,
                       on_clash, owner);
}

struct book_entry *book_by_id(const struct book *book, struct str open_id)
{
    for (size_t low = 0, high = book->count; low < high;) {
        size_t middle = low + (high - low) / 2;
        int    order  = str_compare(book->by_id[middle]->open_id, open_id);
        if (order == 0)
            return book->by_id[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

struct book_entry *book_by_alias(const struct book *book, struct str alias)
{
    for (size_t low = 0, high = book->alias_count; low < high;) {
        size_t middle = low + (high - low) / 2;
        int    order  = str_compare(book->by_alias[middle]->alias, alias);
        if (order == 0)
            return book->by_alias[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

void book_keep_record(struct book *book, struct book_entry *entry,
                      const struct account_record *record)
{
    struct account_profile *profile = &entry->profile;
    if (record->rev <= entry->known_rev)
        return;
    entry->known_rev      = record->rev;
    entry->settings       = arena_copy(&book->arena, record->settings);
    *profile              = record->profile;
    profile->username     = arena_copy(&book->arena, profile->username);
    profile->display_name = arena_copy(&book->arena, profile->display_name);
    profile->avatar_url   = arena_copy(&book->arena, profile->avatar_url);
}

bool book_keep_alias(struct book *book, struct book_entry *entry, struct str alias)
{
    if (!alias.len)
        return true;
    for (size_t i = 0; i < entry->alias_count; i++)
        if (str_eq(entry->aliases[i], alias))
            return true;
    if (entry->alias_count == ALIASES_MAX)
        return false;
    entry->aliases[entry->alias_count++] = arena_copy(&book->arena, alias);
    return true;
}

void book_fini(struct book *book)
{
    free(book->entries);
    free(book->by_id);
    free(book->by_alias);
    arena_fini(&book->arena);
    memset(book, 0, sizeof *book);
}
