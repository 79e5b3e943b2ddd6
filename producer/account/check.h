// SPDX-License-Identifier: Apache-2.0
/* What Kafka and Redis know of the accounts that are to be added: their earlier aliases, and
 * whose an alias is. */
#pragma once

#include "producer/account/book.h"
#include "producer/tool/tool.h"

// Reads <fleet>.accounts from its beginning, then Redis. Clashes are told to on_clash; false: it
// could not be read.
bool account_check(struct tool *tool, struct book *book, book_clash *on_clash, void *owner,
                   struct error *err) MUST_CHECK;
