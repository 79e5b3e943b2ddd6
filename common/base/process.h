// SPDX-License-Identifier: Apache-2.0
/* What this process uses of the machine, as the kernel says (getrusage, /proc/self). What cannot be
 * read is -1. */
#pragma once

#include <stdint.h>

struct process_use {
    int64_t cpu_us;  // user and system
    int64_t resident_bytes;
    int64_t virtual_bytes;
    int64_t fds;      // open
    int64_t fds_max;  // that may be
};

void process_look(struct process_use *use);
