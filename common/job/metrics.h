// SPDX-License-Identifier: Apache-2.0
/* The metrics of the worker and the poller: one table of rows (base/metric.h says how they work). Another one is a row
 * here, and a metric_add, metric_set or metric_observe where it happens, by program->metrics:
 *
 *     metric_add(program->metrics, METRIC_CLAIMS, CLAIM_FULL_SLOTS, 1);
 *
 * then tests/check.sh --write settings, which puts it into deploy/README.md. A label is a closed set: a set of texts
 * below, or one that a table makes (states, scripts, outcomes). */
#pragma once

#include "base/metric.h"
#include "tiktok/outcome.h"

/*      enum                    value of the label */
#define METRIC_ENDPOINTS(X)                          \
    X( ENDPOINT_VIDEO,         "video/init"        ) \
    X( ENDPOINT_DRAFT,         "inbox/video/init"  ) \
    X( ENDPOINT_CONTENT,       "content/init"      ) \
    X( ENDPOINT_STATUS,        "status/fetch"      ) \
    X( ENDPOINT_CANCEL,        "cancel"            ) \
    X( ENDPOINT_LIST,          "video/list"        ) \
    X( ENDPOINT_OTHER,         "other"             )

// by `enum next` of the outcome table
#define METRIC_RESULTS(X)          \
    X( RESULT_OK,      "ok"      ) \
    X( RESULT_RETRY,   "retry"   ) \
    X( RESULT_WINDOW,  "window"  ) \
    X( RESULT_DAY,     "day"     ) \
    X( RESULT_DRAFTS,  "drafts"  ) \
    X( RESULT_USERS,   "users"   ) \
    X( RESULT_REFRESH, "refresh" ) \
    X( RESULT_PARK,    "park"    ) \
    X( RESULT_LOOK_UP, "look_up" ) \
    X( RESULT_FAIL,    "fail"    )

#define METRIC_SETS(X)               \
    X( endpoint, METRIC_ENDPOINTS )  \
    X( result,   METRIC_RESULTS   )

#define X(name, text) name,
enum metric_endpoint { METRIC_ENDPOINTS(X) };
enum metric_result { METRIC_RESULTS(X) };
#undef X

// clang-format off
/*   METRIC_..., name, kind, unit, first label, second label, buckets, of, help */
#define METRICS_OF_PROCESS(X) \
    X(BUILD, "tokfleet_build_info", GAUGE, NUMBER, &by_version, NULL, NULL, "worker poller", "1, by the version that runs") \
    X(READY, "tokfleet_ready", GAUGE, NUMBER, NULL, NULL, NULL, "worker poller", "1 while /readyz says ok") \
    X(DRAINING, "tokfleet_draining", GAUGE, NUMBER, NULL, NULL, NULL, "worker poller", "1 from SIGTERM on") \
    X(REDIS_UP, "tokfleet_redis_up", GAUGE, NUMBER, NULL, NULL, NULL, "worker poller", "1 while this program is connected to Redis") \
    X(KAFKA_UP, "tokfleet_kafka_up", GAUGE, NUMBER, NULL, NULL, NULL, "worker poller", "1 while Kafka's brokers are reachable, as far as this program knows") \
    X(GATE_SEEN_OPEN, "tokfleet_gate_seen_open", GAUGE, NUMBER, NULL, NULL, NULL, "worker poller", "1 when the last script that this program asked for found the gate open") \
    X(KAFKA_QUEUE, "tokfleet_kafka_queue_records", GAUGE, NUMBER, NULL, NULL, NULL, "worker poller", "records of this program that Kafka has not confirmed yet") \
    X(LOG_LOST, "tokfleet_log_lines_lost_total", COUNTER, NUMBER, NULL, NULL, NULL, "worker poller", "log lines lost because the reader of the log was too slow") \
    X(REQUEST, "tokfleet_tiktok_request_seconds", HISTOGRAM, SECONDS, &by_endpoint, &by_result, of_requests, "worker poller", "requests to TikTok, from the start to the answer or to giving up, by what the outcome table makes of it") \
    X(ANSWERS, "tokfleet_tiktok_answers_total", COUNTER, NUMBER, &by_code, NULL, NULL, "worker poller", "answers of TikTok, and requests without one, by the code of the outcome table") \
    X(SCRIPT, "tokfleet_redis_script_seconds", HISTOGRAM, SECONDS, &by_script, NULL, of_scripts, "worker poller", "from writing a script to Redis to its answer; other: commands that are no script") \
    X(CPU, "process_cpu_seconds_total", COUNTER, SECONDS, NULL, NULL, NULL, "worker poller", "CPU time of this process, user and system") \
    X(STARTED, "process_start_time_seconds", GAUGE, SECONDS, NULL, NULL, NULL, "worker poller", "when this process started, since 1970") \
    X(RESIDENT, "process_resident_memory_bytes", GAUGE, BYTES, NULL, NULL, NULL, "worker poller", "memory of this process in RAM") \
    X(VIRTUAL, "process_virtual_memory_bytes", GAUGE, BYTES, NULL, NULL, NULL, "worker poller", "address space of this process") \
    X(FDS, "process_open_fds", GAUGE, NUMBER, NULL, NULL, NULL, "worker poller", "file descriptors open") \
    X(FDS_MAX, "process_max_fds", GAUGE, NUMBER, NULL, NULL, NULL, "worker poller", "file descriptors that it may open")

#define METRICS(X) \
    METRICS_OF_PROCESS(X)
// clang-format on

enum metric {
#define X(id, ...) METRIC_##id,
    METRICS(X)
#undef X
    METRIC_COUNT
};

extern const struct metric_row metric_rows[METRIC_COUNT];

enum metric_result metric_result_of(enum next next);
