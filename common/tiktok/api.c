// SPDX-License-Identifier: Apache-2.0
/*     starter ── call (outer) ────────────────────────────► done
 *        └─ struct request: inner call ── http ── on_answer ──┘ decoded, outcome set
 * The caller's call is the outer one; an inner call carries the HTTP request. What the request needs lives in a record
 * of its own, which goes when the inner call is done or the outer one is cancelled. */
#include "tiktok/api.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "io/json.h"
#include "tiktok/answer.h"
#include "tiktok/api_url.h"
#include "tiktok/creator.h"
#include "tiktok/list.h"
#include "tiktok/user.h"

enum {
    BODY_MAX_BYTES = 256 * 1024,  // 35 URLs and the longest texts fit twice
    URL_MAX_BYTES  = 2 * API_URL_MAX_BYTES,
};

#define VIDEO_FIELDS                                                                               \
    "fields=id,create_time,video_description,share_url,"                                           \
    "view_count,like_count,comment_count,share_count"

static const char content_type[] = "application/json; charset=UTF-8";

struct tiktok {
    struct http *http;               // borrowed
    char        *api_url;            // without a slash at its end
    int64_t      init_timeout_ms;    // whole request
    int64_t      status_timeout_ms;  // whole request
    void (*on_ended)(void *owner, const char *endpoint, const struct outcome *outcome,
                     int64_t took_us);  // may be NULL
    void *owner;                        // for on_ended
};

// what an answer must hold to be a success
enum needs {
    NEEDS_NOTHING,
    NEEDS_PUBLISH_ID,
    NEEDS_STATUS,
    NEEDS_VIDEOS,
    NEEDS_CREATOR,
    NEEDS_USER
};

struct request {
    struct call            inner;    // the HTTP request
    struct tiktok         *tiktok;   // borrowed
    struct call           *outer;    // the caller's; borrowed
    struct tiktok_answer  *answer;   // the caller's; borrowed
    struct tiktok_page    *page;     // with NEEDS_VIDEOS; borrowed
    struct tiktok_creator *creator;  // with NEEDS_CREATOR; borrowed
    const char            *name;     // a literal, for the log
    struct tiktok_user    *user;     // with NEEDS_USER; borrowed
    enum needs             needs;    // of a good answer
    bool                   gets;     // a GET, else a POST
    struct buf             url;      // copied by http, kept for its buffer only
    struct buf             body;     // borrowed by http until done
};

struct tiktok *tiktok_new(struct http *http, const struct tiktok_settings *settings,
                          struct error *err)
{
    char *api_url = api_url_read(settings->api_url, err);
    if (!api_url)
        return NULL;
    struct tiktok *tiktok     = xcalloc(1, sizeof *tiktok);
    tiktok->http              = http;
    tiktok->api_url           = api_url;
    tiktok->init_timeout_ms   = settings->init_timeout_ms;
    tiktok->status_timeout_ms = settings->status_timeout_ms;
    tiktok->on_ended          = settings->on_ended;
    tiktok->owner             = settings->owner;
    return tiktok;
}

void tiktok_free(struct tiktok *tiktok)
{
    if (!tiktok)
        return;
    free(tiktok->api_url);
    free(tiktok);
}

static struct request *request_new(struct tiktok_answer *answer, struct call *call,
                                   const char *name, enum needs needs)
{
    struct request *request = xcalloc(1, sizeof *request);
    request->outer          = call;
    request->answer         = answer;
    request->name           = name;
    request->needs          = needs;
    buf_init(&request->url, URL_MAX_BYTES);
    buf_init(&request->body, BODY_MAX_BYTES);
    memset(answer, 0, sizeof *answer);
    answer_clear(answer);
    return request;
}

static void request_free(struct request *request)
{
    http_answer_fini(&request->answer->http);
    buf_fini(&request->url);
    buf_fini(&request->body);
    free(request);
}

static void on_outer_cancelled(struct call *outer)
{
    struct request *request = outer->adapter;
    call_cancel(&request->inner);
    request_free(request);
}

static bool is_whole(const struct request *request)
{
    const struct tiktok_answer *answer = request->answer;
    if (answer->outcome->next != NEXT_OK)
        return true;
    if (request->needs == NEEDS_VIDEOS)
        return tiktok_page_decode(buf_str(&answer->http.body), request->page);
    if (request->needs == NEEDS_CREATOR)
        tiktok_creator_decode(buf_str(&answer->http.body), request->creator);
    if (request->needs == NEEDS_USER)
        return tiktok_user_decode(buf_str(&answer->http.body), request->user);
    if (request->needs == NEEDS_PUBLISH_ID)
        return answer->publish_id[0] != '\0';
    return request->needs != NEEDS_STATUS || answer->status[0] != '\0';
}

// A success without what it is about is no answer: at a commit point TikTok may have acted.
static bool read_answer(struct request *request, struct error *err)
{
    struct tiktok_answer *answer = request->answer;
    tiktok_answer_decode(buf_str(&answer->http.body), (int)answer->http.status, answer);
    if (!is_whole(request))
        answer->outcome = outcome_named("broken_answer");
    if (answer->outcome == outcome_named("broken_answer"))
        return error_set(err, ERR_BROKEN, "%s: HTTP %d with an answer that cannot be understood",
                         request->name, answer->http_status);
    return true;
}

static void tell_answer(const struct request *request)
{
    const struct tiktok_answer *answer = request->answer;
    const struct tiktok        *tiktok = request->tiktok;
    if (tiktok->on_ended)
        tiktok->on_ended(tiktok->owner, request->name, answer->outcome, answer->took_us);
    log_debug("tiktok answered", F_STR("request", request->name),
              F_INT("http_status", answer->http_status), F_STR("code", answer->code),
              F_STR("outcome", answer->outcome->code), F_STR("log_id", answer->log_id),
              F_INT("took_us", answer->took_us));
}

static void on_answer(struct call *inner, const struct error *err)
{
    struct request       *request = container_of(inner, struct request, inner);
    struct tiktok_answer *answer  = request->answer;
    struct call          *outer   = request->outer;
    struct error          failure;
    bool                  ok = false;
    answer->took_us          = answer->http.total_us;
    if (err) {
        failure             = *err;
        answer->http_status = (int)answer->http.status;
        answer->outcome     = outcome_of_error(err);
    } else {
        ok = read_answer(request, &failure);
    }
    tell_answer(request);
    request_free(request);
    call_finish(outer, ok ? NULL : &failure);
}

// The loop comes from the inner call, which http has begun.
static void request_start(struct tiktok *tiktok, struct request *request, const char *path,
                          struct http_request *http_request, call_done *done)
{
    bool fits = buf_printf(&request->url, "%s%s", tiktok->api_url, path);
    assert(fits && !request->body.full);
    request->tiktok                = tiktok;
    http_request->method           = request->gets ? "GET" : "POST";
    http_request->url              = buf_text(&request->url);
    http_request->content_type     = request->gets ? NULL : content_type;
    http_request->body             = buf_str(&request->body);
    http_request->answer_max_bytes = ANSWER_MAX_BYTES;
    http_start(tiktok->http, http_request, &request->answer->http, &request->inner, on_answer);
    call_begin(request->outer, request->inner.loop, "tiktok", 0, done, on_outer_cancelled, request);
}

void tiktok_init(struct tiktok *tiktok, const struct post *post, struct str token,
                 bool (*may_send)(void *owner), void *owner, struct tiktok_answer *answer,
                 struct call *call, call_done *done)
{
    struct request     *request = request_new(answer, call, post_init_name(post), NEEDS_PUBLISH_ID);
    struct http_request http_request = {
        .bearer       = token,
        .timeout_ms   = tiktok->init_timeout_ms,
        .commit_point = true,
        .may_send     = may_send,
        .owner        = owner,
    };
    post_init_body(post, &request->body);
    request_start(tiktok, request, post_init_path(post), &http_request, done);
}

static void start_by_publish_id(struct tiktok *tiktok, struct request *request, const char *path,
                                struct str publish_id, struct str token, call_done *done)
{
    struct http_request http_request = { .bearer = token, .timeout_ms = tiktok->status_timeout_ms };
    struct json        *body         = json_object();
    json_set_text(body, "publish_id", publish_id);
    json_print(body, &request->body);
    json_free(body);
    request_start(tiktok, request, path, &http_request, done);
}

void tiktok_status(struct tiktok *tiktok, struct str publish_id, struct str token,
                   struct tiktok_answer *answer, struct call *call, call_done *done)
{
    struct request *request = request_new(answer, call, "status/fetch", NEEDS_STATUS);
    start_by_publish_id(tiktok, request, "/v2/post/publish/status/fetch/", publish_id, token, done);
}

void tiktok_cancel(struct tiktok *tiktok, struct str publish_id, struct str token,
                   struct tiktok_answer *answer, struct call *call, call_done *done)
{
    struct request *request = request_new(answer, call, "cancel", NEEDS_NOTHING);
    start_by_publish_id(tiktok, request, "/v2/post/publish/cancel/", publish_id, token, done);
}

void tiktok_list(struct tiktok *tiktok, int64_t cursor, struct str token, struct tiktok_page *page,
                 struct call *call, call_done *done)
{
    struct request     *request      = request_new(&page->answer, call, "video/list", NEEDS_VIDEOS);
    struct http_request http_request = { .bearer = token, .timeout_ms = tiktok->status_timeout_ms };
    struct json        *body         = json_object();
    request->page                    = page;
    page->count                      = 0;
    if (cursor > 0)
        json_set_i64(body, "cursor", cursor);
    json_set_i64(body, "max_count", TIKTOK_PAGE_VIDEOS);
    json_print(body, &request->body);
    json_free(body);
    request_start(tiktok, request, "/v2/video/list/?" VIDEO_FIELDS, &http_request, done);
}

void tiktok_videos(struct tiktok *tiktok, const struct str *ids, size_t count, struct str token,
                   struct tiktok_page *page, struct call *call, call_done *done)
{
    assert(count >= 1 && count <= TIKTOK_PAGE_VIDEOS);
    struct request     *request = request_new(&page->answer, call, "video/query", NEEDS_VIDEOS);
    struct http_request http_request = { .bearer = token, .timeout_ms = tiktok->status_timeout_ms };
    struct json        *body         = json_object();
    struct json        *filters      = json_object();
    struct json        *texts        = json_array();
    request->page                    = page;
    page->count                      = 0;
    for (size_t i = 0; i < count; i++)
        json_add_text(texts, ids[i]);
    json_set(filters, "video_ids", &texts);
    json_set(body, "filters", &filters);
    json_print(body, &request->body);
    json_free(body);
    request_start(tiktok, request, "/v2/video/query/?" VIDEO_FIELDS, &http_request, done);
}

void tiktok_creator_info(struct tiktok *tiktok, struct str token, struct tiktok_creator *creator,
                         struct call *call, call_done *done)
{
    struct request *request = request_new(&creator->answer, call, "creator_info", NEEDS_CREATOR);
    struct http_request http_request = { .bearer = token, .timeout_ms = tiktok->status_timeout_ms };
    request->creator                 = creator;
    buf_add_text(&request->body, "{}");
    request_start(tiktok, request, "/v2/post/publish/creator_info/query/", &http_request, done);
}

void tiktok_user(struct tiktok *tiktok, struct str scopes, struct str token,
                 struct tiktok_user *user, struct call *call, call_done *done)
{
    struct request     *request      = request_new(&user->answer, call, "user/info", NEEDS_USER);
    struct http_request http_request = { .bearer = token, .timeout_ms = tiktok->status_timeout_ms };
    struct buf          path;
    buf_init(&path, URL_MAX_BYTES / 2);
    buf_add_text(&path, "/v2/user/info/?fields=");
    bool fits = tiktok_user_fields(scopes, &path);
    assert(fits);
    (void)fits;
    request->user = user;
    request->gets = true;
    request_start(tiktok, request, buf_text(&path), &http_request, done);
    buf_fini(&path);
}
