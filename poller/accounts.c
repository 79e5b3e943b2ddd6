// SPDX-License-Identifier: Apache-2.0
#include "poller/accounts.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/memory.h"
#include "io/kafka_read.h"
#include "poller/mark.h"
#include "poller/restore.h"

enum { PARTITIONS_MAX = 4096 };

struct accounts {
    struct program    *program;  // borrowed
    struct call        call;     // one step at a time
    struct redis_reply reply;
    struct timer       timer;    // the next look
    struct buf         from;     // as Redis says it; "*" for the beginning
    struct kafka_read *read;     // owned while the topic is read
    struct restore    *restore;  // owned, from then until all is in Redis
};

static void on_left(struct call *call, const struct error *err);  // 1. something is: read it
static void on_read(struct call *call, const struct error *err);  // 2. known: into Redis
static void on_put(struct call *call, const struct error *err);   // 3. done: say so
static void on_told(struct call *call, const struct error *err);

static struct accounts *accounts_of(struct call *call)
{
    return container_of(call, struct accounts, call);
}

static void accounts_drop(struct accounts *accounts)
{
    call_cancel(&accounts->call);
    redis_reply_fini(&accounts->reply);
    kafka_read_free(accounts->read);
    restore_free(accounts->restore);
    buf_fini(&accounts->from);
    accounts->read    = NULL;
    accounts->restore = NULL;
}

static void accounts_later(struct accounts *accounts)
{
    accounts_drop(accounts);
    timer_start(&accounts->timer, accounts->program->config.heartbeat_ms);
}

static void on_told(struct call *call, const struct error *err)
{
    (void)err;  // not told: it is read once more, which changes nothing
    accounts_later(accounts_of(call));
}

static void on_put(struct call *call, const struct error *err)
{
    struct accounts *accounts = accounts_of(call);
    if (err) {
        log_warn("accounts that came while the gate was closed are not in Redis yet",
                 F_STR("why", err->message));
        accounts_later(accounts);
        return;
    }
    if (restore_of(accounts->restore))
        log_info("accounts that came while the gate was closed are in Redis",
                 F_INT("accounts", (int64_t)restore_of(accounts->restore)));
    struct gate_accounts_args args = { .told = buf_str(&accounts->from) };
    script_gate_accounts(accounts->program->store, &args, &accounts->reply, &accounts->call,
                         on_told);
}

static void on_read(struct call *call, const struct error *err)
{
    struct accounts *accounts = accounts_of(call);
    if (err) {
        log_warn("accounts that came while the gate was closed cannot be read yet",
                 F_STR("why", err->message));
        accounts_later(accounts);
        return;
    }
    restore_accounts(accounts->restore, &accounts->call, on_put);
}

static void on_record(void *owner, const struct kafka_message *message)
{
    struct accounts *accounts = owner;
    if (message->value.p)
        restore_account(accounts->restore, message->value);
}

static void on_left(struct call *call, const struct error *err)
{
    struct accounts     *accounts = accounts_of(call);
    struct program      *p        = accounts->program;
    enum store_word      word     = WORD_WAIT;
    size_t               count    = 0;
    struct kafka_offset *from;
    struct error         why;
    if (!store_word(err, &accounts->reply, &word, &why) || word != WORD_OK) {
        accounts_later(accounts);
        return;
    }
    struct str text = answer_item(&accounts->reply.answer, 1);
    from            = xcalloc(PARTITIONS_MAX, sizeof *from);
    buf_init(&accounts->from, text.len + 1);
    buf_add(&accounts->from, text.len ? text : STR("*"));
    if (!mark_parse(text, from, PARTITIONS_MAX, &count))
        count = 0;  // from the beginning
    redis_reply_fini(&accounts->reply);
    accounts->restore = restore_new(p, "", "");
    accounts->read = kafka_read_start(p->loop, &p->kafka_settings, p->topics[TOPIC_ACCOUNTS], from,
                                      count, p->config.kafka_read_idle_ms, on_record, accounts,
                                      &accounts->call, on_read);
    free(from);
}

static void on_timer(struct timer *timer)
{
    struct accounts          *accounts = container_of(timer, struct accounts, timer);
    struct program           *p        = accounts->program;
    struct gate_accounts_args args     = { .told = STR("") };
    if (p->draining)
        return;
    if (p->first && p->gate_open && redis_connected(p->redis))
        script_gate_accounts(p->store, &args, &accounts->reply, &accounts->call, on_left);
    else
        accounts_later(accounts);
}

struct accounts *accounts_new(struct program *program)
{
    struct accounts *accounts = xcalloc(1, sizeof *accounts);
    accounts->program         = program;
    timer_init(&accounts->timer, program->loop, on_timer);
    accounts_later(accounts);
    return accounts;
}

void accounts_drain(struct accounts *accounts)
{
    timer_stop(&accounts->timer);
    accounts_drop(accounts);
}

void accounts_free(struct accounts *accounts)
{
    if (!accounts)
        return;
    accounts_drop(accounts);
    timer_fini(&accounts->timer);
    free(accounts);
}
