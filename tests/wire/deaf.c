// SPDX-License-Identifier: Apache-2.0
#include "deaf.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "case.h"

void deaf_init(struct deaf *deaf)
{
    struct sockaddr_in address = { .sin_family      = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t          len     = sizeof address;
    deaf->fd                   = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(bind(deaf->fd, (struct sockaddr *)&address, len) == 0 && listen(deaf->fd, 0) == 0);
    assert_int_equal(getsockname(deaf->fd, (struct sockaddr *)&address, &len), 0);
    deaf->port = ntohs(address.sin_port);
    for (int i = 0; i < DEAF_CLIENTS; i++) {
        deaf->clients[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        (void)!connect(deaf->clients[i], (struct sockaddr *)&address, len);
    }
    usleep(20000);  // the first of them fill the queue
}

void deaf_fini(struct deaf *deaf)
{
    for (int i = 0; i < DEAF_CLIENTS; i++)
        close(deaf->clients[i]);
    close(deaf->fd);
}
