// SPDX-License-Identifier: Apache-2.0
#include "tiktok/api_url.h"

#include "base/memory.h"
#include "base/text.h"

char *api_url_read(const char *text, struct error *err)
{
    struct str url = str_of(text);
    if (!str_starts(url, "https://") && !str_starts(url, "http://")) {
        error_set(err, ERR_SETTING, "tiktok.api_url: it must begin with https:// or http://");
        return NULL;
    }
    while (str_ends(url, "/"))
        url.len--;
    if (str_ends(url, ":") || url.len > API_URL_MAX_BYTES) {
        error_set(err, ERR_SETTING,
                  "tiktok.api_url: the host is missing, or it is longer than %d bytes",
                  API_URL_MAX_BYTES);
        return NULL;
    }
    char *base    = xstrdup(text);
    base[url.len] = '\0';
    return base;
}
