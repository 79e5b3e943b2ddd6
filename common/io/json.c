// SPDX-License-Identifier: Apache-2.0
/* cJSON parses leniently (01, control characters, any byte below 33 as white space, duplicate
 * keys), so the text is walked once before: everything that the grammar says about single tokens is
 * checked here, and cJSON sees to how they are put together. A `struct json` is a cJSON item by
 * another name. */
#include "io/json.h"

#include <assert.h>
#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

enum { EXACT_DIGITS = 15 };

static const int64_t exact_limit =
    1000000000000000;  // 10^15: cJSON prints what is below digit by digit
static const int64_t safe_limit = 9007199254740992;  // 2^53: beyond, readers with doubles round

struct scan {
    struct str    text;       // all of it
    size_t        at;         // next byte
    size_t        depth;      // open arrays and objects
    size_t        max_depth;  // of them
    struct buf   *out;        // the text as cJSON gets it
    struct error *err;        // the caller's
};

static struct json *json_of(cJSON *item)
{
    return (struct json *)(void *)item;
}

static cJSON *item_of(struct json *json)
{
    return (cJSON *)(void *)json;
}

static const cJSON *look(const struct json *json)
{
    return (const cJSON *)(const void *)json;
}

static const struct json *seen(const cJSON *item)
{
    return (const struct json *)(const void *)item;
}

static bool scan_fail(const struct scan *scan, const char *why)
{
    return error_set(scan->err, ERR_INPUT, "JSON: %s at byte %zu", why, scan->at);
}

static char peek(const struct scan *scan)
{
    return scan->at < scan->text.len ? scan->text.p[scan->at] : '\0';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static size_t skip_digits(struct scan *scan)
{
    size_t from = scan->at;
    while (is_digit(peek(scan)))
        scan->at++;
    return scan->at - from;
}

// -?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?
static bool scan_number(struct scan *scan)
{
    size_t from = scan->at;
    scan->at += peek(scan) == '-';
    bool   zero   = peek(scan) == '0';
    size_t digits = skip_digits(scan);
    bool   whole  = true;
    if (digits == 0 || (zero && digits > 1))
        return scan_fail(scan, "not a number");
    if (peek(scan) == '.') {
        whole = false;
        scan->at++;
        if (!skip_digits(scan))
            return scan_fail(scan, "not a number");
    }
    if (peek(scan) == 'e' || peek(scan) == 'E') {
        whole = false;
        scan->at++;
        scan->at += peek(scan) == '+' || peek(scan) == '-';
        if (!skip_digits(scan))
            return scan_fail(scan, "not a number");
    }
    const char *quote = whole && digits > EXACT_DIGITS ? "\"" : "";
    buf_add_text(scan->out, quote);
    buf_add(scan->out, (struct str){ scan->text.p + from, scan->at - from });
    buf_add_text(scan->out, quote);
    return true;
}

// At the byte after the opening quote; cJSON decodes the escapes.
static bool scan_text(struct scan *scan)
{
    size_t from = scan->at;
    for (; peek(scan) != '"'; scan->at++) {
        if (scan->at >= scan->text.len)
            return scan_fail(scan, "a text without an end");
        if ((unsigned char)peek(scan) < 0x20)
            return scan_fail(scan, "a control character in a text");
        if (peek(scan) != '\\')
            continue;
        struct str escape = { scan->text.p + scan->at, scan->text.len - scan->at };
        if (str_starts(escape, "\\u0000"))
            return scan_fail(scan, "\\u0000, which no text may hold,");
        scan->at += escape.len > 1 && (unsigned char)escape.p[1] >= 0x20;
    }
    scan->at++;
    return buf_add(scan->out, (struct str){ scan->text.p + from, scan->at - from });
}

static bool scan_token(struct scan *scan)
{
    char c = peek(scan);
    if (c == '-' || is_digit(c))
        return scan_number(scan);
    if ((unsigned char)c < 0x20 && c != '\t' && c != '\n' && c != '\r')
        return scan_fail(scan, "a control character");
    if ((c == '{' || c == '[') && ++scan->depth > scan->max_depth)
        return scan_fail(scan, "too deep");
    if ((c == '}' || c == ']') && scan->depth)
        scan->depth--;
    buf_add_char(scan->out, c);
    scan->at++;
    return c != '"' || scan_text(scan);
}

static int compare_keys(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool check_keys(const cJSON *object, struct error *err)
{
    size_t       count = json_count(seen(object));
    const char **keys  = xcalloc(count, sizeof *keys);
    size_t       i     = 0;
    bool         ok    = true;
    for (const cJSON *member = object->child; member; member = member->next)
        keys[i++] = member->string;
    qsort(keys, count, sizeof *keys, compare_keys);
    for (i = 1; i < count && ok; i++)
        if (strcmp(keys[i - 1], keys[i]) == 0)
            ok = error_set(err, ERR_INPUT, "JSON: the key \"%.64s\" stands twice in one object",
                           keys[i]);
    free(keys);
    return ok;
}

static bool check_tree(const cJSON *item, struct error *err)
{
    if (cJSON_IsNumber(item) && !isfinite(item->valuedouble))
        return error_set(err, ERR_INPUT, "JSON: a number is too large");
    if (cJSON_IsObject(item) && !check_keys(item, err))
        return false;
    for (const cJSON *child = item->child; child; child = child->next)
        if (!check_tree(child, err))
            return false;
    return true;
}

static struct json *parse_checked(const struct buf *text, struct error *err)
{
    const char *end  = NULL;
    cJSON      *item = cJSON_ParseWithLengthOpts(buf_text(text), text->len + 1, &end, true);
    if (!item) {
        error_set(err, ERR_INPUT, "JSON: not well formed near byte %zu",
                  end ? (size_t)(end - buf_text(text)) : 0);
        return NULL;
    }
    if (!check_tree(item, err)) {
        cJSON_Delete(item);
        return NULL;
    }
    return json_of(item);
}

struct json *json_parse(struct str text, size_t max_bytes, int max_depth, struct error *err)
{
    assert(max_depth >= 0 && max_depth < CJSON_NESTING_LIMIT);
    size_t units = 0;
    if (text.len > max_bytes) {
        error_set(err, ERR_INPUT, "JSON: %zu bytes, more than %zu", text.len, max_bytes);
        return NULL;
    }
    if (!str_utf16_units(text, &units)) {
        error_set(err, ERR_INPUT, "JSON: not UTF-8");
        return NULL;
    }
    struct buf out;
    buf_init(&out, text.len * 2 + 16);
    struct scan scan = { .text = text, .max_depth = (size_t)max_depth, .out = &out, .err = err };
    bool        ok   = true;
    while (ok && scan.at < text.len)
        ok = scan_token(&scan);
    assert(!out.full);
    struct json *json = ok ? parse_checked(&out, err) : NULL;
    buf_wipe(&out);
    return json;
}

void json_free(struct json *json)
{
    cJSON_Delete(item_of(json));
}

static void wipe_texts(cJSON *item)
{
    if (item->valuestring && !(item->type & cJSON_IsReference))
        explicit_bzero(item->valuestring, strlen(item->valuestring));
    for (cJSON *child = item->child; child; child = child->next)
        wipe_texts(child);
}

void json_wipe(struct json *json)
{
    if (json)
        wipe_texts(item_of(json));
    json_free(json);
}

const struct json *json_get(const struct json *object, const char *key)
{
    return json_is_object(object) ? seen(cJSON_GetObjectItemCaseSensitive(look(object), key))
                                  : NULL;
}

const struct json *json_at(const struct json *array, size_t i)
{
    const cJSON *child = array ? look(array)->child : NULL;
    while (child && i--)
        child = child->next;
    return seen(child);
}

const struct json *json_next(const struct json *member)
{
    return member ? seen(look(member)->next) : NULL;
}

size_t json_count(const struct json *json)
{
    size_t count = 0;
    for (const cJSON *child = json ? look(json)->child : NULL; child; child = child->next)
        count++;
    return count;
}

const char *json_key(const struct json *member)
{
    return member ? look(member)->string : NULL;
}

bool json_is_object(const struct json *json)
{
    return cJSON_IsObject(look(json));
}

bool json_is_array(const struct json *json)
{
    return cJSON_IsArray(look(json));
}

bool json_is_null(const struct json *json)
{
    return cJSON_IsNull(look(json));
}

bool json_is_text(const struct json *json)
{
    return cJSON_IsString(look(json));
}

bool json_is_bool(const struct json *json)
{
    return cJSON_IsBool(look(json));
}

bool json_is_number(const struct json *json)
{
    return cJSON_IsNumber(look(json));
}

struct str json_text(const struct json *json)
{
    return json_is_text(json) ? str_of(look(json)->valuestring) : (struct str){ 0 };
}

bool json_bool(const struct json *json, bool otherwise)
{
    return json_is_bool(json) ? cJSON_IsTrue(look(json)) : otherwise;
}

bool json_i64(const struct json *json, int64_t *number)
{
    if (json_is_text(json))
        return str_to_i64(json_text(json), number);
    if (!json_is_number(json))
        return false;
    double n = look(json)->valuedouble;
    if (n != floor(n) || fabs(n) > (double)safe_limit)
        return false;
    *number = (int64_t)n;
    return true;
}

const char *json_kind(const struct json *json)
{
    return !json                  ? "nothing"
           : json_is_object(json) ? "an object"
           : json_is_array(json)  ? "an array"
           : json_is_text(json)   ? "text"
           : json_is_bool(json)   ? "true or false"
           : json_is_number(json) ? "a number"
                                  : "null";
}

struct json *json_object(void)
{
    cJSON *item = cJSON_CreateObject();
    assert(item);
    return json_of(item);
}

struct json *json_array(void)
{
    cJSON *item = cJSON_CreateArray();
    assert(item);
    return json_of(item);
}

static void set_item(struct json *object, const char *key, cJSON *child)
{
    assert(json_is_object(object) && child);
    bool ok = json_get(object, key)
                  ? cJSON_ReplaceItemInObjectCaseSensitive(item_of(object), key, child)
                  : cJSON_AddItemToObject(item_of(object), key, child);
    assert(ok);
    (void)ok;
}

static void add_item(struct json *array, cJSON *child)
{
    assert(json_is_array(array) && child);
    bool ok = cJSON_AddItemToArray(item_of(array), child);
    assert(ok);
    (void)ok;
}

// A copy that cJSON can hold: a byte that is not UTF-8, and the zero byte, become U+FFFD.
static char *clean_text(struct str text)
{
    struct buf out;
    buf_init(&out, text.len * 3);
    while (text.len) {
        struct str  valid = str_utf8_prefix(text, SIZE_MAX);
        const char *zero  = valid.len ? memchr(valid.p, '\0', valid.len) : NULL;
        if (zero)
            valid.len = (size_t)(zero - valid.p);
        buf_add(&out, valid);
        text = (struct str){ text.p + valid.len, text.len - valid.len };
        if (text.len) {
            buf_add_text(&out, "\xEF\xBF\xBD");
            text = (struct str){ text.p + 1, text.len - 1 };
        }
    }
    return out.p ? out.p : xstrdup("");
}

static cJSON *new_text(struct str text)
{
    char  *clean = clean_text(text);
    cJSON *item  = cJSON_CreateString(clean);
    explicit_bzero(clean, strlen(clean));
    free(clean);
    return item;
}

void json_set(struct json *object, const char *key, struct json **child)
{
    set_item(object, key, item_of(*child));
    *child = NULL;
}

void json_set_text(struct json *object, const char *key, struct str text)
{
    set_item(object, key, new_text(text));
}

void json_set_i64(struct json *object, const char *key, int64_t number)
{
    char        digits[I64_TEXT_BYTES];
    const char *text  = str_of_i64(digits, number).p;
    bool        exact = number > -exact_limit && number < exact_limit;
    bool        safe  = number >= -safe_limit && number <= safe_limit;
    cJSON      *item  = exact  ? cJSON_CreateNumber((double)number)
                        : safe ? cJSON_CreateRaw(text)
                               : cJSON_CreateString(text);
    set_item(object, key, item);
}

void json_set_bool(struct json *object, const char *key, bool value)
{
    set_item(object, key, cJSON_CreateBool(value));
}

void json_set_null(struct json *object, const char *key)
{
    set_item(object, key, cJSON_CreateNull());
}

void json_set_text_or_null(struct json *object, const char *key, struct str text)
{
    if (text.len)
        json_set_text(object, key, text);
    else
        json_set_null(object, key);
}

void json_set_raw(struct json *object, const char *key, struct str json_text)
{
    struct buf copy;
    buf_init(&copy, json_text.len);
    buf_add(&copy, json_text);
    set_item(object, key, cJSON_CreateRaw(buf_text(&copy)));
    buf_fini(&copy);
}

void json_add(struct json *array, struct json **child)
{
    add_item(array, item_of(*child));
    *child = NULL;
}

void json_add_text(struct json *array, struct str text)
{
    add_item(array, new_text(text));
}

void json_print_value(const struct json *json, struct buf *out)
{
    char *text = json ? cJSON_PrintUnformatted(look(json)) : NULL;
    if (json)
        assert(text);
    buf_add_text(out, text ? text : "null");
    cJSON_free(text);
}

void json_print(const struct json *json, struct buf *out)
{
    json_print_value(json, out);
}
