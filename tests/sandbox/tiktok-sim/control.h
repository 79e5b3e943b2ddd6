// SPDX-License-Identifier: Apache-2.0
/* control: what tests ask and order, under /_sim/. No token is needed. */
#ifndef SIM_CONTROL_H
#define SIM_CONTROL_H

struct call;

void control_handle(struct call *call);    // handler of all control paths
void control_accounts(struct call *call);  // GET and POST /_sim/accounts

// {"error":why}
void control_refuse(struct call *call, int http, const char *why);

#endif
