// SPDX-License-Identifier: Apache-2.0
/* Who a user is (Display API, user/info). Only what the granted scopes allow is asked for: one
 * field outside them would make TikTok refuse all. What is told to nobody here, such as the
 * biography, is not asked for. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "tiktok/api.h"

struct tiktok_user {
    struct tiktok_answer answer;             // outcome, code, log_id
    char                 open_id[129];       // "" when it is not told, as every text here
    char                 display_name[256];  // UTF-8, one line, cut
    char                 avatar_url[1024];
    char                 username[64];  // the handle, without @
    int                  verified;      // 0, 1; -1: not told
    int64_t              followers;     // -1: not told, as every number here
    int64_t              following;
    int64_t              likes;
    int64_t              videos;
};

// scopes: by commas, what the user granted; at least one of user.info.* must be among them:
// tiktok_user_allowed
void tiktok_user(struct tiktok *tiktok, struct str scopes, struct str token,
                 struct tiktok_user *user, struct call *call, call_done *done);
bool tiktok_user_allowed(struct str scopes);
// the names of the fields that may be asked for, by commas; false: they do not fit
bool tiktok_user_fields(struct str scopes, struct buf *fields) MUST_CHECK;
// the user of a body whose envelope is a success; false when there is none (also for fuzzers)
bool tiktok_user_decode(struct str body, struct tiktok_user *user) MUST_CHECK;
