// SPDX-License-Identifier: Apache-2.0
#include "dns.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

static const char RESOLV_CONF[] = "nameserver 127.0.0.99\noptions timeout:5 attempts:2\n";
static const char HOSTS[] =
    "127.0.0.1 localhost\n127.0.0.2 several.example\n127.0.0.1 several.example\n";

static bool listen_and_say_nothing(struct hung_dns *dns)
{
    struct sockaddr_in address = { .sin_family      = AF_INET,
                                   .sin_port        = htons(53),
                                   .sin_addr.s_addr = htonl(0x7F000063) };
    dns->fd                    = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    return dns->fd >= 0 && bind(dns->fd, (struct sockaddr *)&address, sizeof address) == 0;
}

static bool write_file(char path[64], const char *text)
{
    snprintf(path, 64, "/tmp/tokfleet-names-XXXXXX");
    int  fd      = mkstemp(path);
    bool written = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    if (fd >= 0)
        close(fd);
    return written;
}

static bool mount_over(struct hung_dns *dns)
{
    if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
        return false;
    if (mount(dns->resolv, "/etc/resolv.conf", NULL, MS_BIND, NULL) == 0)
        dns->mounted++;
    if (dns->mounted == 1 && mount(dns->hosts, "/etc/hosts", NULL, MS_BIND, NULL) == 0)
        dns->mounted++;
    return dns->mounted == 2;
}

bool hung_dns_begin(struct hung_dns *dns)
{
    *dns = (struct hung_dns){ .fd = -1 };
    if (listen_and_say_nothing(dns) && write_file(dns->resolv, RESOLV_CONF) &&
        write_file(dns->hosts, HOSTS) && mount_over(dns))
        return true;
    fprintf(stderr, "SKIPPED: names cannot be faked here (root, mounts and port 53 are needed)\n");
    hung_dns_end(dns);
    return false;
}

static void *answer_all(void *owner)
{
    const struct hung_dns *dns = owner;
    unsigned char          packet[512];
    struct sockaddr_in     from;
    socklen_t              len = sizeof from;
    ssize_t                n   = 0;
    while ((n = recvfrom(dns->fd, packet, sizeof packet, 0, (struct sockaddr *)&from, &len)) > 0) {
        if (n < 12)
            continue;
        packet[2] |= 0x80;                                        // an answer
        packet[3]  = (unsigned char)((packet[3] & 0xF0) | 0x83);  // no such name
        packet[11] = 0;                                           // nothing besides the question
        for (ssize_t end = 12; end < n; end++)
            if (packet[end] == 0) {
                n = end + 5 < n ? end + 5 : n;
                break;
            }
        sendto(dns->fd, packet, (size_t)n, 0, (struct sockaddr *)&from, len);
        len = sizeof from;
    }
    return NULL;
}

void hung_dns_know_nothing(struct hung_dns *dns)
{
    dns->answers = pthread_create(&dns->thread, NULL, answer_all, dns) == 0;
}

void hung_dns_end(struct hung_dns *dns)
{
    if (dns->mounted > 1)
        umount2("/etc/hosts", MNT_DETACH);
    if (dns->mounted > 0)
        umount2("/etc/resolv.conf", MNT_DETACH);
    unlink(dns->resolv);
    unlink(dns->hosts);
    if (dns->answers) {
        shutdown(dns->fd, SHUT_RDWR);
        pthread_join(dns->thread, NULL);
    }
    if (dns->fd >= 0)
        close(dns->fd);
}
