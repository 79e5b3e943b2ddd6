// SPDX-License-Identifier: Apache-2.0
/* A name server that never answers, or that knows no name, for this process alone: private files
 * over those in /etc, in a mount namespace. several.example is in the hosts file with two
 * addresses, 127.0.0.2 and 127.0.0.1. Needs root; a test that uses it skips itself loudly without.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>

struct hung_dns {
    int       fd;      // the socket of the server
    pthread_t thread;  // answers; while answers
    bool      answers;
    char      resolv[64];  // what is mounted over /etc/resolv.conf
    char      hosts[64];   // what is mounted over /etc/hosts
    int       mounted;     // of the two
};

bool hung_dns_begin(struct hung_dns *dns);  // false: not allowed here
// from now on until the end every question is answered: no such name (NXDOMAIN)
void hung_dns_know_nothing(struct hung_dns *dns);
void hung_dns_end(struct hung_dns *dns);
