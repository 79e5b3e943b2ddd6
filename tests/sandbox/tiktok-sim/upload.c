// SPDX-License-Identifier: Apache-2.0
#include "upload.h"

#include <cjson/cJSON.h>
#include <event2/buffer.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "call.h"
#include "sim.h"
#include "text.h"

#define HOST_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.:[]"

struct upload {
    int64_t  size;        // of the video
    int64_t  chunk;       // size of all chunks but the last
    int64_t  count;       // chunks
    int64_t  next;        // number of the chunk to come
    int64_t  taken;       // bytes accepted
    int64_t  expires_ms;  // of the URL
    uint64_t digest;      // of the bytes so far
    char     token[40];   // secret part of the URL
    char     url[256];    // where to PUT
};

// The Host header, as the client may know us by another name than the one we listen on.
static const char *host_of(struct call *call)
{
    const char *host = call_header(call, "Host");
    size_t      len  = host ? strlen(host) : 0;
    bool        fine = len && len < 100 && strspn(host, HOST_CHARS) == len;
    return fine ? host : call->sim->self;
}

const char *upload_open(struct call *call, int64_t size, int64_t chunk, int64_t count)
{
    struct sim     *sim     = call->sim;
    struct publish *publish = call->made;
    struct upload  *upload  = xcalloc(1, sizeof *upload);
    publish->upload         = upload;
    upload->size            = size;
    upload->chunk           = chunk;
    upload->count           = count;
    upload->digest          = TABLE_HASH_START;
    upload->expires_ms      = publish->init_ms + sim->options.upload_ttl_ms;
    chance_text(&sim->chance, upload->token, 32);
    snprintf(upload->url, sizeof upload->url, "http://%s/video/?upload_id=%s&upload_token=%s",
             host_of(call), strrchr(publish->id, '.') + 1, upload->token);
    publish_expire_at(publish, upload->expires_ms);
    return upload->url;
}

void upload_free(struct upload *upload)
{
    free(upload);
}

int64_t upload_bytes(const struct upload *upload)
{
    return upload->taken;
}

void upload_add_json(const struct upload *upload, cJSON *json)
{
    char digest[24];
    snprintf(digest, sizeof digest, "%016" PRIx64, upload->digest);
    cJSON_AddNumberToObject(json, "video_size", (double)upload->size);
    cJSON_AddNumberToObject(json, "uploaded_bytes", (double)upload->taken);
    cJSON_AddStringToObject(json, "digest", digest);
}

struct publish *upload_find(struct call *call)
{
    static const char *const forms[] = { "v_pub_file~v2-1", "v_inbox_file~v2" };
    struct evkeyvalq         query;
    struct publish          *found = NULL;
    char                     id[64];
    if (!call->query || evhttp_parse_query_str(call->query, &query) != 0)
        return NULL;
    const char *digits = evhttp_find_header(&query, "upload_id");
    const char *token  = evhttp_find_header(&query, "upload_token");
    for (size_t i = 0; digits && token && i < 2 && !found; i++) {
        snprintf(id, sizeof id, "%s.%s", forms[i], digits);
        found = publish_get(call->sim, id);
        if (found && strcmp(found->upload->token, token) != 0)
            found = NULL;
    }
    evhttp_clear_headers(&query);
    return found;
}

static bool read_range(const char *text, int64_t numbers[3])
{
    static const char ends[] = "-/";
    if (!text || strncmp(text, "bytes ", 6) != 0)
        return false;
    text += 6;
    for (int i = 0; i < 3; i++) {
        char   word[24] = "";
        size_t len      = strspn(text, "0123456789");
        if (len >= sizeof word || text[len] != ends[i])
            return false;
        memcpy(word, text, len);
        if (!text_to_number(word, &numbers[i]))
            return false;
        text += len + 1;
    }
    return numbers[0] <= numbers[1];
}

static bool is_video_type(const char *type)
{
    return type &&
           (strcasecmp(type, "video/mp4") == 0 || strcasecmp(type, "video/quicktime") == 0 ||
            strcasecmp(type, "video/webm") == 0);
}

static void digest_body(struct upload *upload, struct evbuffer *body)
{
    struct evbuffer_iovec parts[64];
    struct evbuffer_ptr   at;
    evbuffer_ptr_set(body, &at, 0, EVBUFFER_PTR_SET);
    for (size_t left = evbuffer_get_length(body); left;) {
        int    count = evbuffer_peek(body, -1, &at, parts, 64);
        size_t seen  = 0;
        for (int i = 0; i < count && i < 64; i++) {
            upload->digest = table_hash(upload->digest, parts[i].iov_base, parts[i].iov_len);
            seen += parts[i].iov_len;
        }
        left -= seen;
        if (!seen || evbuffer_ptr_set(body, &at, seen, EVBUFFER_PTR_ADD) != 0)
            break;
    }
}

static void finish_bytes(struct publish *publish, int64_t now_ms)
{
    char media[64];
    snprintf(media, sizeof media, "%" PRId64 " %016" PRIx64, publish->upload->size,
             publish->upload->digest);
    publish_begin(publish, now_ms);
    ledger_publish(publish->sim, "uploaded", publish);
    doubles_add(publish->sim, publish, "bytes", media);
}

// The HTTP status for this chunk.
static int take_chunk(struct call *call, struct publish *publish)
{
    struct upload *upload = publish->upload;
    int64_t        range[3];
    const char    *length = call_header(call, "Content-Length");
    if (!length || !is_video_type(call_header(call, "Content-Type")) ||
        !read_range(call_header(call, "Content-Range"), range))
        return 400;
    if ((int64_t)call->body_len != range[1] - range[0] + 1 || range[2] != upload->size)
        return 400;
    if (call->now_ms >= upload->expires_ms)
        return 403;
    bool    is_last = upload->next == upload->count - 1;
    int64_t last    = is_last ? upload->size - 1 : upload->taken + upload->chunk - 1;
    if (publish->state != STATE_WAITING || range[0] != upload->taken || range[1] != last)
        return 416;
    digest_body(upload, evhttp_request_get_input_buffer(call->req));
    upload->taken = last + 1;
    upload->next++;
    snprintf(call->range, sizeof call->range, "bytes 0-%" PRId64 "/%" PRId64, upload->taken,
             upload->size);
    if (!is_last)
        return 206;
    finish_bytes(publish, call->now_ms);
    return 201;
}

void upload_put(struct call *call)
{
    struct publish *publish = upload_find(call);
    char            range[sizeof call->range];
    int             http = 404;
    if (publish) {
        call->account = publish->account;
        // An ended task is gone, unless it is only the URL that expired.
        if (publish->state != STATE_FAILED || call->now_ms >= publish->upload->expires_ms)
            http = take_chunk(call, publish);
    }
    text_copy(range, sizeof range, call->range);
    call_answer_empty(call, http);
    text_copy(call->range, sizeof call->range, range);
}
