// SPDX-License-Identifier: Apache-2.0
// tokfleet pause, resume, account pause, account resume: commands for the fleet or one account.
#include "base/memory.h"
#include "producer/tell/telling.h"
#include "producer/tool/account_name.h"

struct pause_options {
    struct telling_options telling;
};

static const struct flag flags[] = { TELLING_FLAGS(pause_options) };

static int tell(struct tool *tool, const char *command, const void *options_read, const char *name,
                struct str account)
{
    const struct pause_options *options = options_read;
    // one key for the fleet's, so that they stand in their order
    struct telling telling = { .options = &options->telling,
                               .command = command,
                               .name    = name,
                               .account = account,
                               .key     = account.len ? account : str_of(tool->config.fleet) };
    struct json   *message = telling_begin(&telling);
    return telling_send(tool, &telling, &message);
}

// commands about one account stand under one key: its open_id
static int tell_account(struct tool *tool, const char *command, const void *options,
                        const char *name)
{
    struct ask   ask = { 0 };
    struct error err;
    char         open_id[OPEN_ID_MAX + 1];
    int          code = END_BAD;
    if (!account_name_find(tool, name, open_id, &err))
        return tool_fail(tool, &err);
    ask_begin(tool, &ask, "HGET", "account:", str_of(open_id));
    ask_add(&ask, "rev");
    if (!tool_ask(tool, &ask, 1, &err))
        code = tool_fail(tool, &err);
    else if (!ask.reply.answer.text.len)
        tool_note(tool, "there is no account %s in fleet %s (tokfleet account list)", name,
                  tool->config.fleet);
    else
        code = tell(tool, command, options, name, str_of(open_id));
    asks_fini(&ask, 1);
    return code;
}

// of the account that is named, else of the fleet
static int tell_either(struct tool *tool, const char *command, const void *options,
                       char *const *operands, int operand_count)
{
    return operand_count ? tell_account(tool, command, options, operands[0])
                         : tell(tool, command, options, tool->config.fleet, STR(""));
}

static int run_pause(struct tool *tool, const void *options, char *const *operands,
                     int operand_count)
{
    return tell_either(tool, "pause", options, operands, operand_count);
}

static int run_resume(struct tool *tool, const void *options, char *const *operands,
                      int operand_count)
{
    return tell_either(tool, "resume", options, operands, operand_count);
}

#define ROWS(count)                                                                                \
    .flags = flags, .flag_count = COUNT_OF(flags), .options_bytes = sizeof(struct pause_options),  \
    .operands_min = (count), .operands_max = (count)

const struct verb verb_pause = {
    .heading  = "the fleet as a whole",
    .name     = "pause",
    .operands = "",
    .summary  = "stop the whole fleet from beginning new posts",
    ROWS(0),
    .run  = run_pause,
    .text = "No job is claimed from now on, until `tokfleet resume`. What was claimed goes on to\n"
            "its end, jobs are still taken from Kafka, and what expires meanwhile expires.\n\n"
            "  tokfleet pause --reason 'TikTok is down'",
    .json = TELLING_JSON,
};

const struct verb verb_resume = {
    .name     = "resume",
    .operands = "",
    .summary  = "let the fleet begin new posts again",
    ROWS(0),
    .run  = run_resume,
    .text = "Ends a pause of the fleet. Accounts that were paused for themselves stay paused.\n\n"
            "  tokfleet resume",
    .json = TELLING_JSON,
};

const struct verb verb_account_pause = {
    .name     = "account pause",
    .operands = "ID|@ALIAS",
    .summary  = "stop one account from beginning new posts",
    ROWS(1),
    .run = run_pause,
    .text =
        "No job of this account is claimed from now on, until `tokfleet account resume`; a new\n"
        "consent does not end it. What was claimed goes on to its end.\n\n"
        "  tokfleet account pause @brand.de --reason 'under review'",
    .json = TELLING_JSON ", account",
};

const struct verb verb_account_resume = {
    .name     = "account resume",
    .operands = "ID|@ALIAS",
    .summary  = "let one account begin new posts again",
    ROWS(1),
    .run = run_resume,
    .text =
        "Ends a pause of one account. One that is parked (its consent is gone) stays parked.\n\n"
        "  tokfleet account resume @brand.de",
    .json = TELLING_JSON ", account",
};
