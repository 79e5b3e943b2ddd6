// SPDX-License-Identifier: Apache-2.0
#include "poller/policy.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/memory.h"
#include "job/command.h"
#include "loop/clock.h"
#include "tiktok/outcome.h"

enum { AT_ONCE = 100, RETRY_FIELDS = 3 };

struct policy {
    struct program    *program;  // borrowed
    struct call        call;     // one step at a time
    struct redis_reply page;     // of the script `policy`; what is to be retried is read from it
    struct redis_reply reply;    // of policy_retry
    struct timer       timer;    // the next pass
    size_t             next;     // item of the page
    struct buf         id;       // of the command under way
    struct buf         key;      // its record
    struct buf         record;
};

static void on_page(struct call *call, const struct error *err);  // 1. what is due
// 2. one retry is in the journal
static void on_journaled(struct call *call, const struct error *err);
static void on_retried(struct call *call, const struct error *err);  // 3. it is done: the next one
static void retry_next(struct policy *policy);

static struct policy *policy_of(struct call *call)
{
    return container_of(call, struct policy, call);
}

static void policy_later(struct policy *policy)
{
    const struct config *config = &policy->program->config;
    redis_reply_fini(&policy->page);
    timer_start(&policy->timer, config->unsure_look_ms < config->poller_idle_ms
                                    ? config->poller_idle_ms
                                    : config->unsure_look_ms);
}

// ---- 3, 2: one retry

static void on_retried(struct call *call, const struct error *err)
{
    struct policy  *policy = policy_of(call);
    enum store_word word   = WORD_GATE;
    struct error    why;
    bool            answered = store_word(err, &policy->reply, &word, &why);
    struct str      job_id   = answer_item(&policy->page.answer, policy->next);
    if (answered && word == WORD_OK) {
        log_warn("on_unsure: sent again, nobody knows whether it was posted", F_STRN("job", job_id),
                 F_STRN("epoch", answer_item(&policy->page.answer, policy->next + 1)));
    } else if (answered && word != WORD_GATE) {
        log_info("on_unsure: not sent again, it is not in that doubt any more",
                 F_STRN("job", job_id));
    }
    redis_reply_fini(&policy->reply);
    policy->next += RETRY_FIELDS;
    if (answered && word != WORD_GATE)
        retry_next(policy);
    else
        policy_later(policy);
}

static void on_journaled(struct call *call, const struct error *err)
{
    struct policy        *policy  = policy_of(call);
    const struct answer  *page    = &policy->page.answer;
    const struct outcome *outcome = outcome_named("unsure_retried");
    if (err) {
        log_warn("on_unsure: the retry is not in the journal yet",
                 F_STRN("job", answer_item(page, policy->next)), F_STR("why", err->message));
        policy_later(policy);
        return;
    }
    struct policy_retry_args args = {
        .job_id     = answer_item(page, policy->next),
        .epoch      = answer_item(page, policy->next + 1),
        .publish_id = answer_item(page, policy->next + 2),
        .id         = buf_str(&policy->id),
        .cause      = str_of(outcome->cause),
        .remedy     = str_of(outcome->remedy),
        .poller     = program_id(policy->program),
    };
    script_policy_retry(policy->program->store, &args, &policy->reply, &policy->call, on_retried);
}

static void retry_next(struct policy *policy)
{
    const struct answer *page = &policy->page.answer;
    if (policy->next + RETRY_FIELDS > page->count || policy->program->draining) {
        policy_later(policy);
        return;
    }
    struct command        command = { .what       = COMMAND_RETRY,
                                      .job_id     = answer_item(page, policy->next),
                                      .epoch      = answer_item(page, policy->next + 1),
                                      .publish_id = answer_item(page, policy->next + 2),
                                      .state      = STR("UNSURE"),
                                      .by         = STR("on_unsure") };
    struct command_record told    = { .at_ms = clock_wall_ms() };
    buf_fini(&policy->id);
    buf_fini(&policy->key);
    buf_fini(&policy->record);
    command_policy_id(command.job_id, command.epoch, &policy->id);
    command.id = buf_str(&policy->id);
    command_journal_record(&command, &told, &policy->key, &policy->record);
    struct kafka_record record = {
        .topic     = policy->program->topics[TOPIC_JOURNAL],
        .partition = -1,
        .key       = buf_str(&policy->key),
        .value     = buf_str(&policy->record),
    };
    kafka_send(policy->program->kafka, &record, NULL, &policy->call, on_journaled);
}

// ---- 1: a pass

static void on_page(struct call *call, const struct error *err)
{
    struct policy       *policy = policy_of(call);
    const struct answer *page   = &policy->page.answer;
    enum store_word      word   = WORD_GATE;
    struct error         why;
    bool                 answered = store_word(err, &policy->page, &word, &why);
    if (!answered)
        log_warn("cannot apply on_unsure", F_STR("why", why.message));
    if (!answered || word != WORD_OK || page->count < 2) {
        policy_later(policy);
        return;
    }
    if (page->items[1].number)
        log_warn("on_unsure: failed, nobody knows whether these were posted",
                 F_INT("jobs", page->items[1].number));
    policy->next = 2;
    retry_next(policy);
}

static void on_timer(struct timer *timer)
{
    struct policy        *policy = container_of(timer, struct policy, timer);
    struct program       *p      = policy->program;
    const struct outcome *fail   = outcome_named("unsure_failed");
    if (p->draining)
        return;
    if (!p->first || !p->gate_open || !redis_connected(p->redis)) {
        timer_start(timer, p->config.reap_interval_ms);
        return;
    }
    struct policy_args args = {
        .poller      = program_id(p),
        .count       = AT_ONCE,
        .fail_cause  = str_of(fail->cause),
        .fail_remedy = str_of(fail->remedy),
    };
    script_policy(p->store, &args, &policy->page, &policy->call, on_page);
}

struct policy *policy_new(struct program *program)
{
    struct policy *policy = xcalloc(1, sizeof *policy);
    policy->program       = program;
    timer_init(&policy->timer, program->loop, on_timer);
    timer_start(&policy->timer, 0);
    return policy;
}

void policy_drain(struct policy *policy)
{
    timer_stop(&policy->timer);
}

bool policy_idle(const struct policy *policy)
{
    return !call_busy(&policy->call);
}

void policy_free(struct policy *policy)
{
    if (!policy)
        return;
    call_cancel(&policy->call);
    redis_reply_fini(&policy->page);
    redis_reply_fini(&policy->reply);
    buf_fini(&policy->id);
    buf_fini(&policy->key);
    buf_fini(&policy->record);
    timer_fini(&policy->timer);
    free(policy);
}
