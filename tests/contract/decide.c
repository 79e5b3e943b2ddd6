// SPDX-License-Identifier: Apache-2.0
/* What the worker's decoder says of messages: one a line on standard input, one answer a line on standard output,
 * "good", or "bad" and why.
 *
 *     decide [PRIVACY_DEFAULT [MAX_BYTES]] */
#include <stdio.h>
#include <stdlib.h>

#include "job/command.h"
#include "job/job.h"

static bool decide(struct str message, const struct job_rules *rules, struct error *err)
{
    struct job     job;
    struct command command;
    bool           ok;
    if (message_kind_of(message, rules->message_max_bytes) == MESSAGE_COMMAND) {
        ok = command_decode(message, rules->message_max_bytes, &command, err);
        command_fini(&command);
    } else {
        ok = job_decode(message, rules, &job, err);
        job_fini(&job);
    }
    return ok;
}

int main(int argc, char **argv)
{
    struct job_rules rules = { .message_max_bytes = 256 * 1024,
                               .privacy_default   = argc > 1 ? argv[1] : "PUBLIC_TO_EVERYONE" };
    char            *line  = NULL;
    size_t           room  = 0;
    if (argc > 2 &&
        (!str_to_i64(str_of(argv[2]), &rules.message_max_bytes) || rules.message_max_bytes < 1))
        return 2;
    for (ssize_t len; (len = getline(&line, &room, stdin)) > 0;) {
        struct error err     = { 0 };
        struct str   message = { line, (size_t)len - (line[len - 1] == '\n') };
        if (decide(message, &rules, &err))
            puts("good");
        else
            printf("bad %s\n", err.message);
    }
    free(line);
    return 0;
}
