// SPDX-License-Identifier: Apache-2.0
#include "tiktok/answer.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "io/json.h"

enum { ESCAPE_BYTES = 6 };  // \uXXXX

void answer_copy_cut(char *out, size_t out_bytes, struct str text)
{
    size_t len = text.len < out_bytes ? text.len : out_bytes - 1;
    while (len > 0 && len < text.len && ((unsigned char)text.p[len] & 0xC0) == 0x80)
        len--;
    for (size_t i = 0; i < len; i++)
        out[i] = (unsigned char)text.p[i] < ' ' || text.p[i] == 0x7f ? ' ' : text.p[i];
    out[len] = '\0';
}

void answer_copy_whole(char *out, size_t out_bytes, struct str text)
{
    out[0] = '\0';
    if (text.len >= out_bytes)
        return;
    for (size_t i = 0; i < text.len; i++)
        if (text.p[i] <= ' ' || text.p[i] >= 0x7f)
            return;
    if (text.len)
        memcpy(out, text.p, text.len);
    out[text.len] = '\0';
}

int64_t answer_count(const struct json *object, const char *key)
{
    int64_t number = -1;
    return json_i64(json_get(object, key), &number) && number >= 0 ? number : -1;
}

// the UTF-16 unit of the escape at the start of the text; -1: there is none
static int escaped_unit(struct str text)
{
    int unit = 0;
    if (!str_starts(text, "\\u") || text.len < ESCAPE_BYTES)
        return -1;
    for (size_t i = 2; i < ESCAPE_BYTES; i++) {
        const char *digits = "0123456789abcdef";
        const char *digit  = text.p[i] ? strchr(digits, text.p[i] | 0x20) : NULL;
        if (!digit)
            return -1;
        unit = unit * 16 + (int)(digit - digits);
    }
    return unit;
}

static bool is_high(int unit)
{
    return unit >= 0xD800 && unit <= 0xDBFF;
}

static bool is_low(int unit)
{
    return unit >= 0xDC00 && unit <= 0xDFFF;
}

struct json *answer_parse(struct str body)
{
    struct error ignored;
    struct buf   mended;
    buf_init(&mended, body.len);
    for (size_t at = 0; at < body.len;) {
        struct str  rest   = { body.p + at, body.len - at };
        const char *escape = memchr(rest.p, '\\', rest.len);
        size_t      plain  = escape ? (size_t)(escape - rest.p) : rest.len;
        if (plain) {
            buf_add(&mended, (struct str){ rest.p, plain });
            at += plain;
            continue;
        }
        int        unit = escaped_unit(rest);
        bool       half = is_high(unit) || is_low(unit);
        size_t     len  = unit >= 0 ? ESCAPE_BYTES : rest.len > 1 ? 2 : 1;
        struct str next = { rest.p + len, rest.len - len };
        if (is_high(unit) && is_low(escaped_unit(next))) {
            half = false;
            len  = 2 * ESCAPE_BYTES;
        }
        buf_add(&mended, half ? STR("\\ufffd") : (struct str){ rest.p, len });
        at += len;
    }
    struct json *root = json_parse(buf_str(&mended), ANSWER_MAX_BYTES, ANSWER_MAX_DEPTH, &ignored);
    buf_wipe(&mended);
    return root;
}

void answer_clear(struct tiktok_answer *answer)
{
    answer->outcome          = outcome_named("broken_answer");
    answer->http_status      = 0;
    answer->code[0]          = '\0';
    answer->message[0]       = '\0';
    answer->log_id[0]        = '\0';
    answer->publish_id[0]    = '\0';
    answer->upload_url[0]    = '\0';
    answer->status[0]        = '\0';
    answer->fail_reason[0]   = '\0';
    answer->post_id_count    = 0;
    answer->downloaded_bytes = -1;
    answer->uploaded_bytes   = -1;
    memset(answer->post_ids, 0, sizeof answer->post_ids);
}

static int64_t read_bytes(const struct json *data, const char *key)
{
    int64_t number = -1;
    return json_i64(json_get(data, key), &number) && number >= 0 ? number : -1;
}

// TikTok sends numbers of 19 digits, others have seen text: either becomes text.
static void read_post_ids(const struct json *ids, struct tiktok_answer *answer)
{
    const struct json *one = json_is_array(ids) ? json_at(ids, 0) : NULL;
    for (; one && answer->post_id_count < TIKTOK_POST_IDS_MAX; one = json_next(one)) {
        int64_t number = 0;
        char   *id     = answer->post_ids[answer->post_id_count];
        if (!json_i64(one, &number) || number <= 0)
            continue;
        snprintf(id, sizeof answer->post_ids[0], "%" PRId64, number);
        answer->post_id_count++;
    }
}

static void read_data(const struct json *data, struct tiktok_answer *answer)
{
    answer_copy_whole(answer->publish_id, sizeof answer->publish_id,
                      json_text(json_get(data, "publish_id")));
    answer_copy_whole(answer->upload_url, sizeof answer->upload_url,
                      json_text(json_get(data, "upload_url")));
    answer_copy_cut(answer->status, sizeof answer->status, json_text(json_get(data, "status")));
    answer_copy_cut(answer->fail_reason, sizeof answer->fail_reason,
                    json_text(json_get(data, "fail_reason")));
    answer->downloaded_bytes = read_bytes(data, "downloaded_bytes");
    answer->uploaded_bytes   = read_bytes(data, "uploaded_bytes");
    // TikTok's own spelling, and the one that it would mend it to
    read_post_ids(json_get(data, "publicaly_available_post_id"), answer);
    if (!answer->post_id_count)
        read_post_ids(json_get(data, "publicly_available_post_id"), answer);
}

// "log_id" is what TikTok sends, "logid" what its tables say; the token endpoint's stands beside a
// flat error.
static struct str log_id_of(const struct json *root, const struct json *error)
{
    struct str log_id = json_text(json_get(error, "log_id"));
    if (!log_id.len)
        log_id = json_text(json_get(error, "logid"));
    if (!log_id.len)
        log_id = json_text(json_get(root, "log_id"));
    return log_id;
}

// An answer that says something and of errors nothing, neither good nor bad. The documents have
// "ok" in every success; one without it is taken for what it says, since a publish_id that is
// dropped here is a doubt that nobody can resolve.
static bool is_silent(const struct json *root, const struct json *error)
{
    const struct json *code   = json_is_object(error) ? json_get(error, "code") : error;
    int64_t            number = -1;
    bool none = !code || json_is_null(code) || (json_is_text(code) && !json_text(code).len);
    bool zero = json_is_number(code) && json_i64(code, &number) && number == 0;
    const struct json *data = json_get(root, "data");
    return (none || zero) && json_is_object(data) && json_count(data) > 0;
}

void tiktok_answer_decode(struct str body, int http_status, struct tiktok_answer *answer)
{
    answer_clear(answer);
    answer->http_status = http_status;
    struct json *root   = answer_parse(body);
    if (!root) {
        answer->outcome = outcome_of_code((struct str){ "", 0 }, http_status);
        return;
    }
    const struct json *error   = json_get(root, "error");
    bool               is_flat = json_is_text(error);
    struct str         code    = json_text(is_flat ? error : json_get(error, "code"));
    struct str         message =
        json_text(is_flat ? json_get(root, "error_description") : json_get(error, "message"));
    answer_copy_cut(answer->code, sizeof answer->code, code);
    answer_copy_cut(answer->message, sizeof answer->message, message);
    answer_copy_cut(answer->log_id, sizeof answer->log_id, log_id_of(root, error));
    answer->outcome = outcome_of_code(is_silent(root, error) ? STR("ok") : code, http_status);
    if (answer->outcome->next == NEXT_OK)
        read_data(json_get(root, "data"), answer);
    json_free(root);
}
