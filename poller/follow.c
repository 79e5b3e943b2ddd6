// SPDX-License-Identifier: Apache-2.0
#include "poller/follow.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/log.h"
#include "base/memory.h"
#include "job/account.h"
#include "poller/decision.h"

enum { CLAIM_FIELDS = 14, CLAIM_AT_MOST = 64, WRITE_AGAIN_MS = 200, WRITES_MAX = 50 };

struct look {  // one look at one publish id
    struct call    call;
    struct follow *follow;  // borrowed
    LIST_ENTRY(look) entry;
    struct arena         arena;  // owns the texts
    struct str           job_id;
    struct str           publish_id;
    struct str           account;
    struct str           member;     // of the status window
    struct str           token_rev;  // of the account's record
    struct looked        looked;
    struct buf           token;  // access token; wiped
    struct tiktok_answer answer;
    struct decision      decision;
    struct buf           cause;
    struct redis_reply   reply;
    struct timer         again;   // write what TikTok said, again
    int                  writes;  // tries of that
};

struct follow {
    struct program *program;  // borrowed
    LIST_HEAD(, look) looks;  // under way
    int64_t            look_count;
    struct call        claim;
    struct redis_reply claim_reply;
    struct timer       idle;
};

static void follow_claim(struct follow *follow);
static void look_write(struct look *look);
static void on_status(struct call *call, const struct error *err);   // 1. TikTok answered: decide
static void on_written(struct call *call, const struct error *err);  // 2. Redis has it: done

static void look_free(struct look *look)
{
    call_cancel(&look->call);
    timer_fini(&look->again);
    buf_wipe(&look->token);
    buf_fini(&look->cause);
    redis_reply_fini(&look->reply);
    arena_fini(&look->arena);
    free(look);
}

static void look_end(struct look *look)
{
    struct follow *follow = look->follow;
    LIST_REMOVE(look, entry);
    follow->look_count--;
    look_free(look);
    follow_claim(follow);
}

static void on_written(struct call *call, const struct error *err)
{
    struct look    *look = container_of(call, struct look, call);
    struct program *p    = look->follow->program;
    enum store_word word = WORD_OK;
    struct error    why;
    bool            answered = store_word(err, &look->reply, &word, &why);
    if (!answered || word == WORD_GATE) {
        redis_reply_fini(&look->reply);
        // the look's visibility ends by itself: what TikTok said can be asked for again
        if (answered || ++look->writes >= WRITES_MAX || p->draining)
            look_end(look);
        else
            timer_start(&look->again, WRITE_AGAIN_MS);
        return;
    }
    if (word == WORD_OK && look->decision.ends)
        log_info("job moved", F_STRN("job", look->job_id),
                 F_STRN("state", answer_item(&look->reply.answer, 1)),
                 F_STRN("account", look->account), F_STRN("publish_id", look->publish_id),
                 F_STR("code", look->decision.outcome ? look->decision.outcome->code : ""),
                 F_STR("log_id", look->answer.log_id));
    look_end(look);
}

static void on_again(struct timer *timer)
{
    look_write(container_of(timer, struct look, again));
}

static struct str number_or_empty(char out[24], int64_t number)
{
    if (number < 0)
        return STR("");
    snprintf(out, 24, "%" PRIi64, number);
    return str_of(out);
}

static void write_end(struct look *look)
{
    const struct decision      *d = &look->decision;
    const struct tiktok_answer *a = &look->answer;
    char                        downloaded[24], uploaded[24];
    struct finish_args          args = {
                 .job_id       = look->job_id,
                 .publish_id   = look->publish_id,
                 .member       = look->member,
                 .event        = str_of(job_event_text(d->event)),
                 .next_ms      = d->next_ms,
                 .due_ms       = d->due_ms,
                 .retries      = d->retries,
                 .status       = str_of(a->status),
                 .downloaded   = number_or_empty(downloaded, a->downloaded_bytes),
                 .uploaded     = number_or_empty(uploaded, a->uploaded_bytes),
                 .post_id      = a->post_id_count ? str_of(a->post_ids[0]) : STR(""),
                 .account_then = str_of(d->account_then),
                 .code         = str_of(d->outcome ? d->outcome->code : ""),
                 .cause        = buf_str(&look->cause),
                 .remedy       = str_of(d->outcome ? d->outcome->remedy : ""),
                 .log_id       = str_of(a->log_id),
                 .poller       = program_id(look->follow->program),
    };
    script_finish(look->follow->program->store, &args, &look->reply, &look->call, on_written);
}

static void write_look(struct look *look)
{
    const struct decision      *d = &look->decision;
    const struct tiktok_answer *a = &look->answer;
    char                        downloaded[24], uploaded[24];
    struct look_args            args = {
                   .job_id       = look->job_id,
                   .publish_id   = look->publish_id,
                   .member       = look->member,
                   .answered     = d->answered,
                   .next_ms      = d->next_ms,
                   .status       = str_of(a->status),
                   .downloaded   = number_or_empty(downloaded, a->downloaded_bytes),
                   .uploaded     = number_or_empty(uploaded, a->uploaded_bytes),
                   .post_id      = a->post_id_count ? str_of(a->post_ids[0]) : STR(""),
                   .log_id       = str_of(a->log_id),
                   .account_then = str_of(d->account_then),
                   .token_rev    = look->token_rev,
                   .code         = str_of(d->outcome ? d->outcome->code : ""),
                   .poller       = program_id(look->follow->program),
    };
    script_look(look->follow->program->store, &args, &look->reply, &look->call, on_written);
}

static void look_write(struct look *look)
{
    if (look->decision.ends)
        write_end(look);
    else
        write_look(look);
}

static void look_decide(struct look *look)
{
    const struct outcome *outcome;
    look->decision = decide(&look->answer, &look->looked, &look->follow->program->config);
    outcome        = look->decision.outcome;
    buf_init(&look->cause, 1024);
    if (outcome) {
        buf_add_text(&look->cause, outcome->cause);
        if (look->answer.fail_reason[0])
            buf_printf(&look->cause, " (fail_reason %s)", look->answer.fail_reason);
        else if (look->answer.message[0])
            buf_printf(&look->cause, " (%s)", look->answer.message);
        if (look->decision.gave_up)
            buf_printf(&look->cause, " Gave up after %" PRIi64 " retries.", look->looked.retries);
        if (!look->decision.ends)
            log_warn("status call", F_STRN("job", look->job_id), F_STR("code", outcome->code),
                     F_STR("message", look->answer.message), F_STR("log_id", look->answer.log_id));
    }
    look_write(look);
}

static void on_status(struct call *call, const struct error *err)
{
    (void)err;  // the answer's outcome says it
    struct look *look = container_of(call, struct look, call);
    buf_wipe(&look->token);
    look_decide(look);
}

// what poll_claim answered for one job, from item `at`
static void look_start(struct follow *follow, const struct answer *answer, size_t at)
{
    struct program *p    = follow->program;
    struct look    *look = xcalloc(1, sizeof *look);
    int64_t         now = 0, accepted = 0, late_ms;
    struct error    err;
    look->follow     = follow;
    look->job_id     = arena_copy(&look->arena, answer_item(answer, at));
    look->publish_id = arena_copy(&look->arena, answer_item(answer, at + 2));
    look->account    = arena_copy(&look->arena, answer_item(answer, at + 3));
    look->member     = arena_copy(&look->arena, answer_item(answer, at + 7));
    look->token_rev  = arena_copy(&look->arena, answer_item(answer, at + 13));
    if (!job_state_parse(answer_item(answer, at + 1), &look->looked.state))
        look->looked.state = JOB_PROCESSING;
    if (!str_to_i64(answer_item(answer, at + 5), &look->looked.looks))
        look->looked.looks = 0;
    if (str_to_i64(answer_item(answer, at + 6), &accepted) &&
        str_to_i64(answer_item(answer, at + 11), &now))
        look->looked.age_ms = now - accepted;
    look->looked.is_private = str_is(answer_item(answer, at + 9), "SELF_ONLY");
    if (!str_to_i64(answer_item(answer, at + 10), &look->looked.retries))
        look->looked.retries = 0;
    if (str_to_i64(answer_item(answer, at + 12), &late_ms))
        metric_observe(p->metrics, METRIC_POLL_LAG, 0, late_ms * 1000);
    timer_init(&look->again, p->loop, on_again);
    LIST_INSERT_HEAD(&follow->looks, look, entry);
    follow->look_count++;
    if (account_unseal(p->seal, p->config.fleet, look->account, answer_item(answer, at + 8),
                       &look->token, &err)) {
        tiktok_status(p->tiktok, look->publish_id, buf_str(&look->token), &look->answer,
                      &look->call, on_status);
        return;
    }
    log_warn("token cannot be used", F_STRN("account", look->account), F_STR("why", err.message));
    look->answer.outcome = outcome_named("sealed_token");
    look_decide(look);
}

// ---- claiming

static void on_idle(struct timer *timer)
{
    follow_claim(container_of(timer, struct follow, idle));
}

static void claim_later(struct follow *follow, int64_t delay_ms)
{
    int64_t idle_ms = follow->program->config.poller_idle_ms;
    timer_start(&follow->idle, delay_ms < 0 || delay_ms > idle_ms ? idle_ms : delay_ms);
}

static void on_claimed(struct call *call, const struct error *err)
{
    struct follow       *follow = container_of(call, struct follow, claim);
    enum store_word      word   = WORD_WAIT;
    struct error         why;
    int64_t              delay_ms = -1;
    const struct answer *answer   = &follow->claim_reply.answer;
    if (!store_word(err, &follow->claim_reply, &word, &why)) {
        log_warn("cannot claim publish ids", F_STR("why", why.message));
    } else {
        program_saw_gate(follow->program, word != WORD_GATE);
        if (word == WORD_OK) {
            for (size_t at = 1; at + CLAIM_FIELDS <= answer->count; at += CLAIM_FIELDS)
                look_start(follow, answer, at);
            delay_ms = 0;
        } else if (word == WORD_WAIT && answer->count > 1) {
            delay_ms = answer->items[1].number;
        }
    }
    redis_reply_fini(&follow->claim_reply);
    claim_later(follow, delay_ms);
}

static void follow_claim(struct follow *follow)
{
    struct program *p    = follow->program;
    int64_t         room = p->config.poller_looks - follow->look_count;
    if (p->draining || call_busy(&follow->claim) || room <= 0)
        return;
    timer_stop(&follow->idle);
    if (!redis_connected(p->redis)) {
        claim_later(follow, -1);
        return;
    }
    struct poll_claim_args args = {
        .poller     = program_id(p),
        .count      = room < CLAIM_AT_MOST ? room : CLAIM_AT_MOST,
        .timeout_ms = p->config.tiktok_timeout_ms + p->config.redis_timeout_ms,
    };
    script_poll_claim(p->store, &args, &follow->claim_reply, &follow->claim, on_claimed);
}

struct follow *follow_new(struct program *program)
{
    struct follow *follow = xcalloc(1, sizeof *follow);
    follow->program       = program;
    LIST_INIT(&follow->looks);
    timer_init(&follow->idle, program->loop, on_idle);
    claim_later(follow, 0);
    return follow;
}

void follow_drain(struct follow *follow)
{
    timer_stop(&follow->idle);
}

bool follow_idle(const struct follow *follow)
{
    return follow->look_count == 0 && !call_busy(&follow->claim);
}

void follow_free(struct follow *follow)
{
    if (!follow)
        return;
    call_cancel(&follow->claim);
    redis_reply_fini(&follow->claim_reply);
    timer_fini(&follow->idle);
    while (!LIST_EMPTY(&follow->looks)) {
        struct look *look = LIST_FIRST(&follow->looks);
        LIST_REMOVE(look, entry);
        look_free(look);
    }
    free(follow);
}
