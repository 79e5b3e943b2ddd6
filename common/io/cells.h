// SPDX-License-Identifier: Apache-2.0
/* The cells of a CSV file (libcsv): fed with bytes, it tells cells and ends of rows. A cell in
 * quotes may hold separators, doubled quotes and line ends; what is not in quotes is trimmed; a row
 * of nothing is not told. Rows end with a line feed, before which a carriage return may stand. */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "base/text.h"

struct cells;

struct cells_events {
    void (*on_cell)(void *owner, struct str text);  // borrowed
    void (*on_row)(void *owner);                    // its last cell was told
};

struct cells *cells_new(char separator, const struct cells_events *events, void *owner);
// false: a quote stands where none may; nothing more can be fed
bool cells_feed(struct cells *cells, struct str bytes, struct error *err) MUST_CHECK;
// no more bytes: tells what a file without a last line end leaves. false: a cell in quotes is not
// closed
bool cells_end(struct cells *cells, struct error *err) MUST_CHECK;
void cells_free(struct cells *cells);
