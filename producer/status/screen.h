// SPDX-License-Identifier: Apache-2.0
/* A terminal that is drawn upon as a whole: its other screen, without a cursor, keys as they are
 * pressed, and its size, also when that changes. screen_close() leaves it as it was. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <termios.h>

#include "base/text.h"
#include "loop/loop.h"
#include "producer/tool/out.h"

enum { SCREEN_COLUMNS_MIN = 20, SCREEN_ROWS_MIN = 5 };

struct screen {
    struct out         *out;      // borrowed; a terminal
    int                 columns;  // now
    int                 rows;
    bool                resized;  // since screen_draw()
    bool                quit;     // q was pressed
    bool               *ends;     // borrowed; set then, so that what is waited for ends too
    bool                keys;     // standard input is a terminal, too
    struct termios      before;   // of standard input
    struct watch        input;
    struct signal_watch winch;
};

void screen_open(struct screen *screen, struct loop *loop, struct out *out, bool *ends);
// the whole picture: lines that are no longer than the screen is wide
void screen_draw(struct screen *screen, struct str picture);
void screen_close(struct screen *screen);

// A picture that is built line by line; what is beyond the edges is cut off.
struct picture {
    struct buf text;
    int        columns;
    int        rows;
    int        row;     // lines so far
    int        column;  // where the next text goes
    bool       colour;
};

void picture_init(struct picture *picture, int columns, int rows, bool colour);
void picture_fini(struct picture *picture);
// control characters in it are made visible; PLAIN text of any origin may stand there
void picture_add(struct picture *picture, enum paint paint, struct str text);
void picture_printf(struct picture *picture, enum paint paint, const char *format, ...)
    PRINTF_LIKE(3, 4);
void picture_pad(struct picture *picture, int column);  // spaces up to there
void picture_end_line(struct picture *picture);
int  picture_left(const struct picture *picture);  // lines
