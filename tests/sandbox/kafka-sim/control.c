/* SPDX-License-Identifier: Apache-2.0 */
#include "control.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { PEERS_MAX = 16, LINE_BYTES_MAX = 4096, SEND_WAIT_MS = 2000 };

struct peer {
    int    fd;                    // -1: a free place
    size_t len;                   // bytes in `line`
    char   line[LINE_BYTES_MAX];  // what came after the last newline
};

struct control {
    struct sockaddr_un address;           // where the socket file is
    int                listen_fd;         // -1 until bound
    int                epoll_fd;          // -1 until made; holds all the others
    struct peer        peers[PEERS_MAX];  // connections
    void (*on_line)(void *arg, char *line, FILE *answer);
    void *arg;  // borrowed; on_line's
};

/* A socket file left by a process that is gone would make bind fail: only that is removed. */
static bool clear_path(const struct sockaddr_un *address, struct sim_error *err)
{
    struct stat st;

    if (lstat(address->sun_path, &st) != 0)
        return errno == ENOENT || sim_error_set(err, "%s: %s", address->sun_path, strerror(errno));
    if (!S_ISSOCK(st.st_mode))
        return sim_error_set(err, "%s: exists and is no socket", address->sun_path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return sim_error_set(err, "socket: %s", strerror(errno));
    int  rc    = connect(fd, (const struct sockaddr *)address, sizeof *address);
    bool stale = rc != 0 && errno == ECONNREFUSED;
    close(fd);
    if (!stale)
        return sim_error_set(err, "%s: somebody listens there", address->sun_path);
    if (unlink(address->sun_path) != 0)
        return sim_error_set(err, "%s: %s", address->sun_path, strerror(errno));
    return true;
}

static bool watch_fd_in(struct control *control, int fd, void *ptr)
{
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = ptr };

    return epoll_ctl(control->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0;
}

static bool control_listen(struct control *control, struct sim_error *err)
{
    const struct sockaddr *address = (const struct sockaddr *)&control->address;
    int                    fd      = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0)
        return sim_error_set(err, "socket: %s", strerror(errno));
    if (bind(fd, address, sizeof control->address) != 0) {
        close(fd);
        return sim_error_set(err, "%s: %s", control->address.sun_path, strerror(errno));
    }
    control->listen_fd = fd;
    control->epoll_fd  = epoll_create1(EPOLL_CLOEXEC);
    if (chmod(control->address.sun_path, 0600) != 0 || listen(fd, PEERS_MAX) != 0 ||
        control->epoll_fd < 0 || !watch_fd_in(control, fd, NULL))
        return sim_error_set(err, "%s: %s", control->address.sun_path, strerror(errno));
    return true;
}

bool control_new(struct control **out, const char *path, struct sim_error *err,
                 void (*on_line)(void *arg, char *line, FILE *answer), void *arg)
{
    struct control *control = calloc(1, sizeof *control);

    if (!control)
        abort();
    control->address.sun_family = AF_UNIX;
    control->listen_fd          = -1;
    control->epoll_fd           = -1;
    control->on_line            = on_line;
    control->arg                = arg;
    for (int i = 0; i < PEERS_MAX; i++)
        control->peers[i].fd = -1;

    size_t room = sizeof control->address.sun_path;
    if ((size_t)snprintf(control->address.sun_path, room, "%s", path) >= room) {
        sim_error_set(err, "--control: a socket's path has at most %zu bytes", room - 1);
        goto fail;
    }
    if (!clear_path(&control->address, err) || !control_listen(control, err))
        goto fail;
    *out = control;
    return true;
fail:
    control_free(control);
    return false;
}

static void peer_close(struct peer *peer)
{
    close(peer->fd);
    peer->fd  = -1;
    peer->len = 0;
}

void control_free(struct control *control)
{
    if (!control)
        return;
    for (int i = 0; i < PEERS_MAX; i++) {
        if (control->peers[i].fd >= 0)
            peer_close(&control->peers[i]);
    }
    if (control->listen_fd >= 0) {
        close(control->listen_fd);
        unlink(control->address.sun_path);
    }
    if (control->epoll_fd >= 0)
        close(control->epoll_fd);
    free(control);
}

int control_fd(const struct control *control)
{
    return control->epoll_fd;
}

static bool send_all(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t sent = send(fd, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent > 0) {
            bytes += sent;
            len -= (size_t)sent;
            continue;
        }
        struct pollfd wait = { .fd = fd, .events = POLLOUT };
        if (errno != EINTR && (errno != EAGAIN || poll(&wait, 1, SEND_WAIT_MS) <= 0))
            return false;
    }
    return true;
}

static bool answer_line(struct control *control, struct peer *peer, char *line)
{
    char  *answer = NULL;
    size_t len    = 0;
    FILE  *out    = open_memstream(&answer, &len);

    if (!out)
        abort();
    control->on_line(control->arg, line, out);
    if (fclose(out) != 0)
        abort();
    bool sent = send_all(peer->fd, answer, len);
    free(answer);
    return sent;
}

/* Answers every whole line and keeps the rest. */
static bool peer_take_lines(struct control *control, struct peer *peer)
{
    char *start   = peer->line;
    char *newline = NULL;

    while ((newline = memchr(start, '\n', peer->len - (size_t)(start - peer->line)))) {
        *newline = '\0';
        if (!answer_line(control, peer, start))
            return false;
        start = newline + 1;
    }
    peer->len -= (size_t)(start - peer->line);
    memmove(peer->line, start, peer->len);
    return true;
}

static void peer_serve(struct control *control, struct peer *peer)
{
    static const char too_long[] = "error: a line has at most 4095 bytes\n";

    ssize_t got = recv(peer->fd, peer->line + peer->len, LINE_BYTES_MAX - peer->len, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0) {
        peer_close(peer);
        return;
    }
    peer->len += (size_t)got;
    if (!peer_take_lines(control, peer)) {
        peer_close(peer);
    } else if (peer->len == LINE_BYTES_MAX) {
        send_all(peer->fd, too_long, sizeof too_long - 1);
        peer_close(peer);
    }
}

static void control_accept(struct control *control)
{
    static const char full[] = "error: too many connections\n";
    int               fd     = accept4(control->listen_fd, NULL, NULL, SOCK_CLOEXEC);

    if (fd < 0)
        return;
    for (int i = 0; i < PEERS_MAX; i++) {
        struct peer *peer = &control->peers[i];
        if (peer->fd < 0 && watch_fd_in(control, fd, peer)) {
            peer->fd = fd;
            return;
        }
    }
    send_all(fd, full, sizeof full - 1);
    close(fd);
}

void control_serve(struct control *control)
{
    struct epoll_event events[PEERS_MAX + 1];
    int                count = epoll_wait(control->epoll_fd, events, PEERS_MAX + 1, 0);

    for (int i = 0; i < count; i++) {
        if (events[i].data.ptr)
            peer_serve(control, events[i].data.ptr);
        else
            control_accept(control);
    }
}
