// SPDX-License-Identifier: Apache-2.0
/* A table of jobs as a spreadsheet exports it: the first row names the fields of a job
 * (producer/JOBS.md), each later row is one job, and becomes the message that says the same.
 * Complaints name the column as a spreadsheet does ("column D (priority): ..."). Pure: bytes come
 * from the caller. */
#pragma once

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"

enum { SHEET_COLUMNS_MAX = 200, SHEET_NAME_MAX = 160 };

struct sheet;

// utc_offset: for times without one, "+01:00"; NULL: such times are refused
struct sheet *sheet_new(const char *utc_offset, size_t row_max_bytes);
void          sheet_free(struct sheet *sheet);

// cells of one row, one after the other; false: the row is too long or too wide
bool   sheet_add_cell(struct sheet *sheet, struct str text, struct error *err) MUST_CHECK;
size_t sheet_cells(const struct sheet *sheet);
bool   sheet_row_is_empty(const struct sheet *sheet);  // nothing in any cell
void   sheet_next_row(struct sheet *sheet);            // forgets the cells

// the cells are names of fields; false: err says which column is wrong
bool sheet_take_head(struct sheet *sheet, struct error *err) MUST_CHECK;
// the cells are a job: appended to message as one JSON object
bool sheet_message(const struct sheet *sheet, struct buf *message, struct error *err) MUST_CHECK;
// puts the column in front of what job_decode() says of a field of this row
void sheet_blame(const struct sheet *sheet, struct error *err);
// "C", "AB"; columns are counted from 0
void sheet_column_name(size_t column, char out[4]);
