// SPDX-License-Identifier: Apache-2.0
#include "text.h"

// Decodes one code point at s; 0 bytes when it is malformed, overlong or a surrogate.
static int decode(const unsigned char *s, uint32_t *point)
{
    static const uint32_t lowest[] = { 0, 0, 0x80, 0x800, 0x10000 };
    int                   len      = s[0] < 0x80   ? 1
                                     : s[0] < 0xC2 ? 0
                                     : s[0] < 0xE0 ? 2
                                     : s[0] < 0xF0 ? 3
                                     : s[0] < 0xF5 ? 4
                                                   : 0;
    if (len <= 1) {
        *point = s[0];
        return len;
    }
    uint32_t value = s[0] & (0xFFu >> (len + 1));
    for (int i = 1; i < len; i++) {
        if ((s[i] & 0xC0) != 0x80)
            return 0;
        value = value << 6 | (s[i] & 0x3F);
    }
    if (value < lowest[len] || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF))
        return 0;
    *point = value;
    return len;
}

bool text_utf16_units(const char *s, size_t *units)
{
    *units = 0;
    while (*s) {
        uint32_t point;
        int      len = decode((const unsigned char *)s, &point);
        if (!len)
            return false;
        *units += point >= 0x10000 ? 2 : 1;
        s += len;
    }
    return true;
}

size_t text_fit_units(const char *s, size_t units)
{
    size_t bytes = 0;
    size_t used  = 0;
    while (s[bytes]) {
        uint32_t point = 0;
        int      len   = decode((const unsigned char *)s + bytes, &point);
        used += point >= 0x10000 ? 2 : 1;
        if (!len || used > units)
            break;
        bytes += (size_t)len;
    }
    return bytes;
}

bool text_to_number(const char *s, int64_t *value)
{
    *value = 0;
    if (!*s)
        return false;
    for (; *s; s++) {
        if (*s < '0' || *s > '9' || *value > INT64_C(100000000000000000))
            return false;
        *value = *value * 10 + (*s - '0');
    }
    return true;
}
