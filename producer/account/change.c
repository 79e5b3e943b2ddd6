// SPDX-License-Identifier: Apache-2.0
#include "producer/account/change.h"

#include <string.h>

#include "loop/clock.h"

static bool read_counts(struct account_change *change, struct error *err)
{
    struct ask asks[2] = { 0 };
    int64_t    queued;
    ask_begin(change->tool, &asks[0], "HGET", "account:", change->record.open_id);
    ask_add(&asks[0], "queued");
    ask_begin(change->tool, &asks[1], "SCARD", "flying:", change->record.open_id);
    bool ok = tool_ask(change->tool, asks, 2, err);
    if (ok) {
        change->queued    = str_to_i64(asks[0].reply.answer.text, &queued) ? queued : 0;
        change->in_flight = asks[1].reply.answer.number;
    }
    asks_fini(asks, 2);
    return ok;
}

bool change_read(struct account_change *change, const char *name, struct error *err)
{
    struct account_read_args args = { .account = str_of(name) };
    struct wait              wait = { 0 };
    enum store_word          word;
    script_account_read(change->tool->store, &args, &change->reply, &wait.call, wait_done);
    bool ok = tool_wait(change->tool, &wait, err) && store_word(NULL, &change->reply, &word, err);
    if (!ok) {
        tool_blame_redis(change->tool, err);
        return false;
    }
    if (word == WORD_GATE)
        return error_set(err, ERR_CLOSED, "Redis' gate is closed; a poller opens it");
    if (word != WORD_OK)
        return error_set(err, ERR_REFUSED,
                         "there is no account %s in fleet %s (tokfleet account list)", name,
                         change->tool->config.fleet);
    return account_read_answer(&change->reply, &change->record, &change->arena, err) &&
           read_counts(change, err);
}

bool change_write(struct account_change *change, struct error *err)
{
    struct account_write write  = { 0 };
    struct wait          wait   = { 0 };
    int64_t              seen   = change->record.rev;
    int64_t              now_ms = clock_wall_ms();
    change->record.rev          = now_ms > seen ? now_ms : seen + 1;
    account_write_start(&write, change->tool->kafka, change->tool->store, change->side->topic,
                        &change->record, seen, STR("tokfleet"), &wait.call, wait_done);
    bool ok = tool_wait(change->tool, &wait, err);
    if (!ok && err->code == ERR_CLOSED && write.on_kafka) {
        tool_note(change->tool, "%s", err->message);
        ok = true;
    } else if (ok && write.newer) {
        ok = error_set(
            err, ERR_REFUSED,
            "account %.*s was changed by somebody else meanwhile, and its record stays as "
            "they left it: give the same command again",
            STR_ARG(change->record.open_id));
    }
    account_write_fini(&write);
    return ok;
}

void change_fini(struct account_change *change)
{
    redis_reply_fini(&change->reply);
    arena_fini(&change->arena);
}
