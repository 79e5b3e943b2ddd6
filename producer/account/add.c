// SPDX-License-Identifier: Apache-2.0
/* tokfleet account add: connects accounts. Nothing is written while a line is bad.
 *
 *   lines ──► checked, sealed ──► account_check ──► <fleet>.accounts, all of them confirmed
 *         ──► script account for each, again and again until no job waits for it any more
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "job/account_store.h"
#include "loop/clock.h"
#include "producer/account/check.h"
#include "producer/account/tiktok_side.h"
#include "producer/tool/lines.h"
#include "producer/tool/records.h"
#include "producer/tool/verb.h"
#include "tiktok/scope.h"

enum {
    LINE_MAX_BYTES = 16384,
    BATCH          = 64,
    GATE_LOOK_MS   = 300,
    BAD_TOLD_MAX   = 50,
    DAY_MS         = 86400000
};

struct add_options {
    int64_t timeout_ms;
    bool    json;
};

#define AT(field) offsetof(struct add_options, field)

static const struct flag flags[] = {
    { "timeout", FLAG_MS, "TIME", AT(timeout_ms), "30s", 0, DAY_MS,
      "wait so long for a closed gate to open" },
    { "json", FLAG_YES, NULL, AT(json), .help = "print the summary as one JSON object" },
};

// one account on its way, to Kafka or to Redis
struct step {
    struct wait        wait;
    struct redis_reply reply;
    struct book_entry *entry;   // borrowed
    size_t             alias;   // the next of its aliases to store
    bool               stored;  // in Redis
};

struct add {
    struct tool              *tool;     // borrowed
    const struct add_options *options;  // borrowed
    struct book               book;
    struct seal              *seal;  // owned
    uint64_t                  bad;   // lines
    int64_t                   rev;   // of the records that are written
    int64_t gate_ms;  // since when the gate was seen closed, monotonic; 0: it was not
};

static void tell_bad(void *owner, uint64_t line, const char *why)
{
    struct add *add = owner;
    if (add->bad++ < BAD_TOLD_MAX)
        out_printf(&add->tool->err, "line %" PRIu64 ": %s\n", line, why);
}

static void warn_scopes(struct add *add, const struct book_entry *entry)
{
    bool publish = scope_has(entry->scopes, "video.publish"),
         upload  = scope_has(entry->scopes, "video.upload");
    if (!publish && !upload)
        tool_note(add->tool,
                  "warning: line %" PRIu64
                  ": neither video.publish nor video.upload is among its scopes: "
                  "TikTok will refuse every post",
                  entry->line);
    else if (!publish)
        tool_note(add->tool,
                  "warning: line %" PRIu64 ": video.publish is not among its scopes: drafts only",
                  entry->line);
}

static bool read_lines(struct add *add, const char *path, struct error *err)
{
    struct str    text;
    int64_t       now_ms = clock_wall_ms();
    struct lines *lines  = lines_open(path, LINE_MAX_BYTES, false, err);
    if (!lines)
        return false;
    for (;;) {
        struct error     why;
        enum lines_found found = lines_next(lines, &text, err);
        if (found == LINES_END || found == LINES_FAILED) {
            lines_free(lines);
            return found == LINES_END;
        }
        if (found == LINES_TOO_LONG)
            tell_bad(add, lines_number(lines), "longer than any token answer");
        else if (!book_add(&add->book, text, lines_number(lines), add->seal,
                           add->tool->config.fleet, now_ms, &why))
            tell_bad(add, lines_number(lines), why.message);
        else
            warn_scopes(add, &add->book.entries[add->book.count - 1]);
    }
}

// ---- Kafka first

static int64_t rev_of(const struct add *add, const struct book_entry *entry)
{
    return entry->known_rev >= add->rev ? entry->known_rev + 1 : add->rev;
}

static struct account_record record_of(const struct add *add, const struct book_entry *entry)
{
    struct account_record record = {
        .rev                   = rev_of(add, entry),
        .open_id               = entry->open_id,
        .alias_count           = entry->alias_count,
        .scopes                = entry->scopes,
        .status                = STR("ok"),
        .settings              = entry->settings,
        .profile               = entry->profile,
        .sealed                = entry->sealed,
        .connected_at_ms       = add->rev,
        .token_at_ms           = add->rev,
        .expires_at_ms         = entry->expires_at_ms,
        .refresh_expires_at_ms = entry->refresh_expires_at_ms,
    };
    for (size_t i = 0; i < entry->alias_count; i++)
        record.aliases[i] = entry->aliases[i];
    return record;
}

static bool write_kafka(struct add *add, struct error *err)
{
    const struct book *book = &add->book;
    bool               ok   = true;
    for (size_t i = 0; ok && i < book->count; i += BATCH) {
        struct record records[BATCH];
        struct buf    values[BATCH];
        size_t        count = book->count - i < BATCH ? book->count - i : BATCH;
        for (size_t k = 0; k < count; k++) {
            struct account_record record = record_of(add, &book->entries[i + k]);
            account_record_encode(&record, &values[k]);
            records[k] = (struct record){ record.open_id, buf_str(&values[k]) };
        }
        ok = records_send(add->tool, TOPIC_ACCOUNTS, records, count, err);
        for (size_t k = 0; k < count; k++)
            buf_fini(&values[k]);
    }
    return ok;
}

// ---- then Redis

// every call of a batch ends, well or not, before the batch is left
static bool wait_steps(struct add *add, struct step *steps, size_t count, struct error *err)
{
    bool ok = true;
    for (size_t i = 0; i < count; i++) {
        struct error why;
        if (tool_wait(add->tool, &steps[i].wait, &why))
            continue;
        if (ok)
            *err = why;
        ok = false;
    }
    return ok;
}

static void start_script(struct add *add, struct step *step)
{
    struct account_record record = record_of(add, step->entry);
    redis_reply_fini(&step->reply);
    account_store(add->tool->store, &record, step->alias, -1, (struct str){ 0 }, STR("tokfleet"),
                  &step->reply, &step->wait.call, wait_done);
}

// what one call answered; false: something that another try does not mend
static bool take_answer(struct step *step, bool *closed, struct error *err)
{
    struct account_stored stored;
    if (!account_store_answer(NULL, &step->reply, &stored, err))
        return false;
    if (stored.word == WORD_GATE) {
        *closed = true;
        return true;
    }
    if (stored.word == WORD_STATE)
        return error_set(err, ERR_REFUSED,
                         "line %" PRIu64 ": its alias was given to open_id %.*s meanwhile",
                         step->entry->line, STR_ARG(stored.owner));
    if (stored.newer)
        return error_set(err, ERR_REFUSED,
                         "line %" PRIu64 ": the account was changed by somebody else meanwhile: "
                         "give the same command again",
                         step->entry->line);
    if (stored.left == 0 && ++step->alias >= step->entry->alias_count)
        step->stored = true;
    return true;
}

static bool wait_for_gate(struct add *add, struct error *err)
{
    struct tool *tool = add->tool;
    int64_t      now  = clock_monotonic_ms();
    if (!add->gate_ms) {
        add->gate_ms = now;
        tool_note(tool,
                  "the accounts are on Kafka; Redis' gate is closed, waiting up to %" PRIi64
                  " s for it to open",
                  add->options->timeout_ms / 1000);
    }
    if (now - add->gate_ms >= add->options->timeout_ms)
        return error_set(err, ERR_CLOSED,
                         "Redis' gate is still closed, so no worker knows the accounts yet: a "
                         "poller opens it (start "
                         "tokfleet-poller)");
    return tool_idle(tool, GATE_LOOK_MS) || error_set(err, ERR_NOT_SENT, "interrupted");
}

static bool store_batch(struct add *add, struct step *steps, size_t count, struct error *err)
{
    bool ok = true, closed = false;
    for (size_t left = count; ok && left;) {
        size_t       started = 0;
        struct step *going[BATCH];
        for (size_t i = 0; i < count; i++)
            if (!steps[i].stored) {
                start_script(add, &steps[i]);
                going[started++] = &steps[i];
            }
        ok = wait_steps(add, steps, count, err);
        if (!ok)
            tool_blame_redis(add->tool, err);
        closed = false;
        for (size_t i = 0; ok && i < started; i++)
            ok = take_answer(going[i], &closed, err);
        if (ok && closed)
            ok = wait_for_gate(add, err);
        left = 0;
        for (size_t i = 0; i < count; i++)
            left += !steps[i].stored;
    }
    for (size_t i = 0; i < count; i++)
        redis_reply_fini(&steps[i].reply);
    return ok;
}

static bool write_redis(struct add *add, struct error *err)
{
    for (size_t i = 0; i < add->book.count;) {
        struct step steps[BATCH];
        size_t      count = 0;
        memset(steps, 0, sizeof steps);
        for (; count < BATCH && i < add->book.count; count++, i++)
            steps[count].entry = &add->book.entries[i];
        if (!store_batch(add, steps, count, err))
            return false;
    }
    return true;
}

static void print_summary(const struct add *add)
{
    int64_t renewed = 0;
    for (size_t i = 0; i < add->book.count; i++)
        renewed += add->book.entries[i].known_rev >= 0;
    int64_t made = (int64_t)add->book.count - renewed;
    if (add->options->json) {
        struct json *object = json_object();
        json_set_i64(object, "accounts", (int64_t)add->book.count);
        json_set_i64(object, "new", made);
        json_set_i64(object, "renewed", renewed);
        out_json(&add->tool->out, object);
        json_free(object);
        return;
    }
    out_printf(&add->tool->out, "%zu accounts connected: %" PRIi64 " new, %" PRIi64 " renewed\n",
               add->book.count, made, renewed);
}

static bool add_all(struct add *add, const char *path, struct error *err)
{
    add->seal = side_seal(add->tool, err);
    if (!add->seal || !read_lines(add, path, err))
        return false;
    book_close(&add->book, tell_bad, add);
    // clashes with what is known are told in the same go as bad lines
    if (add->book.count && !account_check(add->tool, &add->book, tell_bad, add, err))
        return false;
    if (add->bad)
        return error_set(err, ERR_INPUT,
                         "%" PRIu64 " of the lines cannot be taken: no account was changed",
                         add->bad);
    if (!add->book.count)
        return error_set(err, ERR_INPUT, "there are no lines");
    add->rev = clock_wall_ms();
    if (!write_kafka(add, err))
        return false;
    if (!write_redis(add, err)) {
        tool_note(add->tool, "every account is on Kafka; what is missing in Redis comes with the "
                             "same command again");
        return false;
    }
    print_summary(add);
    return true;
}

static int run_account_add(struct tool *tool, const void *options, char *const *operands,
                           int operand_count)
{
    (void)operand_count;
    struct add   add = { .tool = tool, .options = options };
    struct error err;
    int          code = END_WELL;
    if (!add_all(&add, operands[0], &err))
        code = tool_fail(tool, &err);
    seal_free(add.seal);
    book_fini(&add.book);
    return code;
}

static const char help[] =
    "Each line is what TikTok's token endpoint answered for one account, with an\n"
    "alias if you like:\n\n"
    "  {\"open_id\": \"...\", \"access_token\": \"...\", \"refresh_token\": \"...\", "
    "\"expires_in\": 86400,\n"
    "   \"refresh_expires_in\": 31536000, \"scope\": \"video.publish,video.upload\", \"alias\": "
    "\"@brand.de\"}\n\n"
    "Tokens are sealed with TOKFLEET_TOKEN_KEYS as they are read and are never\n"
    "printed; they come from a file or standard input, not from an argument, so\n"
    "that no process list shows them. All lines are checked before the first is\n"
    "written, to <fleet>.accounts and then to Redis. An account that is there is\n"
    "renewed. An alias belongs to one account for ever. Jobs that waited for an\n"
    "account go on.\n\n"
    "  tokfleet account add tokens.ndjson\n"
    "  jq -c '. + {alias: \"@brand.de\"}' answer.json | tokfleet account add -";

const struct verb verb_account_add = {
    .name          = "account add",
    .operands      = "FILE|-",
    .summary       = "connect accounts, from TikTok's own token answers",
    .flags         = flags,
    .flag_count    = sizeof flags / sizeof flags[0],
    .options_bytes = sizeof(struct add_options),
    .operands_min  = 1,
    .operands_max  = 1,
    .run           = run_account_add,
    .text          = help,
    .json          = "one object: accounts, new, renewed",
};
