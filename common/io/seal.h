// SPDX-License-Identifier: Apache-2.0
/* Sealing of secrets (AES-256-GCM), hashes and random bytes (OpenSSL). A sealed text is
 * `key_id:base64(nonce 12, text, tag 16)` and is bound to `context`: it opens only under the same.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/text.h"

struct seal;

// keys: `id:base64 of 32 bytes[,id:...]`, the first seals, all open. ERR_SETTING says what is
// wrong, never a key.
struct seal *seal_new(const char *keys, struct error *err) MUST_CHECK;
void         seal_free(struct seal *seal);  // wipes
bool seal_close(const struct seal *seal, struct str context, struct str text, struct buf *sealed,
                struct error *err) MUST_CHECK;
// ERR_SEALED: unknown key id, another context, or a changed bit; `text` should be wiped with
// buf_wipe
bool seal_open(const struct seal *seal, struct str context, struct str sealed, struct buf *text,
               struct error *err) MUST_CHECK;

void     random_bytes(void *out, size_t bytes);  // CSPRNG
uint64_t random_below(uint64_t bound);           // for jitter; bound > 0
void     random_hex(char *out, size_t digits);   // and '\0'
enum { SHA256_HEX_BYTES = 65 };
void     sha256_hex(struct str text, char out[SHA256_HEX_BYTES]);
uint32_t crc32_of(struct str text);  // IEEE, as in zlib
