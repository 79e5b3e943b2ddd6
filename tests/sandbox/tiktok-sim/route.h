// SPDX-License-Identifier: Apache-2.0
/* route: which path and method belong to which endpoint and handler. */
#ifndef SIM_ROUTE_H
#define SIM_ROUTE_H

#include "call.h"

struct route {
    const char   *path;                 // exact, with the slash at its end
    const char   *method;               // the only good one
    enum endpoint endpoint;             // its name
    void (*handle)(struct call *call);  // makes the answer
};

// NULL when the path is unknown. Control paths all have one route.
const struct route *route_find(const char *path);

#endif
