// SPDX-License-Identifier: Apache-2.0
/* Lives of a job as the records that were written, in their order. Whatever compaction has left of them
 * (the last record of each key, and any of the earlier ones), and however the partitions are read, the
 * verdict is the same.
 *
 * One word a record, its parts by colons:
 *   i:EPOCH:PUBLISH_ID:SOURCE    INTENT (publish id: of an upload; may be left out, as the source)
 *   x:EPOCH                      INTENT_ABORTED
 *   d:EPOCH:PUBLISH_ID:SOURCE    INITED
 *   ta:EPOCH                     tombstone of the attempt
 *   e:EPOCH:STATE                end
 *   te:EPOCH:STATE               its tombstone
 *   o:EPOCH:STATE   to           end as version 1 wrote it, its tombstone
 *   m:TEXT          tm           message, its tombstone
 *   r:ID:EPOCH:STATE:PUBLISH_ID  retry of what the job was in
 *   f:ID:EPOCH:STATE:PUBLISH_ID  the same, refused
 *   p:ID:EPOCH:PUBLISH_ID        resolve, posted
 *   c:ID:EPOCH:STATE             cancel of what the job was in
 *   y:EPOCH:PUBLISH_ID           retry by the policy
 *   tc:ID                        tombstone of the command
 *   w:DAYS                       no record: so much later
 *   s                            no record: the next one is of the same moment as the one before
 *   g:NUMBER                     generation */
#pragma once

#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "job/command.h"
#include "job/journal.h"
#include "job/replay.h"

enum {
    RECORDS_MAX = 24,
    PARTS_MAX   = 5,
    ORDERS      = 40,
    SUBSETS_MAX = 512,
    AT_MS       = 1795000000,
    DAY_MS      = 86400000
};

struct record {
    struct buf key;
    struct buf value;
    bool       tombstone;
    bool       last;  // of its key
};

struct life {
    struct record records[RECORDS_MAX];
    size_t        count;
};

// ---- making the records

static inline void make_attempt(struct record *record, enum attempt_kind kind,
                                const struct str *part, int64_t at_ms)
{
    struct journal_attempt attempt = {
        .kind       = kind,
        .job_id     = STR("one"),
        .epoch      = part[1],
        .attempt    = 3,
        .account    = STR("u1"),
        .mode       = STR("direct"),
        .at_ms      = at_ms,
        .publish_id = part[2],
        .source     = part[3],
    };
    journal_attempt_record(&attempt, &record->key, &record->value);
}

static inline void make_end(struct record *record, const struct str *part, int64_t at_ms)
{
    struct buf event;
    buf_init(&event, 1000);
    buf_printf(&event, "{\"state\":\"%.*s\"}", STR_ARG(part[2]));
    journal_end_record(STR("one"), part[1], part[2], at_ms, STR("jobs-0@7"), buf_str(&event),
                       &record->key, &record->value);
    buf_fini(&event);
}

// as version 1 did
static inline void make_old_end(struct record *record, const struct str *part, int64_t at_ms)
{
    buf_init(&record->key, 200);
    buf_init(&record->value, 1000);
    buf_printf(&record->key, "end/one");
    buf_printf(&record->value,
               "{\"v\":1,\"job_id\":\"one\",\"epoch\":\"%.*s\",\"state\":\"%.*s\",\"at\":%" PRIi64
               ",\"source\":\"jobs-0@7\",\"event\":{\"state\":\"%.*s\",\"v\":1}}",
               STR_ARG(part[1]), STR_ARG(part[2]), at_ms, STR_ARG(part[2]));
}

static inline void make_other_command(struct record *record, const struct str *part, int64_t at_ms)
{
    bool                  policy  = str_is(part[0], "y");
    struct buf            id      = { 0 };
    struct command        command = { .what   = policy ? COMMAND_RETRY : COMMAND_CANCEL,
                                      .id     = part[1],
                                      .job_id = STR("one"),
                                      .epoch  = policy ? part[1] : part[2],
                                      .state  = policy ? STR("UNSURE") : part[3] };
    struct command_record told    = { .source = STR("jobs-0@9"), .at_ms = at_ms };
    if (policy) {
        command_policy_id(STR("one"), part[1], &id);
        command.id         = buf_str(&id);
        command.publish_id = part[2];
    }
    command_journal_record(&command, &told, &record->key, &record->value);
    buf_fini(&id);
}

static inline void make_command(struct record *record, const struct str *part, int64_t at_ms)
{
    bool                  retry   = !str_is(part[0], "p");
    struct command        command = { .what       = retry ? COMMAND_RETRY : COMMAND_RESOLVE,
                                      .id         = part[1],
                                      .job_id     = STR("one"),
                                      .epoch      = part[2],
                                      .state      = retry ? part[3] : STR("UNSURE"),
                                      .publish_id = retry ? part[4] : part[3],
                                      .posted     = true };
    struct command_record told    = { .source = STR("jobs-0@9"), .at_ms = at_ms };
    if (str_is(part[0], "f"))
        told.refused = STR("it is not in doubt");
    command_journal_record(&command, &told, &record->key, &record->value);
}

static inline void make_tombstone(struct record *record, const char *key, struct str what)
{
    buf_init(&record->key, 200);
    buf_init(&record->value, 1);
    buf_printf(&record->key, "%s%.*s", key, STR_ARG(what));
    record->tombstone = true;
}

static inline void make(struct record *record, struct str word, int64_t at_ms)
{
    struct str part[PARTS_MAX] = { 0 };
    for (size_t i = 0; i < PARTS_MAX; i++)
        str_cut(&word, ':', &part[i]);
    if (str_is(part[0], "i"))
        make_attempt(record, ATTEMPT_INTENT, part, at_ms);
    else if (str_is(part[0], "x"))
        make_attempt(record, ATTEMPT_INTENT_ABORTED, part, at_ms);
    else if (str_is(part[0], "d"))
        make_attempt(record, ATTEMPT_INITED, part, at_ms);
    else if (str_is(part[0], "e"))
        make_end(record, part, at_ms);
    else if (str_is(part[0], "m"))
        journal_message_record(STR("one"), STR("jobs-0@7"), at_ms, part[1], &record->key,
                               &record->value);
    else if (str_is(part[0], "g"))
        journal_generation_record(part[1].p[0] - '0', STR("abc"), at_ms, STR("p"), &record->key,
                                  &record->value);
    else if (str_is(part[0], "ta"))
        make_tombstone(record, "attempt/one/", part[1]);
    else if (str_is(part[0], "o"))
        make_old_end(record, part, at_ms);
    else if (str_is(part[0], "c") || str_is(part[0], "y"))
        make_other_command(record, part, at_ms);
    else if (str_is(part[0], "te")) {
        make_tombstone(record, "end/one/", part[1]);
        buf_printf(&record->key, "/%.*s", STR_ARG(part[2]));
    } else if (str_is(part[0], "to"))
        make_tombstone(record, "end/one", STR(""));
    else if (str_is(part[0], "tc"))
        make_tombstone(record, "command/", part[1]);
    else if (str_is(part[0], "tm"))
        make_tombstone(record, "message/one", STR(""));
    else
        make_command(record, part, at_ms);
}

static inline void life_init(struct life *life, const char *words)
{
    struct str rest = str_of(words), word = { 0 };
    int64_t    later_ms = 0;
    memset(life, 0, sizeof *life);
    while (str_cut(&rest, ' ', &word)) {
        int64_t days;
        assert_true(life->count < RECORDS_MAX);
        if (str_starts(word, "w:")) {
            assert_true(str_to_i64((struct str){ word.p + 2, word.len - 2 }, &days));
            later_ms += days * DAY_MS;
            continue;
        }
        if (str_is(word, "s")) {
            later_ms--;
            continue;
        }
        make(&life->records[life->count], word, AT_MS + later_ms + (int64_t)life->count);
        life->count++;
    }
    for (size_t i = 0; i < life->count; i++) {
        life->records[i].last = true;
        for (size_t j = i + 1; j < life->count; j++)
            if (str_eq(buf_str(&life->records[i].key), buf_str(&life->records[j].key)))
                life->records[i].last = false;
    }
}

static inline void life_fini(struct life *life)
{
    for (size_t i = 0; i < life->count; i++) {
        buf_fini(&life->records[i].key);
        buf_fini(&life->records[i].value);
    }
}

// ---- reading them

static inline void read_record(struct replay *replay, const struct record *record)
{
    struct error err;
    struct str   value = buf_str(&record->value);
    if (record->tombstone)
        value.p = NULL;
    else
        assert_non_null(value.p);
    if (!replay_record(replay, buf_str(&record->key), value, &err))
        fail_msg("%s", err.message);
}

// "says epoch publish_id state voids...": all that the order must not change
static inline void describe(struct replay *replay, struct buf *text)
{
    static const char *const says[] = { "nothing", "unsure", "processing", "end" };
    struct replay_verdict    v      = { .job_id = STR("one") };
    if (replay_jobs(replay))
        replay_verdict(replay, 0, &v);
    buf_printf(text, "%s %.*s %.*s %.*s", says[v.says], STR_ARG(v.epoch), STR_ARG(v.publish_id),
               STR_ARG(v.end_state));
}

static inline void describe_rest(struct replay *replay, struct buf *text)
{
    struct replay_verdict v = { .job_id = STR("one") };
    struct str            rest, epoch;
    size_t                aborted = 0, sum = 0;
    if (replay_jobs(replay))
        replay_verdict(replay, 0, &v);
    assert_str(v.job_id, "one");
    buf_printf(text,
               " |%" PRIi64 "|%.*s|%.*s|%" PRIi64 "|%.*s|%.*s|%.*s|%.*s|%" PRIi64 "|%" PRIi64
               "|%.*s|%.*s|",
               v.attempt, STR_ARG(v.account), STR_ARG(v.mode), v.at_ms, STR_ARG(v.event),
               STR_ARG(v.source), STR_ARG(v.message), STR_ARG(v.message_source), v.message_at_ms,
               replay_generation(replay), STR_ARG(v.commands), STR_ARG(v.voids));
    rest = v.aborted;
    for (; rest.len && str_cut(&rest, ' ', &epoch); aborted++)  // in any order
        for (size_t i = 0; i < epoch.len; i++)
            sum += (size_t)epoch.p[i] * (i + 1) * (i + 1);
    buf_printf(text, "%zu aborted %zu", aborted, sum);
}

static inline void read_all(const struct record *const *records, size_t count, struct buf *verdict,
                            struct buf *whole)
{
    struct replay *replay = replay_new(30 * (int64_t)DAY_MS);
    for (size_t i = 0; i < count; i++)
        read_record(replay, records[i]);
    assert_true(replay_jobs(replay) <= 1);
    buf_clear(verdict);
    buf_clear(whole);
    describe(replay, verdict);
    describe(replay, whole);
    describe_rest(replay, whole);
    replay_free(replay);
}

static uint64_t random_state;

static inline size_t below(size_t bound)
{
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (size_t)(random_state >> 33) % bound;
}

// any order that keeps the one of each key
static inline void interleave(const struct record **records, size_t count)
{
    for (size_t n = count * count; n > 0; n--) {
        size_t i = below(count);
        if (i + 1 < count && !str_eq(buf_str(&records[i]->key), buf_str(&records[i + 1]->key))) {
            const struct record *record = records[i];
            records[i]                  = records[i + 1];
            records[i + 1]              = record;
        }
    }
}

static inline size_t leave(const struct life *life, size_t subset, const struct record **records)
{
    size_t count = 0;
    for (size_t i = 0, earlier = 0; i < life->count; i++)
        if (life->records[i].last || (subset >> earlier++) & 1)
            records[count++] = &life->records[i];
    return count;
}

// the verdict of the life as it was written, and of everything that may be left of it
static inline void assert_verdict(const char *words, const char *wanted)
{
    const struct record *records[RECORDS_MAX];
    struct life          life;
    struct buf           verdict, whole, first;
    size_t               earlier = 0;
    life_init(&life, words);
    buf_init(&verdict, 10000);
    buf_init(&whole, 10000);
    buf_init(&first, 10000);
    for (size_t i = 0; i < life.count; i++)
        earlier += !life.records[i].last;
    assert_true(((size_t)1 << earlier) <= SUBSETS_MAX);
    read_all(records, leave(&life, SIZE_MAX, records), &verdict, &first);
    if (!str_is(buf_str(&verdict), wanted))
        fail_msg("%s: %s, not %s", words, buf_text(&verdict), wanted);
    for (size_t subset = 0; subset < (size_t)1 << earlier; subset++)
        for (size_t order = 0; order < ORDERS; order++) {
            size_t count = leave(&life, subset, records);
            interleave(records, count);
            read_all(records, count, &verdict, &whole);
            if (!str_eq(buf_str(&whole), buf_str(&first)))
                fail_msg("%s, subset %zu: %s\n not %s", words, subset, buf_text(&whole),
                         buf_text(&first));
        }
    buf_fini(&first);
    buf_fini(&whole);
    buf_fini(&verdict);
    life_fini(&life);
}
