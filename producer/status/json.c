// SPDX-License-Identifier: Apache-2.0
#include "producer/status/status.h"

static void set_text(struct json *object, const char *key, const char *text)
{
    json_set_text(object, key, str_of(text));
}

static struct json *counts_json(const int64_t counts[JOB_STATE_COUNT], bool ends_only)
{
    struct json *object = json_object();
    for (enum job_state state = JOB_QUEUED; state < JOB_STATE_COUNT; state++)
        if (!ends_only || job_state_is_end(state))
            json_set_i64(object, job_state_text(state), counts[state]);
    return object;
}

static struct json *waiting_json(const struct status *status)
{
    struct json *object = json_object();
    json_set_i64(object, "jobs", status->count[JOB_QUEUED]);
    json_set_i64(object, "ready_accounts", status->ready);
    json_set_i64(object, "delayed_jobs", status->delayed);
    json_set_i64(object, "unknown_accounts", status->unknown_accounts);
    json_set_i64(object, "unknown_jobs", status->unknown_jobs);
    json_set_bool(object, "complete", status->scanned_all);
    if (status->oldest_ms) {
        json_set_i64(object, "oldest_ms", status->now_ms - status->oldest_ms);
        set_text(object, "oldest_account", status->oldest_account);
    } else {
        json_set_null(object, "oldest_ms");
        json_set_null(object, "oldest_account");
    }
    return object;
}

static struct json *gate_json(const struct status *status)
{
    static const char *const words[] = { "never", "open", "closed", "other_server" };
    struct json             *object  = json_object();
    set_text(object, "state", words[status->gate]);
    set_text(object, "generation", status->generation);
    set_text(object, "taker", status->gate_taker);
    return object;
}

static struct json *pause_json(const struct status *status)
{
    struct json *object = json_object();
    json_set_i64(object, "since", status->paused_ms);
    set_text(object, "by", status->paused_by);
    set_text(object, "why", status->paused_why);
    return object;
}

static struct json *programs_json(const struct status *status)
{
    struct json *array = json_array();
    for (size_t i = 0; i < status->program_count; i++) {
        const struct program_seen *program = &status->programs[i];
        struct json               *object  = json_object();
        set_text(object, "id", program->id);
        set_text(object, "kind", program->kind);
        set_text(object, "host", program->host);
        set_text(object, "pid", program->pid);
        set_text(object, "port", program->port);
        set_text(object, "version", program->version);
        set_text(object, "state", program->state);
        json_set_bool(object, "alive", program->alive);
        json_set_i64(object, "seen", program->seen_ms);
        json_set_i64(object, "started", program->started_ms);
        json_add(array, &object);
    }
    return array;
}

static struct json *failures_json(const struct status *status)
{
    struct json *array = json_array();
    for (size_t i = 0; i < status->failure_count; i++) {
        const struct failure *failure = &status->failures[i];
        struct json          *object  = json_object();
        set_text(object, "job_id", failure->job_id);
        set_text(object, "account", failure->account);
        set_text(object, "state", job_state_text(failure->state));
        json_set_i64(object, "time", failure->at_ms);
        set_text(object, "code", failure->code);
        set_text(object, "cause", failure->cause);
        json_add(array, &object);
    }
    return array;
}

struct json *status_json(const struct status *status, const struct config *config)
{
    struct json *object   = json_object();
    struct json *gate     = gate_json(status);
    struct json *states   = counts_json(status->count, false);
    struct json *today    = counts_json(status->today, true);
    struct json *waiting  = waiting_json(status);
    struct json *programs = programs_json(status);
    struct json *failures = failures_json(status);
    set_text(object, "fleet", config->fleet);
    json_set_i64(object, "time", status->now_ms);
    json_set_bool(object, "ever_ran", !status_never_ran(status));
    json_set(object, "gate", &gate);
    if (status->paused_ms) {
        struct json *pause = pause_json(status);
        json_set(object, "paused", &pause);
    } else {
        json_set_null(object, "paused");
    }
    json_set_i64(object, "in_flight", status->in_flight);
    json_set_i64(object, "in_flight_limit", config->limit_in_flight);
    json_set_i64(object, "open", status->open);
    json_set_i64(object, "open_limit", config->limit_open);
    json_set_i64(object, "unsure", status->unsure);
    json_set_i64(object, "leases", status->leases);
    json_set_i64(object, "outbox", status->outbox);
    json_set_i64(object, "overdue_looks", status->overdue_polls);
    json_set(object, "states", &states);
    json_set(object, "today", &today);
    json_set(object, "waiting", &waiting);
    json_set_i64(object, "programs_alive", (int64_t)status->alive_count);
    json_set(object, "programs", &programs);
    json_set(object, "failures", &failures);
    return object;
}
