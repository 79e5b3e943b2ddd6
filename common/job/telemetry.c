// SPDX-License-Identifier: Apache-2.0
#include "job/telemetry.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/process.h"
#include "job/metrics.h"
#include "job/program.h"
#include "loop/clock.h"

struct telemetry {
    struct program *program;  // borrowed
};

struct telemetry *telemetry_new(struct program *program, const char *kind)
{
    struct telemetry *telemetry = xcalloc(1, sizeof *telemetry);
    telemetry->program          = program;
    program->metrics            = metrics_new(metric_rows, METRIC_COUNT, kind);
    metric_set(program->metrics, METRIC_BUILD, 0, 1);
    metric_set(program->metrics, METRIC_STARTED, 0, clock_wall_ms() * 1000);
    return telemetry;
}

void telemetry_free(struct telemetry *telemetry)
{
    if (!telemetry)
        return;
    metrics_free(telemetry->program->metrics);
    telemetry->program->metrics = NULL;
    free(telemetry);
}

static size_t script_place(const struct redis_script *script)
{
    size_t place = 0;
    while (place < all_scripts_count && all_scripts[place] != script)
        place++;
    return place;
}

void telemetry_on_script(void *owner, const struct redis_script *script, int64_t took_us)
{
    const struct program *program = owner;
    metric_observe(program->metrics, METRIC_SCRIPT, script_place(script), took_us);
}

void telemetry_on_request(void *owner, const char *endpoint, const struct outcome *outcome,
                          int64_t took_us)
{
    struct metrics *metrics = ((const struct program *)owner)->metrics;
    size_t          place   = metric_place(metrics, METRIC_REQUEST, 0, str_of(endpoint));
    metric_observe(metrics, METRIC_REQUEST,
                   metric_pair(metrics, METRIC_REQUEST, place, metric_result_of(outcome->next)),
                   took_us);
    metric_add(metrics, METRIC_ANSWERS,
               metric_place(metrics, METRIC_ANSWERS, 0, str_of(outcome->code)), 1);
}

static void set_known(struct metrics *metrics, enum metric metric, int64_t value)
{
    if (value < 0)
        metric_unset(metrics, metric);
    else
        metric_set(metrics, metric, 0, value);
}

static void look_at_process(struct metrics *metrics)
{
    struct process_use use;
    process_look(&use);
    metric_total(metrics, METRIC_CPU, 0, use.cpu_us);
    set_known(metrics, METRIC_RESIDENT, use.resident_bytes);
    set_known(metrics, METRIC_VIRTUAL, use.virtual_bytes);
    set_known(metrics, METRIC_FDS, use.fds);
    set_known(metrics, METRIC_FDS_MAX, use.fds_max);
    metric_total(metrics, METRIC_LOG_LOST, 0, (int64_t)log_lost());
}

void telemetry_print(struct telemetry *telemetry, bool ready, struct buf *out)
{
    const struct program *program = telemetry->program;
    struct metrics       *metrics = program->metrics;
    metric_set(metrics, METRIC_READY, 0, ready);
    metric_set(metrics, METRIC_DRAINING, 0, program->draining);
    metric_set(metrics, METRIC_REDIS_UP, 0, redis_connected(program->redis));
    metric_set(metrics, METRIC_KAFKA_UP, 0, kafka_out_healthy(program->kafka));
    metric_set(metrics, METRIC_GATE_SEEN, 0, program->gate_open);
    metric_set(metrics, METRIC_KAFKA_QUEUE, 0, kafka_out_pending(program->kafka));
    look_at_process(metrics);
    metrics_print(metrics, out);
}
