// SPDX-License-Identifier: Apache-2.0
// Where TikTok's API is: the setting tiktok.api_url, to which the paths of endpoints are added.
#pragma once

#include "base/error.h"

enum { API_URL_MAX_BYTES = 512 };

// without a slash at its end, to be freed; NULL: not http(s), without a host, or too long
char *api_url_read(const char *text, struct error *err) MUST_CHECK;
