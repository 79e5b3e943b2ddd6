// SPDX-License-Identifier: Apache-2.0
/* The metrics of the worker and the poller: one table of rows (base/metric.h says how they work). Another one is a row
 * here, and a metric_add, metric_set or metric_observe where it happens, by program->metrics:
 *
 *     metric_add(program->metrics, METRIC_CLAIMS, CLAIM_NO_SLOT, 1);
 *
 * then tests/check.sh --write settings, which puts it into deploy/README.md. A label is a closed set: an X-macro below
 * when C names its values, a list of words in metrics.c when they come as text (metric_place), or what a table makes
 * (states, scripts, outcomes). */
#pragma once

#include "base/metric.h"
#include "job/state.h"
#include "tiktok/outcome.h"

/*     enum                value of the label    when */
// of asking for a job
#define METRIC_CLAIM_ENDS(X)                                                                       \
    X(CLAIM_CLAIMED, "claimed")                                                                    \
    X(CLAIM_NOTHING, "nothing")        /* no account may act now        */                         \
    X(CLAIM_NO_SLOT, "no_slot")        /* limit.in_flight               */                         \
    X(CLAIM_NO_PLACE, "no_open_place") /* limit.open                    */                         \
    X(CLAIM_PAUSED, "paused")          /* the fleet, by a person        */                         \
    X(CLAIM_GATE, "gate")              /* it is closed                  */                         \
    X(CLAIM_ERROR, "error")            /* Redis refused, or was not there */

// of an attempt
#define METRIC_ATTEMPT_ENDS(X)                                                                     \
    X(ATTEMPT_ACCEPTED, "accepted")                                                                \
    X(ATTEMPT_RETRIED, "retried") /* the job waits: tried again    */                              \
    X(ATTEMPT_HELD, "held")       /* its account waits: a limit, or parked */                      \
    X(ATTEMPT_REFUSED, "refused")                                                                  \
    X(ATTEMPT_GAVE_UP, "gave_up") /* worth a retry, but the bound is reached */                    \
    X(ATTEMPT_UNSURE, "unsure")                                                                    \
    X(ATTEMPT_REJECTED, "rejected") /* the account does not allow it */                            \
    X(ATTEMPT_RELEASED, "released") /* before anything was sent      */

// of a command
#define METRIC_COMMAND_ENDS(X)                                                                     \
    X(COMMANDED_DONE, "done")                                                                      \
    X(COMMANDED_KNOWN, "known") /* read again, or sent again     */                                \
    X(COMMANDED_REFUSED, "refused")

#define METRIC_PROGRAMS(X)                                                                         \
    X(ALIVE_WORKER, "worker")                                                                      \
    X(ALIVE_POLLER, "poller")

// by `enum next` of the outcome table
#define METRIC_RESULTS(X)                                                                          \
    X(RESULT_OK, "ok")                                                                             \
    X(RESULT_RETRY, "retry")                                                                       \
    X(RESULT_WINDOW, "window")                                                                     \
    X(RESULT_DAY, "day")                                                                           \
    X(RESULT_DRAFTS, "drafts")                                                                     \
    X(RESULT_USERS, "users")                                                                       \
    X(RESULT_REFRESH, "refresh")                                                                   \
    X(RESULT_PARK, "park")                                                                         \
    X(RESULT_LOOK_UP, "look_up")                                                                   \
    X(RESULT_FAIL, "fail")

#define METRIC_ACCOUNT_STATUSES(X)                                                                 \
    X(ACCOUNT_OK, "ok")                                                                            \
    X(ACCOUNT_PARKED, "parked")

// what became of a refresh of tokens
#define METRIC_REFRESH_ENDS(X)                                                                     \
    X(REFRESH_OK, "ok")                                                                            \
    X(REFRESH_OTHERS, "others") /* somebody else's pair was newer */                               \
    X(REFRESH_LATER, "later")   /* no answer, or none that helps */                                \
    X(REFRESH_NEEDS_CONSENT, "needs_consent")                                                      \
    X(REFRESH_CREDENTIALS, "credentials") /* our key or secret          */                         \
    X(REFRESH_BUG, "refused")             /* for what we sent           */

#define X(name, text) name,
enum metric_claim_end { METRIC_CLAIM_ENDS(X) };
enum metric_attempt_end { METRIC_ATTEMPT_ENDS(X) };
enum metric_command_end { METRIC_COMMAND_ENDS(X) };
enum metric_program { METRIC_PROGRAMS(X) };
enum metric_result { METRIC_RESULTS(X) };
enum metric_account { METRIC_ACCOUNT_STATUSES(X) };
enum metric_refresh { METRIC_REFRESH_ENDS(X) };
#undef X

// clang-format off
/*   METRIC_..., name, kind, unit, first label, second label, buckets, of, help */
#define METRICS_OF_PROCESS(X) \
    X(BUILD, "tokfleet_build_info", GAUGE, NUMBER, &by_version, NULL, NULL, "worker poller", "1, by the version that runs") \
    X(READY, "tokfleet_ready", GAUGE, NUMBER, NULL, NULL, NULL, "worker poller", "1 while /readyz says ok") \
    X(DRAINING, "tokfleet_draining", GAUGE, NUMBER, NULL, NULL, NULL, "worker poller", "1 from SIGTERM on") \
    X(REDIS_UP, "tokfleet_redis_up", GAUGE, NUMBER, NULL, NULL, NULL, "worker poller", "1 while this program is connected to Redis") \
    X(KAFKA_UP, "tokfleet_kafka_up", GAUGE, NUMBER, NULL, NULL, NULL, "worker poller", "1 while Kafka's brokers are reachable, as far as this program knows") \
    X(GATE_SEEN, "tokfleet_gate_seen_open", GAUGE, NUMBER, NULL, NULL, NULL, "worker poller", "1 when the last script that this program asked for found the gate open") \
    X(KAFKA_QUEUE, "tokfleet_kafka_queue_records", GAUGE, NUMBER, NULL, NULL, NULL, "worker poller", "records of this program that Kafka has not confirmed yet") \
    X(LOG_LOST, "tokfleet_log_lines_lost_total", COUNTER, NUMBER, NULL, NULL, NULL, "worker poller", "log lines lost because the reader of the log was too slow") \
    X(REQUEST, "tokfleet_tiktok_request_seconds", HISTOGRAM, SECONDS, &by_endpoint, &by_result, of_requests, "worker poller", "requests to TikTok, from the start to the answer or to giving up, by what the outcome table makes of it") \
    X(ANSWERS, "tokfleet_tiktok_answers_total", COUNTER, NUMBER, &by_code, NULL, NULL, "worker poller", "requests to TikTok by the code of the answer, or of what came instead of one") \
    X(SCRIPT, "tokfleet_redis_script_seconds", HISTOGRAM, SECONDS, &by_script, NULL, of_scripts, "worker poller", "from writing a script to Redis to its answer; other: commands that are no script") \
    X(CPU, "process_cpu_seconds_total", COUNTER, SECONDS, NULL, NULL, NULL, "worker poller", "CPU time of this process, user and system") \
    X(STARTED, "process_start_time_seconds", GAUGE, SECONDS, NULL, NULL, NULL, "worker poller", "when this process started, since 1970") \
    X(RESIDENT, "process_resident_memory_bytes", GAUGE, BYTES, NULL, NULL, NULL, "worker poller", "memory of this process in RAM") \
    X(VIRTUAL, "process_virtual_memory_bytes", GAUGE, BYTES, NULL, NULL, NULL, "worker poller", "address space of this process") \
    X(FDS, "process_open_fds", GAUGE, NUMBER, NULL, NULL, NULL, "worker poller", "file descriptors open") \
    X(FDS_MAX, "process_max_fds", GAUGE, NUMBER, NULL, NULL, NULL, "worker poller", "file descriptors that it may open")

#define METRICS_OF_WORK(X) \
    X(INGESTED, "tokfleet_ingested_total", COUNTER, NUMBER, &by_ingested, NULL, NULL, "worker", "messages of the jobs topic, by the state that their job took; known: read or sent again; skipped: a dead letter only") \
    X(INGEST_LAG, "tokfleet_ingest_lag_seconds", HISTOGRAM, SECONDS, NULL, NULL, of_waits, "worker", "from the time of a message on Kafka to the moment its job was accepted, of new jobs") \
    X(INGEST_AGAIN, "tokfleet_ingest_restarts_total", COUNTER, NUMBER, NULL, NULL, NULL, "worker", "partitions begun again where their watermark stands, after an error or a closed gate") \
    X(INGEST_PAUSED, "tokfleet_ingest_paused", GAUGE, NUMBER, NULL, NULL, NULL, "worker", "1 while this worker fetches nothing: Redis' memory, or too much is on its way to Redis") \
    X(INGEST_WAITING, "tokfleet_ingest_waiting_messages", GAUGE, NUMBER, NULL, NULL, NULL, "worker", "messages fetched that are not in Redis yet") \
    X(PARTITIONS, "tokfleet_ingest_partitions", GAUGE, NUMBER, NULL, NULL, NULL, "worker", "partitions of the jobs topic that this worker reads") \
    X(COMMANDS, "tokfleet_commands_total", COUNTER, NUMBER, &by_command, &by_command_end, NULL, "worker", "commands of the jobs topic, and what became of them") \
    X(DEAD_LETTERS, "tokfleet_dead_letters_total", COUNTER, NUMBER, &by_dead, NULL, NULL, "worker", "messages put on the dlq topic") \
    X(CLAIMS, "tokfleet_claims_total", COUNTER, NUMBER, &by_claim, NULL, NULL, "worker", "how asking for a job ended") \
    X(ATTEMPTS, "tokfleet_attempts_total", COUNTER, NUMBER, &by_attempt, NULL, NULL, "worker", "how attempts ended in the worker; held: the account waits for a limit, or is parked; rejected: the account does not allow it; released: nothing was sent") \
    X(RELEASES, "tokfleet_releases_total", COUNTER, NUMBER, &by_release, NULL, NULL, "worker", "attempts released, by why") \
    X(INTENT, "tokfleet_intent_seconds", HISTOGRAM, SECONDS, NULL, NULL, of_requests, "worker", "from handing an intent to Kafka to its confirmation") \
    X(QUEUE_WAIT, "tokfleet_queue_wait_seconds", HISTOGRAM, SECONDS, NULL, NULL, of_waits, "worker", "from the moment a job may be claimed (queued, and due) to its claim: limits, slots, too few workers") \
    X(LATENESS, "tokfleet_lateness_seconds", HISTOGRAM, SECONDS, NULL, NULL, of_waits, "worker", "from publish_at to the request to TikTok, of scheduled jobs at their first attempt") \
    X(WORKER_JOBS, "tokfleet_worker_jobs", GAUGE, NUMBER, NULL, NULL, NULL, "worker", "jobs that this worker drives now") \
    X(WORKER_JOBS_LIMIT, "tokfleet_worker_jobs_limit", GAUGE, NUMBER, NULL, NULL, NULL, "worker", "worker.jobs: how many it may") \
    X(STATE_TIME, "tokfleet_state_seconds", HISTOGRAM, SECONDS, &by_state, NULL, of_waits, "worker poller", "time that jobs spent in a state, seen when they leave it: QUEUED by the worker that claims, all else by the poller that sends the event") \
    X(JOB_TIME, "tokfleet_job_seconds", HISTOGRAM, SECONDS, &by_state, NULL, of_waits, "poller", "from the time of a job's message on Kafka to its end, by that state; scheduled jobs wait in it") \
    X(EVENTS, "tokfleet_events_relayed_total", COUNTER, NUMBER, &by_event, NULL, NULL, "poller", "entries of the outbox that are on Kafka, by name: the state that a job took") \
    X(OUTCOMES, "tokfleet_job_outcomes_total", COUNTER, NUMBER, &by_code, NULL, NULL, "poller", "events that say why: a job failed, went back, is unsure, by the code of the outcome table") \
    X(POLL_LAG, "tokfleet_poll_lag_seconds", HISTOGRAM, SECONDS, NULL, NULL, of_requests, "poller", "from the moment a status call is due to the claim of it") \
    X(REAPED, "tokfleet_reaped_leases_total", COUNTER, NUMBER, NULL, NULL, NULL, "poller", "leases that ended: their workers went away") \
    X(SLOTS_BACK, "tokfleet_unsure_slots_back_total", COUNTER, NUMBER, NULL, NULL, NULL, "poller", "slots taken back from jobs that were unsure for too long") \
    X(REPAIRS, "tokfleet_audit_repairs_total", COUNTER, NUMBER, NULL, NULL, NULL, "poller", "what the audit repaired: two keys of Redis disagreed") \
    X(GATE_OPENED, "tokfleet_gate_openings_total", COUNTER, NUMBER, NULL, NULL, NULL, "poller", "times that this poller opened the gate")

#define METRICS_OF_TOKENS(X) \
    X(REFRESHES, "tokfleet_token_refreshes_total", COUNTER, NUMBER, &by_refresh, NULL, NULL, "poller", "refreshes of accounts' tokens that came to an end; others: somebody else's pair was newer; later: no answer; refused: for what we sent")

// from Redis, every metrics.interval: the same from every poller, and absent while Redis does not
// answer
#define METRICS_OF_FLEET(X) \
    X(GATE_OPEN, "tokfleet_gate_open", GAUGE, NUMBER, NULL, NULL, NULL, "poller", "1 while the gate is open for the Redis that is there") \
    X(GENERATION, "tokfleet_gate_generation", GAUGE, NUMBER, NULL, NULL, NULL, "poller", "how often the gate was opened for another Redis") \
    X(GATE_DONE, "tokfleet_gate_step_done", GAUGE, NUMBER, NULL, NULL, NULL, "poller", "while the gate is closed: how far its step is") \
    X(GATE_OF, "tokfleet_gate_step_of", GAUGE, NUMBER, NULL, NULL, NULL, "poller", "while the gate is closed: how far its step goes") \
    X(PAUSED, "tokfleet_paused", GAUGE, NUMBER, NULL, NULL, NULL, "poller", "1 while a person has paused the fleet") \
    X(USERS_CAPPED, "tokfleet_active_users_capped", GAUGE, NUMBER, NULL, NULL, NULL, "poller", "1 while TikTok's cap of active users keeps new accounts waiting for the next UTC day") \
    X(SLOTS, "tokfleet_slots_used", GAUGE, NUMBER, NULL, NULL, NULL, "poller", "jobs in flight, from claim to the end") \
    X(SLOTS_LIMIT, "tokfleet_slots_limit", GAUGE, NUMBER, NULL, NULL, NULL, "poller", "limit.in_flight: how many may be") \
    X(OPEN, "tokfleet_commit_points_open", GAUGE, NUMBER, NULL, NULL, NULL, "poller", "jobs between claim and TikTok's answer: what a crash of everything leaves unsure at most") \
    X(OPEN_LIMIT, "tokfleet_commit_points_limit", GAUGE, NUMBER, NULL, NULL, NULL, "poller", "limit.open: how many may be") \
    X(ELIGIBLE, "tokfleet_eligible_work", GAUGE, NUMBER, NULL, NULL, NULL, "poller", "jobs that workers could claim now: the least of the accounts that may act, the free slots and the free commit points; for an autoscaler") \
    X(READY_ACCOUNTS, "tokfleet_ready_accounts", GAUGE, NUMBER, NULL, NULL, NULL, "poller", "accounts with waiting jobs whose turn has come") \
    X(JOBS, "tokfleet_jobs", GAUGE, NUMBER, &by_state, NULL, NULL, "poller", "jobs in each state; ended ones all that were counted since the first start") \
    X(DELAYED, "tokfleet_delayed_jobs", GAUGE, NUMBER, NULL, NULL, NULL, "poller", "waiting jobs that have a moment: publish_at, a retry, expires_at") \
    X(DELAYED_DUE, "tokfleet_delayed_jobs_due", GAUGE, NUMBER, NULL, NULL, NULL, "poller", "of them, those whose moment has passed and that no worker has looked at") \
    X(UNKNOWN, "tokfleet_unknown_account_jobs", GAUGE, NUMBER, NULL, NULL, NULL, "poller", "jobs whose account is not connected") \
    X(LEASES, "tokfleet_leases", GAUGE, NUMBER, NULL, NULL, NULL, "poller", "jobs that a worker drives") \
    X(LEASES_DUE, "tokfleet_leases_ended", GAUGE, NUMBER, NULL, NULL, NULL, "poller", "of them, those whose lease has ended and that the reaper has not seen yet") \
    X(POLLS, "tokfleet_polls", GAUGE, NUMBER, NULL, NULL, NULL, "poller", "publish ids that are followed") \
    X(POLLS_DUE, "tokfleet_polls_due", GAUGE, NUMBER, NULL, NULL, NULL, "poller", "of them, those whose status call is due") \
    X(UNSURE, "tokfleet_unsure_jobs", GAUGE, NUMBER, NULL, NULL, NULL, "poller", "jobs that nobody knows of whether they were posted") \
    X(ACCOUNTS, "tokfleet_accounts", GAUGE, NUMBER, &by_account, NULL, NULL, "poller", "accounts that are connected; parked: a person must act") \
    X(CONSENT_SOON, "tokfleet_consents_ending_soon", GAUGE, NUMBER, NULL, NULL, NULL, "poller", "accounts whose consent (refresh token) ends within refresh.soon, or has ended") \
    X(REFRESH_DUE, "tokfleet_refreshes_due", GAUGE, NUMBER, NULL, NULL, NULL, "poller", "accounts whose tokens are due to be refreshed and that no poller has taken") \
    X(OUTBOX, "tokfleet_outbox_events", GAUGE, NUMBER, NULL, NULL, NULL, "poller", "events that are not on Kafka yet") \
    X(OUTBOX_AGE, "tokfleet_outbox_age_seconds", GAUGE, SECONDS, NULL, NULL, NULL, "poller", "age of the oldest of them; 0: there is none") \
    X(ALIVE, "tokfleet_programs_alive", GAUGE, NUMBER, &by_program, NULL, NULL, "poller", "programs whose heartbeat is not older than five of them") \
    X(REDIS_MEMORY, "tokfleet_redis_memory_bytes", GAUGE, BYTES, NULL, NULL, NULL, "poller", "memory that Redis uses") \
    X(REDIS_MEMORY_MAX, "tokfleet_redis_memory_max_bytes", GAUGE, BYTES, NULL, NULL, NULL, "poller", "its maxmemory; 0: none")

#define METRICS(X) \
    METRICS_OF_PROCESS(X) \
    METRICS_OF_WORK(X) \
    METRICS_OF_TOKENS(X) \
    METRICS_OF_FLEET(X)
// clang-format on

enum metric {
#define X(id, ...) METRIC_##id,
    METRICS(X)
#undef X
        METRIC_COUNT
};

extern const struct metric_row metric_rows[METRIC_COUNT];

enum metric_result metric_result_of(enum next next);
// for labels that are a job's state; not NONE
size_t metric_state_place(enum job_state state);
