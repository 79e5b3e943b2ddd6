// SPDX-License-Identifier: Apache-2.0
/*
 *   init accepted ──(upload)──> WAITING ──last byte──> PROCESSING ──end_ms──> INBOX | COMPLETE
 *         └───────(pull)──────────────────────────────────┘  └── marker, cancel, finish ─> FAILED
 */
#include "publish.h"

#include <cjson/cJSON.h>
#include <event2/event.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "body.h"
#include "call.h"
#include "sim.h"
#include "upload.h"

struct publish *publish_get(struct sim *sim, const char *id)
{
    return table_get(&sim->publishes.by_id, id);
}

bool publish_is_final(const struct publish *publish)
{
    return publish->state >= STATE_INBOX;
}

bool publish_is_public(const struct publish *publish, int64_t now_ms)
{
    return publish->state == STATE_COMPLETE && publish->public_ms && now_ms >= publish->public_ms;
}

const char *publish_status(const struct publish *publish)
{
    switch (publish->state) {
    case STATE_INBOX:
        return "SEND_TO_USER_INBOX";
    case STATE_COMPLETE:
        return "PUBLISH_COMPLETE";
    case STATE_FAILED:
        return "FAILED";
    case STATE_WAITING:
    case STATE_PROCESSING:
        break;
    }
    return publish->is_upload ? "PROCESSING_UPLOAD" : "PROCESSING_DOWNLOAD";
}

// Nineteen digits: seconds in the high half, an odd number that does not repeat in the low half.
static void make_digits(struct sim *sim, char *to, size_t size)
{
    uint64_t high = (uint64_t)(clock_now_ms() / 1000) << 32;
    uint32_t low  = (++sim->publishes.id_seq * UINT32_C(2654435769)) << 1 | 1;
    snprintf(to, size, "%" PRIu64, high | low);
}

// ---- the end ----

static void add_to_profile(struct publish *publish)
{
    struct account *account = publish->account;
    if (account->posts_used == account->posts_size) {
        account->posts_size = account->posts_size ? account->posts_size * 2 : 8;
        account->posts = xrealloc(account->posts, account->posts_size * sizeof *account->posts);
    }
    if (account->posts_used &&
        publish->create_ms <= account->posts[account->posts_used - 1]->create_ms)
        publish->create_ms = account->posts[account->posts_used - 1]->create_ms + 1;
    account->posts[account->posts_used++] = publish;
}

static void land(struct publish *publish)
{
    if (publish->landed)
        return;
    publish->landed = true;
    publish->sim->publishes.in_flight--;
    publish->account->in_flight--;
}

static void post_now(struct publish *publish)
{
    struct sim *sim    = publish->sim;
    publish->create_ms = publish->end_ms;
    make_digits(sim, publish->post_id, sizeof publish->post_id);
    if (publish->privacy == PRIVACY_PUBLIC)
        publish->public_ms =
            publish->end_ms + spans_pick(&sim->options.public_id_delay, &sim->chance);
    add_to_profile(publish);
}

void publish_end(struct publish *publish, enum state state, const char *fail_reason)
{
    struct publishes *all       = &publish->sim->publishes;
    bool              was_final = publish_is_final(publish);
    int64_t           now_ms    = clock_now_ms();
    if (publish->end_ms == 0 || publish->end_ms > now_ms || was_final)
        publish->end_ms = now_ms;
    publish->state = state;
    text_copy(publish->fail_reason, sizeof publish->fail_reason,
              state == STATE_FAILED ? fail_reason : "");
    if (publish->timer)
        event_free(publish->timer);
    publish->timer = NULL;
    all->failed += state == STATE_FAILED;
    all->drafts_delivered += state == STATE_INBOX;
    if (state == STATE_COMPLETE) {
        all->posts_complete += !publish->is_draft;
        if (publish->is_draft)
            publish->privacy = PRIVACY_PUBLIC;  // the user posts it to everyone
        post_now(publish);
    }
    if (!was_final) {
        all->in_flight_internal--;
        publish->account->in_flight_internal--;
        if (!publish->answered)
            land(publish);  // nobody can ask for it
    }
    ledger_end(publish->sim, publish);
}

void publish_settle(struct publish *publish, int64_t now_ms)
{
    if (publish->state == STATE_PROCESSING && now_ms >= publish->end_ms) {
        enum state good = publish->is_draft ? STATE_INBOX : STATE_COMPLETE;
        char       reason[sizeof publish->fail_reason];
        text_copy(reason, sizeof reason, publish->fail_reason);
        publish_end(publish, reason[0] ? STATE_FAILED : good, reason);
    }
}

static void on_due(evutil_socket_t fd, short what, void *arg);

static void timer_set(struct publish *publish, int64_t at_ms)
{
    int64_t wait_ms = at_ms - clock_now_ms();
    if (wait_ms < 0)
        wait_ms = 0;
    struct timeval tv = { .tv_sec = wait_ms / 1000, .tv_usec = wait_ms % 1000 * 1000 };
    publish->due_ms   = at_ms;
    if (!publish->timer)
        publish->timer = evtimer_new(publish->sim->base, on_due, publish);
    if (!publish->timer)
        abort();
    evtimer_add(publish->timer, &tv);
}

static void on_due(evutil_socket_t fd, short what, void *arg)
{
    struct publish *publish = arg;
    (void)fd;
    (void)what;
    int64_t now_ms = clock_now_ms();
    if (now_ms < publish->due_ms)
        timer_set(publish, publish->due_ms);  // timers may come a moment early
    else if (publish->state == STATE_WAITING)
        publish_end(publish, STATE_FAILED, "internal");  // the upload URL expired
    else
        publish_settle(publish, now_ms);
}

void publish_expire_at(struct publish *publish, int64_t at_ms)
{
    timer_set(publish, at_ms);
}

void publish_begin(struct publish *publish, int64_t now_ms)
{
    struct sim *sim   = publish->sim;
    int64_t     took  = spans_pick(&sim->options.processing, &sim->chance);
    publish->state    = STATE_PROCESSING;
    publish->begin_ms = now_ms;
    publish->end_ms   = now_ms + (publish->slow_ms >= 0 ? publish->slow_ms : took);
    *(publish->is_draft ? &sim->publishes.drafts : &sim->publishes.posts) += 1;
    if (publish->stuck) {
        publish->end_ms = INT64_MAX;
        if (publish->timer)
            event_free(publish->timer);
        publish->timer = NULL;
        return;
    }
    timer_set(publish, publish->end_ms);
}

void publish_told(struct publish *publish)
{
    if (publish->reported)
        return;
    publish->reported = true;
    land(publish);
    ledger_publish(publish->sim, "reported", publish);
}

void publish_unanswered(struct publish *publish)
{
    publish->sim->publishes.unanswered++;
    ledger_publish(publish->sim, "unanswered", publish);
    publish->answered = false;
    if (publish_is_final(publish))
        land(publish);
}

// ---- the init ----

static void count_max(int64_t value, int64_t *max)
{
    if (value > *max)
        *max = value;
}

static void take_off(struct publish *publish)
{
    struct sim *sim = publish->sim;
    count_max(++sim->publishes.in_flight, &sim->publishes.max_in_flight);
    count_max(++publish->account->in_flight, &sim->accounts.max_in_flight);
    count_max(++sim->publishes.in_flight_internal, &sim->publishes.max_in_flight_internal);
    count_max(++publish->account->in_flight_internal, &sim->accounts.max_in_flight_internal);
}

static void make_id(struct sim *sim, struct publish *publish)
{
    char        digits[24];
    const char *form = publish->is_photo                         ? "p_pub_url~v2"
                       : publish->is_draft && publish->is_upload ? "v_inbox_file~v2"
                       : publish->is_draft                       ? "v_inbox_url~v2"
                       : publish->is_upload                      ? "v_pub_file~v2-1"
                                                                 : "v_pub_url~v2-1";
    make_digits(sim, digits, sizeof digits);
    snprintf(publish->id, sizeof publish->id, "%s.%s", form, digits);
}

static char *print(const cJSON *json)
{
    char *text = json ? cJSON_PrintUnformatted(json) : NULL;
    char *copy = xstrdup(text);
    cJSON_free(text);
    return copy;
}

static void copy_texts(struct publish *publish, const struct post *post)
{
    publish->title       = xstrdup(post->title ? post->title : "");
    publish->description = xstrdup(post->description ? post->description : "");
    size_t size          = strlen(publish->title) + strlen(publish->description) + 2;
    publish->caption     = xcalloc(1, size);
    snprintf(publish->caption, size, "%s\n%s", publish->title, publish->description);
    publish->fields  = post->info ? print(post->info) : xstrdup("{}");
    publish->dropped = post->dropped->child ? print(post->dropped) : NULL;
    publish->unknown = post->unknown->child ? print(post->unknown) : NULL;
    if (post->mode & MODE_PHOTOS)
        publish->extra = print(cJSON_GetObjectItemCaseSensitive(post->root, "is_aigc"));
    cJSON *media = cJSON_CreateArray();
    for (int i = 0; i < post->url_count; i++)
        cJSON_AddItemToArray(media, cJSON_CreateString(post->urls[i]));
    publish->media = print(media);
    cJSON_Delete(media);
}

// The fail_reason that the markers order; "" for none.
static const char *plan_failure(struct sim *sim, const struct post *post)
{
    if (!post->marks.fail_once)
        return post->marks.fail_reason;
    for (int i = 0; i < post->url_count; i++) {
        if (strstr(post->urls[i], "/fail-once/") &&
            !table_get(&sim->publishes.failed_once, post->urls[i])) {
            char *key = xstrdup(post->urls[i]);
            table_put(&sim->publishes.failed_once, key, key);
            return post->marks.fail_reason;
        }
    }
    return "";
}

static struct publish *publish_new(struct call *call, const struct post *post)
{
    struct sim       *sim     = call->sim;
    struct publishes *all     = &sim->publishes;
    struct publish   *publish = xcalloc(1, sizeof *publish);
    publish->sim              = sim;
    publish->seq              = (int64_t)all->used + 1;
    publish->init_ms          = call->now_ms;
    publish->account          = call->account;
    publish->call             = endpoint_name(call->endpoint);
    publish->is_draft         = post->mode & MODE_DRAFT;
    publish->is_photo         = post->mode & MODE_PHOTOS;
    publish->is_upload        = post->is_upload;
    publish->answered         = call->will_answer;
    publish->stuck            = post->marks.stuck;
    publish->slow_ms          = post->marks.slow_ms;
    publish->privacy          = post->privacy;
    publish->cover_index      = publish->is_photo ? post->cover_index : -1;
    text_copy(publish->log_id, sizeof publish->log_id, call->log_id);
    text_copy(publish->fail_reason, sizeof publish->fail_reason, plan_failure(sim, post));
    copy_texts(publish, post);
    make_id(sim, publish);
    if (all->used == all->size) {
        all->size = all->size ? all->size * 2 : 256;
        all->all  = xrealloc(all->all, all->size * sizeof *all->all);
    }
    all->all[all->used++] = publish;
    table_put(&all->by_id, publish->id, publish);
    return publish;
}

static bool refuse_limit(struct call *call, enum limit_kind kind, const char *code,
                         const char *message)
{
    ledger_breach(call, kind);
    return call_answer_error(call, 403, code, "%s", message);
}

static bool may_post(struct call *call, const struct post *post)
{
    struct sim     *sim     = call->sim;
    struct account *account = call->account;
    int64_t         cap = account->day_cap >= 0 ? account->day_cap : sim->options.limit_day_posts;
    bool            capped = account->day_cap >= 0 || cap > 0;  // a cap of the account may be 0
    if (!(post->privacy & account->privacy_options))
        return call_answer_error(call, 403, "privacy_level_option_mismatch",
                                 "The privacy level is not among the creator's options");
    if (!account->audited && (!account->is_private || post->privacy != PRIVACY_SELF_ONLY))
        return call_answer_error(call, 403, "unaudited_client_can_only_post_to_private_accounts",
                                 "Please review our integration guidelines");
    if (capped && slide_count(&account->logs[LIMIT_DAY_POSTS], call->now_ms, sim->options.day_ms) >=
                      (size_t)cap)
        return refuse_limit(call, LIMIT_DAY_POSTS, "spam_risk_too_many_posts",
                            "The daily post cap from the API is reached for this creator");
    if (!account_may_be_active(sim, account))
        return refuse_limit(call, LIMIT_ACTIVE_CAP, "reached_active_user_cap",
                            "The daily quota for active publishing users is reached");
    slide_add(&account->logs[LIMIT_DAY_POSTS], call->now_ms);
    account_touch_active(sim, account);
    return true;
}

static bool may_draft(struct call *call)
{
    struct sim   *sim = call->sim;
    struct slide *log = &call->account->logs[LIMIT_DRAFTS];
    if (!slide_has_room(log, call->now_ms, sim->options.day_ms, sim->options.limit_drafts))
        return refuse_limit(call, LIMIT_DRAFTS, "spam_risk_too_many_pending_share",
                            "There may be at most 5 pending shares within any 24-hour period");
    slide_add(log, call->now_ms);
    return true;
}

static bool may_init(struct call *call, const struct post *post)
{
    if (post->marks.refuse_http)
        return call_answer_error(call, post->marks.refuse_http, post->marks.refuse_code,
                                 "Refused as ordered by the URL");
    if (call->account->banned)
        return call_answer_error(call, 403, "spam_risk_user_banned_from_posting",
                                 "The user is banned from posting");
    return post->mode & MODE_DIRECT ? may_post(call, post) : may_draft(call);
}

static void accept_post(struct call *call, const struct post *post)
{
    struct sim     *sim     = call->sim;
    struct publish *publish = publish_new(call, post);
    cJSON          *data    = cJSON_CreateObject();
    call->made              = publish;
    cJSON_AddStringToObject(data, "publish_id", publish->id);
    take_off(publish);
    if (post->is_upload)
        cJSON_AddStringToObject(
            data, "upload_url",
            upload_open(call, post->video_size, post->chunk_size, post->chunk_count));
    else
        publish_begin(publish, call->now_ms);
    call_answer_ok(call, data);
    ledger_init(call, publish);
    if (!publish->is_upload)
        doubles_add(sim, publish, "url", publish->media);
    if (!publish->answered)
        sim->publishes.unanswered++;
}

void publish_init(struct call *call)
{
    static const unsigned scopes[END_KINDS] = { [END_VIDEO_INIT]   = SCOPE_PUBLISH,
                                                [END_INBOX_INIT]   = SCOPE_UPLOAD,
                                                [END_CONTENT_INIT] = SCOPE_PUBLISH | SCOPE_UPLOAD };
    struct post           post              = { 0 };
    if (call_check_bearer(call) && call_check_scopes(call, scopes[call->endpoint]) &&
        call_check_limit(call, LIMIT_INIT, call->sim->options.limit_init) &&
        body_read(call, &post) && may_init(call, &post))
        accept_post(call, &post);
    else
        ledger_refused(call, post.unknown);
    body_fini(&post);
}

// ---- for the ledger ----

void publish_add_end(const struct publish *publish, cJSON *json)
{
    cJSON_AddStringToObject(json, "status", publish_status(publish));
    if (publish->state == STATE_FAILED)
        cJSON_AddStringToObject(json, "fail_reason", publish->fail_reason);
    if (publish_is_final(publish))
        cJSON_AddNumberToObject(json, "end_ms", (double)publish->end_ms);
    cJSON *ids = cJSON_AddArrayToObject(json, "post_ids");
    if (publish->post_id[0])
        cJSON_AddItemToArray(ids, cJSON_CreateString(publish->post_id));
    if (publish->public_ms)
        cJSON_AddNumberToObject(json, "public_ms", (double)publish->public_ms);
}

cJSON *publish_json(const struct publish *publish, int64_t now_ms, const char *event)
{
    cJSON *json = cJSON_CreateObject();
    if (event)
        cJSON_AddStringToObject(json, "event", event);
    cJSON_AddNumberToObject(json, "seq", (double)publish->seq);
    cJSON_AddNumberToObject(json, "time_ms", (double)publish->init_ms);
    cJSON_AddStringToObject(json, "call", publish->call);
    cJSON_AddStringToObject(json, "account", publish->account->open_id);
    cJSON_AddStringToObject(json, "publish_id", publish->id);
    cJSON_AddStringToObject(json, "what", publish->is_draft ? "draft" : "post");
    cJSON_AddStringToObject(json, "media_type", publish->is_photo ? "PHOTO" : "VIDEO");
    cJSON_AddStringToObject(json, "source", publish->is_upload ? "FILE_UPLOAD" : "PULL_FROM_URL");
    cJSON_AddRawToObject(json, "fields", publish->fields);
    cJSON_AddRawToObject(json, "media", publish->media);
    if (publish->cover_index >= 0)
        cJSON_AddNumberToObject(json, "photo_cover_index", (double)publish->cover_index);
    if (publish->extra)
        cJSON_AddRawToObject(json, "is_aigc", publish->extra);
    if (publish->dropped)
        cJSON_AddRawToObject(json, "dropped", publish->dropped);
    if (publish->unknown)
        cJSON_AddRawToObject(json, "unknown_fields", publish->unknown);
    if (publish->upload)
        upload_add_json(publish->upload, json);
    cJSON_AddStringToObject(json, "log_id", publish->log_id);
    cJSON_AddBoolToObject(json, "answered", publish->answered);
    cJSON_AddBoolToObject(json, "committed", publish->begin_ms != 0);
    cJSON_AddBoolToObject(json, "reported", publish->reported);
    cJSON_AddBoolToObject(json, "public", publish_is_public(publish, now_ms));
    publish_add_end(publish, json);
    return json;
}

static void publish_free(struct publish *publish)
{
    if (publish->timer)
        event_free(publish->timer);
    upload_free(publish->upload);
    free(publish->caption);
    free(publish->title);
    free(publish->description);
    free(publish->fields);
    free(publish->media);
    free(publish->dropped);
    free(publish->unknown);
    free(publish->extra);
    free(publish);
}

void publishes_fini(struct sim *sim)
{
    struct publishes *all = &sim->publishes;
    const char       *key;
    void             *value;
    for (size_t at = 0; table_next(&all->failed_once, &at, &key, &value);)
        free(value);
    for (size_t i = 0; i < all->used; i++)
        publish_free(all->all[i]);
    free(all->all);
    table_fini(&all->by_id);
    table_fini(&all->failed_once);
}
