// SPDX-License-Identifier: Apache-2.0
/* Metrics are rows, as settings are: a row says name, kind, unit, labels, who has it, and help, and drives what /metrics
 * shows (Prometheus' text format 0.0.4) and the reference. Every label has a closed set of values, so that the number of
 * series is known at the start: never an account, a job or a URL. metrics_new asserts that, and the conventions of names.
 * Nothing is allocated after it: an observation is an addition to a place in an array.
 *
 *     metric_add(metrics, METRIC_CLAIMS, CLAIM_FULL, 1);
 *     metric_observe(metrics, METRIC_LATENESS, 0, late_ms * 1000);
 *
 * A series is 0 without labels, the value's place in its set with one, metric_pair() with two. Values are whole numbers;
 * of METRIC_SECONDS they are microseconds, and shown as seconds. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/text.h"

enum metric_kind {
    METRIC_COUNTER,    // only grows; shown from the start, as 0
    METRIC_GAUGE,      // shown from its first value on, until metric_unset
    METRIC_HISTOGRAM,  // with labels, a series is shown from its first observation on
};

enum metric_unit {
    METRIC_NUMBER,
    METRIC_SECONDS,  // kept as microseconds
    METRIC_BYTES,
};

struct metric_label {
    const char *name;
    const char *(*value)(
        size_t place);  // NULL past the end of the set; a set whose last is "other" takes any text
    const char *words;  // for the reference, of a long set; NULL: its values are listed
};

struct metric_row {
    const char                *name;  // whole: "tokfleet_claims_total"
    enum metric_kind           kind;
    enum metric_unit           unit;
    const struct metric_label *labels[2];  // NULL: none
    const int64_t *bounds;    // of a histogram: upper ends, rising, closed by 0; else NULL
    const char    *programs;  // who has it, separated by blanks: "worker poller"
    const char    *help;      // one line
};

struct metrics;

// the rows are borrowed; program: those whose `programs` names it. Asserts what the head of this
// file says.
struct metrics *metrics_new(const struct metric_row *rows, size_t count, const char *program);
void   metric_add(struct metrics *metrics, size_t metric, size_t series, int64_t more);  // counter
void   metric_total(struct metrics *metrics, size_t metric, size_t series,
                    int64_t total);  // counter counted elsewhere
void   metric_set(struct metrics *metrics, size_t metric, size_t series, int64_t value);  // gauge
void   metric_unset(struct metrics *metrics,
                    size_t          metric);  // gauge: not known now, none of its series is shown
void   metric_observe(struct metrics *metrics, size_t metric, size_t series,
                      int64_t value);  // histogram; below 0 is 0
size_t metric_pair(const struct metrics *metrics, size_t metric, size_t first, size_t second);
// place of a text in a label's set; that of "other", which is its last, when it is not there
size_t  metric_place(const struct metrics *metrics, size_t metric, size_t label, struct str text);
int64_t metric_value(const struct metrics *metrics, size_t metric,
                     size_t series);  // histogram: how many observations
void    metrics_print(const struct metrics *metrics, struct buf *out);
void    metrics_free(struct metrics *metrics);

void metric_print_reference(const struct metric_row *rows, size_t count,
                            FILE *out);  // a Markdown table
