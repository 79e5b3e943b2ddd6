// SPDX-License-Identifier: Apache-2.0
/* What oauth.c asks of its table (oauth_outcome.c) beyond what oauth.h offers to everyone. */
#pragma once

#include "tiktok/oauth.h"

const struct oauth_outcome *oauth_outcome_named(const char *code);  // must be there
const struct oauth_outcome *
oauth_outcome_of_status(int http_status);  // of an answer without a code
