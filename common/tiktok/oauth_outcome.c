// SPDX-License-Identifier: Apache-2.0
#include "tiktok/oauth_outcome.h"

#include <assert.h>

#include "base/memory.h"

#define ROW(code, next, cause, remedy)                                                             \
    {                                                                                              \
        code, OAUTH_##next, cause, remedy                                                          \
    }

#define WAIT_A_LITTLE "Nothing to do: it is tried again. See TikTok's status page if it lasts."
#define CHECK_NETWORK                                                                              \
    "Nothing to do: it is tried again. Check network, DNS, TLS and TOKFLEET_TIKTOK_API_URL if it " \
    "lasts."

// clang-format off
static const struct oauth_outcome rows[] = {
    ROW("ok", OK, "TikTok accepted it.", "Nothing to do."),

    ROW("invalid_grant", CONSENT, "TikTok does not accept the code or refresh token: it is used, expired or withdrawn.",
        "Connect the account again (tokfleet account connect)."),
    ROW("access_denied", CONSENT, "The user said no, or TikTok did.",
        "Connect the account again (tokfleet account connect), and press Authorize."),
    ROW("invalid_client", CREDENTIALS, "TikTok does not accept the app's client key or secret.",
        "Set TOKFLEET_TIKTOK_CLIENT_KEY and TOKFLEET_TIKTOK_CLIENT_SECRET as the developer portal shows them, without spaces "
        "around them; sandbox and production have keys of their own."),
    ROW("unauthorized_client", CREDENTIALS,
        "TikTok does not let this app ask: Login Kit is missing, the redirect URI is not registered, or the user is not a "
        "target of the sandbox.",
        "In the developer portal: add Login Kit, register TOKFLEET_TIKTOK_REDIRECT_URI to the letter, add the user to the "
        "sandbox's targets."),
    ROW("invalid_request", BUG, "TikTok says that the request is malformed.",
        "Read TikTok's message: the redirect URI must be the same to the letter in the portal and in "
        "TOKFLEET_TIKTOK_REDIRECT_URI, and key and secret must have no spaces around them."),
    ROW("invalid_scope", BUG, "TikTok does not know a scope that was asked for, or the app is not approved for it.",
        "Ask for fewer scopes (--scopes), or have the app approved for them in the developer portal."),
    ROW("unsupported_grant_type", BUG, "TikTok does not know this kind of request.", "Update tokfleet."),
    ROW("unsupported_response_type", BUG, "TikTok does not know this kind of consent.", "Update tokfleet."),
    ROW("server_error", LATER, "TikTok failed.", WAIT_A_LITTLE),
    ROW("temporarily_unavailable", LATER, "TikTok is not available for a moment.", WAIT_A_LITTLE),
    ROW("internal_error", LATER, "TikTok failed.", WAIT_A_LITTLE),
    ROW("rate_limit_exceeded", LATER, "Too many requests from this app.", WAIT_A_LITTLE),

    // ours
    ROW("unknown_error", BUG, "TikTok refused with a code that is not known here.",
        "Read TikTok's code and message, and its documentation of OAuth errors."),
    ROW("http_429", LATER, "Too many requests from this app or address.", WAIT_A_LITTLE),
    ROW("http_5xx", LATER, "TikTok or something before it failed.", WAIT_A_LITTLE),
    ROW("http_other", LATER, "An HTTP status without any of TikTok's codes was answered, as by a proxy.", CHECK_NETWORK),
    ROW("broken_answer", LATER, "TikTok's answer cannot be understood.", CHECK_NETWORK),
    ROW("no_connection", LATER, "TikTok could not be reached, so nothing was sent.", CHECK_NETWORK),
    ROW("no_answer", LATER, "TikTok did not answer in time; it may have acted.", CHECK_NETWORK),
    ROW("connection_lost", LATER, "The connection broke before TikTok's answer came; it may have acted.", CHECK_NETWORK),
    ROW("busy", LATER, "A bound of this program was reached, so nothing was sent.", "Nothing to do: it is tried again."),
    ROW("wrong_request", BUG, "The request could not be made, so nothing was sent.",
        "Read the message, and check the tiktok settings."),
};
// clang-format on

static const struct oauth_outcome *find(struct str code)
{
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (str_is(code, rows[i].code))
            return &rows[i];
    return NULL;
}

const struct oauth_outcome *oauth_outcome_named(const char *code)
{
    const struct oauth_outcome *outcome = find(str_of(code));
    assert(outcome);
    return outcome;
}

const struct oauth_outcome *oauth_outcome_of(struct str code)
{
    const struct oauth_outcome *outcome = find(code);
    // "ok" is no error: a refusal that says so is not understood
    return outcome && outcome->next != OAUTH_OK ? outcome : oauth_outcome_named("unknown_error");
}

const struct oauth_outcome *oauth_outcome_of_status(int http_status)
{
    if (http_status >= 200 && http_status <= 299)
        return oauth_outcome_named("broken_answer");
    if (http_status == 429)
        return oauth_outcome_named("http_429");
    return oauth_outcome_named(http_status >= 500 ? "http_5xx" : "http_other");
}

const struct oauth_outcome *oauth_outcome_of_error(const struct error *err)
{
    switch (err->code) {
    case ERR_CONNECT:
        return oauth_outcome_named("no_connection");
    case ERR_TIMEOUT:
        return oauth_outcome_named("no_answer");
    case ERR_LOST:
        return oauth_outcome_named("connection_lost");
    case ERR_BROKEN:
        return oauth_outcome_named("broken_answer");
    case ERR_FULL:
    case ERR_NOT_SENT:
    case ERR_CLOSED:
    case ERR_IO:
        return oauth_outcome_named("busy");
    case ERR_SETTING:
    case ERR_INPUT:
    case ERR_SEALED:
    case ERR_REFUSED:
        return oauth_outcome_named("wrong_request");
    case ERR_COUNT:
        break;
    }
    assert(false && "a code of ERRORS");
    return oauth_outcome_named("broken_answer");
}

const struct oauth_outcome *oauth_outcome_row(size_t i)
{
    return i < COUNT_OF(rows) ? &rows[i] : NULL;
}
