// SPDX-License-Identifier: Apache-2.0
/* Everything that Redis knows of one job, as it was at one moment, for people and for scripts. */
#pragma once

#include "io/json.h"
#include "job/state.h"
#include "producer/tool/tool.h"

enum { VIEW_JOB, VIEW_LOG, VIEW_MESSAGE, VIEW_MARK, VIEW_ASKS };

struct job_view {
    struct ask asks[VIEW_ASKS];
    struct ask account;  // HGETALL of its account, when it waits
    struct ask breaker;  // HGETALL of the fleet's, when it waits
    struct buf first;    // the timeline of a job that only waits, which Redis does not keep
};

// view is zeroed before, job_view_fini() after; partition: "topic-partition" to read the
// watermark of, or NULL
bool job_view_load(struct tool *tool, const char *job_id, const char *partition,
                   struct job_view *view, struct error *err) MUST_CHECK;
void job_view_fini(struct job_view *view);
// The same for a verb: false when there is no such job, or Redis does not answer; why was told then,
// and code is the exit status.
bool job_view_look(struct tool *tool, const char *job_id, struct job_view *view,
                   int *code) MUST_CHECK;

bool           job_view_found(const struct job_view *view);
struct str     job_view_field(const struct job_view *view, const char *field);   // "" when absent
int64_t        job_view_number(const struct job_view *view, const char *field);  // 0 when absent
enum job_state job_view_state(const struct job_view *view);  // JOB_NONE: not found
size_t         job_view_lines(const struct job_view *view);  // of its timeline
struct str     job_view_line(const struct job_view *view, size_t i);
int64_t        job_view_watermark(const struct job_view *view);  // next offset; -1: not known
int64_t        watermark_next(struct str text);  // the same, of a field of `watermark`

struct job_rules;
void job_view_print(const struct job_view *view, const struct job_rules *rules, const char *job_id,
                    int64_t now_ms, struct out *out);
struct json *job_view_json(const struct job_view *view, const char *job_id);
// why a QUEUED job waits, as far as its hash and its account's tell
void job_view_add_waiting(const struct job_view *view, int64_t now_ms, struct buf *out);
// its timeline alone; nothing is printed when there is none
void         job_view_print_timeline(const struct job_view *view, struct out *out);
struct json *job_view_timeline_json(const struct job_view *view);
