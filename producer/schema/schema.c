// SPDX-License-Identifier: Apache-2.0
#include "producer/schema/schema.h"

#include <string.h>

#include "base/memory.h"
#include "producer/tool/verb.h"

static int print_names(struct tool *tool)
{
    for (size_t i = 0; i < schema_count; i++)
        out_printf(&tool->out, "%-12s %s\n", schemas[i].name, schemas[i].title);
    return END_WELL;
}

static int run_schema(struct tool *tool, const void *options, char *const *operands,
                      int operand_count)
{
    struct error err;
    (void)options;
    if (!operand_count)
        return print_names(tool);
    for (size_t i = 0; i < schema_count; i++)
        if (strcmp(schemas[i].name, operands[0]) == 0) {
            out_printf(&tool->out, "%s", schemas[i].text);
            return END_WELL;
        }
    error_set(&err, ERR_SETTING,
              "there is no schema \"%.40s\"; tokfleet schema names those that there are",
              operands[0]);
    return tool_fail(tool, &err);
}

static const char help[] =
    "Prints the JSON Schema (draft 2020-12) of what stands on the fleet's topics, for\n"
    "upstreams to check their messages by before they send them. It takes what the\n"
    "worker takes; its description says what no schema can. Without a name it prints\n"
    "the names.\n\n"
    "  tokfleet schema job\n"
    "  tokfleet schema event";

const struct verb verb_schema = {
    .name         = "schema",
    .operands     = "[job|command|event|dead-letter]",
    .summary      = "print the JSON Schema of what stands on the topics",
    .flags        = NULL,
    .flag_count   = 0,
    .operands_max = 1,
    .bare         = true,
    .run          = run_schema,
    .text         = help,
};
