// SPDX-License-Identifier: Apache-2.0
#include "oauth.h"

#include <cjson/cJSON.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <string.h>
#include <strings.h>
#include <sys/queue.h>

#include "call.h"
#include "sim.h"

static const char *get(struct evkeyvalq *form, const char *name)
{
    const char *value = evhttp_find_header(form, name);
    return value && *value ? value : NULL;
}

// The type must stand alone: with a charset behind it TikTok refuses the request.
static bool read_form(struct call *call, struct evkeyvalq *form)
{
    const char *type = call_header(call, "Content-Type");
    TAILQ_INIT(form);
    if (type && strcasecmp(type, "application/x-www-form-urlencoded") == 0 && call->body &&
        strlen(call->body) == call->body_len && evhttp_parse_query_str(call->body, form) == 0)
        return true;
    return call_answer_flat_error(call, "invalid_request", "The request parameters are malformed.");
}

static bool check_client(struct call *call, struct evkeyvalq *form)
{
    const struct options *options = &call->sim->options;
    const char           *key     = get(form, "client_key");
    const char           *secret  = get(form, "client_secret");
    if (!key || !secret)
        return call_answer_flat_error(call, "invalid_request",
                                      "The request parameters are malformed.");
    if (options->client_key &&
        (strcmp(key, options->client_key) != 0 || strcmp(secret, options->client_secret) != 0))
        return call_answer_flat_error(call, "invalid_client", "Client key or secret is incorrect.");
    return true;
}

struct account *oauth_find_account(struct call *call)
{
    struct evkeyvalq form;
    if (!call->body || evhttp_parse_query_str(call->body, &form) != 0)
        return NULL;
    const char     *refresh = get(&form, "refresh_token");
    const char     *access  = get(&form, "token");
    struct account *account = refresh  ? account_by_refresh(call->sim, refresh)
                              : access ? account_by_access(call->sim, access)
                                       : NULL;
    evhttp_clear_headers(&form);
    return account;
}

static void give_tokens(struct call *call, struct account *account, const char *event)
{
    call->account = account;
    call_answer_json(call, 200, account_token_answer(call->sim, account));
    ledger_call_event(call, event);
}

static void grant_refresh(struct call *call, struct evkeyvalq *form)
{
    const char           *token   = get(form, "refresh_token");
    const struct refresh *refresh = token ? refresh_get(call->sim, token) : NULL;
    if (!token) {
        call_answer_flat_error(call, "invalid_request", "The request parameters are malformed.");
        return;
    }
    call->account = refresh ? refresh->account : NULL;
    if (refresh && refresh->rotated) {
        refresh->account->refresh_reused++;
        ledger_call_event(call, "refresh_reused");
    }
    if (refresh && refresh_is_alive(refresh)) {
        account_refresh(call->sim, refresh->account);
        give_tokens(call, refresh->account, "refresh");
    } else {
        call_answer_flat_error(call, "invalid_grant", "Refresh token is invalid or expired.");
    }
}

static void grant_code(struct call *call, struct evkeyvalq *form)
{
    struct account *account = authorize_redeem(call, form);
    if (!account)
        return;
    account_issue(call->sim, account);
    give_tokens(call, account, "connect");
}

static void grant_client(struct call *call)
{
    char   token[64] = "clt.";
    cJSON *answer    = cJSON_CreateObject();
    chance_text(&call->sim->chance, token + 4, 48);
    cJSON_AddStringToObject(answer, "access_token", token);
    cJSON_AddNumberToObject(answer, "expires_in", 7200);
    cJSON_AddStringToObject(answer, "token_type", "Bearer");
    call_answer_json(call, 200, answer);
}

static void grant(struct call *call, struct evkeyvalq *form)
{
    const char *type = get(form, "grant_type");
    if (!type)
        call_answer_flat_error(call, "invalid_request", "The request parameters are malformed.");
    else if (strcmp(type, "refresh_token") == 0)
        grant_refresh(call, form);
    else if (strcmp(type, "authorization_code") == 0)
        grant_code(call, form);
    else if (strcmp(type, "client_credentials") == 0)
        grant_client(call);
    else
        call_answer_flat_error(call, "unsupported_grant_type", "The grant type is not supported.");
}

void oauth_token(struct call *call)
{
    struct evkeyvalq form;
    if (read_form(call, &form) && check_client(call, &form))
        grant(call, &form);
    evhttp_clear_headers(&form);
}

void oauth_revoke(struct call *call)
{
    struct evkeyvalq form;
    if (read_form(call, &form) && check_client(call, &form)) {
        const char     *token   = get(&form, "token");
        struct account *account = token ? account_by_access(call->sim, token) : NULL;
        if (account) {
            call->account = account;
            account_revoke(account);
            call_answer_empty(call, 200);
            ledger_call_event(call, "revoke");
        } else {
            call_answer_flat_error(call, "invalid_request", "The access token is invalid.");
        }
    }
    evhttp_clear_headers(&form);
}
