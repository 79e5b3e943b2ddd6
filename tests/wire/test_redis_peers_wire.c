// SPDX-License-Identifier: Apache-2.0 Every way in which a peer may misbehave, and what is known
// about a command afterwards: maybe, or surely not.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache.h"
#include "case.h"
#include "deaf.h"
#include "dns.h"
#include "tls.h"

static const struct peer_step well[] = { GREET, GET("b"), SEND("+for b\r\n"), HANG };

// One line that says who; never the password.
static void assert_line(const struct error *err, enum effect effect, const char *who)
{
    assert_int_equal(err_effect(err->code), effect);
    if (!strstr(err->message, who) || strchr(err->message, '\n') || strstr(err->message, "SECRET"))
        fail_msg("not who, more than a line, or a secret: %s", err->message);
}

// A command is on its way when the peer does this; the next one goes to a connection that is well.
static void meet(const struct peer_step *script, struct redis_settings settings, enum err_code code,
                 const char *words)
{
    struct cache cache;
    struct asked a = { 0 };
    struct asked b = { 0 };
    char         who[32];
    cache_init_with(&cache, SCRIPTS(script, well), "", "", settings);
    snprintf(who, sizeof who, "127.0.0.1:%d", peer_port(cache.peer));
    ask(&cache, &a, "a");
    hear_error(&cache, &a, code);
    assert_line(&a.wait.err, EFFECT_MAYBE, who);
    if (!strstr(a.wait.err.message, words))
        fail_msg("not \"%s\": %s", words, a.wait.err.message);
    ask(&cache, &b, "b");
    hear(&cache, &b, "for b");
    assert_int_equal(peer_count(cache.peer, "$1\r\na\r\n"), 1);
    cache_fini(&cache);
}

TEST("half an answer and then silence loses the command, as a maybe")
{
    static const struct peer_step script[] = { GREET, GET("a"), SEND("$100\r\nhal"), HANG };
    meet(script, (struct redis_settings){ .connect_ms = 200, .silence_ms = 200 }, ERR_LOST,
         "not a byte");
}

TEST("an answer byte by byte is taken")
{
    static const struct peer_step script[] = { GREET, GET("a"), DRIP("$5\r\nhello\r\n", 10), HANG };
    struct cache                  cache;
    struct asked                  a = { 0 };
    cache_init_with(&cache, SCRIPTS(script), "", "", (struct redis_settings){ .silence_ms = 200 });
    ask(&cache, &a, "a");
    hear(&cache, &a, "hello");
    cache_fini(&cache);
}

TEST("a bulk, a line, an array or garbage without end is cut off, as a maybe")
{
    static const char *const endless[][2] = { { "$2000000000\r\n", "0123456789" },
                                              { "+", "0123456789" },
                                              { "*1000000\r\n", "$1\r\nx\r\n" },
                                              { "*1\r\n", "*1\r\n" },
                                              { "\x16\x03\x01", "\xff\xfe\xfd" } };
    for (size_t i = 0; i < COUNT_OF(endless); i++) {
        const struct peer_step script[] = { GREET, GET("a"), SEND(endless[i][0]),
                                            FLOOD(endless[i][1]) };
        meet(script, (struct redis_settings){ .answer_max_bytes = 1 << 20 }, ERR_BROKEN, "");
    }
}

TEST("what is no RESP2 is refused, as a maybe")
{
    static const char *const odd[] = { "$-2\r\n",
                                       "$x\r\n",
                                       "*-2\r\n",
                                       ":\r\nx\r\n",
                                       "$99999999999999999999999\r\n",
                                       "%1\r\n+a\r\n+b\r\n",
                                       ">2\r\n+a\r\n+b\r\n",
                                       "HTTP/1.1 400 Bad Request\r\n\r\n" };
    for (size_t i = 0; i < COUNT_OF(odd); i++) {
        const struct peer_step script[] = { GREET, GET("a"), SEND(odd[i]), HANG };
        meet(script, (struct redis_settings){ 0 }, ERR_BROKEN, "");
    }
}

TEST("an answer before the greeting is no greeting, and the next connection is well")
{
    static const struct peer_step early[] = { SEND("+PONG\r\n"), AWAIT(PING), SEND("+PONG\r\n"),
                                              HANG };
    struct cache                  cache;
    struct asked                  b = { 0 };
    cache_init(&cache, SCRIPTS(early, well));
    wait_for(cache.loop, &cache.connects, 2);
    ask(&cache, &b, "b");
    hear(&cache, &b, "for b");
    assert_int_equal(peer_count(cache.peer, "$1\r\nb\r\n"), 1);
    cache_fini(&cache);
}

// What Redis itself answers is an answer: the connection stays, and who asked decides.
TEST("an error of Redis is an answer of that kind, and the connection stays")
{
    static const char *const errors[] = {
        "LOADING Redis is loading the dataset in memory",
        "NOREPLICAS Not enough good replicas to write.",
        "OOM command not allowed when used memory > 'maxmemory'.",
        "BUSY Redis is busy running a script.",
        "NOPERM this user has no permissions to run the 'get' command",
        "MISCONF Redis is configured to save RDB snapshots",
        "MOVED 3999 127.0.0.1:6381",
        "CROSSSLOT Keys in request don't hash to the same slot",
        "WRONGTYPE Operation against a key holding the wrong kind of value",
    };
    for (size_t i = 0; i < COUNT_OF(errors); i++) {
        char line[128];
        snprintf(line, sizeof line, "-%s\r\n", errors[i]);
        const struct peer_step script[] = { GREET,    GET("a"),           SEND(line),
                                            GET("b"), SEND("+for b\r\n"), HANG };
        struct cache           cache;
        struct asked           a = { 0 };
        struct asked           b = { 0 };
        cache_init(&cache, SCRIPTS(script));
        ask(&cache, &a, "a");
        wait_ok(cache.loop, &a.wait);
        assert_int_equal(a.reply.answer.kind, ANSWER_ERROR);
        assert_true(str_is(a.reply.answer.text, errors[i]));
        redis_reply_fini(&a.reply);
        ask(&cache, &b, "b");
        hear(&cache, &b, "for b");
        assert_int_equal(cache.connects, 1);
        cache_fini(&cache);
    }
}

TEST("one that became a replica is left, so that a name that moved is asked again")
{
    static const char *const errors[] = {
        "-READONLY You can't write against a read only replica.\r\n",
        "-MASTERDOWN Link with MASTER is down\r\n"
    };
    for (size_t i = 0; i < COUNT_OF(errors); i++) {
        const struct peer_step script[] = { GREET, GET("a"), SEND(errors[i]), HANG };
        struct cache           cache;
        struct asked           a = { 0 };
        struct asked           b = { 0 };
        cache_init(&cache, SCRIPTS(script, well));
        ask(&cache, &a, "a");
        wait_ok(cache.loop, &a.wait);
        assert_int_equal(a.reply.answer.kind, ANSWER_ERROR);
        redis_reply_fini(&a.reply);
        ask(&cache, &b, "b");
        hear(&cache, &b, "for b");
        assert_int_equal(cache.connects, 2);
        cache_fini(&cache);
    }
}

// Nothing of a command has left when the connection never came about.
static void never_connect(struct cache *cache, const char *url, const char *who, const char *words,
                          struct redis_settings settings)
{
    struct asked a = { 0 };
    cache_open(cache, url, settings);
    ask_within(cache, &a, "a", 300);
    hear_error(cache, &a, ERR_CONNECT);
    assert_line(&a.wait.err, EFFECT_NO, who);
    if (!strstr(a.wait.err.message, words))
        fail_msg("not \"%s\": %s", words, a.wait.err.message);
    assert_string_equal(redis_why(cache->redis),
                        strstr(a.wait.err.message, redis_why(cache->redis)));
    assert_int_equal(cache->connects, 0);
}

TEST("a connect that is refused, or hangs, is surely not sent")
{
    static const struct peer_step nobody[] = { END };
    struct deaf                   deaf;
    struct cache                  cache = { .loop = loop_new() };
    char                          url[64];
    deaf_init(&deaf);
    snprintf(url, sizeof url, "redis://:SECRET@127.0.0.1:%d", deaf.port);
    never_connect(&cache, url, "127.0.0.1:", "not connected after 200 ms",
                  (struct redis_settings){ .connect_ms = 200 });
    deaf_fini(&deaf);
    cache_fini(&cache);
    struct peer *peer = peer_new((const struct peer_step *const[]){ nobody, NULL }, NULL, NULL);
    snprintf(url, sizeof url, "redis://:SECRET@127.0.0.1:%d", peer_port(peer));
    peer_free(peer);
    cache = (struct cache){ .loop = loop_new() };
    never_connect(&cache, url, "127.0.0.1:", "Connection refused", (struct redis_settings){ 0 });
    cache_fini(&cache);
}

// evdns frees a lookup that was given up only when the loop turns
static void lookup_end(struct cache *cache)
{
    redis_free(cache->redis);
    cache->redis = NULL;
    wait_ms(cache->loop, 20);
    cache_fini(cache);
}

TEST("a name that does not exist, or whose server hangs, is surely not sent")
{
    struct hung_dns dns;
    if (!hung_dns_begin(&dns))
        skip();
    struct cache cache = { .loop = loop_new() };
    never_connect(&cache, "redis://:SECRET@nobody.example", "nobody.example:6379", "name not found",
                  (struct redis_settings){ .connect_ms = 200 });
    lookup_end(&cache);
    hung_dns_know_nothing(&dns);
    cache = (struct cache){ .loop = loop_new() };
    never_connect(&cache, "redis://:SECRET@nobody.example", "nobody.example:6379", "not known",
                  (struct redis_settings){ .connect_ms = 2000 });
    lookup_end(&cache);
    hung_dns_end(&dns);
}

TEST(
    "a permit that says no, or cannot be asked, keeps every command unsent, and its words are told")
{
    static const struct redis_script script = { "permit", "return 'OK'", 11,
                                                "0123456789012345678901234567890123456789" };
    static const struct {
        const char *answer;
        const char *words;
    } rows[] = { { "+its ACL does not allow +info\r\n", "its ACL does not allow +info" },
                 { "-NOPERM this user has no permissions to run the 'eval' command\r\n",
                   "EVAL refused: NOPERM" },
                 { "-MOVED 3999 127.0.0.1:6381\r\n", "Redis Cluster" },
                 { "-BUSY Redis is busy running a script.\r\n", "EVAL refused: BUSY" } };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct peer_step refuses[] = {
            AWAIT("*4\r\n$4\r\nEVAL\r\n$11\r\nreturn 'OK'\r\n$1\r\n1\r\n$8\r\n{f}:gate\r\n"),
            AWAIT(PING), SEND(rows[i].answer), SEND("+PONG\r\n"), HANG
        };
        struct cache cache = { .loop = loop_new() };
        char         url[64];
        cache.peer = peer_new((const struct peer_step *const[]){ refuses, NULL }, NULL, NULL);
        snprintf(url, sizeof url, "redis://127.0.0.1:%d", peer_port(cache.peer));
        never_connect(&cache, url, "127.0.0.1:", rows[i].words,
                      (struct redis_settings){ .permit = &script, .permit_key = "{f}:gate" });
        assert_int_equal(peer_count(cache.peer, "GET"), 0);
        cache_fini(&cache);
    }
}

static void expire(struct tls_files *files)
{
    tls_files_date(files, -3, -1);
}

TEST("over TLS nothing is sent to a peer whose certificate is wrong, and it is said what would be "
     "right")
{
    static const struct {
        const char *names;
        void (*spoil)(struct tls_files *);
        const char *words;
    } rows[] = { { "DNS:elsewhere.example", NULL, "the certificate is not for localhost" },
                 { "DNS:localhost", expire, "certificate has expired" },
                 { "DNS:localhost", tls_files_self_sign, "trusted are the authorities of /" } };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct cache     cache = { .loop = loop_new() };
        struct tls_files files;
        char             url[64];
        tls_files_init(&files, rows[i].names);
        if (rows[i].spoil)
            rows[i].spoil(&files);
        cache.peer =
            peer_new((const struct peer_step *const[]){ well, NULL }, files.cert, files.key);
        snprintf(url, sizeof url, "rediss://:SECRET@localhost:%d", peer_port(cache.peer));
        never_connect(&cache, url, "localhost:", rows[i].words,
                      (struct redis_settings){ .ca_file = files.ca });
        assert_int_equal(peer_count(cache.peer, "AUTH"), 0);
        cache_fini(&cache);
        tls_files_fini(&files);
    }
}
