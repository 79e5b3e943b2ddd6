// SPDX-License-Identifier: Apache-2.0
#include "poller/refresh.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/memory.h"
#include "loop/clock.h"
#include "poller/renewal.h"

enum { CLAIM_FIELDS = 3 };

struct refresh {
    struct program    *program;  // borrowed
    struct oauth      *oauth;    // owned; NULL: there is no client key or secret
    struct confirm    *confirm;  // owned
    struct renewals    all;      // under way
    struct call        claim;
    struct redis_reply claim_reply;
    struct timer       idle;
};

static void refresh_claim(struct refresh *refresh);

// ---- claiming

static void on_idle(struct timer *timer)
{
    refresh_claim(container_of(timer, struct refresh, idle));
}

static void claim_later(struct refresh *refresh, int64_t delay_ms)
{
    int64_t idle_ms = refresh->program->config.poller_idle_ms;
    timer_start(&refresh->idle, delay_ms < 0 || delay_ms > idle_ms ? idle_ms : delay_ms);
}

static void start(struct refresh *refresh, const struct answer *answer, size_t at)
{
    int64_t failures;
    if (!str_to_i64(answer_item(answer, at + 2), &failures))
        failures = 0;
    renewal_start(&refresh->all, answer_item(answer, at), answer_item(answer, at + 1), failures);
}

static void on_claimed(struct call *call, const struct error *err)
{
    struct refresh      *refresh = container_of(call, struct refresh, claim);
    const struct answer *answer  = &refresh->claim_reply.answer;
    enum store_word      word    = WORD_WAIT;
    struct error         why;
    int64_t              delay_ms = -1;
    if (!store_word(err, &refresh->claim_reply, &word, &why)) {
        log_warn("cannot claim refreshes", F_STR("why", why.message));
    } else {
        program_saw_gate(refresh->program, word != WORD_GATE);
        if (word == WORD_OK) {
            for (size_t at = 1; at + CLAIM_FIELDS <= answer->count; at += CLAIM_FIELDS)
                start(refresh, answer, at);
            delay_ms = 0;
        } else if (word == WORD_WAIT && answer->count > 1) {
            delay_ms = answer->items[1].number;
        }
    }
    redis_reply_fini(&refresh->claim_reply);
    claim_later(refresh, delay_ms);
}

static void refresh_claim(struct refresh *refresh)
{
    struct program *p    = refresh->program;
    int64_t         room = p->config.refresh_at_once - refresh->all.count;
    if (!refresh->oauth || p->draining || call_busy(&refresh->claim) || room <= 0)
        return;
    timer_stop(&refresh->idle);
    // a pair that Kafka would not take is better not asked for
    if (!redis_connected(p->redis) || !kafka_out_healthy(p->kafka) ||
        clock_monotonic_ms() < refresh->all.held_until_ms) {
        claim_later(refresh, -1);
        return;
    }
    struct refresh_claim_args args = { .count = room };
    script_refresh_claim(p->store, &args, &refresh->claim_reply, &refresh->claim, on_claimed);
}

// ---- life

static struct oauth *open_oauth(struct program *p)
{
    struct error          err;
    struct oauth_settings settings = {
        .api_url       = p->config.tiktok_api_url,
        .client_key    = p->config.tiktok_client_key,
        .client_secret = p->config.tiktok_client_secret,
        .timeout_ms    = p->config.tiktok_timeout_ms,
    };
    struct oauth *oauth = oauth_new(p->http, &settings, &err);
    if (!oauth)
        log_warn("tokens are not refreshed: an account whose token TikTok refuses is parked",
                 F_STR("why", err.message));
    return oauth;
}

static void on_renewal_ended(void *owner)
{
    refresh_claim(owner);
}

struct refresh *refresh_new(struct program *program)
{
    struct refresh *refresh = xcalloc(1, sizeof *refresh);
    refresh->program        = program;
    refresh->oauth          = open_oauth(program);
    refresh->confirm        = confirm_new(program);
    refresh->all            = (struct renewals){
                   .program  = program,
                   .oauth    = refresh->oauth,
                   .confirm  = refresh->confirm,
                   .on_ended = on_renewal_ended,
                   .owner    = refresh,
    };
    LIST_INIT(&refresh->all.under_way);
    timer_init(&refresh->idle, program->loop, on_idle);
    claim_later(refresh, 0);
    return refresh;
}

void refresh_drain(struct refresh *refresh)
{
    timer_stop(&refresh->idle);
}

bool refresh_idle(const struct refresh *refresh)
{
    return refresh->all.count == 0 && !call_busy(&refresh->claim);
}

void refresh_free(struct refresh *refresh)
{
    if (!refresh)
        return;
    call_cancel(&refresh->claim);
    redis_reply_fini(&refresh->claim_reply);
    timer_fini(&refresh->idle);
    renewals_fini(&refresh->all);
    confirm_free(refresh->confirm);
    oauth_free(refresh->oauth);
    free(refresh);
}
