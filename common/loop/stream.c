// SPDX-License-Identifier: Apache-2.0
/*  stream_open ─► look the name up ─► connect, address by address ─► (TLS) ─► on_open
 *                                       └── none left, or out of time ──────► on_close(ERR_CONNECT)
 * A failure that is found inside stream_open is kept and told from a timer of 0 ms. */
#include "loop/stream.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/dns.h>
#include <event2/event.h>
#include <event2/util.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

// a peer that vanished without a word is noticed after about so long
enum { SILENT_PEER_SECONDS = 15, PROBE_SECONDS = 5, PROBES = 2 };

/* A name that is being looked up. evdns tells of a cancelled one, too, and later: not part of the
 * stream. */
struct lookup {
    struct stream *stream;  // NULL: nobody waits any more
};

struct stream {
    struct loop                      *loop;        // borrowed
    const struct stream_events       *events;      // borrowed
    void                             *owner;       // borrowed
    char                             *host;        // owned; without the brackets of IPv6
    char                             *ca_file;     // owned; NULL: plain, or the system's
    int                               port;        // 1 to 65535
    int64_t                           connect_ms;  // for all of looking up, connecting and TLS
    SSL_CTX                          *tls;         // owned; NULL: plain
    struct lookup                    *lookup;      // NULL unless under way; frees itself
    struct evdns_getaddrinfo_request *query;       // of the lookup; borrowed
    struct evutil_addrinfo           *addresses;   // owned; what the lookup found
    struct evutil_addrinfo           *next;        // in addresses: to be tried when this one fails
    struct bufferevent               *bev;         // owned; NULL while there is no address
    struct timer                      deadline;    // of connecting; 0 ms to tell of `failure`
    struct error                      failure;     // why connecting failed; see keep_failure
    bool                              answered;    // failure is of an address that did answer
    bool                              failed;      // failure is to be told by `deadline`
    bool                              open;        // on_open was told
    bool                              freed;       // stream_free was called inside a callback
    int                               depth;       // callbacks of the owner that are running
};

static void connect_next(struct stream *stream);

static void stream_delete(struct stream *stream)
{
    SSL_CTX_free(stream->tls);
    free(stream->host);
    free(stream->ca_file);
    free(stream);
}

static void enter(struct stream *stream)
{
    stream->depth++;
}

static void leave(struct stream *stream)
{
    stream->depth--;
    if (stream->freed && stream->depth == 0)
        stream_delete(stream);
}

static void drop_bev(struct stream *stream)
{
    if (!stream->bev)
        return;
    bufferevent_setcb(stream->bev, NULL, NULL, NULL, NULL);
    bufferevent_free(stream->bev);
    stream->bev = NULL;
}

// Nothing of it is heard any more.
static void abandon(struct stream *stream)
{
    timer_fini(&stream->deadline);
    drop_bev(stream);
    if (stream->lookup) {
        stream->lookup->stream = NULL;
        if (stream->query)
            evdns_getaddrinfo_cancel(stream->query);
    }
    stream->lookup = NULL;
    if (stream->addresses)
        evutil_freeaddrinfo(stream->addresses);
    stream->addresses = NULL;
}

static void tell_close(struct stream *stream, enum err_code code, const char *why)
{
    struct error err;
    error_set(&err, code, "%s", why);
    abandon(stream);
    stream->events->on_close(stream->owner, &err);
}

static void fail_later(struct stream *stream, const char *why)
{
    error_set(&stream->failure, ERR_CONNECT, "%s", why);
    stream->failed = true;
    timer_start(&stream->deadline, 0);
}

static void on_deadline(struct timer *timer)
{
    struct stream *stream = container_of(timer, struct stream, deadline);
    char           why[ERROR_MESSAGE_BYTES];
    if (stream->failed)
        snprintf(why, sizeof why, "%s", stream->failure.message);
    else
        snprintf(why, sizeof why, "%s after %" PRId64 " ms",
                 stream->lookup ? "name not found" : "not connected", stream->connect_ms);
    enter(stream);
    tell_close(stream, ERR_CONNECT, why);
    leave(stream);
}

// What was wrong with the certificate, and what would have been right.
static void describe_verdict(const struct stream *stream, long verdict, char *why, size_t why_bytes)
{
    const char *text = X509_verify_cert_error_string(verdict);
    switch (verdict) {
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        snprintf(why, why_bytes, "TLS: %s: the certificate is not for %s", text, stream->host);
        break;
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
        snprintf(why, why_bytes, "TLS: %s: trusted are the authorities of %s", text,
                 stream->ca_file ? stream->ca_file : "the system");
        break;
    default:
        snprintf(why, why_bytes, "TLS: certificate refused: %s", text);
    }
}

// Why a TLS connection failed, in words; false when TLS has nothing to say of it.
static bool describe_tls(const struct stream *stream, int code, char *why, size_t why_bytes)
{
    unsigned long tls_error = bufferevent_get_openssl_error(stream->bev);
    const char   *reason    = ERR_reason_error_string(tls_error);
    long          verdict   = SSL_get_verify_result(bufferevent_openssl_get_ssl(stream->bev));
    if (!tls_error)
        return false;
    if (ERR_SYSTEM_ERROR(tls_error))
        reason = evutil_socket_error_to_string(ERR_GET_REASON(tls_error));
    if (verdict != X509_V_OK)
        describe_verdict(stream, verdict, why, why_bytes);
    else if (reason || !code)
        snprintf(why, why_bytes, "TLS: %s", reason ? reason : "closed by the other side");
    else
        return false;
    return true;
}

// Why the connection failed, in words; true when the other side had answered. `code` is errno as it
// was when libevent told.
static bool describe(const struct stream *stream, short what, int code, char *why, size_t why_bytes)
{
    if (stream->tls && describe_tls(stream, code, why, why_bytes))
        return true;
    if (what & BEV_EVENT_EOF) {
        snprintf(why, why_bytes, "closed by the other side");
    } else {
        snprintf(why, why_bytes, "%s",
                 code ? evutil_socket_error_to_string(code) : "the connection failed");
    }
    return false;
}

// Of a name with several addresses, what one said that answered is worth more than that nobody
// listens at another.
static void keep_failure(struct stream *stream, bool answered, const char *why)
{
    if (stream->answered && !answered)
        return;
    stream->answered = answered;
    error_set(&stream->failure, ERR_CONNECT, "%s", why);
}

// Gives the owner what has arrived. The stream may be freed (not deleted: see enter) or closed
// afterwards.
static void give_data(struct stream *stream)
{
    struct evbuffer *input = bufferevent_get_input(stream->bev);
    size_t           len   = evbuffer_get_length(input);
    if (len == 0)
        return;
    const char *p     = (const char *)evbuffer_pullup(input, -1);
    size_t      taken = stream->events->on_data(stream->owner, (struct str){ p, len });
    assert(taken <= len);
    if (!stream->freed)
        evbuffer_drain(input, taken);
}

static void on_read(struct bufferevent *bev, void *owner)
{
    (void)bev;
    struct stream *stream = owner;
    if (!stream->open)
        return;
    enter(stream);
    give_data(stream);
    leave(stream);
}

static void on_connected(struct stream *stream)
{
    timer_stop(&stream->deadline);
    stream->open = true;
    enter(stream);
    stream->events->on_open(stream->owner);
    if (!stream->freed)
        give_data(stream);
    leave(stream);
}

static void on_event(struct bufferevent *bev, short what, void *owner)
{
    (void)bev;
    struct stream *stream = owner;
    int            code   = EVUTIL_SOCKET_ERROR();
    char           why[ERROR_MESSAGE_BYTES];
    if (what & BEV_EVENT_CONNECTED) {
        on_connected(stream);
        return;
    }
    bool answered = describe(stream, what, code, why, sizeof why);
    if (!stream->open) {
        keep_failure(stream, answered, why);
        connect_next(stream);
        return;
    }
    enter(stream);
    give_data(stream);
    if (!stream->freed)
        tell_close(stream, ERR_LOST, why);
    leave(stream);
}

static SSL *tls_session(const struct stream *stream)
{
    unsigned char address[sizeof(struct in6_addr)];
    bool          is_address = inet_pton(AF_INET, stream->host, address) == 1 ||
                      inet_pton(AF_INET6, stream->host, address) == 1;
    SSL *ssl = SSL_new(stream->tls);
    assert(ssl);
    int ok = is_address
                 ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), stream->host)
                 : SSL_set1_host(ssl, stream->host) && SSL_set_tlsext_host_name(ssl, stream->host);
    assert(ok);
    return ssl;
}

// One address: false when it failed at once.
static bool connect_to(struct stream *stream, const struct sockaddr *address, int address_bytes)
{
    const int          options = BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS;
    struct event_base *base    = loop_base(stream->loop);
    if (stream->tls)
        stream->bev = bufferevent_openssl_socket_new(base, -1, tls_session(stream),
                                                     BUFFEREVENT_SSL_CONNECTING, options);
    else
        stream->bev = bufferevent_socket_new(base, -1, options);
    assert(stream->bev);
    bufferevent_setcb(stream->bev, on_read, NULL, on_event, stream);
    bufferevent_enable(stream->bev, EV_READ | EV_WRITE);
    if (bufferevent_socket_connect(stream->bev, address, address_bytes) < 0) {
        keep_failure(stream, false, evutil_socket_error_to_string(EVUTIL_SOCKET_ERROR()));
        return false;
    }
    int fd      = bufferevent_getfd(stream->bev);
    int on      = 1;
    int idle    = SILENT_PEER_SECONDS - PROBE_SECONDS * PROBES;
    int each    = PROBE_SECONDS;
    int count   = PROBES;
    int user_ms = SILENT_PEER_SECONDS * 1000;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &each, sizeof each);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof count);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &user_ms, sizeof user_ms);
    return true;
}

static void connect_next(struct stream *stream)
{
    drop_bev(stream);
    while (stream->next) {
        struct evutil_addrinfo *address = stream->next;
        stream->next                    = address->ai_next;
        if (connect_to(stream, address->ai_addr, (int)address->ai_addrlen))
            return;
        drop_bev(stream);
    }
    stream->failed = true;
    timer_start(&stream->deadline, 0);
}

static void on_addresses(int result, struct evutil_addrinfo *addresses, void *owner)
{
    struct lookup *lookup = owner;
    struct stream *stream = lookup->stream;
    free(lookup);
    if (!stream) {
        if (addresses)
            evutil_freeaddrinfo(addresses);
        return;
    }
    stream->lookup    = NULL;
    stream->query     = NULL;
    stream->addresses = addresses;
    stream->next      = addresses;
    if (result)
        fail_later(stream, evutil_gai_strerror(result));
    else
        connect_next(stream);
}

static void look_up(struct stream *stream)
{
    struct evutil_addrinfo hints = { .ai_family   = AF_UNSPEC,
                                     .ai_socktype = SOCK_STREAM,
                                     .ai_protocol = IPPROTO_TCP };
    char                   port[16];
    snprintf(port, sizeof port, "%d", stream->port);
    struct evdns_base *dns = loop_dns(stream->loop);
    if (!dns) {
        fail_later(stream, "no resolver: /etc/resolv.conf cannot be read");
        return;
    }
    stream->lookup         = xmalloc(sizeof *stream->lookup);
    stream->lookup->stream = stream;
    struct evdns_getaddrinfo_request *query =
        evdns_getaddrinfo(dns, stream->host, port, &hints, on_addresses, stream->lookup);
    if (stream->lookup)
        stream->query = query;
}

static bool connect_numeric(struct stream *stream)
{
    struct sockaddr_in  v4 = { .sin_family = AF_INET, .sin_port = htons((uint16_t)stream->port) };
    struct sockaddr_in6 v6 = { .sin6_family = AF_INET6,
                               .sin6_port   = htons((uint16_t)stream->port) };
    bool                started = true;
    if (inet_pton(AF_INET, stream->host, &v4.sin_addr) == 1)
        started = connect_to(stream, (struct sockaddr *)&v4, sizeof v4);
    else if (inet_pton(AF_INET6, stream->host, &v6.sin6_addr) == 1)
        started = connect_to(stream, (struct sockaddr *)&v6, sizeof v6);
    else
        return false;
    if (!started)
        connect_next(stream);
    return true;
}

// What the connections of this stream trust. An unexpected end is no error: who frames its own
// messages sees a cut one.
static SSL_CTX *tls_context(const char *ca_file)
{
    SSL_CTX *tls = SSL_CTX_new(TLS_client_method());
    assert(tls);
    SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION);
    SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_options(tls, SSL_OP_IGNORE_UNEXPECTED_EOF);
    int ok = ca_file ? SSL_CTX_load_verify_locations(tls, ca_file, NULL)
                     : SSL_CTX_set_default_verify_paths(tls);
    if (ok == 1)
        return tls;
    ERR_clear_error();
    SSL_CTX_free(tls);
    return NULL;
}

static void fail_to_trust(struct stream *stream)
{
    char why[ERROR_MESSAGE_BYTES];
    snprintf(why, sizeof why, "TLS: no authorities can be read from %s",
             stream->ca_file ? stream->ca_file : "the system's store");
    fail_later(stream, why);
}

struct stream *stream_open(struct loop *loop, const struct stream_address *address,
                           const struct stream_events *events, void *owner)
{
    struct stream *stream = xcalloc(1, sizeof *stream);
    stream->loop          = loop;
    stream->events        = events;
    stream->owner         = owner;
    stream->host          = xstrdup(address->host);
    stream->port          = address->port;
    stream->connect_ms    = address->connect_ms;
    error_set(&stream->failure, ERR_CONNECT, "no address");
    timer_init(&stream->deadline, loop, on_deadline);
    timer_start(&stream->deadline, address->connect_ms);
    if (address->tls) {
        stream->tls     = tls_context(address->ca_file);
        stream->ca_file = address->ca_file ? xstrdup(address->ca_file) : NULL;
    }
    if (address->tls && !stream->tls)
        fail_to_trust(stream);
    else if (!connect_numeric(stream))
        look_up(stream);
    return stream;
}

void stream_write(struct stream *stream, struct str bytes)
{
    assert(stream->open && stream->bev);
    if (bytes.len)
        bufferevent_write(stream->bev, bytes.p, bytes.len);
}

size_t stream_unsent_bytes(const struct stream *stream)
{
    return stream->bev ? evbuffer_get_length(bufferevent_get_output(stream->bev)) : 0;
}

void stream_free(struct stream *stream)
{
    if (!stream)
        return;
    abandon(stream);
    if (stream->depth > 0)
        stream->freed = true;
    else
        stream_delete(stream);
}
