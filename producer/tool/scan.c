// SPDX-License-Identifier: Apache-2.0
#include "producer/tool/scan.h"

#include <stdio.h>
#include <string.h>

enum { PATTERN_BYTES = 128 };

bool scan_page(struct tool *tool, const char *what, char cursor[SCAN_CURSOR_BYTES], struct ask *ask,
               struct error *err)
{
    char pattern[PATTERN_BYTES];
    // nothing in a fleet's name means something to a pattern (config_read())
    snprintf(pattern, sizeof pattern, "{%s}:%s", tool->config.fleet, what);
    ask_begin(tool, ask, "SCAN", NULL, STR(""));
    ask_add(ask, cursor);
    ask_add(ask, "MATCH");
    ask_add(ask, pattern);
    ask_add(ask, "COUNT");
    ask_add(ask, "2000");
    bool ok = tool_ask(tool, ask, 1, err);
    if (ok && ask->reply.answer.count != 2)
        return error_set(err, ERR_BROKEN, "Redis answered something else than a page of keys");
    if (ok)
        snprintf(cursor, SCAN_CURSOR_BYTES, "%.*s", STR_ARG(answer_item(&ask->reply.answer, 0)));
    return ok;
}

const struct answer *scan_keys(const struct ask *ask)
{
    return &ask->reply.answer.items[1];
}

struct str scan_id(const struct tool *tool, const struct ask *ask, size_t i, const char *what)
{
    struct str key    = answer_item(scan_keys(ask), i);
    size_t     prefix = strlen("{}:") + strlen(tool->config.fleet) + strlen(what);
    if (key.len <= prefix || memcmp(key.p + prefix - strlen(what), what, strlen(what)) != 0)
        return STR("");
    return (struct str){ key.p + prefix, key.len - prefix };
}
