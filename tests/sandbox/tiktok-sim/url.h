// SPDX-License-Identifier: Apache-2.0
/* url: is a media URL allowed, and which markers (orders to the simulator) are in its path. */
#ifndef SIM_URL_H
#define SIM_URL_H

#include <stdbool.h>
#include <stdint.h>

enum url_verdict {
    URL_FINE,
    URL_BAD,         // not https, no host name, an IP address, user info, white space
    URL_UNVERIFIED,  // fine, but of somebody else
};

struct url_marks {
    char    fail_reason[64];  // "" for none
    bool    fail_once;        // only the first publish of this URL fails
    bool    stuck;            // never ends
    int64_t slow_ms;          // processing time; -1 for none
    int     refuse_http;      // the init answers this; 0 for none
    char    refuse_code[64];  // with this code
};

// verified: hosts (covering their subdomains) and "https://host/path/" prefixes, by commas.
enum url_verdict url_check(const char *url, const char *verified);

// Adds the markers of the URL's path to what is in marks already.
void url_add_marks(const char *url, struct url_marks *marks);

#endif
