// SPDX-License-Identifier: Apache-2.0
// links: tokfleet_base
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

TEST(no_bytes_are_still_a_pointer)
{
    free(xmalloc(0));
    free(xcalloc(0, 8));
    free(xrealloc(NULL, 0));
}

TEST(a_copy_of_a_text_is_the_same_text)
{
    char *copy = xstrdup("text");
    assert_string_equal(copy, "text");
    free(copy);
}

TEST(an_arena_gives_zeroed_aligned_memory)
{
    struct arena arena = { 0 };
    for (size_t bytes = 0; bytes < 200; bytes++) {
        char *p = arena_alloc(&arena, bytes);
        assert_int_equal((uintptr_t)p % _Alignof(max_align_t), 0);
        for (size_t i = 0; i < bytes; i++)
            assert_int_equal(p[i], 0);
        memset(p, 0xFF, bytes);
    }
    arena_fini(&arena);
    assert_null(arena.first);
}

TEST(an_arena_holds_more_than_a_block_and_may_be_used_again)
{
    struct arena arena = { 0 };
    char        *large = arena_alloc(&arena, 100000);
    large[99999]       = 'x';
    arena_fini(&arena);
    assert_string_equal(arena_text(&arena, STR("again")), "again");
    arena_fini(&arena);
}

TEST(an_arena_copy_ends_in_zero_and_takes_an_empty_text)
{
    struct arena arena = { 0 };
    struct str   copy  = arena_copy(&arena, (struct str){ "abcdef", 3 });
    assert_int_equal(copy.len, 3);
    assert_string_equal(copy.p, "abc");
    assert_string_equal(arena_text(&arena, (struct str){ NULL, 0 }), "");
    arena_fini(&arena);
}
