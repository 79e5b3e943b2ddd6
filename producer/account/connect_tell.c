// SPDX-License-Identifier: Apache-2.0
#include "producer/account/connect_tell.h"

#include "producer/tool/page.h"
#include "tiktok/scope.h"

enum { LABEL_COLUMNS = 14 };

static void print_missing(struct tool *tool, const struct connected *connected)
{
    for (size_t i = 0; scope_row(i); i++) {
        const struct scope_row *row = scope_row(i);
        if (scope_has(connected->record.scopes, row->name))
            continue;
        out_paint(&tool->out, YELLOW, "  without %-18s", row->name);
        out_printf(&tool->out, "%s%s\n", row->without,
                   scope_has(connected->asked, row->name) ? "" : " (not asked for)");
    }
}

static void print_text(struct tool *tool, const struct connected *connected)
{
    const struct account_record *record = &connected->record;
    struct page                  page;
    page_init(&page, &tool->out, LABEL_COLUMNS);
    out_paint(&tool->out, GREEN, "connected");
    out_printf(&tool->out, "%s\n",
               !connected->was_there   ? ""
               : connected->was_parked ? " again; its jobs go on"
                                       : " again");
    page_text(&page, "open_id", record->open_id);
    page_text(&page, "name", record->alias_count ? record->aliases[0] : (struct str){ 0 });
    page_text(&page, "display name", record->profile.display_name);
    page_text(&page, "handle", record->profile.username);
    page_text(&page, "scopes", record->scopes);
    print_missing(tool, connected);
    page_text(&page, "no profile", connected->profile_why);
    page_fini(&page);
}

static struct json *missing_json(const struct connected *connected)
{
    struct json *missing = json_array();
    for (size_t i = 0; scope_row(i); i++) {
        const struct scope_row *row = scope_row(i);
        if (scope_has(connected->record.scopes, row->name))
            continue;
        struct json *one = json_object();
        json_set_text(one, "scope", str_of(row->name));
        json_set_bool(one, "asked", scope_has(connected->asked, row->name));
        json_set_text(one, "without", str_of(row->without));
        json_add(missing, &one);
    }
    return missing;
}

static void print_json(struct tool *tool, const struct connected *connected)
{
    const struct account_record *record  = &connected->record;
    struct json                 *object  = json_object();
    struct json                 *aliases = json_array();
    struct json                 *missing = missing_json(connected);
    for (size_t i = 0; i < record->alias_count; i++)
        json_add_text(aliases, record->aliases[i]);
    json_set_text(object, "open_id", record->open_id);
    json_set(object, "aliases", &aliases);
    json_set_text_or_null(object, "username", record->profile.username);
    json_set_text_or_null(object, "display_name", record->profile.display_name);
    json_set_text(object, "scopes", record->scopes);
    json_set(object, "missing", &missing);
    json_set_bool(object, "new", !connected->was_there);
    json_set_bool(object, "was_parked", connected->was_parked);
    json_set_bool(object, "in_redis", connected->kept);
    json_set_text_or_null(object, "no_profile", connected->profile_why);
    json_set_text_or_null(object, "name_refused", connected->alias_refused);
    json_set_text_or_null(object, "name_refused_why", connected->alias_why);
    out_json(&tool->out, object);
    json_free(object);
}

int connect_tell(struct tool *tool, const struct connected *connected, bool as_json,
                 const struct error *err)
{
    if (err) {
        int code = tool_fail(tool, err);
        if (connected->remedy)
            tool_note(tool, "%s", connected->remedy);
        return code;
    }
    if (as_json)
        print_json(tool, connected);
    else
        print_text(tool, connected);
    if (!connected->kept)
        tool_note(tool, "the account is on Kafka; Redis' gate is closed, and its opening brings it "
                        "there (start tokfleet-poller)");
    if (!connected->alias_refused.len)
        return END_WELL;
    tool_note(tool,
              "the name %.*s was not given: %.*s. Choose another one: the same command with "
              "--name",
              STR_ARG(connected->alias_refused), STR_ARG(connected->alias_why));
    return END_BAD;
}
