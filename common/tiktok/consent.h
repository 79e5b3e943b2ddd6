// SPDX-License-Identifier: Apache-2.0
/* A user's consent: the address where it is asked for, and what comes back to the redirect URI.
 * Pure. TikTok knows two ways. Desktop: a redirect to localhost or 127.0.0.1 with a port (the app
 * may register `*` for it), with PKCE, whose challenge is the lower-case hex SHA-256 of the
 * verifier, not RFC 7636's base64url: with that the browser's step succeeds and the exchange fails.
 * Web: https only, without PKCE. */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "io/seal.h"

enum {
    CONSENT_STATE_BYTES    = 33,  // 128 bits as hex
    CONSENT_VERIFIER_BYTES = 65,
    CONSENT_REDIRECT_BYTES = 1024,
    CONSENT_URL_BYTES      = 8192,
    CONSENT_CALLBACK_BYTES = 16384,
};

// TOKFLEET_TIKTOK_REDIRECT_URI, taken apart
struct redirect {
    bool https;
    bool loopback;  // localhost or 127.0.0.1
    bool any_port;  // "*"
    int  port;      // as given; 0 with any_port or when there is none
    char host[256];
    char path[512];  // begins with a slash
};

// What TikTok would not register is refused with the reason. relay: as of consent_redirect
bool redirect_parse(const char *uri, const char *relay, struct redirect *redirect,
                    struct error *err) MUST_CHECK;
// The redirect URI that TikTok gets to see. port: what stands for `*`. relay: "" or the beginning
// of an https address that sends the browser on to what follows it ("https://redirectmeto.com/"):
// put before a plain http URI, which TikTok takes for loopback only. Codes then pass through
// whoever runs the relay.
bool consent_redirect(const struct redirect *redirect, int port, const char *relay,
                      struct buf *uri) MUST_CHECK;
// whether this redirect URI is an app's for desktops, which needs PKCE
bool consent_wants_pkce(struct str redirect_uri);

void consent_state(char out[CONSENT_STATE_BYTES]);        // CSPRNG
void consent_verifier(char out[CONSENT_VERIFIER_BYTES]);  // CSPRNG; a secret
void consent_challenge(struct str verifier, char out[SHA256_HEX_BYTES]);

struct consent {
    const char *authorize_url;  // "https://www.tiktok.com/v2/auth/authorize/"
    const char *client_key;
    struct str  scopes;  // by commas
    struct str  redirect_uri;
    struct str  state;
    struct str  challenge;  // "" for none
    bool always_ask;  // also a user whom TikTok knows to have consented: needed to switch accounts
};

bool consent_url(const struct consent *consent, struct buf *url, struct error *err) MUST_CHECK;

// What came back: texts are decoded once and live in the arena; what is absent is "".
struct consent_callback {
    struct str code;  // secret
    struct str state;
    struct str scopes;  // what the user granted, by commas
    struct str error;   // "access_denied", ...
    struct str error_description;
    struct str error_type;
};

// text: a query, or the whole address of the page that the browser ended at. A parameter that
// stands twice is refused.
bool consent_callback_decode(struct str text, struct consent_callback *callback,
                             struct arena *arena, struct error *err) MUST_CHECK;
