// SPDX-License-Identifier: Apache-2.0
/* authorize: the browser's step of Login Kit, with a user who consents to all, to a part or to
 * nothing, and the codes it gives. A code is good once, for a while, with the redirect_uri and the
 * verifier it was made for. A redirect to localhost or 127.0.0.1 is an app's for desktops, which
 * has to use PKCE; any other is a web app's. */
#ifndef SIM_AUTHORIZE_H
#define SIM_AUTHORIZE_H

#include "table.h"

struct account;
struct call;
struct evkeyvalq;
struct sim;

struct codes {
    struct table by_text;  // struct code, owned; used codes are gone
};

void authorize_page(struct call *call);  // handler of GET /v2/auth/authorize/

// The account that the code in the form was made for; NULL when a flat error is answered.
struct account *authorize_redeem(struct call *call, struct evkeyvalq *form);

void codes_fini(struct codes *codes);

#endif
