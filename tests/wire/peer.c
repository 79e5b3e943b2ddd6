// SPDX-License-Identifier: Apache-2.0
#include "peer.h"

#include <assert.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/text.h"

enum { CONNECTIONS_MAX = 64, RECEIVED_MAX_BYTES = 1 << 24, SLEEP_SLICE_MS = 20 };

struct connection {
    struct peer            *peer;      // borrowed
    const struct peer_step *script;    // borrowed
    pthread_t               thread;    // joined by peer_free
    int                     fd;        // -1 when closed; under the peer's lock
    SSL                    *ssl;       // owned by the thread; NULL: plain
    struct buf              received;  // under the peer's lock
    size_t                  used;      // of received, by AWAIT and REQUEST
};

struct peer {
    const struct peer_step *const *scripts;  // borrowed
    int                            fd;       // listens
    int                            port;
    pthread_t                      thread;  // accepts
    pthread_mutex_t                lock;
    bool                           ending;                        // under lock
    int                            count;                         // of connections, under lock
    int                            resumed;                       // TLS sessions, under lock
    struct connection             *connections[CONNECTIONS_MAX];  // owned, under lock
    SSL_CTX                       *tls;                           // owned; NULL: plain
};

static bool is_ending(struct peer *peer)
{
    pthread_mutex_lock(&peer->lock);
    bool ending = peer->ending;
    pthread_mutex_unlock(&peer->lock);
    return ending;
}

// False: nothing comes any more.
static bool receive(struct connection *c)
{
    char    bytes[16384];
    ssize_t n =
        c->ssl ? SSL_read(c->ssl, bytes, sizeof bytes) : recv(c->fd, bytes, sizeof bytes, 0);
    if (n <= 0)
        return false;
    pthread_mutex_lock(&c->peer->lock);
    buf_add(&c->received, (struct str){ bytes, (size_t)n });
    pthread_mutex_unlock(&c->peer->lock);
    return true;
}

static bool await(struct connection *c, const char *text)
{
    for (;;) {
        const char *from  = buf_text(&c->received) + c->used;
        const char *found = memmem(from, c->received.len - c->used, text, strlen(text));
        if (found) {
            c->used += (size_t)(found - from) + strlen(text);
            return true;
        }
        if (!receive(c))
            return false;
    }
}

static bool await_request(struct connection *c)
{
    size_t from = c->used;
    if (!await(c, "\r\n\r\n"))
        return false;
    const char *head = strcasestr(buf_text(&c->received) + from, "\r\ncontent-length:");
    size_t      body =
        head && head < buf_text(&c->received) + c->used ? strtoul(head + 17, NULL, 10) : 0;
    while (c->received.len - c->used < body)
        if (!receive(c))
            return false;
    c->used += body;
    return true;
}

static bool send_bytes(struct connection *c, const char *text, size_t len)
{
    while (len) {
        ssize_t n =
            c->ssl ? SSL_write(c->ssl, text, (int)len) : send(c->fd, text, len, MSG_NOSIGNAL);
        if (n <= 0)
            return false;
        text += n;
        len -= (size_t)n;
    }
    return true;
}

static bool sleep_for(struct peer *peer, int ms)
{
    for (; ms > 0 && !is_ending(peer); ms -= SLEEP_SLICE_MS)
        nanosleep(&(struct timespec){ .tv_nsec = SLEEP_SLICE_MS * 1000000L }, NULL);
    return !is_ending(peer);
}

static bool send_all(struct connection *c, const char *text)
{
    return send_bytes(c, text, strlen(text));
}

static bool drip(struct connection *c, const char *text, int ms)
{
    for (; *text; text++) {
        nanosleep(&(struct timespec){ .tv_nsec = ms * 1000000L }, NULL);
        if (is_ending(c->peer) || !send_bytes(c, text, 1))
            return false;
    }
    return true;
}

// False: the script is over.
static bool play(struct connection *c, const struct peer_step *step)
{
    struct linger at_once = { .l_onoff = 1, .l_linger = 0 };
    switch (step->what) {
    case PEER_AWAIT:
        return await(c, step->text);
    case PEER_REQUEST:
        return await_request(c);
    case PEER_SEND:
        return send_all(c, step->text);
    case PEER_DRIP:
        return drip(c, step->text, step->ms);
    case PEER_FLOOD:
        while (send_all(c, step->text)) {
        }
        return false;
    case PEER_SLEEP:
        return sleep_for(c->peer, step->ms);
    case PEER_HANG:
        while (receive(c)) {
        }
        return false;
    case PEER_RESET:
        setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        return false;
    case PEER_AGAIN:
    case PEER_CUT:
    case PEER_END:
        break;
    }
    return false;
}

static bool greet(struct connection *c)
{
    if (!c->peer->tls)
        return true;
    c->ssl = SSL_new(c->peer->tls);
    SSL_set_fd(c->ssl, c->fd);
    if (SSL_accept(c->ssl) != 1)
        return false;
    pthread_mutex_lock(&c->peer->lock);
    c->peer->resumed += SSL_session_reused(c->ssl);
    pthread_mutex_unlock(&c->peer->lock);
    return true;
}

static void *run_connection(void *owner)
{
    struct connection      *c    = owner;
    const struct peer_step *step = c->script;
    if (greet(c)) {
        while (step->what == PEER_AGAIN || play(c, step))
            step = step->what == PEER_AGAIN ? c->script : step + 1;
        if (c->ssl && step->what == PEER_END)
            SSL_shutdown(c->ssl);
    }
    SSL_free(c->ssl);
    pthread_mutex_lock(&c->peer->lock);
    close(c->fd);
    c->fd = -1;
    pthread_mutex_unlock(&c->peer->lock);
    return NULL;
}

static const struct peer_step *script_of(const struct peer *peer, int i)
{
    const struct peer_step *const *script = peer->scripts;
    while (i-- > 0 && script[1])
        script++;
    return *script;
}

static void *run_peer(void *owner)
{
    struct peer *peer = owner;
    int          fd   = -1;
    while ((fd = accept(peer->fd, NULL, NULL)) >= 0) {
        pthread_mutex_lock(&peer->lock);
        if (peer->ending || peer->count == CONNECTIONS_MAX) {
            close(fd);
        } else {
            struct connection *c = xcalloc(1, sizeof *c);
            c->peer              = peer;
            c->fd                = fd;
            c->script            = script_of(peer, peer->count);
            buf_init(&c->received, RECEIVED_MAX_BYTES);
            peer->connections[peer->count++] = c;
            int code                         = pthread_create(&c->thread, NULL, run_connection, c);
            assert(code == 0);
        }
        pthread_mutex_unlock(&peer->lock);
    }
    return NULL;
}

static SSL_CTX *tls_context(const char *cert_file, const char *key_file)
{
    SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
    assert(tls);
    int ok = SSL_CTX_use_certificate_chain_file(tls, cert_file) == 1 &&
             SSL_CTX_use_PrivateKey_file(tls, key_file, SSL_FILETYPE_PEM) == 1;
    assert(ok);
    return tls;
}

struct peer *peer_new(const struct peer_step *const *scripts, const char *cert_file,
                      const char *key_file)
{
    struct sockaddr_in address = { .sin_family      = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t          len     = sizeof address;
    struct peer       *peer    = xcalloc(1, sizeof *peer);
    peer->scripts              = scripts;
    peer->tls                  = cert_file ? tls_context(cert_file, key_file) : NULL;
    pthread_mutex_init(&peer->lock, NULL);
    peer->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int ok   = bind(peer->fd, (struct sockaddr *)&address, len) == 0 &&
             listen(peer->fd, CONNECTIONS_MAX) == 0 &&
             getsockname(peer->fd, (struct sockaddr *)&address, &len) == 0;
    assert(ok);
    peer->port = ntohs(address.sin_port);
    int code   = pthread_create(&peer->thread, NULL, run_peer, peer);
    assert(code == 0);
    return peer;
}

int peer_port(const struct peer *peer)
{
    return peer->port;
}

int peer_accepted(struct peer *peer)
{
    pthread_mutex_lock(&peer->lock);
    int count = peer->count;
    pthread_mutex_unlock(&peer->lock);
    return count;
}

int peer_resumed(struct peer *peer)
{
    pthread_mutex_lock(&peer->lock);
    int resumed = peer->resumed;
    pthread_mutex_unlock(&peer->lock);
    return resumed;
}

int peer_count(struct peer *peer, const char *text)
{
    int count = 0;
    pthread_mutex_lock(&peer->lock);
    for (int i = 0; i < peer->count; i++) {
        const struct buf *received = &peer->connections[i]->received;
        const char       *p        = buf_text(received);
        const char       *end      = p + received->len;
        while ((p = memmem(p, (size_t)(end - p), text, strlen(text)))) {
            p += strlen(text);
            count++;
        }
    }
    pthread_mutex_unlock(&peer->lock);
    return count;
}

void peer_free(struct peer *peer)
{
    if (!peer)
        return;
    pthread_mutex_lock(&peer->lock);
    peer->ending = true;
    shutdown(peer->fd, SHUT_RDWR);
    for (int i = 0; i < peer->count; i++)
        if (peer->connections[i]->fd >= 0)
            shutdown(peer->connections[i]->fd, SHUT_RDWR);
    pthread_mutex_unlock(&peer->lock);
    pthread_join(peer->thread, NULL);
    for (int i = 0; i < peer->count; i++) {
        pthread_join(peer->connections[i]->thread, NULL);
        buf_fini(&peer->connections[i]->received);
        free(peer->connections[i]);
    }
    close(peer->fd);
    SSL_CTX_free(peer->tls);
    pthread_mutex_destroy(&peer->lock);
    free(peer);
}
