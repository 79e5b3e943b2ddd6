// SPDX-License-Identifier: Apache-2.0
/* Are the messages of a file jobs that may be sent? The rules of ingest, and no job_id twice with
 * other content. What `validate` does, and `import` does first. */
#pragma once

#include <stddef.h>

#include "job/job.h"
#include "producer/send/feed.h"
#include "producer/tool/flags.h"
#include "producer/tool/seen.h"
#include "producer/tool/tool.h"

// what both verbs take; first in the struct of their options
struct check_options {
    const char *format;
    const char *utc_offset;
    int64_t     errors;
    bool        json;
};

// clang-format off
#define CHECK_FLAGS(type)                                                                                          \
    { "format", FLAG_TEXT, "FORMAT", offsetof(struct type, check.format),                                          \
      .help = "ndjson or csv, where neither the name of the file nor its first line tells", .choices = "ndjson|csv" }, \
    { "utc-offset", FLAG_TEXT, "OFFSET", offsetof(struct type, check.utc_offset),                                  \
      .help = "of the times of a table that have none: +01:00" },                                                  \
    { "errors", FLAG_COUNT, "N", offsetof(struct type, check.errors), "20", 0, 1000000,                            \
      "bad lines that are told one by one" },                                                                      \
    { "json", FLAG_YES, NULL, offsetof(struct type, check.json), .help = "print the summary as one JSON object" }
// clang-format on

#define CHECK_JSON                                                                                 \
    "one object: lines, good, repeats, bad, with_warnings, errors (a list of line and why, as "    \
    "many as --errors says)"

// what a file may look like, for the help of both verbs
// clang-format off
#define CHECK_FORMATS \
    "A line: {\"job_id\": \"campaign-7:clip-0042\", \"account\": \"@brand.de\",\n" \
    "         \"media\": [{\"url\": \"https://cdn.example.com/clip.mp4\"}], \"caption\": \"Morning light\"}\n" \
    "\n" \
    "A table (CSV), as a spreadsheet saves it, needs a first row with the names of its\n" \
    "columns; commas, semicolons and tabs will do, and empty cells say nothing:\n" \
    "\n" \
    "  job_id;account;video;caption;publish_at;privacy_level;comment\n" \
    "  clip-1;@brand.de;https://cdn.example.com/1.mp4;Morning light;2026-12-01 18:30;SELF_ONLY;yes\n" \
    "\n" \
    "Its names are the fields of a job: job_id, account, caption, title, publish_at,\n" \
    "expires_at, priority, on_unsure, transfer, cover_index, cover_timestamp_ms, metadata\n" \
    "(JSON); those of the settings: content_posting_method, privacy_level, duet, comment,\n" \
    "stitch, video_made_with_ai, brand_content_toggle, brand_organic_toggle, autoAddMusic,\n" \
    "description; and metadata.NAME for a text of your own. The media stand in video, in\n" \
    "photo_1, photo_2 and so on, or in media, where several URLs stand with white space\n" \
    "between them. A column whose name begins with # is a note and is not used. Times\n" \
    "without an offset need --utc-offset."
// clang-format on

enum verdict {
    CHECK_GOOD,
    CHECK_REPEAT,  // an earlier line says the same: there is nothing to send
    CHECK_BAD,     // err says why
    CHECK_END,
    CHECK_FAILED,  // the file cannot be read any further: err says why
};

struct check {
    struct tool                *tool;     // borrowed
    const struct check_options *options;  // borrowed
    struct feed                *feed;     // owned
    struct seen                *seen;     // owned
    struct json                *errors;   // owned; for --json
    struct job_rules            rules;
    uint64_t                    read;  // messages
    uint64_t                    good;
    uint64_t                    repeats;
    uint64_t                    bad;
    uint64_t                    warned;   // good ones with a warning
    int64_t                     told_ms;  // progress
};

// check is zeroed before, check_fini() in every case
bool check_open(struct check *check, struct tool *tool, const char *path,
                const struct check_options *options, struct error *err) MUST_CHECK;
// job is zeroed before, job_fini() in every case; message lives until the next one
enum verdict check_next(struct check *check, struct str *message, struct job *job,
                        struct error *err);
// all of them, counted; bad ones are told. false: the file cannot be read, or Ctrl-C
bool check_all(struct check *check, struct error *err) MUST_CHECK;
void check_tell_more(const struct check *check);  // how many bad ones were not told
void check_json(struct check *check, struct json *object);
void check_words(const struct check *check, struct buf *out);  // "62 lines: 61 jobs, 1 bad"
// the same for --json and for people, with what was sent behind it
void check_fini(struct check *check);

// a pause between two lines of progress, on a terminal; a verdict for one message of a test
bool         check_time_to_tell(struct check *check);
void         check_clear_progress(struct check *check);
enum verdict check_message(struct str message, uint64_t line, const struct job_rules *rules,
                           struct seen *seen, struct job *job, struct error *err);
