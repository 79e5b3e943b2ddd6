// SPDX-License-Identifier: Apache-2.0
/* A user's newest public videos (Display API, video/list), a page at a time, or some of the user's
 * own by their ids (video/query). A page is whole or it is nothing: a video without an id or a time
 * makes the answer one that cannot be understood. Ids are text (19 digits). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "tiktok/api.h"

enum { TIKTOK_PAGE_VIDEOS = 20, TIKTOK_DESCRIPTION_UNITS = 150 };

struct tiktok_video {
    char    id[24];
    int64_t create_time_s;  // Unix seconds
    char    description
        [1024];  // UTF-8, its first TIKTOK_DESCRIPTION_UNITS UTF-16 units; "" when there is none
    char    share_url[320];  // "" when there is none
    int64_t views;           // -1: not told, as every number here
    int64_t likes;
    int64_t comments;
    int64_t shares;
};

struct tiktok_page {
    struct tiktok_answer answer;                      // outcome, code, log_id
    struct tiktok_video  videos[TIKTOK_PAGE_VIDEOS];  // newest first
    size_t               count;
    int64_t              cursor;    // of the next page: older than this (Unix ms); 0: not told
    bool                 has_more;  // a page may hold fewer than asked for although there are more
};

// cursor 0: from the newest on
void tiktok_list(struct tiktok *tiktok, int64_t cursor, struct str token, struct tiktok_page *page,
                 struct call *call, call_done *done);
// ids: 1 to TIKTOK_PAGE_VIDEOS post ids; one that is not the user's, or is there no more, is left
// out of the page
void tiktok_videos(struct tiktok *tiktok, const struct str *ids, size_t count, struct str token,
                   struct tiktok_page *page, struct call *call, call_done *done);
// the videos of a body whose envelope is a success; false when they cannot be understood (also for
// fuzzers)
bool tiktok_page_decode(struct str body, struct tiktok_page *page) MUST_CHECK;
