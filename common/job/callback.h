// SPDX-License-Identifier: Apache-2.0
/* The page that the browser comes back to after a consent: takes the callback, connects the account (connect.h), and
 * tells the user what came of it. Mounted into any loop/server by whoever has one: its handler asks callback_answer first.
 *
 *   GET <path>?code=…&state=…   the page goes on to <path>?wait=<ticket> at once, so that the code leaves the address bar
 *   GET <path>?wait=<ticket>    looks again every second until it is connected, or says why not
 *
 * The same callback again, while the first is under way or when it connected, is no second use: it gets the first one's page.
 * HEAD is refused: it takes no callback.
 * A page never shows a code or a token, and loads nothing from anywhere. */
#pragma once

#include "job/connect.h"
#include "loop/server.h"

enum { CALLBACKS_MAX = 64 };  // under way or still to be told; the oldest that has ended makes room

struct callbacks;

// A callback has come to its end: err NULL means connected. Both are borrowed for the call.
typedef void callback_ended(void *owner, const struct connected *connected,
                            const struct error *err);

// path: of the redirect URI, "/callback/"; connector is borrowed; on_ended may be NULL
struct callbacks *callbacks_new(struct connector *connector, const char *path,
                                callback_ended *on_ended, void *owner);
void              callbacks_free(struct callbacks *callbacks);  // what is under way is cancelled
bool              callbacks_busy(const struct callbacks *callbacks);  // one is under way
// no new one is taken; those under way go on
void callbacks_stop(struct callbacks *callbacks);
// false: the request is for another path, and reply is as it was
bool callback_answer(struct callbacks *callbacks, const struct server_request *request,
                     struct server_reply *reply);
