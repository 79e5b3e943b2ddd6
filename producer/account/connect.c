// SPDX-License-Identifier: Apache-2.0
/* tokfleet account connect: a user's consent, from the address to the account.
 *
 *   the address is printed ──► the browser ──► TikTok ──► the redirect URI ─┬─► this machine: served here
 *                                                                          └─► elsewhere: pasted (--callback, --code)
 *   ──► job/connect.h: exchanged, kept on Kafka, then in Redis, who it is
 */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "job/callback.h"
#include "loop/clock.h"
#include "producer/account/connect_tell.h"
#include "producer/account/tiktok_side.h"
#include "producer/tool/lines.h"
#include "producer/tool/verb.h"
#include "tiktok/scope.h"

enum { DAY_MS = 86400000, LISTEN_BYTES = 300, FAREWELL_MS = 1500, UNSERVED_PORT = 8080 };

struct connect_options {
    const char *name;
    const char *scopes;
    const char *callback;
    const char *code;
    const char *state;
    const char *listen;
    int64_t     timeout_ms;
    bool        no_wait;
    bool        always_ask;
    bool        json;
};

#define AT(field) offsetof(struct connect_options, field)

static const struct flag flags[] = {
    { "name", FLAG_TEXT, "@ALIAS", AT(name),
      .help = "a name by which jobs may call the account; it belongs to it for ever" },
    { "scopes", FLAG_TEXT, "LIST", AT(scopes),
      .help = "ask for these only, by commas: all six unless told" },
    { "callback", FLAG_TEXT, "ADDRESS|-", AT(callback),
      .help = "the address of the page that the browser ended at; - reads it from standard input" },
    { "code", FLAG_TEXT, "CODE", AT(code),
      .help = "the code alone, as that address shows it; with --state" },
    { "state", FLAG_TEXT, "STATE", AT(state), .help = "the state beside it" },
    { "listen", FLAG_TEXT, "HOST:PORT", AT(listen),
      .help = "take callbacks here: in a container, or behind a proxy that ends TLS" },
    { "timeout", FLAG_MS, "TIME", AT(timeout_ms), "10m", 1, DAY_MS,
      "wait so long for the browser to come back" },
    { "no-wait", FLAG_YES, NULL, AT(no_wait), .help = "only print the address" },
    { "always-ask", FLAG_YES, NULL, AT(always_ask),
      .help = "TikTok shows its page even to a user who consented before: to switch users" },
    { "json", FLAG_YES, NULL, AT(json), .help = "print JSON: the address, then the account" },
};

struct connecting {
    struct tool                  *tool;     // borrowed
    const struct connect_options *options;  // borrowed
    struct tiktok_side            side;
    struct redirect               redirect;
    struct connect_begun          begun;
    struct server                *server;     // NULL: the callback is pasted
    struct callbacks             *callbacks;  // with server
    bool                          ended;      // our own consent came back
    int                           code;       // exit status, then
};

// ---- by hand

static bool read_callback(const char *path, struct buf *query, struct error *err)
{
    struct str       line  = { 0 };
    struct lines    *lines = lines_open(path, CONSENT_CALLBACK_BYTES, false, err);
    enum lines_found found = lines ? lines_next(lines, &line, err) : LINES_FAILED;
    if (found == LINES_LINE)
        buf_add(query, line);
    else if (found != LINES_FAILED)
        error_set(err, ERR_INPUT, "standard input has no callback");
    lines_free(lines);
    return found == LINES_LINE;
}

// the code as an address shows it: with %XX or without, and a + that is one
static bool join_code(const struct connect_options *options, struct buf *query, struct error *err)
{
    if (!options->state)
        return error_set(err, ERR_SETTING,
                         "--code goes with --state: both stand in the address of the page that the "
                         "browser ended at; or give all of it with --callback");
    if (strpbrk(options->code, "&=?# ") || strpbrk(options->state, "&=?# %+"))
        return error_set(err, ERR_SETTING, "--code and --state are one word each");
    buf_add_text(query, "code=");
    for (const char *p = options->code; *p; p++)
        if (*p == '+')
            buf_add_text(query, "%2B");
        else
            buf_add_char(query, *p);
    buf_printf(query, "&state=%s", options->state);
    return true;
}

static int finish_by_hand(struct connecting *c)
{
    const struct connect_options *options   = c->options;
    struct connected              connected = { 0 };
    struct wait                   wait      = { 0 };
    struct buf                    query;
    struct error                  err;
    buf_init(&query, CONSENT_CALLBACK_BYTES);
    bool ok = !options->callback                    ? join_code(options, &query, &err)
              : strcmp(options->callback, "-") == 0 ? read_callback("-", &query, &err)
                                                    : buf_add_text(&query, options->callback);
    if (options->callback && query.full)
        ok = error_set(&err, ERR_INPUT, "the callback is too long");
    if (ok) {
        connect_finish(c->side.connector, buf_str(&query), &connected, &wait.call, wait_done);
        // also after Ctrl-C: see end_exchanges
        while (call_busy(&wait.call))
            tool_turn(c->tool, 50);
        ok = tool_wait(c->tool, &wait, &err);
    }
    int code = connect_tell(c->tool, &connected, options->json, ok ? NULL : &err);
    connected_fini(&connected);
    buf_wipe(&query);
    return code;
}

// ---- by the browser

static void on_ended(void *owner, const struct connected *connected, const struct error *err)
{
    struct connecting *c = owner;
    if (strcmp(connected->state, c->begun.state) != 0) {
        tool_note(c->tool, "a callback came that is not of this address: %s",
                  err ? err->message : "its account was connected");
        return;
    }
    if (c->ended)  // somebody loads the page again
        return;
    c->code  = connect_tell(c->tool, connected, c->options->json, err);
    c->ended = true;
}

static void on_request(void *owner, const struct server_request *request,
                       struct server_reply *reply)
{
    struct connecting *c = owner;
    if (callback_answer(c->callbacks, request, reply))
        return;
    reply->status = 404;
    buf_add_text(&reply->body, "tokfleet waits for a callback of TikTok here\n");
}

// where to listen: as told, else where the redirect URI leads when that is this machine; "" for
// nowhere
static void find_listen(const struct connecting *c, char listen[LISTEN_BYTES])
{
    const struct redirect *redirect = &c->redirect;
    listen[0]                       = '\0';
    if (c->options->no_wait)
        return;
    if (c->options->listen)
        snprintf(listen, LISTEN_BYTES, "%s", c->options->listen);
    else if (redirect->loopback && !redirect->https)
        snprintf(listen, LISTEN_BYTES, "127.0.0.1:%d", redirect->port);
}

static bool open_server(struct connecting *c, struct error *err)
{
    const struct config *config = &c->tool->config;
    char                 listen[LISTEN_BYTES];
    find_listen(c, listen);
    if (!listen[0])
        return true;
    c->callbacks = callbacks_new(c->side.connector, c->redirect.path, on_ended, c);
    c->server = server_open(c->tool->loop, listen, config->http_body_bytes, config->http_timeout_ms,
                            config->http_connections, on_request, c, err);
    return c->server || error_wrap(err, "the callback of TOKFLEET_TIKTOK_REDIRECT_URI is awaited "
                                        "here (--listen HOST:PORT awaits it elsewhere)");
}

static bool begin(struct connecting *c, struct error *err)
{
    const struct config *config = &c->tool->config;
    int                  port   = c->server ? server_port(c->server) : UNSERVED_PORT;
    struct wait          wait   = { 0 };
    struct buf           scopes, uri;
    buf_init(&scopes, 1024);
    buf_init(&uri, CONSENT_REDIRECT_BYTES);
    if (c->options->scopes)
        buf_add_text(&scopes, c->options->scopes);
    else
        scope_all(&scopes);
    bool ok =
        !scopes.full && consent_redirect(&c->redirect, port, config->tiktok_redirect_relay, &uri);
    if (!ok)
        error_set(err, ERR_SETTING, "the scopes, or the redirect URI with its relay, are too long");
    struct connect_ask ask = { .alias        = str_of(c->options->name),
                               .scopes       = buf_str(&scopes),
                               .redirect_uri = buf_str(&uri),
                               .always_ask   = c->options->always_ask };
    if (ok) {
        connect_begin(c->side.connector, &ask, &c->begun, &wait.call, wait_done);
        ok = tool_wait(c->tool, &wait, err);
        if (!ok)
            tool_blame_redis(c->tool, err);
    }
    buf_fini(&scopes);
    buf_fini(&uri);
    return ok;
}

static void print_address(struct connecting *c)
{
    struct tool *tool = c->tool;
    if (c->options->json) {
        struct json *object = json_object();
        json_set_text(object, "authorize_url", buf_str(&c->begun.url));
        json_set_text(object, "state", str_of(c->begun.state));
        json_set_bool(object, "waits", c->server != NULL);
        out_json(&tool->out, object);
        json_free(object);
    } else {
        out_printf(&tool->out,
                   "Open this in a browser in which the TikTok user is logged in:\n\n  %s\n\n",
                   buf_text(&c->begun.url));
    }
    if (!c->redirect.https && tool->config.tiktok_redirect_relay[0])
        tool_note(tool,
                  "warning: the browser comes back by %.200s: whoever runs it sees every "
                  "code. Use a redirect URI of https instead",
                  tool->config.tiktok_redirect_relay);
    if (!c->server)
        tool_note(tool,
                  "then give the address of the page that the browser ends at to: "
                  "tokfleet account connect --callback - (within %" PRIi64 " s)",
                  tool->config.connect_state_ms / 1000);
    out_flush(&tool->out);
}

static void tell_nobody_came(struct connecting *c, int64_t begun_ms)
{
    int64_t left_ms = begun_ms + c->tool->config.connect_state_ms - clock_monotonic_ms();
    if (left_ms > 1000)
        tool_note(c->tool,
                  "nobody came back; the address is still good for %" PRIi64
                  " s: tokfleet account connect --callback -",
                  left_ms / 1000);
    else
        tool_note(c->tool, "nobody came back, and the address is not good any more: begin again "
                           "with tokfleet account connect");
}

// A code that is being exchanged is used up: its exchange is not left half way, neither at the end
// of the time nor at Ctrl-C. It ends by itself, within connect.tries.
static void end_exchanges(struct connecting *c)
{
    callbacks_stop(c->callbacks);
    if (callbacks_busy(c->callbacks))
        tool_note(c->tool, "a callback has come and is being exchanged: waiting for its end");
    while (callbacks_busy(c->callbacks))
        tool_turn(c->tool, 50);
}

static int await_callback(struct connecting *c, int64_t begun_ms)
{
    struct tool *tool  = c->tool;
    int64_t      until = clock_monotonic_ms() + c->options->timeout_ms;
    tool_note(tool, "waiting up to %" PRIi64 " s for the browser to come back (Ctrl-C ends it)",
              c->options->timeout_ms / 1000);
    while (!c->ended && !tool->interrupted && clock_monotonic_ms() < until)
        tool_turn(tool, 100);
    end_exchanges(c);
    if (!c->ended && tool->interrupted)
        return END_INTERRUPTED;
    if (!c->ended) {
        tell_nobody_came(c, begun_ms);
        return END_GOING;
    }
    // the browser's page looks once more
    until = clock_monotonic_ms() + FAREWELL_MS;
    while (!tool->interrupted && clock_monotonic_ms() < until)
        tool_turn(tool, 50);
    return c->code;
}

static int connect_by_browser(struct connecting *c)
{
    struct error err;
    int64_t      begun_ms = clock_monotonic_ms();
    if (!redirect_parse(c->tool->config.tiktok_redirect_uri, c->tool->config.tiktok_redirect_relay,
                        &c->redirect, &err) ||
        !open_server(c, &err) || !begin(c, &err))
        return tool_fail(c->tool, &err);
    print_address(c);
    return c->server ? await_callback(c, begun_ms) : END_WELL;
}

static bool check_flags(const struct connect_options *options, struct error *err)
{
    if (options->callback && (options->code || options->state))
        return error_set(err, ERR_SETTING, "--callback has code and state in it: give it alone");
    if (options->state && !options->code)
        return error_set(err, ERR_SETTING, "--state goes with --code");
    return true;
}

static int run_account_connect(struct tool *tool, const void *options, char *const *operands,
                               int operand_count)
{
    struct connecting c = { .tool = tool, .options = options };
    struct error      err;
    int               code;
    (void)operands, (void)operand_count;
    bool by_hand = c.options->callback || c.options->code || c.options->state;
    if (!check_flags(c.options, &err) || !side_open(tool, &c.side, &err))
        code = tool_fail(tool, &err);
    else
        code = by_hand ? finish_by_hand(&c) : connect_by_browser(&c);
    server_free(c.server);
    callbacks_free(c.callbacks);
    buf_fini(&c.begun.url);
    side_close(&c.side);
    return code;
}

static const char help[] =
    "Prints the address at which a TikTok user consents. When the redirect URI leads to\n"
    "this machine (http://127.0.0.1:8080/callback/, or with * for any port) it waits for the\n"
    "browser to come back; else the address that the browser ends at is given by hand.\n"
    "An account that is there is connected again in place: its jobs go on. Tells which\n"
    "scopes the user granted, and what does not work without the others.\n\n"
    "  tokfleet account connect --name @brand.de\n"
    "  tokfleet account connect --no-wait --scopes user.info.basic,video.upload\n"
    "  tokfleet account connect --callback - <<<'https://example.com/callback/?code=...'\n\n"
    "Needs TOKFLEET_TIKTOK_REDIRECT_URI, to the letter as it is registered with the app,\n"
    "TOKFLEET_TIKTOK_CLIENT_KEY and TOKFLEET_TIKTOK_CLIENT_SECRET.";

const struct verb verb_account_connect = {
    .heading       = "accounts",
    .name          = "account connect",
    .operands      = "",
    .summary       = "connect an account by its user's consent in a browser",
    .json          = "two objects, one a line: authorize_url, state, waits; then open_id, aliases, "
                     "username, display_name, scopes, missing (scope, asked, without), new, "
                     "was_parked, in_redis, no_profile, name_refused, name_refused_why. By "
                     "--callback or --code only the second",
    .flags         = flags,
    .flag_count    = COUNT_OF(flags),
    .options_bytes = sizeof(struct connect_options),
    .run           = run_account_connect,
    .text          = help,
};
