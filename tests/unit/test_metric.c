// SPDX-License-Identifier: Apache-2.0
// links: tokfleet_base
#include "unit.h"

#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/metric.h"

enum { CLAIMS, SLOTS, AGE, CALLS, LATE, FOREIGN };

static const char *result(size_t place)
{
    static const char *const texts[] = { "ok", "full", "other" };
    return place < COUNT_OF(texts) ? texts[place] : NULL;
}

static const char *endpoint(size_t place)
{
    static const char *const texts[] = { "video/init", "status/fetch" };
    return place < COUNT_OF(texts) ? texts[place] : NULL;
}

static const struct metric_label by_result   = { "result", result, NULL };
static const struct metric_label by_endpoint = { "endpoint", endpoint, NULL };
static const int64_t             bounds[]    = { 250, 1000000, 60000000, 0 };

static const struct metric_row rows[] = {
    [CLAIMS]  = { "t_claims_total",
                  METRIC_COUNTER,
                  METRIC_NUMBER,
                  { &by_result },
                  NULL,
                  "worker",
                  "Claims" },
    [SLOTS]   = { "t_slots", METRIC_GAUGE, METRIC_NUMBER, { 0 }, NULL, "worker poller", "Slots" },
    [AGE]     = { "t_age_seconds", METRIC_GAUGE, METRIC_SECONDS, { 0 }, NULL, "worker", "Age" },
    [CALLS]   = { "t_call_seconds",
                  METRIC_HISTOGRAM,
                  METRIC_SECONDS,
                  { &by_endpoint, &by_result },
                  bounds,
                  "worker",
                  "Calls" },
    [LATE]    = { "t_late_seconds",
                  METRIC_HISTOGRAM,
                  METRIC_SECONDS,
                  { 0 },
                  bounds,
                  "worker",
                  "Late" },
    [FOREIGN] = { "t_foreign_total",
                  METRIC_COUNTER,
                  METRIC_NUMBER,
                  { 0 },
                  NULL,
                  "poller",
                  "Another's" },
};

static struct metrics *some(void)
{
    return metrics_new(rows, COUNT_OF(rows), "worker");
}

static struct buf shown(const struct metrics *metrics)
{
    struct buf out;
    buf_init(&out, 1 << 20);
    metrics_print(metrics, &out);
    return out;
}

static bool shows(const struct metrics *metrics, const char *text)
{
    struct buf out = shown(metrics);
    bool       yes = strstr(buf_text(&out), text) != NULL;
    buf_fini(&out);
    return yes;
}

TEST(before_anything_counters_and_plain_histograms_are_zero_and_gauges_absent)
{
    struct metrics *metrics = some();
    struct buf      out     = shown(metrics);
    assert_str(buf_str(&out), "# HELP t_claims_total Claims\n"
                              "# TYPE t_claims_total counter\n"
                              "t_claims_total{result=\"ok\"} 0\n"
                              "t_claims_total{result=\"full\"} 0\n"
                              "t_claims_total{result=\"other\"} 0\n"
                              "# HELP t_late_seconds Late\n"
                              "# TYPE t_late_seconds histogram\n"
                              "t_late_seconds_bucket{le=\"0.00025\"} 0\n"
                              "t_late_seconds_bucket{le=\"1\"} 0\n"
                              "t_late_seconds_bucket{le=\"60\"} 0\n"
                              "t_late_seconds_bucket{le=\"+Inf\"} 0\n"
                              "t_late_seconds_sum 0\n"
                              "t_late_seconds_count 0\n");
    buf_fini(&out);
    metrics_free(metrics);
}

TEST(a_counter_grows_and_one_counted_elsewhere_never_goes_back)
{
    struct metrics *metrics = some();
    metric_add(metrics, CLAIMS, 1, 2);
    metric_add(metrics, CLAIMS, 1, 1);
    metric_total(metrics, CLAIMS, 0, 7);
    metric_total(metrics, CLAIMS, 0, 5);
    assert_int_equal(metric_value(metrics, CLAIMS, 0), 7);
    assert_true(
        shows(metrics, "t_claims_total{result=\"ok\"} 7\nt_claims_total{result=\"full\"} 3\n"));
    metrics_free(metrics);
}

TEST(a_gauge_is_shown_from_its_first_value_until_it_is_not_known)
{
    struct metrics *metrics = some();
    metric_set(metrics, SLOTS, 0, 0);
    assert_true(shows(metrics, "# TYPE t_slots gauge\nt_slots 0\n"));
    metric_set(metrics, SLOTS, 0, -3);
    assert_true(shows(metrics, "\nt_slots -3\n"));
    metric_unset(metrics, SLOTS);
    assert_false(shows(metrics, "t_slots"));
    metrics_free(metrics);
}

TEST(microseconds_are_shown_as_seconds_to_the_last_digit)
{
    struct metrics *metrics = some();
    metric_set(metrics, AGE, 0, 1);
    assert_true(shows(metrics, "\nt_age_seconds 0.000001\n"));
    metric_set(metrics, AGE, 0, 90000000);
    assert_true(shows(metrics, "\nt_age_seconds 90\n"));
    metric_set(metrics, AGE, 0, -1500000);
    assert_true(shows(metrics, "\nt_age_seconds -1.5\n"));
    metric_set(metrics, AGE, 0, INT64_MIN);
    assert_true(shows(metrics, "\nt_age_seconds -9223372036854.775808\n"));
    metrics_free(metrics);
}

TEST(an_observation_counts_in_its_bucket_and_all_above_and_a_bound_is_inside)
{
    struct metrics *metrics = some();
    metric_observe(metrics, LATE, 0, 250);
    metric_observe(metrics, LATE, 0, 251);
    metric_observe(metrics, LATE, 0, 60000001);
    metric_observe(metrics, LATE, 0, -5);
    assert_int_equal(metric_value(metrics, LATE, 0), 4);
    assert_true(shows(metrics, "t_late_seconds_bucket{le=\"0.00025\"} 2\n"
                               "t_late_seconds_bucket{le=\"1\"} 3\n"
                               "t_late_seconds_bucket{le=\"60\"} 3\n"
                               "t_late_seconds_bucket{le=\"+Inf\"} 4\n"
                               "t_late_seconds_sum 60.000502\n"
                               "t_late_seconds_count 4\n"));
    metrics_free(metrics);
}

TEST(of_a_histogram_with_labels_only_what_was_observed_is_shown)
{
    struct metrics *metrics = some();
    size_t pair = metric_pair(metrics, CALLS, 1, metric_place(metrics, CALLS, 1, STR("full")));
    assert_false(shows(metrics, "t_call_seconds"));
    metric_observe(metrics, CALLS, pair, 300);
    assert_true(shows(
        metrics, "t_call_seconds_bucket{endpoint=\"status/fetch\",result=\"full\",le=\"1\"} 1\n"));
    assert_true(
        shows(metrics, "t_call_seconds_count{endpoint=\"status/fetch\",result=\"full\"} 1\n"));
    assert_false(shows(metrics, "video/init"));
    metrics_free(metrics);
}

TEST(a_text_outside_of_the_set_is_other)
{
    struct metrics *metrics = some();
    assert_int_equal(metric_place(metrics, CLAIMS, 0, STR("full")), 1);
    assert_int_equal(metric_place(metrics, CLAIMS, 0, STR("never heard of")), 2);
    assert_int_equal(metric_place(metrics, CLAIMS, 0, STR("")), 2);
    metrics_free(metrics);
}

TEST(another_programs_metric_is_not_shown)
{
    struct metrics *poller = metrics_new(rows, COUNT_OF(rows), "poller");
    assert_true(shows(poller, "t_foreign_total 0"));
    assert_false(shows(poller, "t_claims_total"));
    metrics_free(poller);
    struct metrics *worker = some();
    assert_false(shows(worker, "t_foreign_total"));
    metrics_free(worker);
}

TEST(what_does_not_fit_is_told_by_the_buffer)
{
    struct metrics *metrics = some();
    struct buf      out;
    buf_init(&out, 100);
    metrics_print(metrics, &out);
    assert_true(out.full);
    buf_fini(&out);
    metrics_free(metrics);
}

// ---- the rules: a row that breaks one does not start

static bool starts(struct metric_row row)
{
    int   status = 0;
    pid_t child  = fork();
    if (child == 0) {
        const struct rlimit none = { 0, 0 };
        setrlimit(RLIMIT_CORE, &none);
        signal(SIGABRT, SIG_DFL);
        close(STDERR_FILENO);
        metrics_free(metrics_new(&row, 1, "worker"));
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status);
}

static const char *many(size_t place)
{
    static char texts[200][8];
    if (place >= 200)
        return NULL;
    snprintf(texts[place], sizeof texts[place], "v%zu", place);
    return texts[place];
}

static const char *twice(size_t place)
{
    return place < 2 ? "same" : NULL;
}

static const char *odd(size_t place)
{
    return place < 1 ? "a b\"c" : NULL;
}

TEST(names_follow_the_conventions)
{
    assert_true(starts(rows[CLAIMS]));
    struct metric_row row = rows[CLAIMS];
    row.name              = "t_claims";  // a counter without _total
    assert_false(starts(row));
    row      = rows[SLOTS];
    row.name = "t_slots_total";
    assert_false(starts(row));
    row.name = "t slots";
    assert_false(starts(row));
    row.name = "t_age_seconds";  // without the unit
    assert_false(starts(row));
    row      = rows[AGE];
    row.name = "t_age";
    assert_false(starts(row));
    row      = rows[SLOTS];
    row.help = "two\nlines";
    assert_false(starts(row));
}

TEST(the_number_of_series_is_bounded)
{
    static const struct metric_label by_many = { "many", many, NULL };
    struct metric_row                row     = rows[CLAIMS];
    row.labels[0]                            = &by_many;
    assert_false(starts(row));
}

TEST(a_label_has_different_values_that_need_no_escape)
{
    static const struct metric_label by_twice = { "twice", twice, NULL },
                                     by_odd   = { "odd", odd, NULL };
    static const struct metric_label by_le    = { "le", result, NULL };
    struct metric_row                row      = rows[CLAIMS];
    row.labels[0]                             = &by_twice;
    assert_false(starts(row));
    row.labels[0] = &by_odd;
    assert_false(starts(row));
    row.labels[0] = &by_le;
    assert_false(starts(row));
}

TEST(buckets_rise)
{
    static const int64_t falling[] = { 10, 5, 0 };
    struct metric_row    row       = rows[LATE];
    row.bounds                     = falling;
    assert_false(starts(row));
    row.bounds = NULL;
    assert_false(starts(row));
}
