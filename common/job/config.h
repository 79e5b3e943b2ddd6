// SPDX-License-Identifier: Apache-2.0
/* The settings of every tokfleet program: one struct, one table of rows (config.c). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/setting.h"

struct config {
    char *fleet;  // prefix of topics and keys
    // Kafka
    char   *kafka_brokers;
    char   *kafka_properties;  // file or ""
    int64_t kafka_send_timeout_ms;
    int64_t kafka_queue_messages;
    int64_t kafka_queue_bytes;
    int64_t kafka_fetch_bytes;
    int64_t kafka_read_idle_ms;
    int64_t kafka_session_ms;
    int64_t topics_partitions;   // topics ensure
    int64_t topics_replication;  // topics ensure; -1: the broker's default
    int64_t topics_check_ms;
    int64_t topics_jobs_retention_ms;
    // Redis
    char   *redis_url;                // secret: may hold a password
    char   *redis_ca;                 // file or ""
    char   *redis_sentinel_user;      // or ""
    char   *redis_sentinel_password;  // secret, or ""
    int64_t redis_timeout_ms;
    int64_t redis_backoff_max_ms;
    int64_t redis_in_flight;
    int64_t redis_memory_percent;
    // TikTok
    char   *tiktok_api_url;
    char   *tiktok_authorize_url;
    char   *tiktok_redirect_uri;
    char   *tiktok_redirect_relay;  // "" or the beginning of an https address
    char   *tiktok_client_key;
    char   *tiktok_client_secret;
    char   *tiktok_ca;
    int64_t tiktok_timeout_ms;
    int64_t tiktok_connections;
    int64_t tiktok_connect_ms;
    char   *token_keys;
    // consent
    int64_t connect_state_ms;
    int64_t connect_tries;
    int64_t connect_retry_ms;
    // limits
    int64_t limit_in_flight;
    int64_t limit_account;
    int64_t limit_open;
    int64_t limit_window_ms;
    int64_t limit_day_ms;
    int64_t limit_init;
    int64_t limit_status;
    int64_t limit_creator_info;
    int64_t limit_video_list;
    int64_t limit_drafts;
    int64_t limit_day_posts;
    int64_t limit_queued;
    // creator info
    int64_t creator_keep_ms;
    int64_t creator_sure_ms;
    int64_t creator_tries;
    // tokens
    int64_t refresh_age_ms;
    int64_t refresh_jitter_ms;
    int64_t refresh_at_once;
    int64_t refresh_lease_ms;
    int64_t refresh_retry_ms;
    int64_t refresh_retry_max_ms;
    int64_t refresh_soon_ms;
    // a job's life
    int64_t lease_ms;
    int64_t poll_first_ms;
    int64_t poll_interval_ms;
    int64_t poll_interval_max_ms;
    int64_t poll_slow_after_ms;
    int64_t poll_unknown_ms;
    int64_t poll_horizon_ms;
    int64_t unsure_slot_ms;
    int64_t unsure_look_ms;
    int64_t unsure_looks;
    int64_t retry_delay_ms;
    int64_t retry_max;
    int64_t attempts_max;
    int64_t retry_unreadable;
    int64_t job_max_bytes;
    char   *job_privacy_default;
    int64_t job_account_wait_ms;
    int64_t job_keep_ms;
    int64_t job_keep_message_ms;
    int64_t gate_at_once;
    int64_t gate_lease_ms;
    int64_t gate_wait_ms;
    // programs
    int64_t worker_jobs;
    int64_t worker_ingest;
    int64_t worker_waiting;
    int64_t worker_idle_ms;
    int64_t worker_topic_check_ms;
    int64_t poller_looks;
    int64_t poller_idle_ms;
    int64_t relay_batch;
    int64_t reap_interval_ms;
    int64_t audit_interval_ms;
    int64_t audit_page;
    int64_t gate_tail_ms;
    int64_t sweep_interval_ms;
    int64_t sweep_jobs;
    int64_t sweep_at_once;
    int64_t heartbeat_ms;
    int64_t drain_ms;
    char   *http_listen;
    int64_t http_body_bytes;
    int64_t http_timeout_ms;
    int64_t http_connections;
    int64_t metrics_interval_ms;
    char   *log_level;
    int64_t log_buffer_bytes;
    int64_t log_timeline;
    int64_t events_kept;
    int64_t state_kept;
};

extern const struct setting config_rows[];
extern const size_t         config_row_count;

// Reads the environment. On failure nothing is left to free.
bool config_read(char *const *environment, struct config *config, struct error *err) MUST_CHECK;
void config_free(struct config *config);
// there is a client key and secret: tokens can be refreshed
bool config_refreshes(const struct config *config);
// From a job's end on, how long the journal has to know it: as long as its id is taken, and then
// until a message that came in that time cannot be read again (twice the jobs topic's retention; at
// most job.keep_ms, after which it is too old). The script `restore` reckons the same.
int64_t config_remembered_ms(const struct config *config);
