// SPDX-License-Identifier: Apache-2.0
/* Connecting an account: a user's consent, from the address where it is asked for to the account's record on Kafka.
 *
 *   connect_begin:   state, verifier ──► Redis oauth:<state>, sealed, for connect.state ──► the address
 *   connect_finish:  callback ──► state taken, once ──► code exchanged ──► the account's record, if there is one
 *                    ──► Kafka, then Redis (account_write.h) ──► who it is (user/info) ──► Kafka and Redis again
 *
 * A pair of tokens is kept before it is used, so that the failure of what comes after loses nothing. Whatever is wrong
 * with a callback (denied, unknown, used, too late, an error of TikTok) is told in words, and nothing is stored. */
#pragma once

#include "io/http.h"
#include "io/kafka_out.h"
#include "io/seal.h"
#include "job/account_store.h"
#include "tiktok/api.h"
#include "tiktok/consent.h"
#include "tiktok/oauth.h"

struct connector;

// all borrowed for the connector's life
struct connector_parts {
    const struct config *config;
    struct loop         *loop;
    struct store        *store;
    struct kafka_out    *kafka;
    struct seal         *seal;
    struct oauth        *oauth;
    struct tiktok       *tiktok;
    const char          *topic;  // <fleet>.accounts
    const char          *by;     // who, for the records
};

struct connector *connector_new(const struct connector_parts *parts);
void connector_free(struct connector *connector);  // calls in flight were cancelled before

// ---- asking

struct connect_ask {
    struct str alias;         // "@name", "" for none
    struct str scopes;        // by commas
    struct str redirect_uri;  // as TikTok gets to see it (consent_redirect)
    bool       always_ask;    // as of struct consent
};

struct connect_begun {
    char               state[CONSENT_STATE_BYTES];
    struct buf         url;    // init here; the caller's
    struct redis_reply reply;  // the adapter's own; gone in done
};

// ERR_CLOSED: the gate; ERR_SETTING, ERR_INPUT: what is asked for cannot be
void connect_begin(struct connector *connector, const struct connect_ask *ask,
                   struct connect_begun *begun, struct call *call, call_done *done);

// ---- what came back

struct connected {
    struct arena          arena;                       // all texts here
    char                  state[CONSENT_STATE_BYTES];  // of the callback; "" when there is none
    struct str            asked;                       // scopes, by commas
    struct account_record record;                      // as it is kept; without its sealed tokens
    bool                  kept;                        // it is on Kafka and in Redis
    bool                  was_there;                   // it is an account that was connected before
    bool                  was_parked;                  // and a person had to act
    struct str            alias_refused;  // the name asked for, when the account could not have it
    struct str            alias_why;      // in words
    struct str            profile_why;    // the profile is not known: in words; "" when it is
    const char           *remedy;         // after a failure: what to do; NULL: the message says it
};

// query: as of consent_callback_decode. connected is overwritten; free it with connected_fini, also
// after a failure.
void connect_finish(struct connector *connector, struct str query, struct connected *connected,
                    struct call *call, call_done *done);
void connected_fini(struct connected *connected);
