// SPDX-License-Identifier: Apache-2.0
#include "base/memory.h"
#include "runner.h"
#include "slots.h"

static const char *const words[] = {
#define X(name, word, text) [WITHOUT_##name] = word,
    SLOT_RULES(X)
#undef X
};

static const char *const texts[] = {
#define X(name, word, text) [WITHOUT_##name] = text,
    SLOT_RULES(X)
#undef X
};

#define SLOTS(...)                                                                                 \
    &(const struct slots)                                                                          \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }
#define GROUP(text, least, live, moment, ...)                                                      \
    {                                                                                              \
        .name = text, .setting = SLOTS(.bounds = { .claims = 3, __VA_ARGS__ }), .floor = (least),  \
        .progress = (live), .when = (moment)                                                       \
    }
#define ABLATION(word, ...)                                                                        \
    {                                                                                              \
        .rule = &words[WITHOUT_##word], .text = &texts[WITHOUT_##word],                            \
        .setting = SLOTS(.without = WITHOUT_##word, .bounds = { .claims = 3, __VA_ARGS__ })        \
    }

static const struct group groups[] = {
    GROUP("slots, answers of every kind", 480000, true, ALWAYS, .crash = 1, .reap = 1, .lost = 1,
          .refuse = 1, .bad = 1, .late = 1),
    GROUP("slots, FLUSHALL", 2000000, true, ALWAYS, .flush = 1, .crash = 1, .reap = 1, .lost = 1,
          .late = 1),
    GROUP("slots, failover", 1700000, true, ALWAYS, .fail = 1, .crash = 1, .late = 1),
    GROUP("slots, failover, an answer lost", 2400000, false, LONG, .fail = 1, .crash = 1, .lost = 1,
          .late = 1),
    GROUP("slots, failover and FLUSHALL", 2900000, false, LONG, .fail = 1, .flush = 1, .late = 1),
    GROUP("slots, publish ids FAILED, failover", 3500000, false, LONG, .fail = 1, .reap = 1,
          .refuse = 1, .bad = 1),
};

static const struct ablation ablations[] = {
    ABLATION(ONE_SCRIPT, .crash = 0),
    ABLATION(WITH_END, .crash = 1),
    ABLATION(NO_CLOCK, .crash = 0),
    ABLATION(HOLD, .lost = 1),
    ABLATION(NOT_AGAIN, .reap = 1, .late = 1),
    ABLATION(REBUILT, .flush = 1),
    ABLATION(REQUEUED, .fail = 1),
    ABLATION(WAIT, .fail = 1),
    ABLATION(INTENT, .flush = 1),
};

int main(int argc, char **argv)
{
    static const struct suite suite = { &slots_machine, groups, COUNT_OF(groups), ablations,
                                        COUNT_OF(ablations) };
    return suite_main(&suite, argc, argv);
}
