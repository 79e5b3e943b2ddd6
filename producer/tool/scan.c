// SPDX-License-Identifier: Apache-2.0
#include "producer/tool/scan.h"

#include <stdio.h>
#include <string.h>

enum { PATTERN_BYTES = 512 };

// "{fleet}:what"; what a pattern would take for its own in the fleet's name is escaped
static void make_pattern(const char *fleet, const char *what, struct buf *out)
{
    buf_init(out, PATTERN_BYTES);
    buf_add_char(out, '{');
    for (const char *c = fleet; *c; c++) {
        if (strchr("*?[]^\\", *c))
            buf_add_char(out, '\\');
        buf_add_char(out, *c);
    }
    buf_printf(out, "}:%s", what);
}

bool scan_page(struct tool *tool, const char *what, char cursor[SCAN_CURSOR_BYTES], struct ask *ask,
               struct error *err)
{
    struct buf pattern;
    make_pattern(tool->config.fleet, what, &pattern);
    ask_begin(tool, ask, "SCAN", NULL, STR(""));
    ask_add(ask, cursor);
    ask_add(ask, "MATCH");
    ask_add(ask, buf_text(&pattern));
    ask_add(ask, "COUNT");
    ask_add(ask, "2000");
    bool ok = tool_ask(tool, ask, 1, err);
    buf_fini(&pattern);
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
