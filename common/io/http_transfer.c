// SPDX-License-Identifier: Apache-2.0
#include "io/http_transfer.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "loop/clock.h"

enum { ANSWER_HEADERS_MAX_BYTES = 65536, BEARER_MAX_BYTES = 16384 };

// a wrong option is a bug of ours, or a libcurl that was built without it
#define SET(easy, option, value)                                                                   \
    do {                                                                                           \
        CURLcode set_code = curl_easy_setopt((easy), (option), (value));                           \
        assert(set_code == CURLE_OK);                                                              \
    } while (0)

/* Asked when the connection is up, before each send: also before the one that libcurl would repeat
 * by itself when a reused connection turns out to be dead. */
static int on_before_send(void *owner, char *remote_ip, char *local_ip, int remote_port,
                          int local_port)
{
    (void)remote_ip, (void)local_ip, (void)remote_port, (void)local_port;
    struct transfer *transfer = owner;
    if (transfer->commit_point && transfer->sends > 0) {
        transfer->repeated = true;
        return CURL_PREREQFUNC_ABORT;
    }
    if (transfer->may_send && !transfer->may_send(transfer->owner)) {
        transfer->refused = true;
        return CURL_PREREQFUNC_ABORT;
    }
    transfer->sends++;
    return CURL_PREREQFUNC_OK;
}

static size_t on_body(char *p, size_t size, size_t count, void *owner)
{
    struct transfer *transfer = owner;
    if (buf_add(&transfer->answer->body, (struct str){ p, size * count }))
        return size * count;
    transfer->too_long = true;
    return 0;
}

/* An answer that ends among its headers is whole to libcurl, with a status and an empty body; to us
 * it is cut. The empty line also ends what comes before the answer (100 Continue), and trailers
 * come after it. */
static size_t on_header(char *p, size_t size, size_t count, void *owner)
{
    struct transfer *transfer = owner;
    struct str       line     = { p, size * count };
    if (str_starts(line, "HTTP/"))
        transfer->headers_whole = false;
    else if (str_trim(line).len == 0)
        transfer->headers_whole = true;
    transfer->header_bytes += line.len;
    if (transfer->header_bytes <= ANSWER_HEADERS_MAX_BYTES)
        return line.len;
    transfer->too_long = true;
    return 0;
}

// What of the URL may be shown, and whether we speak that scheme at all.
static bool read_origin(struct transfer *transfer, const char *url, bool http_allowed,
                        struct error *err)
{
    CURLU *parsed = curl_url();
    char  *scheme = NULL;
    char  *host   = NULL;
    char  *port   = NULL;
    bool   ok     = false;
    assert(parsed);
    if (curl_url_set(parsed, CURLUPART_URL, url, 0) ||
        curl_url_get(parsed, CURLUPART_SCHEME, &scheme, 0) ||
        curl_url_get(parsed, CURLUPART_HOST, &host, 0)) {
        error_set(err, ERR_INPUT, "http: a URL that cannot be understood");
        goto out;
    }
    bool has_port = curl_url_get(parsed, CURLUPART_PORT, &port, 0) == CURLUE_OK;
    snprintf(transfer->origin, sizeof transfer->origin, "%s://%s%s%s", scheme, host,
             has_port ? ":" : "", has_port ? port : "");
    ok = strcmp(scheme, "https") == 0 || (http_allowed && strcmp(scheme, "http") == 0);
    if (!ok)
        error_set(err, ERR_INPUT, "%s: only https is spoken%s", transfer->origin,
                  http_allowed ? ", and http" : "");
out:
    curl_free(port);
    curl_free(host);
    curl_free(scheme);
    curl_url_cleanup(parsed);
    return ok;
}

static void add_header(struct transfer *transfer, const char *line)
{
    struct curl_slist *longer = curl_slist_append(transfer->headers, line);
    assert(longer);
    transfer->headers = longer;
}

static bool add_bearer(struct transfer *transfer, struct str bearer, struct error *err)
{
    struct buf line;
    for (size_t i = 0; i < bearer.len; i++)
        if ((unsigned char)bearer.p[i] <= ' ' || (unsigned char)bearer.p[i] >= 0x7F)
            return error_set(err, ERR_INPUT, "%s: a bearer token that is not one word of ASCII",
                             transfer->origin);
    buf_init(&line, BEARER_MAX_BYTES);
    bool ok = buf_add_text(&line, "Authorization: Bearer ") && buf_add(&line, bearer);
    if (ok)
        add_header(transfer, buf_text(&line));
    else
        error_set(err, ERR_INPUT, "%s: a bearer token of %zu bytes", transfer->origin, bearer.len);
    buf_wipe(&line);
    return ok;
}

// libcurl would add its own Expect, and to a POST its own content type
static bool set_headers(struct transfer *transfer, const struct http_request *request,
                        struct error *err)
{
    struct buf line;
    add_header(transfer, "Expect:");
    buf_init(&line, BEARER_MAX_BYTES);
    bool ok = buf_printf(&line, request->content_type ? "Content-Type: %s" : "Content-Type:%s",
                         request->content_type ? request->content_type : "");
    if (ok)
        add_header(transfer, buf_text(&line));
    else
        error_set(err, ERR_INPUT, "%s: the content type is too long", transfer->origin);
    buf_fini(&line);
    if (!ok || (request->bearer.len && !add_bearer(transfer, request->bearer, err)))
        return false;
    SET(transfer->easy, CURLOPT_HTTPHEADER, transfer->headers);
    return true;
}

static void set_method(CURL *easy, const struct http_request *request)
{
    if (strcmp(request->method, "GET") == 0) {
        SET(easy, CURLOPT_HTTPGET, 1L);
        return;
    }
    SET(easy, CURLOPT_POST, 1L);
    SET(easy, CURLOPT_POSTFIELDS, request->body.len ? request->body.p : "");
    SET(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.len);
    if (strcmp(request->method, "POST") != 0)
        SET(easy, CURLOPT_CUSTOMREQUEST, request->method);
}

static void set_connection(CURL *easy, const struct http_request *request,
                           const struct transfer_options *options)
{
    SET(easy, CURLOPT_PROTOCOLS_STR, options->http_allowed ? "https,http" : "https");
    SET(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(easy, CURLOPT_FOLLOWLOCATION, 0L);
    SET(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(easy, CURLOPT_SHARE, options->share);
    SET(easy, CURLOPT_NOSIGNAL, 1L);
    SET(easy, CURLOPT_QUICK_EXIT, 1L);  // a resolver that hangs must not hang us
    SET(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    SET(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)options->connect_ms);
    SET(easy, CURLOPT_USERAGENT, options->user_agent);
    if (options->ca_file)
        SET(easy, CURLOPT_CAINFO, options->ca_file);
    if (request->commit_point) {
        SET(easy, CURLOPT_FRESH_CONNECT, 1L);
        SET(easy, CURLOPT_FORBID_REUSE, 1L);
    }
}

static void set_callbacks(struct transfer *transfer)
{
    CURL *easy = transfer->easy;
    SET(easy, CURLOPT_PRIVATE, transfer);
    SET(easy, CURLOPT_ERRORBUFFER, transfer->why);
    SET(easy, CURLOPT_PREREQFUNCTION, on_before_send);
    SET(easy, CURLOPT_PREREQDATA, transfer);
    SET(easy, CURLOPT_WRITEFUNCTION, on_body);
    SET(easy, CURLOPT_WRITEDATA, transfer);
    SET(easy, CURLOPT_HEADERFUNCTION, on_header);
    SET(easy, CURLOPT_HEADERDATA, transfer);
}

struct transfer *transfer_new(const struct http_request     *request,
                              const struct transfer_options *options, struct http_answer *answer,
                              struct error *err)
{
    struct transfer *transfer = xcalloc(1, sizeof *transfer);
    transfer->answer          = answer;
    transfer->may_send        = request->may_send;
    transfer->owner           = request->owner;
    transfer->commit_point    = request->commit_point;
    transfer->start_us        = clock_monotonic_us();
    transfer->easy            = curl_easy_init();
    assert(transfer->easy);
    if (!read_origin(transfer, request->url, options->http_allowed, err) ||
        !set_headers(transfer, request, err)) {
        transfer_free(transfer);
        return NULL;
    }
    SET(transfer->easy, CURLOPT_URL, request->url);
    set_method(transfer->easy, request);
    set_connection(transfer->easy, request, options);
    set_callbacks(transfer);
    buf_init(&answer->body, request->answer_max_bytes);
    return transfer;
}

static enum err_code code_after_send(const struct transfer *transfer, CURLcode code, long status)
{
    if (code == CURLE_OPERATION_TIMEDOUT)
        return ERR_TIMEOUT;
    if (transfer->too_long || status > 0 || code == CURLE_WEIRD_SERVER_REPLY ||
        code == CURLE_UNSUPPORTED_PROTOCOL)
        return ERR_BROKEN;
    return ERR_LOST;
}

/* What of libcurl's own text may be shown: before the send it speaks of names, addresses and
 * certificates only. */
static void describe(const struct transfer *transfer, CURLcode code, enum err_code as,
                     struct error *err)
{
    const char *words = transfer->refused && as == ERR_NOT_SENT ? "stopped before it was sent"
                        : transfer->repeated ? "the connection was lost without an answer"
                        : transfer->too_long ? "the answer is too long"
                                             : curl_easy_strerror(code);
    bool        more  = as == ERR_CONNECT && transfer->why[0];
    error_set(err, as, "%s: %s%s%s", transfer->origin, words, more ? ": " : "",
              more ? transfer->why : "");
}

bool transfer_outcome(struct transfer *transfer, CURLcode code, struct error *err)
{
    long status = 0;
    curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    transfer->answer->status   = status;
    transfer->answer->total_us = clock_monotonic_us() - transfer->start_us;
    if (code == CURLE_OK && transfer->headers_whole)
        return true;
    if (code == CURLE_OK)
        code = CURLE_PARTIAL_FILE;
    enum err_code as = transfer->sends > 0 ? code_after_send(transfer, code, status)
                       : transfer->refused ? ERR_NOT_SENT
                                           : ERR_CONNECT;
    describe(transfer, code, as, err);
    return false;
}

void transfer_free(struct transfer *transfer)
{
    if (!transfer)
        return;
    timer_fini(&transfer->patience);
    curl_easy_cleanup(transfer->easy);
    curl_slist_free_all(transfer->headers);
    free(transfer);
}

void http_answer_fini(struct http_answer *answer)
{
    buf_fini(&answer->body);
    *answer = (struct http_answer){ 0 };
}
