// SPDX-License-Identifier: Apache-2.0
#include "call.h"

#include <cjson/cJSON.h>
#include <event2/buffer.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "sim.h"

static const char *const endpoint_names[END_KINDS] = {
    [END_NONE]         = "none",
    [END_CREATOR_INFO] = "creator_info",
    [END_VIDEO_INIT]   = "video_init",
    [END_INBOX_INIT]   = "inbox_init",
    [END_CONTENT_INIT] = "content_init",
    [END_STATUS]       = "status",
    [END_CANCEL]       = "cancel",
    [END_UPLOAD]       = "upload",
    [END_USER_INFO]    = "user_info",
    [END_VIDEO_LIST]   = "video_list",
    [END_VIDEO_QUERY]  = "video_query",
    [END_AUTHORIZE]    = "authorize",
    [END_TOKEN]        = "token",
    [END_REVOKE]       = "revoke",
    [END_CONTROL]      = "control",
};

const char *endpoint_name(enum endpoint endpoint)
{
    return endpoint_names[endpoint];
}

enum endpoint endpoint_by_name(const char *name)
{
    int i = 0;
    while (i < END_KINDS && strcmp(endpoint_names[i], name) != 0)
        i++;
    return (enum endpoint)i;
}

// Fourteen digits of UTC time, then a number that never comes back.
static void make_log_id(struct call *call)
{
    struct sim *sim = call->sim;
    time_t      now = (time_t)(call->now_ms / 1000);
    struct tm   tm;
    gmtime_r(&now, &tm);
    size_t   len   = strftime(call->log_id, sizeof call->log_id, "%Y%m%d%H%M%S", &tm);
    uint64_t seq   = ++sim->log_seq;
    uint64_t mixed = seq * UINT64_C(0x9E3779B97F4A7C15);  // odd, so no two are the same
    snprintf(call->log_id + len, sizeof call->log_id - len, "%016" PRIX64 "%04" PRIX64, mixed,
             seq & 0xFFFF);
}

struct call *call_new(struct sim *sim, struct evhttp_request *req)
{
    struct call *call = xcalloc(1, sizeof *call);
    call->sim         = sim;
    call->req         = req;
    call->will_answer = true;
    call->now_ms      = clock_now_ms();
    make_log_id(call);
    return call;
}

void call_free(struct call *call)
{
    if (!call)
        return;
    free(call->body_mem);
    free(call->out);
    free(call);
}

const char *call_header(const struct call *call, const char *name)
{
    return evhttp_find_header(evhttp_request_get_input_headers(call->req), name);
}

void call_drop_answer(struct call *call)
{
    free(call->out);
    call->out      = NULL;
    call->out_len  = 0;
    call->http     = 0;
    call->code[0]  = '\0';
    call->range[0] = '\0';
}

void call_answer_text(struct call *call, int http, const char *type, const char *text)
{
    call_drop_answer(call);
    call->http    = http;
    call->out     = xstrdup(text);
    call->out_len = strlen(text);
    text_copy(call->type, sizeof call->type, type);
    text_copy(call->code, sizeof call->code, http < 400 ? "ok" : "http");
}

void call_answer_html(struct call *call, int http)
{
    char page[160];
    snprintf(page, sizeof page,
             "<html>\r\n<head><title>%d</title></head>\r\n<body><center><h1>%d</h1></center>"
             "<hr><center>openresty</center></body>\r\n</html>\r\n",
             http, http);
    call_answer_text(call, http, "text/html; charset=utf-8", page);
}

void call_answer_empty(struct call *call, int http)
{
    call_answer_text(call, http, "", "");
}

void call_answer_json(struct call *call, int http, cJSON *json)
{
    char *text = cJSON_PrintUnformatted(json);
    call_answer_text(call, http, "application/json; charset=utf-8", text ? text : "");
    cJSON_free(text);
    cJSON_Delete(json);
}

static cJSON *envelope(struct call *call, cJSON *data, const char *code, const char *message)
{
    cJSON *json = cJSON_CreateObject();
    if (data)
        cJSON_AddItemToObject(json, "data", data);
    cJSON *error = cJSON_AddObjectToObject(json, "error");
    cJSON_AddStringToObject(error, "code", code);
    cJSON_AddStringToObject(error, "message", message);
    cJSON_AddStringToObject(error, "log_id", call->log_id);
    return json;
}

void call_answer_ok(struct call *call, cJSON *data)
{
    call_answer_json(call, 200, envelope(call, data, "ok", ""));
}

bool call_answer_error(struct call *call, int http, const char *code, const char *message, ...)
{
    char    text[256];
    va_list args;
    va_start(args, message);
    vsnprintf(text, sizeof text, message, args);
    va_end(args);
    call_answer_json(call, http, envelope(call, cJSON_CreateObject(), code, text));
    text_copy(call->code, sizeof call->code, code);
    return false;
}

bool call_answer_flat_error(struct call *call, const char *code, const char *message)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "error", code);
    cJSON_AddStringToObject(json, "error_description", message);
    cJSON_AddStringToObject(json, "log_id", call->log_id);
    call_answer_json(call, 200, json);
    text_copy(call->code, sizeof call->code, code);
    return false;
}

bool call_check_bearer(struct call *call)
{
    if (call->account)
        return true;
    return call_answer_error(call, 401, "access_token_invalid",
                             "The access token is invalid or not found in the request.");
}

bool call_check_scopes(struct call *call, unsigned any_of)
{
    if (call->account->scopes & any_of)
        return true;
    return call_answer_error(
        call, 401, "scope_not_authorized",
        "The user did not authorize the scope required for completing this request.");
}

bool call_check_limit(struct call *call, enum limit_kind kind, int64_t limit)
{
    struct slide *log = &call->account->logs[kind];
    if (slide_has_room(log, call->now_ms, call->sim->options.window_ms, limit)) {
        slide_add(log, call->now_ms);
        return true;
    }
    ledger_breach(call, kind);
    return call_answer_error(call, 429, "rate_limit_exceeded",
                             "The API rate limit was exceeded. Please try again later.");
}

// "application/json", alone or with charset=UTF-8.
static bool is_json_type(const char *type)
{
    static const char json[] = "application/json";
    if (!type || strncasecmp(type, json, sizeof json - 1) != 0)
        return false;
    type += sizeof json - 1;
    type += strspn(type, " \t");
    if (!*type)
        return true;
    if (*type++ != ';')
        return false;
    type += strspn(type, " \t");
    return strcasecmp(type, "charset=utf-8") == 0 || strcasecmp(type, "charset=\"utf-8\"") == 0;
}

bool call_check_json_type(struct call *call)
{
    if (is_json_type(call_header(call, "Content-Type")))
        return true;
    return call_answer_error(call, 400, "invalid_params",
                             "Unsupported content type: send application/json");
}

bool call_check_json(struct call *call, cJSON **json)
{
    *json = NULL;
    if (!call_check_json_type(call))
        return false;
    const char *end = NULL;
    cJSON      *read =
        call->body ? cJSON_ParseWithLengthOpts(call->body, call->body_len, &end, false) : NULL;
    // Nothing but white space may follow.
    if (read && strspn(end, " \t\r\n") == (size_t)(call->body + call->body_len - end) &&
        cJSON_IsObject(read)) {
        *json = read;
        return true;
    }
    cJSON_Delete(read);
    return call_answer_error(call, 400, "invalid_params", "The request body is not a JSON object");
}
