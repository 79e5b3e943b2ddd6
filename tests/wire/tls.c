// SPDX-License-Identifier: Apache-2.0
#include "tls.h"

#include <openssl/pem.h>
#include <openssl/x509.h>
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

static X509 *read_certificate(const char *path)
{
    FILE *f    = fopen(path, "r");
    X509 *cert = f ? PEM_read_X509(f, NULL, NULL, NULL) : NULL;
    assert_non_null(cert);
    fclose(f);
    return cert;
}

static void sign_again(const struct tls_files *files, X509 *cert, const char *key_file)
{
    FILE     *f   = fopen(key_file, "r");
    EVP_PKEY *key = f ? PEM_read_PrivateKey(f, NULL, NULL, NULL) : NULL;
    assert_non_null(key);
    fclose(f);
    assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
    f = fopen(files->cert, "w");
    assert_true(f && PEM_write_X509(f, cert) == 1);
    fclose(f);
    EVP_PKEY_free(key);
    X509_free(cert);
}

void tls_files_date(struct tls_files *files, int from_days, int to_days)
{
    X509 *cert = read_certificate(files->cert);
    char  key[TLS_PATH_BYTES];
    snprintf(key, sizeof key, "%.40s/ca.key", files->dir);
    assert_non_null(X509_time_adj_ex(X509_getm_notBefore(cert), from_days, 0, NULL));
    assert_non_null(X509_time_adj_ex(X509_getm_notAfter(cert), to_days, 0, NULL));
    sign_again(files, cert, key);
}

void tls_files_self_sign(struct tls_files *files)
{
    X509 *cert = read_certificate(files->cert);
    for (int i = X509_get_ext_count(cert); i-- > 0;) {
        X509_EXTENSION *extension = X509_get_ext(cert, i);
        if (OBJ_obj2nid(X509_EXTENSION_get_object(extension)) == NID_authority_key_identifier)
            X509_EXTENSION_free(X509_delete_ext(cert, i));
    }
    assert_int_equal(X509_set_issuer_name(cert, X509_get_subject_name(cert)), 1);
    sign_again(files, cert, files->key);
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
