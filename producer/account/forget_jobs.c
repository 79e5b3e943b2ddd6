// SPDX-License-Identifier: Apache-2.0
#include "producer/account/forget_jobs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "job/journal.h"
#include "loop/clock.h"
#include "producer/account/jobs.h"
#include "producer/tool/records.h"

enum { LOOK_MS = 100, ENTRY_ID_BYTES = 48 };

struct forgetting {
    struct tool      *tool;       // borrowed
    struct str        open_id;    // borrowed
    struct forgotten *forgotten;  // borrowed
    struct ids        jobs;       // that have ended
    struct record    *rewrites;   // records of the journal that are to be written anew; owned
    size_t            count;
    size_t            capacity;
    struct arena      arena;  // of the rewrites' texts
};

// ---- in Redis

static bool forget_in_redis(struct forgetting *f, struct error *err)
{
    struct tool *tool = f->tool;
    for (size_t i = 0; i < f->jobs.count; i++) {
        struct forget_job_args args  = { .job_id = f->jobs.texts[i], .account = f->open_id };
        struct redis_reply     reply = { 0 };
        struct wait            wait  = { 0 };
        enum store_word        word;
        script_forget_job(tool->store, &args, &reply, &wait.call, wait_done);
        bool ok = tool_wait(tool, &wait, err) && store_word(NULL, &reply, &word, err);
        if (ok && word == WORD_GATE)
            ok = error_set(err, ERR_CLOSED, "Redis' gate is closed; give the same command again");
        if (ok && word == WORD_OK && reply.answer.count > 1 && reply.answer.items[1].number > 0) {
            f->forgotten->jobs++;
            f->forgotten->fields += reply.answer.items[1].number;
        }
        redis_reply_fini(&reply);
        if (!ok)
            return false;
    }
    return true;
}

// ---- in the journal

static void rewrite(struct forgetting *f, struct str key, struct str value)
{
    if (f->count == f->capacity) {
        f->capacity = f->capacity ? 2 * f->capacity : 64;
        f->rewrites = xrealloc(f->rewrites, f->capacity * sizeof *f->rewrites);
    }
    struct record *one = &f->rewrites[f->count++];
    one->key           = arena_copy(&f->arena, key);
    one->value         = value.p ? arena_copy(&f->arena, value) : value;
}

// every member but these
static void copy_without(const struct json *from, const char *const *names, size_t count,
                         struct json *to)
{
    for (const struct json *member = json_at(from, 0); member; member = json_next(member)) {
        bool       drop = false;
        struct buf text;
        for (size_t i = 0; i < count; i++)
            drop = drop || strcmp(json_key(member), names[i]) == 0;
        if (drop)
            continue;
        buf_init(&text, JOURNAL_RECORD_MAX_BYTES);
        json_print_value(member, &text);
        json_set_raw(to, json_key(member), buf_str(&text));
        buf_fini(&text);
    }
}

// An end, the same but for what is personal in its event: it goes on deciding what it decided.
static void clean_end(struct forgetting *f, const struct kafka_message *message)
{
    static const char *const personal[]   = { "metadata", "post_url" };
    static const char *const event_name[] = { "event" };
    struct error             ignored;
    struct json             *root =
        json_parse(message->value, JOURNAL_RECORD_MAX_BYTES, JOURNAL_DEPTH_MAX, &ignored);
    const struct json *event       = json_get(root, "event");
    bool               is_personal = json_get(event, "metadata") || json_get(event, "post_url");
    if (is_personal && ids_have(&f->jobs, json_text(json_get(root, "job_id")))) {
        struct json *object = json_object(), *cleaned = json_object();
        struct buf   value;
        buf_init(&value, JOURNAL_RECORD_MAX_BYTES);
        copy_without(event, personal, COUNT_OF(personal), cleaned);
        copy_without(root, event_name, COUNT_OF(event_name), object);
        json_set(object, "event", &cleaned);
        json_print(object, &value);
        json_free(object);
        rewrite(f, message->key, buf_str(&value));
        buf_fini(&value);
        f->forgotten->ends++;
    }
    json_free(root);
}

static void on_record(void *owner, const struct kafka_message *message)
{
    struct forgetting *f    = owner;
    struct str         rest = message->key, kind;
    if (!message->value.p || !str_cut(&rest, '/', &kind) || !rest.p)
        return;
    if (str_is(kind, "end")) {
        clean_end(f, message);
    } else if (str_is(kind, "message") && ids_have(&f->jobs, rest)) {
        rewrite(f, message->key, (struct str){ 0 });
        f->forgotten->messages++;
    }
}

static bool forget_in_journal(struct forgetting *f, struct error *err)
{
    return records_read(f->tool, TOPIC_JOURNAL, on_record, f, NULL, err) &&
           records_send(f->tool, TOPIC_JOURNAL, f->rewrites, f->count, err);
}

// ---- on its way to the journal

// the first entry that the command finds; "" when there is none
static bool find_entry(struct tool *tool, const char *command, const char *from, const char *to,
                       char id[ENTRY_ID_BYTES], struct error *err)
{
    struct ask ask = { 0 };
    ask_begin(tool, &ask, command, "outbox", STR(""));
    ask_add(&ask, from);
    ask_add(&ask, to);
    ask_add(&ask, "COUNT");
    ask_add(&ask, "1");
    bool ok = tool_ask(tool, &ask, 1, err);
    if (ok) {
        const struct answer *entries = &ask.reply.answer;
        struct str           found = entries->count ? answer_item(&entries->items[0], 0) : STR("");
        snprintf(id, ENTRY_ID_BYTES, "%.*s", STR_ARG(found));
    }
    asks_fini(&ask, 1);
    return ok;
}

// An end that is in the outbox still would be written to the journal, with what is personal, after
// the journal was cleaned. What comes into the outbox later is of other jobs: those of this account
// have ended.
static bool await_ends(struct forgetting *f, int64_t timeout_ms, struct error *err)
{
    struct tool *tool  = f->tool;
    int64_t      until = clock_monotonic_ms() + timeout_ms;
    char         newest[ENTRY_ID_BYTES], oldest[ENTRY_ID_BYTES];
    if (!find_entry(tool, "XREVRANGE", "+", "-", newest, err))
        return false;
    while (newest[0]) {
        if (!find_entry(tool, "XRANGE", "-", newest, oldest, err))
            return false;
        if (!oldest[0])
            break;
        if (clock_monotonic_ms() >= until) {
            f->forgotten->untold = true;
            break;
        }
        if (!tool_idle(tool, LOOK_MS))
            return error_set(err, ERR_NOT_SENT, "interrupted");
    }
    return true;
}

bool forget_jobs(struct tool *tool, struct str open_id, int64_t timeout_ms,
                 struct forgotten *forgotten, struct error *err)
{
    struct forgetting f = { .tool = tool, .open_id = open_id, .forgotten = forgotten };
    bool              ok =
        account_jobs_find(tool, open_id, false, &f.jobs, err) && await_ends(&f, timeout_ms, err);
    if (ok && !forgotten->untold)
        ok = forget_in_journal(&f, err) && forget_in_redis(&f, err);
    ids_fini(&f.jobs);
    free(f.rewrites);
    arena_fini(&f.arena);
    return ok;
}
