// SPDX-License-Identifier: Apache-2.0
/* What the tool prints: plain text or JSON on standard output, progress and errors on standard
 * error. Colour and bars only on a terminal, and no colour with NO_COLOR set. A reader that goes
 * away (a broken pipe) is no error: out_closed() says so and the verb ends quietly. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/text.h"
#include "io/json.h"

enum paint { PLAIN, BOLD, FAINT, GREEN, YELLOW, RED };

struct out {
    FILE *file;      // borrowed
    bool  terminal;  // it is one
    bool  colour;    // may be painted
    bool  screen;    // a terminal whose cursor may be moved
    bool  closed;    // the reader went away
    bool  broken;    // a write failed otherwise (disk full)
};

const char *paint_code(enum paint paint);  // the escape sequence; "" for PLAIN

void out_init(struct out *out, FILE *file);
void out_printf(struct out *out, const char *format, ...) PRINTF_LIKE(2, 3);
void out_paint(struct out *out, enum paint paint, const char *format, ...) PRINTF_LIKE(3, 4);
void out_bytes(struct out *out, struct str bytes);        // as they are
void out_json(struct out *out, const struct json *json);  // one line
bool out_flush(struct out *out);                          // false: closed or broken, stop
bool out_closed(const struct out *out);
int  out_columns(const struct out *out);  // of the terminal; 0: it is none

// Cells in rows, left aligned, as wide as the widest; the first row is the head. The last column
// is not padded. One that is `cut` ends where a terminal's line does: what it says in whole is to be
// had elsewhere.
enum { TABLE_COLUMNS_MAX = 10 };

struct table {
    size_t columns;
    bool   cut;
    char **cells;  // row by row; owned
    size_t count;
    size_t capacity;
};

void table_init(struct table *table, const char *const *head, size_t columns);
void table_add(struct table *table, struct str cell);  // made visible; copied
void table_add_text(struct table *table, const char *cell);
void table_print(const struct table *table, struct out *out, const char *indent);
void table_fini(struct table *table);
