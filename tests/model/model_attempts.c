// SPDX-License-Identifier: Apache-2.0
/* Attempts: claims, intents, answers of every kind, late results, publish ids that end FAILED,
 * policies. */
#include "base/memory.h"
#include "life.h"
#include "runner.h"

static const struct group groups[] = {
    GROUP("attempts", 1300000, true, ALWAYS,
          .bounds = { .fail = 1, .flush = 1, .crash = 1, .reap = 1 }),
    GROUP("attempts, an answer lost", 4900000, false, LONG,
          .bounds = { .fail = 1, .flush = 1, .crash = 1, .reap = 1, .lost = 1 }),
    GROUP("attempts, an answer lost, failover", 660000, false, QUICK,
          .bounds = { .fail = 1, .crash = 1, .reap = 1, .lost = 1 }),
    GROUP("attempts, a publish id FAILED", 3400000, false, LONG,
          .bounds = { .fail = 1, .flush = 1, .crash = 1, .reap = 1, .bad = 1 }),
    GROUP("attempts, a publish id FAILED, failover", 460000, false, QUICK,
          .bounds = { .fail = 1, .crash = 1, .reap = 1, .bad = 1 }),
    GROUP("attempts, two failovers", 2500000, false, LONG,
          .bounds = { .fail = 2, .crash = 1, .reap = 1 }),
    GROUP("attempts, three workers", 160000, false, ALWAYS, .workers = 3,
          .bounds = { .flush = 1, .reap = 2, .lost = 1, .bad = 1 }),
    GROUP("answers of every kind", 230000, true, ALWAYS,
          .bounds = { .flush = 1, .crash = 1, .reap = 1, .lost = 1, .refuse = 1, .bad = 1 }),
    GROUP("answers of every kind, failover", 1400000, false, LONG,
          .bounds = { .fail = 1, .crash = 1, .reap = 1, .lost = 1, .refuse = 1 }),
    GROUP("policy: retry and fail", 260000, false, ALWAYS,
          .bounds = { .fail = 1, .flush = 1, .lost = 1, .policy = 1 }),
    GROUP("policy, twice, publish ids FAILED", 1100000, false, LONG,
          .bounds = { .fail = 1, .flush = 1, .lost = 1, .policy = 2, .bad = 1 }),
    REFERENCE("attempts", 1363345, true,
              .bounds = { .fail = 1, .flush = 1, .crash = 1, .reap = 1 }),
    REFERENCE("attempts, an answer lost", 3267123, false,
              .bounds = { .fail = 1, .flush = 1, .crash = 1, .reap = 1, .lost = 1 }),
    REFERENCE("attempts, a publish id FAILED", 3719756, false,
              .bounds = { .fail = 1, .flush = 1, .crash = 1, .reap = 1, .bad = 1 }),
    REFERENCE("attempts, two failovers", 2529255, false,
              .bounds = { .fail = 2, .crash = 1, .reap = 1 }),
    REFERENCE("attempts, three workers", 132937, false, .workers = 3,
              .bounds = { .flush = 1, .reap = 2, .lost = 1, .bad = 1 }),
    REFERENCE("answers of every kind", 174037, true,
              .bounds = { .flush = 1, .crash = 1, .reap = 1, .lost = 1, .refuse = 1, .bad = 1 }),
    REFERENCE("policy", 194433, false, .bounds = { .fail = 1, .flush = 1, .lost = 1, .policy = 1 }),
};

static const struct ablation ablations[] = {
    ABLATION(KAFKA_FIRST, .bounds = { .fail = 1 }),
    ABLATION(GENERATION, .bounds = { .flush = 1, .reap = 1 }),
    ABLATION(GATED, .bounds = { .flush = 1 }),
    ABLATION(REAPER_GATED, .bounds = { .fail = 1, .reap = 1, .crash = 1 }),
    ABLATION(KEYS, .bounds = { .flush = 1, .reap = 1, .crash = 1 }),
    ABLATION(NEWEST, .bounds = { .flush = 1, .bad = 1 }),
    ABLATION(SAME, .bounds = { .flush = 1, .reap = 2, .lost = 1, .bad = 1 }),
    ABLATION(FINISH, .bounds = { .bad = 1 }),
    ABLATION(REQUEUE, .bounds = { .fail = 1, .flush = 1, .reap = 1 }),
    ABLATION(DOUBT_KEPT, .bounds = { .reap = 1 }),
    ABLATION(ABORT_KNOWN, .bounds = { .lost = 1 }),
};

int main(int argc, char **argv)
{
    static const struct suite suite = { &life_machine, groups, COUNT_OF(groups), ablations,
                                        COUNT_OF(ablations) };
    return suite_main(&suite, argc, argv);
}
