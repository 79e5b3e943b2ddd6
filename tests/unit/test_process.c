// SPDX-License-Identifier: Apache-2.0
// links: tokfleet_base
#include "unit.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/process.h"

TEST(the_use_of_a_process_is_what_it_does)
{
    struct process_use before, after;
    enum { MORE_BYTES = 32 * 1024 * 1024 };
    process_look(&before);
    assert_true(before.cpu_us >= 0 && before.resident_bytes > 100000);
    assert_true(before.virtual_bytes >= before.resident_bytes);
    assert_true(before.fds >= 1 && before.fds_max >= before.fds);
    int   fd    = open("/dev/null", O_RDONLY | O_CLOEXEC);
    char *bytes = xmalloc(MORE_BYTES);
    memset(bytes, 1, MORE_BYTES);
    const clock_t until = clock() + CLOCKS_PER_SEC / 50;
    while (clock() < until)
        ;
    process_look(&after);
    assert_int_equal(after.fds, before.fds + 1);
    assert_true(after.resident_bytes >= before.resident_bytes + MORE_BYTES / 2);
    assert_true(after.cpu_us >= before.cpu_us + 10000);
    close(fd);
    free(bytes);
}
