// SPDX-License-Identifier: Apache-2.0
/* options: the command line. Every flag is one row of a table in options.c, which also writes the
 * --help text. A bad flag is explained on standard error. */
#ifndef SIM_OPTIONS_H
#define SIM_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "chance.h"

struct options {
    const char  *listen;         // "ADDRESS:PORT", port 0 lets the system choose
    const char  *port_file;      // written when listening; NULL for none
    const char  *ledger;         // events are appended here; NULL for none
    int64_t      accounts;       // created at start
    const char  *accounts_file;  // their tokens are written here; NULL for none
    int64_t      window_ms;      // TikTok's minute
    int64_t      day_ms;         // TikTok's day
    int64_t      limit_init;     // inits in a window for an account; 0 = none, as for all limits
    int64_t      limit_creator_info;  // creator infos in a window
    int64_t      limit_status;        // status fetches in a window
    int64_t      limit_display;       // calls of each display endpoint in a window
    int64_t      limit_day_posts;     // direct posts in a day
    int64_t      limit_drafts;        // drafts in a day
    int64_t      active_cap;       // creators that post in a day; 0 = none, -1 = 5 when unaudited
    bool         unaudited;        // only private accounts may post, and only SELF_ONLY
    bool         lenient;          // unknown fields are noted, not refused
    bool         verbose;          // one line per request on standard output
    struct spans processing;       // from the init (or the last byte) to the end
    struct spans public_id_delay;  // from the end to the public id
    const char  *verified;         // comma-separated hosts or URL prefixes
    int64_t      seed;             // of all randomness; 0 = from the system
    const char  *client_key;       // NULL: any non-empty key and secret are good
    const char  *client_secret;    // goes with client_key
    const char  *redirect_uris;    // registered, by commas; NULL: any is good
    int64_t      code_ttl_ms;      // life of an authorization code
    int64_t      token_ttl_s;      // life of an access token
    bool         refresh_keeps;    // a refresh gives the same refresh token again
    bool         refresh_ends_access;  // a refresh ends the access tokens before
    int64_t      refresh_grace_ms;     // a rotated refresh token stays good
    int64_t      upload_ttl_ms;        // life of an upload URL
    int64_t      calls_kept;           // calls remembered for /_sim/calls
};

enum options_outcome { OPTIONS_RUN, OPTIONS_HELP, OPTIONS_BAD };

// Strings are borrowed from argv.
enum options_outcome options_read(struct options *options, int argc, char **argv);

#endif
