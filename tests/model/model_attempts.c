// SPDX-License-Identifier: Apache-2.0
#include "life.h"
#include "runner.h"
#include "base/memory.h"
static const struct group groups[] = {
    SAME_AS_REFERENCE("attempts", 1363345, true, .bounds = { .fail = 1, .flush = 1, .crash = 1, .reap = 1 }),
    SAME_AS_REFERENCE("attempts, three workers", 132937, false, .workers = 3, .bounds = { .flush = 1, .reap = 2, .lost = 1, .bad = 1 }),
    SAME_AS_REFERENCE("answers of every kind", 174037, true, .bounds = { .flush = 1, .crash = 1, .reap = 1, .lost = 1, .refuse = 1, .bad = 1 }),
    SAME_AS_REFERENCE("policy", 194433, false, .bounds = { .fail = 1, .flush = 1, .lost = 1, .policy = 1 }),
    SAME_AS_REFERENCE("a relay that sleeps", 924547, false, .bounds = { .fail = 1, .flush = 1, .reap = 1, .slow = 1 }),
    SAME_AS_REFERENCE("commands", 387758, true, .bounds = { .flush=1, .crash=1, .reap=1, .lost=1, .ask=1, .late=1}, .resolve=true),
    SAME_AS_REFERENCE("commands, failover", 718436, false, .bounds = { .fail=1, .crash=1, .reap=1, .ask=1}, .resolve=true),
    SAME_AS_REFERENCE("FAILED ends retried", 637885, false, .bounds = { .fail=1, .flush=1, .bad=1, .ask=1}, .failed=true),
    SAME_AS_REFERENCE("tail", 432646, false, .bounds = { .fail=1, .reap=1, .slow=1, .lost=1}, .tail=true, .no_split=true),
    SAME_AS_REFERENCE("tail, commands", 435721, false, .bounds = { .fail=1, .reap=1, .ask=1}, .resolve=true, .tail=true, .no_split=true),
    SAME_AS_REFERENCE("first start", 39366, false, .bounds = { .flush=2, .claims=2, .takes=4}, .first=true, .takers=2),
    SAME_AS_REFERENCE("two takers, FLUSHALL twice", 425135, false, .bounds = { .flush=2, .reap=1, .claims=2, .takes=4}, .takers=2),
    SAME_AS_REFERENCE("two takers, isolated", 254215, false, .bounds = { .fail=1,.flush=1, .claims=2, .takes=3}, .takers=2),
    SAME_AS_REFERENCE("upload", 85068, true, .bounds = { .flush=1, .crash=1, .reap=1, .lost=1}, .upload=true),
    SAME_AS_REFERENCE("upload, failover", 300785, true, .bounds = { .fail=1, .crash=1, .reap=1}, .upload=true),
    SAME_AS_REFERENCE("upload, changed", 439115, false, .bounds = { .flush=1, .crash=1, .reap=2, .changed=1, .gone=1}, .upload=true),
};
static const struct suite suite = { &life_machine, groups, COUNT_OF(groups), NULL, 0 };
int main(int argc, char **argv) { return suite_main(&suite, argc, argv); }
