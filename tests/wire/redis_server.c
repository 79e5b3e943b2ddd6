// SPDX-License-Identifier: Apache-2.0
#include "redis_server.h"

#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "case.h"

extern char **environ;

static int free_port(void)
{
    struct sockaddr_in address = { .sin_family      = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t          len     = sizeof address;
    int                fd      = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    close(fd);
    return ntohs(address.sin_port);
}

static bool spawn(struct redis_server *server)
{
    char name[] = "redis-server", port_flag[] = "--port", bind_flag[] = "--bind",
         here[] = "127.0.0.1", dir_flag[] = "--dir";
    char save_flag[] = "--save", nothing[] = "", log_flag[] = "--loglevel", quiet[] = "warning",
         pass_flag[] = "--requirepass";
    char                       port[16];
    char                      *argv[] = { name,
                                          port_flag,
                                          port,
                                          bind_flag,
                                          here,
                                          dir_flag,
                                          server->dir,
                                          save_flag,
                                          nothing,
                                          log_flag,
                                          quiet,
                     server->password[0] ? pass_flag : NULL,
                                          server->password,
                                          NULL };
    posix_spawn_file_actions_t actions;
    snprintf(port, sizeof port, "%d", server->port);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", 1, 0);
    int code = posix_spawnp(&server->pid, name, &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    return code == 0;
}

bool redis_server_start(struct redis_server *server, const char *password)
{
    *server = (struct redis_server){ .port = free_port() };
    snprintf(server->dir, sizeof server->dir, "/tmp/tokfleet-redis-XXXXXX");
    assert_non_null(mkdtemp(server->dir));
    snprintf(server->password, sizeof server->password, "%s", password ? password : "");
    snprintf(server->url, sizeof server->url, "redis://%s%s%s127.0.0.1:%d", password ? ":" : "",
             server->password, password ? "@" : "", server->port);
    if (spawn(server))
        return true;
    fprintf(stderr, "SKIPPED: no redis-server here\n");
    rmdir(server->dir);
    return false;
}

void redis_server_kill(struct redis_server *server)
{
    if (server->pid) {
        kill(server->pid, SIGKILL);
        waitpid(server->pid, NULL, 0);
    }
    server->pid = 0;
}

void redis_server_again(struct redis_server *server)
{
    assert_true(spawn(server));
}

void redis_server_stop(struct redis_server *server)
{
    redis_server_kill(server);
    rmdir(server->dir);
}
