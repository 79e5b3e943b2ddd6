// SPDX-License-Identifier: Apache-2.0
/* A journal as its encoders write it, a few bytes a record, read in the order of the input and in
 * others: the records of a key keep their order, keys do not, and the verdicts are the same. The
 * first byte says how long ends are kept, then four make a record: what, whose, which, when. What a
 * command says is fixed by its number, as a command's two records say the same. */
#include <stdio.h>

#include "base/memory.h"
#include "fuzz.h"
#include "io/json.h"
#include "job/command.h"
#include "job/journal.h"
#include "job/replay.h"
#include "verdicts.h"

enum { RECORDS_MAX = 48, SAID_MAX_BYTES = 1024 * 1024, ORDERS = 3 };

struct record {
    struct buf key;
    struct buf value;    // empty: a tombstone
    size_t     follows;  // index of the record before it with the same key, or its own
    bool       done;     // it was read in this order
};

static const char *const job_ids[]  = { "a", "b", "a:b" };
static const char *const epochs[]   = { "1-1", "1-2", "1-10", "2-3", "2-11", "10-4" };
static const char *const publish[]  = { "", "v_pub~1", "v_pub~2", "p_pub~1" };
static const char *const states[]   = { "PUBLISHED", "IN_INBOX", "FAILED",
                                        "REJECTED",  "EXPIRED",  "CANCELLED" };
static const char *const standing[] = { "QUEUED", "CLAIMED", "FAILED", "UNSURE" };

#define PICK(list, n) str_of((list)[(n) % COUNT_OF(list)])

static void make_attempt(unsigned what, unsigned whose, unsigned which, unsigned when,
                         struct record *record)
{
    struct journal_attempt attempt = {
        .kind       = (enum attempt_kind)(what % 3),
        .job_id     = PICK(job_ids, whose),
        .epoch      = PICK(epochs, which),
        .attempt    = 1 + which % 3,
        .account    = STR("-open_1"),
        .mode       = when % 2 ? STR("direct") : STR("draft"),
        .at_ms      = 1000 + (int64_t)when,
        .publish_id = PICK(publish, whose / 8),
        .source     = STR("f.jobs-0@9"),
    };
    journal_attempt_record(&attempt, &record->key, &record->value);
}

static void make_end(unsigned whose, unsigned which, unsigned when, struct record *record)
{
    journal_end_record(PICK(job_ids, whose), which % 7 ? PICK(epochs, which) : STR("0-0"),
                       PICK(states, whose / 8), 1000 + (int64_t)when, STR("f.jobs-0@1"),
                       STR("{\"v\":1,\"state\":\"FAILED\"}"), &record->key, &record->value);
}

// which: its number, and by it all of it
static void make_command(unsigned which, bool refused, struct record *record)
{
    char                  id[16], source[24];
    unsigned              mixed   = which * 2654435761u;
    struct command        command = { .what = (enum command_what)(mixed >> 8 & 7) };
    struct command_record said    = { .at_ms   = 1000 + (int64_t)(mixed >> 24 & 7),
                                      .refused = refused ? STR("too late") : STR("") };
    snprintf(id, sizeof id, "c-%u", which);
    snprintf(source, sizeof source, "f.jobs-0@%u", which);
    if (command.what > COMMAND_RESUME)
        command.what = COMMAND_RETRY;
    bool pause         = command_is_pause(command.what);
    command.id         = str_of(id);
    said.source        = str_of(source);
    command.job_id     = pause ? STR("") : PICK(job_ids, mixed >> 11);
    command.account    = pause && mixed & 0x2000 ? STR("@a") : STR("");
    command.epoch      = PICK(epochs, mixed >> 14);
    command.publish_id = PICK(publish, mixed >> 17);
    command.state      = PICK(standing, mixed >> 19);
    command.posted     = mixed >> 21 & 1;
    command.post_id    = command.posted ? STR("71") : STR("");
    if (command.what == COMMAND_RESCHEDULE)
        command.publish_at_ms = 5000 + (int64_t)which;
    command_journal_record(&command, &said, &record->key, &record->value);
}

static void make_record(struct str *input, struct record *record)
{
    unsigned what = fuzz_byte(input), whose = fuzz_byte(input), which = fuzz_byte(input),
             when = fuzz_byte(input);
    switch (what % 8) {
    case 0:
    case 1:
    case 2:
        make_attempt(what % 8, whose, which, when, record);
        break;
    case 3:
        make_end(whose, which, when, record);
        break;
    case 4:
        journal_message_record(PICK(job_ids, whose), STR("f.jobs-0@9"), (int64_t)when, STR("{}"),
                               &record->key, &record->value);
        break;
    case 5:
    case 6:
        make_command(which, what % 8 == 6, record);
        break;
    default:
        journal_generation_record(when, STR("id"), 1, STR("p"), &record->key, &record->value);
    }
    if (what >= 0xE0 && what % 8 < 5)
        buf_fini(&record->value);
}

static size_t make_records(struct str input, struct record *records)
{
    size_t count = 0;
    for (; input.len && count < RECORDS_MAX; count++) {
        make_record(&input, &records[count]);
        records[count].follows = count;
        for (size_t i = 0; i < count; i++)
            if (str_eq(buf_str(&records[i].key), buf_str(&records[count].key)))
                records[count].follows = i;
    }
    return count;
}

// the next of those whose predecessors were read; seed 0: as they came
static struct record *next_record(struct record *records, size_t count, uint32_t *seed)
{
    size_t ready[RECORDS_MAX];
    size_t ready_count = 0;
    for (size_t i = 0; i < count; i++)
        if (!records[i].done && (records[i].follows == i || records[records[i].follows].done))
            ready[ready_count++] = i;
    if (!ready_count)
        return NULL;
    if (*seed)
        *seed = *seed * 1664525u + 1013904223u;
    struct record *record = &records[ready[(*seed >> 16) % ready_count]];
    record->done          = true;
    return record;
}

static void read_in_order(struct record *records, size_t count, uint32_t seed, int64_t keep_ms,
                          struct buf *said)
{
    struct replay *replay = replay_new(keep_ms);
    struct error   err;
    buf_init(said, SAID_MAX_BYTES);
    for (size_t i = 0; i < count; i++)
        records[i].done = false;
    for (struct record *record; (record = next_record(records, count, &seed));) {
        struct str value = record->value.p ? buf_str(&record->value) : (struct str){ NULL, 0 };
        bool       ok    = replay_record(replay, buf_str(&record->key), value, &err);
        assert(ok);
    }
    verdicts_say(replay, said);
    replay_free(replay);
}

FUZZ(replay)
{
    static struct record records[RECORDS_MAX];
    struct buf           first, other;
    int64_t              keep_ms = fuzz_byte(&input) % 4 * 40;
    size_t               count   = make_records(input, records);
    read_in_order(records, count, 0, keep_ms, &first);
    for (uint32_t seed = 1; seed <= ORDERS; seed++) {
        read_in_order(records, count, seed * 7919, keep_ms, &other);
        assert(str_eq(buf_str(&first), buf_str(&other)));
        buf_fini(&other);
    }
    buf_fini(&first);
    for (size_t i = 0; i < count; i++) {
        buf_fini(&records[i].key);
        buf_fini(&records[i].value);
    }
}
