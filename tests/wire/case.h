// SPDX-License-Identifier: Apache-2.0
/* Tests register themselves under a sentence:
 *
 *     TEST("a late answer is dropped") { ... }
 *
 * case.c has the main: all of them, or those whose sentence matches the pattern given (`*late*`). */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define CASE_JOIN_(a, b) a##b
#define CASE_JOIN(a, b) CASE_JOIN_(a, b)
#define TEST(sentence)                                                                             \
    static void                              CASE_JOIN(case_, __LINE__)(void **state);             \
    __attribute__((constructor)) static void CASE_JOIN(add_, __LINE__)(void)                       \
    {                                                                                              \
        case_add(sentence, CASE_JOIN(case_, __LINE__));                                            \
    }                                                                                              \
    static void CASE_JOIN(case_, __LINE__)(void **state __attribute__((unused)))

void case_add(const char *sentence, CMUnitTestFunction function);
