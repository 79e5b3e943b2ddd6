// SPDX-License-Identifier: Apache-2.0
/*   accept ─► READING ─► (head, body) ─► handler ─► ANSWERING ─┬─► READING   the next request
 *                │  └─ refused, too slow: 4xx ─────────────────┴─► LINGERING ─► closed
 *
 * LINGERING reads and forgets what the client still sends: closing with unread bytes would reset the
 * connection and take the answer away from the client. */
#include "loop/server.h"

#include <assert.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "loop/server_head.h"

enum {
    HEAD_BYTES     = 16384,    // request line and fields
    PIECE_BYTES    = 16384,    // read at once
    REPLY_BYTES    = 8 << 20,  // body of an answer
    ACCEPTS        = 64,       // in one turn
    ACCEPT_WAIT_MS = 1000,     // when the process has no descriptor left
    LINGER_MS      = 1000,     // for the client to take its answer
    BACKLOG        = 128,
};

enum client_state { READING, ANSWERING, LINGERING };

struct client {
    LIST_ENTRY(client) entry;       // in the server's list
    struct server     *server;      // borrowed
    enum client_state  state;       // see the picture
    int                fd;          // owned
    struct watch       watch;       // for what `watched` says
    int                watched;     // WATCH_READ or WATCH_WRITE
    struct timer       timer;       // ends the request, or the lingering
    struct buf         in;          // what came, from the start of the request
    size_t             searched;    // bytes of it without the end of the head
    bool               has_head;    // head is set
    struct server_head head;        // of the request
    struct arena       arena;       // the request's texts
    struct buf         out;         // the answer
    size_t             sent;        // bytes of it
    bool               keep_alive;  // another request may follow
};

LIST_HEAD(client_list, client);

struct server {
    struct loop       *loop;             // borrowed
    server_handler    *handler;          // the owner's
    void              *owner;            // borrowed
    size_t             body_max;         // bytes of a request's body
    int64_t            timeout_ms;       // for one request
    int64_t            connections_max;  // at once
    int64_t            connections;      // now
    int                fd;               // owned, listening
    int                port;             // taken
    struct watch       watch;            // for accept
    struct timer       accept_again;     // after the process had no descriptor left
    struct client_list clients;          // owned
};

static void watch_for(struct client *client, int what)
{
    if (client->watched != what)
        watch_set(&client->watch, what);
    client->watched = what;
}

static void client_free(struct client *client)
{
    LIST_REMOVE(client, entry);
    client->server->connections--;
    watch_fini(&client->watch);
    timer_fini(&client->timer);
    close(client->fd);
    arena_fini(&client->arena);
    buf_wipe(&client->in);
    buf_fini(&client->out);
    free(client);
}

static void write_answer(struct client *client, const struct server_reply *reply)
{
    char      date[64];
    time_t    now = time(NULL);
    struct tm t;
    gmtime_r(&now, &t);
    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", &t);
    buf_init(&client->out, REPLY_BYTES + 1024);
    buf_printf(
        &client->out,
        "HTTP/1.1 %d %s\r\nDate: %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
        "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nConnection: %s\r\n\r\n",
        reply->status, server_reason(reply->status), date, reply->content_type, reply->body.len,
        client->keep_alive ? "keep-alive" : "close");
    if (!str_is(client->head.method, "HEAD"))
        buf_add(&client->out, buf_str(&reply->body));
    assert(!client->out.full);
    client->sent  = 0;
    client->state = ANSWERING;
}

static void reply_init(struct server_reply *reply, int status)
{
    *reply = (struct server_reply){ .status = status, .content_type = "text/plain; charset=utf-8" };
    buf_init(&reply->body, REPLY_BYTES);
}

static void refuse(struct client *client, int status)
{
    struct server_reply reply;
    reply_init(&reply, status);
    buf_printf(&reply.body, "%d %s\n", status, server_reason(status));
    client->keep_alive = false;
    write_answer(client, &reply);
    buf_fini(&reply.body);
}

static void handle(struct client *client)
{
    const struct server_head *head    = &client->head;
    bool                      is_head = str_is(head->method, "HEAD");
    struct server_request     request = {
            .method  = is_head ? "GET" : arena_text(&client->arena, head->method),
            .path    = head->path.p,
            .query   = head->query.p,
            .body    = { client->in.p + head->bytes, head->body_bytes },
            .is_head = is_head,
    };
    struct server_reply reply;
    reply_init(&reply, 200);
    client->server->handler(client->server->owner, &request, &reply);
    client->keep_alive = head->keep_alive;
    if (reply.body.full)
        refuse(client, 500);
    else
        write_answer(client, &reply);
    buf_fini(&reply.body);
}

// True when the head is there; a bad one is refused, which leaves READING.
static bool read_head(struct client *client)
{
    if (client->has_head)
        return true;
    struct str  in   = buf_str(&client->in);
    size_t      from = client->searched > 3 ? client->searched - 3 : 0;
    const char *end  = memmem(in.p + from, in.len - from, "\r\n\r\n", 4);
    client->searched = in.len;
    size_t bytes     = end ? (size_t)(end - in.p) + 4 : in.len;
    if (bytes > HEAD_BYTES) {
        refuse(client, 431);
        return false;
    }
    if (!end)
        return false;
    struct str text = arena_copy(&client->arena, (struct str){ in.p, bytes });
    int refused = server_head_parse(text, client->server->body_max, &client->arena, &client->head);
    client->has_head = true;
    if (refused)
        refuse(client, refused);
    return !refused;
}

// A short send closes the connection: nothing was under way, so that 25 bytes always fit.
static bool tell_continue(struct client *client)
{
    struct str text = STR("HTTP/1.1 100 Continue\r\n\r\n");
    if (!client->head.expect_continue)
        return true;
    client->head.expect_continue = false;
    return send(client->fd, text.p, text.len, MSG_NOSIGNAL) == (ssize_t)text.len;
}

static bool send_answer(struct client *client)
{
    while (client->sent < client->out.len) {
        ssize_t n = send(client->fd, client->out.p + client->sent, client->out.len - client->sent,
                         MSG_NOSIGNAL);
        if (n < 0 && errno != EINTR)
            return errno == EAGAIN;
        client->sent += n > 0 ? (size_t)n : 0;
    }
    return true;
}

static void next_request(struct client *client)
{
    buf_drop(&client->in, client->head.bytes + client->head.body_bytes);
    buf_fini(&client->out);
    arena_fini(&client->arena);
    client->head     = (struct server_head){ 0 };
    client->has_head = false;
    client->searched = 0;
    client->state    = READING;
    timer_start(&client->timer, client->server->timeout_ms);
}

static void linger(struct client *client)
{
    client->state = LINGERING;
    shutdown(client->fd, SHUT_WR);
    timer_start(&client->timer, LINGER_MS);
    watch_for(client, WATCH_READ);
}

// As far as it goes without waiting; false: the connection is of no more use.
static bool advance(struct client *client)
{
    while (client->state != LINGERING) {
        if (client->state == READING && read_head(client)) {
            if (client->in.len < client->head.bytes + client->head.body_bytes) {
                watch_for(client, WATCH_READ);
                return tell_continue(client);
            }
            handle(client);
        }
        if (client->state == READING) {
            watch_for(client, WATCH_READ);
            return true;
        }
        if (!send_answer(client))
            return false;
        if (client->sent < client->out.len) {
            watch_for(client, WATCH_WRITE);
            return true;
        }
        if (client->keep_alive)
            next_request(client);
        else
            linger(client);
    }
    return true;
}

// False at the end of the stream.
static bool receive(struct client *client)
{
    char    piece[PIECE_BYTES];
    size_t  room = client->state == READING ? client->in.max - client->in.len : sizeof piece;
    ssize_t n    = recv(client->fd, piece, room < sizeof piece ? room : sizeof piece, 0);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR;
    if (n > 0 && client->state == READING)
        buf_add(&client->in, (struct str){ piece, (size_t)n });
    return n > 0;
}

static void on_client_ready(struct watch *watch, int what)
{
    struct client *client = container_of(watch, struct client, watch);
    if (((what & WATCH_READ) && !receive(client)) || !advance(client))
        client_free(client);
}

static void on_client_late(struct timer *timer)
{
    struct client *client = container_of(timer, struct client, timer);
    bool           told   = client->state == READING && client->in.len;
    if (told) {
        refuse(client, 408);
        timer_start(&client->timer, LINGER_MS);
    }
    if (!told || !advance(client))
        client_free(client);
}

static void client_new(struct server *server, int fd)
{
    struct client *client = xcalloc(1, sizeof *client);
    client->server        = server;
    client->fd            = fd;
    buf_init(&client->in, HEAD_BYTES + server->body_max + 1);
    watch_init(&client->watch, server->loop, fd, on_client_ready);
    timer_init(&client->timer, server->loop, on_client_late);
    timer_start(&client->timer, server->timeout_ms);
    watch_for(client, WATCH_READ);
    LIST_INSERT_HEAD(&server->clients, client, entry);
    server->connections++;
}

static void turn_away(int fd)
{
    struct str text =
        STR("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    ssize_t n = send(fd, text.p, text.len, MSG_NOSIGNAL | MSG_DONTWAIT);
    (void)n;
    close(fd);
}

static void on_connection(struct watch *watch, int what)
{
    (void)what;
    struct server *server = container_of(watch, struct server, watch);
    for (int i = 0; i < ACCEPTS; i++) {
        int fd = accept4(server->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0 && server->connections < server->connections_max) {
            client_new(server, fd);
        } else if (fd >= 0) {
            turn_away(fd);
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            log_warn("http: no connection taken for a while", F_STR("why", strerror(errno)));
            watch_set(&server->watch, 0);
            timer_start(&server->accept_again, ACCEPT_WAIT_MS);
            return;
        } else if (errno != EINTR && errno != ECONNABORTED) {
            return;
        }
    }
}

static void on_accept_again(struct timer *timer)
{
    struct server *server = container_of(timer, struct server, accept_again);
    watch_set(&server->watch, WATCH_READ);
}

static int listen_at(const struct addrinfo *address)
{
    int one = 1;
    int fd  = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, address->ai_addr, address->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    int saved = errno;
    close(fd);
    errno = saved;
    return -1;
}

static bool listen_on(struct server *server, const char *where, struct error *err)
{
    struct addrinfo hints = { .ai_flags = AI_PASSIVE | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM };
    struct addrinfo *list = NULL;
    struct str       host = { 0 };
    struct str       port = { 0 };
    if (!server_listen_split(str_of(where), &host, &port))
        return error_set(err, ERR_SETTING, "listen on %.100s: not host:port", where);
    struct arena arena  = { 0 };
    const char  *name   = host.len ? arena_text(&arena, host) : NULL;
    int          failed = getaddrinfo(name, port.p, &hints, &list);
    arena_fini(&arena);
    if (failed)
        return error_set(err, ERR_SETTING, "listen on %.100s: %s", where, gai_strerror(failed));
    for (const struct addrinfo *a = list; a && server->fd < 0; a = a->ai_next)
        server->fd = listen_at(a);
    int saved = errno;
    freeaddrinfo(list);
    return server->fd >= 0 ||
           error_set(err, ERR_IO, "listen on %.100s: %s", where, strerror(saved));
}

static int port_of(int fd)
{
    struct sockaddr_storage address;
    socklen_t               len = sizeof address;
    char                    port[8];
    int64_t                 number = 0;
    if (getsockname(fd, (struct sockaddr *)&address, &len) ||
        getnameinfo((struct sockaddr *)&address, len, NULL, 0, port, sizeof port, NI_NUMERICSERV) ||
        !str_to_i64(str_of(port), &number))
        return 0;
    return (int)number;
}

struct server *server_open(struct loop *loop, const char *listen, int64_t body_max_bytes,
                           int64_t timeout_ms, int64_t connections_max, server_handler *handler,
                           void *owner, struct error *err)
{
    assert(body_max_bytes >= 0 && timeout_ms > 0 && connections_max > 0);
    struct server *server   = xcalloc(1, sizeof *server);
    server->loop            = loop;
    server->handler         = handler;
    server->owner           = owner;
    server->body_max        = (size_t)body_max_bytes;
    server->timeout_ms      = timeout_ms;
    server->connections_max = connections_max;
    server->fd              = -1;
    LIST_INIT(&server->clients);
    if (!listen_on(server, listen, err)) {
        server_free(server);
        return NULL;
    }
    server->port = port_of(server->fd);
    timer_init(&server->accept_again, loop, on_accept_again);
    watch_init(&server->watch, loop, server->fd, on_connection);
    watch_set(&server->watch, WATCH_READ);
    return server;
}

int server_port(const struct server *server)
{
    return server->port;
}

void server_free(struct server *server)
{
    if (!server)
        return;
    while (!LIST_EMPTY(&server->clients))
        client_free(LIST_FIRST(&server->clients));
    watch_fini(&server->watch);
    timer_fini(&server->accept_again);
    if (server->fd >= 0)
        close(server->fd);
    free(server);
}
