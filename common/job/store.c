// SPDX-License-Identifier: Apache-2.0
#include "job/store.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

enum { KEY_MAX_BYTES = 512 };

struct store {
    struct loop         *loop;    // borrowed
    struct redis        *redis;   // borrowed
    const struct config *config;  // borrowed
    struct buf           gate;    // "{fleet}:gate", the key of every script
};

struct store *store_new(struct loop *loop, struct redis *redis, const struct config *config)
{
    struct store *store = xcalloc(1, sizeof *store);
    store->loop         = loop;
    store->redis        = redis;
    store->config       = config;
    store_key(store, &store->gate, "gate", (struct str){ 0 });
    return store;
}

void store_free(struct store *store)
{
    if (!store)
        return;
    buf_fini(&store->gate);
    free(store);
}

struct redis *store_redis(const struct store *store)
{
    return store->redis;
}

const struct config *store_config(const struct store *store)
{
    return store->config;
}

void store_key(const struct store *store, struct buf *out, const char *what, struct str id)
{
    buf_fini(out);
    buf_init(out, KEY_MAX_BYTES);
    buf_printf(out, "{%s}:%s%.*s", store->config->fleet, what, STR_ARG(id));
}

void store_command(struct store *store, const struct str *argv, size_t argc,
                   struct redis_reply *reply, struct call *call, call_done *done)
{
    redis_command(store->redis, argv, argc, store->config->redis_timeout_ms, reply, call, done);
}

void store_run(struct store *store, const struct redis_script *script, const struct str *argv,
               size_t argc, struct redis_reply *reply, struct call *call, call_done *done)
{
    redis_eval(store->redis, script, buf_str(&store->gate), argv, argc,
               store->config->redis_timeout_ms, reply, call, done);
}

bool store_word(const struct error *err, const struct redis_reply *reply, enum store_word *word,
                struct error *why)
{
    static const char *const words[] = {
        [WORD_OK] = "OK",       [WORD_GATE] = "GATE", [WORD_FENCED] = "FENCED",
        [WORD_STATE] = "STATE", [WORD_WAIT] = "WAIT", [WORD_FULL] = "FULL",
    };
    if (err) {
        if (why != err)
            *why = *err;
        return false;
    }
    if (reply->answer.kind == ANSWER_ERROR)
        return error_set(why, ERR_CLOSED, "Redis refused: %.*s", STR_ARG(reply->answer.text));
    struct str first = answer_item(&reply->answer, 0);
    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (str_is(first, words[i])) {
            *word = (enum store_word)i;
            return true;
        }
    return error_set(why, ERR_BROKEN,
                     "Redis answered something else than a script of this version does");
}

bool store_out_of_memory(const struct redis_reply *reply)
{
    return reply->answer.kind == ANSWER_ERROR && str_starts(reply->answer.text, "OOM");
}
