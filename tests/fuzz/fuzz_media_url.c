// SPDX-License-Identifier: Apache-2.0 The URL of a medium: a good one has no byte that breaks
// anything; of a bad one neither password nor query is shown.
#include <string.h>

#include "fuzz.h"
#include "tiktok/media_url.h"

static void check_good(struct str url)
{
    assert(url.len >= strlen("https://a.b") && url.len <= MEDIA_URL_MAX_BYTES);
    for (size_t i = 0; i < url.len; i++)
        assert(url.p[i] > ' ' && url.p[i] < 0x7f && url.p[i] != '"' && url.p[i] != '\\' &&
               url.p[i] != '#');
    struct str host = { url.p + 8, 0 };
    while (8 + host.len < url.len && !strchr("/?", host.p[host.len]))
        host.len++;
    assert(!memchr(host.p, '@', host.len) && memchr(host.p, '.', host.len));
}

FUZZ(media_url)
{
    static const struct str secret = { "s3cr3t-s1gnature", 16 };
    struct error            err;
    struct str              extension = media_url_extension(input);
    assert(extension.len < input.len || !extension.len);
    assert(!extension.len ||
           (!memchr(extension.p, '/', extension.len) && !memchr(extension.p, '.', extension.len)));
    if (media_url_check(input, &err)) {
        check_good(input);
        return;
    }
    fuzz_check_message(err.message);
    // behind a question mark, or beside an @, there may be one
    struct str rest = input, path = { 0 };
    str_cut(&rest, '?', &path);
    if (!fuzz_holds(path, secret) || fuzz_holds(input, STR("@")))
        assert(!fuzz_holds(str_of(err.message), secret));
}
