// SPDX-License-Identifier: Apache-2.0
/* tokfleet status --watch: the status again and again, on the whole terminal; a line a look where
 * there is none. */
#pragma once

#include "producer/status/rates.h"
#include "producer/status/screen.h"
#include "producer/status/status.h"

// what one picture shows
struct watch_page {
    const struct status     *status;
    const struct config     *config;
    const struct rates_told *rates;
    const char              *trouble;  // why the status is an old one; NULL: it is not
    int64_t                  interval_ms;
};

void watch_page_draw(const struct watch_page *page, struct picture *picture);
void watch_page_line(const struct watch_page *page, struct buf *line);  // for no terminal
// until q or Ctrl-C; the exit status
int watch_run(struct tool *tool, int64_t interval_ms, bool as_json);
