// SPDX-License-Identifier: Apache-2.0
/* Uploads: the publish id is known before the commit point, the last chunk; owners hand over. */
#include "base/memory.h"
#include "life.h"
#include "runner.h"

static const struct group groups[] = {
    GROUP("upload", 110000, true, ALWAYS, .upload = true,
          .bounds = { .flush = 1, .crash = 1, .reap = 1, .lost = 1 }),
    GROUP("upload, failover", 270000, true, ALWAYS, .upload = true,
          .bounds = { .fail = 1, .crash = 1, .reap = 1 }),
    GROUP("upload, source changed, URL expired", 360000, false, ALWAYS, .upload = true,
          .bounds = { .flush = 1, .crash = 1, .reap = 2, .changed = 1, .gone = 1 }),
    GROUP("upload, cancelled", 710000, false, ALWAYS, .upload = true,
          .bounds = { .flush = 1, .crash = 1, .reap = 2, .cancel = 1 }),
    GROUP("upload, cancelled, failover", 510000, false, ALWAYS, .upload = true,
          .bounds = { .fail = 1, .reap = 1, .cancel = 1 }),
    GROUP("upload, all of it", 3100000, false, LONG, .upload = true,
          .bounds = { .fail = 1, .flush = 1, .reap = 1, .changed = 1, .gone = 1 }),
    REFERENCE("upload", 85068, true, .upload = true,
              .bounds = { .flush = 1, .crash = 1, .reap = 1, .lost = 1 }),
    REFERENCE("upload, failover", 300785, true, .upload = true,
              .bounds = { .fail = 1, .crash = 1, .reap = 1 }),
    REFERENCE("upload, source changed, URL expired", 439115, false, .upload = true,
              .bounds = { .flush = 1, .crash = 1, .reap = 2, .changed = 1, .gone = 1 }),
    REFERENCE("upload, all of it", 3511943, false, .upload = true,
              .bounds = { .fail = 1, .flush = 1, .reap = 1, .changed = 1, .gone = 1 }),
};

static const struct ablation ablations[] = {
    ABLATION(KEEP_URL, .upload = true, .bounds = { .reap = 2, .changed = 1 }),
    ABLATION(CANCEL_UPLOAD, .upload = true, .hiding = true, .bounds = { .reap = 2, .cancel = 1 }),
};

int main(int argc, char **argv)
{
    static const struct suite suite = { &life_machine, groups, COUNT_OF(groups), ablations,
                                        COUNT_OF(ablations) };
    return suite_main(&suite, argc, argv);
}
