// SPDX-License-Identifier: Apache-2.0
// links: tokfleet_job
/* What commands of the journal make of a job in the replay. Each case is fed in several orders of
 * its records, since nothing may depend on the order between keys. */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "job/replay.h"
#include "unit.h"

enum { RECORDS_MAX = 8, TEXT_BYTES = 512, ORDERS = 24 };

struct life {
    char   keys[RECORDS_MAX][TEXT_BYTES];
    char   values[RECORDS_MAX][TEXT_BYTES];
    size_t count;
};

static void add(struct life *life, const char *key, const char *format, ...) PRINTF_LIKE(3, 4);
static void add(struct life *life, const char *key, const char *format, ...)
{
    va_list args;
    assert_true(life->count < RECORDS_MAX);
    snprintf(life->keys[life->count], TEXT_BYTES, "%s", key);
    va_start(args, format);
    vsnprintf(life->values[life->count], TEXT_BYTES, format, args);
    va_end(args);
    life->count++;
}

static void add_attempt(struct life *life, const char *epoch, const char *kind,
                        const char *publish_id)
{
    char key[TEXT_BYTES];
    snprintf(key, sizeof key, "attempt/j/%s", epoch);
    add(life, key,
        "{\"v\":1,\"kind\":\"%s\",\"job_id\":\"j\",\"epoch\":\"%s\",\"attempt\":1,\"account\":"
        "\"u\",\"at\":5,"
        "\"publish_id\":\"%s\"}",
        kind, epoch, publish_id);
}

static void add_end(struct life *life, const char *epoch, const char *state)
{
    add(life, "end/j",
        "{\"v\":1,\"job_id\":\"j\",\"epoch\":\"%s\",\"state\":\"%s\",\"at\":9,\"source\":\"s\","
        "\"event\":{}}",
        epoch, state);
}

// what: as in args, e.g. "retry", "UNSURE"
static void add_command(struct life *life, const char *id, const char *what, const char *epoch,
                        const char *state, const char *more)
{
    char key[TEXT_BYTES];
    snprintf(key, sizeof key, "command/%s", id);
    add(life, key,
        "{\"v\":1,\"id\":\"%.*s\",\"what\":\"%s\",\"job_id\":\"j\",\"epoch\":\"%s\",\"args\":{"
        "\"state\":\"%s\"%s},"
        "\"at\":%d,\"source\":\"p-0@1\"}",
        (int)strcspn(id, "/"), id, what, epoch, state, more, 10 + (int)life->count);
}

static void add_retry(struct life *life, const char *epoch, const char *state,
                      const char *publish_id)
{
    add(life, "command/r",
        "{\"v\":1,\"id\":\"r\",\"what\":\"retry\",\"job_id\":\"j\",\"epoch\":\"%s\",\"publish_id\":"
        "\"%s\","
        "\"args\":{\"state\":\"%s\"},\"at\":20,\"source\":\"p-0@1\"}",
        epoch, publish_id, state);
}

static void take(struct replay *replay, const struct life *life, size_t i)
{
    struct error err = { 0 };
    if (!replay_record(replay, str_of(life->keys[i]), str_of(life->values[i]), &err))
        fail_msg("%s", err.message);
}

// in an order of its own for each of ORDERS
static struct replay *fed(const struct life *life, unsigned order)
{
    struct replay *replay            = replay_new(0);
    bool           done[RECORDS_MAX] = { false };
    for (size_t left = life->count; left > 0; left--) {
        size_t skip = order % left;
        order /= (unsigned)left;
        for (size_t i = 0; i < life->count; i++)
            if (!done[i] && skip-- == 0) {
                take(replay, life, i);
                done[i] = true;
                break;
            }
    }
    return replay;
}

static void assert_says(const struct life *life, enum replay_says says, const char *epoch,
                        const char *end_state, const char *commands)
{
    for (unsigned order = 0; order < ORDERS; order++) {
        struct replay        *replay = fed(life, order);
        struct replay_verdict verdict;
        assert_int_equal(replay_jobs(replay), 1);
        replay_verdict(replay, 0, &verdict);
        assert_int_equal(verdict.says, says);
        assert_str(verdict.epoch, epoch);
        assert_str(verdict.end_state, end_state);
        assert_str(verdict.commands, commands);
        replay_free(replay);
    }
}

TEST(a_retry_of_a_doubt_voids_its_open_intent)
{
    struct life life = { 0 };
    add_attempt(&life, "1-2", "INTENT", "");
    add_retry(&life, "1-2", "UNSURE", "");
    assert_says(&life, REPLAY_NOTHING, "", "", "r");
    add_attempt(&life, "1-3", "INITED", "p3");
    assert_says(&life, REPLAY_PROCESSING, "1-3", "", "r");
}

TEST(a_retry_of_a_doubt_voids_an_answer_only_if_it_names_its_publish_id)
{
    struct life life = { 0 };
    add_attempt(&life, "1-2", "INITED", "p2");
    add_retry(&life, "1-2", "UNSURE", "");
    assert_says(&life, REPLAY_PROCESSING, "1-2", "", "r");
    struct life named = { 0 };
    add_attempt(&named, "1-2", "INITED", "p2");
    add_retry(&named, "1-2", "UNSURE", "p2");
    assert_says(&named, REPLAY_NOTHING, "", "", "r");
    struct life other = { 0 };
    add_attempt(&other, "1-2", "INITED", "p2");
    add_retry(&other, "1-2", "UNSURE", "p1");
    assert_says(&other, REPLAY_PROCESSING, "1-2", "", "r");
}

TEST(a_retry_of_a_doubt_voids_no_other_attempt)
{
    struct life life = { 0 };
    add_attempt(&life, "1-2", "INITED", "p2");
    add_attempt(&life, "1-10", "INTENT", "");
    add_retry(&life, "1-10", "UNSURE", "");
    assert_says(&life, REPLAY_PROCESSING, "1-2", "", "r");
}

TEST(a_retry_of_an_end_voids_the_end_and_the_attempts_up_to_it)
{
    struct life life = { 0 };
    add_attempt(&life, "1-2", "INITED", "p2");
    add_attempt(&life, "1-10", "INITED", "p10");
    add_end(&life, "1-10", "FAILED");
    add_retry(&life, "1-10", "FAILED", "");
    assert_says(&life, REPLAY_NOTHING, "", "", "r");
    add_attempt(&life, "2-1", "INTENT", "");
    assert_says(&life, REPLAY_UNSURE, "2-1", "", "r");
}

TEST(only_a_failed_end_is_voided)
{
    static const char *const ends[] = { "PUBLISHED", "IN_INBOX", "CANCELLED", "EXPIRED",
                                        "REJECTED" };
    for (size_t i = 0; i < COUNT_OF(ends); i++) {
        struct life life = { 0 };
        add_attempt(&life, "1-2", "INTENT", "");
        add_end(&life, "1-2", ends[i]);
        add_retry(&life, "1-2", "UNSURE", "");
        assert_says(&life, REPLAY_END, "1-2", ends[i], "r");
    }
}

TEST(what_was_refused_voids_nothing_and_is_known)
{
    struct life life = { 0 };
    add_attempt(&life, "1-2", "INTENT", "");
    add_retry(&life, "1-2", "UNSURE", "");
    add_command(&life, "r/refused", "retry", "1-2", "UNSURE", "");
    assert_says(&life, REPLAY_UNSURE, "1-2", "", "!r");
}

TEST(a_refusal_alone_is_known_too)
{
    struct life life = { 0 };
    add_command(&life, "x/refused", "cancel", "1-2", "", "");
    assert_says(&life, REPLAY_NOTHING, "", "", "!x");
}

TEST(a_resolve_decides_like_an_end_of_its_attempt)
{
    struct life life = { 0 };
    add_attempt(&life, "1-2", "INTENT", "");
    add_command(&life, "s", "resolve", "1-2", "UNSURE", ",\"outcome\":\"posted\"");
    assert_says(&life, REPLAY_END, "1-2", "PUBLISHED", "s");
    add_attempt(&life, "1-3", "INTENT", "");
    assert_says(&life, REPLAY_UNSURE, "1-3", "", "s");
    struct life answered = { 0 };
    add_attempt(&answered, "1-2", "INITED", "p2");
    add_command(&answered, "s", "resolve", "1-2", "UNSURE", ",\"outcome\":\"failed\"");
    assert_says(&answered, REPLAY_PROCESSING, "1-2", "", "s");
}

TEST(what_was_said_to_have_failed_may_be_retried)
{
    struct life life = { 0 };
    add_attempt(&life, "1-2", "INTENT", "");
    add_command(&life, "a", "resolve", "1-2", "UNSURE", ",\"outcome\":\"failed\"");
    assert_says(&life, REPLAY_END, "1-2", "FAILED", "a");
    add_end(&life, "1-2", "FAILED");
    assert_says(&life, REPLAY_END, "1-2", "FAILED", "a");
    add_retry(&life, "1-2", "FAILED", "");
    assert_says(&life, REPLAY_NOTHING, "", "", "a r");
}

TEST(a_retry_does_not_take_back_that_it_was_posted)
{
    struct life life = { 0 };
    add_attempt(&life, "1-2", "INTENT", "");
    add_command(&life, "a", "resolve", "1-2", "UNSURE", ",\"outcome\":\"posted\"");
    add_retry(&life, "1-2", "FAILED", "");
    assert_says(&life, REPLAY_END, "1-2", "PUBLISHED", "a r");
}

TEST(a_cancel_decides_where_no_attempt_is_newer)
{
    struct life life = { 0 };
    add_command(&life, "c", "cancel", "0-0", "QUEUED", "");
    assert_says(&life, REPLAY_END, "", "CANCELLED", "c");
    struct life waited = { 0 };  // its attempt ended as one worth another try
    add_attempt(&waited, "1-2", "INITED", "p2");
    add_command(&waited, "c", "cancel", "1-2", "QUEUED", "");
    assert_says(&waited, REPLAY_END, "1-2", "CANCELLED", "c");
    add_attempt(&waited, "1-3", "INTENT", "");
    assert_says(&waited, REPLAY_UNSURE, "1-3", "", "c");
}

TEST(a_cancel_of_what_was_claimed_does_not_hide_that_it_may_have_been_sent)
{
    struct life life = { 0 };
    add_attempt(&life, "1-1", "INITED", "p1");
    add_command(&life, "c", "cancel", "1-2", "CLAIMED", "");
    assert_says(&life, REPLAY_END, "1-2", "CANCELLED", "c");
    add_attempt(&life, "1-2", "INTENT", "");
    assert_says(&life, REPLAY_UNSURE, "1-2", "", "c");
    struct life aborted = { 0 };
    add_attempt(&aborted, "1-2", "INTENT_ABORTED", "");
    add_command(&aborted, "c", "cancel", "1-2", "CLAIMED", "");
    assert_says(&aborted, REPLAY_END, "1-2", "CANCELLED", "c");
}

TEST(a_cancel_after_a_retry_stays)
{
    struct life life = { 0 };
    add_attempt(&life, "1-2", "INTENT", "");
    add_retry(&life, "1-2", "UNSURE", "");
    add_command(&life, "z", "cancel", "1-2", "QUEUED", "");
    assert_says(&life, REPLAY_END, "1-2", "CANCELLED", "z r");
    add_end(&life, "1-2", "CANCELLED");
    assert_says(&life, REPLAY_END, "1-2", "CANCELLED", "z r");
}

TEST(the_newest_reschedule_counts_and_the_place_breaks_a_tie)
{
    static const char text[] = "{\"v\":1,\"id\":\"%s\",\"what\":\"reschedule\",\"job_id\":\"j\","
                               "\"epoch\":\"0-0\",\"args\":"
                               "{\"state\":\"QUEUED\",\"publish_at\":%d,\"expires_at\":0},\"at\":%"
                               "d,\"source\":\"p-0@%d\"}";
    struct life       life   = { 0 };
    add(&life, "command/a", text, "a", 100, 30, 9);
    add(&life, "command/b", text, "b", 200, 30, 10);
    add(&life, "command/c", text, "c", 300, 20, 11);
    for (unsigned order = 0; order < 6; order++) {
        struct replay        *replay = fed(&life, order);
        struct replay_verdict verdict;
        replay_verdict(replay, 0, &verdict);
        assert_int_equal(verdict.publish_at_ms, 200);
        assert_int_equal(verdict.told_ms, 30);
        assert_str(verdict.commands, "c a b");
        replay_free(replay);
    }
}

TEST(only_the_newest_ids_are_told)
{
    struct replay        *replay = replay_new(0);
    struct replay_verdict verdict;
    for (int i = 0; i < 40; i++) {
        struct life life = { 0 };
        char        key[32];
        int         n = i * 17 % 40;
        snprintf(key, sizeof key, "command/i%02d", n);
        add(&life, key,
            "{\"v\":1,\"id\":\"i%02d\",\"what\":\"reschedule\",\"job_id\":\"j\",\"args\":{},\"at\":"
            "%d,"
            "\"source\":\"\"}",
            n, n);
        take(replay, &life, 0);
    }
    replay_verdict(replay, 0, &verdict);
    assert_str(verdict.commands, "i24 i25 i26 i27 i28 i29 i30 i31 i32 i33 i34 i35 i36 i37 i38 i39");
    replay_free(replay);
}

TEST(pauses_are_of_no_job)
{
    struct life         life = { 0 };
    struct replay_pause pause;
    add(&life, "command/p",
        "{\"v\":1,\"id\":\"p\",\"what\":\"pause\",\"account\":\"@a\",\"args\":{},\"at\":7,"
        "\"source\":\"\"}");
    add(&life, "command/q/refused",
        "{\"v\":1,\"id\":\"q\",\"what\":\"resume\",\"args\":{},\"at\":8,\"source\":\"\"}");
    struct replay *replay = fed(&life, 0);
    assert_int_equal(replay_jobs(replay), 0);
    assert_int_equal(replay_pauses(replay), 2);
    assert_true(replay_used(replay));
    assert_true(replay_pause(replay, 0, &pause));
    assert_str(pause.command->account, "@a");
    assert_int_equal(pause.at_ms, 7);
    assert_false(replay_pause(replay, 1, &pause));
    replay_free(replay);
}

TEST(a_tombstone_takes_a_command_away)
{
    struct life           life = { 0 };
    struct error          err;
    struct replay_verdict verdict;
    add_attempt(&life, "1-2", "INTENT", "");
    add_retry(&life, "1-2", "UNSURE", "");
    struct replay *replay = fed(&life, 0);
    assert_true(replay_record(replay, STR("command/r"), (struct str){ 0 }, &err));
    assert_true(replay_record(replay, STR("command/never"), (struct str){ 0 }, &err));
    replay_verdict(replay, 0, &verdict);
    assert_int_equal(verdict.says, REPLAY_UNSURE);
    assert_str(verdict.commands, "");
    replay_free(replay);
}

TEST(records_that_cannot_be_understood_are_refused)
{
    static const char *const rows[][2] = {
        { "command/", "{\"v\":1}" },
        { "command/a/b", "{\"v\":1,\"id\":\"a\",\"what\":\"cancel\",\"job_id\":\"j\"}" },
        { "command/a", "{\"v\":1,\"id\":\"a\",\"what\":\"explode\",\"job_id\":\"j\"}" },
        { "command/a", "{\"v\":1,\"id\":\"b\",\"what\":\"cancel\",\"job_id\":\"j\"}" },
        { "command/a", "{\"v\":1,\"id\":\"a\",\"what\":\"cancel\"}" },
        { "command/a", "{\"v\":3,\"id\":\"a\",\"what\":\"cancel\",\"job_id\":\"j\"}" },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct replay *replay = replay_new(0);
        struct error   err;
        assert_false(replay_record(replay, str_of(rows[i][0]), str_of(rows[i][1]), &err));
        assert_non_null(strstr(err.message, rows[i][0]));
        replay_free(replay);
    }
}
