// SPDX-License-Identifier: Apache-2.0
#include "base/error.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct row {
    enum then   then;    // column 2
    enum effect effect;  // column 3
    const char *words;   // column 4
};

static const struct row rows[] = {
#define X(code, then, effect, words) { then, effect, words },
    ERRORS(X)
#undef X
};

// What a message quotes may come from anywhere: it stays one line, and no terminal obeys it. One
// that was cut ends with a whole character.
static void message_settle(char message[ERROR_MESSAGE_BYTES])
{
    size_t len = strlen(message);
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)message[i], next = (unsigned char)message[i + 1];
        if (c < ' ' || c == 0x7f)
            message[i] = ' ';
        else if (c == 0xC2 && next >= 0x80 &&
                 next < 0xA0)  // U+0080 to U+009F: some terminals obey these, too
            message[i] = message[i + 1] = ' ';
    }
    if (len < ERROR_MESSAGE_BYTES - 1)
        return;
    size_t lead = len - 1;
    while (lead > 0 && ((unsigned char)message[lead] & 0xC0) == 0x80)
        lead--;
    if ((unsigned char)message[lead] >= 0x80)
        message[lead] = '\0';
}

bool error_set(struct error *err, enum err_code code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char message[ERROR_MESSAGE_BYTES];
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    message_settle(message);
    if (err) {
        err->code = code;
        memcpy(err->message, message, sizeof message);
    }
    return false;
}

bool error_wrap(struct error *err, const char *format, ...)
{
    if (!err)
        return false;
    va_list args;
    va_start(args, format);
    char what[ERROR_MESSAGE_BYTES];
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    char message[ERROR_MESSAGE_BYTES * 2 + 4];
    snprintf(message, sizeof message, "%s: %s", what, err->message);
    message[ERROR_MESSAGE_BYTES - 1] = '\0';
    message_settle(message);
    memcpy(err->message, message, ERROR_MESSAGE_BYTES);
    return false;
}

enum then err_then(enum err_code code)
{
    assert(code < ERR_COUNT);
    return rows[code].then;
}

enum effect err_effect(enum err_code code)
{
    assert(code < ERR_COUNT);
    return rows[code].effect;
}

const char *err_words(enum err_code code)
{
    assert(code < ERR_COUNT);
    return rows[code].words;
}
