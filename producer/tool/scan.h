// SPDX-License-Identifier: Apache-2.0
/* Keys of the fleet by a pattern, a page at a time (SCAN): none is missed, one may come twice. */
#pragma once

#include "producer/tool/tool.h"

enum { SCAN_CURSOR_BYTES = 32 };

// cursor is "0" before the first page and again after the last; what: "account:*". asks_fini(ask)
// in every case.
bool scan_page(struct tool *tool, const char *what, char cursor[SCAN_CURSOR_BYTES], struct ask *ask,
               struct error *err) MUST_CHECK;
const struct answer *scan_keys(const struct ask *ask);
// the i-th key of the page behind "{fleet}:" and what: "account:"; "" when it is none of these
struct str scan_id(const struct tool *tool, const struct ask *ask, size_t i, const char *what);
