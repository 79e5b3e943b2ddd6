// SPDX-License-Identifier: Apache-2.0
/* account: creators, what they allow, their tokens and their limits. Accounts and tokens live as
 * long as the simulator. */
#ifndef SIM_ACCOUNT_H
#define SIM_ACCOUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "limit.h"
#include "table.h"

struct sim;
struct publish;
struct cJSON;

enum {
    SCOPE_BASIC   = 1 << 0,
    SCOPE_PROFILE = 1 << 1,
    SCOPE_STATS   = 1 << 2,
    SCOPE_LIST    = 1 << 3,
    SCOPE_UPLOAD  = 1 << 4,
    SCOPE_PUBLISH = 1 << 5,
    SCOPE_ALL     = (1 << 6) - 1,
};

enum {
    PRIVACY_PUBLIC    = 1 << 0,
    PRIVACY_MUTUAL    = 1 << 1,
    PRIVACY_FOLLOWER  = 1 << 2,
    PRIVACY_SELF_ONLY = 1 << 3,
    PRIVACY_KINDS     = 4,
};

enum limit_kind {
    LIMIT_INIT,
    LIMIT_CREATOR_INFO,
    LIMIT_STATUS,
    LIMIT_USER_INFO,
    LIMIT_VIDEO_LIST,
    LIMIT_VIDEO_QUERY,
    LIMIT_DAY_POSTS,
    LIMIT_DRAFTS,
    LIMIT_ACTIVE_CAP,  // not a log of an account; breaches only
    LIMIT_KINDS,
};

struct account {
    char             open_id[64];         // opaque
    char             alias[32];           // "@sim001"
    char             username[32];        // the handle, without @
    char             nickname[64];        // shown name
    unsigned         scopes;              // SCOPE_ bits granted
    unsigned         privacy_options;     // PRIVACY_ bits
    bool             is_private;          // the account itself
    bool             comment_disabled;    // by the user
    bool             duet_disabled;       // by the user
    bool             stitch_disabled;     // by the user
    bool             banned;              // from posting
    bool             audited;             // posts of it count as of an audited client
    int64_t          max_duration_s;      // longest video
    int64_t          day_cap;             // direct posts a day; -1 = the option's
    unsigned         grant;               // bumped by a revoke; tokens of older grants are dead
    char             refresh_token[96];   // the newest
    char             access_token[96];    // the newest
    int64_t          refreshes;           // pairs given for a refresh token
    int64_t          refresh_reused;      // uses of a refresh token that had been rotated
    struct slide     logs[LIMIT_KINDS];   // arrivals by kind
    int64_t          last_post_ms;        // of a direct post; 0 = never
    struct account  *active_prev;         // in sim's list of active creators
    struct account  *active_next;         // the more recently active one
    bool             is_active;           // in that list
    int64_t          in_flight;           // inits whose end was not reported yet
    int64_t          in_flight_internal;  // inits that have not ended
    struct publish **posts;       // owned array: ended direct posts by create_ms, oldest first
    size_t           posts_used;  // of posts
    size_t           posts_size;  // room in posts
};

struct token {
    char            text[96];    // act.…
    struct account *account;     // whose
    int64_t         expires_ms;  // dead from then on
    unsigned        grant;       // dead when the account's is newer
};

struct refresh {
    char            text[96];    // rft.…
    struct account *account;     // whose
    int64_t         expires_ms;  // dead from then on
    unsigned        grant;       // dead when the account's is newer
    bool            rotated;     // another one was given for it
};

struct accounts {
    struct account **all;                     // owned array in order of creation
    size_t           used;                    // of all
    size_t           size;                    // room in all
    struct table     by_open_id;              // account
    struct table     by_access;               // struct token
    struct table     by_refresh;              // struct refresh, also those that were rotated
    struct account  *active_first;            // least recently active
    struct account  *active_last;             // most recently active
    int64_t          active_count;            // in that list
    int64_t          max_in_flight;           // highest in_flight of any account ever
    int64_t          max_in_flight_internal;  // highest in_flight_internal of any
};

struct account *account_new(struct sim *sim, const char *open_id);  // NULL makes a new open_id
struct account *account_get(struct sim *sim, const char *open_id);  // NULL when unknown
void            accounts_fini(struct sim *sim);

// Gives the account a new pair of tokens, for a consent: the old refresh token dies, the old access
// token lives on until it expires.
void account_issue(struct sim *sim, struct account *account);
// The same for a refresh token, by the options: whether it is another one, how long the old one
// stays good, and whether the old access token dies.
void account_refresh(struct sim *sim, struct account *account);
// Replaces one of the tokens by a given text (control only).
void account_set_access(struct sim *sim, struct account *account, const char *text, int64_t ttl_s);
void account_set_refresh(struct sim *sim, struct account *account, const char *text);
void account_revoke(struct account *account);                           // all tokens die
struct account *account_by_access(struct sim *sim, const char *text);   // NULL unless alive now
struct account *account_by_refresh(struct sim *sim, const char *text);  // NULL unless alive now
// dead or alive; NULL when unknown
struct refresh *refresh_get(struct sim *sim, const char *text);
bool            refresh_is_alive(const struct refresh *refresh);
struct cJSON   *account_token_answer(struct sim *sim, const struct account *account);  // flat

bool account_may_be_active(struct sim *sim, struct account *account);  // by the active cap
void account_touch_active(struct sim *sim, struct account *account);   // it posts now

unsigned      scope_bit(const char *name);    // 0 when unknown
char         *scope_list(unsigned scopes);    // by commas, to be freed
unsigned      privacy_bit(const char *name);  // 0 when unknown
const char   *privacy_name(unsigned bit);     // "" when none
struct cJSON *privacy_list(unsigned bits);
const char   *limit_kind_name(enum limit_kind kind);

bool accounts_write_file(struct sim *sim, const char *path);  // mode 0600

#endif
