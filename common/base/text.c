// SPDX-License-Identifier: Apache-2.0
#include "base/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

struct str str_of(const char *text)
{
    return (struct str){ text, text ? strlen(text) : 0 };
}

bool str_eq(struct str a, struct str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

int str_compare(struct str a, struct str b)
{
    size_t shorter = a.len < b.len ? a.len : b.len;
    int    order   = shorter ? memcmp(a.p, b.p, shorter) : 0;
    return order ? order : (a.len > b.len) - (a.len < b.len);
}

bool str_is(struct str a, const char *text)
{
    return str_eq(a, str_of(text));
}

bool str_starts(struct str a, const char *prefix)
{
    size_t len = strlen(prefix);
    return a.len >= len && memcmp(a.p, prefix, len) == 0;
}

bool str_ends(struct str a, const char *suffix)
{
    size_t len = strlen(suffix);
    return a.len >= len && memcmp(a.p + a.len - len, suffix, len) == 0;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\v' || c == '\f';
}

struct str str_trim(struct str a)
{
    while (a.len && is_space(a.p[0])) {
        a.p++;
        a.len--;
    }
    while (a.len && is_space(a.p[a.len - 1]))
        a.len--;
    return a;
}

bool str_cut(struct str *rest, char at, struct str *part)
{
    if (!rest->p)
        return false;
    const char *end = rest->len ? memchr(rest->p, at, rest->len) : NULL;
    if (end) {
        *part = (struct str){ rest->p, (size_t)(end - rest->p) };
        *rest = (struct str){ end + 1, rest->len - part->len - 1 };
    } else {
        *part = *rest;
        *rest = (struct str){ NULL, 0 };
    }
    return true;
}

bool str_to_i64(struct str a, int64_t *number)
{
    char digits[24];
    if (a.len == 0 || a.len >= sizeof digits || is_space(a.p[0]) || a.p[0] == '+')
        return false;
    memcpy(digits, a.p, a.len);
    digits[a.len] = '\0';
    char *end     = NULL;
    errno         = 0;
    long long n   = strtoll(digits, &end, 10);
    if (errno || end != digits + a.len)
        return false;
    *number = n;
    return true;
}

bool str_to_double(struct str a, double *number)
{
    char digits[64];
    if (a.len == 0 || a.len >= sizeof digits || is_space(a.p[0]))
        return false;
    memcpy(digits, a.p, a.len);
    digits[a.len] = '\0';
    char *end     = NULL;
    errno         = 0;
    double n      = strtod(digits, &end);
    if (errno || end != digits + a.len)
        return false;
    *number = n;
    return true;
}

// Bytes of the code point at p, 0 when it is not UTF-8: no overlong form, no surrogate, nothing
// past U+10FFFF.
static size_t utf8_length(const unsigned char *p, size_t left)
{
    if (p[0] < 0x80)
        return 1;
    size_t   len    = p[0] >= 0xF0 ? 4 : p[0] >= 0xE0 ? 3 : 2;
    uint32_t lowest = len == 4 ? 0x10000 : len == 3 ? 0x800 : 0x80;
    uint32_t point  = p[0] & (0x7Fu >> len);
    if (p[0] < 0xC2 || p[0] > 0xF4 || left < len)
        return 0;
    for (size_t i = 1; i < len; i++) {
        if ((p[i] & 0xC0) != 0x80)
            return 0;
        point = point << 6 | (p[i] & 0x3Fu);
    }
    if (point < lowest || point > 0x10FFFF || (point >= 0xD800 && point <= 0xDFFF))
        return 0;
    return len;
}

bool str_utf16_units(struct str a, size_t *units)
{
    *units = 0;
    for (size_t i = 0; i < a.len;) {
        size_t len = utf8_length((const unsigned char *)a.p + i, a.len - i);
        if (!len)
            return false;
        *units += len == 4 ? 2 : 1;
        i += len;
    }
    return true;
}

struct str str_utf8_prefix(struct str a, size_t units)
{
    size_t taken = 0;
    size_t i     = 0;
    while (i < a.len) {
        size_t len = utf8_length((const unsigned char *)a.p + i, a.len - i);
        taken += len == 4 ? 2 : 1;
        if (!len || taken > units)
            break;
        i += len;
    }
    return (struct str){ a.p, i };
}

struct str str_of_i64(char out[I64_TEXT_BYTES], int64_t number)
{
    char    *end  = out + I64_TEXT_BYTES - 1;
    char    *p    = end;
    uint64_t rest = number < 0 ? -(uint64_t)number : (uint64_t)number;
    *end          = '\0';
    do {
        *--p = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest);
    if (number < 0)
        *--p = '-';
    return (struct str){ p, (size_t)(end - p) };
}

void buf_init(struct buf *buf, size_t max)
{
    *buf = (struct buf){ .max = max };
}

void buf_fini(struct buf *buf)
{
    free(buf->p);
    *buf = (struct buf){ .max = buf->max };
}

void buf_wipe(struct buf *buf)
{
    if (buf->p)
        explicit_bzero(buf->p, buf->capacity);
    buf_fini(buf);
}

void buf_clear(struct buf *buf)
{
    buf->len  = 0;
    buf->full = false;
    if (buf->p)
        buf->p[0] = '\0';
}

static bool buf_reserve(struct buf *buf, size_t more)
{
    if (more > buf->max - buf->len) {
        buf->full = true;
        return false;
    }
    size_t need = buf->len + more + 1;
    if (need > buf->capacity) {
        size_t capacity = buf->capacity ? buf->capacity : 64;
        while (capacity < need)
            capacity *= 2;
        // not realloc: what is left behind may be a secret
        char *p = xmalloc(capacity);
        if (buf->p) {
            memcpy(p, buf->p, buf->len);
            explicit_bzero(buf->p, buf->capacity);
            free(buf->p);
        }
        buf->p        = p;
        buf->capacity = capacity;
    }
    return true;
}

bool buf_add(struct buf *buf, struct str text)
{
    if (!buf_reserve(buf, text.len))
        return false;
    if (text.len)
        memcpy(buf->p + buf->len, text.p, text.len);
    buf->len += text.len;
    buf->p[buf->len] = '\0';
    return true;
}

bool buf_add_text(struct buf *buf, const char *text)
{
    return buf_add(buf, str_of(text));
}

bool buf_add_char(struct buf *buf, char c)
{
    return buf_add(buf, (struct str){ &c, 1 });
}

bool buf_add_i64(struct buf *buf, int64_t number)
{
    char digits[I64_TEXT_BYTES];
    return buf_add(buf, str_of_i64(digits, number));
}

bool buf_printf(struct buf *buf, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    int  len = vsnprintf(NULL, 0, format, args);
    bool ok  = len >= 0 && buf_reserve(buf, (size_t)len);
    if (ok) {
        vsnprintf(buf->p + buf->len, (size_t)len + 1, format, again);
        buf->len += (size_t)len;
    }
    va_end(again);
    va_end(args);
    return ok;
}

void buf_add_visible(struct buf *buf, struct str text)
{
    while (text.len) {
        unsigned char first = (unsigned char)text.p[0];
        size_t        bytes = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
        size_t        units;
        bool whole = bytes <= text.len && str_utf16_units((struct str){ text.p, bytes }, &units);
        bool c1    = whole && first == 0xc2 && (unsigned char)text.p[1] < 0xa0;
        if (!whole)
            bytes = 1;
        if (!whole || c1 || first < ' ' || first == 0x7f)
            buf_add_char(buf, '?');
        else
            buf_add(buf, (struct str){ text.p, bytes });
        text.p += bytes;
        text.len -= bytes;
    }
}

bool buf_add_url(struct buf *buf, struct str text)
{
    static const char hex[] = "0123456789ABCDEF";
    bool              ok    = true;
    for (size_t i = 0; ok && i < text.len; i++) {
        unsigned char c = (unsigned char)text.p[i];
        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
            (c && strchr("-._~", c)))
            ok = buf_add_char(buf, (char)c);
        else
            ok = buf_add(buf, (struct str){ (char[]){ '%', hex[c >> 4], hex[c & 0x0F] }, 3 });
    }
    return ok;
}

static int hex_digit(char c)
{
    static const char hex[] = "0123456789abcdefABCDEF";
    const char       *at    = c ? strchr(hex, c) : NULL;
    return !at ? -1 : at - hex < 16 ? (int)(at - hex) : (int)(at - hex) - 6;
}

bool buf_add_url_decoded(struct buf *buf, struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.p[i];
        if (c == '+') {
            c = ' ';
        } else if (c == '%') {
            int high = i + 2 < text.len ? hex_digit(text.p[i + 1]) : -1;
            int low  = i + 2 < text.len ? hex_digit(text.p[i + 2]) : -1;
            if (high < 0 || low < 0)
                return false;
            c = (char)(high * 16 + low);
            i += 2;
        }
        if (!c || !buf_add_char(buf, c))
            return false;
    }
    return true;
}

void buf_drop(struct buf *buf, size_t bytes)
{
    if (bytes >= buf->len) {
        buf_clear(buf);
        return;
    }
    memmove(buf->p, buf->p + bytes, buf->len - bytes + 1);
    buf->len -= bytes;
}

struct str buf_str(const struct buf *buf)
{
    return (struct str){ buf->p ? buf->p : "", buf->len };
}

const char *buf_text(const struct buf *buf)
{
    return buf->p ? buf->p : "";
}
