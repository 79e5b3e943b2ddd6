// SPDX-License-Identifier: Apache-2.0
#include "producer/status/screen.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/memory.h"
#include "producer/tool/words.h"

enum { COLUMNS_USUAL = 80, ROWS_USUAL = 24, CELL_BYTES = 2048, PICTURE_MAX_BYTES = 1024 * 1024 };

static void take_size(struct screen *screen)
{
    struct winsize size = { 0 };
    bool           ok =
        ioctl(fileno(screen->out->file), TIOCGWINSZ, &size) == 0 && size.ws_col && size.ws_row;
    screen->columns = ok ? size.ws_col : COLUMNS_USUAL;
    screen->rows    = ok ? size.ws_row : ROWS_USUAL;
    if (screen->columns < SCREEN_COLUMNS_MIN)
        screen->columns = SCREEN_COLUMNS_MIN;
    if (screen->rows < SCREEN_ROWS_MIN)
        screen->rows = SCREEN_ROWS_MIN;
}

static void on_winch(struct signal_watch *watch, int number)
{
    (void)number;
    struct screen *screen = container_of(watch, struct screen, winch);
    take_size(screen);
    screen->resized = true;
}

static void on_key(struct watch *watch, int what)
{
    (void)what;
    struct screen *screen = container_of(watch, struct screen, input);
    char           keys[64];
    ssize_t        n = read(STDIN_FILENO, keys, sizeof keys);
    if (n <= 0)
        watch_set(watch, 0);
    for (ssize_t i = 0; i < n; i++)
        if (keys[i] == 'q' || keys[i] == 'Q')
            screen->quit = *screen->ends = true;
}

void screen_open(struct screen *screen, struct loop *loop, struct out *out, bool *ends)
{
    memset(screen, 0, sizeof *screen);
    screen->out  = out;
    screen->ends = ends;
    screen->keys = isatty(STDIN_FILENO) == 1 && tcgetattr(STDIN_FILENO, &screen->before) == 0;
    take_size(screen);
    signal_watch_init(&screen->winch, loop, SIGWINCH, on_winch);
    if (screen->keys) {
        struct termios now = screen->before;
        now.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
        now.c_cc[VMIN]  = 1;
        now.c_cc[VTIME] = 0;
        now.c_cc[VSUSP] = _POSIX_VDISABLE;  // Ctrl-Z and Ctrl-\ would leave the terminal as it is
        now.c_cc[VQUIT] = _POSIX_VDISABLE;
        tcsetattr(STDIN_FILENO, TCSANOW, &now);
        watch_init(&screen->input, loop, STDIN_FILENO, on_key);
        watch_set(&screen->input, WATCH_READ);
    }
    // the other screen, no cursor, no wrapping of what is too long
    out_printf(out, "\033[?1049h\033[?25l\033[?7l\033[2J");
}

void screen_draw(struct screen *screen, struct str picture)
{
    screen->resized = false;
    out_printf(screen->out, "\033[H");
    out_bytes(screen->out, picture);
    out_printf(screen->out, "\033[J");
    out_flush(screen->out);
}

void screen_close(struct screen *screen)
{
    out_printf(screen->out, "\033[?7h\033[?25h\033[?1049l");
    out_flush(screen->out);
    signal_watch_fini(&screen->winch);
    watch_fini(&screen->input);
    if (screen->keys)
        tcsetattr(STDIN_FILENO, TCSANOW, &screen->before);
}

// ---- pictures

void picture_init(struct picture *picture, int columns, int rows, bool colour)
{
    *picture = (struct picture){ .columns = columns, .rows = rows, .colour = colour };
    buf_init(&picture->text, PICTURE_MAX_BYTES);
}

void picture_fini(struct picture *picture)
{
    buf_fini(&picture->text);
}

int picture_left(const struct picture *picture)
{
    return picture->rows - picture->row;
}

void picture_add(struct picture *picture, enum paint paint, struct str text)
{
    struct buf shown;
    bool       painted = picture->colour && paint != PLAIN;
    if (picture_left(picture) <= 0)
        return;
    buf_init(&shown, CELL_BYTES);
    buf_add_visible(&shown, text);
    const char *p = buf_text(&shown);
    if (painted)
        buf_add_text(&picture->text, paint_code(paint));
    for (; *p; p++) {
        bool begins = ((unsigned char)*p & 0xc0) != 0x80;
        if (begins && picture->column >= picture->columns)
            break;
        buf_add_char(&picture->text, *p);
        picture->column += begins;
    }
    if (painted)
        buf_add_text(&picture->text, "\033[0m");
    buf_fini(&shown);
}

void picture_printf(struct picture *picture, enum paint paint, const char *format, ...)
{
    char    text[CELL_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    picture_add(picture, paint, str_of(text));
}

void picture_pad(struct picture *picture, int column)
{
    while (picture->column < column && picture->column < picture->columns &&
           picture_left(picture) > 0)
        picture_add(picture, PLAIN, STR(" "));
}

void picture_end_line(struct picture *picture)
{
    if (picture_left(picture) <= 0)
        return;
    picture->row++;
    // a full line has nothing behind it, and clearing there would take its last character
    if (picture->column < picture->columns)
        buf_add_text(&picture->text, "\033[K");
    // the last line has no end: the terminal would scroll
    if (picture_left(picture) > 0)
        buf_add_text(&picture->text, "\r\n");
    picture->column = 0;
}
