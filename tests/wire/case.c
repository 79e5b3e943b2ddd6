// SPDX-License-Identifier: Apache-2.0
#include "case.h"

#include <assert.h>
#include <signal.h>
#include <unistd.h>

#include "base/log.h"

enum { CASES_MAX = 200 };

static struct CMUnitTest cases[CASES_MAX];
static size_t            count;

void case_add(const char *sentence, CMUnitTestFunction function)
{
    assert(count < CASES_MAX);
    cases[count++] = (struct CMUnitTest){ .name = sentence, .test_func = function };
}

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN);
    log_open(STDERR_FILENO, "test", LOG_ERROR);
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return _cmocka_run_group_tests("wire", cases, count, NULL, NULL);
}
