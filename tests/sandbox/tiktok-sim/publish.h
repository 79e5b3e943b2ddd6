// SPDX-License-Identifier: Apache-2.0
/* publish: every accepted init and its way to an end. The end is planned when the processing begins
 * (at the init for a pull, at the last byte for an upload); a timer only writes it down, and who
 * looks later than that moment settles it first. Publishes live as long as the simulator. */
#ifndef SIM_PUBLISH_H
#define SIM_PUBLISH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "table.h"

struct account;
struct call;
struct cJSON;
struct event;
struct post;
struct sim;
struct upload;

enum state {
    STATE_WAITING,     // for bytes: FILE_UPLOAD before the last chunk
    STATE_PROCESSING,  // until end_ms
    STATE_INBOX,       // drafts: delivered
    STATE_COMPLETE,    // posted
    STATE_FAILED,      // with fail_reason
};

struct publish {
    struct sim     *sim;              // borrowed
    int64_t         seq;              // 1, 2, 3 ...
    int64_t         init_ms;          // when the init was accepted
    int64_t         begin_ms;         // when the processing began; 0 while waiting for bytes
    int64_t         end_ms;           // planned, then real end; INT64_MAX = never, 0 while waiting
    int64_t         create_ms;        // when it was posted (unique in the account); 0 = not posted
    int64_t         public_ms;        // when the ids become public; 0 = never
    int64_t         cover_index;      // photos; -1 for videos
    int64_t         slow_ms;          // processing time ordered by a marker; -1 for none
    struct account *account;          // whose
    const char     *call;             // name of the endpoint, static
    enum state      state;            // now, once settled
    bool            is_draft;         // else a direct post
    bool            is_photo;         // else a video
    bool            is_upload;        // FILE_UPLOAD, else PULL_FROM_URL
    bool            answered;         // the client got the init's answer
    bool            reported;         // the client was told the end
    bool            landed;           // left the reported in-flight count
    bool            stuck;            // never ends
    unsigned        privacy;          // PRIVACY_ bit; 0 for drafts
    char            id[64];           // publish_id
    char            post_id[24];      // 19 digits; "" until posted
    char            fail_reason[64];  // of the end, planned or real; "" for none
    char            log_id[40];       // of the init's answer
    char           *caption;          // owned title, newline, description
    char           *title;            // owned; "" for none
    char           *description;      // owned; "" for none
    char           *fields;           // owned JSON: post_info as received
    char           *media;            // owned JSON: list of URLs
    char           *dropped;          // owned JSON: list of names; NULL for none
    char           *unknown;          // owned JSON: list of names; NULL for none
    char           *extra;            // owned JSON: is_aigc of photos; NULL when absent
    int64_t         due_ms;           // when the timer is for
    struct event   *timer;            // owned; NULL when nothing is planned
    struct upload  *upload;           // owned; NULL for pulls
    struct publish *group_next;       // next member of its doubles group
};

struct publishes {
    struct publish **all;                 // owned array in order of init
    size_t           used;                // of all
    size_t           size;                // room in all
    struct table     by_id;               // publish
    struct table     failed_once;         // URLs that /fail-once/ failed already; keys owned
    uint32_t         id_seq;              // for ids of 19 digits
    int64_t          posts;               // direct posts committed (pull accepted, bytes complete)
    int64_t          drafts;              // drafts committed
    int64_t          posts_complete;      // direct posts that ended well
    int64_t          drafts_delivered;    // drafts that reached the inbox
    int64_t          failed;              // ended FAILED
    int64_t          unanswered;          // inits whose answer did not reach the client
    int64_t          in_flight;           // until the end was reported
    int64_t          max_in_flight;       // highest ever
    int64_t          in_flight_internal;  // until the end
    int64_t          max_in_flight_internal;  // highest ever
};

void publish_init(struct call *call);                          // handler of the three inits
void publish_begin(struct publish *publish, int64_t now_ms);   // the last byte is in: process
void publish_settle(struct publish *publish, int64_t now_ms);  // its state is right for now
// Ends it at once; fail_reason is for STATE_FAILED.
void publish_end(struct publish *publish, enum state state, const char *fail_reason);
void publish_expire_at(struct publish *publish,
                       int64_t         at_ms);             // FAILED when bytes still miss then
void publish_told(struct publish *publish);        // the client was told the end
void publish_unanswered(struct publish *publish);  // the client never got the init's answer

struct publish *publish_get(struct sim *sim, const char *id);   // NULL when unknown
const char     *publish_status(const struct publish *publish);  // TikTok's name for the state
bool            publish_is_final(const struct publish *publish);
bool            publish_is_public(const struct publish *publish, int64_t now_ms);  // has public ids
// For the ledger; event goes first in it, NULL for none.
struct cJSON *publish_json(const struct publish *publish, int64_t now_ms, const char *event);
void          publish_add_end(const struct publish *publish, struct cJSON *json);
void          publishes_fini(struct sim *sim);

#endif
