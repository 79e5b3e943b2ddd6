// SPDX-License-Identifier: Apache-2.0
#include "job/account_write.h"

#include <assert.h>
#include <string.h>

static void on_sent(struct call *call, const struct error *err);  // 1. Kafka has it
static void on_stored(struct call        *call,
                      const struct error *err);  // 2. Redis has it, alias after alias
static void on_read(struct call        *call,
                    const struct error *err);  // 3. only when it holds a newer one: back to 1

static struct account_write *write_of(struct call *inner)
{
    return container_of(inner, struct account_write, inner);
}

static void end(struct account_write *write, const struct error *err)
{
    redis_reply_fini(&write->reply);
    call_finish(write->outer, err);
}

static void fail(struct account_write *write, enum err_code code, const char *why)
{
    struct error err;
    error_set(&err, code, "account %.*s: %s", STR_ARG(write->record.open_id), why);
    end(write, &err);
}

static void send(struct account_write *write)
{
    struct buf value;
    write->rounds++;
    write->alias = 0;
    account_record_encode(&write->record, &value);
    struct kafka_record record = { .topic     = write->topic,
                                   .partition = -1,
                                   .key       = write->record.open_id,
                                   .value     = buf_str(&value) };
    assert(!value.full);
    kafka_send(write->kafka, &record, NULL, &write->inner, on_sent);
    buf_fini(&value);
}

static void store(struct account_write *write)
{
    redis_reply_fini(&write->reply);
    account_store(write->store, &write->record, write->alias, write->seen, (struct str){ 0 },
                  write->by, &write->reply, &write->inner, on_stored);
}

static void on_sent(struct call *call, const struct error *err)
{
    struct account_write *write = write_of(call);
    if (err) {
        end(write, err);
        return;
    }
    write->on_kafka = true;
    store(write);
}

static void read_back(struct account_write *write)
{
    if (write->rounds >= ACCOUNT_WRITE_ROUNDS) {
        fail(write, ERR_FULL, "others change it all the time");
        return;
    }
    struct account_read_args args = { .account = write->record.open_id };
    redis_reply_fini(&write->reply);
    script_account_read(write->store, &args, &write->reply, &write->inner, on_read);
}

// The alias went to another account between the caller's look and now: the record stays without it.
static void drop_alias(struct account_write *write)
{
    struct account_record *record = &write->record;
    assert(write->alias < record->alias_count);
    if (write->rounds >= ACCOUNT_WRITE_ROUNDS) {
        fail(write, ERR_FULL, "its aliases are others' already");
        return;
    }
    write->taken = record->aliases[write->alias];
    record->alias_count--;
    memmove(&record->aliases[write->alias], &record->aliases[write->alias + 1],
            (record->alias_count - write->alias) * sizeof record->aliases[0]);
    if (write->alias > 0)  // a call for an alias before it has stored the record
        write->seen = record->rev;
    record->rev++;
    send(write);
}

static void on_stored(struct call *call, const struct error *call_err)
{
    struct account_write *write = write_of(call);
    struct account_stored stored;
    struct error          err;
    if (!account_store_answer(call_err, &write->reply, &stored, &err))
        end(write, &err);
    else if (stored.word == WORD_GATE)
        fail(write, ERR_CLOSED,
             "it is on Kafka; Redis' gate is closed, and its opening brings it there");
    else if (stored.word == WORD_STATE)
        drop_alias(write);
    else if (stored.newer)
        read_back(write);
    else if (stored.left > 0 || ++write->alias < write->record.alias_count)
        store(write);
    else
        end(write, NULL);
}

static void on_read(struct call *call, const struct error *call_err)
{
    struct account_write *write = write_of(call);
    int64_t               rev   = write->record.rev;
    struct account_record found;
    enum store_word       word;
    struct error          err;
    if (!store_word(call_err, &write->reply, &word, &err)) {
        end(write, &err);
    } else if (word == WORD_GATE) {
        fail(write, ERR_CLOSED,
             "it is on Kafka; Redis' gate is closed, and its opening brings it there");
    } else if (word != WORD_OK) {
        // it was there a moment ago, and is gone: whatever happened, our record is the last on
        // Kafka
        write->seen = -1;
        send(write);
    } else if (!account_read_answer(&write->reply, &found, &write->arena, &err)) {
        end(write, &err);
    } else {
        write->newer  = true;
        write->seen   = found.rev;
        write->record = found;
        if (write->record.rev <= rev)
            write->record.rev = rev;
        write->record.rev++;
        send(write);
    }
}

static void on_outer_cancelled(struct call *outer)
{
    struct account_write *write = outer->adapter;
    call_cancel(&write->inner);
}

void account_write_start(struct account_write *write, struct kafka_out *kafka, struct store *store,
                         const char *topic, const struct account_record *record, int64_t seen,
                         struct str by, struct call *call, call_done *done)
{
    struct buf   value;
    struct error err;
    *write = (struct account_write){
        .outer = call, .kafka = kafka, .store = store, .topic = topic, .by = by, .seen = seen
    };
    // a copy with all its texts, by the way that it takes anyhow
    account_record_encode(record, &value);
    bool ok = account_record_decode(buf_str(&value), &write->record, &write->arena, &err);
    assert(ok && "a record that this program made");
    (void)ok;
    buf_fini(&value);
    send(write);
    call_begin(call, write->inner.loop, "account", 0, done, on_outer_cancelled, write);
}

void account_write_fini(struct account_write *write)
{
    redis_reply_fini(&write->reply);
    arena_fini(&write->arena);
}
