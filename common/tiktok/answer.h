// SPDX-License-Identifier: Apache-2.0
/* What api.c asks of answer.c: reading TikTok's bodies into a struct tiktok_answer. */
#pragma once

#include <stdbool.h>

#include "base/text.h"
#include "tiktok/api.h"

// Everything is absent again; `http` and took_us stay as they are. The outcome is broken_answer until it is known.
void answer_clear(struct tiktok_answer *answer);
