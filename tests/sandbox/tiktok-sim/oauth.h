// SPDX-License-Identifier: Apache-2.0
/* oauth: the token endpoints, with their flat answers and HTTP 200 errors. */
#ifndef SIM_OAUTH_H
#define SIM_OAUTH_H

struct account;
struct call;

void oauth_token(struct call *call);   // handler
void oauth_revoke(struct call *call);  // handler

struct account *oauth_find_account(struct call *call);  // by the refresh token in the body, or NULL

#endif
