// SPDX-License-Identifier: Apache-2.0
#include "status.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <string.h>

#include "call.h"
#include "sim.h"
#include "upload.h"

// Reads {"publish_id":…} and finds the caller's publish; NULL when an error is answered.
static struct publish *read_publish(struct call *call)
{
    cJSON *json;
    if (!call_check_json(call, &json))
        return NULL;
    const cJSON    *id      = cJSON_GetObjectItemCaseSensitive(json, "publish_id");
    struct publish *publish = cJSON_IsString(id) ? publish_get(call->sim, id->valuestring) : NULL;
    cJSON_Delete(json);
    if (!publish) {
        call_answer_error(call, 400, "invalid_publish_id", "The publish_id does not exist");
        return NULL;
    }
    if (publish->account != call->account) {
        call_answer_error(call, 400, "token_not_authorized_for_specified_publish_id",
                          "The access token does not have authorization for the publish_id");
        return NULL;
    }
    publish_settle(publish, call->now_ms);
    return publish;
}

// Bytes pulled so far: grows evenly over a notional 8 MB.
static int64_t pulled_bytes(const struct publish *publish, int64_t now_ms)
{
    const int64_t total = 8000000;
    if (publish->end_ms == INT64_MAX || publish->end_ms <= publish->begin_ms)
        return total / 2;
    int64_t part = total * (now_ms - publish->begin_ms) / (publish->end_ms - publish->begin_ms);
    return part < total ? part : total;
}

void status_fetch(struct call *call)
{
    if (!call_check_bearer(call) || !call_check_scopes(call, SCOPE_UPLOAD | SCOPE_PUBLISH) ||
        !call_check_limit(call, LIMIT_STATUS, call->sim->options.limit_status))
        return;
    struct publish *publish = read_publish(call);
    if (!publish)
        return;
    cJSON *data = cJSON_CreateObject();
    cJSON_AddStringToObject(data, "status", publish_status(publish));
    if (publish->state == STATE_FAILED) {
        cJSON_AddStringToObject(data, "fail_reason", publish->fail_reason);
    } else if (publish->is_upload) {
        if (upload_bytes(publish->upload))
            cJSON_AddNumberToObject(data, "uploaded_bytes", (double)upload_bytes(publish->upload));
    } else if (publish->state == STATE_PROCESSING) {
        cJSON_AddNumberToObject(data, "downloaded_bytes",
                                (double)pulled_bytes(publish, call->now_ms));
    }
    if (publish_is_public(publish, call->now_ms)) {
        // A number of 19 digits: it must not pass through a double.
        cJSON *ids = cJSON_AddArrayToObject(data, "publicaly_available_post_id");
        cJSON_AddItemToArray(ids, cJSON_CreateRaw(publish->post_id));
    }
    if (publish_is_final(publish))
        call->told = publish;
    call_answer_ok(call, data);
}

// A pull can be cancelled until nine tenths of its time; an upload until its last byte.
static bool may_cancel(const struct publish *publish, int64_t now_ms)
{
    if (publish->state == STATE_WAITING)
        return true;
    if (publish->state != STATE_PROCESSING || publish->is_upload)
        return false;
    return publish->end_ms == INT64_MAX ||
           (now_ms - publish->begin_ms) * 10 < (publish->end_ms - publish->begin_ms) * 9;
}

void status_cancel(struct call *call)
{
    if (!call_check_bearer(call) || !call_check_scopes(call, SCOPE_UPLOAD | SCOPE_PUBLISH))
        return;
    struct publish *publish = read_publish(call);
    if (!publish)
        return;
    if (!may_cancel(publish, call->now_ms)) {
        call_answer_error(call, 400, "publish_not_cancellable",
                          "The publish cannot be cancelled any more");
        return;
    }
    publish_end(publish, STATE_FAILED, "publish_cancelled");
    call_answer_ok(call, NULL);
}

// Why the creator may not post now; NULL when fine. Asking is not a breach.
static const char *creator_obstacle(struct call *call)
{
    struct sim     *sim     = call->sim;
    struct account *account = call->account;
    int64_t         cap = account->day_cap >= 0 ? account->day_cap : sim->options.limit_day_posts;
    bool            capped = account->day_cap >= 0 || cap > 0;
    if (account->banned)
        return "spam_risk_user_banned_from_posting";
    if (capped && slide_count(&account->logs[LIMIT_DAY_POSTS], call->now_ms, sim->options.day_ms) >=
                      (size_t)cap)
        return "spam_risk_too_many_posts";
    return account_may_be_active(sim, account) ? NULL : "reached_active_user_cap";
}

static cJSON *creator_json(const struct account *account)
{
    cJSON *data = cJSON_CreateObject();
    char   avatar[128];
    snprintf(avatar, sizeof avatar, "https://avatar.example.com/%s.jpeg", account->username);
    cJSON_AddStringToObject(data, "creator_avatar_url", avatar);
    cJSON_AddStringToObject(data, "creator_username", account->username);
    cJSON_AddStringToObject(data, "creator_nickname", account->nickname);
    cJSON_AddItemToObject(data, "privacy_level_options", privacy_list(account->privacy_options));
    cJSON_AddBoolToObject(data, "comment_disabled", account->comment_disabled);
    cJSON_AddBoolToObject(data, "duet_disabled", account->duet_disabled || account->is_private);
    cJSON_AddBoolToObject(data, "stitch_disabled", account->stitch_disabled || account->is_private);
    cJSON_AddNumberToObject(data, "max_video_post_duration_sec", (double)account->max_duration_s);
    return data;
}

void status_creator(struct call *call)
{
    if (!call_check_bearer(call) || !call_check_scopes(call, SCOPE_PUBLISH) ||
        !call_check_limit(call, LIMIT_CREATOR_INFO, call->sim->options.limit_creator_info))
        return;
    cJSON *json = NULL;  // there may be no body at all
    if (call->body_len ? !call_check_json(call, &json) : !call_check_json_type(call))
        return;
    cJSON_Delete(json);
    const char *obstacle = creator_obstacle(call);
    if (obstacle)
        call_answer_error(call, 200, obstacle, "The creator cannot post at this moment");
    else
        call_answer_ok(call, creator_json(call->account));
}
