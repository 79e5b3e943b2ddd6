// SPDX-License-Identifier: Apache-2.0
// tokfleet unsure list: the jobs of which nobody knows whether they were posted.
#include "producer/job/unsure.h"
#include "base/memory.h"
#include "loop/clock.h"
#include "producer/tool/account_name.h"
#include "producer/tool/verb.h"
#include "producer/tool/words.h"

enum { LIST_MAX = 100000, BATCH = 64 };

struct list_options {
    const char *account;
    bool        json;
    int64_t     limit;
};

#define AT(field) offsetof(struct list_options, field)

static const struct flag list_flags[] = {
    { "account", FLAG_TEXT, "ID|@ALIAS", AT(account), .help = "only this account's" },
    { "limit", FLAG_COUNT, "N", AT(limit), "1000", 1, LIST_MAX, "jobs at most" },
    { "json", FLAG_YES, NULL, AT(json), .help = "print one JSON object a line" },
};

struct list {
    struct tool               *tool;
    const struct list_options *options;
    struct table               table;
    char                       open_id[OPEN_ID_MAX + 1];  // of --account
    int64_t                    now_ms;
    int64_t                    shown;
    int64_t                    others;  // fitted, and are beyond the limit
};

static struct str field_of(const struct answer *job, const char *field)
{
    return answer_field(job, field);
}

static int64_t number_of(const struct answer *job, const char *field)
{
    int64_t number;
    return str_to_i64(field_of(job, field), &number) ? number : 0;
}

bool unsure_said(const struct answer *job, struct str *said)
{
    bool is_of_attempt = str_eq(field_of(job, "evidence_epoch"), field_of(job, "attempt_epoch"));
    *said              = is_of_attempt ? field_of(job, "evidence_said") : STR("");
    return said->len > 0;
}

void unsure_plan(const struct answer *job, const struct config *config, int64_t since_ms,
                 int64_t now_ms, struct buf *out)
{
    struct str choice = field_of(job, "on_unsure");
    int64_t    until  = since_ms + config->unsure_slot_ms;
    if (!str_is(choice, "retry") && !str_is(choice, "fail")) {
        buf_add_text(out, "hold: it stays as it is until somebody decides");
        return;
    }
    buf_printf(out, "%.*s: ", STR_ARG(choice));
    buf_add_text(out, str_is(choice, "retry") ? "it is sent again, and may be posted twice, "
                                              : "it is failed ");
    if (until > now_ms) {
        buf_add_text(out, "not before ");
        words_time(until, now_ms, out);
        buf_add_text(out, " and ");
    }
    buf_add_text(out, "when no further listing is due");
}

struct json *unsure_json(struct str job_id, const struct answer *job, int64_t since_ms)
{
    static const char *const texts[] = {
        "state",      "account",       "account_text", "kind",    "media",    "privacy",
        "on_unsure",  "attempt_epoch", "publish_id",   "post_id", "post_url", "worker",
        "error_code", "error_cause",   "error_remedy", "log_id"
    };
    static const char *const numbers[] = { "attempt", "t_sending", "t_unsure", "t_slot_back" };
    struct json             *object    = json_object();
    struct json             *evidence  = json_object();
    struct str               said;
    json_set_text(object, "job_id", job_id);
    json_set_i64(object, "since", since_ms);
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        json_set_text_or_null(object, texts[i], field_of(job, texts[i]));
    for (size_t i = 0; i < COUNT_OF(numbers); i++)
        if (number_of(job, numbers[i]))
            json_set_i64(object, numbers[i], number_of(job, numbers[i]));
        else
            json_set_null(object, numbers[i]);
    if (unsure_said(job, &said)) {
        json_set_text(evidence, "said", said);
        json_set_i64(evidence, "looks", number_of(job, "evidence_looks"));
        json_set_i64(evidence, "at", number_of(job, "evidence_at"));
        json_set_i64(evidence, "next", number_of(job, "evidence_next"));
        json_set(object, "evidence", &evidence);
    } else {
        json_set_null(object, "evidence");
    }
    json_free(evidence);
    return object;
}

static void add_row(struct list *list, struct str job_id, const struct answer *job, int64_t since)
{
    struct str said;
    struct buf cell;
    buf_init(&cell, 128);
    words_age(list->now_ms - since, &cell);
    table_add(&list->table, job_id);
    table_add(&list->table, field_of(job, "account_text"));
    table_add(&list->table, buf_str(&cell));
    table_add(&list->table, field_of(job, "error_code"));
    table_add(&list->table, field_of(job, "on_unsure"));
    table_add(&list->table, unsure_said(job, &said) ? said : STR("not looked for yet"));
    buf_fini(&cell);
}

static void take(struct list *list, struct str job_id, const struct answer *job, struct str score)
{
    const char *account = list->options->account;
    double      since   = 0;
    if (!str_is(field_of(job, "state"), "UNSURE") || !str_to_double(score, &since))
        return;  // decided since
    if (account && !account_name_fits(account, list->open_id, field_of(job, "account"),
                                      field_of(job, "account_text")))
        return;
    if (list->shown == list->options->limit) {
        list->others++;
        return;
    }
    list->shown++;
    if (!list->options->json) {
        add_row(list, job_id, job, (int64_t)since);
        return;
    }
    struct json *object = unsure_json(job_id, job, (int64_t)since);
    out_json(&list->tool->out, object);
    json_free(object);
}

// ids: members and scores in turn
static bool take_all(struct list *list, const struct answer *ids, struct error *err)
{
    bool ok = true;
    for (size_t at = 0; ok && at + 1 < ids->count && !out_closed(&list->tool->out);) {
        struct ask asks[BATCH] = { 0 };
        size_t     count = 0, first = at;
        for (; count < BATCH && at + 1 < ids->count; at += 2)
            ask_begin(list->tool, &asks[count++], "HGETALL", "job:", answer_item(ids, at));
        ok = tool_ask(list->tool, asks, count, err);
        for (size_t i = 0; ok && i < count; i++)
            take(list, answer_item(ids, first + 2 * i), &asks[i].reply.answer,
                 answer_item(ids, first + 2 * i + 1));
        asks_fini(asks, count);
    }
    return ok;
}

static void print_table(struct list *list)
{
    if (list->shown) {
        table_print(&list->table, &list->tool->out, "");
        tool_note(list->tool, "tokfleet unsure show ID lays one out, with the commands to decide");
    } else {
        tool_note(list->tool, "fleet %s has no UNSURE job%s", list->tool->config.fleet,
                  list->options->account ? " of that account" : "");
    }
}

static int run_unsure_list(struct tool *tool, const void *options, char *const *operands,
                           int operand_count)
{
    (void)operands, (void)operand_count;
    static const char *const head[] = { "job", "account", "since", "why", "on_unsure", "evidence" };
    struct list              list = { .tool = tool, .options = options, .now_ms = clock_wall_ms() };
    struct ask               ids  = { 0 };
    struct error             err;
    int                      code = END_WELL;
    table_init(&list.table, head, COUNT_OF(head));
    list.table.cut = true;
    bool ok        = tool_store(tool, &err) &&
              (!list.options->account ||
               account_name_find(tool, list.options->account, list.open_id, &err));
    if (ok) {
        ask_begin(tool, &ids, "ZRANGE", "unsure", STR(""));
        ask_add(&ids, "0");
        ask_add(&ids, "-1");
        ask_add(&ids, "WITHSCORES");
        ok = tool_ask(tool, &ids, 1, &err) && take_all(&list, &ids.reply.answer, &err);
    }
    if (!ok)
        code = tool_fail(tool, &err);
    else if (!list.options->json)
        print_table(&list);
    if (list.others)
        tool_note(tool, "%" PRIi64 " more: --limit N shows more", list.others);
    table_fini(&list.table);
    asks_fini(&ids, 1);
    return code;
}

static const char list_help[] =
    "Lists the jobs that may be on TikTok or not, the oldest first: since when, why\n"
    "nobody knows, and what listing the account's videos said.\n\n"
    "  tokfleet unsure list --account @brand.de\n"
    "  tokfleet unsure list --json | jq -r 'select(.evidence.next == 0) | .job_id'";

const struct verb verb_unsure_list = {
    .name          = "unsure list",
    .operands      = "",
    .summary       = "list the jobs that may be on TikTok or not",
    .flags         = list_flags,
    .flag_count    = COUNT_OF(list_flags),
    .options_bytes = sizeof(struct list_options),
    .run           = run_unsure_list,
    .text          = list_help,
    .json          = "one object a line: job_id, since, state, account, account_text, "
                     "kind, media, privacy, on_unsure, attempt, attempt_epoch, "
                     "publish_id, post_id, post_url, worker, error_code, error_cause, "
                     "error_remedy, log_id, t_sending, t_unsure, t_slot_back, evidence "
                     "(said, looks, at, next) or null",
};
