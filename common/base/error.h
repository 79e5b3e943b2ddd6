// SPDX-License-Identifier: Apache-2.0
/* What may go wrong in the world, as a value: a code and a message in place, no allocation. A
 * function that can fail returns bool, is MUST_CHECK, takes `struct error *err` last and writes it
 * only on failure. Everyone above base/, io/ and tiktok/ asks err_then() and err_effect() instead
 * of looking at foreign codes. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(text, first) __attribute__((format(printf, text, first)))
#define NORETURN __attribute__((noreturn))

// what to do about it
enum then {
    THEN_RETRY,    // the same again, later
    THEN_WAIT,     // told to slow down, or the other side is not ready
    THEN_LOOK_UP,  // it may have happened: never again on a guess
    THEN_PARK,     // a person has to act first
    THEN_FAIL,     // never again
};

// may the other side have acted?
enum effect {
    EFFECT_NO,
    EFFECT_MAYBE,
};

// clang-format off
/*     code            then          effect        in words                                  */
#define ERRORS(X)                                                                              \
    X( ERR_CONNECT,    THEN_RETRY,   EFFECT_NO,    "could not connect"                       ) \
    X( ERR_TIMEOUT,    THEN_LOOK_UP, EFFECT_MAYBE, "no answer in time"                       ) \
    X( ERR_LOST,       THEN_LOOK_UP, EFFECT_MAYBE, "the connection was lost"                 ) \
    X( ERR_BROKEN,     THEN_LOOK_UP, EFFECT_MAYBE, "the answer cannot be understood"         ) \
    X( ERR_NOT_SENT,   THEN_RETRY,   EFFECT_NO,    "it was not sent"                         ) \
    X( ERR_FULL,       THEN_WAIT,    EFFECT_NO,    "a bound is reached"                      ) \
    X( ERR_CLOSED,     THEN_WAIT,    EFFECT_NO,    "the gate is closed"                      ) \
    X( ERR_IO,         THEN_FAIL,    EFFECT_NO,    "the system refused"                      ) \
    X( ERR_SETTING,    THEN_FAIL,    EFFECT_NO,    "a setting is wrong"                      ) \
    X( ERR_INPUT,      THEN_FAIL,    EFFECT_NO,    "the input is wrong"                      ) \
    X( ERR_SEALED,     THEN_PARK,    EFFECT_NO,    "a sealed text cannot be opened"          ) \
    X( ERR_REFUSED,    THEN_FAIL,    EFFECT_NO,    "request refused"                         )

enum err_code {
#define X(code, then, effect, words) code,
    ERRORS(X)
#undef X
    ERR_COUNT
};
// clang-format on

enum { ERROR_MESSAGE_BYTES = 320 };

struct error {
    enum err_code code;                          // a row of ERRORS
    char          message[ERROR_MESSAGE_BYTES];  // for people, one line, never a secret
};

// Writes code and message; always false, so that failing is one line.
bool error_set(struct error *err, enum err_code code, const char *format, ...) PRINTF_LIKE(3, 4);

// Puts "what: " before the message; always false.
bool error_wrap(struct error *err, const char *format, ...) PRINTF_LIKE(2, 3);

enum then   err_then(enum err_code code);
enum effect err_effect(enum err_code code);
const char *err_words(enum err_code code);
