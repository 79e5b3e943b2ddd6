// SPDX-License-Identifier: Apache-2.0
// links: tokfleet_producer
#include "producer/tool/ids.h"

#include "unit.h"

TEST(sorted_ids_stand_once_and_are_found)
{
    struct ids ids = { 0 };
    assert_false(ids_have(&ids, STR("a")));
    ids_sort(&ids);
    const char *const come[] = { "b", "ab", "", "b", "a", "ab" };
    for (size_t i = 0; i < COUNT_OF(come); i++)
        ids_add(&ids, str_of(come[i]));
    ids_sort(&ids);
    assert_int_equal(ids.count, 4);
    assert_str(ids.texts[0], "");
    assert_str(ids.texts[1], "a");
    assert_str(ids.texts[2], "ab");
    assert_str(ids.texts[3], "b");
    assert_true(ids_have(&ids, STR("ab")));
    assert_false(ids_have(&ids, STR("aa")));
    assert_false(ids_have(&ids, STR("abc")));
    ids_fini(&ids);
}
