// SPDX-License-Identifier: Apache-2.0
#include "poller/evidence.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/log.h"
#include "base/memory.h"
#include "job/account.h"
#include "job/job.h"
#include "loop/clock.h"
#include "poller/match.h"

enum {
    CLAIM_FIELDS   = 10,
    LOOKS_AT_ONCE  = 32,
    PAGES_MAX      = 5,  // of one look: 100 videos
    WRITE_AGAIN_MS = 200,
    WRITES_MAX     = 50,
    SAID_MAX_BYTES = 1024,
};

struct look {  // one look at one account, for one job
    struct call      call;
    struct evidence *evidence;  // borrowed
    LIST_ENTRY(look) entry;
    struct arena       arena;  // owns the texts
    struct str         job_id;
    struct str         epoch;  // of the attempt in doubt
    struct str         account;
    struct str         member;     // of the window of listings
    struct str         token_rev;  // of the account's record
    bool               refused;    // its token was: it is to be refreshed
    struct match_job   wanted;
    struct match       match;
    struct buf         token;  // access token; wiped
    struct tiktok_page page;
    int64_t            pages;     // calls made
    int64_t            looks;     // that were answered, before this one
    bool               answered;  // TikTok did: this one counts
    bool               over;      // no later look can say more
    bool               found;     // match.video is its post
    struct buf         said;      // in words
    struct redis_reply reply;
    struct timer       again;   // write it down, again
    int                writes;  // tries of that
};

struct evidence {
    struct program *program;  // borrowed
    LIST_HEAD(, look) looks;  // under way
    int64_t            look_count;
    struct call        call;  // evidence_claim
    struct redis_reply reply;
    struct timer       pass;           // the next one
    int64_t            wait_until_ms;  // monotonic; TikTok said that there were too many listings
};

static void evidence_claim(struct evidence *evidence);
static void look_list(struct look *look);
static void look_write(struct look *look);
// 1. a page: the next one, or decide
static void on_listed(struct call *call, const struct error *err);
// 2. Redis has what it said: done
static void on_written(struct call *call, const struct error *err);

static int64_t at_most(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static void pass_later(struct evidence *evidence, int64_t delay_ms)
{
    const struct config *config = &evidence->program->config;
    int64_t ms = delay_ms < 0 ? config->unsure_look_ms : at_most(delay_ms, config->unsure_look_ms);
    timer_start(&evidence->pass, ms < config->poller_idle_ms ? config->poller_idle_ms : ms);
}

static void look_free(struct look *look)
{
    call_cancel(&look->call);
    timer_fini(&look->again);
    buf_wipe(&look->token);
    buf_fini(&look->said);
    redis_reply_fini(&look->reply);
    arena_fini(&look->arena);
    free(look);
}

static void look_end(struct look *look)
{
    struct evidence *evidence = look->evidence;
    LIST_REMOVE(look, entry);
    evidence->look_count--;
    look_free(look);
    if (!evidence->program->draining && !evidence->look_count && !call_busy(&evidence->call))
        pass_later(evidence, 0);
}

// ---- 2. what it said, in Redis

static void on_written(struct call *call, const struct error *err)
{
    struct look    *look = container_of(call, struct look, call);
    enum store_word word = WORD_OK;
    struct error    why;
    bool            answered = store_word(err, &look->reply, &word, &why);
    struct str      state    = answer_item(&look->reply.answer, 1);
    if (!answered || word == WORD_GATE) {
        redis_reply_fini(&look->reply);
        // the account is looked at again anyway: what is lost is a look
        if (answered || ++look->writes >= WRITES_MAX || look->evidence->program->draining)
            look_end(look);
        else
            timer_start(&look->again, WRITE_AGAIN_MS);
        return;
    }
    if (word == WORD_OK && look->found && str_is(state, "PUBLISHED"))
        log_info("job moved", F_STRN("job", look->job_id), F_STRN("state", state),
                 F_STRN("account", look->account), F_STRN("epoch", look->epoch),
                 F_STR("post_id", look->match.video.id), F_STR("why", "found by listing"));
    else
        log_info("no evidence", F_STRN("job", look->job_id), F_STRN("account", look->account),
                 F_STR("said", buf_text(&look->said)));
    look_end(look);
}

static void on_again(struct timer *timer)
{
    look_write(container_of(timer, struct look, again));
}

static void look_write(struct look *look)
{
    struct program   *p    = look->evidence->program;
    struct found_args args = {
        .job_id    = look->job_id,
        .epoch     = look->epoch,
        .member    = look->member,
        .calls     = look->pages,
        .pages     = PAGES_MAX,
        .post_id   = look->found ? str_of(look->match.video.id) : STR(""),
        .post_url  = look->found ? str_of(look->match.video.share_url) : STR(""),
        .said      = buf_str(&look->said),
        .looks     = look->looks + look->answered,
        .over      = look->over,
        .token_rev = look->refused ? look->token_rev : STR(""),
        .poller    = program_id(p),
    };
    script_found(p->store, &args, &look->reply, &look->call, on_written);
}

// ---- 1. the listing

static void say_match(struct look *look)
{
    const struct match *match = &look->match;
    char                time[CLOCK_TEXT_BYTES];
    if (match->fits == 1) {
        clock_format(match->video.create_time_s * 1000, time);
        buf_printf(&look->said,
                   "TikTok lists video %s, created %s, with its caption: the only one of the hour "
                   "after it "
                   "was sent.",
                   match->video.id, time);
    } else if (match->fits > 1) {
        buf_printf(
            &look->said,
            "%zu videos of the hour after it was sent have its caption: which is its post is not "
            "known.",
            match->fits);
    } else {
        buf_printf(
            &look->said,
            "Of the account's newest %zu videos %zu are of the hour after it was sent, and none of "
            "those has its caption. That is no proof that it was not posted.",
            match->seen, match->in_hour);
    }
}

static void look_decide(struct look *look)
{
    const struct tiktok_page *page  = &look->page;
    bool                      whole = look->match.reached || !page->has_more;
    buf_wipe(&look->token);
    look->answered = true;
    if (!whole && look->match.fits < 2) {
        buf_printf(
            &look->said,
            "TikTok listed %zu videos and did not come to the moment when it was sent: whether one "
            "of them is its post is not known.",
            look->match.seen);
    } else {
        look->found = look->match.fits == 1;
        say_match(look);
    }
    look_write(look);
}

// Refused for good is an answer, which says that a listing cannot help; no answer is none, and is
// not counted.
static void look_refused(struct look *look)
{
    struct evidence            *evidence = look->evidence;
    const struct tiktok_answer *answer   = &look->page.answer;
    const struct outcome       *outcome  = answer->outcome;
    buf_wipe(&look->token);
    look->refused  = outcome->next == NEXT_REFRESH && config_refreshes(&evidence->program->config);
    look->answered = outcome->effect == EFFECT_NO && outcome->next != NEXT_WINDOW &&
                     outcome->next != NEXT_RETRY && !look->refused;
    buf_printf(&look->said, "The account's videos could not be listed (%s%s%s): %s", outcome->code,
               answer->message[0] ? ", " : "", answer->message, outcome->cause);
    if (outcome->next == NEXT_WINDOW)
        evidence->wait_until_ms = clock_monotonic_ms() + evidence->program->config.limit_window_ms;
    log_warn("cannot list", F_STRN("account", look->account), F_STRN("job", look->job_id),
             F_STR("code", outcome->code), F_STR("message", answer->message),
             F_STR("log_id", answer->log_id));
    look_write(look);
}

static void on_listed(struct call *call, const struct error *err)
{
    struct look              *look = container_of(call, struct look, call);
    const struct tiktok_page *page = &look->page;
    if (err || page->answer.outcome->next != NEXT_OK) {
        look_refused(look);
        return;
    }
    match_page(&look->match, &look->wanted, page);
    if (page->has_more && page->cursor > 0 && !look->match.reached && look->match.fits < 2 &&
        look->pages < PAGES_MAX)
        look_list(look);
    else
        look_decide(look);
}

static void look_list(struct look *look)
{
    int64_t cursor = look->pages ? look->page.cursor : 0;
    look->pages++;
    tiktok_list(look->evidence->program->tiktok, cursor, buf_str(&look->token), &look->page,
                &look->call, on_listed);
}

// Why it cannot be listed; "" when it can: its caption is there, and the token.
static const char *look_prepare(struct look *look, struct str message, struct str sealed)
{
    struct program  *p     = look->evidence->program;
    struct job_rules rules = { .message_max_bytes = p->config.job_max_bytes,
                               .privacy_default   = p->config.job_privacy_default };
    struct job       job;
    struct error     err;
    const char      *why = "";
    if (!job_decode(message, &rules, &job, &err)) {
        why = "This program cannot read its message, so its caption is not known.";
    } else if (!job.post.caption.len) {
        why        = "It has no caption: nothing tells it from other videos.";
        look->over = true;
    } else if (!account_unseal(p->seal, p->config.fleet, look->account, sealed, &look->token,
                               &err)) {
        log_warn("token cannot be used", F_STRN("account", look->account),
                 F_STR("why", err.message));
        why = "The account's token cannot be used, so its videos cannot be listed.";
    } else {
        look->wanted.caption = arena_copy(&look->arena, job.post.caption);
    }
    job_fini(&job);
    return why;
}

// what evidence_claim answered for one job, from item `at`
static void look_start(struct evidence *evidence, const struct answer *answer, size_t at)
{
    struct look *look      = xcalloc(1, sizeof *look);
    look->evidence         = evidence;
    look->job_id           = arena_copy(&look->arena, answer_item(answer, at));
    look->epoch            = arena_copy(&look->arena, answer_item(answer, at + 1));
    look->account          = arena_copy(&look->arena, answer_item(answer, at + 2));
    look->member           = arena_copy(&look->arena, answer_item(answer, at + 7));
    look->wanted.known_ids = arena_copy(&look->arena, answer_item(answer, at + 8));
    look->token_rev        = arena_copy(&look->arena, answer_item(answer, at + 9));
    if (!str_to_i64(answer_item(answer, at + 4), &look->looks))
        look->looks = 0;
    buf_init(&look->said, SAID_MAX_BYTES);
    timer_init(&look->again, evidence->program->loop, on_again);
    LIST_INSERT_HEAD(&evidence->looks, look, entry);
    evidence->look_count++;
    const char *why = look_prepare(look, answer_item(answer, at + 5), answer_item(answer, at + 6));
    if (!why[0] && !str_to_i64(answer_item(answer, at + 3), &look->wanted.sent_ms))
        why = "When it was sent is not known.";
    if (!why[0]) {
        look_list(look);
        return;
    }
    buf_add_text(&look->said, why);
    look->answered = true;
    look_write(look);
}

// ---- a pass

static void on_claimed(struct call *call, const struct error *err)
{
    struct evidence     *evidence = container_of(call, struct evidence, call);
    const struct answer *answer   = &evidence->reply.answer;
    enum store_word      word     = WORD_OK;
    struct error         why;
    int64_t              delay_ms = -1;
    if (!store_word(err, &evidence->reply, &word, &why)) {
        log_warn("cannot look for evidence", F_STR("why", why.message));
    } else if (word == WORD_OK) {
        for (size_t at = 1; at + CLAIM_FIELDS <= answer->count; at += CLAIM_FIELDS)
            look_start(evidence, answer, at);
    } else if (word == WORD_WAIT && answer->count > 1) {
        delay_ms = answer->items[1].number;
    }
    redis_reply_fini(&evidence->reply);
    pass_later(evidence, delay_ms);
}

static void evidence_claim(struct evidence *evidence)
{
    const struct config       *config = &evidence->program->config;
    struct evidence_claim_args args   = {
          .count      = LOOKS_AT_ONCE,
          .timeout_ms = PAGES_MAX * config->tiktok_timeout_ms + 2 * config->redis_timeout_ms,
          .pages      = PAGES_MAX,
    };
    script_evidence_claim(evidence->program->store, &args, &evidence->reply, &evidence->call,
                          on_claimed);
}

static void on_pass(struct timer *timer)
{
    struct evidence *evidence = container_of(timer, struct evidence, pass);
    struct program  *p        = evidence->program;
    if (p->draining || evidence->look_count || call_busy(&evidence->call))
        return;
    if (!p->first || !p->gate_open || !redis_connected(p->redis))
        timer_start(timer, p->config.reap_interval_ms);
    else if (clock_monotonic_ms() >= evidence->wait_until_ms)
        evidence_claim(evidence);
    else
        pass_later(evidence, -1);
}

struct evidence *evidence_new(struct program *program)
{
    struct evidence *evidence = xcalloc(1, sizeof *evidence);
    evidence->program         = program;
    LIST_INIT(&evidence->looks);
    timer_init(&evidence->pass, program->loop, on_pass);
    pass_later(evidence, 0);
    return evidence;
}

void evidence_drain(struct evidence *evidence)
{
    timer_stop(&evidence->pass);
}

bool evidence_idle(const struct evidence *evidence)
{
    return evidence->look_count == 0 && !call_busy(&evidence->call);
}

void evidence_free(struct evidence *evidence)
{
    if (!evidence)
        return;
    call_cancel(&evidence->call);
    redis_reply_fini(&evidence->reply);
    timer_fini(&evidence->pass);
    while (!LIST_EMPTY(&evidence->looks)) {
        struct look *look = LIST_FIRST(&evidence->looks);
        LIST_REMOVE(look, entry);
        look_free(look);
    }
    free(evidence);
}
