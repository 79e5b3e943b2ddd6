// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <string.h>

#include "producer/status/status.h"
#include "producer/tool/words.h"

enum { BAR_WIDTH = 30, LINE_MAX_BYTES = 1024 };

bool status_never_ran(const struct status *status)
{
    int64_t jobs = 0;
    for (enum job_state state = JOB_QUEUED; state < JOB_STATE_COUNT; state++)
        jobs += status->count[state];
    return status->gate == GATE_NEVER && status->program_count == 0 && jobs == 0;
}

static void print_label(struct out *out, const char *label)
{
    out_paint(out, FAINT, "%-14s ", label);
}

static void print_gate(const struct status *status, struct out *out)
{
    print_label(out, "gate");
    switch (status->gate) {
    case GATE_NEVER:
        out_paint(out, YELLOW, "never opened");
        out_printf(out, ": the first poller opens it");
        break;
    case GATE_OPEN:
        out_paint(out, GREEN, "open");
        out_printf(out, ", generation %s", status->generation);
        break;
    case GATE_CLOSED:
        out_paint(out, YELLOW, "closed");
        out_printf(out, "%s%s", status->gate_taker[0] ? ", being opened by " : "",
                   status->gate_taker);
        break;
    case GATE_OTHER:
        out_paint(out, RED, "closed");
        out_printf(out, ": this Redis is not the one that it was opened on, so nothing moves until "
                        "it is opened anew");
        break;
    }
    out_printf(out, "\n");
}

static void print_pause(const struct status *status, struct out *out)
{
    struct buf line;
    if (!status->paused_ms)
        return;
    buf_init(&line, LINE_MAX_BYTES);
    words_age(status->now_ms - status->paused_ms, &line);
    buf_add_text(&line, " ago by ");
    buf_add_visible(&line, str_of(status->paused_by));
    if (status->paused_why[0])
        buf_add_text(&line, ": ");
    buf_add_visible(&line, str_of(status->paused_why));
    print_label(out, "paused");
    out_paint(out, YELLOW, "%s", buf_text(&line));
    out_printf(out, ". Nothing new is begun until: tokfleet resume\n");
    buf_fini(&line);
}

static void print_flight(const struct status *status, const struct config *config, struct out *out)
{
    struct buf line;
    buf_init(&line, LINE_MAX_BYTES);
    if (out->terminal) {
        words_bar(status->in_flight, config->limit_in_flight, BAR_WIDTH, &line);
        buf_add_char(&line, ' ');
    }
    words_count(status->in_flight, &line);
    buf_add_text(&line, " of ");
    words_count(config->limit_in_flight, &line);
    print_label(out, "in flight");
    out_printf(out, "%s\n", buf_text(&line));
    buf_clear(&line);
    words_count(status->open, &line);
    buf_add_text(&line, " of ");
    words_count(config->limit_open, &line);
    print_label(out, "commit points");
    out_printf(out, "%s open\n", buf_text(&line));
    buf_fini(&line);
}

static void print_states(const struct status *status, struct out *out)
{
    struct buf number;
    bool       any = false;
    buf_init(&number, 64);
    out_paint(out, BOLD, "\njobs\n");
    for (enum job_state state = JOB_QUEUED; state < JOB_STATE_COUNT; state++) {
        if (!status->count[state])
            continue;
        any = true;
        buf_clear(&number);
        words_count(status->count[state], &number);
        out_printf(out, "  ");
        out_paint(out, words_paint(state), "%-11s", job_state_text(state));
        out_printf(out, " %10s", buf_text(&number));
        if (status->today[state]) {
            buf_clear(&number);
            words_count(status->today[state], &number);
            out_paint(out, FAINT, "   %s today", buf_text(&number));
        }
        out_printf(out, "\n");
    }
    if (!any)
        out_printf(out, "  none yet\n");
    buf_fini(&number);
}

static void print_waiting(const struct status *status, struct out *out)
{
    struct buf line;
    buf_init(&line, LINE_MAX_BYTES);
    words_plural(status->count[JOB_QUEUED], "job", &line);
    if (status->ready) {
        buf_add_text(&line, "; ");
        words_plural(status->ready, "account", &line);
        buf_add_text(&line, " may begin one, now or soon");
    }
    if (status->delayed) {
        buf_add_text(&line, "; ");
        words_plural(status->delayed, "job", &line);
        buf_add_text(&line, " with a time: scheduled, backing off, or to expire");
    }
    print_label(out, "waiting");
    out_printf(out, "%s\n", buf_text(&line));
    const char *at_least = status->scanned_all ? "" : "at least ";
    if (status->unknown_accounts) {
        buf_clear(&line);
        words_plural(status->unknown_jobs, "job", &line);
        buf_add_text(&line, " for ");
        words_plural(status->unknown_accounts, "account", &line);
        print_label(out, "not connected");
        out_paint(out, YELLOW, "%s%s", at_least, buf_text(&line));
        out_printf(out, " the fleet has no tokens of (tokfleet account add)\n");
    }
    if (status->oldest_ms) {
        buf_clear(&line);
        words_age(status->now_ms - status->oldest_ms, &line);
        buf_add_text(&line, ", for account ");
        buf_add_visible(&line, str_of(status->oldest_account));
        print_label(out, "oldest waits");
        out_printf(out, "%s%s\n", at_least, buf_text(&line));
    }
    buf_fini(&line);
}

static void print_rest(const struct status *status, struct out *out)
{
    print_label(out, "unsure");
    out_paint(out, status->unsure ? YELLOW : PLAIN, "%" PRIi64, status->unsure);
    out_printf(out, "%s\n",
               status->unsure ? ": each may be on TikTok or not; look at the account" : "");
    print_label(out, "outbox");
    out_printf(out, "%" PRIi64 " on their way to Kafka\n", status->outbox);
    if (status->overdue_polls) {
        print_label(out, "looks");
        out_paint(out, YELLOW, "%" PRIi64 " are overdue", status->overdue_polls);
        out_printf(out, ": no poller is alive, or it has too much to do, or the accounts' status "
                        "windows are full\n");
    }
}

static void print_programs(const struct status *status, struct out *out)
{
    static const char *const head[] = { "kind", "host", "pid", "port", "version", "state", "seen" };
    struct table             table;
    struct buf               seen;
    out_paint(out, BOLD, "\nprograms");
    out_printf(out, "  %zu alive\n", status->alive_count);
    if (!status->program_count)
        return;
    buf_init(&seen, 64);
    table_init(&table, head, COUNT_OF(head));
    for (size_t i = 0; i < status->program_count; i++) {
        const struct program_seen *program = &status->programs[i];
        table_add_text(&table, program->kind);
        table_add_text(&table, program->host);
        table_add_text(&table, program->pid);
        table_add_text(&table, program->port);
        table_add_text(&table, program->version);
        table_add_text(&table, program->alive || strcmp(program->state, "stopped") == 0
                                   ? program->state
                                   : "SILENT");
        buf_clear(&seen);
        words_age(status->now_ms - program->seen_ms, &seen);
        buf_add_text(&seen, " ago");
        table_add(&table, buf_str(&seen));
    }
    table_print(&table, out, "  ");
    table_fini(&table);
    buf_fini(&seen);
}

static void print_failures(const struct status *status, struct out *out)
{
    static const char *const head[] = { "when", "state", "job", "code", "cause" };
    struct table             table;
    struct buf               ago;
    if (!status->failure_count)
        return;
    out_paint(out, BOLD, "\nlast failures\n");
    buf_init(&ago, 64);
    table_init(&table, head, COUNT_OF(head));
    table.cut = true;
    for (size_t i = 0; i < status->failure_count; i++) {
        const struct failure *failure = &status->failures[i];
        buf_clear(&ago);
        words_age(status->now_ms - failure->at_ms, &ago);
        buf_add_text(&ago, " ago");
        table_add(&table, buf_str(&ago));
        table_add_text(&table, job_state_text(failure->state));
        table_add_text(&table, failure->job_id);
        table_add_text(&table, failure->code);
        table_add_text(&table, failure->cause);
    }
    table_print(&table, out, "  ");
    out_paint(out, FAINT, "  more about one: tokfleet job ID\n");
    table_fini(&table);
    buf_fini(&ago);
}

void status_print(const struct status *status, const struct config *config, struct out *out)
{
    out_paint(out, BOLD, "fleet %s\n", config->fleet);
    if (status_never_ran(status)) {
        out_printf(out, "It has never run: there is nothing of it in this Redis.\n"
                        "  tokfleet topics ensure     creates its topics\n"
                        "  tokfleet-poller            opens the gate and follows posts\n"
                        "  tokfleet-worker            takes jobs from Kafka and posts them\n"
                        "  tokfleet account connect   connects an account\n");
        return;
    }
    print_gate(status, out);
    print_pause(status, out);
    print_flight(status, config, out);
    print_waiting(status, out);
    print_rest(status, out);
    print_states(status, out);
    print_programs(status, out);
    print_failures(status, out);
}
