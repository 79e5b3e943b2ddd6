// SPDX-License-Identifier: Apache-2.0
/* What a replay says, as one text that is the same for the same verdicts: jobs by their ids, lists
 * by their words. */
#pragma once

#include "base/text.h"
#include "job/replay.h"

void verdicts_say(struct replay *replay, struct buf *said);
