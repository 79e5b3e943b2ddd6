// SPDX-License-Identifier: Apache-2.0
// links: tokfleet_job
// Lives whose records are deleted, whose id is used again, whose message was replaced, that the policy retried (life_case.h).
#include "life_case.h"

// ---- the message that an attempt sent

static void assert_source(const char *words, const char *wanted)
{
    struct replay        *replay = replay_new(0);
    struct replay_verdict v;
    struct life           life;
    life_init(&life, words);
    for (size_t i = 0; i < life.count; i++)
        read_record(replay, &life.records[i]);
    replay_verdict(replay, 0, &v);
    assert_str(v.source, wanted);
    life_fini(&life);
    replay_free(replay);
}

TEST(an_attempt_names_the_message_that_it_sent)
{
    assert_verdict("e:0-0:REJECTED i:1-1::jobs-0@9", "unsure 1-1  ");
    assert_source("e:0-0:REJECTED i:1-1::jobs-0@9", "jobs-0@9");
    assert_source("m:kept i:1-1::jobs-0@9 d:1-1:v1:jobs-0@9", "jobs-0@9");
    assert_source("i:1-1::jobs-0@9 i:1-2::jobs-0@9 p:c1:1-2", "jobs-0@9");
    // a record of version 1 names none: the message in the journal is what is known
    assert_source("m:kept i:1-1", "jobs-0@7");
    assert_source("i:1-1", "");
    assert_source("i:1-1::jobs-0@9 d:1-1:v1:jobs-0@9 e:1-1:FAILED", "jobs-0@7");
}

// ---- commands

TEST(a_cancel_is_not_undone_by_the_rejection_before_it)
{
    assert_verdict("e:0-0:REJECTED c:c1:0-0:QUEUED", "end   CANCELLED");
    assert_verdict("e:0-0:REJECTED c:c1:0-0:QUEUED e:0-0:CANCELLED", "end 0-0  CANCELLED");
    assert_verdict("c:c1:1-1:QUEUED e:1-1:FAILED", "end 1-1  FAILED");
}

TEST(a_retry_by_the_policy_voids_the_doubt_and_no_more)
{
    assert_verdict("i:1-1 y:1-1", "nothing   ");
    assert_verdict("i:1-1 y:1-1 d:1-1:v1", "processing 1-1 v1 ");
    assert_verdict("i:1-1 d:1-1:v1 y:1-1:v1", "nothing   ");
    assert_verdict("i:1-1 y:1-1 i:1-2", "unsure 1-2  ");
    // it was journaled, and then came to nothing: somebody's word, or an answer, was there first
    assert_verdict("i:1-1 y:1-1 e:1-1:FAILED", "end 1-1  FAILED");
    assert_verdict("i:1-1 y:1-1 p:c1:1-1", "end 1-1  PUBLISHED");
    assert_verdict("i:1-1 d:1-1:v1 y:1-1:v1 e:1-1:PUBLISHED", "end 1-1  PUBLISHED");
}

// ---- an id that is used again

TEST(an_end_that_is_older_than_it_is_kept_is_of_another_life)
{
    assert_verdict("i:1-1 d:1-1:v1 e:1-1:PUBLISHED w:31", "end 1-1 v1 PUBLISHED");
    assert_verdict("i:1-1 d:1-1:v1 e:1-1:PUBLISHED w:31 i:2-7", "unsure 2-7  ");
    assert_verdict("i:1-1 d:1-1:v1 e:1-1:PUBLISHED w:31 i:2-7 x:2-7", "nothing   ");
    assert_verdict("i:1-1 d:1-1:v1 e:1-1:PUBLISHED w:31 i:2-7 r:c1:2-7:UNSURE", "nothing   ");
    assert_verdict("i:1-1 d:1-1:v1 e:1-1:PUBLISHED w:31 m:again", "nothing   ");
    assert_verdict("i:1-1 d:1-1:v1 e:1-1:PUBLISHED w:31 e:0-0:REJECTED", "end 0-0  REJECTED");
    assert_verdict("e:0-0:EXPIRED w:31 c:c1:0-0:QUEUED", "end   CANCELLED");
    assert_verdict("c:c1:0-0:QUEUED w:31 i:1-1 x:1-1", "nothing   ");
    // within its time, and a command for it that was refused, it is the same life
    assert_verdict("i:1-1 d:1-1:v1 e:1-1:PUBLISHED w:29 i:1-2 x:1-2", "end 1-1 v1 PUBLISHED");
    assert_verdict("i:1-1 d:1-1:v1 e:1-1:PUBLISHED w:31 f:c1:1-1:UNSURE", "end 1-1 v1 PUBLISHED");
}

// ---- deleted

// the keys of a life, each once
static size_t keys_of(const struct life *life, struct str *keys)
{
    size_t count = 0;
    for (size_t i = 0; i < life->count; i++)
        if (life->records[i].last)
            keys[count++] = buf_str(&life->records[i].key);
    return count;
}

// the records of the key as a reader finds them who comes there when `moment` records were written:
// the last one
static void read_key(struct replay *replay, const struct life *life, struct str key, size_t moment)
{
    const struct record *found = NULL;
    for (size_t i = 0; i < moment; i++)
        if (str_eq(buf_str(&life->records[i].key), key))
            found = &life->records[i];
    if (found)
        read_record(replay, found);
}

static void assert_over(struct replay *replay, const char *words, size_t first, size_t last)
{
    struct replay_verdict v = { 0 };
    if (replay_jobs(replay))
        replay_verdict(replay, 0, &v);
    if (v.says != REPLAY_NOTHING && v.says != REPLAY_END)
        fail_msg("%s, read from record %zu to %zu: back, %d %.*s", words, first, last, (int)v.says,
                 STR_ARG(v.epoch));
}

/* Whoever reads the journal while a sweep deletes the life, key after key in any order, each at a
 * later moment than the one before, never finds the job open again. `written` records are there
 * before the sweep begins. */
static void assert_buried(const char *words, size_t written)
{
    struct life life;
    struct str  keys[RECORDS_MAX];
    life_init(&life, words);
    size_t count = keys_of(&life, keys);
    for (int order = 0; order < 400; order++) {
        for (size_t i = count; i > 1; i--) {
            size_t     j   = below(i);
            struct str key = keys[i - 1];
            keys[i - 1]    = keys[j];
            keys[j]        = key;
        }
        for (size_t first = written; first <= life.count; first++) {
            struct replay *replay = replay_new(0);
            size_t         moment = first;
            for (size_t k = 0; k < count; k++) {
                read_key(replay, &life, keys[k], moment);
                moment += below(life.count - moment + 1);
            }
            assert_over(replay, words, first, moment);
            replay_free(replay);
        }
    }
    life_fini(&life);
}

TEST(whoever_reads_while_a_life_is_deleted_never_finds_it_open_again)
{
    assert_buried("i:1-1 d:1-1:v1 e:1-1:PUBLISHED ta:1-1 te:1-1:PUBLISHED", 3);
    assert_buried("i:1-1 i:1-2 d:1-2:v2 e:1-2:PUBLISHED ta:1-2 ta:1-1 te:1-2:PUBLISHED", 4);
    assert_buried("m:kept i:1-1 r:c1:1-1:UNSURE i:1-2 d:1-2:v2 e:1-2:PUBLISHED "
                  "ta:1-1 ta:1-2 tc:c1 tm te:1-2:PUBLISHED",
                  6);
    assert_buried("i:1-1 d:1-1:v1 e:1-1:FAILED r:c1:1-1:FAILED i:1-2 d:1-2:v2 e:1-2:PUBLISHED "
                  "ta:1-1 ta:1-2 tc:c1 te:1-1:FAILED te:1-2:PUBLISHED",
                  7);
    // its end was made by a command alone: it is a record before anything is deleted
    assert_buried("i:1-1 p:c1:1-1 e:1-1:PUBLISHED ta:1-1 tc:c1 te:1-1:PUBLISHED", 3);
}

TEST(the_tombstone_of_an_end_buries_the_attempts_up_to_it_and_no_newer_one)
{
    assert_verdict("te:1-1:PUBLISHED i:1-1", "nothing   ");
    assert_verdict("te:1-2:PUBLISHED i:1-1 d:1-1:v1", "nothing   ");
    assert_verdict("te:1-2:PUBLISHED i:1-3", "unsure 1-3  ");
    assert_verdict("te:0-0:EXPIRED i:1-1", "unsure 1-1  ");
    assert_verdict("te:0-0:EXPIRED e:0-0:CANCELLED", "end 0-0  CANCELLED");
}

// ---- what the sweep asks

static void on_key(void *owner, struct str key)
{
    struct buf *text = owner;
    buf_printf(text, "%s%.*s", text->len ? " " : "", STR_ARG(key));
}

/* A sweep that is stopped for good after any of its parts, and whose tombstones compaction has
 * cleared away, leaves a job that is not open again. */
static void assert_stopped_anywhere(const char *words)
{
    struct life    life;
    struct buf     deleted;
    struct replay *whole = replay_new(0);
    buf_init(&deleted, 4000);
    life_init(&life, words);
    for (size_t i = 0; i < life.count; i++)
        read_record(whole, &life.records[i]);
    for (int part = 0; part < REPLAY_PART_COUNT; part++) {
        struct replay *left = replay_new(0);
        replay_keys(whole, 0, (enum replay_part)part, on_key, &deleted);
        for (size_t i = 0; i < life.count; i++)
            if (life.records[i].last && !strstr(buf_text(&deleted), buf_text(&life.records[i].key)))
                read_record(left, &life.records[i]);
        assert_over(left, words, 0, (size_t)part);
        replay_free(left);
    }
    life_fini(&life);
    buf_fini(&deleted);
    replay_free(whole);
}

TEST(a_sweep_that_is_stopped_after_any_of_its_parts_leaves_no_job_open)
{
    assert_stopped_anywhere("i:1-1 d:1-1:v1 e:1-1:PUBLISHED");
    assert_stopped_anywhere(
        "m:kept i:1-1 d:1-1:v1 e:1-1:FAILED r:c1:1-1:FAILED i:1-2 d:1-2:v2 e:1-2:PUBLISHED");
}

static void assert_keys(const struct replay *replay, enum replay_part part, const char *wanted)
{
    struct buf text;
    buf_init(&text, 1000);
    replay_keys(replay, 0, part, on_key, &text);
    assert_str(buf_str(&text), wanted);
    buf_fini(&text);
}

TEST(the_keys_of_a_job_come_in_the_order_in_which_they_are_deleted)
{
    struct replay *replay = replay_new(0);
    struct life    life;
    life_init(&life, "m:kept i:1-1 e:1-1:FAILED r:c1:1-1:FAILED f:c2:1-1:FAILED i:1-2 "
                     "e:1-2:PUBLISHED o:0-9:FAILED "
                     "i:1-3 ta:1-3");
    for (size_t i = 0; i < life.count; i++)
        read_record(replay, &life.records[i]);
    assert_keys(replay, REPLAY_ATTEMPTS, "attempt/one/1-2 attempt/one/1-1");
    assert_keys(replay, REPLAY_COMMANDS, "command/c2/refused command/c1 message/one");
    assert_keys(replay, REPLAY_ENDS_OLDER, "end/one end/one/1-1/FAILED");
    assert_keys(replay, REPLAY_END_NEWEST, "end/one/1-2/PUBLISHED");
    assert_int_equal(replay_newest_ms(replay, 0), AT_MS + 7);
    assert_false(replay_is_orphan(replay, 0));
    life_fini(&life);
    replay_free(replay);
}

TEST(commands_alone_are_orphans)
{
    struct replay *replay = replay_new(0);
    struct life    life;
    life_init(&life, "f:c2:1-1:FAILED i:1-3 ta:1-3");
    for (size_t i = 0; i < life.count; i++)
        read_record(replay, &life.records[i]);
    assert_true(replay_is_orphan(replay, 0));
    assert_keys(replay, REPLAY_COMMANDS, "command/c2/refused");
    life_fini(&life);
    replay_free(replay);
}

static bool is_two(const void *owner, struct str job_id)
{
    (void)owner;
    return str_is(job_id, "two");
}

TEST(only_the_jobs_that_are_wanted_are_kept)
{
    static const char *const keys[]   = { "attempt/one/1-1", "end/one/1-1/FAILED", "message/one",
                                          "command/c1",      "attempt/two/1-1",    "command/c2",
                                          "generation/7" };
    static const char *const values[] = {
        "{\"v\":2,\"kind\":\"INTENT\"}",
        "{\"v\":2,\"epoch\":\"1-1\",\"state\":\"FAILED\"}",
        "{\"v\":2,\"message\":\"hello\"}",
        "{\"v\":2,\"id\":\"c1\",\"what\":\"cancel\",\"job_id\":\"one\"}",
        "{\"v\":2,\"kind\":\"INTENT\"}",
        "{\"v\":2,\"id\":\"c2\",\"what\":\"pause\"}",
        "{\"v\":2}",
    };
    struct replay        *replay = replay_new(0);
    struct replay_verdict v;
    struct error          err;
    replay_only(replay, is_two, NULL);
    for (size_t i = 0; i < COUNT_OF(keys); i++)
        assert_true(replay_record(replay, str_of(keys[i]), str_of(values[i]), &err));
    assert_int_equal(replay_jobs(replay), 1);
    assert_int_equal(replay_pauses(replay), 0);
    assert_int_equal(replay_generation(replay), 7);
    replay_verdict(replay, 0, &v);
    assert_str(v.job_id, "two");
    replay_free(replay);
}
