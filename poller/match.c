// SPDX-License-Identifier: Apache-2.0
#include "poller/match.h"

#include <string.h>

#define CUT_CHARACTER "\xEF\xBF\xBD"  // U+FFFD, what half a surrogate pair becomes

bool match_caption(struct str caption, struct str description)
{
    size_t     units = 0;
    struct str shown = str_utf8_prefix(caption, TIKTOK_DESCRIPTION_UNITS);
    if (!caption.len || (shown.len < caption.len && !str_utf16_units(shown, &units)))
        return false;
    if (str_eq(shown, description))
        return true;
    // a character of two units lies across the cut: half of it is one that cannot be shown
    bool halved = shown.len < caption.len && units < TIKTOK_DESCRIPTION_UNITS;
    return halved && description.len == shown.len + strlen(CUT_CHARACTER) &&
           memcmp(description.p, shown.p, shown.len) == 0 && str_ends(description, CUT_CHARACTER);
}

static bool in_hour(const struct tiktok_video *video, int64_t sent_ms)
{
    // TikTok tells whole seconds
    return video->create_time_s >= sent_ms / 1000 &&
           video->create_time_s <= (sent_ms + MATCH_HOUR_MS + MATCH_AHEAD_MS) / 1000;
}

static bool is_known(const struct tiktok_video *video, struct str known_ids)
{
    struct str id;
    while (str_cut(&known_ids, ' ', &id))
        if (str_is(id, video->id))
            return true;
    return false;
}

void match_page(struct match *match, const struct match_job *job, const struct tiktok_page *page)
{
    for (size_t i = 0; i < page->count; i++) {
        const struct tiktok_video *video = &page->videos[i];
        match->seen++;
        if (!in_hour(video, job->sent_ms))
            continue;
        match->in_hour++;
        bool again = match->fits && strcmp(match->video.id, video->id) == 0;
        if (again || strstr(video->share_url, "/photo/") || is_known(video, job->known_ids) ||
            !match_caption(job->caption, str_of(video->description)))
            continue;
        if (!match->fits++)
            match->video = *video;
    }
    if (page->count && page->videos[page->count - 1].create_time_s < job->sent_ms / 1000)
        match->reached = true;
}
