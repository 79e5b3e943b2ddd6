// SPDX-License-Identifier: Apache-2.0
/* May this post be made on this account? Asked of the account's scopes and of TikTok's creator info, before the INTENT:
 *
 *   what Redis remembers ─┬─ young enough, and allows it ────────────────────────────────────────────► GO
 *                         ├─ surely young, and does not ─────────────────────────────────────────────► REJECT
 *                         └─ else: room in the window ──► creator_info ──► Redis remembers ──► again ─┘
 *                                  └─ none: BACK               └─ failed: BACK, and after some failures GO
 *
 * TikTok has the last word at the init, so a question that fails never stops an account for good. Drafts do not ask:
 * nothing of it concerns them, and it needs a scope that they do not. */
#pragma once

#include "job/program.h"
#include "tiktok/creator.h"

// what Redis remembers of an account; texts are borrowed
struct creator_known {
    struct str scopes;           // by commas; "": not known
    int64_t    age_ms;           // of what follows; -1: never told
    struct str privacy_options;  // by commas; "": not told
    bool       comment_disabled;
    bool       duet_disabled;
    bool       stitch_disabled;
    int64_t    failures;       // in a row
    int64_t    failed_age_ms;  // since the last; -1: none
};

enum creator_next { CREATOR_GO, CREATOR_REJECT, CREATOR_ASK, CREATOR_BACK };

// Pure: what is to be done now (never BACK). With REJECT, `outcome` is why and `why` has the
// particulars.
enum creator_next creator_decide(const struct post *post, const struct creator_known *known,
                                 const struct config *config, const struct outcome **outcome,
                                 struct buf *why);
// Pure: what a refused init means. The documents let either permission leave photos as a draft; where
// TikTok does not, that is this post's end, and no reason to stop the account's others.
const struct outcome *creator_refused(const struct post *post, const struct creator_known *known,
                                      const struct outcome *outcome);
// Pure: what the account has switched off is sent as off; a line each in warnings.
void creator_limit_post(const struct creator_known *known, struct post *post, struct buf *warnings);

struct creator {  // embedded; zeroed before
    struct call           call;
    struct call          *waiting;  // the owner's; NULL: nothing is under way
    struct program       *program;  // borrowed
    const struct post    *post;     // borrowed
    struct str            account;  // borrowed
    struct str            member;   // of the window; borrowed
    struct str            token;    // borrowed
    struct creator_known  known;
    struct redis_reply    reply;
    struct tiktok_creator told;
    // the answer, in done
    enum creator_next     next;          // GO, REJECT or BACK
    const struct outcome *outcome;       // why; NULL with GO
    const char           *account_then;  // BACK: of the script `refuse`
    int64_t               due_ms;  // BACK: the job itself waits so long; 0: its account decides
    struct buf            why;     // the particulars
};

// known's texts are borrowed until creator_fini. An error means that Redis did not take it: nothing
// was sent.
void creator_start(struct creator *creator, struct call *call, call_done *done);
void creator_fini(struct creator *creator);  // cancels what is under way
