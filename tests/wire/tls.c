// SPDX-License-Identifier: Apache-2.0
#include "tls.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "case.h"

static void run(const char *command)
{
    if (system(command) != 0)
        fail_msg("failed: %s", command);
}

void tls_files_init(struct tls_files *files, const char *names)
{
    char command[1024];
    snprintf(files->dir, sizeof files->dir, "/tmp/tokfleet-tls-XXXXXX");
    assert_non_null(mkdtemp(files->dir));
    snprintf(files->ca, sizeof files->ca, "%.40s/ca.pem", files->dir);
    snprintf(files->cert, sizeof files->cert, "%.40s/cert.pem", files->dir);
    snprintf(files->key, sizeof files->key, "%.40s/key.pem", files->dir);
    snprintf(command, sizeof command,
             "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "
             "/CN=test-ca"
             " -keyout %s/ca.key -out %s 2>/dev/null",
             files->dir, files->ca);
    run(command);
    snprintf(command, sizeof command,
             "openssl req -x509 -CA %s -CAkey %s/ca.key -newkey ec -pkeyopt "
             "ec_paramgen_curve:P-256 -nodes -days 2"
             " -subj /CN=test-peer -addext subjectAltName=%s -addext basicConstraints=CA:FALSE"
             " -keyout %s -out %s 2>/dev/null",
             files->ca, files->dir, names, files->key, files->cert);
    run(command);
}

void tls_files_fini(struct tls_files *files)
{
    char path[TLS_PATH_BYTES];
    snprintf(path, sizeof path, "%.40s/ca.key", files->dir);
    unlink(path);
    unlink(files->ca);
    unlink(files->cert);
    unlink(files->key);
    rmdir(files->dir);
}
