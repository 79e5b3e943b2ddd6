// SPDX-License-Identifier: Apache-2.0
#include "worker/creator.h"

#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "worker/verdict.h"

enum { WHY_MAX_BYTES = 1024 };

static void creator_look(struct creator *creator);  // 1. what is known is enough, or ask
// 2. the window has room: ask TikTok
static void on_room(struct call *call, const struct error *err);
// 3. TikTok answered, or did not
static void on_told(struct call *call, const struct error *err);
// 4. Redis has it: look again, or give up
static void on_remembered(struct call *call, const struct error *err);

// ---- pure

static bool has_word(struct str list, struct str word)
{
    struct str one;
    while (str_cut(&list, ',', &one))
        if (str_eq(str_trim(one), word))
            return true;
    return false;
}

static bool has_scope(struct str scopes, const char *scope)
{
    return has_word(scopes, str_of(scope));
}

// NULL: it has what the post needs, or its scopes are not known. content/init takes either for a
// draft of photos.
static const char *missing_scope(const struct post *post, struct str scopes)
{
    if (!scopes.len)
        return NULL;
    bool publish = has_scope(scopes, "video.publish"), upload = has_scope(scopes, "video.upload");
    if (post->mode == POST_DIRECT)
        return publish ? NULL : "video.publish";
    return upload || (publish && post->media == MEDIA_PHOTOS) ? NULL : "video.upload";
}

const struct outcome *creator_refused(const struct post *post, const struct creator_known *known,
                                      const struct outcome *outcome)
{
    bool without = post->mode == POST_DRAFT && known->scopes.len &&
                   !missing_scope(post, known->scopes) && !has_scope(known->scopes, "video.upload");
    return without && strcmp(outcome->code, "scope_not_authorized") == 0
               ? outcome_named("scope_missing")
               : outcome;
}

static bool is_young(int64_t age_ms, int64_t at_most_ms)
{
    return age_ms >= 0 && age_ms <= at_most_ms;
}

enum creator_next creator_decide(const struct post *post, const struct creator_known *known,
                                 const struct config *config, const struct outcome **outcome,
                                 struct buf *why)
{
    const char *scope = missing_scope(post, known->scopes);
    if (scope) {
        *outcome = outcome_named("scope_missing");
        buf_printf(why, "needs %s, granted are %.*s", scope, STR_ARG(known->scopes));
        return CREATOR_REJECT;
    }
    if (post->mode == POST_DRAFT)
        return CREATOR_GO;
    bool fresh = is_young(known->age_ms, config->creator_keep_ms);
    bool fits =
        !known->privacy_options.len || has_word(known->privacy_options, post->privacy_level);
    if (fresh && fits)
        return CREATOR_GO;
    if (fresh && is_young(known->age_ms, config->creator_sure_ms)) {
        *outcome = outcome_named("privacy_not_offered");
        buf_printf(why, "asked for %.*s, offered are %.*s", STR_ARG(post->privacy_level),
                   STR_ARG(known->privacy_options));
        return CREATOR_REJECT;
    }
    if (known->failures >= config->creator_tries &&
        is_young(known->failed_age_ms, config->creator_keep_ms))
        return CREATOR_GO;
    return CREATOR_ASK;
}

static void limit_one(bool disabled, const char *name, bool *wanted, struct buf *warnings)
{
    if (!disabled || !*wanted)
        return;
    *wanted = false;
    buf_printf(warnings, "%s%s: the account has it switched off in TikTok, so it was sent as off",
               warnings->len ? "\n" : "", name);
}

void creator_limit_post(const struct creator_known *known, struct post *post, struct buf *warnings)
{
    if (post->mode == POST_DRAFT || known->age_ms < 0)
        return;
    limit_one(known->comment_disabled, post_field_text(FIELD_COMMENT), &post->comment, warnings);
    if (post->media == MEDIA_PHOTOS)
        return;
    limit_one(known->duet_disabled, post_field_text(FIELD_DUET), &post->duet, warnings);
    limit_one(known->stitch_disabled, post_field_text(FIELD_STITCH), &post->stitch, warnings);
}

// ---- the end

static struct creator *creator_of(struct call *call)
{
    return container_of(call, struct creator, call);
}

static void creator_stop(struct creator *creator)
{
    call_cancel(&creator->call);
    redis_reply_fini(&creator->reply);
}

static void creator_finish(struct creator *creator, const struct error *err)
{
    struct call *call = creator->waiting;
    creator->waiting  = NULL;
    redis_reply_fini(&creator->reply);
    call_finish(call, err);
}

static void on_cancelled(struct call *call)
{
    struct creator *creator = call->adapter;
    creator->waiting        = NULL;
    creator_stop(creator);
}

static void go_back(struct creator *creator, const struct outcome *outcome,
                    const char *account_then, int64_t due_ms)
{
    creator->next         = CREATOR_BACK;
    creator->outcome      = outcome;
    creator->account_then = account_then;
    creator->due_ms       = due_ms;
    creator_finish(creator, NULL);
}

// ---- 4. Redis remembers it

// What TikTok said of the account itself (caps, a ban, a token) is no failure of the question.
static bool is_failure(const struct outcome *outcome)
{
    return outcome->next == NEXT_RETRY || outcome->next == NEXT_LOOK_UP ||
           outcome->next == NEXT_FAIL || outcome->next == NEXT_WINDOW;
}

static int64_t backoff_ms(const struct config *config, int64_t failures)
{
    int64_t doublings = failures > 0 ? failures - 1 : 0;
    return config->retry_delay_ms << (doublings < 10 ? doublings : 10);
}

static void after_failure(struct creator *creator, int64_t failures)
{
    const struct config  *config  = &creator->program->config;
    const struct outcome *outcome = creator->told.answer.outcome;
    log_warn("creator info failed", F_STRN("account", creator->account),
             F_STR("code", outcome->code), F_STR("message", creator->told.answer.message),
             F_INT("failures", failures), F_STR("log_id", creator->told.answer.log_id));
    if (failures >= config->creator_tries) {
        creator->next = CREATOR_GO;  // the init decides
        creator_finish(creator, NULL);
        return;
    }
    buf_printf(&creator->why, "%s: %s", outcome->code, outcome->cause);
    if (outcome->next == NEXT_WINDOW)
        go_back(creator, outcome, "window", 0);
    else
        go_back(creator, outcome_named("creator_info_failed"), "", backoff_ms(config, failures));
}

static void on_remembered(struct call *call, const struct error *err)
{
    struct creator       *creator = creator_of(call);
    const struct outcome *outcome = creator->told.answer.outcome;
    enum store_word       word    = WORD_OK;
    struct error          why;
    int64_t               failures = 0;
    if (!store_word(err, &creator->reply, &word, &why)) {
        creator_finish(creator, &why);
        return;
    }
    if (word == WORD_GATE) {
        error_set(&why, ERR_CLOSED, "the gate is closed");
        creator_finish(creator, &why);
        return;
    }
    if (creator->reply.answer.count > 1)
        failures = creator->reply.answer.items[1].number;
    redis_reply_fini(&creator->reply);
    if (outcome->next == NEXT_OK) {
        creator_look(creator);
    } else if (is_failure(outcome)) {
        after_failure(creator, failures);
    } else {
        buf_add_text(&creator->why, creator->told.answer.message);
        go_back(creator, outcome, verdict_account_then(outcome, &creator->program->config), 0);
    }
}

// ---- 3. TikTok's answer

static struct str flag(bool value)
{
    return value ? STR("1") : STR("0");
}

static void know_what_was_told(struct creator *creator)
{
    const struct tiktok_creator *told  = &creator->told;
    struct creator_known        *known = &creator->known;
    known->age_ms                      = 0;
    known->privacy_options             = str_of(told->privacy_options);
    known->comment_disabled            = told->comment_disabled;
    known->duet_disabled               = told->duet_disabled;
    known->stitch_disabled             = told->stitch_disabled;
    known->failures                    = 0;
    known->failed_age_ms               = -1;
}

static void on_told(struct call *call, const struct error *err)
{
    (void)err;  // the answer's outcome says it
    struct creator              *creator     = creator_of(call);
    const struct tiktok_creator *told        = &creator->told;
    const struct outcome        *outcome     = told->answer.outcome;
    char                         seconds[24] = "";
    bool                         ok          = outcome->next == NEXT_OK;
    if (ok)
        know_what_was_told(creator);
    if (ok && told->max_duration_s >= 0)
        snprintf(seconds, sizeof seconds, "%" PRIi64, told->max_duration_s);
    struct creator_args args = {
        .account          = creator->account,
        .member           = creator->member,
        .answered         = told->answer.http_status          ? 1
                            : outcome->effect == EFFECT_MAYBE ? -1
                                                              : 0,
        .known            = ok                    ? 1
                            : is_failure(outcome) ? -1
                                                  : 0,
        .username         = str_of(told->username),
        .nickname         = str_of(told->nickname),
        .privacy_options  = str_of(told->privacy_options),
        .comment_disabled = flag(told->comment_disabled),
        .duet_disabled    = flag(told->duet_disabled),
        .stitch_disabled  = flag(told->stitch_disabled),
        .max_duration_s   = str_of(seconds),
    };
    script_creator(creator->program->store, &args, &creator->reply, &creator->call, on_remembered);
}

// ---- 2, 1: whether to ask

static void on_room(struct call *call, const struct error *err)
{
    struct creator *creator = creator_of(call);
    enum store_word word    = WORD_OK;
    struct error    why;
    int64_t         wait_ms = 0;
    if (!store_word(err, &creator->reply, &word, &why)) {
        creator_finish(creator, &why);
        return;
    }
    if (creator->reply.answer.count > 1)
        wait_ms = creator->reply.answer.items[1].number;
    redis_reply_fini(&creator->reply);
    if (word == WORD_OK) {
        tiktok_creator_info(creator->program->tiktok, creator->token, &creator->told,
                            &creator->call, on_told);
    } else if (word == WORD_WAIT) {
        go_back(creator, outcome_named("creator_info_full"), "", wait_ms > 0 ? wait_ms : 1);
    } else {
        error_set(&why, ERR_CLOSED, "the gate is closed");
        creator_finish(creator, &why);
    }
}

static void creator_look(struct creator *creator)
{
    const struct config *config = &creator->program->config;
    creator->next =
        creator_decide(creator->post, &creator->known, config, &creator->outcome, &creator->why);
    if (creator->next != CREATOR_ASK) {
        creator_finish(creator, NULL);
        return;
    }
    struct creator_ask_args args = {
        .account    = creator->account,
        .member     = creator->member,
        .timeout_ms = config->tiktok_timeout_ms + config->redis_timeout_ms,
    };
    script_creator_ask(creator->program->store, &args, &creator->reply, &creator->call, on_room);
}

void creator_start(struct creator *creator, struct call *call, call_done *done)
{
    buf_init(&creator->why, WHY_MAX_BYTES);
    creator->waiting      = call;
    creator->account_then = "";
    call_begin(call, creator->program->loop, "creator info", 0, done, on_cancelled, creator);
    creator_look(creator);
}

void creator_fini(struct creator *creator)
{
    creator_stop(creator);
    buf_fini(&creator->why);
}
