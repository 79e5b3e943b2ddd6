// SPDX-License-Identifier: Apache-2.0
/* An account: one TikTok user who connected. Its record on <fleet>.accounts is the truth, with its tokens sealed;
 * Redis holds a copy (account:<open_id>, token:<open_id>, alias). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "io/seal.h"

enum { ACCOUNT_VERSION = 1, OPEN_ID_MAX = 128 };

// TikTok's flat token answer, one of its accounts; texts live in the arena, which is to be wiped: account_tokens_fini
struct account_tokens {
    struct str   open_id;
    struct str   access_token;         // secret
    struct str   refresh_token;        // secret
    struct str   scope;                // comma-separated
    struct str   alias;                // "@name", "" for none
    int64_t      expires_in_s;
    int64_t      refresh_expires_in_s;
    struct arena arena;
};

// a line of NDJSON; err names the field, never a value of a token
bool account_tokens_decode(struct str line, struct account_tokens *tokens, struct error *err) MUST_CHECK;
void account_tokens_fini(struct account_tokens *tokens);  // overwrites

// what is sealed for an account: {"access_token":…,"refresh_token":…}; bound to fleet, kind and open_id
bool account_seal(const struct seal *seal, const char *fleet, const struct account_tokens *tokens, struct buf *sealed,
                  struct error *err) MUST_CHECK;
// the access token alone, for a request; wipe it with buf_wipe
bool account_unseal(const struct seal *seal, const char *fleet, struct str open_id, struct str sealed,
                    struct buf *access_token, struct error *err) MUST_CHECK;

// <fleet>.accounts: key open_id. rev: the higher wins; the wall clock in ms serves.
struct account_record {
    int64_t    rev;
    struct str open_id;
    struct str aliases[8];             // all it ever had
    size_t     alias_count;
    struct str scopes;
    struct str status;                 // "ok"
    struct str sealed;
    int64_t    expires_at_ms;          // wall clock
    int64_t    refresh_expires_at_ms;
};

void account_record_encode(const struct account_record *record, struct buf *value);  // init here; buf_fini
bool account_record_decode(struct str value, struct account_record *record, struct arena *arena,
                           struct error *err) MUST_CHECK;
