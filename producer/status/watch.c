// SPDX-License-Identifier: Apache-2.0
#include "producer/status/watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "loop/clock.h"

enum { TURN_MS = 50, SCAN_REST = 20, SCAN_LEAST_MS = 5000, LINE_BYTES = 1024 };

struct watching {
    struct tool  *tool;  // borrowed
    int64_t       interval_ms;
    bool          as_json;
    bool          on_screen;
    struct screen screen;
    struct status status;  // the last one that could be gathered
    bool          known;   // there is one
    struct rates  rates;
    struct error  trouble;
    bool          is_troubled;
    int64_t       scan_ms;  // monotonic: when the waiting ones may be scanned again
};

// Scanning who waits may take a second with very many accounts: it gets a twentieth of the time.
static bool gather(struct watching *w)
{
    struct status *next     = xcalloc(1, sizeof *next);
    int64_t        began_ms = clock_monotonic_ms();
    bool           scans    = !w->known || began_ms >= w->scan_ms;
    size_t         failures = w->on_screen ? FAILURES_MAX : 0;
    if (!scans) {
        next->unknown_accounts = w->status.unknown_accounts;
        next->unknown_jobs     = w->status.unknown_jobs;
        next->scanned_all      = w->status.scanned_all;
        next->oldest_ms        = w->status.oldest_ms;
        memcpy(next->oldest_account, w->status.oldest_account, sizeof next->oldest_account);
    }
    bool ok        = status_gather(w->tool, failures, scans, next, &w->trouble);
    w->is_troubled = !ok;
    if (ok) {
        w->status = *next;
        w->known  = true;
        rates_add(&w->rates, next);
    }
    if (ok && scans) {
        int64_t took_ms = (clock_monotonic_ms() - began_ms) * SCAN_REST;
        w->scan_ms = clock_monotonic_ms() + (took_ms > SCAN_LEAST_MS ? took_ms : SCAN_LEAST_MS);
    }
    free(next);
    return ok;
}

static void show_screen(struct watching *w, const struct watch_page *page)
{
    struct picture picture;
    picture_init(&picture, w->screen.columns, w->screen.rows, w->tool->out.colour);
    if (w->known)
        watch_page_draw(page, &picture);
    else
        picture_printf(&picture, RED, "%s", w->trouble.message);
    screen_draw(&w->screen, buf_str(&picture.text));
    picture_fini(&picture);
}

static void show(struct watching *w)
{
    struct rates_told rates;
    struct watch_page page = {
        .status      = &w->status,
        .config      = &w->tool->config,
        .rates       = &rates,
        .trouble     = w->is_troubled ? w->trouble.message : NULL,
        .interval_ms = w->interval_ms,
    };
    rates_tell(&w->rates, &rates);
    if (w->on_screen) {
        show_screen(w, &page);
    } else if (w->as_json) {
        struct json *json = status_json(&w->status, &w->tool->config);
        out_json(&w->tool->out, json);
        json_free(json);
    } else {
        struct buf line;
        buf_init(&line, LINE_BYTES);
        watch_page_line(&page, &line);
        out_printf(&w->tool->out, "%s\n", buf_text(&line));
        buf_fini(&line);
    }
    out_flush(&w->tool->out);
}

static bool ended(const struct watching *w)
{
    return w->tool->interrupted || out_closed(&w->tool->out);
}

// until the next look; a screen of another size is drawn at once
static void pause_between(struct watching *w)
{
    int64_t until = clock_monotonic_ms() + w->interval_ms;
    for (int64_t left = w->interval_ms; left > 0 && !ended(w);
         left         = until - clock_monotonic_ms()) {
        tool_turn(w->tool, left < TURN_MS ? left : TURN_MS);
        if (w->on_screen && w->screen.resized)
            show(w);
    }
}

int watch_run(struct tool *tool, int64_t interval_ms, bool as_json)
{
    struct watching *w    = xcalloc(1, sizeof *w);
    int              code = END_WELL;
    w->tool               = tool;
    w->interval_ms        = interval_ms;
    w->as_json            = as_json;
    w->on_screen          = tool->out.screen && !as_json;
    // what cannot be reached at the first look is told as for every verb
    if (!gather(w)) {
        code = tool_fail(tool, &w->trouble);
        free(w);
        return code;
    }
    if (w->on_screen)
        screen_open(&w->screen, tool->loop, &tool->out, &tool->interrupted);
    while (!ended(w)) {
        if (w->on_screen || !w->is_troubled)
            show(w);
        else
            tool_note(tool, "%s; looking again", w->trouble.message);
        pause_between(w);
        if (!ended(w))
            gather(w);
    }
    if (w->on_screen)
        screen_close(&w->screen);
    if (tool->interrupted && !w->screen.quit)
        code = END_INTERRUPTED;
    free(w);
    return code;
}
