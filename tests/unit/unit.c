// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include <stdlib.h>

static struct unit_test *tests;  // the last registered first
static size_t            count;

void unit_register(struct unit_test *test)
{
    test->next = tests;
    tests      = test;
    count++;
}

static void run(void **state)
{
    const struct unit_test *test = *state;
    test->run();
}

int main(int argc, char **argv)
{
    struct CMUnitTest *list = calloc(count, sizeof *list);
    if (!list || argc > 2)
        return 2;
    if (argc == 2)
        cmocka_set_test_filter(argv[1]);
    size_t i = count;
    for (struct unit_test *test = tests; test; test = test->next)
        list[--i] =
            (struct CMUnitTest){ .name = test->name, .test_func = run, .initial_state = test };
    int failed = _cmocka_run_group_tests("unit", list, count, NULL, NULL);
    free(list);
    return failed ? 1 : 0;
}
