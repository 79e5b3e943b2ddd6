// SPDX-License-Identifier: Apache-2.0
/* tokfleet jobs: the jobs of some states. Those of a state are listed in state:<STATE>, newest
 * first; those that wait have no such list, and are found where they wait: queue:<account>,
 * unknown:<text>, delayed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "loop/clock.h"
#include "producer/tool/account_name.h"
#include "producer/tool/scan.h"
#include "producer/tool/seen.h"
#include "producer/tool/verb.h"
#include "producer/tool/words.h"

enum { LIMIT_MAX = 10000, BATCH = 64, TEXT_BYTES = 200, NUMBER_BYTES = 24, CAUSE_UNITS = 120 };

struct jobs_options {
    struct flag_texts states;
    const char       *account;
    int64_t           limit;
    bool              json;
};

#define AT(field) offsetof(struct jobs_options, field)

static const struct flag flags[] = {
    { "state", FLAG_TEXTS, "STATE", AT(states),
      .help    = "of this state; may be given again (default: all of them)",
      .choices = "QUEUED|CLAIMED|UPLOADING|SENDING|PROCESSING|UNSURE|PUBLISHED|IN_INBOX|FAILED|"
                 "REJECTED|EXPIRED|CANCELLED" },
    { "account", FLAG_TEXT, "ID|@ALIAS", AT(account), .help = "only this account's" },
    { "limit", FLAG_COUNT, "N", AT(limit), "100", 1, LIMIT_MAX, "jobs at most, the newest" },
    { "json", FLAG_YES, NULL, AT(json), .help = "print one JSON object a line" },
};

// what is listed of a job; texts are the list's
enum {
    F_STATE,
    F_ACCOUNT,
    F_ACCOUNT_TEXT,
    F_SINCE,
    F_ATTEMPT,
    F_DUE,
    F_PUBLISH_ID,
    F_POST_ID,
    F_TIKTOK,
    F_CODE,
    F_CAUSE,
    F_REMEDY,
    FIELDS
};
static const char *const fields[FIELDS] = { "state",      "account",     "account_text",
                                            "t_state",    "attempt",     "t_due",
                                            "publish_id", "post_id",     "tiktok_status",
                                            "error_code", "error_cause", "error_remedy" };

struct row {
    struct str job_id;
    struct str fields[FIELDS];
    int64_t    since_ms;  // in its state
};

struct jobs {
    struct tool               *tool;     // borrowed
    const struct jobs_options *options;  // borrowed
    char                       open_id[OPEN_ID_MAX + 1];
    struct row                *rows;  // owned
    size_t                     count;
    size_t                     capacity;
    size_t                     of_state;  // rows of the state that is looked at
    bool                       more;      // there are, beyond the limit
    uint64_t                   looked;    // at ids
    struct arena               arena;
};

static int64_t number_of(struct str text)
{
    int64_t number;
    return str_to_i64(text, &number) ? number : 0;
}

static bool is_full(const struct jobs *jobs)
{
    return jobs->of_state > (size_t)jobs->options->limit;
}

static void take(struct jobs *jobs, struct str job_id, const struct answer *values,
                 enum job_state wanted)
{
    const char *account = jobs->options->account;
    if (!str_is(answer_item(values, F_STATE), job_state_text(wanted)))
        return;  // it has moved on
    if (account && !account_name_fits(account, jobs->open_id, answer_item(values, F_ACCOUNT),
                                      answer_item(values, F_ACCOUNT_TEXT)))
        return;
    jobs->of_state++;
    if (is_full(jobs)) {
        jobs->more = true;
        return;
    }
    if (jobs->count == jobs->capacity) {
        jobs->capacity = jobs->capacity ? 2 * jobs->capacity : 64;
        jobs->rows     = xrealloc(jobs->rows, jobs->capacity * sizeof *jobs->rows);
    }
    struct row *row = &jobs->rows[jobs->count++];
    row->job_id     = arena_copy(&jobs->arena, job_id);
    for (size_t i = 0; i < FIELDS; i++)
        row->fields[i] = arena_copy(&jobs->arena, answer_item(values, i));
    row->since_ms = number_of(row->fields[F_SINCE]);
}

// so many ids at a time
static bool look(struct jobs *jobs, const struct answer *ids, enum job_state wanted,
                 struct seen *seen, struct error *err)
{
    bool ok = true;
    for (size_t at = 0; ok && at < ids->count && !is_full(jobs);) {
        struct ask asks[BATCH] = { 0 };
        struct str looked[BATCH];
        size_t     count = 0;
        for (; count < BATCH && at < ids->count; at++) {
            uint64_t first;
            if (seen && seen_add(seen, answer_item(ids, at), "0000000000000000", ++jobs->looked,
                                 &first) == SEEN_SAME)
                continue;
            looked[count] = answer_item(ids, at);
            ask_begin(jobs->tool, &asks[count], "HMGET", "job:", looked[count]);
            for (size_t i = 0; i < FIELDS; i++)
                ask_add(&asks[count], fields[i]);
            count++;
        }
        ok = tool_ask(jobs->tool, asks, count, err);
        for (size_t i = 0; ok && i < count; i++)
            take(jobs, looked[i], &asks[i].reply.answer, wanted);
        asks_fini(asks, count);
    }
    return ok;
}

// a sorted set page by page, from one end
static bool look_set(struct jobs *jobs, const char *command, struct str key, const char *what,
                     enum job_state wanted, struct seen *seen, struct error *err)
{
    bool ok = true;
    for (int64_t at = 0; ok && !is_full(jobs); at += BATCH) {
        char       from[NUMBER_BYTES], to[NUMBER_BYTES];
        struct ask ask = { 0 };
        snprintf(from, sizeof from, "%" PRIi64, at);
        snprintf(to, sizeof to, "%" PRIi64, at + BATCH - 1);
        ask_begin(jobs->tool, &ask, command, what, key);
        ask_add(&ask, from);
        ask_add(&ask, to);
        ok       = tool_ask(jobs->tool, &ask, 1, err);
        size_t n = ask.reply.answer.count;
        ok       = ok && look(jobs, &ask.reply.answer, wanted, seen, err);
        asks_fini(&ask, 1);
        if (n < BATCH)
            break;
    }
    return ok;
}

// ---- those that wait

static bool look_keys(struct jobs *jobs, const struct ask *page, struct seen *seen,
                      struct error *err)
{
    for (size_t i = 0; i < scan_keys(page)->count && !is_full(jobs); i++) {
        struct str rest = scan_id(jobs->tool, page, i, ""), what;
        if (!str_cut(&rest, ':', &what) || !rest.p ||
            (!str_is(what, "queue") && !str_is(what, "unknown")))
            continue;
        if (!look_set(jobs, "ZRANGE", rest,
                      str_is(what, "queue") ? "queue:" : "unknown:", JOB_QUEUED, seen, err))
            return false;
    }
    return true;
}

static bool look_queued(struct jobs *jobs, struct error *err)
{
    struct seen *seen                      = seen_new(SEEN_MAX);  // a job may stand in two places
    char         cursor[SCAN_CURSOR_BYTES] = "0";
    const char  *account                   = jobs->options->account;
    bool         ok                        = true;
    if (account) {
        ok = look_set(jobs, "ZRANGE", str_of(jobs->open_id), "queue:", JOB_QUEUED, seen, err) &&
             look_set(jobs, "ZRANGE", str_of(account), "unknown:", JOB_QUEUED, seen, err);
    } else {
        do {
            struct ask ask = { 0 };
            ok             = scan_page(jobs->tool, "[qu]*:*", cursor, &ask, err) &&
                 look_keys(jobs, &ask, seen, err);
            asks_fini(&ask, 1);
        } while (ok && strcmp(cursor, "0") != 0 && !is_full(jobs));
    }
    ok = ok && look_set(jobs, "ZRANGE", STR(""), "delayed", JOB_QUEUED, seen, err);
    seen_free(seen);
    return ok;
}

static bool look_state(struct jobs *jobs, enum job_state state, struct error *err)
{
    jobs->of_state = 0;
    if (state == JOB_QUEUED)
        return look_queued(jobs, err);
    return look_set(jobs, "ZREVRANGE", str_of(job_state_text(state)), "state:", state, NULL, err);
}

static bool is_wanted(const struct jobs_options *options, enum job_state state)
{
    for (size_t i = 0; i < options->states.count; i++)
        if (strcmp(options->states.texts[i], job_state_text(state)) == 0)
            return true;
    return options->states.count == 0;
}

// ---- telling

static int newer_first(const void *left, const void *right)
{
    const struct row *a = left, *b = right;
    return (a->since_ms < b->since_ms) - (a->since_ms > b->since_ms);
}

static void add_why(const struct row *row, int64_t now_ms, struct buf *out)
{
    int64_t due_ms = number_of(row->fields[F_DUE]);
    if (row->fields[F_CODE].len) {
        buf_add_visible(out, row->fields[F_CODE]);
        buf_add_text(out, ": ");
        buf_add_visible(out, str_utf8_prefix(row->fields[F_CAUSE], CAUSE_UNITS));
    } else if (str_is(row->fields[F_STATE], "QUEUED") && !row->fields[F_ACCOUNT].len) {
        buf_add_text(out, "its account is not connected");
    } else if (str_is(row->fields[F_STATE], "QUEUED") && due_ms > now_ms) {
        buf_add_text(out, "due ");
        words_time(due_ms, now_ms, out);
    } else if (row->fields[F_POST_ID].len) {
        buf_add_text(out, "post ");
        buf_add_visible(out, row->fields[F_POST_ID]);
    } else {
        buf_add_visible(out, row->fields[F_TIKTOK]);
    }
}

static void print_table(struct jobs *jobs)
{
    static const char *const head[] = { "job", "state", "since", "account", "attempt", "why" };
    struct table             table;
    struct buf               cell;
    int64_t                  now_ms = clock_wall_ms();
    table_init(&table, head, COUNT_OF(head));
    table.cut = true;
    buf_init(&cell, 2048);
    for (size_t i = 0; i < jobs->count; i++) {
        const struct row *row = &jobs->rows[i];
        table_add(&table, row->job_id);
        table_add(&table, row->fields[F_STATE]);
        buf_clear(&cell);
        words_age(now_ms - row->since_ms, &cell);
        table_add(&table, buf_str(&cell));
        table_add(&table, row->fields[F_ACCOUNT_TEXT]);
        table_add(&table, row->fields[F_ATTEMPT].len ? row->fields[F_ATTEMPT] : STR("0"));
        buf_clear(&cell);
        add_why(row, now_ms, &cell);
        table_add(&table, buf_str(&cell));
    }
    table_print(&table, &jobs->tool->out, "");
    buf_fini(&cell);
    table_fini(&table);
}

static void print_json(struct out *out, const struct row *row)
{
    struct json *object = json_object();
    json_set_text(object, "job_id", row->job_id);
    json_set_text(object, "state", row->fields[F_STATE]);
    json_set_i64(object, "since", row->since_ms);
    json_set_text_or_null(object, "account", row->fields[F_ACCOUNT]);
    json_set_text_or_null(object, "account_text", row->fields[F_ACCOUNT_TEXT]);
    json_set_i64(object, "attempt", number_of(row->fields[F_ATTEMPT]));
    if (number_of(row->fields[F_DUE]))
        json_set_i64(object, "due", number_of(row->fields[F_DUE]));
    else
        json_set_null(object, "due");
    json_set_text_or_null(object, "publish_id", row->fields[F_PUBLISH_ID]);
    json_set_text_or_null(object, "post_id", row->fields[F_POST_ID]);
    json_set_text_or_null(object, "tiktok_status", row->fields[F_TIKTOK]);
    if (row->fields[F_CODE].len) {
        struct json *error = json_object();
        json_set_text(error, "code", row->fields[F_CODE]);
        json_set_text(error, "cause", row->fields[F_CAUSE]);
        json_set_text(error, "remedy", row->fields[F_REMEDY]);
        json_set(object, "error", &error);
    } else {
        json_set_null(object, "error");
    }
    out_json(out, object);
    json_free(object);
}

static void print_jobs(struct jobs *jobs)
{
    size_t limit = (size_t)jobs->options->limit;
    if (jobs->count)
        qsort(jobs->rows, jobs->count, sizeof *jobs->rows, newer_first);
    if (jobs->count > limit) {
        jobs->count = limit;
        jobs->more  = true;
    }
    for (size_t i = 0; jobs->options->json && i < jobs->count && !out_closed(&jobs->tool->out); i++)
        print_json(&jobs->tool->out, &jobs->rows[i]);
    if (!jobs->count)
        tool_note(jobs->tool, "fleet %s has no %s", jobs->tool->config.fleet,
                  jobs->options->account || jobs->options->states.count ? "such job" : "jobs");
    else if (!jobs->options->json)
        print_table(jobs);
    if (jobs->more)
        tool_note(jobs->tool, "there are more: --limit N shows more, --state and --account choose");
}

static int run_jobs(struct tool *tool, const void *options_read, char *const *operands,
                    int operand_count)
{
    (void)operands, (void)operand_count;
    const struct jobs_options *options = options_read;
    struct jobs                jobs    = { .tool = tool, .options = options };
    struct error               err;
    int                        code = END_WELL;
    bool                       ok   = tool_store(tool, &err) &&
              (!options->account || account_name_find(tool, options->account, jobs.open_id, &err));
    for (enum job_state state = JOB_QUEUED; ok && state < JOB_STATE_COUNT; state++)
        if (is_wanted(options, state))
            ok = look_state(&jobs, state, &err);
    if (ok)
        print_jobs(&jobs);
    else
        code = tool_fail(tool, &err);
    free(jobs.rows);
    arena_fini(&jobs.arena);
    return code;
}

static const char help[] =
    "Lists jobs, the one that moved last first: state, since when, account, attempts, and\n"
    "why it is there. Of the ended ones of each state, Redis lists the last 10,000\n"
    "(TOKFLEET_STATE_KEPT). Of those that wait, more than --limit are cut in no order.\n\n"
    "  tokfleet jobs --state FAILED --state REJECTED\n"
    "  tokfleet jobs --account @brand.de --limit 20\n"
    "  tokfleet jobs --state PROCESSING --json | jq -r .publish_id";

const struct verb verb_jobs = {
    .name          = "jobs",
    .operands      = "",
    .summary       = "list jobs by state and account",
    .flags         = flags,
    .flag_count    = COUNT_OF(flags),
    .options_bytes = sizeof(struct jobs_options),
    .run           = run_jobs,
    .text          = help,
    .json = "one object a line: job_id, state, since, account, account_text, attempt, due, "
            "publish_id, post_id, "
            "tiktok_status, error (code, cause, remedy). What is not known is null",
};
