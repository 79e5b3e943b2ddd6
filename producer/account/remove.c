// SPDX-License-Identifier: Apache-2.0
/* tokfleet account remove, tokfleet account forget.
 *
 *   consent withdrawn at TikTok ──► the record without tokens and profile: Kafka, then Redis ──► waiting jobs cancelled
 *   forget, besides: what is personal on the jobs that have ended, in Redis and in the journal
 */
#include <string.h>

#include "loop/clock.h"
#include "producer/account/change.h"
#include "producer/account/forget_jobs.h"
#include "producer/account/jobs.h"
#include "producer/tool/verb.h"

enum { DAY_MS = 86400000, REVOKE_TRIES = 3, REVOKE_PAUSE_MS = 1000 };

struct remove_options {
    const char *jobs;
    int64_t     timeout_ms;
    bool        no_revoke;
    bool        even_in_flight;
    bool        json;
};

#define AT(field) offsetof(struct remove_options, field)
// clang-format off
#define COMMON_FLAGS                                                                                                 \
    { "no-revoke", FLAG_YES, NULL, AT(no_revoke),                                                                    \
      .help = "do not withdraw the consent at TikTok: it is gone there already, or shall stay" },                    \
    { "even-in-flight", FLAG_YES, NULL, AT(even_in_flight),                                                          \
      .help = "even while it has posts at TikTok, whose ends nobody can ask for then" },                             \
    { "json", FLAG_YES, NULL, AT(json), .help = "print what went as one JSON object" }

static const struct flag remove_flags[] = {
    { "jobs", FLAG_TEXT, "WHAT", AT(jobs), .choices = "cancel|keep",
      .help = "its waiting jobs: cancel them, or keep them until it is connected again or they expire" },
    { "timeout", FLAG_MS, "TIME", AT(timeout_ms), "60s", 0, DAY_MS, "wait so long for its jobs to be cancelled" },
    COMMON_FLAGS,
};
static const struct flag forget_flags[] = {
    { "timeout", FLAG_MS, "TIME", AT(timeout_ms), "60s", 0, DAY_MS,
      "wait so long for its jobs to be cancelled, and as long for ends on their way to Kafka" },
    COMMON_FLAGS,
};
// clang-format on

// what went, for the report
struct removing {
    const struct remove_options *options;  // borrowed
    struct account_change        change;
    struct tiktok_side           side;
    const char                  *revoked;  // "yes", "no"
    const char                  *remedy;   // after a failure; NULL: the message says it
    bool                         had_tokens;
    bool                         had_profile;
    size_t                       cancelled;
    size_t                       not_cancelled;
    bool                         forget;
    struct forgotten             forgotten;
};

// ---- at TikTok

static bool revoke_once(struct removing *r, struct str access_token, struct oauth_answer *answer,
                        struct error *err)
{
    struct wait wait = { 0 };
    oauth_revoke(r->side.oauth, access_token, answer, &wait.call, wait_done);
    return tool_wait(r->change.tool, &wait, err) || !r->change.tool->interrupted;
}

// Tokens whose consent may stand are not thrown away without being told so: only they can withdraw
// it from here.
static bool refuse(struct removing *r, const struct oauth_answer *answer, struct error *err)
{
    const struct account_record *record = &r->change.record;
    const enum oauth_next        next   = answer->outcome->next;
    bool        has_expired = record->expires_at_ms && record->expires_at_ms <= clock_wall_ms();
    const char *what        = "the consent may stand, or be gone already";
    if (next == OAUTH_LATER || next == OAUTH_CREDENTIALS)
        what = "try again";
    else if (has_expired && str_is(record->status, "ok"))
        what = "its access token has expired: try again when a running poller has renewed it";
    r->remedy =
        "--no-revoke goes on without; a consent that stands is then withdrawn by the user alone, "
        "in TikTok's app: settings, security, apps";
    return error_set(err, ERR_REFUSED,
                     "TikTok did not withdraw the consent (%.64s: %.100s), and nothing was changed "
                     "here: %s",
                     answer->error[0] ? answer->error : answer->outcome->code,
                     answer->description[0] ? answer->description : answer->outcome->cause, what);
}

// False: nothing has been changed.
static bool withdraw(struct removing *r, struct error *err)
{
    struct account_change *change = &r->change;
    struct oauth_answer    answer = { 0 };
    struct buf             access, refresh;
    r->revoked = "no";
    if (r->options->no_revoke || !change->record.sealed.len)
        return true;
    if (!account_unseal_pair(r->side.seal, change->tool->config.fleet, change->record.open_id,
                             change->record.sealed, &access, &refresh, err))
        return error_wrap(err, "the consent cannot be withdrawn at TikTok (--no-revoke removes the "
                               "account all the same)");
    bool ok = true;
    for (int i = 0; ok && i < REVOKE_TRIES; i++) {
        ok = (i == 0 || tool_idle(change->tool, REVOKE_PAUSE_MS)) &&
             revoke_once(r, buf_str(&access), &answer, err);
        if (!ok)
            error_set(err, ERR_NOT_SENT, "interrupted");
        if (ok && answer.outcome->next != OAUTH_LATER)
            break;
    }
    buf_wipe(&access);
    buf_wipe(&refresh);
    if (ok && answer.outcome->next == OAUTH_OK)
        r->revoked = "yes";
    else if (ok)
        ok = refuse(r, &answer, err);
    return ok;
}

// ---- the record

static bool clean_record(struct removing *r, struct error *err)
{
    struct account_record *record = &r->change.record;
    r->had_tokens                 = record->sealed.len > 0;
    r->had_profile                = record->profile.at_ms > 0;
    record->status                = STR("removed");
    record->why                   = r->forget ? STR("forgotten") : STR("removed");
    record->sealed                = (struct str){ 0 };
    record->scopes                = (struct str){ 0 };
    record->expires_at_ms         = 0;
    record->refresh_expires_at_ms = 0;
    record->token_at_ms           = 0;
    record->profile               = (struct account_profile){
                      .verified = -1, .followers = -1, .following = -1, .likes = -1, .videos = -1
    };
    if (r->forget)
        record->settings = (struct str){ 0 };
    bool ok = change_write(&r->change, err);
    if (!ok && strcmp(r->revoked, "yes") == 0) {
        error_wrap(err, "the consent is withdrawn at TikTok, but the account is not removed");
        r->remedy = "give the same command again; if TikTok refuses it then, with --no-revoke";
    }
    return ok;
}

static bool cancel_jobs(struct removing *r, struct error *err)
{
    struct ids jobs    = { 0 };
    struct str open_id = r->change.record.open_id;
    bool       ok      = account_jobs_find(r->change.tool, open_id, true, &jobs, err);
    if (ok && jobs.count)
        ok = account_jobs_cancel(r->change.tool, open_id, &jobs, "its account was removed",
                                 r->options->timeout_ms, &r->not_cancelled, err);
    r->cancelled = ok ? jobs.count - r->not_cancelled : 0;
    ids_fini(&jobs);
    return ok;
}

// ---- the verbs

static bool check(struct removing *r, struct error *err)
{
    const struct account_change *change = &r->change;
    if (change->in_flight && !r->options->even_in_flight)
        return error_set(err, ERR_REFUSED,
                         "%" PRIi64
                         " of its posts are at TikTok, and without tokens nobody can ask "
                         "what becomes of them: wait for their ends (tokfleet account pause), or "
                         "--even-in-flight",
                         change->in_flight);
    if (!r->forget && change->queued && !r->options->jobs)
        return error_set(err, ERR_SETTING,
                         "%" PRIi64 " jobs wait for this account: --jobs cancel ends them, --jobs "
                         "keep leaves them waiting until it is connected again, or they expire",
                         change->queued);
    return true;
}

static void print_json(const struct removing *r)
{
    const struct account_record *record  = &r->change.record;
    struct json                 *object  = json_object();
    struct json                 *aliases = json_array();
    for (size_t i = 0; i < record->alias_count; i++)
        json_add_text(aliases, record->aliases[i]);
    json_set_text(object, "open_id", record->open_id);
    json_set_text(object, "revoked", str_of(r->revoked));
    json_set_bool(object, "tokens", r->had_tokens);
    json_set_bool(object, "profile", r->had_profile);
    json_set_i64(object, "jobs_cancelled", (int64_t)r->cancelled);
    json_set_i64(object, "jobs_not_cancelled", (int64_t)r->not_cancelled);
    json_set(object, "names_reserved", &aliases);
    if (r->forget) {
        json_set_bool(object, "waits_for_ends", r->forgotten.untold);
        json_set_i64(object, "jobs_forgotten", (int64_t)r->forgotten.jobs);
        json_set_i64(object, "fields_forgotten", r->forgotten.fields);
        json_set_i64(object, "journal_ends_cleaned", (int64_t)r->forgotten.ends);
        json_set_i64(object, "journal_messages_deleted", (int64_t)r->forgotten.messages);
    }
    out_json(&r->change.tool->out, object);
    json_free(object);
}

static void print_text(const struct removing *r)
{
    const struct account_record *record = &r->change.record;
    struct out                  *out    = &r->change.tool->out;
    out_paint(out, GREEN, r->forget ? "forgotten" : "removed");
    out_printf(out, ": %.*s\n", STR_ARG(record->open_id));
    out_printf(out, "  consent withdrawn at TikTok: %s\n", r->revoked);
    out_printf(out, "  tokens deleted: %s; profile deleted: %s\n",
               r->had_tokens ? "yes" : "there were none",
               r->had_profile ? "yes" : "there was none");
    out_printf(out, "  waiting jobs cancelled: %zu\n", r->cancelled);
    if (r->forget && !r->forgotten.untold) {
        out_printf(out, "  ended jobs without message, timeline, metadata and address now: %zu\n",
                   r->forgotten.jobs);
        out_printf(out,
                   "  journal: %zu ends without metadata and address now, %zu messages deleted\n",
                   r->forgotten.ends, r->forgotten.messages);
        out_printf(
            out,
            "  what stays: job ids, states and TikTok's ids, so that nothing is posted again;\n"
            "  copies of messages and events on %s.jobs, .events and .dlq until their\n"
            "  retention, and older records of compacted topics until the next compaction\n",
            r->change.tool->config.fleet);
    }
    for (size_t i = 0; i < record->alias_count; i++)
        out_printf(out, "  its name %.*s stays reserved\n", STR_ARG(record->aliases[i]));
}

static int fail(const struct removing *r, const struct error *err)
{
    int code = tool_fail(r->change.tool, err);
    if (r->remedy && code != END_INTERRUPTED)
        tool_note(r->change.tool, "%s", r->remedy);
    return code;
}

static int run(struct tool *tool, const void *options, const char *name, bool forget)
{
    struct removing r = { .options = options, .forget = forget };
    struct error    err;
    int             code = END_WELL;
    r.change.tool        = tool;
    r.change.side        = &r.side;
    bool cancels         = forget || (r.options->jobs && strcmp(r.options->jobs, "cancel") == 0);
    bool speaks          = !r.options->no_revoke;
    if (!(speaks ? side_open(tool, &r.side, &err) : side_open_kept(tool, &r.side, &err)) ||
        !change_read(&r.change, name, &err) || !check(&r, &err) || !withdraw(&r, &err) ||
        !clean_record(&r, &err) || (cancels && !cancel_jobs(&r, &err)) ||
        (forget &&
         !forget_jobs(tool, r.change.record.open_id, r.options->timeout_ms, &r.forgotten, &err)))
        code = fail(&r, &err);
    else if (r.options->json)
        print_json(&r);
    else
        print_text(&r);
    if (r.not_cancelled && code == END_WELL) {
        tool_note(tool,
                  "%zu jobs still wait: no worker has read their cancel yet; it is done all the "
                  "same when one does%s",
                  r.not_cancelled, forget ? ". Then give the same command again" : "");
        code = END_GOING;
    }
    if (r.forgotten.untold && (code == END_WELL || code == END_GOING)) {
        tool_note(
            tool,
            "its jobs are not forgotten yet: ends of jobs are still on their way to Kafka (a "
            "poller sends them; tokfleet status shows the outbox). Give the same command again");
        code = END_GOING;
    }
    change_fini(&r.change);
    side_close(&r.side);
    return code;
}

#define REMOVED_JSON                                                                               \
    "one object: open_id, revoked (yes, no), tokens, profile (whether there were some), "          \
    "jobs_cancelled, jobs_not_cancelled, names_reserved"

static int run_remove(struct tool *tool, const void *options, char *const *operands,
                      int operand_count)
{
    (void)operand_count;
    return run(tool, options, operands[0], false);
}

static int run_forget(struct tool *tool, const void *options, char *const *operands,
                      int operand_count)
{
    (void)operand_count;
    return run(tool, options, operands[0], true);
}

const struct verb verb_account_remove = {
    .name          = "account remove",
    .operands      = "ID|@ALIAS",
    .summary       = "remove an account: withdraw its consent, delete its tokens",
    .json          = REMOVED_JSON,
    .flags         = remove_flags,
    .flag_count    = COUNT_OF(remove_flags),
    .options_bytes = sizeof(struct remove_options),
    .operands_min  = 1,
    .operands_max  = 1,
    .run           = run_remove,
    .text =
        "Withdraws the consent at TikTok, then deletes tokens and profile from Kafka and\n"
        "Redis. Its names stay its own for ever: no job that calls one can reach another\n"
        "account. Connected again, it is the same account, with the jobs that were kept.\n"
        "When TikTok does not withdraw the consent, nothing is changed; --no-revoke goes on.\n\n"
        "  tokfleet account remove @brand.de --jobs cancel",
};

const struct verb verb_account_forget = {
    .name          = "account forget",
    .operands      = "ID|@ALIAS",
    .summary       = "remove it, and delete what is personal on its jobs",
    .json          = REMOVED_JSON ", waits_for_ends, jobs_forgotten, fields_forgotten, "
                                  "journal_ends_cleaned, journal_messages_deleted (those four "
                                  "are 0 while it waits_for_ends)",
    .flags         = forget_flags,
    .flag_count    = COUNT_OF(forget_flags),
    .options_bytes = sizeof(struct remove_options),
    .operands_min  = 1,
    .operands_max  = 1,
    .run           = run_forget,
    .text =
        "Removes the account, cancels its waiting jobs, and deletes what is personal on those\n"
        "that have ended: messages with their captions, timelines, metadata, addresses of\n"
        "posts, in Redis and in the journal. Job ids and their ends stay, without texts, so\n"
        "that nothing is ever posted again by mistake. Tells what went and what stays. It may\n"
        "be given again; what is gone already is simply not there. While ends of jobs are still\n"
        "on their way to Kafka the jobs are not forgotten: status 4, give it again.\n\n"
        "  tokfleet account forget @brand.de --json",
};
