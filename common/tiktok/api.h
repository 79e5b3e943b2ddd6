// SPDX-License-Identifier: Apache-2.0
/* TikTok's posting API, one function an endpoint. Knows neither jobs nor Redis. A call always ends
 * with an outcome in its answer: `done` gets err NULL when TikTok answered anything that can be
 * understood, also a refusal; else the transport's error, and the outcome is outcome_of_error's.
 * Every field of an answer is optional for TikTok: absent is "" or -1. Post ids are text (19
 * digits). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "io/http.h"
#include "tiktok/outcome.h"
#include "tiktok/post.h"

struct tiktok;

struct tiktok_settings {
    const char *api_url;  // "https://open.tiktokapis.com"
    int64_t     init_timeout_ms;
    int64_t     status_timeout_ms;
    // each request that has ended, before its `done`; endpoint is a literal ("video/init"); NULL:
    // nobody asks
    void (*on_ended)(void *owner, const char *endpoint, const struct outcome *outcome,
                     int64_t took_us);
    void *owner;  // for on_ended
};

enum { TIKTOK_POST_IDS_MAX = 8 };

struct tiktok_answer {
    const struct outcome *outcome;      // never NULL in done
    int                   http_status;  // 0: no answer
    int64_t               took_us;
    char                  code[64];         // error.code as it came; cut
    char                  message[256];     // error.message, cut
    char                  log_id[64];       // what TikTok's support asks for
    char                  publish_id[72];   // inits; at most 64 by the documents
    char                  upload_url[320];  // a secret
    char                  status[40];       // status/fetch: PROCESSING_DOWNLOAD, ...
    char                  fail_reason[64];
    char                  post_ids[TIKTOK_POST_IDS_MAX][24];  // publicaly_available_post_id
    int                   post_id_count;
    int64_t               downloaded_bytes;  // -1: not told
    int64_t               uploaded_bytes;    // -1: not told
    struct http_answer    http;              // the adapter's own; gone in done
};

struct tiktok *tiktok_new(struct http *http, const struct tiktok_settings *settings,
                          struct error *err) MUST_CHECK;
void           tiktok_free(struct tiktok *tiktok);

// The init of a post. For pulls and photos it is the commit point: goes once; may_send(owner) is
// asked at the last moment. post and token are borrowed until the starter returns.
void tiktok_init(struct tiktok *tiktok, const struct post *post, struct str token,
                 bool (*may_send)(void *owner), void *owner, struct tiktok_answer *answer,
                 struct call *call, call_done *done);
void tiktok_status(struct tiktok *tiktok, struct str publish_id, struct str token,
                   struct tiktok_answer *answer, struct call *call, call_done *done);
void tiktok_cancel(struct tiktok *tiktok, struct str publish_id, struct str token,
                   struct tiktok_answer *answer, struct call *call, call_done *done);
// decodes a body by the envelope of the posting API into answer (also for fuzzers); sets the
// outcome
void tiktok_answer_decode(struct str body, int http_status, struct tiktok_answer *answer);
