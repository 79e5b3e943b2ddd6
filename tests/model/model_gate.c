// SPDX-License-Identifier: Apache-2.0
/* The gate: takers, generations, the wait, a journal read from its tail or in two parts, the first
 * start. */
#include "base/memory.h"
#include "life.h"
#include "runner.h"

static const struct group groups[] = {
    GROUP("tail", 1100000, false, LONG, .tail = true, .no_split = true,
          .bounds = { .fail = 1, .reap = 1, .slow = 1, .lost = 1 }),
    GROUP("tail, an answer lost", 300000, false, QUICK, .tail = true, .no_split = true,
          .bounds = { .fail = 1, .reap = 1, .lost = 1 }),
    GROUP("tail, commands", 310000, false, ALWAYS, .tail = true, .no_split = true, .resolve = true,
          .bounds = { .fail = 1, .reap = 1, .ask = 1 }),
    GROUP("tail, FAILED ends retried", 230000, false, ALWAYS, .tail = true, .no_split = true,
          .failed = true, .bounds = { .fail = 1, .bad = 1, .ask = 1, .slow = 1 }),
    GROUP("tail, cancel and expiry", 620000, false, ALWAYS, .tail = true, .no_split = true,
          .bounds = { .fail = 1, .crash = 1, .cancel = 1, .expire = 1 }),
    GROUP("tail, an isolated primary", 60000, false, ALWAYS, .tail = true,
          .bounds = { .fail = 1, .reap = 1, .claims = 2 }),
    GROUP("tail, begun late", 180000, false, ALWAYS, .tail = true, .late_tail = true,
          .no_split = true, .bounds = { .fail = 1, .reap = 1, .claims = 2 }),
    GROUP("tail, begun late, commands", 750000, false, ALWAYS, .tail = true, .late_tail = true,
          .no_split = true, .resolve = true,
          .bounds = { .fail = 1, .reap = 1, .ask = 1, .claims = 2 }),
    GROUP("tail, two failovers and a FLUSHALL", 2400000, false, LONG, .tail = true,
          .no_split = true, .bounds = { .fail = 2, .flush = 1, .reap = 1, .claims = 2 }),
    GROUP("tail, tombstones", 61000, false, ALWAYS, .tail = true, .no_split = true, .failed = true,
          .resolve = true, .bounds = { .fail = 1, .bad = 1, .ask = 1, .old = 1, .claims = 2 }),
    GROUP("read in two parts", 300000, false, ALWAYS, .torn = true,
          .bounds = { .fail = 1, .flush = 1, .reap = 1 }),
    GROUP("read in two parts, commands", 9000, false, ALWAYS, .torn = true, .resolve = true,
          .bounds = { .flush = 1, .reap = 1, .ask = 1 }),
    GROUP("read in two parts, FAILED ends retried", 47000, false, ALWAYS, .torn = true,
          .failed = true, .bounds = { .flush = 1, .reap = 1, .bad = 1, .ask = 1 }),
    GROUP("read in two parts, cancel", 160000, false, ALWAYS, .torn = true,
          .bounds = { .flush = 1, .crash = 1, .reap = 1, .cancel = 1 }),
    GROUP("read in two parts, commands, failover", 760000, false, LONG, .torn = true,
          .resolve = true, .bounds = { .fail = 1, .flush = 1, .lost = 1, .ask = 1 }),
    GROUP("first start, two takers", 35000, false, ALWAYS, .first = true, .takers = 2,
          .bounds = { .flush = 2, .claims = 2, .takes = 4 }),
    GROUP("two takers, FLUSHALL twice", 360000, false, ALWAYS, .takers = 2,
          .bounds = { .flush = 2, .reap = 1, .claims = 2, .takes = 4 }),
    GROUP("two takers, an isolated primary", 230000, false, ALWAYS, .takers = 2,
          .bounds = { .fail = 1, .flush = 1, .claims = 2, .takes = 3 }),
    GROUP("two takers, commands", 2300000, false, LONG, .takers = 2, .resolve = true,
          .bounds = { .flush = 2, .reap = 1, .ask = 1, .claims = 2, .takes = 4 }),
    REFERENCE("tail", 432646, false, .tail = true, .no_split = true,
              .bounds = { .fail = 1, .reap = 1, .slow = 1, .lost = 1 }),
    REFERENCE("tail, commands", 435721, false, .tail = true, .no_split = true, .resolve = true,
              .bounds = { .fail = 1, .reap = 1, .ask = 1 }),
    REFERENCE("tail, FAILED ends retried", 303842, false, .tail = true, .no_split = true,
              .failed = true, .bounds = { .fail = 1, .bad = 1, .ask = 1, .slow = 1 }),
    REFERENCE("first start, two takers", 39366, false, .first = true, .takers = 2,
              .bounds = { .flush = 2, .claims = 2, .takes = 4 }),
    REFERENCE("two takers, FLUSHALL twice", 425135, false, .takers = 2,
              .bounds = { .flush = 2, .reap = 1, .claims = 2, .takes = 4 }),
    REFERENCE("two takers, an isolated primary", 254215, false, .takers = 2,
              .bounds = { .fail = 1, .flush = 1, .claims = 2, .takes = 3 }),
};

static const struct ablation ablations[] = {
    ABLATION(WAIT, .bounds = { .fail = 1 }),
    ABLATION(REPLID, .no_split = true, .bounds = { .fail = 1 }),
    ABLATION(IMAGE, .tail = true, .no_split = true, .bounds = { .fail = 1 }),
    ABLATION(IMAGE_ALWAYS, .tail = true, .no_split = true, .bounds = { .fail = 1, .reap = 1 }),
    ABLATION(TAIL_MARGIN, .tail = true, .late_tail = true, .no_split = true,
             .bounds = { .fail = 1 }),
    ABLATION(TAIL_STALE, .tail = true, .no_split = true,
             .bounds = { .fail = 1, .old = 1, .claims = 1 }),
    ABLATION(DOUBT_ONLY, .tail = true, .no_split = true,
             .bounds = { .fail = 1, .reap = 1, .ask = 1 }),
    ABLATION(RETRIED, .tail = true, .no_split = true, .failed = true, .forgetting = true,
             .bounds = { .fail = 1, .bad = 1, .ask = 1 }),
    ABLATION(TOKEN, .first = true, .takers = 2, .bounds = { .flush = 1, .takes = 4 }),
    ABLATION(GENERATION_KEY, .takers = 2, .bounds = { .flush = 2, .reap = 1, .takes = 5 }),
};

int main(int argc, char **argv)
{
    static const struct suite suite = { &life_machine, groups, COUNT_OF(groups), ablations,
                                        COUNT_OF(ablations) };
    return suite_main(&suite, argc, argv);
}
