// SPDX-License-Identifier: Apache-2.0
/* status: what became of a publish, the cancelling of one, and what a creator may do. */
#ifndef SIM_STATUS_H
#define SIM_STATUS_H

struct call;

void status_fetch(struct call *call);    // handler of status/fetch/
void status_cancel(struct call *call);   // handler of cancel/
void status_creator(struct call *call);  // handler of creator_info/query/

#endif
