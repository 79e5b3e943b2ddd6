// SPDX-License-Identifier: Apache-2.0
/* What came of a consent, told: the account, and what does not work without the scopes that the user
 * did not grant; or why there is none. */
#pragma once

#include "job/connect.h"
#include "producer/tool/tool.h"

// err NULL: it is connected. The exit status; END_BAD also for a name that was not given.
int connect_tell(struct tool *tool, const struct connected *connected, bool as_json,
                 const struct error *err);
