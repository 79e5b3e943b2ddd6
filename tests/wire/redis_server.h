// SPDX-License-Identifier: Apache-2.0
/* A real redis-server as a child, with its own port and folder, that forgets everything when it
 * ends. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

struct redis_server {
    pid_t pid;  // 0: not running
    int   port;
    char  dir[64];       // removed by redis_server_stop
    char  password[32];  // "": none
    char  url[128];
};

bool redis_server_start(struct redis_server *server,
                        const char          *password);         // false: there is none here; says so
void redis_server_kill(struct redis_server *server);   // kill -9
void redis_server_again(struct redis_server *server);  // on the same port
void redis_server_stop(struct redis_server *server);
