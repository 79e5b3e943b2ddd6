// SPDX-License-Identifier: Apache-2.0
/* A fuzz target: FUZZ(name) { ... } in fuzz_<name>.c, with the bytes in `input`, which no '\0'
 * follows. What must hold of every input is asserted. With clang (preset `fuzz`) each target is a
 * libFuzzer program of its own; else all of them are parts of `fuzz_corpus`, which runs the files
 * of tests/fuzz/corpus once. */
#pragma once

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

struct fuzz_target {
    const char *name;  // as its folder in the corpus
    void (*run)(struct str input);
    struct fuzz_target *next;  // registered before it
};

void fuzz_register(struct fuzz_target *target);

#ifdef TOKFLEET_LIBFUZZER
#define FUZZ(name)                                                                                 \
    static void fuzz_##name(struct str input);                                                     \
    int         LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);                          \
    int         LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)                           \
    {                                                                                              \
        fuzz_##name((struct str){ (const char *)data, size });                                     \
        return 0;                                                                                  \
    }                                                                                              \
    static void fuzz_##name(struct str input)
#else
#define FUZZ(name)                                                                                 \
    static void                              fuzz_##name(struct str input);                        \
    static struct fuzz_target                target_##name = { #name, fuzz_##name, NULL };         \
    __attribute__((constructor)) static void register_##name(void)                                 \
    {                                                                                              \
        fuzz_register(&target_##name);                                                             \
    }                                                                                              \
    static void fuzz_##name(struct str input)
#endif

// the first byte, taken off; 0 when there is none
static inline unsigned fuzz_byte(struct str *input)
{
    unsigned byte = 0;
    if (input->len) {
        byte   = (unsigned char)input->p[0];
        *input = (struct str){ input->p + 1, input->len - 1 };
    }
    return byte;
}

static inline bool fuzz_holds(struct str text, struct str part)
{
    for (size_t i = 0; part.len && i + part.len <= text.len; i++)
        if (str_eq((struct str){ text.p + i, part.len }, part))
            return true;
    return false;
}

// one line for people: something, UTF-8 where what it quotes is, and nothing that a terminal obeys
static inline void fuzz_check_message(const char *message)
{
    assert(*message);
    for (; *message; message++)
        assert((unsigned char)*message >= ' ' && *message != 0x7f);
}
