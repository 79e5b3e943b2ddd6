// SPDX-License-Identifier: Apache-2.0
#include "base/process.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/text.h"

static int64_t microseconds(struct timeval time)
{
    return (int64_t)time.tv_sec * 1000000 + time.tv_usec;
}

// "size resident ...", in pages
static void look_at_memory(struct process_use *use)
{
    char       line[256];
    int64_t    pages;
    struct str rest, part;
    FILE      *file = fopen("/proc/self/statm", "re");
    if (!file)
        return;
    if (fgets(line, sizeof line, file)) {
        rest = str_of(line);
        if (str_cut(&rest, ' ', &part) && str_to_i64(part, &pages))
            use->virtual_bytes = pages * sysconf(_SC_PAGESIZE);
        if (str_cut(&rest, ' ', &part) && str_to_i64(part, &pages))
            use->resident_bytes = pages * sysconf(_SC_PAGESIZE);
    }
    fclose(file);
}

static void look_at_fds(struct process_use *use)
{
    struct rlimit  limit;
    struct dirent *entry;
    DIR           *folder = opendir("/proc/self/fd");
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
        use->fds_max = (int64_t)limit.rlim_cur;
    if (!folder)
        return;
    use->fds = -1;  // that of the folder itself
    while ((entry = readdir(folder)))
        use->fds += entry->d_name[0] != '.';
    closedir(folder);
}

void process_look(struct process_use *use)
{
    struct rusage usage;
    *use = (struct process_use){ -1, -1, -1, -1, -1 };
    if (getrusage(RUSAGE_SELF, &usage) == 0)
        use->cpu_us = microseconds(usage.ru_utime) + microseconds(usage.ru_stime);
    look_at_memory(use);
    look_at_fds(use);
}
