// SPDX-License-Identifier: Apache-2.0
// links: tokfleet_job
#include "unit.h"

#include <string.h>

#include "base/memory.h"
#include "job/metrics.h"
#include "tiktok/post.h"

static struct metrics *of(const char *program)
{
    return metrics_new(metric_rows, METRIC_COUNT, program);
}

static bool shows(const struct metrics *metrics, const char *text)
{
    struct buf out;
    buf_init(&out, 1 << 20);
    metrics_print(metrics, &out);
    assert_false(out.full);
    bool yes = strstr(buf_text(&out), text) != NULL;
    buf_fini(&out);
    return yes;
}

TEST(every_row_is_well_formed_and_belongs_to_a_program)
{
    struct metrics *worker = of("worker"), *poller = of("poller");
    for (size_t i = 0; i < METRIC_COUNT; i++)
        assert_true(strstr(metric_rows[i].programs, "worker") ||
                    strstr(metric_rows[i].programs, "poller"));
    metrics_free(worker);
    metrics_free(poller);
}

TEST(every_outcome_is_counted_by_its_own_code)
{
    struct metrics *metrics = of("worker");
    for (size_t i = 0; outcome_row(i); i++) {
        const char *code  = outcome_row(i)->code;
        size_t      place = metric_place(metrics, METRIC_ANSWERS, 0, str_of(code));
        char        line[128];
        snprintf(line, sizeof line, "tokfleet_tiktok_answers_total{code=\"%s\"} ", code);
        assert_string_equal(outcome_code(place), code);
        assert_true(shows(metrics, line));
        (void)metric_result_of(outcome_row(i)->next);
    }
    metrics_free(metrics);
}

TEST(every_way_to_post_is_an_endpoint_of_its_own)
{
    struct metrics   *metrics = of("worker");
    const struct post posts[] = {
        { .media = MEDIA_VIDEO, .mode = POST_DIRECT },
        { .media = MEDIA_VIDEO, .mode = POST_DRAFT },
        { .media = MEDIA_PHOTOS, .mode = POST_DIRECT },
        { .media = MEDIA_PHOTOS, .mode = POST_DRAFT },
    };
    size_t other = metric_place(metrics, METRIC_REQUEST, 0, STR("no such endpoint"));
    for (size_t i = 0; i < COUNT_OF(posts); i++)
        assert_int_not_equal(
            metric_place(metrics, METRIC_REQUEST, 0, str_of(post_init_name(&posts[i]))), other);
    metrics_free(metrics);
}

TEST(a_state_is_counted_under_its_own_name)
{
    struct metrics *metrics = of("poller");
    for (enum job_state state = JOB_QUEUED; state < JOB_STATE_COUNT; state++) {
        char line[64];
        metric_set(metrics, METRIC_JOBS, metric_state_place(state), 1000 + (int64_t)state);
        snprintf(line, sizeof line, "tokfleet_jobs{state=\"%s\"} %d\n", job_state_text(state),
                 1000 + (int)state);
        assert_true(shows(metrics, line));
        assert_int_equal(metric_place(metrics, METRIC_EVENTS, 0, str_of(job_state_text(state))),
                         metric_state_place(state));
    }
    metrics_free(metrics);
}
