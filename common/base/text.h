// SPDX-License-Identifier: Apache-2.0
/* Text: `struct str` to look at bytes that somebody else owns, `struct buf` to build them, born
 * with its maximum. A str need not end in '\0'; what a buf holds always does. */
#pragma once

#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct str {
    const char *p;    // first byte; may be NULL when len is 0
    size_t      len;  // bytes
};

#define STR(literal) ((struct str){ "" literal, sizeof(literal) - 1 })
#define STR_ARG(s) (int)(s).len, (s).p ? (s).p : ""  // for "%.*s"

struct str str_of(const char *text);  // of a C string; NULL is empty
bool       str_eq(struct str a, struct str b);
int  str_compare(struct str a, struct str b);  // by bytes, as for qsort; a beginning comes first
bool str_is(struct str a, const char *text);
bool str_starts(struct str a, const char *prefix);
bool str_ends(struct str a, const char *suffix);
struct str str_trim(struct str a);  // no white space at both ends
// next part before `at`; false at the end
bool str_cut(struct str *rest, char at, struct str *part);
bool str_to_i64(struct str a, int64_t *number) MUST_CHECK;    // all of it, decimal
bool str_to_double(struct str a, double *number) MUST_CHECK;  // all of it
enum { I64_TEXT_BYTES = 21 };
// decimal, as "%" PRIi64 but many times faster; points into out
struct str str_of_i64(char out[I64_TEXT_BYTES], int64_t number);
bool       str_utf16_units(struct str a, size_t *units) MUST_CHECK;  // false: not UTF-8 (RFC 3629)
// longest valid prefix of so many units
struct str str_utf8_prefix(struct str a, size_t units);

struct buf {
    char  *p;         // NULL until the first byte
    size_t len;       // bytes, without the closing '\0'
    size_t capacity;  // bytes allocated
    size_t max;       // len never passes it
    bool   full;      // something did not fit: what is in it is not whole
};

void buf_init(struct buf *buf, size_t max);
void buf_fini(struct buf *buf);                        // frees; may be init again
void buf_wipe(struct buf *buf);                        // overwrites with zeros, then frees
void buf_clear(struct buf *buf);                       // empty, memory kept
bool buf_add(struct buf *buf, struct str text);        // false and full when it does not fit
bool buf_add_text(struct buf *buf, const char *text);  // the same for a C string
bool buf_add_char(struct buf *buf, char c);
bool buf_add_i64(struct buf *buf, int64_t number);  // decimal
bool buf_printf(struct buf *buf, const char *format, ...) PRINTF_LIKE(2, 3);
// what came from outside, as one line that no terminal obeys: control characters and broken UTF-8
// become '?'
void buf_add_visible(struct buf *buf, struct str text);
bool buf_add_url(struct buf *buf, struct str text);  // %XX for all but letters, digits and -._~
// the other way, + as a space, as in forms and queries; false: broken, or a zero byte
bool        buf_add_url_decoded(struct buf *buf, struct str text) MUST_CHECK;
void        buf_drop(struct buf *buf, size_t bytes);  // from the front
struct str  buf_str(const struct buf *buf);
const char *buf_text(const struct buf *buf);  // never NULL
