// SPDX-License-Identifier: Apache-2.0
/* park: calls whose answer waits, or never comes. A parked call watches its client: when the client
 * leaves first, the call is over without an answer. */
#ifndef SIM_PARK_H
#define SIM_PARK_H

#include <stdint.h>

struct call;
struct sim;

enum park {
    PARK_SEND,   // send the answer when due
    PARK_HANG,   // never answer
    PARK_RESET,  // reset the connection when due
    PARK_CLOSE,  // close the connection when due
};

struct parked;

void park_call(struct call *call, enum park park, int64_t wait_ms);  // takes the call
void park_drop_all(struct sim *sim);                                 // resets all their connections

#endif
