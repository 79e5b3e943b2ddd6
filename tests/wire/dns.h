// SPDX-License-Identifier: Apache-2.0
/* A name server that never answers, for this process alone: private files over those in /etc, in a mount namespace.
 * several.example is in the hosts file with two addresses, 127.0.0.2 and 127.0.0.1.
 * Needs root; a test that uses it skips itself loudly without. */
#pragma once

#include <stdbool.h>

struct hung_dns {
    int  fd;          // the socket of the server
    char resolv[64];  // what is mounted over /etc/resolv.conf
    char hosts[64];   // what is mounted over /etc/hosts
    int  mounted;     // of the two
};

bool hung_dns_begin(struct hung_dns *dns);  // false: not allowed here
void hung_dns_end(struct hung_dns *dns);
