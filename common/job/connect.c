// SPDX-License-Identifier: Apache-2.0
#include "job/connect.h"

#include <stdlib.h>
#include <string.h>

#include "io/json.h"
#include "job/connect_asked.h"
#include "tiktok/scope.h"

enum { ASKED_MAX_BYTES = 8192, ASKED_MAX_DEPTH = 2, SEALED_MAX_BYTES = 32 * 1024 };

struct connector *connector_new(const struct connector_parts *parts)
{
    struct connector *connector = xcalloc(1, sizeof *connector);
    connector->parts            = *parts;
    return connector;
}

void connector_free(struct connector *connector)
{
    free(connector);
}

// ---- what is kept in Redis meanwhile

static void context_of(const struct connector *connector, struct str state, struct buf *context)
{
    buf_init(context, 256);
    buf_printf(context, "%s/oauth/%.*s", connector->parts.config->fleet, STR_ARG(state));
}

bool asked_seal(const struct connector *connector, struct str state, const struct asked *asked,
                struct buf *sealed, struct error *err)
{
    struct buf   context, text;
    struct json *json = json_object();
    json_set_text(json, "verifier", asked->verifier);
    json_set_text(json, "redirect_uri", asked->redirect_uri);
    json_set_text(json, "alias", asked->alias);
    json_set_text(json, "scopes", asked->scopes);
    buf_init(&text, ASKED_MAX_BYTES);
    json_print(json, &text);
    json_wipe(json);
    context_of(connector, state, &context);
    bool ok = !text.full || error_set(err, ERR_INPUT, "what is asked for is too long");
    ok = ok && seal_close(connector->parts.seal, buf_str(&context), buf_str(&text), sealed, err);
    buf_wipe(&text);
    buf_fini(&context);
    return ok;
}

bool asked_unseal(const struct connector *connector, struct str state, struct str sealed,
                  struct arena *arena, struct asked *asked, struct error *err)
{
    struct buf context, text;
    context_of(connector, state, &context);
    buf_init(&text, ASKED_MAX_BYTES);
    struct json *json = NULL;
    bool         ok   = seal_open(connector->parts.seal, buf_str(&context), sealed, &text, err) &&
              (json = json_parse(buf_str(&text), ASKED_MAX_BYTES, ASKED_MAX_DEPTH, err)) != NULL;
    if (ok) {
        asked->verifier     = arena_copy(arena, json_text(json_get(json, "verifier")));
        asked->redirect_uri = arena_copy(arena, json_text(json_get(json, "redirect_uri")));
        asked->alias        = arena_copy(arena, json_text(json_get(json, "alias")));
        asked->scopes       = arena_copy(arena, json_text(json_get(json, "scopes")));
    }
    json_wipe(json);
    buf_wipe(&text);
    buf_fini(&context);
    return ok || error_wrap(err, "the consent that was asked for");
}

// ---- asking

struct begin {
    struct call           inner;  // Redis
    struct call          *outer;  // the caller's; borrowed
    struct connect_begun *begun;  // the caller's; borrowed
};

static void begin_end(struct begin *begin, const struct error *err)
{
    struct call *outer = begin->outer;
    redis_reply_fini(&begin->begun->reply);
    free(begin);
    call_finish(outer, err);
}

static void on_put(struct call *call, const struct error *call_err)
{
    struct begin   *begin = container_of(call, struct begin, inner);
    enum store_word word;
    struct error    err;
    bool            ok = store_word(call_err, &begin->begun->reply, &word, &err);
    if (ok && word != WORD_OK)
        ok = error_set(&err, ERR_CLOSED, "Redis' gate is closed; a poller opens it");
    begin_end(begin, ok ? NULL : &err);
}

static void on_begin_cancelled(struct call *outer)
{
    struct begin *begin = outer->adapter;
    call_cancel(&begin->inner);
    redis_reply_fini(&begin->begun->reply);
    free(begin);
}

static bool check_ask(const struct connect_ask *ask, struct error *err)
{
    struct str scopes = ask->scopes, scope;
    if (ask->alias.len && !account_alias_valid(ask->alias))
        return error_set(err, ERR_INPUT, "the name must be @ and a name without spaces");
    while (str_cut(&scopes, ',', &scope))
        if (!scope_known(scope))
            return error_set(err, ERR_INPUT, "the scope \"%.*s\" is not known", STR_ARG(scope));
    return ask->scopes.len || error_set(err, ERR_INPUT, "there are no scopes to ask for");
}

static bool make_url(const struct connector *connector, const struct connect_ask *ask,
                     struct connect_begun *begun, struct buf *sealed, struct error *err)
{
    char         verifier[CONSENT_VERIFIER_BYTES] = "", challenge[SHA256_HEX_BYTES] = "";
    struct asked asked = { .redirect_uri = ask->redirect_uri,
                           .alias        = ask->alias,
                           .scopes       = ask->scopes };
    consent_state(begun->state);
    if (consent_wants_pkce(ask->redirect_uri)) {
        consent_verifier(verifier);
        consent_challenge(str_of(verifier), challenge);
    }
    asked.verifier         = str_of(verifier);
    struct consent consent = {
        .authorize_url = connector->parts.config->tiktok_authorize_url,
        .client_key    = connector->parts.config->tiktok_client_key,
        .scopes        = ask->scopes,
        .redirect_uri  = ask->redirect_uri,
        .state         = str_of(begun->state),
        .challenge     = str_of(challenge),
        .always_ask    = ask->always_ask,
    };
    bool ok = consent_url(&consent, &begun->url, err) &&
              asked_seal(connector, consent.state, &asked, sealed, err);
    explicit_bzero(verifier, sizeof verifier);
    return ok;
}

void connect_begin(struct connector *connector, const struct connect_ask *ask,
                   struct connect_begun *begun, struct call *call, call_done *done)
{
    struct begin *begin = xcalloc(1, sizeof *begin);
    struct buf    sealed;
    struct error  err;
    begin->outer = call;
    begin->begun = begun;
    memset(begun, 0, sizeof *begun);
    buf_init(&begun->url, CONSENT_URL_BYTES);
    buf_init(&sealed, SEALED_MAX_BYTES);
    call_begin(call, connector->parts.loop, "connect", 0, done, on_begin_cancelled, begin);
    if (!check_ask(ask, &err) || !make_url(connector, ask, begun, &sealed, &err)) {
        begin_end(begin, &err);
    } else {
        struct oauth_put_args args = { .state = str_of(begun->state), .sealed = buf_str(&sealed) };
        script_oauth_put(connector->parts.store, &args, &begun->reply, &begin->inner, on_put);
    }
    buf_fini(&sealed);
}
