// SPDX-License-Identifier: Apache-2.0
#include "display.h"

#include <cjson/cJSON.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "call.h"
#include "sim.h"
#include "text.h"

#define PAGE_DEFAULT 10
#define PAGE_MAX 20
#define TEXT_UNITS 150

static const char *const video_fields[] = {
    "id",         "create_time", "cover_image_url", "share_url",   "video_description",
    "duration",   "height",      "width",           "title",       "embed_html",
    "embed_link", "like_count",  "comment_count",   "share_count", "view_count",
    NULL
};

static const struct {
    const char *name;   // of a field of user/info
    unsigned    scope;  // it needs
} user_fields[] = {
    { "open_id", SCOPE_BASIC },           { "union_id", SCOPE_BASIC },
    { "avatar_url", SCOPE_BASIC },        { "avatar_url_100", SCOPE_BASIC },
    { "avatar_large_url", SCOPE_BASIC },  { "display_name", SCOPE_BASIC },
    { "bio_description", SCOPE_PROFILE }, { "profile_deep_link", SCOPE_PROFILE },
    { "is_verified", SCOPE_PROFILE },     { "username", SCOPE_PROFILE },
    { "follower_count", SCOPE_STATS },    { "following_count", SCOPE_STATS },
    { "likes_count", SCOPE_STATS },       { "video_count", SCOPE_STATS },
};

// A copy of the fields parameter to be freed; NULL when there is none and an error is answered.
static char *read_fields(struct call *call)
{
    struct evkeyvalq query;
    char            *fields = NULL;
    if (call->query && evhttp_parse_query_str(call->query, &query) == 0) {
        fields = xstrdup(evhttp_find_header(&query, "fields"));
        evhttp_clear_headers(&query);
    }
    if (fields && *fields)
        return fields;
    free(fields);
    call_answer_error(call, 400, "invalid_params", "The fields parameter is required");
    return NULL;
}

static bool has_field(const char *fields, const char *name)
{
    size_t len = strlen(name);
    for (const char *p = fields;; p++) {
        size_t word = strcspn(p, ",");
        if (word == len && memcmp(p, name, len) == 0)
            return true;
        p += word;
        if (!*p)
            return false;
    }
}

// Figures that differ from post to post and stay as they are: nobody watches these videos.
static double figure_of(const char *id, const char *name)
{
    double sum = 0;
    for (; *id; id++)
        sum = fmod(sum * 31 + (unsigned char)*id, 99991);
    return strcmp(name, "view_count") == 0 || strcmp(name, "follower_count") == 0 ? sum
           : strcmp(name, "like_count") == 0 || strcmp(name, "likes_count") == 0  ? floor(sum / 7)
           : strcmp(name, "comment_count") == 0                                   ? floor(sum / 90)
                                                                                  : floor(sum / 40);
}

static void add_user_field(cJSON *user, const struct account *account, const char *name)
{
    char text[160];
    if (strcmp(name, "is_verified") == 0) {
        cJSON_AddBoolToObject(user, name, false);
    } else if (strcmp(name, "video_count") == 0) {
        cJSON_AddNumberToObject(user, name, (double)account->posts_used);
    } else if (strstr(name, "_count")) {
        cJSON_AddNumberToObject(user, name, figure_of(account->open_id, name));
    } else {
        if (strcmp(name, "open_id") == 0 || strcmp(name, "union_id") == 0)
            snprintf(text, sizeof text, "%s", account->open_id);
        else if (strstr(name, "avatar"))
            snprintf(text, sizeof text, "https://avatar.example.com/%s.jpeg", account->username);
        else if (strcmp(name, "profile_deep_link") == 0)
            snprintf(text, sizeof text, "https://www.tiktok.com/@%s", account->username);
        else
            snprintf(text, sizeof text, "%s",
                     strcmp(name, "username") == 0       ? account->username
                     : strcmp(name, "display_name") == 0 ? account->nickname
                                                         : "");
        cJSON_AddStringToObject(user, name, text);
    }
}

void display_user(struct call *call)
{
    char *fields = NULL;
    if (!call_check_bearer(call) ||
        !call_check_limit(call, LIMIT_USER_INFO, call->sim->options.limit_display) ||
        !(fields = read_fields(call)))
        return;
    cJSON   *data    = cJSON_CreateObject();
    cJSON   *user    = cJSON_AddObjectToObject(data, "user");
    unsigned missing = 0;
    for (size_t i = 0; i < sizeof user_fields / sizeof user_fields[0]; i++) {
        if (!has_field(fields, user_fields[i].name))
            continue;
        missing |= user_fields[i].scope & ~call->account->scopes;
        add_user_field(user, call->account, user_fields[i].name);
    }
    free(fields);
    if (!missing && user->child) {
        call_answer_ok(call, data);
        return;
    }
    cJSON_Delete(data);
    if (missing)
        call_answer_error(call, 400, "scope_permission_missed",
                          "A requested field needs another scope");
    else
        call_answer_error(call, 400, "invalid_params", "The fields parameter is invalid");
}

static void add_text(cJSON *video, const char *name, const char *text)
{
    size_t len  = text_fit_units(text, TEXT_UNITS);
    char  *copy = xcalloc(1, len + 1);
    memcpy(copy, text, len);
    cJSON_AddStringToObject(video, name, copy);
    free(copy);
}

static void add_video_field(cJSON *video, const struct publish *publish, const char *name)
{
    char        text[200];
    const char *kind = publish->is_photo ? "photo" : "video";
    if (strcmp(name, "create_time") == 0) {
        int64_t seconds = publish->create_ms / 1000;
        cJSON_AddNumberToObject(video, name, (double)seconds);
    } else if (strcmp(name, "video_description") == 0) {
        add_text(video, name, publish->is_photo ? publish->description : publish->title);
    } else if (strcmp(name, "title") == 0) {
        add_text(video, name, publish->title);
    } else if (strstr(name, "_count")) {
        cJSON_AddNumberToObject(video, name, figure_of(publish->post_id, name));
    } else if (strcmp(name, "duration") == 0 || strcmp(name, "width") == 0 ||
               strcmp(name, "height") == 0) {
        cJSON_AddNumberToObject(video, name, name[0] == 'd' ? 15 : name[0] == 'w' ? 1080 : 1920);
    } else {
        if (strcmp(name, "id") == 0)
            snprintf(text, sizeof text, "%s", publish->post_id);
        else if (strcmp(name, "share_url") == 0)
            snprintf(text, sizeof text, "https://www.tiktok.com/@%s/%s/%s",
                     publish->account->username, kind, publish->post_id);
        else
            snprintf(text, sizeof text, "https://media.example.com/%s/%s", name, publish->post_id);
        cJSON_AddStringToObject(video, name, text);
    }
}

static cJSON *video_json(const struct publish *publish, const char *fields)
{
    cJSON *video = cJSON_CreateObject();
    for (int i = 0; video_fields[i]; i++)
        if (has_field(fields, video_fields[i]))
            add_video_field(video, publish, video_fields[i]);
    return video;
}

// An optional integer; -1 when it is of a wrong kind or out of range.
static int64_t read_int(const cJSON *json, const char *name, int64_t fallback, int64_t max)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, name);
    if (!item)
        return fallback;
    if (!cJSON_IsNumber(item) || trunc(item->valuedouble) != item->valuedouble ||
        item->valuedouble < 0 || item->valuedouble > (double)max)
        return -1;
    return (int64_t)item->valuedouble;
}

// Index behind the newest post that is older than the cursor.
static size_t find_cursor(const struct account *account, int64_t cursor_ms)
{
    size_t low = 0, high = account->posts_used;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (account->posts[middle]->create_ms < cursor_ms)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void answer_page(struct call *call, const char *fields, int64_t cursor_ms, int64_t max)
{
    struct account *account = call->account;
    cJSON          *data    = cJSON_CreateObject();
    cJSON          *videos  = cJSON_AddArrayToObject(data, "videos");
    bool            more    = false;
    int64_t         count   = 0;
    for (size_t i = cursor_ms ? find_cursor(account, cursor_ms) : account->posts_used;
         i-- > 0 && !more;) {
        const struct publish *publish = account->posts[i];
        if (!publish_is_public(publish, call->now_ms))
            continue;
        if (count++ == max) {
            more = true;
        } else {
            cJSON_AddItemToArray(videos, video_json(publish, fields));
            cursor_ms = publish->create_ms;
        }
    }
    cJSON_AddNumberToObject(data, "cursor", (double)cursor_ms);
    cJSON_AddBoolToObject(data, "has_more", more);
    call_answer_ok(call, data);
}

static bool check_display(struct call *call, enum limit_kind kind)
{
    return call_check_bearer(call) && call_check_scopes(call, SCOPE_LIST) &&
           call_check_limit(call, kind, call->sim->options.limit_display);
}

void display_list(struct call *call)
{
    cJSON *json   = NULL;
    char  *fields = NULL;
    if (!check_display(call, LIMIT_VIDEO_LIST) || !call_check_json(call, &json) ||
        !(fields = read_fields(call))) {
        cJSON_Delete(json);
        return;
    }
    int64_t max    = read_int(json, "max_count", PAGE_DEFAULT, PAGE_MAX);
    int64_t cursor = read_int(json, "cursor", 0, INT64_C(9007199254740991));
    if (max < 1 || cursor < 0)
        call_answer_error(call, 400, "invalid_params", "max_count or cursor is invalid");
    else
        answer_page(call, fields, cursor, max);
    free(fields);
    cJSON_Delete(json);
}

void display_query(struct call *call)
{
    cJSON *json   = NULL;
    char  *fields = NULL;
    if (!check_display(call, LIMIT_VIDEO_QUERY) || !call_check_json(call, &json) ||
        !(fields = read_fields(call))) {
        cJSON_Delete(json);
        return;
    }
    const cJSON *ids = cJSON_GetObjectItemCaseSensitive(
        cJSON_GetObjectItemCaseSensitive(json, "filters"), "video_ids");
    if (!cJSON_IsArray(ids) || cJSON_GetArraySize(ids) < 1 || cJSON_GetArraySize(ids) > PAGE_MAX) {
        call_answer_error(call, 400, "invalid_params", "filters.video_ids must have 1 to 20 ids");
    } else {
        cJSON       *data   = cJSON_CreateObject();
        cJSON       *videos = cJSON_AddArrayToObject(data, "videos");
        const cJSON *id;
        cJSON_ArrayForEach(id, ids)
        {
            for (size_t i = 0; cJSON_IsString(id) && i < call->account->posts_used; i++)
                if (strcmp(call->account->posts[i]->post_id, id->valuestring) == 0)
                    cJSON_AddItemToArray(videos, video_json(call->account->posts[i], fields));
        }
        call_answer_ok(call, data);
    }
    free(fields);
    cJSON_Delete(json);
}
