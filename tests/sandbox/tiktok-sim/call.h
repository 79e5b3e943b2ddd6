// SPDX-License-Identifier: Apache-2.0
/* call: one request with the answer being made for it. A handler fills the answer by exactly one of
 * the call_answer functions; the server sends it (or what a fault rule makes of it). */
#ifndef SIM_CALL_H
#define SIM_CALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "account.h"
#include "base.h"

struct cJSON;
struct evbuffer;
struct evhttp_request;
struct publish;
struct sim;

enum endpoint {
    END_NONE,  // no such path
    END_CREATOR_INFO,
    END_VIDEO_INIT,
    END_INBOX_INIT,
    END_CONTENT_INIT,
    END_STATUS,
    END_CANCEL,
    END_UPLOAD,
    END_USER_INFO,
    END_VIDEO_LIST,
    END_VIDEO_QUERY,
    END_AUTHORIZE,
    END_TOKEN,
    END_REVOKE,
    END_CONTROL,
    END_KINDS,
};

struct call {
    struct sim            *sim;          // borrowed
    struct evhttp_request *req;          // the server's; NULL once answered
    enum endpoint          endpoint;     // where it goes
    const char            *method;       // "POST"
    const char            *path;         // of the request
    const char            *query;        // after the question mark; NULL for none
    const char            *body;         // terminated copy for text endpoints; NULL for uploads
    size_t                 body_len;     // bytes of the body
    char                  *body_mem;     // owned memory behind body
    int64_t                now_ms;       // when it arrived
    struct account        *account;      // whose token it bears; NULL when none or not alive
    char                   log_id[40];   // unique
    bool                   will_answer;  // false when a fault keeps the true answer from the client
    int                    http;         // status of the answer; 0 = none made yet
    char                   code[64];     // error code of the answer, "ok" when fine
    char                   type[48];     // content type of the answer
    char                   range[64];    // Content-Range of the answer; "" for none
    char                  *out;          // owned body of the answer; NULL for an empty one
    size_t                 out_len;      // bytes of out
    struct publish        *made;         // init accepted by this call; NULL for none
    struct publish        *told;         // its end is in this answer; NULL for none
    const char            *fault;        // name of the fault done to it; NULL for none
};

const char   *endpoint_name(enum endpoint endpoint);
enum endpoint endpoint_by_name(const char *name);  // END_KINDS when unknown

struct call *call_new(struct sim *sim, struct evhttp_request *req);
void         call_free(struct call *call);  // does not touch the request

// {"data":…,"error":{"code":"ok",…}}; takes data, NULL leaves it out.
void call_answer_ok(struct call *call, struct cJSON *data);
// {"data":{},"error":{…}}; always false, so that a check fails in one line.
bool call_answer_error(struct call *call, int http, const char *code, const char *message, ...)
    PRINTF_LIKE(4, 5);
// The flat error of the token endpoints, HTTP 200; always false.
bool call_answer_flat_error(struct call *call, const char *code, const char *message);
void call_answer_json(struct call *call, int http, struct cJSON *json);  // takes json
void call_answer_text(struct call *call, int http, const char *type, const char *text);
void call_answer_html(struct call *call, int http);
void call_answer_empty(struct call *call, int http);
void call_drop_answer(struct call *call);  // forget it, to make another

// Each answers an error and is false when the check fails.
bool call_check_bearer(struct call *call);                   // 401 access_token_invalid
bool call_check_scopes(struct call *call, unsigned any_of);  // 401 scope_not_authorized
bool call_check_limit(struct call *call, enum limit_kind kind, int64_t limit);  // 429; counts
bool call_check_json_type(struct call *call);  // 400 unless application/json
bool call_check_json(struct call   *call,
                     struct cJSON **json);  // likewise; gives an object to delete

const char *call_header(const struct call *call, const char *name);  // NULL when absent

#endif
