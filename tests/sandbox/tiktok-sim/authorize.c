// SPDX-License-Identifier: Apache-2.0
#include "authorize.h"

#include <event2/buffer.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "call.h"
#include "sim.h"

struct code {
    char            text[64];       // as in the redirect, decoded
    struct account *account;        // who consented
    int64_t         expires_ms;     // dead from then on
    unsigned        scopes;         // SCOPE_ bits granted
    char           *redirect_uri;   // owned; must come again
    char            challenge[72];  // hex SHA-256 of the verifier; "" without PKCE
};

static void code_free(struct code *code)
{
    if (code)
        free(code->redirect_uri);
    free(code);
}

void codes_fini(struct codes *codes)
{
    const char *key;
    void       *code;
    for (size_t at = 0; table_next(&codes->by_text, &at, &key, &code);)
        code_free(code);
    table_fini(&codes->by_text);
}

// By alias or open_id; the first account when nothing is asked.
static struct account *find_user(struct sim *sim, const char *name)
{
    for (size_t i = 0; i < sim->accounts.used; i++) {
        struct account *account = sim->accounts.all[i];
        if (!name || strcmp(account->alias, name) == 0 || strcmp(account->open_id, name) == 0)
            return account;
    }
    return NULL;
}

static bool is_loopback(const char *uri)
{
    static const char *const starts[] = { "https://localhost:", "https://127.0.0.1:",
                                          "http://localhost:", "http://127.0.0.1:" };
    for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++)
        if (strncmp(uri, starts[i], strlen(starts[i])) == 0)
            return true;
    return false;
}

// A registered URI against the one that came; `*` stands for the digits of a port.
static bool fits_registered(const char *good, size_t good_len, const char *uri)
{
    for (size_t i = 0; i < good_len; i++) {
        if (good[i] == '*') {
            size_t digits = strspn(uri, "0123456789");
            if (digits < 1 || digits > 5)
                return false;
            uri += digits;
        } else if (*uri++ != good[i]) {
            return false;
        }
    }
    return !*uri;
}

static bool is_registered(const char *uris, const char *uri)
{
    for (const char *p = uris;; p++) {
        size_t len = strcspn(p, ",");
        if (fits_registered(p, len, uri))
            return true;
        p += len;
        if (!*p)
            return false;
    }
}

static bool is_redirect(const struct options *options, const char *uri)
{
    if (!uri || strlen(uri) >= 512 || strpbrk(uri, "?# \r\n"))
        return false;
    if (options->redirect_uris && !is_registered(options->redirect_uris, uri))
        return false;
    return strncmp(uri, "https://", 8) == 0 || is_loopback(uri);
}

// What is wrong with the parameters; NULL when nothing is.
static const char *check_query(struct call *call, struct evkeyvalq *query)
{
    const char *key       = evhttp_find_header(query, "client_key");
    const char *type      = evhttp_find_header(query, "response_type");
    const char *challenge = evhttp_find_header(query, "code_challenge");
    const char *method    = evhttp_find_header(query, "code_challenge_method");
    const char *redirect  = evhttp_find_header(query, "redirect_uri");
    const char *good      = call->sim->options.client_key;
    if (!key || !*key || (good && strcmp(key, good) != 0))
        return "client_key";
    if (!type || strcmp(type, "code") != 0)
        return "response_type";
    if (!is_redirect(&call->sim->options, redirect))
        return "redirect_uri";
    if (!evhttp_find_header(query, "state"))
        return "state";
    if (!challenge && is_loopback(redirect))
        return "code_challenge";
    // A wrongly encoded challenge passes here and fails at the exchange, as with TikTok.
    if (challenge && (strlen(challenge) > 64 || !method || strcmp(method, "S256") != 0))
        return "code_challenge";
    return NULL;
}

// Names by commas; 0 when one is unknown.
static unsigned read_scopes(const char *text)
{
    unsigned bits = 0;
    char    *copy = xstrdup(text ? text : "");
    char    *rest = copy;
    for (char *name; (name = strsep(&rest, ","));) {
        if (!scope_bit(name)) {
            bits = 0;
            break;
        }
        bits |= scope_bit(name);
    }
    free(copy);
    return bits;
}

// What was asked for, or the part of it that the user leaves ticked; the basic scope cannot be
// left.
static unsigned granted(struct evkeyvalq *query)
{
    const char *part  = evhttp_find_header(query, "sim_grant");
    unsigned    asked = read_scopes(evhttp_find_header(query, "scope"));
    return part ? asked & (read_scopes(part) | SCOPE_BASIC) : asked;
}

static struct code *code_new(struct sim *sim, struct evkeyvalq *query, struct account *account)
{
    struct code *code      = xcalloc(1, sizeof *code);
    const char  *challenge = evhttp_find_header(query, "code_challenge");
    chance_text(&sim->chance, code->text, 40);
    text_copy(code->text + 40, sizeof code->text - 40, "*0!6410");
    code->account      = account;
    code->expires_ms   = clock_now_ms() + sim->options.code_ttl_ms;
    code->scopes       = granted(query);
    code->redirect_uri = xstrdup(evhttp_find_header(query, "redirect_uri"));
    text_copy(code->challenge, sizeof code->challenge, challenge ? challenge : "");
    table_put(&sim->codes.by_text, code->text, code);
    return code;
}

// Sends the browser to the redirect URI with these parameters: name, value, ..., NULL.
static void send_back(struct call *call, const char *redirect, const char *const *parameters)
{
    struct evbuffer *url = evbuffer_new();
    evbuffer_add_printf(url, "%s", redirect);
    for (int i = 0; parameters[i]; i += 2) {
        char *value = evhttp_uriencode(parameters[i + 1], -1, 0);
        evbuffer_add_printf(url, "%c%s=%s", i ? '&' : '?', parameters[i], value);
        free(value);
    }
    evbuffer_add(url, "", 1);
    call_answer_html(call, 302);
    evhttp_add_header(evhttp_request_get_output_headers(call->req), "Location",
                      (const char *)evbuffer_pullup(url, -1));
    evbuffer_free(url);
}

static void consent(struct call *call, struct evkeyvalq *query)
{
    struct code *code   = code_new(call->sim, query, call->account);
    char        *scopes = scope_list(code->scopes);
    send_back(call, code->redirect_uri,
              (const char *const[]){ "code", code->text, "scopes", scopes, "state",
                                     evhttp_find_header(query, "state"), NULL });
    free(scopes);
}

static void deny(struct call *call, struct evkeyvalq *query)
{
    send_back(call, evhttp_find_header(query, "redirect_uri"),
              (const char *const[]){ "error", "access_denied", "error_description",
                                     "User cancelled the authorization.", "state",
                                     evhttp_find_header(query, "state"), NULL });
}

void authorize_page(struct call *call)
{
    struct evkeyvalq query;
    char             page[96];
    TAILQ_INIT(&query);
    if (!call->query || evhttp_parse_query_str(call->query, &query) != 0) {
        call_answer_text(call, 400, "text/html", "wrong: query");
        return;
    }
    const char     *why     = check_query(call, &query);
    struct account *account = find_user(call->sim, evhttp_find_header(&query, "sim_account"));
    if (!why && !read_scopes(evhttp_find_header(&query, "scope")))
        why = "scope";
    if (!why && !account)
        why = "sim_account";
    if (why) {
        snprintf(page, sizeof page, "<html><body>wrong: %s</body></html>", why);
        call_answer_text(call, 400, "text/html", page);
    } else {
        call->account = account;
        if (evhttp_find_header(&query, "sim_deny"))
            deny(call, &query);
        else
            consent(call, &query);
    }
    evhttp_clear_headers(&query);
}

static const char verifier_letters[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

static bool verifier_fits(const char *challenge, const char *verifier)
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    char          hex[2 * SHA256_DIGEST_LENGTH + 1];
    if (!*challenge)
        return true;  // made without PKCE: a verifier does no harm
    if (!verifier || strlen(verifier) < 43 || strlen(verifier) > 128 ||
        strspn(verifier, verifier_letters) != strlen(verifier))
        return false;
    SHA256((const unsigned char *)verifier, strlen(verifier), digest);
    for (size_t i = 0; i < sizeof digest; i++)
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    return strcmp(hex, challenge) == 0;
}

struct account *authorize_redeem(struct call *call, struct evkeyvalq *form)
{
    const char     *text     = evhttp_find_header(form, "code");
    const char     *redirect = evhttp_find_header(form, "redirect_uri");
    struct code    *code     = text ? table_remove(&call->sim->codes.by_text, text) : NULL;
    struct account *account  = NULL;
    if (!text || !redirect) {
        call_answer_flat_error(call, "invalid_request", "The request parameters are malformed.");
    } else if (!code || code->expires_ms <= call->now_ms) {
        call_answer_flat_error(call, "invalid_grant", "Authorization code is expired.");
    } else if (strcmp(code->redirect_uri, redirect) != 0) {
        call_answer_flat_error(call, "invalid_request",
                               "Redirect_uri is not matched with the uri when requesting code.");
    } else if (!verifier_fits(code->challenge, evhttp_find_header(form, "code_verifier"))) {
        call_answer_flat_error(call, "invalid_request",
                               "Code verifier or code challenge is invalid.");
    } else {
        account         = code->account;
        account->scopes = code->scopes;
    }
    code_free(code);
    return account;
}
