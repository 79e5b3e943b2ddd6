// SPDX-License-Identifier: Apache-2.0
// The connection: how it comes, greets, breaks and comes again.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "cache.h"
#include "case.h"
#include "io/redis_url.h"
#include "redis_server.h"
#include "tls.h"

TEST("a command whose deadline passes without a connection is ERR_CONNECT and says why")
{
    static const struct peer_step script[] = { AWAIT(PING), END };
    struct cache                  cache;
    struct asked                  a = { 0 };
    cache_init(&cache, SCRIPTS(script));
    ask_within(&cache, &a, "a", 300);
    hear_error(&cache, &a, ERR_CONNECT);
    assert_non_null(strstr(a.wait.err.message, "closed by the other side"));
    assert_false(redis_connected(cache.redis));
    cache_fini(&cache);
}

static void lose(const struct peer_step *first)
{
    static const struct peer_step second[] = { GREET, GET("b"), SEND("+for b\r\n"), HANG };
    struct cache                  cache;
    struct asked                  a = { 0 };
    struct asked                  b = { 0 };
    cache_init(&cache, SCRIPTS(first, second));
    ask(&cache, &a, "a");
    hear_error(&cache, &a, ERR_LOST);
    ask(&cache, &b, "b");
    hear(&cache, &b, "for b");
    assert_int_equal(peer_count(cache.peer, "$1\r\na\r\n"), 1);
    cache_fini(&cache);
}

TEST("a hang-up or a reset loses the commands written, which are not written again, and keeps "
     "those asked for later")
{
    static const struct peer_step hangs_up[] = { GREET, GET("a"), END };
    static const struct peer_step resets[]   = { GREET, GET("a"), RESET };
    static const struct peer_step half[]     = { GREET, GET("a"), SEND("$100\r\nhal"), END };
    lose(hangs_up);
    lose(resets);
    lose(half);
}

TEST("an answer to nothing closes the connection")
{
    static const struct peer_step first[]  = { GREET,     GET("a"),           SEND("+for a\r\n"),
                                               SLEEP(50), SEND("+again\r\n"), HANG };
    static const struct peer_step second[] = { GREET, GET("b"), SEND("+for b\r\n"), HANG };
    struct cache                  cache;
    struct asked                  a = { 0 };
    struct asked                  b = { 0 };
    cache_init(&cache, SCRIPTS(first, second));
    ask(&cache, &a, "a");
    hear(&cache, &a, "for a");
    wait_for(cache.loop, &cache.connects, 2);
    ask(&cache, &b, "b");
    hear(&cache, &b, "for b");
    cache_fini(&cache);
}

TEST("AUTH and SELECT come first on every connection, the password decoded")
{
    static const struct peer_step script[] = {
        AWAIT("*3\r\n$4\r\nAUTH\r\n$3\r\nann\r\n$5\r\np@s/:\r\n"),
        AWAIT("*2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n"),
        AWAIT(PING),
        SEND("+OK\r\n+OK\r\n+PONG\r\n"),
        GET("a"),
        SEND("+for a\r\n"),
        END
    };
    struct cache cache;
    struct asked a = { 0 };
    cache_init_with(&cache, SCRIPTS(script), "ann:p%40s%2F%3a@", "/3",
                    (struct redis_settings){ 0 });
    for (int i = 1; i <= 2; i++) {
        ask(&cache, &a, "a");
        hear(&cache, &a, "for a");
        wait_for(cache.loop, &cache.connects, i + 1);
    }
    cache_fini(&cache);
}

// What was logged while it was open; the caller frees it.
static char *log_taken(int fd)
{
    struct buf bytes;
    char       piece[512];
    ssize_t    n = 0;
    log_drain(1000);
    log_open(STDERR_FILENO, "test", LOG_ERROR);
    buf_init(&bytes, 1 << 20);
    buf_add_char(&bytes, '\n');
    lseek(fd, 0, SEEK_SET);
    while ((n = read(fd, piece, sizeof piece)) > 0)
        buf_add(&bytes, (struct str){ piece, (size_t)n });
    close(fd);
    return bytes.p;
}

static int log_kept(void)
{
    char path[] = "/tmp/tokfleet-log-XXXXXX";
    int  fd     = mkstemp(path);
    assert_true(fd >= 0);
    unlink(path);
    log_open(fd, "test", LOG_WARN);
    return fd;
}

TEST("refused credentials are logged in one line without the password, and tried again until they "
     "are taken")
{
    static const struct peer_step no[]  = { AWAIT("hunter2\r\n"),
                                            SEND("-WRONGPASS invalid username-password pair\r\n"),
                                            HANG };
    static const struct peer_step yes[] = {
        AWAIT("hunter2\r\n"), SEND("+OK\r\n"), GREET, GET("a"), SEND("+for a\r\n"), HANG
    };
    struct cache cache;
    struct asked a   = { 0 };
    int          log = log_kept();
    cache_init_with(&cache, SCRIPTS(no, no, no, yes), ":hunter2@", "",
                    (struct redis_settings){ 0 });
    ask(&cache, &a, "a");
    hear(&cache, &a, "for a");
    char *lines = log_taken(log);
    char *line  = strstr(lines, "WRONGPASS");
    assert_non_null(line);
    assert_null(strstr(line + 1, "WRONGPASS"));
    assert_null(strstr(lines, "hunter2"));
    assert_int_equal(peer_accepted(cache.peer), 4);
    free(lines);
    cache_fini(&cache);
}

TEST("a Redis that wants credentials which the URL does not have is ERR_CONNECT, with its words")
{
    static const struct peer_step script[] = { AWAIT(PING),
                                               SEND("-NOAUTH Authentication required.\r\n"), HANG };
    struct cache                  cache;
    struct asked                  a = { 0 };
    cache_init(&cache, SCRIPTS(script));
    ask_within(&cache, &a, "a", 300);
    hear_error(&cache, &a, ERR_CONNECT);
    assert_non_null(strstr(a.wait.err.message, "NOAUTH"));
    assert_int_equal(peer_count(cache.peer, "GET"), 0);
    cache_fini(&cache);
}

TEST("a Redis that is loading is not connected yet, one where PING is forbidden is")
{
    static const struct peer_step loading[] = { AWAIT(PING), SEND("-LOADING Redis is loading\r\n"),
                                                HANG };
    static const struct peer_step forbidden[] = { AWAIT(PING), SEND("-NOPERM this user\r\n"),
                                                  GET("a"), SEND("+for a\r\n"), HANG };
    struct cache                  cache;
    struct asked                  a = { 0 };
    cache_init(&cache, SCRIPTS(loading, forbidden));
    ask(&cache, &a, "a");
    hear(&cache, &a, "for a");
    assert_int_equal(peer_accepted(cache.peer), 2);
    cache_fini(&cache);
}

TEST("a peer that accepts and says nothing is given up, before it is connected and after")
{
    static const struct peer_step mute[]  = { HANG };
    static const struct peer_step dies[]  = { GREET, HANG };
    static const struct peer_step lives[] = { GREET, GET("b"), SEND("+for b\r\n"), HANG };
    struct cache                  cache;
    struct asked                  a = { 0 };
    struct asked                  b = { 0 };
    cache_init_with(&cache, SCRIPTS(mute, dies, lives), "", "",
                    (struct redis_settings){ .connect_ms = 200, .silence_ms = 200 });
    ask(&cache, &a, "a");
    hear_error(&cache, &a, ERR_LOST);
    assert_non_null(strstr(a.wait.err.message, "not a byte"));
    ask(&cache, &b, "b");
    hear(&cache, &b, "for b");
    cache_fini(&cache);
}

static struct asked first_asked;

static void on_connect_ask(void *owner)
{
    struct cache *cache = owner;
    cache->connects++;
    ask(cache, &first_asked, "f");
}

TEST("what on_connect asks for goes before the commands that waited")
{
    static const struct peer_step script[] = { GREET, GET("f"), GET("a"),
                                               SEND("+for f\r\n+for a\r\n"), HANG };
    struct cache                  cache;
    struct asked                  a = { 0 };
    cache_init(&cache, SCRIPTS(script));
    redis_on_connect(cache.redis, on_connect_ask, &cache);
    ask(&cache, &a, "a");
    hear(&cache, &a, "for a");
    hear(&cache, &first_asked, "for f");
    cache_fini(&cache);
}

TEST("rediss:// speaks TLS, and to nobody whose certificate is for another name")
{
    static const struct peer_step        script[]  = { GREET, GET("a"), SEND("+for a\r\n"), HANG };
    static const struct peer_step *const scripts[] = { script, NULL };
    for (int good = 0; good <= 1; good++) {
        struct cache     cache = { .loop = loop_new() };
        struct asked     a     = { 0 };
        struct tls_files files;
        char             url[64];
        tls_files_init(&files, good ? "DNS:localhost" : "DNS:elsewhere.example");
        cache.peer = peer_new(scripts, files.cert, files.key);
        snprintf(url, sizeof url, "rediss://localhost:%d", peer_port(cache.peer));
        cache_open(&cache, url, (struct redis_settings){ .ca_file = files.ca });
        ask_within(&cache, &a, "a", good ? PATIENCE_MS : 500);
        if (good)
            hear(&cache, &a, "for a");
        else
            hear_error(&cache, &a, ERR_CONNECT);
        cache_fini(&cache);
        tls_files_fini(&files);
    }
}

TEST("a URL says user, password, host, port and database")
{
    struct redis_url url;
    struct error     err;
    assert_true(redis_url_parse("rediss://u%20v:p%2540@redis.example:7000/12", &url, &err));
    assert_string_equal(url.user, "u v");
    assert_string_equal(url.password, "p%40");
    assert_string_equal(url.host.name, "redis.example");
    assert_true(url.tls && url.host.port == 7000 && url.db == 12);
    redis_url_fini(&url);
    assert_true(redis_url_parse("redis://:a@b@[::1]", &url, &err));
    assert_string_equal(url.password, "a@b");
    assert_string_equal(url.host.name, "::1");
    assert_true(!url.user && !url.tls && url.host.port == 6379 && url.db == 0);
    redis_url_fini(&url);
    assert_true(redis_url_parse("redis://h/", &url, &err));
    redis_url_fini(&url);
}

TEST("a URL that cannot be understood is ERR_SETTING and is not repeated in the message")
{
    static const char *const bad[] = { "",
                                       "h:6379",
                                       "http://SECRET@h",
                                       "redis://",
                                       "redis://SECRET@h",
                                       "redis://u:SECRET%zz@h",
                                       "redis://u:SECRET%00@h",
                                       "redis://u:SECRET%4@h",
                                       "redis://:SECRET@",
                                       "redis://:SECRET@h:0",
                                       "redis://:SECRET@h:65536",
                                       "redis://:SECRET@h:",
                                       "redis://:SECRET@h/x",
                                       "redis://:SECRET@h/-1",
                                       "redis://:SECRET@h?db=1",
                                       "redis://:SECRET@[::1",
                                       "redis://:SECRET@[::1]x",
                                       "redis://:SECRET@h h",
                                       "redis://:SECRET@h,i" };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct redis_url url;
        struct error     err = { 0 };
        if (redis_url_parse(bad[i], &url, &err))
            fail_msg("understood: %s", bad[i]);
        assert_int_equal(err.code, ERR_SETTING);
        assert_null(strstr(err.message, "SECRET"));
    }
}

static const struct redis_script claim = { "claim", "return ARGV[1]", 14,
                                           "0123456789012345678901234567890123456789" };

TEST("with a real Redis: SET and GET any bytes, an unknown script, an answer too late, a kill and "
     "a restart")
{
    struct redis_server server;
    struct cache        cache = { .loop = loop_new() };
    struct asked        a     = { 0 };
    struct asked        b     = { 0 };
    if (!redis_server_start(&server, "sesame"))
        skip();
    cache_open(&cache, server.url, (struct redis_settings){ 0 });
    redis_command(cache.redis, (struct str[]){ STR("SET"), STR("k"), STR("v\0\r\nw") }, 3,
                  PATIENCE_MS, &a.reply, &a.wait.call, wait_on_done);
    hear(&cache, &a, "OK");
    ask(&cache, &a, "k");
    wait_ok(cache.loop, &a.wait);
    assert_true(str_eq(a.reply.answer.text, STR("v\0\r\nw")));
    a.wait.dones = 0;
    redis_eval(cache.redis, &claim, str_of("key"), (struct str[]){ STR("x") }, 1, PATIENCE_MS,
               &a.reply, &a.wait.call, wait_on_done);
    hear(&cache, &a, "x");
    a.wait.dones = 0;
    redis_command(cache.redis, (struct str[]){ STR("BLPOP"), STR("none"), STR("0.3") }, 3, 50,
                  &a.reply, &a.wait.call, wait_on_done);
    hear_error(&cache, &a, ERR_TIMEOUT);
    redis_command(cache.redis, (struct str[]){ STR("ECHO"), STR("mine") }, 2, PATIENCE_MS, &b.reply,
                  &b.wait.call, wait_on_done);
    hear(&cache, &b, "mine");
    redis_server_kill(&server);
    wait_ms(cache.loop, 50);
    ask(&cache, &a, "k");
    redis_server_again(&server);
    wait_ok(cache.loop, &a.wait);
    assert_int_equal(a.reply.answer.kind, ANSWER_NIL);
    redis_reply_fini(&a.reply);
    assert_int_equal(cache.connects, 2);
    cache_fini(&cache);
    redis_server_stop(&server);
}
