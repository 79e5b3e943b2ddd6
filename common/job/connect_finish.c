// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "job/account_write.h"
#include "job/connect_asked.h"
#include "loop/clock.h"
#include "tiktok/user.h"

enum {
    SEALED_MAX_BYTES = 32 * 1024,
    TICKET_BYTES     = 17,
    REWRITES_MAX     = 4,  // others change the account at the same time
};

struct trip {
    struct call  inner;                 // the request in flight
    struct timer pause;                 // before another try
    void (*again)(struct trip *trip);   // what the pause is before
    struct call            *outer;      // the caller's; borrowed
    struct connector       *connector;  // borrowed
    struct connected       *out;        // the caller's; borrowed
    struct arena            secrets;    // callback and asked; wiped
    struct consent_callback callback;
    struct asked            asked;
    char                    ticket[TICKET_BYTES];
    struct redis_reply      reply;
    struct oauth_tokens     tokens;
    int                     tries;   // of the step that is under way
    bool                    lost;    // an answer to the exchange that may have used the code
    struct account_record   before;  // in out's arena; rev -1: there is none
    struct account_record   record;  // to be written; in out's arena
    struct buf              sealed;
    struct account_write    write;
    int                     rewrites;
    struct tiktok_user      user;
};

static void on_taken(struct call *call, const struct error *err);      // 1. the state was ours
static void on_exchanged(struct call *call, const struct error *err);  // 2. a pair of tokens
static void on_owner(struct call *call, const struct error *err);      // 3. whose the name is
static void on_before(struct call *call, const struct error *err);     // 4. what is known of it
static void on_kept(struct call *call, const struct error *err);       // 5. safe in both
static void on_user(struct call *call, const struct error *err);       // 6. who it is
static void on_told(struct call *call, const struct error *err);       // 7. that, too

static struct trip *trip_of(struct call *inner)
{
    return container_of(inner, struct trip, inner);
}

static void trip_free(struct trip *trip)
{
    timer_fini(&trip->pause);
    redis_reply_fini(&trip->reply);
    account_write_fini(&trip->write);
    oauth_tokens_wipe(&trip->tokens);
    arena_wipe(&trip->secrets);
    buf_fini(&trip->sealed);
    free(trip);
}

static void trip_end(struct trip *trip, const struct error *err)
{
    struct call *outer       = trip->outer;
    trip->out->record.sealed = (struct str){ 0 };
    trip_free(trip);
    call_finish(outer, err);
}

static void on_trip_cancelled(struct call *outer)
{
    struct trip *trip = outer->adapter;
    call_cancel(&trip->inner);
    trip_free(trip);
}

static void PRINTF_LIKE(3, 4) fail(struct trip *trip, enum err_code code, const char *format, ...);

static void fail(struct trip *trip, enum err_code code, const char *format, ...)
{
    char         why[ERROR_MESSAGE_BYTES];
    struct error err;
    va_list      args;
    va_start(args, format);
    vsnprintf(why, sizeof why, format, args);
    va_end(args);
    error_set(&err, code, "%s", why);
    trip_end(trip, &err);
}

static void on_pause(struct timer *timer)
{
    struct trip *trip = container_of(timer, struct trip, pause);
    trip->again(trip);
}

// false: it was the last try
static bool try_again(struct trip *trip, void (*again)(struct trip *trip))
{
    const struct config *config = trip->connector->parts.config;
    if (trip->tries >= config->connect_tries)
        return false;
    trip->again = again;
    timer_start(&trip->pause, config->connect_retry_ms << (trip->tries - 1));
    return true;
}

// ---- 1. the state

static void take(struct trip *trip)
{
    struct oauth_take_args args = { .state = trip->callback.state, .ticket = str_of(trip->ticket) };
    trip->tries++;
    redis_reply_fini(&trip->reply);
    script_oauth_take(trip->connector->parts.store, &args, &trip->reply, &trip->inner, on_taken);
}

#define BEGIN_AGAIN "begin again with: tokfleet account connect"

// an error in the callback itself: the user said no, or TikTok did not like the address
static void fail_denied(struct trip *trip)
{
    const struct consent_callback *callback = &trip->callback;
    const struct oauth_outcome    *outcome  = oauth_outcome_of(callback->error);
    const char                    *between  = callback->error_type.len ? "/" : "";
    trip->out->remedy                       = outcome->remedy;
    fail(trip, ERR_REFUSED, "no consent: TikTok answered %.64s%s%.*s%s%.128s. %s",
         callback->error.p, between,
         (int)(callback->error_type.len < 64 ? callback->error_type.len : 64),
         callback->error_type.p ? callback->error_type.p : "",
         callback->error_description.len ? ": " : "",
         callback->error_description.len ? callback->error_description.p : "", outcome->cause);
}

static void exchange(struct trip *trip)
{
    struct oauth_code code = { .code         = trip->callback.code,
                               .redirect_uri = trip->asked.redirect_uri,
                               .verifier     = trip->asked.verifier };
    trip->tries++;
    oauth_exchange(trip->connector->parts.oauth, &code, &trip->tokens, &trip->inner, on_exchanged);
}

static void on_taken(struct call *call, const struct error *call_err)
{
    struct trip    *trip = trip_of(call);
    enum store_word word;
    struct error    err;
    if (!store_word(call_err, &trip->reply, &word, &err)) {
        if (!try_again(trip, take))
            trip_end(trip, &err);
        return;
    }
    trip->tries = 0;
    if (word == WORD_GATE) {
        fail(trip, ERR_CLOSED,
             "Redis' gate is closed, so nobody knows whether this consent was "
             "asked for; a poller opens it. Then " BEGIN_AGAIN);
    } else if (word == WORD_STATE && str_is(answer_item(&trip->reply.answer, 1), "USED")) {
        fail(trip, ERR_REFUSED,
             "this callback was used before, and each is good once: " BEGIN_AGAIN);
    } else if (word != WORD_OK) {
        fail(trip, ERR_REFUSED,
             "no consent is under way with this state: it was asked for more than %" PRIi64
             " s ago, or not by this fleet: " BEGIN_AGAIN,
             trip->connector->parts.config->connect_state_ms / 1000);
    } else if (!asked_unseal(trip->connector, trip->callback.state,
                             answer_item(&trip->reply.answer, 1), &trip->secrets, &trip->asked,
                             &err)) {
        trip_end(trip, &err);
    } else {
        trip->out->asked = arena_copy(&trip->out->arena, trip->asked.scopes);
        if (trip->callback.error.len)
            fail_denied(trip);
        else
            exchange(trip);
    }
}

// ---- 2. the exchange

static void fail_exchange(struct trip *trip)
{
    const struct oauth_answer  *answer  = &trip->tokens.answer;
    const struct oauth_outcome *outcome = answer->outcome;
    trip->out->remedy                   = outcome->remedy;
    if (trip->lost && outcome->next == OAUTH_CONSENT)
        fail(trip, ERR_REFUSED,
             "TikTok's first answer was lost, and the code is used now (%s): " BEGIN_AGAIN,
             answer->error);
    else
        fail(trip, ERR_REFUSED, "TikTok refused the code: %s%s%.160s. %s%s%s",
             answer->error[0] ? answer->error : outcome->code, answer->description[0] ? ": " : "",
             answer->description, outcome->cause, answer->log_id[0] ? " log_id " : "",
             answer->log_id);
}

static void ask_owner(struct trip *trip);
static void ask_before(struct trip *trip);

static void on_exchanged(struct call *call, const struct error *call_err)
{
    struct trip               *trip   = trip_of(call);
    const struct oauth_tokens *tokens = &trip->tokens;
    const struct oauth_answer *answer = &tokens->answer;
    (void)call_err;  // the outcome says it
    trip->lost |= answer->maybe;
    if (answer->outcome->next == OAUTH_LATER && try_again(trip, exchange))
        return;
    trip->tries = 0;
    if (answer->outcome->next != OAUTH_OK)
        fail_exchange(trip);
    else if (!tokens->open_id[0] || !tokens->refresh_token[0])
        fail(trip, ERR_BROKEN, "TikTok's answer to the code has no %s: nothing was kept",
             tokens->open_id[0] ? "refresh_token" : "open_id");
    else if (trip->asked.alias.len)
        ask_owner(trip);
    else
        ask_before(trip);
}

// ---- 3. and 4. what is known

static void ask_before(struct trip *trip)
{
    struct account_read_args args = { .account = str_of(trip->tokens.open_id) };
    trip->tries++;
    redis_reply_fini(&trip->reply);
    script_account_read(trip->connector->parts.store, &args, &trip->reply, &trip->inner, on_before);
}

static void ask_owner(struct trip *trip)
{
    struct account_read_args args = { .account = trip->asked.alias };
    trip->tries++;
    redis_reply_fini(&trip->reply);
    script_account_read(trip->connector->parts.store, &args, &trip->reply, &trip->inner, on_owner);
}

#define NOT_KEPT "TikTok gave the tokens, and they could not be kept; " BEGIN_AGAIN ": "

// no word of Redis, or a closed gate: the tokens wait in memory for a few tries
static bool heard(struct trip *trip, const struct error *call_err, enum store_word *word,
                  void (*again)(struct trip *trip))
{
    struct error err;
    bool         ok = store_word(call_err, &trip->reply, word, &err);
    if (ok && *word != WORD_GATE) {
        trip->tries = 0;
        return true;
    }
    if (!try_again(trip, again))
        fail(trip, ok ? ERR_CLOSED : err.code, NOT_KEPT "%s",
             ok ? "Redis' gate is closed" : err.message);
    return false;
}

static void refuse_alias(struct trip *trip, const char *why)
{
    struct connected *out = trip->out;
    out->alias_refused    = arena_copy(&out->arena, trip->asked.alias);
    out->alias_why        = arena_copy(&out->arena, str_of(why));
    trip->asked.alias     = (struct str){ 0 };
}

static void on_owner(struct call *call, const struct error *call_err)
{
    struct trip    *trip = trip_of(call);
    enum store_word word;
    if (!heard(trip, call_err, &word, ask_owner))
        return;
    struct str owner = answer_item(&trip->reply.answer, 1);
    if (word == WORD_OK && !str_is(owner, trip->tokens.open_id)) {
        char why[OPEN_ID_MAX + 64];
        snprintf(why, sizeof why, "it belongs to another account (open_id %.*s) for ever",
                 STR_ARG(owner));
        refuse_alias(trip, why);
    }
    ask_before(trip);
}

static void keep(struct trip *trip);

static void on_before(struct call *call, const struct error *call_err)
{
    struct trip      *trip = trip_of(call);
    struct connected *out  = trip->out;
    enum store_word   word;
    struct error      err;
    if (!heard(trip, call_err, &word, ask_before))
        return;
    trip->before.rev = -1;
    if (word == WORD_OK) {
        if (!account_read_answer(&trip->reply, &trip->before, &out->arena, &err)) {
            trip_end(trip, &err);
            return;
        }
        out->was_there  = true;
        out->was_parked = !str_is(trip->before.status, "ok");
    }
    keep(trip);
}

// ---- 5. Kafka, then Redis

// the newest name first; no name is ever given back
static void put_alias(struct trip *trip, struct account_record *record)
{
    struct str alias = trip->asked.alias;
    size_t     at    = 0;
    if (!alias.len)
        return;
    while (at < record->alias_count && !str_eq(record->aliases[at], alias))
        at++;
    if (at == ALIASES_MAX) {
        refuse_alias(trip, "the account has 8 names, and a name is for ever");
        return;
    }
    if (at == record->alias_count)
        record->alias_count++;
    memmove(&record->aliases[1], &record->aliases[0], at * sizeof record->aliases[0]);
    record->aliases[0] = arena_copy(&trip->out->arena, alias);
}

// What the browser brings is only as good as the browser: no longer than a record takes, and
// nothing but words.
static bool scopes_usable(struct str scopes)
{
    for (size_t i = 0; i < scopes.len; i++)
        if (scopes.p[i] <= ' ' || scopes.p[i] >= 0x7f)
            return false;
    return scopes.len > 0 && scopes.len < OAUTH_SCOPES_BYTES;
}

static bool make_record(struct trip *trip, struct error *err)
{
    const struct connector    *connector = trip->connector;
    const struct oauth_tokens *tokens    = &trip->tokens;
    struct account_record     *record    = &trip->record;
    struct arena              *arena     = &trip->out->arena;
    int64_t                    now_ms    = clock_wall_ms();
    struct str                 scopes    = str_of(tokens->scopes);
    *record                              = trip->before;
    record->rev             = now_ms > trip->before.rev ? now_ms : trip->before.rev + 1;
    record->open_id         = arena_copy(arena, str_of(tokens->open_id));
    record->status          = STR("ok");
    record->why             = (struct str){ 0 };
    record->connected_at_ms = now_ms;
    record->token_at_ms     = now_ms;
    record->expires_at_ms   = tokens->expires_in_s > 0 ? now_ms + tokens->expires_in_s * 1000 : 0;
    record->refresh_expires_at_ms =
        tokens->refresh_expires_in_s > 0 ? now_ms + tokens->refresh_expires_in_s * 1000 : 0;
    if (!scopes.len)
        scopes = scopes_usable(trip->callback.scopes) ? trip->callback.scopes : trip->asked.scopes;
    record->scopes = arena_copy(arena, scopes);
    put_alias(trip, record);
    buf_fini(&trip->sealed);
    buf_init(&trip->sealed, SEALED_MAX_BYTES);
    bool ok        = account_seal_pair(connector->parts.seal, connector->parts.config->fleet,
                                       record->open_id, str_of(tokens->access_token),
                                       str_of(tokens->refresh_token), &trip->sealed, err);
    record->sealed = buf_str(&trip->sealed);
    return ok;
}

static void start_write(struct trip *trip, int64_t seen, call_done *done)
{
    const struct connector_parts *parts = &trip->connector->parts;
    account_write_fini(&trip->write);
    account_write_start(&trip->write, parts->kafka, parts->store, parts->topic, &trip->record, seen,
                        str_of(parts->by), &trip->inner, done);
}

static void keep(struct trip *trip)
{
    struct error err;
    trip->tries++;
    if (make_record(trip, &err))
        start_write(trip, -1, on_kept);
    else
        trip_end(trip, &err);
}

// a copy of what is kept now, whose texts live as long as the caller wants
static void copy_record(struct trip *trip, struct account_record *record)
{
    struct buf   value;
    struct error err;
    account_record_encode(&trip->write.record, &value);
    bool ok = account_record_decode(buf_str(&value), record, &trip->out->arena, &err);
    assert(ok && "a record that this program made");
    (void)ok;
    buf_fini(&value);
}

static void on_kept(struct call *call, const struct error *err)
{
    struct trip                  *trip  = trip_of(call);
    struct connected             *out   = trip->out;
    const struct connector_parts *parts = &trip->connector->parts;
    bool is_waiting                     = err && err->code == ERR_CLOSED && trip->write.on_kafka;
    if (err && !is_waiting) {
        if (!try_again(trip, keep))
            fail(trip, err->code, NOT_KEPT "%s", err->message);
        return;
    }
    trip->tries = 0;
    if (trip->write.newer && trip->rewrites++ < REWRITES_MAX) {
        // somebody else was first; what the user just consented to is newer than all that
        copy_record(trip, &trip->before);
        keep(trip);
        return;
    }
    if (trip->write.newer) {
        fail(trip, ERR_FULL, NOT_KEPT "others change the account all the time");
        return;
    }
    if (trip->write.taken.len)
        refuse_alias(trip, "it was given to another account meanwhile");
    copy_record(trip, &out->record);
    out->kept = !is_waiting;
    log_info("account connected", F_STRN("account", out->record.open_id),
             F_STRN("scopes", out->record.scopes), F_STR("log_id", trip->tokens.answer.log_id));
    if (is_waiting)
        out->profile_why = STR("Redis' gate is closed");
    else if (!tiktok_user_allowed(out->record.scopes))
        out->profile_why = STR("none of the user.info scopes was granted");
    if (out->profile_why.len)
        trip_end(trip, NULL);
    else
        tiktok_user(parts->tiktok, out->record.scopes, str_of(trip->tokens.access_token),
                    &trip->user, &trip->inner, on_user);
}

// ---- 6. and 7. who it is

static void no_profile(struct trip *trip, const char *format, const char *what, const char *more)
{
    struct buf why;
    buf_init(&why, 512);
    buf_add_text(&why, format);
    buf_add_text(&why, what);
    buf_add_text(&why, more[0] ? ": " : "");
    buf_add_text(&why, more);
    trip->out->profile_why = arena_copy(&trip->out->arena, buf_str(&why));
    buf_fini(&why);
    trip_end(trip, NULL);
}

static void keep_profile(struct trip *trip)
{
    const struct tiktok_user *user   = &trip->user;
    struct account_record    *record = &trip->record;
    struct arena             *arena  = &trip->out->arena;
    int64_t                   now_ms = clock_wall_ms();
    copy_record(trip, record);
    int64_t seen    = record->rev;
    record->rev     = now_ms > seen ? now_ms : seen + 1;
    record->profile = (struct account_profile){
        .username     = arena_copy(arena, str_of(user->username)),
        .display_name = arena_copy(arena, str_of(user->display_name)),
        .avatar_url   = arena_copy(arena, str_of(user->avatar_url)),
        .verified     = user->verified,
        .followers    = user->followers,
        .following    = user->following,
        .likes        = user->likes,
        .videos       = user->videos,
        .at_ms        = now_ms,
    };
    start_write(trip, seen, on_told);
}

static void on_user(struct call *call, const struct error *err)
{
    struct trip              *trip = trip_of(call);
    const struct tiktok_user *user = &trip->user;
    if (err)
        no_profile(trip, "", "user/info", err->message);
    else if (user->answer.outcome->next != NEXT_OK)
        no_profile(trip, "user/info: TikTok answered ", user->answer.code, user->answer.message);
    else if (user->open_id[0] && strcmp(user->open_id, trip->tokens.open_id) != 0)
        no_profile(trip, "user/info told of another user", "", "");
    else
        keep_profile(trip);
}

static void on_told(struct call *call, const struct error *err)
{
    struct trip *trip = trip_of(call);
    if (err) {
        no_profile(trip, "", "it could not be kept", err->message);
    } else if (trip->write.newer && trip->rewrites++ < REWRITES_MAX) {
        keep_profile(trip);
    } else {
        copy_record(trip, &trip->out->record);
        trip_end(trip, NULL);
    }
}

// ---- the start

void connect_finish(struct connector *connector, struct str query, struct connected *connected,
                    struct call *call, call_done *done)
{
    struct trip *trip = xcalloc(1, sizeof *trip);
    struct error err;
    memset(connected, 0, sizeof *connected);
    trip->outer     = call;
    trip->connector = connector;
    trip->out       = connected;
    buf_init(&trip->sealed, SEALED_MAX_BYTES);
    timer_init(&trip->pause, connector->parts.loop, on_pause);
    random_hex(trip->ticket, TICKET_BYTES - 1);
    call_begin(call, connector->parts.loop, "connect", 0, done, on_trip_cancelled, trip);
    if (!consent_callback_decode(query, &trip->callback, &trip->secrets, &err)) {
        trip_end(trip, &err);
        return;
    }
    snprintf(connected->state, sizeof connected->state, "%.*s", STR_ARG(trip->callback.state));
    if (trip->callback.state.len)
        take(trip);
    else if (trip->callback.error.len)
        fail_denied(trip);
    else
        fail(trip, ERR_REFUSED,
             "the callback has no state, so it is no answer to a consent that tokfleet asked "
             "for: " BEGIN_AGAIN);
}

void connected_fini(struct connected *connected)
{
    arena_fini(&connected->arena);
    memset(connected, 0, sizeof *connected);
}
