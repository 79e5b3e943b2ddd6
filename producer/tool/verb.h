// SPDX-License-Identifier: Apache-2.0
/* What `tokfleet` can do is a table of verbs (command.c); one file a verb. A verb's rows of flags
 * drive its parsing, its --help, its suggestions, the man page and the completion; it reads its
 * flags from a struct of its own. */
#pragma once

#include "producer/tool/flags.h"
#include "producer/tool/tool.h"

struct verb {
    const char        *heading;  // of the group that begins with it in the list of verbs; else NULL
    const char        *name;     // as typed: "post", "topics ensure"
    const char        *operands;  // what follows the flags in the usage line; "" for nothing
    const char        *summary;   // one line of `tokfleet --help`
    const char        *text;      // what --help teaches: words, then examples, indented by two
    const char        *json;      // what --json prints, in words; NULL: there is no --json
    const struct flag *flags;     // its rows; NULL when flag_count is 0
    size_t             flag_count;
    size_t             options_bytes;  // of the struct that the rows fill
    int                operands_min;
    int                operands_max;
    bool               bare;  // runs without settings, loop and connections
    // returns the exit status (enum ending); options: the filled struct
    int (*run)(struct tool *tool, const void *options, char *const *operands, int operand_count);
};

extern const struct verb *const verbs[];  // all of them, in the order of the list
extern const size_t             verb_count;

extern const struct verb verb_post;
extern const struct verb verb_import;
extern const struct verb verb_validate;
extern const struct verb verb_job;
extern const struct verb verb_jobs;
extern const struct verb verb_stats;
extern const struct verb verb_events;
extern const struct verb verb_dlq_list;
extern const struct verb verb_dlq_show;
extern const struct verb verb_dlq_replay;
extern const struct verb verb_status;
extern const struct verb verb_gate;
extern const struct verb verb_rebuild;
extern const struct verb verb_topics_ensure;
extern const struct verb verb_account_connect;
extern const struct verb verb_account_add;
extern const struct verb verb_account_remove;
extern const struct verb verb_account_forget;
extern const struct verb verb_account_reseal;
extern const struct verb verb_account_list;
extern const struct verb verb_account_show;
extern const struct verb verb_account_stats;
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
extern const struct verb verb_schema;
extern const struct verb verb_completion_bash;
extern const struct verb verb_man;
