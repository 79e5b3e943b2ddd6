// SPDX-License-Identifier: Apache-2.0
/* One picture of `status --watch`, for any size of screen. From the top: what concerns everything,
 * the states, the programs, the failures; the silent programs come first, and what does not fit is
 * counted. Pure. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "loop/clock.h"
#include "producer/status/watch.h"
#include "producer/tool/words.h"

enum {
    LABEL_COLUMNS  = 15,
    CELL_COLUMNS   = 26,
    TEXT_BYTES_MAX = 1024,
    BAR_REST       = 24,
    BAR_MIN        = 10,
    PROGRAMS_LEAST = 3
};

static void label(struct picture *picture, const char *text)
{
    picture_add(picture, FAINT, str_of(text));
    picture_pad(picture, LABEL_COLUMNS);
}

static void add_count(struct picture *picture, enum paint paint, int64_t number)
{
    struct buf text;
    buf_init(&text, 32);
    words_count(number, &text);
    picture_add(picture, paint, buf_str(&text));
    buf_fini(&text);
}

static void add_age(struct picture *picture, enum paint paint, int64_t ms)
{
    struct buf text;
    buf_init(&text, 32);
    words_age(ms, &text);
    picture_add(picture, paint, buf_str(&text));
    buf_fini(&text);
}

static void add_gate(const struct status *status, struct picture *picture)
{
    switch (status->gate) {
    case GATE_NEVER:
        picture_add(picture, YELLOW, STR("gate never opened: start a poller"));
        break;
    case GATE_OPEN:
        picture_printf(picture, PLAIN, "gate open, generation %s", status->generation);
        break;
    case GATE_CLOSED:
        picture_printf(picture, YELLOW, "gate closed%s%s",
                       status->gate_taker[0] ? ", opened by " : "", status->gate_taker);
        break;
    case GATE_OTHER:
        picture_add(picture, RED, STR("gate closed: this is another Redis"));
        break;
    }
}

static void draw_head(const struct watch_page *page, struct picture *picture)
{
    const struct status *status = page->status;
    char                 time[CLOCK_TEXT_BYTES];
    clock_format(status->now_ms, time);
    picture_printf(picture, BOLD, "fleet %s", page->config->fleet);
    picture_add(picture, PLAIN, STR("   "));
    add_gate(status, picture);
    picture_pad(picture, picture->columns - 20);
    picture_printf(picture, FAINT, "  %.8sZ  q quits", time + 11);
    picture_end_line(picture);
    if (page->trouble) {
        picture_printf(picture, RED, "as it was %.8sZ: %s", time + 11, page->trouble);
        picture_end_line(picture);
    }
    if (status->paused_ms) {
        picture_printf(picture, YELLOW, "PAUSED by %s%s%s", status->paused_by,
                       status->paused_why[0] ? ": " : "", status->paused_why);
        picture_add(picture, PLAIN, STR("  (tokfleet resume)"));
        picture_end_line(picture);
    }
}

static void draw_flight(const struct watch_page *page, struct picture *picture)
{
    const struct status *status = page->status;
    int64_t              limit  = page->config->limit_in_flight;
    int                  width  = picture->columns - LABEL_COLUMNS - BAR_REST;
    enum paint           paint  = status->in_flight >= limit ? YELLOW : GREEN;
    struct buf           bar;
    buf_init(&bar, TEXT_BYTES_MAX);
    words_bar(status->in_flight, limit, width > BAR_MIN ? width : BAR_MIN, &bar);
    label(picture, "in flight");
    picture_add(picture, paint, buf_str(&bar));
    buf_fini(&bar);
    picture_add(picture, PLAIN, STR(" "));
    add_count(picture, BOLD, status->in_flight);
    picture_add(picture, PLAIN, STR(" of "));
    add_count(picture, PLAIN, limit);
    picture_end_line(picture);
}

static void draw_figures(const struct watch_page *page, struct picture *picture)
{
    const struct status *status = page->status;
    label(picture, "waiting");
    add_count(picture, BOLD, status->count[JOB_QUEUED]);
    if (status->oldest_ms) {
        picture_printf(picture, PLAIN, "%s, the oldest ", status->scanned_all ? "" : " (in part)");
        add_age(picture, BOLD, status->now_ms - status->oldest_ms);
        picture_printf(picture, PLAIN, ", of %s", status->oldest_account);
    }
    picture_end_line(picture);
    if (status->unknown_accounts) {
        label(picture, "");
        add_count(picture, YELLOW, status->unknown_jobs);
        picture_add(picture, PLAIN, STR(" of them for "));
        add_count(picture, YELLOW, status->unknown_accounts);
        picture_add(picture, PLAIN, STR(" accounts that are not connected"));
        picture_end_line(picture);
    }
    label(picture, "commit points");
    picture_printf(picture, PLAIN, "%" PRIi64 " of %" PRIi64 " open   outbox %" PRIi64,
                   status->open, page->config->limit_open, status->outbox);
    picture_printf(picture, status->unsure ? YELLOW : PLAIN, "   unsure %" PRIi64, status->unsure);
    if (status->overdue_polls)
        picture_printf(picture, YELLOW, "   looks overdue %" PRIi64, status->overdue_polls);
    picture_end_line(picture);
}

static void draw_rates(const struct watch_page *page, struct picture *picture)
{
    const struct rates_told *rates = page->rates;
    label(picture, "a minute");
    if (!rates->over_ms) {
        picture_add(picture, FAINT, STR("measuring"));
    } else {
        double failed =
            rates->ended[JOB_FAILED] + rates->ended[JOB_REJECTED] + rates->ended[JOB_EXPIRED];
        picture_printf(picture, PLAIN, "%.1f came  ", rates->came);
        picture_printf(picture, GREEN, "%.1f published  %.1f drafts  ", rates->ended[JOB_PUBLISHED],
                       rates->ended[JOB_IN_INBOX]);
        picture_printf(picture, failed > 0 ? RED : PLAIN, "%.1f failed", failed);
        picture_printf(picture, FAINT, "  (%" PRIi64 " s)", rates->over_ms / 1000);
    }
    picture_end_line(picture);
}

// in cells, as many in a line as fit
static void draw_states(const struct watch_page *page, struct picture *picture)
{
    const struct status *status = page->status;
    int a_line = picture->columns / CELL_COLUMNS > 0 ? picture->columns / CELL_COLUMNS : 1;
    int cells  = 0;
    picture_end_line(picture);
    for (enum job_state state = JOB_QUEUED; state < JOB_STATE_COUNT; state++) {
        bool in_flight = state >= JOB_CLAIMED && state <= JOB_UNSURE && state != JOB_UPLOADING;
        if (!status->count[state] && !in_flight && state != JOB_QUEUED && state != JOB_PUBLISHED)
            continue;
        if (cells && cells % a_line == 0)
            picture_end_line(picture);
        int begin = cells % a_line * CELL_COLUMNS;
        picture_pad(picture, begin);
        picture_add(picture, status->count[state] ? words_paint(state) : FAINT,
                    str_of(job_state_text(state)));
        picture_pad(picture, begin + 11);
        add_count(picture, status->count[state] ? BOLD : FAINT, status->count[state]);
        if (status->today[state]) {
            picture_add(picture, FAINT, STR(" +"));
            add_count(picture, FAINT, status->today[state]);
        }
        cells++;
    }
    picture_end_line(picture);
}

// ---- programs

static bool is_silent(const struct program_seen *program)
{
    return !program->alive && strcmp(program->state, "stopped") != 0;
}

static void draw_program(const struct status *status, const struct program_seen *program,
                         struct picture *picture)
{
    enum paint paint = is_silent(program) ? RED : program->alive ? GREEN : FAINT;
    picture_add(picture, PLAIN, STR("  "));
    picture_add(picture, paint, str_of(is_silent(program) ? "SILENT" : program->state));
    picture_pad(picture, LABEL_COLUMNS);
    picture_printf(picture, PLAIN, "%s", program->kind);
    picture_pad(picture, LABEL_COLUMNS + 9);
    picture_printf(picture, PLAIN, "%s pid %s", program->host, program->pid);
    if (program->port[0])
        picture_printf(picture, FAINT, " port %s", program->port);
    picture_add(picture, FAINT, STR("  seen "));
    add_age(picture, is_silent(program) ? RED : FAINT, status->now_ms - program->seen_ms);
    picture_printf(picture, FAINT, " ago  %s", program->version);
    picture_end_line(picture);
}

// silent ones first, then those that are alive, then those that were stopped; each at its place
// from look to look
static int compare_programs(const void *left, const void *right)
{
    const struct program_seen *a = *(const struct program_seen *const *)left;
    const struct program_seen *b = *(const struct program_seen *const *)right;
    int rank_a = is_silent(a) ? 0 : a->alive ? 1 : 2, rank_b = is_silent(b) ? 0 : b->alive ? 1 : 2;
    return rank_a != rank_b ? rank_a - rank_b : strcmp(a->id, b->id);
}

static size_t order_programs(const struct status *status, const struct program_seen **order,
                             size_t *silent)
{
    for (size_t i = 0; i < status->program_count; i++) {
        order[i] = &status->programs[i];
        *silent += is_silent(order[i]);
    }
    if (status->program_count)
        qsort(order, status->program_count, sizeof *order, compare_programs);
    return status->program_count;
}

static void draw_programs(const struct watch_page *page, size_t lines, struct picture *picture)
{
    const struct status        *status = page->status;
    const struct program_seen **order  = xcalloc(PROGRAMS_MAX + 1, sizeof *order);
    size_t                      silent = 0;
    size_t                      count  = order_programs(status, order, &silent);
    picture_end_line(picture);
    picture_add(picture, BOLD, STR("programs"));
    picture_pad(picture, LABEL_COLUMNS);
    picture_printf(picture, status->alive_count ? PLAIN : RED, "%zu alive", status->alive_count);
    if (silent)
        picture_printf(picture, RED, ", %zu silent", silent);
    if (count > lines)
        picture_printf(picture, FAINT, "   (%zu more do not fit)", count - lines);
    picture_end_line(picture);
    for (size_t i = 0; i < count && i < lines; i++)
        draw_program(status, order[i], picture);
    free(order);
}

// ---- failures

// words, with at most so many further lines
static void draw_wrapped(struct picture *picture, struct str text, int spare)
{
    struct str word;
    while (str_cut(&text, ' ', &word)) {
        size_t units;
        bool   fits =
            !str_utf16_units(word, &units) || picture->column + (int)units < picture->columns;
        if (!fits && spare > 0 && picture->column > LABEL_COLUMNS) {
            picture_end_line(picture);
            picture_pad(picture, LABEL_COLUMNS);
            spare--;
        }
        picture_add(picture, PLAIN, word);
        if (text.p)
            picture_add(picture, PLAIN, STR(" "));
    }
    picture_end_line(picture);
}

static void draw_failures(const struct watch_page *page, struct picture *picture)
{
    const struct status *status = page->status;
    picture_end_line(picture);
    picture_add(picture, BOLD, STR("last failures"));
    picture_add(picture, FAINT, STR("   tokfleet job ID tells more"));
    picture_end_line(picture);
    if (!status->failure_count)
        picture_add(picture, FAINT, STR("  none"));
    for (size_t i = 0; i < status->failure_count && picture_left(picture) > 0; i++) {
        const struct failure *failure = &status->failures[i];
        picture_add(picture, PLAIN, STR("  "));
        add_age(picture, FAINT, status->now_ms - failure->at_ms);
        picture_pad(picture, LABEL_COLUMNS - 1);
        picture_printf(picture, failure->state == JOB_UNSURE ? YELLOW : RED, " %-8s ",
                       job_state_text(failure->state));
        picture_printf(picture, BOLD, "%s  ", failure->job_id);
        // so many lines as the later ones do not need
        int spare = picture_left(picture) - (int)(status->failure_count - i);
        draw_wrapped(picture, str_of(failure->cause[0] ? failure->cause : failure->code), spare);
    }
}

void watch_page_draw(const struct watch_page *page, struct picture *picture)
{
    draw_head(page, picture);
    draw_flight(page, picture);
    draw_figures(page, picture);
    draw_rates(page, picture);
    draw_states(page, picture);
    // two heads, two empty lines; the failures get what the programs leave, and at least half
    int left  = picture_left(picture) - 4;
    int lines = left / 2 > PROGRAMS_LEAST ? left / 2 : PROGRAMS_LEAST;
    draw_programs(page, (size_t)lines, picture);
    draw_failures(page, picture);
}

void watch_page_line(const struct watch_page *page, struct buf *line)
{
    const struct status *status = page->status;
    char                 time[CLOCK_TEXT_BYTES];
    size_t               silent = 0;
    for (size_t i = 0; i < status->program_count; i++)
        silent += is_silent(&status->programs[i]);
    clock_format(status->now_ms, time);
    buf_printf(line, "%.10s %.8sZ  in flight %" PRIi64 " of %" PRIi64 "  waiting %" PRIi64, time,
               time + 11, status->in_flight, page->config->limit_in_flight,
               status->count[JOB_QUEUED]);
    if (status->oldest_ms) {
        buf_add_text(line, " (oldest ");
        words_age(status->now_ms - status->oldest_ms, line);
        buf_add_text(line, ")");
    }
    buf_printf(line,
               "  unsure %" PRIi64 "  today: published %" PRIi64 " inbox %" PRIi64
               " failed %" PRIi64,
               status->unsure, status->today[JOB_PUBLISHED], status->today[JOB_IN_INBOX],
               status->today[JOB_FAILED]);
    buf_printf(line, "  programs %zu alive %zu silent  gate %s%s", status->alive_count, silent,
               status->gate == GATE_OPEN ? "open" : "closed", status->paused_ms ? "  PAUSED" : "");
}
