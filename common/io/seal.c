// SPDX-License-Identifier: Apache-2.0
#include "io/seal.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

enum {
    KEY_BYTES    = 32,
    KEY_TEXT     = 44,  // base64 of a key
    ID_BYTES     = 32,  // a key's id at most
    KEYS_MAX     = 16,
    NONCE_BYTES  = 12,
    TAG_BYTES    = 16,
    TEXT_BYTES   = 1 << 20,  // what can be sealed at most
    SEALED_BYTES = (NONCE_BYTES + TEXT_BYTES + TAG_BYTES + 2) / 3 * 4,
};

struct key {
    struct str    id;                // inside names
    unsigned char bytes[KEY_BYTES];  // the secret
};

struct seal {
    size_t       count;           // of keys, at least 1
    struct key   keys[KEYS_MAX];  // the first seals
    struct arena names;           // the ids
};

static size_t base64_length(size_t bytes)
{
    return (bytes + 2) / 3 * 4;
}

// One text for the same bytes: what differs from its own encoding is refused. out has 3 bytes for
// every 4.
static bool base64_decode(struct str text, unsigned char *out, size_t *bytes)
{
    if (text.len == 0 || text.len % 4 || text.len > SEALED_BYTES)
        return false;
    int            n       = EVP_DecodeBlock(out, (const unsigned char *)text.p, (int)text.len);
    size_t         padding = (size_t)str_ends(text, "=") + (size_t)str_ends(text, "==");
    unsigned char *again   = xmalloc(text.len + 1);
    bool           ok      = n == (int)(text.len / 4 * 3);
    if (ok) {
        *bytes = (size_t)n - padding;
        ok     = EVP_EncodeBlock(again, out, (int)*bytes) == (int)text.len &&
             memcmp(again, text.p, text.len) == 0;
    }
    OPENSSL_cleanse(again, text.len);
    free(again);
    return ok;
}

static bool id_is_good(struct str id)
{
    for (size_t i = 0; i < id.len; i++)
        if (!memchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-", id.p[i],
                    65))
            return false;
    return id.len > 0 && id.len <= ID_BYTES;
}

static const struct key *find_key(const struct seal *seal, struct str id)
{
    for (size_t i = 0; i < seal->count; i++)
        if (str_eq(seal->keys[i].id, id))
            return &seal->keys[i];
    return NULL;
}

// Names the entry by its place: somebody who left out the id would read the key in the message.
static bool add_key(struct seal *seal, struct str entry, struct error *err)
{
    unsigned char bytes[KEY_TEXT / 4 * 3];
    size_t        len   = 0;
    size_t        place = seal->count + 1;
    struct str    rest  = str_trim(entry);
    struct str    id;
    if (place > KEYS_MAX)
        return error_set(err, ERR_SETTING, "token keys: more than %d", KEYS_MAX);
    if (!str_cut(&rest, ':', &id) || !rest.p)
        return error_set(err, ERR_SETTING, "token keys: entry %zu is not id:key", place);
    if (!id_is_good(id))
        return error_set(err, ERR_SETTING,
                         "token keys: entry %zu: an id is 1 to %d of A-Z a-z 0-9 . _ -", place,
                         ID_BYTES);
    if (find_key(seal, id))
        return error_set(err, ERR_SETTING, "token keys: entry %zu has the id of an earlier one",
                         place);
    bool ok = rest.len == KEY_TEXT && base64_decode(rest, bytes, &len) && len == KEY_BYTES;
    if (ok) {
        struct key *key = &seal->keys[seal->count++];
        key->id         = arena_copy(&seal->names, id);
        memcpy(key->bytes, bytes, KEY_BYTES);
    }
    OPENSSL_cleanse(bytes, sizeof bytes);
    return ok ||
           error_set(err, ERR_SETTING, "token keys: entry %zu: the key is not base64 of %d bytes",
                     place, KEY_BYTES);
}

struct seal *seal_new(const char *keys, struct error *err)
{
    struct seal *seal = xcalloc(1, sizeof *seal);
    struct str   rest = str_of(keys ? keys : "");
    struct str   entry;
    bool         ok = true;
    while (ok && str_cut(&rest, ',', &entry))
        ok = add_key(seal, entry, err);
    if (!ok) {
        seal_free(seal);
        return NULL;
    }
    return seal;
}

void seal_free(struct seal *seal)
{
    if (!seal)
        return;
    arena_fini(&seal->names);
    OPENSSL_cleanse(seal, sizeof *seal);
    free(seal);
}

// out: the nonce is in place; text and tag are added
static bool encrypt(const struct key *key, struct str context, struct str text, unsigned char *out)
{
    EVP_CIPHER_CTX *ctx  = EVP_CIPHER_CTX_new();
    unsigned char  *body = out + NONCE_BYTES;
    int             n    = 0;
    bool            ok =
        ctx && EVP_EncryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key->bytes, out) == 1 &&
        EVP_EncryptUpdate(ctx, NULL, &n, (const unsigned char *)context.p, (int)context.len) == 1 &&
        EVP_EncryptUpdate(ctx, body, &n, (const unsigned char *)text.p, (int)text.len) == 1 &&
        EVP_EncryptFinal_ex(ctx, body + text.len, &n) == 1 &&
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, TAG_BYTES, body + text.len) == 1;
    EVP_CIPHER_CTX_free(ctx);
    return ok;
}

// in: nonce, text_bytes, tag
static bool decrypt(const struct key *key, struct str context, unsigned char *in, size_t text_bytes,
                    unsigned char *text)
{
    EVP_CIPHER_CTX *ctx  = EVP_CIPHER_CTX_new();
    unsigned char  *body = in + NONCE_BYTES;
    int             n    = 0;
    bool            ok =
        ctx && EVP_DecryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key->bytes, in) == 1 &&
        EVP_DecryptUpdate(ctx, NULL, &n, (const unsigned char *)context.p, (int)context.len) == 1 &&
        EVP_DecryptUpdate(ctx, text, &n, body, (int)text_bytes) == 1 &&
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, TAG_BYTES, body + text_bytes) == 1 &&
        EVP_DecryptFinal_ex(ctx, text + text_bytes, &n) == 1;
    EVP_CIPHER_CTX_free(ctx);
    return ok;
}

// An empty text must not be NULL: OpenSSL would take it for a question of another kind.
static struct str not_null(struct str text)
{
    return text.p ? text : STR("");
}

bool seal_close(const struct seal *seal, struct str context, struct str text, struct buf *sealed,
                struct error *err)
{
    const struct key *key = &seal->keys[0];
    if (text.len > TEXT_BYTES || context.len > TEXT_BYTES)
        return error_set(err, ERR_INPUT, "seal: more than %d bytes", TEXT_BYTES);
    size_t         bytes = NONCE_BYTES + text.len + TAG_BYTES;
    size_t         need  = key->id.len + 1 + base64_length(bytes);
    unsigned char *raw   = xmalloc(bytes);
    unsigned char *coded = xmalloc(base64_length(bytes) + 1);
    random_bytes(raw, NONCE_BYTES);
    bool ok = encrypt(key, not_null(context), not_null(text), raw);
    assert(ok && "AES-256-GCM does not encrypt");
    EVP_EncodeBlock(coded, raw, (int)bytes);
    ok = need <= sealed->max - sealed->len;
    if (ok) {
        buf_add(sealed, key->id);
        buf_add_char(sealed, ':');
        buf_add(sealed, (struct str){ (const char *)coded, base64_length(bytes) });
    } else {
        error_set(err, ERR_FULL, "seal: %zu bytes do not fit", need);
    }
    OPENSSL_cleanse(raw, bytes);
    free(raw);
    free(coded);
    return ok;
}

bool seal_open(const struct seal *seal, struct str context, struct str sealed, struct buf *text,
               struct error *err)
{
    struct str id;
    struct str rest = sealed;
    if (!str_cut(&rest, ':', &id) || !rest.p || !id_is_good(id))
        return error_set(err, ERR_SEALED, "sealed text: not key_id:base64");
    const struct key *key = find_key(seal, id);
    if (!key)
        return error_set(err, ERR_SEALED,
                         "sealed text: the key \"%.*s\" is not among the token keys", STR_ARG(id));
    if (context.len > TEXT_BYTES || rest.len > SEALED_BYTES)
        return error_set(err, ERR_SEALED, "sealed text: too long");
    size_t         room  = rest.len / 4 * 3 + 1;
    unsigned char *raw   = xmalloc(room);
    unsigned char *plain = xmalloc(room);
    size_t         bytes = 0;
    bool           ok    = base64_decode(rest, raw, &bytes) && bytes >= NONCE_BYTES + TAG_BYTES;
    size_t         len   = ok ? bytes - NONCE_BYTES - TAG_BYTES : 0;
    if (!ok)
        error_set(err, ERR_SEALED, "sealed text: not key_id:base64");
    else if (!(ok = decrypt(key, not_null(context), raw, len, plain)))
        error_set(err, ERR_SEALED,
                  "sealed text: does not open: sealed for something else, or changed");
    else if (!(ok = buf_add(text, (struct str){ (const char *)plain, len })))
        error_set(err, ERR_FULL, "sealed text: %zu bytes do not fit", len);
    OPENSSL_cleanse(plain, room);
    free(plain);
    free(raw);
    return ok;
}

void random_bytes(void *out, size_t bytes)
{
    assert(bytes <= INT32_MAX);
    int ok = RAND_bytes(out, (int)bytes);
    assert(ok == 1 && "no random bytes");
    (void)ok;
}

// Without bias: what is left over above the last whole multiple of bound is thrown again.
uint64_t random_below(uint64_t bound)
{
    assert(bound > 0);
    uint64_t n    = 0;
    uint64_t past = UINT64_MAX - (UINT64_MAX % bound + 1) % bound;
    do
        random_bytes(&n, sizeof n);
    while (n > past);
    return n % bound;
}

void random_hex(char *out, size_t digits)
{
    static const char hex[] = "0123456789abcdef";
    random_bytes(out, digits);
    for (size_t i = 0; i < digits; i++)
        out[i] = hex[(unsigned char)out[i] & 0x0F];
    out[digits] = '\0';
}

void sha256_hex(struct str text, char out[SHA256_HEX_BYTES])
{
    static const char hex[] = "0123456789abcdef";
    unsigned char     sum[32];
    unsigned int      len = 0;
    int ok = EVP_Digest(text.p ? text.p : "", text.len, sum, &len, EVP_sha256(), NULL);
    assert(ok == 1 && len == sizeof sum);
    (void)ok;
    for (size_t i = 0; i < sizeof sum; i++) {
        out[2 * i]     = hex[sum[i] >> 4];
        out[2 * i + 1] = hex[sum[i] & 0x0F];
    }
    out[2 * sizeof sum] = '\0';
}

// By half bytes: a table of 16 needs no filling at the start.
uint32_t crc32_of(struct str text)
{
    static const uint32_t table[16] = {
        0x00000000, 0x1DB71064, 0x3B6E20C8, 0x26D930AC, 0x76DC4190, 0x6B6B51F4,
        0x4DB26158, 0x5005713C, 0xEDB88320, 0xF00F9344, 0xD6D6A3E8, 0xCB61B38C,
        0x9B64C2B0, 0x86D3D2D4, 0xA00AE278, 0xBDBDF21C,
    };
    uint32_t crc = 0xFFFFFFFF;
    for (size_t i = 0; i < text.len; i++) {
        crc ^= (unsigned char)text.p[i];
        crc = crc >> 4 ^ table[crc & 0x0F];
        crc = crc >> 4 ^ table[crc & 0x0F];
    }
    return ~crc;
}
