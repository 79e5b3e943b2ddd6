// SPDX-License-Identifier: Apache-2.0
/* A port whose queue of connections is full: what is sent to it to begin one is dropped, as by a
 * firewall. */
#pragma once

enum { DEAF_CLIENTS = 4 };

struct deaf {
    int fd;  // listens, accepts nobody
    int clients[DEAF_CLIENTS];
    int port;
};

void deaf_init(struct deaf *deaf);
void deaf_fini(struct deaf *deaf);
