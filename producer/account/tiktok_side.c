// SPDX-License-Identifier: Apache-2.0
#include "producer/account/tiktok_side.h"

enum { REQUESTS_MAX = 128 };

struct seal *side_seal(const struct tool *tool, struct error *err)
{
    if (tool->config.token_keys[0])
        return seal_new(tool->config.token_keys, err);
    error_set(
        err, ERR_SETTING,
        "TOKFLEET_TOKEN_KEYS is not set, and tokens are never kept unsealed. Make a key, keep "
        "it safe, and give it to every program of the fleet: export "
        "TOKFLEET_TOKEN_KEYS=\"k1:$(openssl rand -base64 32)\"");
    return NULL;
}

static bool open_api(struct tool *tool, struct tiktok_side *side, struct error *err)
{
    const struct config *config = &tool->config;
    struct http_settings http   = {
          .user_agent      = "tokfleet/" TOKFLEET_VERSION,
          .ca_file         = config->tiktok_ca[0] ? config->tiktok_ca : NULL,
          .connect_ms      = config->tiktok_connect_ms,
          .connections_max = config->tiktok_connections,
          .in_flight_max   = REQUESTS_MAX,
          .http_allowed    = str_starts(str_of(config->tiktok_api_url), "http://"),
    };
    struct tiktok_settings tiktok = {
        .api_url           = config->tiktok_api_url,
        .init_timeout_ms   = config->tiktok_timeout_ms,
        .status_timeout_ms = config->tiktok_timeout_ms,
    };
    return (side->http = http_new(tool->loop, &http, err)) &&
           (side->tiktok = tiktok_new(side->http, &tiktok, err));
}

static bool open_oauth(struct tool *tool, struct tiktok_side *side, struct error *err)
{
    const struct config  *config   = &tool->config;
    struct oauth_settings settings = {
        .api_url       = config->tiktok_api_url,
        .client_key    = config->tiktok_client_key,
        .client_secret = config->tiktok_client_secret,
        .timeout_ms    = config->tiktok_timeout_ms,
    };
    side->oauth = oauth_new(side->http, &settings, err);
    return side->oauth;
}

bool side_open_api(struct tool *tool, struct tiktok_side *side, struct error *err)
{
    side->seal = side_seal(tool, err);
    return side->seal && tool_store(tool, err) && open_api(tool, side, err);
}

bool side_open_kept(struct tool *tool, struct tiktok_side *side, struct error *err)
{
    tool_topic(tool, TOPIC_ACCOUNTS, side->topic);
    side->seal = side_seal(tool, err);
    return side->seal && tool_kafka(tool, err) && tool_store(tool, err);
}

bool side_open(struct tool *tool, struct tiktok_side *side, struct error *err)
{
    if (!side_open_kept(tool, side, err) || !open_api(tool, side, err) ||
        !open_oauth(tool, side, err))
        return false;
    struct connector_parts parts = {
        .config = &tool->config,
        .loop   = tool->loop,
        .store  = tool->store,
        .kafka  = tool->kafka,
        .seal   = side->seal,
        .oauth  = side->oauth,
        .tiktok = side->tiktok,
        .topic  = side->topic,
        .by     = "tokfleet",
    };
    side->connector = connector_new(&parts);
    return true;
}

void side_close(struct tiktok_side *side)
{
    connector_free(side->connector);
    tiktok_free(side->tiktok);
    oauth_free(side->oauth);
    http_free(side->http);
    seal_free(side->seal);
}
