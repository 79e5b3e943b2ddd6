// SPDX-License-Identifier: Apache-2.0
#include "proxy.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/memory.h"

enum { PAIRS = 64, CHUNK = 65536 };

struct pair {
    int client;  // -1: free
    int broker;
};

struct proxy {
    int                   listener;
    uint16_t              port;         // ours
    uint16_t              broker_port;  // its
    pthread_t             thread;
    atomic_int            mode;
    atomic_bool           cut;
    atomic_bool           stop;
    atomic_long           cut_after;  // bytes of answers; -1: never
    _Atomic(const char *) sought;     // in requests; NULL: nothing
    atomic_bool           saw;
    struct pair           pairs[PAIRS];
};

static void pair_close(struct pair *pair)
{
    if (pair->client < 0)
        return;
    close(pair->client);
    close(pair->broker);
    pair->client = -1;
}

static struct sockaddr_in loopback(uint16_t port)
{
    return (struct sockaddr_in){ .sin_family      = AF_INET,
                                 .sin_port        = htons(port),
                                 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

static void take(struct proxy *proxy)
{
    int                client  = accept4(proxy->listener, NULL, NULL, SOCK_CLOEXEC);
    struct sockaddr_in address = loopback(proxy->broker_port);
    int                one     = 1;
    if (client < 0)
        return;
    int broker = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    for (int i = 0; i < PAIRS && proxy->mode != PROXY_REFUSE; i++) {
        if (proxy->pairs[i].client >= 0)
            continue;
        if (connect(broker, (struct sockaddr *)&address, sizeof address))
            break;
        setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        setsockopt(broker, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        proxy->pairs[i] = (struct pair){ client, broker };
        return;
    }
    close(client);
    close(broker);
}

// host and port as the protocol writes them, one after the other
static void rename_broker(const struct proxy *proxy, char *bytes, size_t len)
{
    static const char host[] = "127.0.0.1";
    char              from[sizeof host - 1 + 4];
    memcpy(from, host, sizeof host - 1);
    uint32_t port = htonl(proxy->broker_port);
    memcpy(from + sizeof host - 1, &port, 4);
    port    = htonl(proxy->port);
    char *p = bytes;
    while ((p = memmem(p, len - (size_t)(p - bytes), from, sizeof from))) {
        memcpy(p + sizeof host - 1, &port, 4);
        p += sizeof from;
    }
}

static bool send_all(int fd, const char *bytes, size_t len)
{
    while (len) {
        ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);
        if (n <= 0)
            return false;
        bytes += n;
        len -= (size_t)n;
    }
    return true;
}

static bool forward(struct proxy *proxy, int from, int to, bool answer)
{
    static _Thread_local char bytes[CHUNK];
    ssize_t                   n = recv(from, bytes, sizeof bytes, 0);
    if (n <= 0)
        return false;
    const char *sought = proxy->sought;
    if (!answer && sought && memmem(bytes, (size_t)n, sought, strlen(sought)))
        proxy->saw = true;
    if (!answer)
        return send_all(to, bytes, (size_t)n);
    if (proxy->mode == PROXY_DEAF)
        return true;
    long left = proxy->cut_after;
    if (left >= 0) {
        proxy->cut_after = n > left ? -1 : left - n;
        if (n > left) {
            (void)!send_all(to, bytes, (size_t)left);
            proxy->cut = true;
            return true;
        }
    }
    rename_broker(proxy, bytes, (size_t)n);
    return send_all(to, bytes, (size_t)n);
}

static void turn(struct proxy *proxy)
{
    struct pollfd fds[1 + 2 * PAIRS];
    bool          still = proxy->mode == PROXY_HANG;
    fds[0]              = (struct pollfd){ .fd = proxy->listener, .events = POLLIN };
    for (int i = 0; i < PAIRS; i++) {
        bool open = proxy->pairs[i].client >= 0 && !still;
        fds[1 + 2 * i] =
            (struct pollfd){ .fd = open ? proxy->pairs[i].client : -1, .events = POLLIN };
        fds[2 + 2 * i] =
            (struct pollfd){ .fd = open ? proxy->pairs[i].broker : -1, .events = POLLIN };
    }
    poll(fds, 1 + 2 * PAIRS, 5);
    for (int i = 0; i < PAIRS; i++) {
        struct pair *pair = &proxy->pairs[i];
        bool         ok   = true;
        if (fds[1 + 2 * i].fd >= 0 && fds[1 + 2 * i].revents)
            ok = forward(proxy, pair->client, pair->broker, false);
        if (ok && fds[2 + 2 * i].fd >= 0 && fds[2 + 2 * i].revents)
            ok = forward(proxy, pair->broker, pair->client, true);
        if (!ok)
            pair_close(pair);
    }
    if (fds[0].revents)
        take(proxy);
}

static void *run(void *argument)
{
    struct proxy *proxy = argument;
    while (!proxy->stop) {
        turn(proxy);
        if (atomic_exchange(&proxy->cut, false))
            for (int i = 0; i < PAIRS; i++)
                pair_close(&proxy->pairs[i]);
    }
    for (int i = 0; i < PAIRS; i++)
        pair_close(&proxy->pairs[i]);
    return NULL;
}

struct proxy *proxy_new(const char *broker)
{
    struct proxy      *proxy   = xcalloc(1, sizeof *proxy);
    struct sockaddr_in address = loopback(0);
    socklen_t          len     = sizeof address;
    const char        *colon   = strrchr(broker, ':');
    proxy->broker_port         = (uint16_t)strtol(colon ? colon + 1 : "0", NULL, 10);
    proxy->cut_after           = -1;
    for (int i = 0; i < PAIRS; i++)
        proxy->pairs[i].client = -1;
    proxy->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(proxy->listener, (struct sockaddr *)&address, len) || listen(proxy->listener, 64) ||
        getsockname(proxy->listener, (struct sockaddr *)&address, &len) ||
        pthread_create(&proxy->thread, NULL, run, proxy)) {
        close(proxy->listener);
        free(proxy);
        return NULL;
    }
    proxy->port = ntohs(address.sin_port);
    return proxy;
}

int proxy_port(const struct proxy *proxy)
{
    return proxy->port;
}

void proxy_set(struct proxy *proxy, enum proxy_mode mode)
{
    proxy->mode = mode;
}

void proxy_cut(struct proxy *proxy)
{
    proxy->cut = true;
    while (proxy->cut)
        usleep(1000);
}

void proxy_cut_after(struct proxy *proxy, long bytes)
{
    proxy->cut_after = bytes;
}

void proxy_seek(struct proxy *proxy, const char *text)
{
    proxy->sought = text;
    proxy->saw    = false;
}

bool proxy_saw(const struct proxy *proxy)
{
    return proxy->saw;
}

void proxy_free(struct proxy *proxy)
{
    if (!proxy)
        return;
    proxy->stop = true;
    pthread_join(proxy->thread, NULL);
    close(proxy->listener);
    free(proxy);
}
