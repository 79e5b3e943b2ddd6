// SPDX-License-Identifier: Apache-2.0
/* What `tokfleet` can do is a table of verbs (command.c); one file a verb. A verb's rows of flags
 * drive its parsing, its --help and its suggestions; it reads its flags from a struct of its own.
 * */
#pragma once

#include "producer/flags.h"
#include "producer/tool.h"

struct verb {
    const char        *name;      // as typed: "post", "topics ensure"
    const char        *operands;  // what follows the flags in the usage line; "" for nothing
    const char        *summary;   // one line of `tokfleet --help`
    const char        *text;      // what --help teaches: words, then examples
    const struct flag *flags;     // its rows; NULL when flag_count is 0
    size_t             flag_count;
    size_t             options_bytes;  // of the struct that the rows fill
    int                operands_min;
    int                operands_max;
    // returns the exit status (enum ending); options: the filled struct
    int (*run)(struct tool *tool, const void *options, char *const *operands, int operand_count);
};

extern const struct verb verb_post;
extern const struct verb verb_import;
extern const struct verb verb_job;
extern const struct verb verb_status;
extern const struct verb verb_gate;
extern const struct verb verb_rebuild;
extern const struct verb verb_topics_ensure;
extern const struct verb verb_account_add;
extern const struct verb verb_account_list;
extern const struct verb verb_account_show;
extern const struct verb verb_account_pause;
extern const struct verb verb_account_resume;
extern const struct verb verb_cancel;
extern const struct verb verb_reschedule;
extern const struct verb verb_retry;
extern const struct verb verb_resolve;
extern const struct verb verb_pause;
extern const struct verb verb_resume;
extern const struct verb verb_unsure_list;
extern const struct verb verb_unsure_show;
