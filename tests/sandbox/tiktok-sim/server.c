// SPDX-License-Identifier: Apache-2.0
/*
 *   on_request -> route_find -> fault_fire -> handler -> finish -> server_send
 *                                   └── no effect ───────┘  └──> park_call (later, never, reset)
 */
#include "server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "call.h"
#include "oauth.h"
#include "route.h"
#include "sim.h"
#include "text.h"
#include "upload.h"

#define HEAD_BYTES_MAX 65536
#define BODY_BYTES_MAX 135000000  // a last chunk of 128 MiB and some
#define JSON_BYTES_MAX 1000000
#define IDLE_S 600

static void on_sent_free(const void *data, size_t len, void *arg)
{
    (void)data;
    (void)len;
    free(arg);
}

void server_send(struct call *call)
{
    struct evkeyvalq *head = evhttp_request_get_output_headers(call->req);
    struct evbuffer  *out  = evbuffer_new();
    if (!out)
        abort();
    if (call->out_len) {
        evbuffer_add_reference(out, call->out, call->out_len, on_sent_free, call->out);
        call->out = NULL;
    }
    if (call->type[0])
        evhttp_add_header(head, "Content-Type", call->type);
    if (call->range[0])
        evhttp_add_header(head, "Content-Range", call->range);
    ledger_call(call);
    evhttp_send_reply(call->req, call->http, NULL, out);
    evbuffer_free(out);
    if (call->told && call->will_answer)
        publish_told(call->told);
    call_free(call);
}

// By hand, as libevent would never announce more than it sends.
static void send_half(struct call *call)
{
    char head[256];
    int  len = snprintf(head, sizeof head,
                        "HTTP/1.1 %d OK\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n",
                        call->http, call->type, call->out_len);
    int  fd  = (int)bufferevent_getfd(
          evhttp_connection_get_bufferevent(evhttp_request_get_connection(call->req)));
    if (send(fd, head, (size_t)len, MSG_NOSIGNAL | MSG_MORE) == len && call->out_len)
        (void)!send(fd, call->out, call->out_len / 2, MSG_NOSIGNAL);
}

static void answer_fault(struct call *call, const struct fault *fault)
{
    if (fault->answer == FAULT_ANSWER_EMPTY)
        call_answer_empty(call, fault->http);
    else if (fault->answer == FAULT_ANSWER_HTML)
        call_answer_html(call, fault->http);
    else if (call->endpoint == END_TOKEN || call->endpoint == END_REVOKE)
        call_answer_flat_error(call, fault->code, fault->message);
    else
        call_answer_error(call, fault->http, fault->code, "%s", fault->message);
    if (call->endpoint == END_UPLOAD && fault->answer == FAULT_ANSWER_ERROR)
        call_answer_empty(call, fault->http);  // uploads know no error bodies
}

// Gives the call to the client as the rule wants. The handler has run if the rule has an effect.
static void finish_fault(struct call *call, const struct fault *fault)
{
    switch (fault->answer) {
    case FAULT_ANSWER_NEVER:
    case FAULT_ANSWER_RESET:
        call_drop_answer(call);
        ledger_call(call);
        park_call(call, fault->answer == FAULT_ANSWER_RESET ? PARK_RESET : PARK_HANG, fault->ms);
        return;
    case FAULT_ANSWER_TRUNCATE:
        send_half(call);
        ledger_call(call);
        park_call(call, PARK_CLOSE, fault->ms);
        return;
    case FAULT_ANSWER_EMPTY:
    case FAULT_ANSWER_HTML:
    case FAULT_ANSWER_ERROR:
        answer_fault(call, fault);
        break;
    case FAULT_ANSWER_BROKEN:
        call->out_len /= 2;
        break;
    case FAULT_ANSWER_TRUE:
        break;
    }
    if (fault->ms)
        park_call(call, PARK_SEND, fault->ms);
    else
        server_send(call);
}

static bool copy_body(struct call *call)
{
    struct evbuffer *in = evhttp_request_get_input_buffer(call->req);
    call->body_len      = evbuffer_get_length(in);
    if (call->endpoint == END_UPLOAD)
        return true;
    if (call->body_len > JSON_BYTES_MAX && call->endpoint != END_CONTROL)
        return false;
    call->body_mem = xcalloc(1, call->body_len + 1);
    evbuffer_copyout(in, call->body_mem, call->body_len);
    call->body = call->body_mem;
    return true;
}

static void find_account(struct call *call)
{
    const char *bearer = call_header(call, "Authorization");
    if (call->endpoint == END_UPLOAD) {
        struct publish *publish = upload_find(call);
        call->account           = publish ? publish->account : NULL;
    } else if (call->endpoint == END_TOKEN || call->endpoint == END_REVOKE) {
        call->account = oauth_find_account(call);
    } else if (bearer && strncasecmp(bearer, "Bearer ", 7) == 0) {
        call->account = account_by_access(call->sim, bearer + 7);
    }
}

static void serve(struct call *call, const struct route *route)
{
    if (!copy_body(call)) {
        call_answer_html(call, 413);
        server_send(call);
        return;
    }
    if (route->endpoint == END_CONTROL) {
        route->handle(call);
        server_send(call);
        return;
    }
    find_account(call);
    const struct fault *fault = fault_fire(call);
    if (!fault) {
        route->handle(call);
        server_send(call);
        return;
    }
    call->fault       = fault->name;
    call->will_answer = fault->answer == FAULT_ANSWER_TRUE;
    ledger_call_event(call, "fault");
    if (fault->effect || fault->answer == FAULT_ANSWER_TRUE || fault->answer >= FAULT_ANSWER_BROKEN)
        route->handle(call);
    finish_fault(call, fault);
}

static const char *method_name(struct evhttp_request *req)
{
    switch (evhttp_request_get_command(req)) {
    case EVHTTP_REQ_GET:
        return "GET";
    case EVHTTP_REQ_POST:
        return "POST";
    case EVHTTP_REQ_PUT:
        return "PUT";
    case EVHTTP_REQ_DELETE:
        return "DELETE";
    default:
        return "OTHER";
    }
}

static void on_request(struct evhttp_request *req, void *arg)
{
    struct call             *call = call_new(arg, req);
    const struct evhttp_uri *uri  = evhttp_request_get_evhttp_uri(req);
    call->method                  = method_name(req);
    call->path                    = uri && evhttp_uri_get_path(uri) ? evhttp_uri_get_path(uri) : "";
    call->query                   = uri ? evhttp_uri_get_query(uri) : NULL;
    const struct route *route     = route_find(call->path);
    if (route && route->method[0] && strcmp(route->method, call->method) != 0) {
        call_answer_html(call, 405);
        server_send(call);
    } else if (route) {
        call->endpoint = route->endpoint;
        serve(call, route);
    } else {
        call_answer_html(call, 404);
        server_send(call);
    }
}

// Written beside its place and moved there, so that a reader never sees half of it.
static bool write_port_file(struct sim *sim)
{
    char name[4096];
    if (!sim->options.port_file)
        return true;
    int len = snprintf(name, sizeof name, "%s.%d", sim->options.port_file, (int)getpid());
    if (len < 0 || (size_t)len >= sizeof name)
        return false;
    FILE *file = fopen(name, "we");
    if (!file)
        return false;
    bool ok = fprintf(file, "%s\n", sim->self) > 0;
    ok      = fclose(file) == 0 && ok;
    return ok && rename(name, sim->options.port_file) == 0;
}

static bool bind_http(struct sim *sim)
{
    char        host[48] = "";
    const char *colon    = strrchr(sim->options.listen, ':');
    int64_t     port;
    if (!colon || (size_t)(colon - sim->options.listen) >= sizeof host ||
        !text_to_number(colon + 1, &port) || port > 65535) {
        errno = EINVAL;
        return false;
    }
    memcpy(host, sim->options.listen, (size_t)(colon - sim->options.listen));
    struct evhttp_bound_socket *bound =
        evhttp_bind_socket_with_handle(sim->http, host, (ev_uint16_t)port);
    if (!bound)
        return false;
    struct sockaddr_in at  = { .sin_family = AF_INET };
    socklen_t          len = sizeof at;
    if (getsockname(evhttp_bound_socket_get_fd(bound), (struct sockaddr *)&at, &len) != 0)
        return false;
    snprintf(sim->self, sizeof sim->self, "%s:%u", host, (unsigned)ntohs(at.sin_port));
    return true;
}

bool server_start(struct sim *sim)
{
    sim->http = evhttp_new(sim->base);
    if (!sim->http)
        return false;
    evhttp_set_max_headers_size(sim->http, HEAD_BYTES_MAX);
    evhttp_set_max_body_size(sim->http, BODY_BYTES_MAX);
    evhttp_set_timeout(sim->http, IDLE_S);
    evhttp_set_default_content_type(sim->http, NULL);
    evhttp_set_allowed_methods(sim->http, 0xFFFF);
    evhttp_set_gencb(sim->http, on_request, sim);
    if (!bind_http(sim)) {
        fprintf(stderr, "tiktok-sim: listen on %s: %s\n", sim->options.listen, strerror(errno));
        return false;
    }
    if (!write_port_file(sim)) {
        fprintf(stderr, "tiktok-sim: port file %s: %s\n", sim->options.port_file, strerror(errno));
        return false;
    }
    return true;
}

void server_fini(struct sim *sim)
{
    park_drop_all(sim);
    if (sim->http)
        evhttp_free(sim->http);
}
