// SPDX-License-Identifier: Apache-2.0
// Commands and their answers.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache.h"
#include "case.h"
#include "redis_server.h"

TEST("each kind of answer is told apart, nested ones too")
{
    static const struct peer_step script[] = {
        GREET, GET("a"),
        SEND("*6\r\n$-1\r\n+OK\r\n:-7\r\n$2\r\na\n\r\n*2\r\n:1\r\n*0\r\n-ERR no\r\n"), HANG
    };
    struct cache cache;
    struct asked a = { 0 };
    cache_init(&cache, SCRIPTS(script));
    ask(&cache, &a, "a");
    wait_ok(cache.loop, &a.wait);
    const struct answer *items = a.reply.answer.items;
    assert_int_equal(a.reply.answer.count, 6);
    assert_int_equal(items[0].kind, ANSWER_NIL);
    assert_true(str_is(items[1].text, "OK"));
    assert_int_equal(items[2].number, -7);
    assert_true(str_is(answer_item(&a.reply.answer, 3), "a\n"));
    assert_int_equal(items[4].items[0].number, 1);
    assert_int_equal(items[4].items[1].count, 0);
    assert_int_equal(items[5].kind, ANSWER_ERROR);
    assert_int_equal(answer_item(&a.reply.answer, 0).len + answer_item(&a.reply.answer, 9).len, 0);
    redis_reply_fini(&a.reply);
    cache_fini(&cache);
}

TEST("a field of a flat array is found by its name, not by a value that looks like it")
{
    static const struct peer_step script[] = {
        GREET, GET("a"), SEND("*4\r\n$5\r\nstate\r\n$3\r\nage\r\n$3\r\nage\r\n$1\r\n7\r\n"), HANG
    };
    struct cache cache;
    struct asked a = { 0 };
    cache_init(&cache, SCRIPTS(script));
    ask(&cache, &a, "a");
    wait_ok(cache.loop, &a.wait);
    assert_true(str_is(answer_field(&a.reply.answer, "age"), "7"));
    assert_int_equal(answer_field(&a.reply.answer, "none").len, 0);
    redis_reply_fini(&a.reply);
    cache_fini(&cache);
}

TEST("an answer in pieces is put together, and several in one piece are told apart")
{
    static const struct peer_step script[] = { GREET,
                                               GET("c"),
                                               SEND("$5\r\nhe"),
                                               SLEEP(50),
                                               SEND("llo\r"),
                                               SLEEP(50),
                                               SEND("\n+two\r\n+three\r\n"),
                                               HANG };
    struct cache                  cache;
    struct asked                  a = { 0 };
    struct asked                  b = { 0 };
    struct asked                  c = { 0 };
    cache_init(&cache, SCRIPTS(script));
    ask(&cache, &a, "a");
    ask(&cache, &b, "b");
    ask(&cache, &c, "c");
    hear(&cache, &a, "hello");
    hear(&cache, &b, "two");
    hear(&cache, &c, "three");
    cache_fini(&cache);
}

TEST("an answer that comes after the deadline is dropped and the next command gets its own")
{
    static const struct peer_step script[] = {
        GREET, GET("a"), GET("b"), SEND("+for a\r\n"), SLEEP(50), SEND("+for b\r\n"), HANG
    };
    struct cache cache;
    struct asked a = { 0 };
    struct asked b = { 0 };
    cache_init(&cache, SCRIPTS(script));
    wait_for(cache.loop, &cache.connects, 1);
    ask_within(&cache, &a, "a", 50);
    hear_error(&cache, &a, ERR_TIMEOUT);
    ask(&cache, &b, "b");
    hear(&cache, &b, "for b");
    assert_int_equal(a.wait.dones, 1);
    cache_fini(&cache);
}

TEST("an answer to a cancelled command is dropped, and the same call may be started anew meanwhile")
{
    static const struct peer_step script[] = { GREET, GET("a"), GET("b"),
                                               SEND("+for a\r\n+for b\r\n"), HANG };
    struct cache                  cache;
    struct asked                  a = { 0 };
    cache_init(&cache, SCRIPTS(script));
    wait_for(cache.loop, &cache.connects, 1);
    ask(&cache, &a, "a");
    call_cancel(&a.wait.call);
    ask(&cache, &a, "b");
    hear(&cache, &a, "for b");
    assert_int_equal(peer_count(cache.peer, "GET"), 2);
    cache_fini(&cache);
}

TEST("a command cancelled before the connection was there is never written")
{
    static const struct peer_step script[] = { GREET, GET("b"), SEND("+for b\r\n"), HANG };
    struct cache                  cache;
    struct asked                  a = { 0 };
    struct asked                  b = { 0 };
    cache_init(&cache, SCRIPTS(script));
    ask(&cache, &a, "a");
    ask(&cache, &b, "b");
    call_cancel(&a.wait.call);
    hear(&cache, &b, "for b");
    assert_int_equal(peer_count(cache.peer, "GET"), 1);
    assert_int_equal(a.wait.dones, 0);
    cache_fini(&cache);
}

TEST("ten thousand commands, every third cancelled, get their own answers in order")
{
    enum { N = 10000 };
    struct redis_server server;
    struct cache        cache = { .loop = loop_new() };
    struct asked       *asked = xcalloc(N, sizeof *asked);
    char                text[16];
    if (!redis_server_start(&server, NULL))
        skip();
    cache_open(&cache, server.url, (struct redis_settings){ 0 });
    wait_for(cache.loop, &cache.connects, 1);
    for (int i = 0; i < N; i++) {
        snprintf(text, sizeof text, "%d", i);
        redis_command(cache.redis, (struct str[]){ STR("ECHO"), str_of(text) }, 2, PATIENCE_MS,
                      &asked[i].reply, &asked[i].wait.call, wait_on_done);
    }
    for (int i = 0; i < N; i += 3)
        call_cancel(&asked[i].wait.call);
    for (int i = 0; i < N; i++) {
        snprintf(text, sizeof text, "%d", i);
        if (i % 3)
            hear(&cache, &asked[i], text);
    }
    for (int i = 0; i < N; i += 3)
        assert_int_equal(asked[i].wait.dones, 0);
    free(asked);
    cache_fini(&cache);
    redis_server_stop(&server);
}

TEST("garbage in the stream is ERR_BROKEN for the command it answers, ERR_LOST for those behind, "
     "then all is well again")
{
    static const struct peer_step first[]  = { GREET, GET("c"),
                                               SEND("+for a\r\nHTTP/1.1 400 Bad\r\n+for c\r\n"),
                                               HANG };
    static const struct peer_step second[] = { GREET, GET("d"), SEND("+for d\r\n"), HANG };
    struct cache                  cache;
    struct asked                  a[4] = { 0 };
    cache_init(&cache, SCRIPTS(first, second));
    ask(&cache, &a[0], "a");
    ask(&cache, &a[1], "b");
    ask(&cache, &a[2], "c");
    hear(&cache, &a[0], "for a");
    hear_error(&cache, &a[1], ERR_BROKEN);
    hear_error(&cache, &a[2], ERR_LOST);
    ask(&cache, &a[3], "d");
    hear(&cache, &a[3], "for d");
    assert_int_equal(cache.connects, 2);
    cache_fini(&cache);
}

static void answer_too_much(const char *bytes)
{
    const struct peer_step script[] = { GREET, GET("a"), SEND(bytes), HANG };
    struct cache           cache;
    struct asked           a = { 0 };
    cache_init_with(&cache, SCRIPTS(script), "", "",
                    (struct redis_settings){ .answer_max_bytes = 1000 });
    ask(&cache, &a, "a");
    hear_error(&cache, &a, ERR_BROKEN);
    assert_non_null(strstr(a.wait.err.message, "too long"));
    cache_fini(&cache);
}

TEST("an answer that is too long, or announces too many items, closes the connection")
{
    char bytes[1200];
    snprintf(bytes, sizeof bytes, "$5000\r\n%01100d", 0);
    answer_too_much(bytes);
    answer_too_much("*2147483647\r\n");
    answer_too_much("*300\r\n*300\r\n");
}

TEST("one command more than may be in flight is ERR_FULL, and one that timed out still counts "
     "until it is answered")
{
    static const struct peer_step script[] = { GREET,
                                               GET("a"),
                                               AWAIT("b\r\n"),
                                               SLEEP(300),
                                               SEND("+a\r\n+b\r\n"),
                                               GET("d"),
                                               SEND("+for d\r\n"),
                                               HANG };
    struct cache                  cache;
    struct asked                  a[4] = { 0 };
    cache_init_with(&cache, SCRIPTS(script), "", "", (struct redis_settings){ .in_flight_max = 2 });
    wait_for(cache.loop, &cache.connects, 1);
    ask_within(&cache, &a[0], "a", 20);
    ask(&cache, &a[1], "b");
    hear_error(&cache, &a[0], ERR_TIMEOUT);
    ask(&cache, &a[2], "c");
    hear_error(&cache, &a[2], ERR_FULL);
    hear(&cache, &a[1], "b");
    ask(&cache, &a[3], "d");
    hear(&cache, &a[3], "for d");
    assert_int_equal(peer_count(cache.peer, "c\r\n"), 0);
    cache_fini(&cache);
}

#define SHA "0123456789012345678901234567890123456789"
static const struct redis_script claim = { "claim", "return ARGV[1]", 14, SHA };

static void eval(struct cache *cache, struct asked *asked)
{
    redis_eval(cache->redis, &claim, str_of("key"), (struct str[]){ STR("x") }, 1, PATIENCE_MS,
               &asked->reply, &asked->wait.call, wait_on_done);
}

#define EVALSHA                                                                                    \
    AWAIT("*5\r\n$7\r\nEVALSHA\r\n$40\r\n" SHA "\r\n$1\r\n1\r\n$3\r\nkey\r\n$1\r\nx\r\n")
#define EVAL                                                                                       \
    AWAIT("*5\r\n$4\r\nEVAL\r\n$14\r\nreturn ARGV[1]\r\n$1\r\n1\r\n$3\r\nkey\r\n$1\r\nx\r\n")

TEST("a script that Redis does not know is sent as text, behind what was written meanwhile")
{
    static const struct peer_step script[] = {
        GREET, EVALSHA, GET("b"), SEND("-NOSCRIPT No\r\n+for b\r\n"), EVAL, SEND("+for a\r\n"), HANG
    };
    struct cache cache;
    struct asked a = { 0 };
    struct asked b = { 0 };
    cache_init(&cache, SCRIPTS(script));
    eval(&cache, &a);
    ask(&cache, &b, "b");
    hear(&cache, &b, "for b");
    hear(&cache, &a, "for a");
    cache_fini(&cache);
}

TEST("a script whose text is not known either is answered so, after one repeat")
{
    static const struct peer_step script[] = {
        GREET, EVALSHA, SEND("-NOSCRIPT No\r\n"), EVAL, SEND("-NOSCRIPT No\r\n"), HANG
    };
    struct cache cache;
    struct asked a = { 0 };
    cache_init(&cache, SCRIPTS(script));
    eval(&cache, &a);
    wait_ok(cache.loop, &a.wait);
    assert_int_equal(a.reply.answer.kind, ANSWER_ERROR);
    assert_int_equal(peer_count(cache.peer, "EVAL"), 2);
    redis_reply_fini(&a.reply);
    cache_fini(&cache);
}

TEST("a script that was cancelled is not sent as text")
{
    static const struct peer_step script[] = { GREET, EVALSHA, GET("b"),
                                               SEND("-NOSCRIPT No\r\n+for b\r\n"), HANG };
    struct cache                  cache;
    struct asked                  a = { 0 };
    struct asked                  b = { 0 };
    cache_init(&cache, SCRIPTS(script));
    wait_for(cache.loop, &cache.connects, 1);
    eval(&cache, &a);
    call_cancel(&a.wait.call);
    ask(&cache, &b, "b");
    hear(&cache, &b, "for b");
    wait_ms(cache.loop, 100);
    assert_int_equal(peer_count(cache.peer, "EVAL\r\n"), 0);
    cache_fini(&cache);
}
