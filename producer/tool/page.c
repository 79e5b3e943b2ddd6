// SPDX-License-Identifier: Apache-2.0
#include "producer/tool/page.h"

#include "producer/tool/words.h"

enum { LINE_MAX_BYTES = 8192 };

void page_init(struct page *page, struct out *out, int label_columns)
{
    *page = (struct page){ .out = out, .label_columns = label_columns };
    buf_init(&page->line, LINE_MAX_BYTES);
}

void page_fini(struct page *page)
{
    buf_fini(&page->line);
}

struct buf *page_line(struct page *page)
{
    buf_clear(&page->line);
    return &page->line;
}

static void print_line(struct page *page, const char *label, enum paint paint)
{
    out_paint(page->out, FAINT, "  %-*s ", page->label_columns, label);
    out_paint(page->out, paint, "%s", buf_text(&page->line));
    out_printf(page->out, "\n");
}

void page_end(struct page *page, const char *label)
{
    print_line(page, label, PLAIN);
}

void page_paint(struct page *page, const char *label, struct str text, enum paint paint)
{
    if (!text.len)
        return;
    buf_add_visible(page_line(page), text);
    print_line(page, label, paint);
}

void page_text(struct page *page, const char *label, struct str text)
{
    page_paint(page, label, text, PLAIN);
}

void page_time(struct page *page, const char *label, int64_t wall_ms, int64_t now_ms)
{
    if (wall_ms <= 0)
        return;
    words_time(wall_ms, now_ms, page_line(page));
    print_line(page, label, PLAIN);
}
