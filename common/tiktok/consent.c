// SPDX-License-Identifier: Apache-2.0
#include "tiktok/consent.h"

#include <stdio.h>
#include <string.h>

enum { REDIRECT_MAX_BYTES = 511, VALUE_MAX_BYTES = 8192, PORT_MAX = 65535 };

// ---- the redirect URI

static bool wrong(struct error *err, const char *what)
{
    return error_set(err, ERR_SETTING, "TOKFLEET_TIKTOK_REDIRECT_URI: %s", what);
}

static bool take_port(struct str text, struct redirect *redirect, struct error *err)
{
    int64_t port;
    if (str_is(text, "*")) {
        redirect->any_port = true;
        return true;
    }
    // 080 would not be the URI that is registered, to the letter
    if (!text.len || text.p[0] < '1' || text.p[0] > '9' || !str_to_i64(text, &port) || port < 1 ||
        port > PORT_MAX)
        return wrong(err, "the port must be a number from 1 to 65535, or * on localhost");
    redirect->port = (int)port;
    return true;
}

static bool take_host(struct str host, struct redirect *redirect, struct error *err)
{
    if (!host.len || host.len >= sizeof redirect->host)
        return wrong(err, "the host is missing, or too long");
    for (size_t i = 0; i < host.len; i++)
        if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-", host.p[i]))
            return wrong(err, "the host must be a name of letters, digits, dots and dashes");
    snprintf(redirect->host, sizeof redirect->host, "%.*s", STR_ARG(host));
    redirect->loopback = str_is(host, "localhost") || str_is(host, "127.0.0.1");
    return true;
}

// What LW and LD of TikTok's documents say of a redirect URI, before TikTok says it in fewer words.
static bool check(const struct redirect *redirect, const char *relay, struct error *err)
{
    bool has_port = redirect->port || redirect->any_port;
    if (redirect->any_port && !redirect->loopback)
        return wrong(err, "the port may be * on localhost and 127.0.0.1 only");
    if (redirect->loopback && !has_port)
        return wrong(err, "TikTok wants a port for localhost and 127.0.0.1, as in "
                          "http://127.0.0.1:8080/callback/ (or * for any)");
    if (redirect->https || redirect->loopback || relay[0])
        return true;
    return wrong(err, "TikTok takes plain http for localhost and 127.0.0.1 only: use https, or "
                      "TOKFLEET_TIKTOK_REDIRECT_RELAY=https://redirectmeto.com/ (codes then pass "
                      "through that stranger's server)");
}

bool redirect_parse(const char *uri, const char *relay, struct redirect *redirect,
                    struct error *err)
{
    struct str text = str_of(uri);
    memset(redirect, 0, sizeof *redirect);
    if (!text.len)
        return wrong(err, "it is not set: the redirect URI that is registered with the TikTok app, "
                          "as http://127.0.0.1:8080/callback/");
    redirect->https = str_starts(text, "https://");
    if (!redirect->https && !str_starts(text, "http://"))
        return wrong(err, "it must begin with https:// or http://");
    if (text.len > REDIRECT_MAX_BYTES || strpbrk(uri, "?# \t\r\n"))
        return wrong(err, "TikTok takes at most 511 characters, without ?, # and spaces");
    size_t      skip  = redirect->https ? 8 : 7;
    struct str  rest  = { text.p + skip, text.len - skip };
    const char *slash = memchr(rest.p, '/', rest.len);
    struct str  host  = { rest.p, slash ? (size_t)(slash - rest.p) : rest.len };
    const char *colon = memchr(host.p, ':', host.len);
    if (!slash)
        return wrong(err, "it must have a path, as in http://127.0.0.1:8080/callback/");
    snprintf(redirect->path, sizeof redirect->path, "%s", slash);
    if (colon) {
        struct str port = { colon + 1, host.len - (size_t)(colon - host.p) - 1 };
        host.len        = (size_t)(colon - host.p);
        if (!take_port(port, redirect, err))
            return false;
    }
    return take_host(host, redirect, err) && check(redirect, relay, err);
}

bool consent_redirect(const struct redirect *redirect, int port, const char *relay, struct buf *uri)
{
    bool ok =
        redirect->https || (buf_add_text(uri, relay) &&
                            (!relay[0] || str_ends(str_of(relay), "/") || buf_add_char(uri, '/')));
    ok = ok && buf_printf(uri, "%s://%s", redirect->https ? "https" : "http", redirect->host);
    if (ok && (redirect->any_port || redirect->port))
        ok = buf_printf(uri, ":%d", redirect->any_port ? port : redirect->port);
    return ok && buf_add_text(uri, redirect->path);
}

bool consent_wants_pkce(struct str redirect_uri)
{
    return str_starts(redirect_uri, "http://localhost:") ||
           str_starts(redirect_uri, "http://127.0.0.1:") ||
           str_starts(redirect_uri, "https://localhost:") ||
           str_starts(redirect_uri, "https://127.0.0.1:");
}

// ---- the address

void consent_state(char out[CONSENT_STATE_BYTES])
{
    random_hex(out, CONSENT_STATE_BYTES - 1);
}

void consent_verifier(char out[CONSENT_VERIFIER_BYTES])
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    for (size_t i = 0; i + 1 < CONSENT_VERIFIER_BYTES; i++)
        out[i] = letters[random_below(sizeof letters - 1)];
    out[CONSENT_VERIFIER_BYTES - 1] = '\0';
}

void consent_challenge(struct str verifier, char out[SHA256_HEX_BYTES])
{
    sha256_hex(verifier, out);
}

static void add_parameter(struct buf *url, const char *name, struct str value)
{
    // an address of TikTok's may have a query already
    bool first = !strchr(buf_text(url), '?');
    buf_printf(url, "%c%s=", first ? '?' : '&', name);
    buf_add_url(url, value);
}

bool consent_url(const struct consent *consent, struct buf *url, struct error *err)
{
    struct str base = str_of(consent->authorize_url);
    if (!str_starts(base, "https://") && !str_starts(base, "http://"))
        return error_set(err, ERR_SETTING,
                         "TOKFLEET_TIKTOK_AUTHORIZE_URL: it must begin with https:// or http://");
    if (!consent->client_key[0])
        return error_set(err, ERR_SETTING,
                         "TOKFLEET_TIKTOK_CLIENT_KEY is not set: it is in TikTok's developer "
                         "portal, on the app's page");
    buf_add(url, base);
    add_parameter(url, "client_key", str_of(consent->client_key));
    add_parameter(url, "response_type", STR("code"));
    add_parameter(url, "scope", consent->scopes);
    add_parameter(url, "redirect_uri", consent->redirect_uri);
    add_parameter(url, "state", consent->state);
    if (consent->always_ask)
        add_parameter(url, "disable_auto_auth", STR("1"));
    if (consent->challenge.len) {
        add_parameter(url, "code_challenge", consent->challenge);
        add_parameter(url, "code_challenge_method", STR("S256"));
    }
    return !url->full ||
           error_set(err, ERR_SETTING, "the authorize address has more than %zu bytes", url->max);
}

// ---- what comes back

static struct str *field_named(struct consent_callback *callback, struct str name)
{
    const struct {
        const char *name;
        struct str *field;
    } fields[] = {
        { "code", &callback->code },
        { "state", &callback->state },
        { "scopes", &callback->scopes },
        { "error", &callback->error },
        { "error_description", &callback->error_description },
        { "error_type", &callback->error_type },
    };
    for (size_t i = 0; i < COUNT_OF(fields); i++)
        if (str_is(name, fields[i].name))
            return fields[i].field;
    return NULL;
}

static bool take_parameter(struct str pair, struct consent_callback *callback, struct arena *arena,
                           struct error *err)
{
    struct str name;
    struct buf value;
    if (!str_cut(&pair, '=', &name))
        return true;
    struct str *field = field_named(callback, name);
    if (!field)
        return true;  // others may add what they like
    if (field->p)
        return error_set(err, ERR_INPUT, "the callback has \"%.*s\" twice", STR_ARG(name));
    buf_init(&value, VALUE_MAX_BYTES);
    bool ok = buf_add_url_decoded(&value, pair);
    if (ok)
        *field = arena_copy(arena, buf_str(&value));
    buf_wipe(&value);
    return ok || error_set(err, ERR_INPUT, "the callback's \"%.*s\" is broken, or too long",
                           STR_ARG(name));
}

bool consent_callback_decode(struct str text, struct consent_callback *callback,
                             struct arena *arena, struct error *err)
{
    struct str  query = str_trim(text);
    struct str  pair;
    const char *mark = query.len ? memchr(query.p, '?', query.len) : NULL;
    memset(callback, 0, sizeof *callback);
    if (query.len > CONSENT_CALLBACK_BYTES)
        return error_set(err, ERR_INPUT, "the callback has more than %d bytes",
                         CONSENT_CALLBACK_BYTES);
    if (mark)
        query = (struct str){ mark + 1, query.len - (size_t)(mark - query.p) - 1 };
    // what stands behind '#' is the browser's
    struct str fragment = query;
    if (!str_cut(&fragment, '#', &query))
        query = (struct str){ 0 };
    while (str_cut(&query, '&', &pair))
        if (!take_parameter(pair, callback, arena, err))
            return false;
    if (!callback->code.len && !callback->error.len)
        return error_set(err, ERR_INPUT,
                         "the callback has neither a code nor an error: paste the whole address of "
                         "the page that the browser ended at");
    return true;
}
