// SPDX-License-Identifier: Apache-2.0
/* Preloaded into a worker by test_zombie.py. Once in its life it stops the whole process (SIGSTOP) where no check of the
 * worker can be any more, or just before the last one:
 *
 *     INTENT in Kafka ─► SENDING in Redis ─► connect ─► the lease is looked at ─► send
 *                                           ▲ STOP_AT=connect                    ▲ STOP_AT=send
 *
 * STOP_PORT is TikTok's. What is sent is known by its first line. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int is_told(const char *where)
{
    const char *at = getenv("STOP_AT");
    return at && strcmp(at, where) == 0;
}

static void stop_once(void)
{
    static int stopped;
    if (!__atomic_exchange_n(&stopped, 1, __ATOMIC_SEQ_CST))
        kill(getpid(), SIGSTOP);
}

ssize_t send(int fd, const void *bytes, size_t count, int flags)
{
    static const char line[] = "POST /v2/post/publish/";
    static const char init[] = "/init/ ";
    ssize_t (*next)(int, const void *, size_t, int);
    *(void **)&next = dlsym(RTLD_NEXT, "send");
    if (is_told("send") && count > 64 && memcmp(bytes, line, sizeof line - 1) == 0 &&
        memmem(bytes, 64, init, sizeof init - 1))
        stop_once();
    return next(fd, bytes, count, flags);
}

int connect(int fd, const struct sockaddr *address, socklen_t size)
{
    const char *port = getenv("STOP_PORT");
    int (*next)(int, const struct sockaddr *, socklen_t);
    *(void **)&next = dlsym(RTLD_NEXT, "connect");
    if (is_told("connect") && port && address->sa_family == AF_INET) {
        struct sockaddr_in to;
        memcpy(&to, address, sizeof to);
        if (ntohs(to.sin_port) == strtol(port, NULL, 10))
            stop_once();
    }
    return next(fd, address, size);
}
