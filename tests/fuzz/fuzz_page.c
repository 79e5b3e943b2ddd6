// SPDX-License-Identifier: Apache-2.0
// A page of an account's videos, by which doubts are settled: it is whole or it is nothing.
#include <string.h>

#include "fuzz.h"
#include "tiktok/list.h"

static void check_video(const struct tiktok_video *video)
{
    size_t units = 0;
    assert(strspn(video->id, "0123456789") == strlen(video->id) && *video->id);
    assert(video->create_time_s > 0);
    assert(memchr(video->description, '\0', sizeof video->description));
    assert(str_utf16_units(str_of(video->description), &units) &&
           units <= TIKTOK_DESCRIPTION_UNITS);
    assert(memchr(video->share_url, '\0', sizeof video->share_url) &&
           !strchr(video->share_url, ' '));
}

FUZZ(page)
{
    static struct tiktok_page page;
    memset(&page, 0x5A, sizeof page);
    bool ok = tiktok_page_decode(input, &page);
    assert(ok || page.count == 0);
    assert(page.count <= TIKTOK_PAGE_VIDEOS && page.cursor >= 0);
    for (size_t i = 0; i < page.count; i++)
        check_video(&page.videos[i]);
}
