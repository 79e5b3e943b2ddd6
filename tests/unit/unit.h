// SPDX-License-Identifier: Apache-2.0
/* Tests that register themselves: TEST(a_sentence_without_spaces) { ... } is all; unit.c has
 * main(). The assertions are those of cmocka. A word on the command line runs only the tests whose
 * names match it (* and ?). */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct unit_test {
    const char *name;        // the sentence
    void (*run)(void);       // the body
    struct unit_test *next;  // registered before it
};

void unit_register(struct unit_test *test);

#define TEST(sentence)                                                                             \
    static void                              sentence(void);                                       \
    static struct unit_test                  test_##sentence = { #sentence, sentence, NULL };      \
    __attribute__((constructor)) static void register_##sentence(void)                             \
    {                                                                                              \
        unit_register(&test_##sentence);                                                           \
    }                                                                                              \
    static void sentence(void)

// A str against a C string, with both in the message.
#define assert_str(text, wanted)                                                                   \
    do {                                                                                           \
        struct str seen_ = (text);                                                                 \
        if (!str_is(seen_, wanted))                                                                \
            fail_msg("\"%.*s\" is not \"%s\"", STR_ARG(seen_), wanted);                            \
    } while (0)
