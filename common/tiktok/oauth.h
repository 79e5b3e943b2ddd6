// SPDX-License-Identifier: Apache-2.0
/* TikTok's token endpoints: a code becomes a token pair, a refresh token the next pair, an access
 * token is revoked. They answer otherwise than the posting API: flat, and errors come as HTTP 200
 * with `error` as text. The body decides: it is a success if and only if `access_token` is a text
 * that is not empty. A call always ends with an outcome: `done` gets err NULL when TikTok answered
 * anything that can be understood, also a refusal; else the transport's error. Codes and refresh
 * tokens may be good for one use: these requests go once, on a connection of their own, and `maybe`
 * says when TikTok may have acted although no pair came. Nothing here is ever logged but error,
 * log_id and outcome. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/text.h"
#include "io/http.h"
#include "loop/call.h"

struct oauth;

struct oauth_settings {
    const char *api_url;        // "https://open.tiktokapis.com"
    const char *client_key;     // of the app
    const char *client_secret;  // secret
    int64_t     timeout_ms;     // of one request
};

// what to do about an answer
enum oauth_next {
    OAUTH_OK,           // go on
    OAUTH_CONSENT,      // this code or token is dead for good: the user has to consent again
    OAUTH_CREDENTIALS,  // our client key or secret: no account's fault, a person has to act
    OAUTH_LATER,        // the same again, later
    OAUTH_BUG,  // refused for what we sent, or for a reason that is not known: a person has to look
};

struct oauth_outcome {
    const char     *code;  // TikTok's, or ours in lower case: "no_answer", "broken_answer", ...
    enum oauth_next next;
    const char     *cause;   // one sentence for people
    const char     *remedy;  // one sentence: what to do
};

struct oauth_answer {
    const struct oauth_outcome *outcome;      // never NULL in done
    int                         http_status;  // 0: no answer
    int64_t                     took_us;
    bool                        maybe;      // no success came, and TikTok may have acted
    char                        error[64];  // as it came; cut
    char description[256];    // error_description, cut; without what we sent as a secret
    char log_id[64];          // what TikTok's support asks for
    struct http_answer http;  // the adapter's own; gone in done
};

enum { OAUTH_TOKEN_BYTES = 4097, OAUTH_OPEN_ID_BYTES = 129, OAUTH_SCOPES_BYTES = 1025 };

// Every text but access_token may be absent: "" or -1. A refresh that names no refresh token leaves
// the old one in force.
struct oauth_tokens {
    struct oauth_answer answer;
    char                access_token[OAUTH_TOKEN_BYTES];   // secret
    char                refresh_token[OAUTH_TOKEN_BYTES];  // secret
    char                open_id[OAUTH_OPEN_ID_BYTES];      // opaque
    char                scopes[OAUTH_SCOPES_BYTES];  // what was granted, by commas, without spaces
    int64_t             expires_in_s;                // of the access token
    int64_t             refresh_expires_in_s;
};

struct oauth_code {
    struct str code;          // decoded; secret
    struct str redirect_uri;  // the very one that the consent was asked with
    struct str verifier;      // PKCE, for apps on desktops; empty: none. Secret
};

struct oauth *oauth_new(struct http *http, const struct oauth_settings *settings,
                        struct error *err) MUST_CHECK;
void          oauth_free(struct oauth *oauth);  // wipes

// what is given is borrowed until the starter returns
void oauth_exchange(struct oauth *oauth, const struct oauth_code *code, struct oauth_tokens *tokens,
                    struct call *call, call_done *done);
void oauth_refresh(struct oauth *oauth, struct str refresh_token, struct oauth_tokens *tokens,
                   struct call *call, call_done *done);
void oauth_revoke(struct oauth *oauth, struct str access_token, struct oauth_answer *answer,
                  struct call *call, call_done *done);
void oauth_tokens_wipe(struct oauth_tokens *tokens);  // overwrites everything

// the bodies alone (also for fuzzers)
void oauth_tokens_decode(struct str body, int http_status, struct oauth_tokens *tokens);
void oauth_revoke_decode(struct str body, int http_status, struct oauth_answer *answer);

// rows of the table: by TikTok's code (also of a callback), by a transport's error; NULL past the
// end
const struct oauth_outcome *oauth_outcome_of(struct str code);
const struct oauth_outcome *oauth_outcome_of_error(const struct error *err);
const struct oauth_outcome *oauth_outcome_row(size_t i);
