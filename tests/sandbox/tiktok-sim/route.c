// SPDX-License-Identifier: Apache-2.0
#include "route.h"

#include <string.h>

#include "authorize.h"
#include "control.h"
#include "display.h"
#include "oauth.h"
#include "publish.h"
#include "status.h"
#include "upload.h"

static const struct route routes[] = {
    { "/v2/post/publish/status/fetch/", "POST", END_STATUS, status_fetch },
    { "/v2/post/publish/video/init/", "POST", END_VIDEO_INIT, publish_init },
    { "/v2/post/publish/inbox/video/init/", "POST", END_INBOX_INIT, publish_init },
    { "/v2/post/publish/content/init/", "POST", END_CONTENT_INIT, publish_init },
    { "/v2/post/publish/creator_info/query/", "POST", END_CREATOR_INFO, status_creator },
    { "/v2/post/publish/cancel/", "POST", END_CANCEL, status_cancel },
    { "/video/", "PUT", END_UPLOAD, upload_put },
    { "/v2/oauth/token/", "POST", END_TOKEN, oauth_token },
    { "/v2/auth/authorize/", "GET", END_AUTHORIZE, authorize_page },
    { "/v2/oauth/revoke/", "POST", END_REVOKE, oauth_revoke },
    { "/v2/user/info/", "GET", END_USER_INFO, display_user },
    { "/v2/video/list/", "POST", END_VIDEO_LIST, display_list },
    { "/v2/video/query/", "POST", END_VIDEO_QUERY, display_query },
};
static const struct route control = { "/_sim/", "", END_CONTROL, control_handle };

const struct route *route_find(const char *path)
{
    for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++)
        if (strcmp(routes[i].path, path) == 0)
            return &routes[i];
    return strncmp(path, control.path, strlen(control.path)) == 0 ? &control : NULL;
}
