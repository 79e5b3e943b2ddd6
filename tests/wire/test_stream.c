// SPDX-License-Identifier: Apache-2.0
#include "loop/stream.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "case.h"
#include "dns.h"
#include "loop/clock.h"
#include "peer.h"
#include "tls.h"
#include "wait.h"

struct heard {
    struct stream *stream;  // owned
    int            opens;
    int            datas;
    int            closes;
    struct buf     data;          // what was taken
    struct error   why;           // when closes
    bool           free_in_open;  // stream_free inside the callback
    bool           free_in_data;
    size_t         leave;  // bytes that on_data leaves untaken
};

static void on_open(void *owner)
{
    struct heard *heard = owner;
    heard->opens++;
    if (heard->free_in_open) {
        stream_free(heard->stream);
        heard->stream = NULL;
    }
}

static size_t on_data(void *owner, struct str bytes)
{
    struct heard *heard = owner;
    size_t        take  = bytes.len > heard->leave ? bytes.len - heard->leave : 0;
    heard->datas++;
    buf_add(&heard->data, (struct str){ bytes.p, take });
    if (heard->free_in_data) {
        stream_free(heard->stream);
        heard->stream = NULL;
    }
    return take;
}

static void on_close(void *owner, const struct error *why)
{
    struct heard *heard = owner;
    heard->closes++;
    heard->why = *why;
}

static const struct stream_events events = { on_open, on_data, on_close };

static void listen_to(struct heard *heard, struct loop *loop, const char *host, int port,
                      const char *ca_file)
{
    struct stream_address address = {
        .host = host, .port = port, .tls = ca_file, .ca_file = ca_file, .connect_ms = 10000
    };
    buf_init(&heard->data, 1 << 20);
    heard->stream = stream_open(loop, &address, &events, heard);
    assert_int_equal(heard->opens + heard->datas + heard->closes, 0);
}

static void stop_listening(struct heard *heard, struct loop *loop, struct peer *peer)
{
    stream_free(heard->stream);
    buf_fini(&heard->data);
    peer_free(peer);
    loop_free(loop);
}

static const struct peer_step echo[]   = { AWAIT("hello\n"), SEND("good day\n"), END };
static const struct peer_step hangs[]  = { HANG };
static const struct peer_step resets[] = { AWAIT("hello\n"), RESET };
static const struct peer_step cuts[]   = { AWAIT("hello\n"), SEND("good d"), CUT };

static void say_hello_and_hear(const char *host, const char *names)
{
    struct loop     *loop  = loop_new();
    struct heard     heard = { 0 };
    struct tls_files files = { 0 };
    if (names)
        tls_files_init(&files, names);
    struct peer *peer =
        peer_new((const struct peer_step *[]){ echo, NULL }, names ? files.cert : NULL, files.key);
    listen_to(&heard, loop, host, peer_port(peer), names ? files.ca : NULL);
    wait_for(loop, &heard.opens, 1);
    stream_write(heard.stream, STR("hello\n"));
    wait_for(loop, &heard.closes, 1);
    assert_string_equal(buf_text(&heard.data), "good day\n");
    assert_int_equal(heard.opens, 1);
    assert_int_equal(heard.closes, 1);
    assert_int_equal(heard.why.code, ERR_LOST);
    stop_listening(&heard, loop, peer);
    if (names)
        tls_files_fini(&files);
}

TEST("bytes go both ways over a plain connection, and what came before the end is heard before it")
{
    say_hello_and_hear("127.0.0.1", NULL);
}

TEST("bytes go both ways over TLS to an address that the certificate names")
{
    say_hello_and_hear("127.0.0.1", "IP:127.0.0.1");
}

TEST("bytes go both ways over TLS to a name that the certificate has")
{
    say_hello_and_hear("localhost", "DNS:localhost");
}

TEST("a name of the hosts file is found")
{
    say_hello_and_hear("localhost", NULL);
}

TEST("the addresses of a name are tried one after the other")
{
    struct hung_dns dns;
    if (!hung_dns_begin(&dns))
        skip();
    say_hello_and_hear("several.example", NULL);
    say_hello_and_hear("several.example", "DNS:several.example");
    hung_dns_end(&dns);
}

enum flaw { FLAW_NONE, FLAW_EXPIRED, FLAW_TOO_EARLY, FLAW_SELF_SIGNED, FLAW_UNKNOWN_CA };

static void be_refused(const char *host, const char *names, enum flaw flaw, const char *words)
{
    struct loop     *loop  = loop_new();
    struct heard     heard = { 0 };
    struct tls_files files;
    struct tls_files others;
    tls_files_init(&files, names);
    tls_files_init(&others, names);
    if (flaw == FLAW_EXPIRED)
        tls_files_date(&files, -3, -1);
    if (flaw == FLAW_TOO_EARLY)
        tls_files_date(&files, 1, 3);
    if (flaw == FLAW_SELF_SIGNED)
        tls_files_self_sign(&files);
    const char  *ca   = flaw == FLAW_UNKNOWN_CA ? others.ca : files.ca;
    struct peer *peer = peer_new((const struct peer_step *[]){ echo, NULL }, files.cert, files.key);
    listen_to(&heard, loop, host, peer_port(peer), ca);
    wait_for(loop, &heard.closes, 1);
    assert_int_equal(heard.opens, 0);
    assert_int_equal(heard.why.code, ERR_CONNECT);
    if (!strstr(heard.why.message, words))
        fail_msg("no \"%s\" in: %s", words, heard.why.message);
    if (flaw >= FLAW_SELF_SIGNED)
        assert_non_null(strstr(heard.why.message, ca));  // whom to trust is what can be set right
    assert_int_equal(peer_count(peer, "hello"), 0);
    stop_listening(&heard, loop, peer);
    tls_files_fini(&files);
    tls_files_fini(&others);
}

TEST("a certificate for another name is refused")
{
    be_refused("localhost", "DNS:elsewhere.example", FLAW_NONE, "not for localhost");
}

TEST("a certificate for another address is refused")
{
    be_refused("127.0.0.1", "IP:127.0.0.2,DNS:localhost", FLAW_NONE, "not for 127.0.0.1");
}

TEST("a certificate of a CA that is not trusted is refused")
{
    be_refused("localhost", "DNS:localhost", FLAW_UNKNOWN_CA, "trusted are the authorities of");
}

TEST("a certificate that is signed by itself is refused")
{
    be_refused("localhost", "DNS:localhost", FLAW_SELF_SIGNED, "self-signed certificate");
}

TEST("a certificate whose time is over, or has not come, is refused")
{
    be_refused("localhost", "DNS:localhost", FLAW_EXPIRED, "certificate has expired");
    be_refused("localhost", "DNS:localhost", FLAW_TOO_EARLY, "certificate is not yet valid");
}

TEST("a peer that does not speak TLS is told from one whose certificate is wrong")
{
    static const struct peer_step plain[] = { SEND("-ERR what is that\r\n"), HANG };
    struct loop                  *loop    = loop_new();
    struct heard                  heard   = { 0 };
    struct tls_files              files;
    tls_files_init(&files, "DNS:localhost");
    struct peer *peer = peer_new((const struct peer_step *[]){ plain, NULL }, NULL, NULL);
    listen_to(&heard, loop, "localhost", peer_port(peer), files.ca);
    wait_for(loop, &heard.closes, 1);
    assert_int_equal(heard.why.code, ERR_CONNECT);
    assert_non_null(strstr(heard.why.message, "TLS: wrong version number"));
    stop_listening(&heard, loop, peer);
    tls_files_fini(&files);
}

TEST("a CA file that cannot be read closes the stream before it connects")
{
    struct loop *loop  = loop_new();
    struct heard heard = { 0 };
    struct peer *peer  = peer_new((const struct peer_step *[]){ hangs, NULL }, NULL, NULL);
    listen_to(&heard, loop, "127.0.0.1", peer_port(peer), "/nonexistent/ca.pem");
    wait_for(loop, &heard.closes, 1);
    assert_int_equal(heard.why.code, ERR_CONNECT);
    assert_non_null(strstr(heard.why.message, "/nonexistent/ca.pem"));
    assert_int_equal(peer_accepted(peer), 0);
    stop_listening(&heard, loop, peer);
}

TEST("a connection that is cut without TLS' farewell gives what came, then closes")
{
    struct loop     *loop  = loop_new();
    struct heard     heard = { 0 };
    struct tls_files files;
    tls_files_init(&files, "DNS:localhost");
    struct peer *peer = peer_new((const struct peer_step *[]){ cuts, NULL }, files.cert, files.key);
    listen_to(&heard, loop, "localhost", peer_port(peer), files.ca);
    wait_for(loop, &heard.opens, 1);
    stream_write(heard.stream, STR("hello\n"));
    wait_for(loop, &heard.closes, 1);
    assert_string_equal(buf_text(&heard.data), "good d");
    assert_int_equal(heard.why.code, ERR_LOST);
    stop_listening(&heard, loop, peer);
    tls_files_fini(&files);
}

TEST("a reset is ERR_LOST")
{
    struct loop *loop  = loop_new();
    struct heard heard = { 0 };
    struct peer *peer  = peer_new((const struct peer_step *[]){ resets, NULL }, NULL, NULL);
    listen_to(&heard, loop, "127.0.0.1", peer_port(peer), NULL);
    wait_for(loop, &heard.opens, 1);
    stream_write(heard.stream, STR("hello\n"));
    wait_for(loop, &heard.closes, 1);
    assert_int_equal(heard.why.code, ERR_LOST);
    stop_listening(&heard, loop, peer);
}

TEST("a port where nobody listens is ERR_CONNECT")
{
    struct loop *loop  = loop_new();
    struct heard heard = { 0 };
    struct peer *peer  = peer_new((const struct peer_step *[]){ hangs, NULL }, NULL, NULL);
    int          port  = peer_port(peer);
    peer_free(peer);
    listen_to(&heard, loop, "127.0.0.1", port, NULL);
    wait_for(loop, &heard.closes, 1);
    assert_int_equal(heard.why.code, ERR_CONNECT);
    assert_non_null(strstr(heard.why.message, "refused"));
    stop_listening(&heard, loop, NULL);
}

TEST("a peer that accepts but never answers the TLS greeting is given up after connect_ms")
{
    struct loop          *loop  = loop_new();
    struct heard          heard = { 0 };
    struct peer          *peer  = peer_new((const struct peer_step *[]){ hangs, NULL }, NULL, NULL);
    struct stream_address address = {
        .host = "127.0.0.1", .port = peer_port(peer), .tls = true, .connect_ms = 100
    };
    heard.stream = stream_open(loop, &address, &events, &heard);
    wait_for(loop, &heard.closes, 1);
    assert_int_equal(heard.why.code, ERR_CONNECT);
    assert_non_null(strstr(heard.why.message, "after 100 ms"));
    stop_listening(&heard, loop, peer);
}

TEST("a stream may be freed inside on_open, inside on_data, and before anything happened")
{
    static const struct peer_step speaks[] = { SEND("good day\n"), HANG };
    struct loop                  *loop     = loop_new();
    struct heard                  a        = { .free_in_open = true };
    struct heard                  b        = { .free_in_data = true };
    struct heard                  c        = { 0 };
    struct peer *peer = peer_new((const struct peer_step *[]){ speaks, NULL }, NULL, NULL);
    listen_to(&a, loop, "127.0.0.1", peer_port(peer), NULL);
    listen_to(&b, loop, "localhost", peer_port(peer), NULL);
    listen_to(&c, loop, "localhost", peer_port(peer), NULL);
    stream_free(c.stream);
    wait_for(loop, &a.opens, 1);
    wait_for(loop, &b.datas, 1);
    wait_ms(loop, 50);
    assert_int_equal(a.datas + a.closes + b.closes + c.opens + c.closes, 0);
    buf_fini(&b.data);
    c.stream = NULL;
    stop_listening(&c, loop, peer);
}

TEST("bytes that were not taken come again with more")
{
    static const struct peer_step speaks[] = { SEND("good "), AWAIT("more\n"), SEND("day"), HANG };
    struct loop                  *loop     = loop_new();
    struct heard                  heard    = { .leave = 100 };
    struct peer *peer = peer_new((const struct peer_step *[]){ speaks, NULL }, NULL, NULL);
    listen_to(&heard, loop, "127.0.0.1", peer_port(peer), NULL);
    wait_for(loop, &heard.datas, 1);
    heard.leave = 0;
    stream_write(heard.stream, STR("more\n"));
    wait_for(loop, &heard.datas, 2);
    assert_string_equal(buf_text(&heard.data), "good day");
    stop_listening(&heard, loop, peer);
}

static void send_a_megabyte(const char *names)
{
    static const struct peer_step takes[] = { AWAIT("the end\n"), SEND("got it"), HANG };
    struct loop                  *loop    = loop_new();
    struct heard                  heard   = { 0 };
    struct tls_files              files   = { 0 };
    char                         *bytes   = xcalloc(1, 1 << 20);
    memset(bytes, 'x', 1 << 20);
    if (names)
        tls_files_init(&files, names);
    struct peer *peer =
        peer_new((const struct peer_step *[]){ takes, NULL }, names ? files.cert : NULL, files.key);
    listen_to(&heard, loop, "127.0.0.1", peer_port(peer), names ? files.ca : NULL);
    wait_for(loop, &heard.opens, 1);
    stream_write(heard.stream, (struct str){ bytes, 1 << 20 });
    stream_write(heard.stream, STR("the end\n"));
    wait_for(loop, &heard.datas, 1);
    assert_int_equal(stream_unsent_bytes(heard.stream), 0);
    assert_int_equal(peer_count(peer, "xxxxxxxxxxxxxxxx"), (1 << 20) / 16);
    free(bytes);
    stop_listening(&heard, loop, peer);
    if (names)
        tls_files_fini(&files);
}

TEST("a megabyte is not cut, plain")
{
    send_a_megabyte(NULL);
}

TEST("a megabyte is not cut over TLS")
{
    send_a_megabyte("IP:127.0.0.1");
}

TEST("a name server that hangs blocks neither the loop nor stream_free")
{
    struct hung_dns dns;
    if (!hung_dns_begin(&dns))
        skip();
    struct loop          *loop     = loop_new();
    struct heard          given_up = { 0 };
    struct heard          freed    = { 0 };
    struct stream_address address  = { .host = "hung.example", .port = 1, .connect_ms = 300 };
    int64_t               begin    = clock_monotonic_ms();
    given_up.stream                = stream_open(loop, &address, &events, &given_up);
    freed.stream                   = stream_open(loop, &address, &events, &freed);
    wait_ms(loop, 50);
    stream_free(freed.stream);
    wait_for(loop, &given_up.closes, 1);
    assert_true(clock_monotonic_ms() - begin < 3000);
    assert_int_equal(given_up.why.code, ERR_CONNECT);
    assert_non_null(strstr(given_up.why.message, "name not found after 300 ms"));
    assert_int_equal(freed.closes, 0);
    wait_ms(loop, 50);
    hung_dns_end(&dns);
    stop_listening(&given_up, loop, NULL);
}
