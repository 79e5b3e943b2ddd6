// SPDX-License-Identifier: Apache-2.0
// redis+sentinel://: who is asked for the primary, what is believed, and when it is asked again.
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cache.h"
#include "case.h"
#include "io/redis_url.h"

#define ASKED AWAIT("*3\r\n$8\r\nSENTINEL\r\n$23\r\nget-master-addr-by-name\r\n$4\r\nmain\r\n")
#define ROLE "*1\r\n$4\r\nROLE\r\n"
#define PRIMARY AWAIT(ROLE), AWAIT(PING), SEND("*3\r\n$6\r\nmaster\r\n:100\r\n*0\r\n+PONG\r\n")
#define REPLICA                                                                                    \
    AWAIT(ROLE), AWAIT(PING),                                                                      \
        SEND("*5\r\n$5\r\nslave\r\n$9\r\n127.0.0.1\r\n:1\r\n$9\r\nconnected\r\n:7\r\n+PONG\r\n")

enum { SENTINELS = 3, SERVERS = 2 };

struct watched {
    struct cache cache;  // its peer is NULL
    struct peer *sentinels[SENTINELS];
    struct peer *servers[SERVERS];
};

static const struct peer_step        nobody[]        = { HANG };
static const struct peer_step *const nobody_script[] = { nobody, NULL };

// What a sentinel says of a port; lives as long as the test.
struct named {
    char             text[64];
    struct peer_step steps[4];
};

static const struct peer_step *named(struct named *named, int port)
{
    snprintf(named->text, sizeof named->text, "*2\r\n$9\r\n127.0.0.1\r\n$%d\r\n%d\r\n",
             port < 10000 ? 4 : 5, port);
    named->steps[0] = (struct peer_step)ASKED;
    named->steps[1] = (struct peer_step)SEND(named->text);
    named->steps[2] = (struct peer_step)HANG;
    return named->steps;
}

static void servers_start(struct watched *w, const struct peer_step *const *first,
                          const struct peer_step *const *second)
{
    *w            = (struct watched){ .cache.loop = loop_new() };
    w->servers[0] = peer_new(first, NULL, NULL);
    w->servers[1] = peer_new(second ? second : nobody_script, NULL, NULL);
}

// scripts that are NULL: that sentinel is dead
static void watched_open_with(struct watched *w, const struct peer_step *const *a,
                              const struct peer_step *const *b, const struct peer_step *const *c,
                              struct redis_settings settings)
{
    const struct peer_step *const *const scripts[SENTINELS] = { a, b, c };
    char                                 url[256]           = "redis+sentinel://";
    for (int i = 0; i < SENTINELS; i++) {
        w->sentinels[i] = peer_new(scripts[i] ? scripts[i] : nobody_script, NULL, NULL);
        size_t len      = strlen(url);
        snprintf(url + len, sizeof url - len, "%s127.0.0.1:%d", i ? "," : "",
                 peer_port(w->sentinels[i]));
        if (!scripts[i]) {
            peer_free(w->sentinels[i]);
            w->sentinels[i] = NULL;
        }
    }
    size_t len = strlen(url);
    snprintf(url + len, sizeof url - len, "/main");
    cache_open(&w->cache, url, settings);
}

static void watched_open(struct watched *w, const struct peer_step *const *a,
                         const struct peer_step *const *b, const struct peer_step *const *c,
                         int64_t connect_ms)
{
    watched_open_with(w, a, b, c, (struct redis_settings){ .connect_ms = connect_ms });
}

static void watched_close(struct watched *w)
{
    cache_fini(&w->cache);
    for (int i = 0; i < SENTINELS; i++)
        peer_free(w->sentinels[i]);
    for (int i = 0; i < SERVERS; i++)
        peer_free(w->servers[i]);
}

static void assert_at(const struct watched *w, int server)
{
    char address[32];
    snprintf(address, sizeof address, "127.0.0.1:%d", peer_port(w->servers[server]));
    assert_string_equal(redis_address(w->cache.redis), address);
}

// The first sentinel does this, the second names the primary: the first must not be in the way.
static void pass_over(const struct peer_step *first)
{
    static const struct peer_step primary[] = { PRIMARY, GET("a"), SEND("+for a\r\n"), HANG };
    struct watched                w;
    struct asked                  a = { 0 };
    struct named                  name;
    servers_start(&w, SCRIPTS(primary), NULL);
    watched_open(&w, first ? SCRIPTS(first) : NULL, SCRIPTS(named(&name, peer_port(w.servers[0]))),
                 NULL, 5000);
    assert_string_equal(redis_address(w.cache.redis), "primary of main");
    ask(&w.cache, &a, "a");
    hear(&w.cache, &a, "for a");
    assert_at(&w, 0);
    assert_int_equal(peer_accepted(w.sentinels[1]), 1);
    assert_int_equal(peer_accepted(w.servers[0]), 1);
    watched_close(&w);
}

TEST("a sentinel that is dead is passed over")
{
    pass_over(NULL);
}

TEST("a sentinel that hangs, before or after it was asked, is passed over in time")
{
    static const struct peer_step mute[] = { HANG };
    static const struct peer_step half[] = { ASKED, SEND("*2\r\n$9\r\n127.0"), HANG };
    pass_over(mute);
    pass_over(half);
}

TEST("a sentinel that does not know the service, refuses, or closes is passed over")
{
    static const struct peer_step unknown[] = { ASKED, SEND("*-1\r\n"), HANG };
    static const struct peer_step nil[]     = { ASKED, SEND("$-1\r\n"), HANG };
    static const struct peer_step refuses[] = { ASKED, SEND("-NOAUTH Authentication required.\r\n"),
                                                HANG };
    static const struct peer_step closes[]  = { ASKED, END };
    pass_over(unknown);
    pass_over(nil);
    pass_over(refuses);
    pass_over(closes);
}

TEST("a sentinel that answers garbage is passed over")
{
    static const char *const garbage[] = { "HTTP/1.1 400 Bad Request\r\n\r\n",
                                           "+OK\r\n",
                                           ":1\r\n",
                                           "*0\r\n",
                                           "*1\r\n$9\r\n127.0.0.1\r\n",
                                           "*2\r\n$0\r\n\r\n$4\r\n6379\r\n",
                                           "*2\r\n$3\r\na b\r\n$4\r\n6379\r\n",
                                           "*2\r\n$9\r\n127.0.0.1\r\n$1\r\n0\r\n",
                                           "*2\r\n$9\r\n127.0.0.1\r\n$5\r\n65536\r\n",
                                           "*2\r\n$9\r\n127.0.0.1\r\n$1\r\nx\r\n",
                                           "*2\r\n*0\r\n*0\r\n",
                                           "*1000000000\r\n" };
    for (size_t i = 0; i < COUNT_OF(garbage); i++)
        pass_over((const struct peer_step[]){ ASKED, SEND(garbage[i]), HANG });
}

TEST("a replica is not taken for the primary: another sentinel is asked")
{
    static const struct peer_step replica[] = { REPLICA, HANG };
    static const struct peer_step primary[] = { PRIMARY, GET("a"), SEND("+for a\r\n"), HANG };
    struct watched                w;
    struct asked                  a = { 0 };
    struct named                  stale, fresh;
    servers_start(&w, SCRIPTS(replica), SCRIPTS(primary));
    watched_open(&w, SCRIPTS(named(&stale, peer_port(w.servers[0]))),
                 SCRIPTS(named(&fresh, peer_port(w.servers[1]))), NULL, 5000);
    ask(&w.cache, &a, "a");
    hear(&w.cache, &a, "for a");
    assert_at(&w, 1);
    assert_int_equal(peer_count(w.servers[0], "GET"), 0);
    assert_int_equal(w.cache.connects, 1);
    watched_close(&w);
}

TEST("without a sentinel that knows one, a command fails with the last one's words")
{
    static const struct peer_step unknown[] = { ASKED, SEND("*-1\r\n"), HANG };
    struct watched                w;
    struct asked                  a = { 0 };
    servers_start(&w, nobody_script, NULL);
    watched_open(&w, SCRIPTS(unknown), NULL, SCRIPTS(unknown), 200);
    ask_within(&w.cache, &a, "a", 500);
    hear_error(&w.cache, &a, ERR_CONNECT);
    assert_non_null(strstr(a.wait.err.message, "does not know the service main"));
    assert_false(redis_connected(w.cache.redis));
    // bounded and not in a hurry: backoff is 10 to 100 ms, a round asks each once
    assert_in_range(peer_accepted(w.sentinels[0]), 3, 40);
    watched_close(&w);
}

static void ask_sentinel_with(struct redis_settings settings, const char *auth)
{
    static const struct peer_step primary[] = { PRIMARY, GET("a"), SEND("+for a\r\n"), HANG };
    struct watched                w;
    struct asked                  a = { 0 };
    struct named                  name;
    servers_start(&w, SCRIPTS(primary), NULL);
    named(&name, peer_port(w.servers[0]));
    const struct peer_step wants[] = { AWAIT(auth), ASKED, SEND("+OK\r\n"), name.steps[1], HANG };
    watched_open_with(&w, SCRIPTS(wants), NULL, NULL, settings);
    ask(&w.cache, &a, "a");
    hear(&w.cache, &a, "for a");
    watched_close(&w);
}

TEST("sentinels get their own credentials, of a user or of none")
{
    ask_sentinel_with((struct redis_settings){ .sentinel_password = "s e" },
                      "*2\r\n$4\r\nAUTH\r\n$3\r\ns e\r\n");
    ask_sentinel_with((struct redis_settings){ .sentinel_user = "ann", .sentinel_password = "s" },
                      "*3\r\n$4\r\nAUTH\r\n$3\r\nann\r\n$1\r\ns\r\n");
}

static void be_refused_by_sentinels(struct redis_settings settings, const char *answer)
{
    const struct peer_step refuses[] = { ASKED, SEND(answer), HANG };
    struct watched         w;
    struct asked           a = { 0 };
    servers_start(&w, nobody_script, NULL);
    watched_open_with(&w, NULL, NULL, SCRIPTS(refuses), settings);
    ask_within(&w.cache, &a, "a", 300);
    hear_error(&w.cache, &a, ERR_CONNECT);
    watched_close(&w);
    assert_non_null(strstr(a.wait.err.message, "sentinel 127.0.0.1"));
    assert_non_null(strstr(a.wait.err.message, "TOKFLEET_REDIS_SENTINEL_PASSWORD"));
    assert_null(strstr(a.wait.err.message, "SECRET"));
}

TEST("sentinels that want credentials which they do not get say so, and what to set")
{
    be_refused_by_sentinels((struct redis_settings){ 0 }, "-NOAUTH Authentication required.\r\n");
    be_refused_by_sentinels((struct redis_settings){ .sentinel_password = "SECRET" },
                            "-WRONGPASS invalid username-password pair\r\n");
}

TEST("credentials and database are for the primary, not for the sentinels")
{
    static const struct peer_step primary[] = {
        AWAIT("*3\r\n$4\r\nAUTH\r\n"),
        AWAIT("*2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n"),
        AWAIT(ROLE),
        AWAIT(PING),
        SEND("+OK\r\n+OK\r\n*1\r\n$6\r\nmaster\r\n+PONG\r\n"),
        GET("a"),
        SEND("+for a\r\n"),
        HANG
    };
    struct watched w;
    struct asked   a = { 0 };
    struct named   name;
    char           url[128];
    servers_start(&w, SCRIPTS(primary), NULL);
    w.sentinels[0] = peer_new(SCRIPTS(named(&name, peer_port(w.servers[0]))), NULL, NULL);
    snprintf(url, sizeof url, "redis+sentinel://ann:hunter2@127.0.0.1:%d/main/3",
             peer_port(w.sentinels[0]));
    cache_open(&w.cache, url, (struct redis_settings){ .connect_ms = 2000 });
    ask(&w.cache, &a, "a");
    hear(&w.cache, &a, "for a");
    assert_int_equal(peer_count(w.sentinels[0], "hunter2"), 0);
    watched_close(&w);
}

// Two sentinels' worth of answers: the first server, and after the failover the second.
static void fail_over(const struct peer_step *old, enum err_code in_flight)
{
    static const struct peer_step primary[] = { PRIMARY, GET("b"), SEND("+for b\r\n"), HANG };
    struct watched                w;
    struct asked                  a = { 0 };
    struct asked                  b = { 0 };
    struct named                  before, after;
    servers_start(&w, SCRIPTS(old), SCRIPTS(primary));
    named(&before, peer_port(w.servers[0]));
    named(&after, peer_port(w.servers[1]));
    watched_open(&w, NULL, SCRIPTS(before.steps, after.steps), NULL, 500);
    ask_within(&w.cache, &a, "a", 5000);
    if (in_flight == ERR_COUNT) {
        wait_ok(w.cache.loop, &a.wait);
        redis_reply_fini(&a.reply);
    } else {
        hear_error(&w.cache, &a, in_flight);
    }
    ask(&w.cache, &b, "b");
    hear(&w.cache, &b, "for b");
    assert_at(&w, 1);
    assert_int_equal(peer_count(w.servers[1], "$1\r\na\r\n"), 0);
    assert_int_equal(w.cache.connects, 2);
    watched_close(&w);
}

TEST("a failover: what was in flight is lost and not repeated, later commands go to the new "
     "primary")
{
    static const struct peer_step closes[] = { PRIMARY, GET("a"), END };
    static const struct peer_step resets[] = { PRIMARY, GET("a"), RESET };
    static const struct peer_step hangs[]  = { PRIMARY, GET("a"), HANG };
    fail_over(closes, ERR_LOST);
    fail_over(resets, ERR_LOST);
    fail_over(hangs, ERR_LOST);
}

TEST("a primary that became a replica is left after the answer that says so")
{
    static const struct peer_step readonly[] = {
        PRIMARY, GET("a"), SEND("-READONLY You can't write against a read only replica.\r\n"), HANG
    };
    static const struct peer_step down[] = { PRIMARY, GET("a"),
                                             SEND("-MASTERDOWN Link with MASTER is down\r\n"),
                                             HANG };
    fail_over(readonly, ERR_COUNT);
    fail_over(down, ERR_COUNT);
}

#define NOREPLICAS SEND("-NOREPLICAS Not enough good replicas to write.\r\n")

TEST("a primary without its replicas is left only when the sentinels name another one")
{
    static const struct peer_step old[]     = { PRIMARY,  GET("a"),           NOREPLICAS,
                                                GET("b"), SEND("+for b\r\n"), HANG };
    static const struct peer_step primary[] = { PRIMARY, GET("b"), SEND("+for b\r\n"), HANG };
    for (int replaced = 0; replaced <= 1; replaced++) {
        struct watched w;
        struct asked   a = { 0 };
        struct named   before, after;
        servers_start(&w, SCRIPTS(old), SCRIPTS(primary));
        named(&before, peer_port(w.servers[0]));
        named(&after, peer_port(w.servers[1]));
        watched_open(&w, SCRIPTS(before.steps, replaced ? after.steps : before.steps), NULL, NULL,
                     5000);
        ask(&w.cache, &a, "a");
        wait_ok(w.cache.loop, &a.wait);
        assert_int_equal(a.reply.answer.kind, ANSWER_ERROR);
        redis_reply_fini(&a.reply);
        if (replaced)
            wait_for(w.cache.loop, &w.cache.connects, 2);
        else
            wait_ms(w.cache.loop, 100);
        ask(&w.cache, &a, "b");
        hear(&w.cache, &a, "for b");
        assert_at(&w, replaced);
        assert_int_equal(w.cache.connects, replaced + 1);
        assert_int_equal(peer_accepted(w.sentinels[0]), replaced + 2);
        watched_close(&w);
    }
}

TEST("after a standstill nothing is given to the old primary before the sentinels were asked")
{
    static const struct peer_step old[]     = { PRIMARY, GET("a"), SEND("+for a\r\n"), HANG };
    static const struct peer_step primary[] = { PRIMARY, GET("b"), SEND("+for b\r\n"), HANG };
    struct watched                w;
    struct asked                  a = { 0 };
    struct named                  before, after;
    servers_start(&w, SCRIPTS(old), SCRIPTS(primary));
    named(&before, peer_port(w.servers[0]));
    named(&after, peer_port(w.servers[1]));
    watched_open(&w, SCRIPTS(before.steps, after.steps), NULL, NULL, 400);
    ask(&w.cache, &a, "a");
    hear(&w.cache, &a, "for a");
    wait_ms(w.cache.loop, 500);
    ask(&w.cache, &a, "b");
    hear(&w.cache, &a, "for b");
    assert_at(&w, 1);
    assert_int_equal(peer_count(w.servers[0], "$1\r\nb\r\n"), 0);
    watched_close(&w);
}

TEST("an answer that waited while this process stood still is not believed")
{
    static const struct peer_step old[]     = { PRIMARY, GET("a"), SLEEP(100), SEND("+for a\r\n"),
                                                HANG };
    static const struct peer_step primary[] = { PRIMARY, GET("b"), SEND("+for b\r\n"), HANG };
    struct watched                w;
    struct asked                  a = { 0 };
    struct named                  before, after;
    servers_start(&w, SCRIPTS(old), SCRIPTS(primary));
    named(&before, peer_port(w.servers[0]));
    named(&after, peer_port(w.servers[1]));
    watched_open(&w, SCRIPTS(before.steps, after.steps), NULL, NULL, 400);
    wait_for(w.cache.loop, &w.cache.connects, 1);
    ask(&w.cache, &a, "a");
    loop_turn(w.cache.loop, 10);
    nanosleep(&(struct timespec){ .tv_nsec = 500000000 }, NULL);
    hear_error(&w.cache, &a, ERR_LOST);
    ask(&w.cache, &a, "b");
    hear(&w.cache, &a, "for b");
    assert_at(&w, 1);
    watched_close(&w);
}

TEST("a URL says sentinels, service and database")
{
    struct redis_url url;
    struct error     err;
    assert_true(
        redis_url_parse("redis+sentinel://u:p%2C,@a:1,[::1],c.example/my-set_1.x/12", &url, &err));
    assert_string_equal(url.user, "u");
    assert_string_equal(url.password, "p,,");
    assert_string_equal(url.service, "my-set_1.x");
    assert_int_equal(url.sentinel_count, 3);
    assert_string_equal(url.sentinels[0].name, "a");
    assert_string_equal(url.sentinels[1].name, "::1");
    assert_string_equal(url.sentinels[2].name, "c.example");
    assert_true(url.sentinels[0].port == 1 && url.sentinels[1].port == 26379);
    assert_true(url.db == 12 && !url.tls && !url.host.name);
    redis_url_fini(&url);
    assert_true(redis_url_parse("redis+sentinel://a/main", &url, &err));
    assert_true(!url.user && !url.password && url.db == 0 && url.sentinel_count == 1);
    redis_url_fini(&url);
    assert_true(redis_url_parse("rediss+sentinel://:p@a:7/main", &url, &err));
    assert_true(url.tls && url.sentinel_count == 1 && url.sentinels[0].port == 7);
    redis_url_fini(&url);
}

TEST("a URL of sentinels that cannot be understood is ERR_SETTING and is not repeated in the "
     "message")
{
    static const char *const bad[] = { "redis+sentinel://",
                                       "redis+sentinel://:SECRET@a",
                                       "redis+sentinel://:SECRET@a/",
                                       "redis+sentinel://:SECRET@a//1",
                                       "redis+sentinel://:SECRET@/main",
                                       "redis+sentinel://:SECRET@a,/main",
                                       "redis+sentinel://:SECRET@,a/main",
                                       "redis+sentinel://:SECRET@a,b:0/main",
                                       "redis+sentinel://:SECRET@a/ma in",
                                       "redis+sentinel://:SECRET@a/main/x",
                                       "redis+sentinel://:SECRET@a/main/1/2",
                                       "redis+sentinel://:SECRET@a/main?db=1",
                                       "redis+sentinel://SECRET@a/main",
                                       "rediss+sentinel://:SECRET@a",
                                       "redis+sentinel://a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q/main" };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct redis_url url;
        struct error     err = { 0 };
        if (redis_url_parse(bad[i], &url, &err))
            fail_msg("understood: %s", bad[i]);
        assert_int_equal(err.code, ERR_SETTING);
        assert_null(strstr(err.message, "SECRET"));
    }
}
