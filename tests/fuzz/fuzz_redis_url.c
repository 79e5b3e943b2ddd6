// SPDX-License-Identifier: Apache-2.0
// The URL of Redis: an error repeats nothing of it, since it holds a password.
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "fuzz.h"
#include "io/redis_url.h"

static void check_host(const struct redis_host *host)
{
    assert(host->name && *host->name && host->port >= 1 && host->port <= 65535);
}

static void check_good(const struct redis_url *url)
{
    char shown[128];
    assert(url->sentinel_count <= SENTINELS_MAX &&
           (url->sentinel_count > 0) == (url->service != NULL));
    for (size_t i = 0; i < url->sentinel_count; i++)
        check_host(&url->sentinels[i]);
    if (!url->sentinel_count)
        check_host(&url->host);
    assert(!url->user || url->password);
    assert(url->db >= 0);
    redis_url_address(url, shown, sizeof shown);
    assert(*shown);
}

FUZZ(redis_url)
{
    static const char secret[] = "s3cr3t";
    struct redis_url  url;
    struct error      err;
    char             *text = xcalloc(1, input.len + 1);
    if (input.len)
        memcpy(text, input.p, input.len);
    if (redis_url_parse(text, &url, &err)) {
        check_good(&url);
    } else {
        fuzz_check_message(err.message);
        assert(!strstr(err.message, secret));
    }
    redis_url_fini(&url);
    free(text);
}
