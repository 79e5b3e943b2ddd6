// SPDX-License-Identifier: Apache-2.0
/* What the verbs that speak to TikTok themselves work with, besides the tool's own connections. */
#pragma once

#include "io/http.h"
#include "io/seal.h"
#include "job/connect.h"
#include "producer/tool/tool.h"
#include "tiktok/api.h"
#include "tiktok/oauth.h"

struct tiktok_side {
    struct seal      *seal;
    struct http      *http;
    struct oauth     *oauth;
    struct tiktok    *tiktok;
    struct connector *connector;
    char              topic[TOPIC_NAME_BYTES];  // <fleet>.accounts
};

// the token keys; says how to make one when there is none
struct seal *side_seal(const struct tool *tool, struct error *err) MUST_CHECK;
// seal, Redis and the posting API, for what only asks; zeroed before, side_close also after a failure
bool side_open_api(struct tool *tool, struct tiktok_side *side, struct error *err) MUST_CHECK;
// seal, Kafka, Redis and topic, without TikTok; zeroed before, side_close also after a failure
bool side_open_kept(struct tool *tool, struct tiktok_side *side, struct error *err) MUST_CHECK;
// all of it
bool side_open(struct tool *tool, struct tiktok_side *side, struct error *err) MUST_CHECK;
void side_close(struct tiktok_side *side);
