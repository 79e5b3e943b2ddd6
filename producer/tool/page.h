// SPDX-License-Identifier: Apache-2.0
/* A page for people: lines of a label and what it says. What has nothing to say is left out. */
#pragma once

#include "producer/tool/out.h"

struct page {
    struct out *out;            // borrowed
    int         label_columns;  // wide
    struct buf  line;           // what the line says, while it is made
};

void page_init(struct page *page, struct out *out, int label_columns);
void page_fini(struct page *page);

// a line that says one thing
void page_text(struct page *page, const char *label, struct str text);  // made visible
void page_paint(struct page *page, const char *label, struct str text, enum paint paint);
void page_time(struct page *page, const char *label, int64_t wall_ms, int64_t now_ms);
// a line that is put together: page_line() empties it, page_end() prints it
struct buf *page_line(struct page *page);
void        page_end(struct page *page, const char *label);
