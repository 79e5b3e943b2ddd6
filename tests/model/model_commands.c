// SPDX-License-Identifier: Apache-2.0
/* The outbox, commands and the poll horizon: retry, resolve, cancel, expiry, relays that sleep, tombstones. */
#include "base/memory.h"
#include "life.h"
#include "runner.h"

static const struct group groups[] = {
    GROUP("a relay that sleeps", 750000, false, ALWAYS, .bounds = { .fail = 1, .flush = 1, .reap = 1, .slow = 1 }),
    GROUP("commands", 510000, true, ALWAYS, .resolve = true,
          .bounds = { .flush = 1, .crash = 1, .reap = 1, .lost = 1, .ask = 1, .late = 1 }),
    GROUP("commands, failover", 710000, false, ALWAYS, .resolve = true,
          .bounds = { .fail = 1, .crash = 1, .reap = 1, .ask = 1 }),
    GROUP("commands, failover and FLUSHALL", 1600000, false, LONG, .resolve = true,
          .bounds = { .fail = 1, .flush = 1, .reap = 1, .ask = 1 }),
    GROUP("commands, horizon, failover and FLUSHALL", 900000, false, ALWAYS,
          .bounds = { .fail = 1, .flush = 1, .lost = 1, .ask = 1, .late = 1 }),
    GROUP("two commands, FLUSHALL", 330000, false, ALWAYS, .resolve = true,
          .bounds = { .flush = 1, .reap = 1, .lost = 1, .ask = 2 }),
    GROUP("two commands, failover", 2700000, false, LONG, .resolve = true,
          .bounds = { .fail = 1, .reap = 1, .lost = 1, .ask = 2 }),
    GROUP("FAILED ends retried", 600000, false, ALWAYS, .failed = true,
          .bounds = { .fail = 1, .flush = 1, .bad = 1, .ask = 1 }),
    GROUP("cancel", 430000, true, ALWAYS, .bounds = { .flush = 1, .crash = 1, .reap = 1, .refuse = 1, .cancel = 1 }),
    GROUP("cancel, failover", 2400000, false, LONG, .bounds = { .fail = 1, .crash = 1, .reap = 1, .cancel = 1 }),
    GROUP("cancel, failover and FLUSHALL", 1200000, false, ALWAYS,
          .bounds = { .fail = 1, .flush = 1, .lost = 1, .cancel = 1 }),
    GROUP("cancel and retry", 90000, false, ALWAYS, .resolve = true,
          .bounds = { .flush = 1, .reap = 1, .ask = 1, .cancel = 1 }),
    GROUP("cancel, an outbox relayed late", 230000, false, LONG,
          .bounds = { .fail = 1, .slow = 1, .lost = 1, .cancel = 1 }),
    GROUP("expiry", 170000, true, ALWAYS,
          .bounds = { .flush = 1, .crash = 1, .reap = 1, .refuse = 1, .bad = 1, .expire = 1 }),
    GROUP("expiry, failover", 1800000, false, LONG,
          .bounds = { .fail = 1, .flush = 1, .reap = 1, .slow = 1, .expire = 1 }),
    GROUP("expiry, cancel, policy", 580000, false, ALWAYS,
          .bounds = { .fail = 1, .lost = 1, .policy = 1, .expire = 1, .cancel = 1 }),
    GROUP("tombstones", 2000, false, ALWAYS, .bounds = { .flush = 1, .reap = 1, .old = 1 }),
    GROUP("tombstones, commands", 5300, false, ALWAYS, .resolve = true,
          .bounds = { .flush = 1, .lost = 1, .ask = 1, .old = 1 }),
    GROUP("tombstones, FAILED ends, failover", 8800, false, ALWAYS, .failed = true,
          .bounds = { .fail = 1, .bad = 1, .old = 1 }),
    GROUP("tombstones, commands, failover and FLUSHALL", 3400000, false, LONG, .failed = true, .resolve = true,
          .bounds = { .fail = 1, .flush = 1, .lost = 1, .bad = 1, .ask = 1, .old = 1 }),
    REFERENCE("a relay that sleeps", 924547, false, .bounds = { .fail = 1, .flush = 1, .reap = 1, .slow = 1 }),
    REFERENCE("commands", 387758, true, .resolve = true,
              .bounds = { .flush = 1, .crash = 1, .reap = 1, .lost = 1, .ask = 1, .late = 1 }),
    REFERENCE("commands, failover", 718436, false, .resolve = true,
              .bounds = { .fail = 1, .crash = 1, .reap = 1, .ask = 1 }),
    REFERENCE("commands, failover and FLUSHALL", 1813715, false, .resolve = true,
              .bounds = { .fail = 1, .flush = 1, .reap = 1, .ask = 1 }),
    REFERENCE("commands, horizon, failover and FLUSHALL", 713855, false,
              .bounds = { .fail = 1, .flush = 1, .lost = 1, .ask = 1, .late = 1 }),
    REFERENCE("two commands, FLUSHALL", 349239, false, .resolve = true,
              .bounds = { .flush = 1, .reap = 1, .lost = 1, .ask = 2 }),
    REFERENCE("two commands, failover", 3328491, false, .resolve = true,
              .bounds = { .fail = 1, .reap = 1, .lost = 1, .ask = 2 }),
    REFERENCE("FAILED ends retried", 637885, false, .failed = true,
              .bounds = { .fail = 1, .flush = 1, .bad = 1, .ask = 1 }),
};

static const struct ablation ablations[] = {
    ABLATION(END_OLD, .failed = true, .bounds = { .fail = 1, .flush = 1, .bad = 1, .ask = 1 }),
    ABLATION(NAMES, .bounds = { .lost = 2, .reap = 1, .ask = 1 }),
    ABLATION(VOID_PID, .bounds = { .flush = 1, .reap = 1, .ask = 1 }),
    ABLATION(VERDICT, .resolve = true, .bounds = { .flush = 1, .reap = 1, .ask = 1 }),
    ABLATION(REFUSAL, .bounds = { .flush = 1, .reap = 1, .ask = 1 }),
    ABLATION(ATTEMPT_NAME, .forgetting = true, .bounds = { .flush = 1, .reap = 1, .ask = 1 }),
    ABLATION(USED, .forgetting = true, .bounds = { .flush = 2, .reap = 1, .ask = 1 }),
    ABLATION(WHOLE, .forgetting = true, .failed = true, .bounds = { .flush = 1, .ask = 1, .bad = 2 }),
    ABLATION(CANCEL_ARROW, .hiding = true, .bounds = { .reap = 1, .cancel = 1 }),
    ABLATION(CANCEL_REPLAY, .hiding = true, .bounds = { .flush = 1, .cancel = 1 }),
    ABLATION(TOO_OLD, .bounds = { .flush = 1, .old = 1 }),
    ABLATION(ENDS_LAST, .bounds = { .flush = 1, .old = 1 }),
    ABLATION(OLD_SILENT, .bounds = { .flush = 1, .old = 1 }),
    ABLATION(END_AGAIN, .failed = true, .bounds = { .fail = 1, .flush = 1, .bad = 1, .ask = 1, .old = 1, .claims = 2 }),
    ABLATION(HELD, .bounds = { .fail = 1, .old = 1 }),
};

int main(int argc, char **argv)
{
    static const struct suite suite = { &life_machine, groups, COUNT_OF(groups), ablations, COUNT_OF(ablations) };
    return suite_main(&suite, argc, argv);
}
