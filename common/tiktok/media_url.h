// SPDX-License-Identifier: Apache-2.0
/* The URL of a file that TikTok fetches itself (PULL_FROM_URL), by the rules of its media transfer
 * guide: https, a host that is a public name and not an address. What only TikTok can know
 * (ownership, redirects) is left to TikTok. */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "base/text.h"

enum { MEDIA_URL_MAX_BYTES = 2048 };

// ERR_INPUT says what is wrong; neither a password nor a query (signatures) gets into the message.
bool media_url_check(struct str url, struct error *err) MUST_CHECK;

// of the path's last part, without the dot, as written; "" when there is none
struct str media_url_extension(struct str url);
