// SPDX-License-Identifier: Apache-2.0
#include "producer/tool/account_name.h"

#include <stdio.h>
#include <string.h>

bool account_name_find(struct tool *tool, const char *name, char open_id[OPEN_ID_MAX + 1],
                       struct error *err)
{
    struct ask ask = { 0 };
    if (!tool_store(tool, err))
        return false;
    // what is too long names nobody, and its beginning may be somebody else's
    snprintf(open_id, OPEN_ID_MAX + 1, "%s", strlen(name) <= OPEN_ID_MAX ? name : "");
    if (name[0] != '@')
        return true;
    ask_begin(tool, &ask, "HGET", "alias", STR(""));
    ask_add(&ask, name);
    bool ok = tool_ask(tool, &ask, 1, err);
    if (ok)
        snprintf(open_id, OPEN_ID_MAX + 1, "%.*s", STR_ARG(ask.reply.answer.text));
    asks_fini(&ask, 1);
    return ok;
}

bool account_name_fits(const char *name, const char *open_id, struct str account, struct str text)
{
    return (open_id[0] && str_is(account, open_id)) || str_is(text, name);
}
