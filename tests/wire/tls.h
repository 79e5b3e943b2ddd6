// SPDX-License-Identifier: Apache-2.0
/* A CA of our own and one certificate, made by the openssl command for one test. */
#pragma once

enum { TLS_PATH_BYTES = 64 };

struct tls_files {
    char dir[TLS_PATH_BYTES];   // removed by tls_files_fini
    char ca[TLS_PATH_BYTES];    // PEM, what a client should trust
    char cert[TLS_PATH_BYTES];  // PEM, the peer's
    char key[TLS_PATH_BYTES];   // PEM, the peer's
};

// names as in a subjectAltName: "DNS:localhost,IP:127.0.0.1"
void tls_files_init(struct tls_files *files, const char *names);
// the same certificate anew, of yesterday, of tomorrow, or signed by itself: before the peer begins
void tls_files_date(struct tls_files *files, int from_days, int to_days);
void tls_files_self_sign(struct tls_files *files);
void tls_files_fini(struct tls_files *files);
