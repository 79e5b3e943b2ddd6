// SPDX-License-Identifier: Apache-2.0
#include "poller/renewal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "io/seal.h"
#include "job/account_write.h"
#include "job/metrics.h"
#include "loop/clock.h"
#include "tiktok/outcome.h"

enum {
    SEALED_MAX_BYTES = 32 * 1024,
    DAY_S            = 86400,
    REFUSED_AT_MOST  = 3,  // renewals in a row, before all wait
};

struct renewal {            // one account
    struct call      call;  // one at a time
    struct renewals *all;   // borrowed
    LIST_ENTRY(renewal) entry;
    struct arena          arena;  // of the texts
    struct str            open_id;
    struct str            epoch;        // of the lease
    int64_t               failures;     // in a row, before this one
    struct account_record record;       // as Redis has it; then as it is to be
    int64_t               seen;         // rev of the pair that is spent
    struct str            spent;        // that pair, sealed
    int64_t               spent_at_ms;  // when TikTok gave it; 0: not known
    int64_t               asked_ms;     // wall clock, before TikTok was asked
    struct buf            old_token;    // refresh token; wiped
    struct oauth_tokens   tokens;       // wiped
    struct buf            sealed;       // the new pair
    struct confirm_ask    ask;          // Kafka's word
    struct account_write  write;        // on its way to Kafka and Redis
    enum metric_refresh   result;       // what became of it
    struct redis_reply    reply;
    struct timer          again;  // write it again
};

// 1. what Redis has of it: ask TikTok
static void on_record(struct call *call, const struct error *err);
// 2. a pair, a refusal, or no answer
static void on_refreshed(struct call *call, const struct error *err);
// 3. invalid_grant: what Kafka has
static void on_confirmed(struct call *call, const struct error *err);
static void renewal_write(struct renewal *renewal);  // 4. Kafka, then Redis
static void on_written(struct call *call, const struct error *err);
// not yet: the lease goes on, then 4 again
static void on_kept(struct call *call, const struct error *err);
static void on_ended(struct call *call, const struct error *err);  // 5. the lease is given back

static struct renewal *renewal_of(struct call *call)
{
    return container_of(call, struct renewal, call);
}

static const struct config *config_of(const struct renewal *renewal)
{
    return &renewal->all->program->config;
}

static void renewal_free(struct renewal *renewal)
{
    call_cancel(&renewal->call);
    timer_fini(&renewal->again);
    buf_wipe(&renewal->old_token);
    oauth_tokens_wipe(&renewal->tokens);
    buf_fini(&renewal->sealed);
    confirm_ask_fini(&renewal->ask);
    account_write_fini(&renewal->write);
    redis_reply_fini(&renewal->reply);
    arena_fini(&renewal->arena);
    free(renewal);
}

static void renewal_end(struct renewal *renewal)
{
    struct renewals *all = renewal->all;
    LIST_REMOVE(renewal, entry);
    all->count--;
    renewal_free(renewal);
    all->on_ended(all->owner);
}

// ---- 5. the lease

static void on_ended(struct call *call, const struct error *err)
{
    struct renewal *renewal = renewal_of(call);
    enum store_word word    = WORD_OK;
    struct error    why;
    // what Redis does not hear now the end of the lease tells
    if (!store_word(err, &renewal->reply, &word, &why))
        log_warn("end of a refresh not recorded", F_STRN("account", renewal->open_id),
                 F_STR("why", why.message));
    metric_add(renewal->all->program->metrics, METRIC_REFRESHES, renewal->result, 1);
    renewal_end(renewal);
}

static void tell_lease(struct renewal *renewal, const char *event, int64_t wait_ms,
                       const char *code, call_done *done)
{
    struct refresh_end_args args = {
        .account = renewal->open_id,
        .epoch   = renewal->epoch,
        .event   = str_of(event),
        .wait_ms = wait_ms,
        .code    = str_of(code),
    };
    redis_reply_fini(&renewal->reply);
    script_refresh_end(renewal->all->program->store, &args, &renewal->reply, &renewal->call, done);
}

static void renewal_done(struct renewal *renewal, enum metric_refresh result)
{
    renewal->result = result;
    tell_lease(renewal, "done", 0, "", on_ended);
}

static void renewal_later(struct renewal *renewal, enum metric_refresh result, const char *code,
                          int64_t wait_ms)
{
    renewal->result = result;
    buf_wipe(&renewal->old_token);
    oauth_tokens_wipe(&renewal->tokens);
    tell_lease(renewal, "again", wait_ms, code, on_ended);
}

static int64_t backoff_ms(const struct renewal *renewal)
{
    const struct config *config  = config_of(renewal);
    int64_t              most    = config->refresh_retry_max_ms;
    int64_t              wait_ms = config->refresh_retry_ms;
    for (int64_t i = 0; i < renewal->failures && wait_ms < most; i++)
        wait_ms *= 2;
    if (wait_ms > most)
        wait_ms = most;
    return wait_ms / 2 + (int64_t)random_below((uint64_t)wait_ms / 2 + 1);
}

// ---- 4. Kafka, then Redis

static void on_again(struct timer *timer)
{
    struct renewal *renewal = container_of(timer, struct renewal, again);
    tell_lease(renewal, "keep", config_of(renewal)->refresh_lease_ms, "", on_kept);
}

static void on_kept(struct call *call, const struct error *err)
{
    (void)
        err;  // whoever has the lease by now: this pair may be the only living one, and is not dropped
    renewal_write(renewal_of(call));
}

// Somebody changed the record while its next pair was on its way here, and has the pair that is
// spent still: took it for that of a dead account, sealed it with another key, gave the account
// another alias. This pair lives.
static bool outlives(const struct renewal *renewal)
{
    const struct account_record *theirs = &renewal->write.record;
    bool same = renewal->spent_at_ms > 0 && theirs->token_at_ms == renewal->spent_at_ms;
    return renewal->sealed.len && !str_is(theirs->status, "removed") &&
           (same || str_eq(theirs->sealed, renewal->spent));
}

// by another pair of tokens: what the account was parked for
static bool is_mended(struct str why)
{
    const struct outcome *parked_for = outcome_recorded(why);
    return parked_for && parked_for->next == NEXT_REFRESH;
}

// their record, with this pair
static void take_theirs(struct renewal *renewal)
{
    struct account_record record = renewal->write.record;
    struct buf            value;
    struct error          err;
    record.rev                   = renewal->write.record.rev + 1;
    record.sealed                = buf_str(&renewal->sealed);
    record.scopes                = renewal->record.scopes;
    record.token_at_ms           = renewal->record.token_at_ms;
    record.expires_at_ms         = renewal->record.expires_at_ms;
    record.refresh_expires_at_ms = renewal->record.refresh_expires_at_ms;
    if (str_is(record.why, "invalid_grant") || is_mended(record.why)) {
        record.status = STR("ok");
        record.why    = STR("");
    }
    // a copy with all its texts
    account_record_encode(&record, &value);
    bool ok = account_record_decode(buf_str(&value), &renewal->record, &renewal->arena, &err);
    assert(ok && "a record that this program made");
    (void)ok;
    buf_fini(&value);
    renewal->seen = record.rev - 1;
    account_write_fini(&renewal->write);
}

static void say_written(const struct renewal *renewal)
{
    const struct account_record *record = &renewal->write.record;
    if (renewal->write.newer)
        log_info("somebody else's tokens are newer", F_STRN("account", renewal->open_id),
                 F_INT("rev", record->rev));
    else if (renewal->result == REFRESH_NEEDS_CONSENT)
        log_error(
            "account needs consent: connect it again (tokfleet account connect); its jobs wait",
            F_STRN("account", renewal->open_id), F_STRN("code", record->why),
            F_STR("log_id", renewal->tokens.answer.log_id));
    else
        log_info("token refreshed", F_STRN("account", renewal->open_id), F_INT("rev", record->rev),
                 F_INT("expires_at", record->expires_at_ms),
                 F_STR("log_id", renewal->tokens.answer.log_id));
}

static void warn_soon(const struct renewal *renewal)
{
    const struct account_record *record  = &renewal->write.record;
    int64_t                      left_ms = record->refresh_expires_at_ms - clock_wall_ms();
    if (str_is(record->status, "ok") && record->refresh_expires_at_ms > 0 &&
        left_ms < config_of(renewal)->refresh_soon_ms)
        log_warn("consent ends soon: connect the account again",
                 F_STRN("account", renewal->open_id),
                 F_INT("days_left", left_ms / (DAY_S * INT64_C(1000))));
}

static void on_written(struct call *call, const struct error *err)
{
    struct renewal *renewal  = renewal_of(call);
    bool            on_kafka = renewal->write.on_kafka;
    if (err && err->code == ERR_CLOSED && on_kafka) {
        // the gate's opening reads it from there, and the lease goes with what Redis forgot
        log_info("tokens are on Kafka; Redis is told when its gate opens",
                 F_STRN("account", renewal->open_id));
        renewal_end(renewal);
    } else if (err) {
        log_warn(on_kafka ? "tokens are on Kafka and not in Redis yet"
                          : "tokens are not on Kafka yet",
                 F_STRN("account", renewal->open_id), F_STR("why", err->message));
        account_write_fini(&renewal->write);
        timer_start(&renewal->again, config_of(renewal)->refresh_retry_ms);
    } else if (renewal->write.newer && outlives(renewal)) {
        log_info("the account's record was changed meanwhile: it takes the new tokens",
                 F_STRN("account", renewal->open_id), F_INT("rev", renewal->write.record.rev));
        take_theirs(renewal);
        renewal_write(renewal);
    } else {
        say_written(renewal);
        warn_soon(renewal);
        renewal_done(renewal, renewal->write.newer ? REFRESH_OTHERS : renewal->result);
    }
}

static void renewal_write(struct renewal *renewal)
{
    struct program *p = renewal->all->program;
    account_write_start(&renewal->write, p->kafka, p->store, p->topics[TOPIC_ACCOUNTS],
                        &renewal->record, renewal->seen, program_id(p), &renewal->call, on_written);
}

// ---- 3. invalid_grant, or no refresh token at all

static void renewal_park(struct renewal *renewal, const char *why)
{
    renewal->record.rev    = renewal->seen + 1;
    renewal->record.status = STR("parked");
    renewal->record.why    = str_of(why);
    renewal->result        = REFRESH_NEEDS_CONSENT;
    renewal_write(renewal);
}

static void on_confirmed(struct call *call, const struct error *err)
{
    struct renewal              *renewal = renewal_of(call);
    const struct account_record *found   = &renewal->ask.record;
    if (err) {
        log_warn("cannot look at an account's record on Kafka", F_STRN("account", renewal->open_id),
                 F_STR("why", err->message));
        renewal_later(renewal, REFRESH_LATER, "unconfirmed", backoff_ms(renewal));
        return;
    }
    if (renewal->ask.found &&
        (found->rev > renewal->seen || !str_eq(found->sealed, renewal->spent))) {
        log_info("Kafka holds newer tokens than were refused", F_STRN("account", renewal->open_id),
                 F_INT("rev", found->rev));
        renewal->record     = *found;
        renewal->record.rev = (found->rev > renewal->seen ? found->rev : renewal->seen) + 1;
        renewal->result     = REFRESH_OTHERS;
        renewal_write(renewal);
        return;
    }
    renewal_park(renewal, "invalid_grant");
}

// ---- 2. TikTok's answer

static bool take_pair(struct renewal *renewal, struct error *err)
{
    struct program            *p      = renewal->all->program;
    const struct oauth_tokens *tokens = &renewal->tokens;
    struct account_record     *record = &renewal->record;
    struct str                 next =
        tokens->refresh_token[0] ? str_of(tokens->refresh_token) : buf_str(&renewal->old_token);
    if (tokens->open_id[0] && !str_is(renewal->open_id, tokens->open_id))
        return error_set(err, ERR_BROKEN, "TikTok answered with the tokens of another user");
    buf_init(&renewal->sealed, SEALED_MAX_BYTES);
    if (!account_seal_pair(p->seal, p->config.fleet, renewal->open_id, str_of(tokens->access_token),
                           next, &renewal->sealed, err))
        return false;
    record->rev         = renewal->seen + 1;
    record->sealed      = buf_str(&renewal->sealed);
    record->token_at_ms = renewal->asked_ms;
    record->expires_at_ms =
        renewal->asked_ms + (tokens->expires_in_s > 0 ? tokens->expires_in_s : DAY_S) * 1000;
    if (tokens->refresh_expires_in_s >= 0)
        record->refresh_expires_at_ms = renewal->asked_ms + tokens->refresh_expires_in_s * 1000;
    if (tokens->scopes[0])
        record->scopes = arena_copy(&renewal->arena, str_of(tokens->scopes));
    if (is_mended(record->why))
        record->status = STR("ok"), record->why = STR("");
    return true;
}

static void refreshed_well(struct renewal *renewal)
{
    struct error err;
    bool         ok = take_pair(renewal, &err);
    buf_wipe(&renewal->old_token);
    explicit_bzero(renewal->tokens.access_token, sizeof renewal->tokens.access_token);
    explicit_bzero(renewal->tokens.refresh_token, sizeof renewal->tokens.refresh_token);
    if (!ok) {
        log_error("cannot take the new tokens", F_STRN("account", renewal->open_id),
                  F_STR("why", err.message), F_STR("log_id", renewal->tokens.answer.log_id));
        renewal_later(renewal, REFRESH_BUG, "broken_answer",
                      config_of(renewal)->refresh_retry_max_ms);
        return;
    }
    renewal->result = REFRESH_OK;
    renewal_write(renewal);
}

// Our own fault: no account pays for it. All wait, since the next one would hear the same.
static void refused_us(struct renewal *renewal, enum metric_refresh result)
{
    const struct oauth_answer *answer  = &renewal->tokens.answer;
    int64_t                    wait_ms = config_of(renewal)->refresh_retry_max_ms;
    log_error("TikTok refuses to refresh tokens: no account is at fault",
              F_STR("code", answer->outcome->code), F_STR("error", answer->error),
              F_STR("message", answer->description), F_STR("cause", answer->outcome->cause),
              F_STR("remedy", answer->outcome->remedy), F_STRN("account", renewal->open_id),
              F_STR("log_id", answer->log_id));
    renewal->all->held_until_ms = clock_monotonic_ms() + wait_ms;
    renewal_later(renewal, result, answer->outcome->code, wait_ms);
}

// The request, or this account's token: nobody knows. One account must not hold back all others;
// when others hear it, too, it is us.
static void refused_one(struct renewal *renewal)
{
    const struct oauth_answer *answer = &renewal->tokens.answer;
    if (++renewal->all->refused >= REFUSED_AT_MOST) {
        refused_us(renewal, REFRESH_BUG);
        return;
    }
    log_error("TikTok refuses to refresh the tokens of an account",
              F_STRN("account", renewal->open_id), F_STR("code", answer->outcome->code),
              F_STR("error", answer->error), F_STR("message", answer->description),
              F_STR("cause", answer->outcome->cause), F_STR("remedy", answer->outcome->remedy),
              F_STR("log_id", answer->log_id));
    renewal_later(renewal, REFRESH_BUG, answer->outcome->code,
                  config_of(renewal)->refresh_retry_max_ms);
}

static void count_request(const struct renewal *renewal, const struct oauth_answer *answer)
{
    static const enum metric_result results[] = {
        [OAUTH_OK]          = RESULT_OK,
        [OAUTH_CONSENT]     = RESULT_PARK,
        [OAUTH_CREDENTIALS] = RESULT_FAIL,
        [OAUTH_LATER]       = RESULT_RETRY,
        [OAUTH_BUG]         = RESULT_FAIL,
    };
    struct metrics *metrics = renewal->all->program->metrics;
    size_t          place   = metric_place(metrics, METRIC_REQUEST, 0, STR("oauth/token"));
    metric_observe(metrics, METRIC_REQUEST,
                   metric_pair(metrics, METRIC_REQUEST, place, results[answer->outcome->next]),
                   answer->took_us);
}

static void on_refreshed(struct call *call, const struct error *err)
{
    struct renewal             *renewal = renewal_of(call);
    const struct oauth_answer  *answer  = &renewal->tokens.answer;
    const struct oauth_outcome *outcome = answer->outcome;
    count_request(renewal, answer);
    switch (outcome->next) {
    case OAUTH_OK:
        renewal->all->refused = 0;
        refreshed_well(renewal);
        return;
    case OAUTH_CONSENT:
        if (strcmp(outcome->code, "invalid_grant") == 0) {
            renewal->all->refused = 0;
            confirm_start(renewal->all->confirm, &renewal->ask, renewal->open_id, &renewal->call,
                          on_confirmed);
            return;
        }
        refused_one(renewal);
        return;
    case OAUTH_CREDENTIALS:
        refused_us(renewal, REFRESH_CREDENTIALS);
        return;
    case OAUTH_BUG:
        refused_one(renewal);
        return;
    case OAUTH_LATER:
        break;
    }
    log_warn("token not refreshed yet", F_STRN("account", renewal->open_id),
             F_STR("code", outcome->code),
             F_STR("message", err ? err->message : answer->description),
             F_INT("failures", renewal->failures + 1), F_STR("log_id", answer->log_id));
    renewal_later(renewal, REFRESH_LATER, outcome->code, backoff_ms(renewal));
}

// ---- 1. the account

static void renewal_ask(struct renewal *renewal)
{
    struct program *p = renewal->all->program;
    struct buf      access;
    struct error    err;
    if (!account_unseal_pair(p->seal, p->config.fleet, renewal->open_id, renewal->record.sealed,
                             &access, &renewal->old_token, &err)) {
        log_error("tokens cannot be opened, so they are not refreshed",
                  F_STRN("account", renewal->open_id), F_STR("why", err.message));
        renewal_later(renewal, REFRESH_BUG, "sealed_token", p->config.refresh_retry_max_ms);
        return;
    }
    buf_wipe(&access);
    if (!renewal->old_token.len) {
        renewal_park(renewal, "no_refresh_token");
        return;
    }
    renewal->asked_ms = clock_wall_ms();
    oauth_refresh(renewal->all->oauth, buf_str(&renewal->old_token), &renewal->tokens,
                  &renewal->call, on_refreshed);
}

static void on_record(struct call *call, const struct error *err)
{
    struct renewal *renewal = renewal_of(call);
    enum store_word word    = WORD_OK;
    struct error    why;
    bool            ok = store_word(err, &renewal->reply, &word, &why);
    if (!ok || word != WORD_OK) {
        renewal_end(renewal);  // the lease ends by itself
        return;
    }
    if (!account_read_answer(&renewal->reply, &renewal->record, &renewal->arena, &why)) {
        log_error("an account cannot be read", F_STRN("account", renewal->open_id),
                  F_STR("why", why.message));
        renewal_later(renewal, REFRESH_BUG, "unreadable", config_of(renewal)->refresh_retry_max_ms);
        return;
    }
    renewal->seen        = renewal->record.rev;
    renewal->spent       = renewal->record.sealed;
    renewal->spent_at_ms = renewal->record.token_at_ms;
    if (!renewal->spent.len || str_is(renewal->record.why, "invalid_grant"))
        renewal_done(renewal, REFRESH_OTHERS);  // it was given up, or away, meanwhile
    else
        renewal_ask(renewal);
}

void renewal_start(struct renewals *all, struct str open_id, struct str epoch, int64_t failures)
{
    struct program *p       = all->program;
    struct renewal *renewal = xcalloc(1, sizeof *renewal);
    renewal->all            = all;
    renewal->open_id        = arena_copy(&renewal->arena, open_id);
    renewal->epoch          = arena_copy(&renewal->arena, epoch);
    renewal->failures       = failures;
    timer_init(&renewal->again, p->loop, on_again);
    LIST_INSERT_HEAD(&all->under_way, renewal, entry);
    all->count++;
    struct account_read_args args = { .account = renewal->open_id };
    script_account_read(p->store, &args, &renewal->reply, &renewal->call, on_record);
}

void renewals_fini(struct renewals *all)
{
    while (!LIST_EMPTY(&all->under_way)) {
        struct renewal *renewal = LIST_FIRST(&all->under_way);
        LIST_REMOVE(renewal, entry);
        renewal_free(renewal);
    }
    all->count = 0;
}
