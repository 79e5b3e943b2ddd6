// SPDX-License-Identifier: Apache-2.0
/* What a person calls an account, as its open_id. */
#pragma once

#include "job/account.h"
#include "producer/tool/tool.h"

// name: an open_id, which may be unknown, or an @alias. false: Redis does not answer. "": there is
// no such alias, or the name is too long to be one.
bool account_name_find(struct tool *tool, const char *name, char open_id[OPEN_ID_MAX + 1],
                       struct error *err) MUST_CHECK;
// whether the account of a job is the one that was called so; text: how the job calls it
bool account_name_fits(const char *name, const char *open_id, struct str account, struct str text);
