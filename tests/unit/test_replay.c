// SPDX-License-Identifier: Apache-2.0
// links: tokfleet_job
/* Lives of a job as the records that were written, in their order. Whatever compaction has left of them
 * (the last record of each key, and any of the earlier ones), and however the partitions are read, the
 * verdict is the same.
 *
 * One word a record, its parts by colons:
 *   i:EPOCH:PUBLISH_ID           INTENT (publish id: of an upload; may be left out)
 *   x:EPOCH                      INTENT_ABORTED
 *   d:EPOCH:PUBLISH_ID           INITED
 *   ta:EPOCH                     tombstone of the attempt
 *   e:EPOCH:STATE   te           end, its tombstone
 *   m:TEXT          tm           message, its tombstone
 *   r:ID:EPOCH:STATE:PUBLISH_ID  retry of what the job was in
 *   f:ID:EPOCH:STATE:PUBLISH_ID  the same, refused
 *   p:ID:EPOCH:PUBLISH_ID        resolve, posted
 *   g:NUMBER                     generation */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "job/command.h"
#include "job/journal.h"
#include "job/replay.h"

enum { RECORDS_MAX = 16, PARTS_MAX = 5, ORDERS = 40, SUBSETS_MAX = 512, AT_MS = 1795000000 };

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

static void make_attempt(struct record *record, enum attempt_kind kind, const struct str *part,
                         int64_t at_ms)
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
    };
    journal_attempt_record(&attempt, &record->key, &record->value);
}

static void make_end(struct record *record, const struct str *part, int64_t at_ms)
{
    struct buf event;
    buf_init(&event, 1000);
    buf_printf(&event, "{\"state\":\"%.*s\"}", STR_ARG(part[2]));
    journal_end_record(STR("one"), part[1], part[2], at_ms, STR("jobs-0@7"), buf_str(&event),
                       &record->key, &record->value);
    buf_fini(&event);
}

static void make_command(struct record *record, const struct str *part, int64_t at_ms)
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

static void make_tombstone(struct record *record, const char *key, struct str what)
{
    buf_init(&record->key, 200);
    buf_init(&record->value, 1);
    buf_printf(&record->key, "%s%.*s", key, STR_ARG(what));
    record->tombstone = true;
}

static void make(struct record *record, struct str word, int64_t at_ms)
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
    else if (str_is(part[0], "te"))
        make_tombstone(record, "end/one", STR(""));
    else if (str_is(part[0], "tm"))
        make_tombstone(record, "message/one", STR(""));
    else
        make_command(record, part, at_ms);
}

static void life_init(struct life *life, const char *words)
{
    struct str rest = str_of(words), word = { 0 };
    memset(life, 0, sizeof *life);
    while (str_cut(&rest, ' ', &word)) {
        assert_true(life->count < RECORDS_MAX);
        make(&life->records[life->count], word, AT_MS + (int64_t)life->count);
        life->count++;
    }
    for (size_t i = 0; i < life->count; i++) {
        life->records[i].last = true;
        for (size_t j = i + 1; j < life->count; j++)
            if (str_eq(buf_str(&life->records[i].key), buf_str(&life->records[j].key)))
                life->records[i].last = false;
    }
}

static void life_fini(struct life *life)
{
    for (size_t i = 0; i < life->count; i++) {
        buf_fini(&life->records[i].key);
        buf_fini(&life->records[i].value);
    }
}

// ---- reading them

static void read_record(struct replay *replay, const struct record *record)
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
static void describe(struct replay *replay, struct buf *text)
{
    static const char *const says[] = { "nothing", "unsure", "processing", "end" };
    struct replay_verdict    v      = { .job_id = STR("one") };
    if (replay_jobs(replay))
        replay_verdict(replay, 0, &v);
    buf_printf(text, "%s %.*s %.*s %.*s", says[v.says], STR_ARG(v.epoch), STR_ARG(v.publish_id),
               STR_ARG(v.end_state));
}

static void describe_rest(struct replay *replay, struct buf *text)
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

static void read_all(const struct record *const *records, size_t count, struct buf *verdict,
                     struct buf *whole)
{
    struct replay *replay = replay_new();
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

static size_t below(size_t bound)
{
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (size_t)(random_state >> 33) % bound;
}

// any order that keeps the one of each key
static void interleave(const struct record **records, size_t count)
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

static size_t leave(const struct life *life, size_t subset, const struct record **records)
{
    size_t count = 0;
    for (size_t i = 0, earlier = 0; i < life->count; i++)
        if (life->records[i].last || (subset >> earlier++) & 1)
            records[count++] = &life->records[i];
    return count;
}

// the verdict of the life as it was written, and of everything that may be left of it
static void assert_verdict(const char *words, const char *wanted)
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

// ---- lives

TEST(an_intent_alone_is_a_doubt)
{
    assert_verdict("i:1-1", "unsure 1-1  ");
    assert_verdict("g:1 i:1-1 g:2", "unsure 1-1  ");
}

TEST(an_accepted_attempt_is_processing)
{
    assert_verdict("i:1-1 d:1-1:v1", "processing 1-1 v1 ");
    assert_verdict("m:hello i:1-1 d:1-1:v1", "processing 1-1 v1 ");
}

TEST(an_intent_with_a_publish_id_is_processing)
{
    assert_verdict("i:1-1:v1", "processing 1-1 v1 ");
    assert_verdict("i:1-1:v1 i:1-2:v1", "processing 1-2 v1 ");
}

TEST(an_aborted_attempt_decides_nothing)
{
    assert_verdict("i:1-1 x:1-1", "nothing   ");
    assert_verdict("x:1-1 i:1-1 x:1-1", "nothing   ");
    assert_verdict("i:1-1 x:1-1 i:1-2 x:1-2 i:2-1 x:2-1", "nothing   ");
}

TEST(the_newest_attempt_that_is_not_aborted_decides)
{
    assert_verdict("i:1-1 d:1-1:v1 i:1-2", "unsure 1-2  ");
    assert_verdict("i:1-1 d:1-1:v1 i:1-2 x:1-2", "processing 1-1 v1 ");
    assert_verdict("i:1-1 x:1-1 i:1-2 d:1-2:v2", "processing 1-2 v2 ");
    assert_verdict("i:1-9 d:1-9:v9 i:1-10 d:1-10:v10", "processing 1-10 v10 ");
    assert_verdict("i:9-2 d:9-2:v9 i:10-1", "unsure 10-1  ");
}

TEST(an_abort_that_comes_late_is_of_its_own_attempt)
{
    assert_verdict("i:1-1 i:1-2 d:1-2:v2 x:1-1", "processing 1-2 v2 ");
    assert_verdict("x:1-1 i:1-1 i:1-2 x:1-1", "unsure 1-2  ");
}

TEST(an_answer_that_comes_late_is_of_its_own_attempt)
{
    assert_verdict("i:1-1 i:2-1 x:2-1 d:1-1:v1", "processing 1-1 v1 ");
    assert_verdict("i:1-1 i:2-1 d:2-1:v2 d:1-1:v1", "processing 2-1 v2 ");
}

TEST(an_end_decides_where_no_attempt_is_newer)
{
    assert_verdict("i:1-1 d:1-1:v1 e:1-1:PUBLISHED", "end 1-1 v1 PUBLISHED");
    assert_verdict("i:1-1 d:1-1:v1 e:1-1:IN_INBOX e:1-1:PUBLISHED", "end 1-1 v1 PUBLISHED");
    assert_verdict("m:hello i:1-1 x:1-1 e:1-1:FAILED", "end 1-1  FAILED");
    assert_verdict("e:0-0:REJECTED", "end 0-0  REJECTED");
    assert_verdict("i:1-1 x:1-1 i:1-2 d:1-2:v2 e:1-2:FAILED", "end 1-2 v2 FAILED");
}

TEST(an_attempt_after_an_end_decides)
{
    assert_verdict("i:1-1 x:1-1 e:1-1:FAILED i:1-2", "unsure 1-2  ");
    assert_verdict("i:1-1 x:1-1 e:1-1:FAILED i:1-2 d:1-2:v2", "processing 1-2 v2 ");
    assert_verdict("i:1-1 x:1-1 e:1-1:FAILED i:1-2 d:1-2:v2 e:1-2:PUBLISHED",
                   "end 1-2 v2 PUBLISHED");
    assert_verdict("e:0-0:REJECTED i:1-4", "unsure 1-4  ");
}

TEST(an_attempt_after_an_end_that_was_aborted_leaves_the_end)
{
    assert_verdict("i:1-9 d:1-9:v9 e:1-9:FAILED i:1-10 x:1-10", "end 1-9 v9 FAILED");
}

TEST(an_older_end_that_is_relayed_late_ends_nothing)
{
    assert_verdict("i:1-1 x:1-1 e:1-1:FAILED i:1-2 d:1-2:v2 e:1-2:PUBLISHED e:1-1:FAILED",
                   "processing 1-2 v2 ");
}

TEST(the_end_of_a_newer_attempt_than_is_known_decides)
{
    assert_verdict("i:1-1 d:1-1:v1 e:1-3:CANCELLED", "end 1-3 v1 CANCELLED");
}

TEST(tombstones_take_away_what_they_name)
{
    assert_verdict("m:hello i:1-1 d:1-1:v1 e:1-1:PUBLISHED te ta:1-1 tm", "nothing   ");
    assert_verdict("i:1-1 x:1-1 i:1-2 ta:1-1", "unsure 1-2  ");
    assert_verdict("i:1-1 d:1-1:v1 e:1-1:FAILED te", "processing 1-1 v1 ");
    assert_verdict("i:1-1 ta:1-1 i:1-1", "unsure 1-1  ");
    assert_verdict("te e:1-1:EXPIRED", "end 1-1  EXPIRED");
}

TEST(a_message_alone_is_of_a_job_that_waits)
{
    assert_verdict("m:hello", "nothing   ");
    assert_verdict("m:hello m:again g:4", "nothing   ");
    assert_verdict("m:hello tm", "nothing   ");
}

TEST(a_retry_voids_the_end_and_the_attempts_up_to_it)
{
    assert_verdict("i:1-1 d:1-1:v1 e:1-1:FAILED r:c1:1-1:FAILED", "nothing   ");
    assert_verdict("i:1-1 d:1-1:v1 i:1-2 x:1-2 e:1-2:FAILED r:c1:1-2:FAILED", "nothing   ");
    assert_verdict("i:1-1 x:1-1 e:1-1:FAILED r:c1:1-1:FAILED i:1-2 d:1-2:v2", "processing 1-2 v2 ");
    assert_verdict("i:1-1 d:1-1:v1 e:1-1:FAILED r:c1:1-1:FAILED f:c1:1-1:FAILED",
                   "end 1-1 v1 FAILED");
}

TEST(a_retry_of_a_doubt_voids_no_answer_of_tiktok)
{
    assert_verdict("i:1-1 r:c1:1-1:UNSURE", "nothing   ");
    assert_verdict("i:1-1 r:c1:1-1:UNSURE d:1-1:v1", "processing 1-1 v1 ");
    assert_verdict("i:1-1 d:1-1:v1 r:c1:1-1:UNSURE:v1", "nothing   ");
    assert_verdict("i:1-1 i:1-2 r:c1:1-1:UNSURE", "unsure 1-2  ");
}

TEST(a_resolve_decides_like_an_end_of_its_attempt)
{
    assert_verdict("i:1-1 p:c1:1-1", "end 1-1  PUBLISHED");
    assert_verdict("i:1-1 p:c1:1-1 i:1-2", "unsure 1-2  ");
    assert_verdict("i:1-1 p:c1:1-1 e:1-1:PUBLISHED", "end 1-1  PUBLISHED");
}

// ---- what else it tells

TEST(attempts_since_a_moment_count_in_the_windows)
{
    struct replay     *replay = replay_new();
    struct replay_call calls[4];
    struct life        life;
    life_init(&life, "i:1-1 x:1-2 d:1-3:v3 i:1-4 ta:1-4");
    for (size_t i = 0; i < life.count; i++)
        read_record(replay, &life.records[i]);
    assert_int_equal(replay_calls(replay, 0, 0, calls, 4), 3);
    assert_int_equal(replay_calls(replay, 0, 0, calls, 2), 2);
    assert_int_equal(replay_calls(replay, 0, AT_MS + 2, calls, 4), 1);
    assert_str(calls[0].epoch, "1-3");
    assert_str(calls[0].account, "u1");
    assert_str(calls[0].job_id, "one");
    assert_false(calls[0].aborted);
    assert_int_equal(replay_calls(replay, 0, AT_MS + 3, calls, 4), 0);
    life_fini(&life);
    replay_free(replay);
}

TEST(the_highest_generation_counts_and_is_no_job)
{
    struct replay *replay = replay_new();
    struct error   err;
    assert_int_equal(replay_generation(replay), 0);
    assert_false(replay_used(replay));
    assert_true(replay_record(replay, STR("generation/10"), STR("{\"v\":1}"), &err));
    assert_true(replay_record(replay, STR("generation/9"), STR("{\"v\":1}"), &err));
    assert_int_equal(replay_generation(replay), 10);
    assert_int_equal(replay_jobs(replay), 0);
    replay_free(replay);
}

TEST(many_jobs_are_kept_apart)
{
    struct replay        *replay = replay_new();
    struct replay_verdict v;
    struct error          err;
    char                  key[64], value[200];
    for (int i = 0; i < 3000; i++) {
        snprintf(key, sizeof key, "attempt/job-%d/1-%d", i % 1000, i);
        snprintf(value, sizeof value,
                 "{\"v\":1,\"kind\":\"INTENT\",\"job_id\":\"job-%d\",\"epoch\":\"1-%d\"}", i % 1000,
                 i);
        assert_true(replay_record(replay, str_of(key), str_of(value), &err));
    }
    assert_int_equal(replay_jobs(replay), 1000);
    for (size_t i = 0; i < 1000; i++) {
        int64_t n;
        replay_verdict(replay, i, &v);
        struct str digits = { v.job_id.p + 4, v.job_id.len - 4 };
        assert_true(str_to_i64(digits, &n));
        snprintf(key, sizeof key, "1-%" PRIi64, n + 2000);
        assert_str(v.epoch, key);
    }
    replay_free(replay);
}

// ---- what it does not read

static void assert_refused(const char *key, const char *value, const char *why)
{
    struct replay        *replay = replay_new();
    struct replay_verdict v;
    struct error          err;
    assert_true(replay_record(
        replay, STR("attempt/one/1-1"),
        STR("{\"v\":1,\"kind\":\"INITED\",\"epoch\":\"1-1\",\"publish_id\":\"v1\"}"), &err));
    assert_true(replay_record(
        replay, STR("end/one"),
        STR("{\"v\":1,\"epoch\":\"1-1\",\"state\":\"PUBLISHED\",\"event\":{}}"), &err));
    if (replay_record(replay, str_of(key), str_of(value), &err))
        fail_msg("%s %s: taken", key, value);
    if (!strstr(err.message, key) || !strstr(err.message, why))
        fail_msg("%s %s: %s", key, value, err.message);
    // nothing has changed
    assert_int_equal(replay_jobs(replay), 1);
    replay_verdict(replay, 0, &v);
    assert_int_equal(v.says, REPLAY_END);
    assert_str(v.publish_id, "v1");
    replay_free(replay);
}

TEST(what_this_version_cannot_read_is_refused_by_name_and_changes_nothing)
{
    assert_refused("attempt/one/1-1", "{\"v\":2,\"kind\":\"INTENT\"}", "version 2");
    assert_refused("end/one", "{\"v\":99}", "version 99");
    assert_refused("attempt/one/1-1", "{\"kind\":\"INTENT\"}", "no version");
    assert_refused("attempt/one/1-1", "{\"v\":0,\"kind\":\"INTENT\"}", "no version");
    assert_refused("attempt/one/1-1", "{\"v\":1,\"kind\":\"MAYBE\"}", "MAYBE");
    assert_refused("attempt/one/1-2", "{\"v\":1,\"kind\":\"MAYBE\"}", "MAYBE");
    assert_refused("attempt/two/1-1", "{\"v\":1}", "kind");
    assert_refused("end/one", "{\"v\":1,\"state\":\"FAILED\"}", "without epoch or state");
    assert_refused("end/two", "{\"v\":1,\"epoch\":\"1-1\"}", "without epoch or state");
    assert_refused("attempt/one", "{\"v\":1}", "key");
    assert_refused("attempt/one/", "{\"v\":1}", "key");
    assert_refused("slots/one", "{\"v\":1}", "key");
    assert_refused("one", "{\"v\":1}", "key");
    assert_refused("generation/x", "{\"v\":1}", "key");
    assert_refused("end/", "{\"v\":1}", "key");
}

TEST(broken_json_is_refused_by_name)
{
    static const char *const values[] = { "",         "{",          "{\"v\":1",
                                          "not json", "{\"v\":1}}", "[[[[[[[[[[[[[[[[[[[[1" };
    for (size_t i = 0; i < COUNT_OF(values); i++)
        assert_refused("end/one", values[i], "journal record");
}

// ---- epochs

TEST(epochs_are_compared_part_by_part_as_numbers)
{
    static const char *const rising[] = { "0-0",
                                          "0-1",
                                          "0-99",
                                          "1-1",
                                          "1-9",
                                          "1-10",
                                          "1-99",
                                          "1-100",
                                          "1-9007199254740993",
                                          "1-9007199254740994",
                                          "1-18446744073709551616",
                                          "1-100000000000000000000",
                                          "2-1",
                                          "9-2",
                                          "10-1",
                                          "10-9",
                                          "11-0",
                                          "18446744073709551616-1",
                                          "18446744073709551616-2" };
    for (size_t i = 0; i < COUNT_OF(rising); i++)
        for (size_t j = 0; j < COUNT_OF(rising); j++) {
            int order = epoch_compare(str_of(rising[i]), str_of(rising[j]));
            if ((order > 0) != (i > j) || (order < 0) != (i < j))
                fail_msg("%s and %s: %d", rising[i], rising[j], order);
        }
    assert_int_equal(epoch_compare(STR("01-007"), STR("1-7")), 0);
    assert_true(epoch_compare(STR("1-08"), STR("1-9")) < 0);
}
