// SPDX-License-Identifier: Apache-2.0
#include "io/cells.h"

#include <assert.h>
#include <csv.h>
#include <stdlib.h>

#include "base/memory.h"

struct cells {
    struct csv_parser          parser;
    const struct cells_events *events;  // borrowed
    void                      *owner;   // of the events
};

static void on_cell(void *bytes, size_t len, void *data)
{
    struct cells *cells = data;
    cells->events->on_cell(cells->owner, (struct str){ bytes, len });
}

static void on_row(int ended_by, void *data)
{
    (void)ended_by;
    struct cells *cells = data;
    cells->events->on_row(cells->owner);
}

// a carriage return is white space here, so that one at the end of a line is trimmed
static int is_space(unsigned char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static int is_end(unsigned char c)
{
    return c == '\n';
}

struct cells *cells_new(char separator, const struct cells_events *events, void *owner)
{
    struct cells *cells = xcalloc(1, sizeof *cells);
    int           bad   = csv_init(&cells->parser, CSV_STRICT | CSV_STRICT_FINI);
    assert(!bad);
    csv_set_delim(&cells->parser, (unsigned char)separator);
    csv_set_space_func(&cells->parser, is_space);
    csv_set_term_func(&cells->parser, is_end);
    csv_set_realloc_func(&cells->parser, xrealloc);
    cells->events = events;
    cells->owner  = owner;
    return cells;
}

bool cells_feed(struct cells *cells, struct str bytes, struct error *err)
{
    if (csv_parse(&cells->parser, bytes.p, bytes.len, on_cell, on_row, cells) == bytes.len)
        return true;
    return error_set(
        err, ERR_INPUT,
        "a quote (\") stands inside of a cell: put the whole cell in quotes and double "
        "the quotes in it");
}

bool cells_end(struct cells *cells, struct error *err)
{
    if (csv_fini(&cells->parser, on_cell, on_row, cells) == 0)
        return true;
    return error_set(err, ERR_INPUT, "a quote (\") opens a cell and nothing closes it");
}

void cells_free(struct cells *cells)
{
    if (!cells)
        return;
    csv_free(&cells->parser);
    free(cells);
}
