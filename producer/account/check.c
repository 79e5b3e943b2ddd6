// SPDX-License-Identifier: Apache-2.0
#include "producer/account/check.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "producer/tool/records.h"

enum { BATCH = 64, WHY_BYTES = 512 };

struct check {
    struct tool *tool;  // borrowed
    struct book *book;  // borrowed
    book_clash  *on_clash;
    void        *owner;  // for on_clash
};

static void PRINTF_LIKE(3, 4)
    clash(struct check *check, const struct book_entry *entry, const char *format, ...)
{
    char    why[WHY_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(why, sizeof why, format, args);
    va_end(args);
    check->on_clash(check->owner, entry->line, why);
}

static void keep_alias(struct check *check, struct book_entry *entry, struct str alias)
{
    if (!book_keep_alias(check->book, entry, alias))
        clash(check, entry,
              "the account had 8 aliases already, %.*s among them, and an alias is for ever: leave "
              "it out",
              STR_ARG(alias));
}

static void alias_taken(struct check *check, struct book_entry *entry, struct str owner)
{
    if (entry->clashes)
        return;
    entry->clashes = true;
    clash(check, entry,
          "its alias belongs to another account for ever (open_id %.*s): choose another one",
          STR_ARG(owner));
}

static void on_record(void *owner, const struct kafka_message *message)
{
    struct check         *check = owner;
    struct arena          arena = { 0 };
    struct account_record record;
    struct error          err;
    struct book_entry    *same = book_by_id(check->book, message->key);
    if (!message->value.p)
        return;
    if (account_record_decode(message->value, &record, &arena, &err)) {
        for (size_t i = 0; i < record.alias_count; i++) {
            struct book_entry *other = book_by_alias(check->book, record.aliases[i]);
            if (other && !str_eq(other->open_id, record.open_id))
                alias_taken(check, other, record.open_id);
            if (same)
                keep_alias(check, same, record.aliases[i]);
        }
        if (same)
            book_keep_record(check->book, same, &record);
    } else if (same) {
        clash(check, same, "its record on Kafka cannot be read: %s", err.message);
    }
    arena_fini(&arena);
}

// for each of some accounts: who has its alias, and which alias it had last
static bool ask_redis(struct check *check, struct book_entry *entries, size_t count,
                      struct error *err)
{
    struct ask asks[2 * BATCH];
    char       aliases[BATCH][OPEN_ID_MAX + 1];
    memset(asks, 0, sizeof asks);
    for (size_t i = 0; i < count; i++) {
        snprintf(aliases[i], sizeof aliases[i], "%.*s", STR_ARG(entries[i].alias));
        ask_begin(check->tool, &asks[2 * i], "HGET", "alias", (struct str){ 0 });
        ask_add(&asks[2 * i], aliases[i]);
        ask_begin(check->tool, &asks[2 * i + 1], "HGET", "account:", entries[i].open_id);
        ask_add(&asks[2 * i + 1], "alias");
    }
    bool ok = tool_ask(check->tool, asks, 2 * count, err);
    for (size_t i = 0; ok && i < count; i++) {
        struct str owner = asks[2 * i].reply.answer.text;
        if (owner.len && !str_eq(owner, entries[i].open_id))
            alias_taken(check, &entries[i], owner);
        keep_alias(check, &entries[i], asks[2 * i + 1].reply.answer.text);
    }
    asks_fini(asks, 2 * count);
    return ok;
}

bool account_check(struct tool *tool, struct book *book, book_clash *on_clash, void *owner,
                   struct error *err)
{
    struct check check = { .tool = tool, .book = book, .on_clash = on_clash, .owner = owner };
    if (!tool_store(tool, err) || !records_read(tool, TOPIC_ACCOUNTS, on_record, &check, NULL, err))
        return false;
    for (size_t i = 0; i < book->count; i += BATCH) {
        size_t left = book->count - i;
        if (!ask_redis(&check, book->entries + i, left < BATCH ? left : BATCH, err))
            return false;
    }
    return true;
}
