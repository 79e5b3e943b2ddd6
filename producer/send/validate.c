// SPDX-License-Identifier: Apache-2.0
// tokfleet validate: would the jobs of a file be taken? Nothing is sent, and neither Kafka nor
// Redis is asked.
#include <unistd.h>

#include "base/memory.h"
#include "producer/send/check.h"
#include "producer/tool/verb.h"

struct validate_options {
    struct check_options check;
};

static const struct flag flags[] = { CHECK_FLAGS(validate_options) };

static void print_summary(struct check *check)
{
    struct out *out = &check->tool->out;
    struct buf  text;
    if (check->options->json) {
        struct json *object = json_object();
        check_json(check, object);
        out_json(out, object);
        json_free(object);
        return;
    }
    buf_init(&text, 512);
    check_words(check, &text);
    out_printf(out, "%s\n", buf_text(&text));
    buf_fini(&text);
}

static int run_validate(struct tool *tool, const void *options_read, char *const *operands,
                        int operand_count)
{
    const struct validate_options *options = options_read;
    struct check                   check   = { 0 };
    struct error                   err;
    int                            code;
    if (!operand_count && isatty(STDIN_FILENO))
        tool_note(tool, "reading jobs from standard input; Ctrl-D ends them");
    if (!check_open(&check, tool, operand_count ? operands[0] : "-", &options->check, &err) ||
        !check_all(&check, &err)) {
        code = tool_fail(tool, &err);
    } else {
        check_tell_more(&check);
        print_summary(&check);
        code = check.bad || !check.read ? END_BAD : END_WELL;
        if (!check.read)
            tool_note(tool, "there is no job in it");
    }
    check_fini(&check);
    return code;
}

static const char help[] =
    "Checks a file of jobs, or standard input, by the rules of the worker and tells each\n"
    "bad line with its reason. Nothing is sent, and neither Kafka nor Redis is needed. The\n"
    "exit status is 0 when every job is good and 1 when one is bad or there is none.\n"
    "\n"
    "  tokfleet validate plan.csv --utc-offset +01:00\n"
    "  jq -c '.[]' plan.json | tokfleet validate --json | jq .errors\n"
    "\n" CHECK_FORMATS;

const struct verb verb_validate = {
    .name          = "validate",
    .operands      = "[FILE|-]",
    .summary       = "check a file of jobs without sending it",
    .flags         = flags,
    .flag_count    = COUNT_OF(flags),
    .options_bytes = sizeof(struct validate_options),
    .operands_max  = 1,
    .run           = run_validate,
    .text          = help,
    .json          = CHECK_JSON,
};
