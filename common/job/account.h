// SPDX-License-Identifier: Apache-2.0
/* An account: one TikTok user who connected. Its record on <fleet>.accounts is the truth, with its
 * tokens sealed; Redis holds a copy (account:<open_id>, token:<open_id>, alias). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "io/seal.h"

enum { ACCOUNT_VERSION = 2, OPEN_ID_MAX = 128, ALIASES_MAX = 8, ACCOUNT_TOKEN_MAX = 4096 };

// TikTok's flat token answer, one of its accounts; texts live in the arena, which is to be wiped:
// account_tokens_fini
struct account_tokens {
    struct str   open_id;
    struct str   access_token;   // secret
    struct str   refresh_token;  // secret
    struct str   scope;          // comma-separated
    struct str   alias;          // "@name", "" for none
    int64_t      expires_in_s;
    int64_t      refresh_expires_in_s;
    struct arena arena;
};

// a line of NDJSON; err names the field, never a value of a token
bool account_tokens_decode(struct str line, struct account_tokens *tokens,
                           struct error *err) MUST_CHECK;
void account_tokens_fini(struct account_tokens *tokens);  // overwrites

// an alias as a person gives it: '@' and a name without white space or control characters
bool account_alias_valid(struct str alias);

// what is sealed for an account: {"access_token":…,"refresh_token":…}; bound to fleet, kind and
// open_id
bool account_seal(const struct seal *seal, const char *fleet, const struct account_tokens *tokens,
                  struct buf *sealed, struct error *err) MUST_CHECK;
bool account_seal_pair(const struct seal *seal, const char *fleet, struct str open_id,
                       struct str access_token, struct str refresh_token, struct buf *sealed,
                       struct error *err) MUST_CHECK;
// the access token alone, for a request; wipe it with buf_wipe
bool account_unseal(const struct seal *seal, const char *fleet, struct str open_id,
                    struct str sealed, struct buf *access_token, struct error *err) MUST_CHECK;
// both; refresh_token is empty when none was sealed. Wipe them with buf_wipe; nothing is in them
// after a failure
bool account_unseal_pair(const struct seal *seal, const char *fleet, struct str open_id,
                         struct str sealed, struct buf *access_token, struct buf *refresh_token,
                         struct error *err) MUST_CHECK;

// Who the user is, as user/info told; a text that is not known is "", a number -1
struct account_profile {
    struct str username;  // the handle, without @
    struct str display_name;
    struct str avatar_url;
    int64_t    verified;  // 0, 1
    int64_t    followers;
    int64_t    following;
    int64_t    likes;
    int64_t    videos;
    int64_t    at_ms;  // when it was told; 0: never
};

/* <fleet>.accounts: key open_id, always whole. rev: the higher wins; it is the wall clock in ms, or
 * the last one plus one. Whoever writes a record finds in Redis (account_store.h) whether a newer
 * one was there: compaction keeps the last record, not the highest, so the newer one is written
 * again then. */
struct account_record {
    int64_t    rev;
    struct str open_id;
    struct str aliases[ALIASES_MAX];  // all it ever had, the newest first
    size_t     alias_count;
    struct str scopes;    // granted, by commas
    struct str status;    // "ok"; "parked": a person must act; "removed"
    struct str why;       // it is not "ok": a code, as "invalid_grant"; else ""
    struct str settings;  // a JSON object of the account's own settings as it came; "" for none
    struct account_profile profile;
    struct str             sealed;  // "" only when removed
    int64_t connected_at_ms;        // when the user last consented, wall clock; 0: not known
    int64_t token_at_ms;            // when TikTok gave this pair; 0: not known
    int64_t expires_at_ms;          // of the access token
    int64_t refresh_expires_at_ms;  // of the refresh token
};

// init here; buf_fini
void account_record_encode(const struct account_record *record, struct buf *value);
// reads this version and the one before; all texts are copied into the arena
bool account_record_decode(struct str value, struct account_record *record, struct arena *arena,
                           struct error *err) MUST_CHECK;
