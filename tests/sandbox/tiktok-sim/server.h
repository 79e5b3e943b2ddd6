// SPDX-License-Identifier: Apache-2.0
/* server: HTTP in and out. Takes a request, asks for a fault rule, lets the endpoint's handler make
 * the answer and sends it, or what the rule makes of it. */
#ifndef SIM_SERVER_H
#define SIM_SERVER_H

#include <stdbool.h>

struct call;
struct sim;

bool server_start(struct sim *sim);   // listens and writes the port file; complains on stderr
void server_send(struct call *call);  // sends the answer made; takes the call
void server_fini(struct sim *sim);

#endif
