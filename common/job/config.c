// SPDX-License-Identifier: Apache-2.0
#include "job/config.h"

#include <assert.h>
#include <string.h>

#include "base/memory.h"

#define AT(field) offsetof(struct config, field)
#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define KIB INT64_C(1024)
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)

// clang-format off
const struct setting config_rows[] = {
    { "fleet", SET_TEXT, AT(fleet), "tokfleet", 1, 64, .help = "name of the fleet (letters, digits, ._-): one TikTok app with its jobs, accounts and limits; prefix of topics and Redis keys" },

    { "kafka.brokers", SET_TEXT, AT(kafka_brokers), "127.0.0.1:9092", 1, 4096, .help = "bootstrap list host:port[,host:port]" },
    { "kafka.properties", SET_TEXT, AT(kafka_properties), "", 0, 4096, .help = "file of librdkafka properties, name=value a line (TLS, SASL, anything)" },
    { "kafka.send_timeout_ms", SET_MS, AT(kafka_send_timeout_ms), "10s", 100, 5 * MINUTE, .help = "give up on one record after" },
    { "kafka.queue_messages", SET_COUNT, AT(kafka_queue_messages), "10000", 100, 1000000, .help = "records waiting for delivery" },
    { "kafka.queue_bytes", SET_BYTES, AT(kafka_queue_bytes), "16MiB", MIB, GIB, .help = "bytes waiting for delivery" },
    { "kafka.fetch_bytes", SET_BYTES, AT(kafka_fetch_bytes), "1MiB", MIB, GIB, .help = "bytes fetched ahead by a worker; what small messages take in memory is several times that" },
    { "kafka.read_idle_ms", SET_MS, AT(kafka_read_idle_ms), "30s", 1000, HOUR, .help = "give up reading a topic to its end when nothing comes for" },
    { "kafka.session_ms", SET_MS, AT(kafka_session_ms), "30s", 1000, 5 * MINUTE, .help = "a silent worker's partitions go to others after" },
    { "topics.partitions", SET_COUNT, AT(topics_partitions), "12", 1, 1000, .help = "partitions of each topic that `topics ensure` creates" },
    { "topics.replication", SET_COUNT, AT(topics_replication), "-1", -1, 10, .help = "replicas of each topic; -1: the brokers' default" },
    { "topics.check_ms", SET_MS, AT(topics_check_ms), "1h", 100, DAY, .help = "a poller looks whether the journal and the accounts are compacted topics every" },
    { "topics.jobs_retention_ms", SET_MS, AT(topics_jobs_retention_ms), "7d", SECOND, 365 * DAY, .help = "retention of the jobs topic: what waits longer than half of it is kept in the journal" },

    { "redis.url", SET_TEXT, AT(redis_url), "redis://127.0.0.1:6379", 1, 1024, .secret = true, .help = "redis://[user:password@]host:port[/db], or redis+sentinel://[user:password@]host:port[,host:port...]/service[/db]; over TLS rediss://... and rediss+sentinel://..." },
    { "redis.ca", SET_TEXT, AT(redis_ca), "", 0, 4096, .help = "PEM file of the authorities for TLS with Redis; empty: the system's" },
    { "redis.sentinel_user", SET_TEXT, AT(redis_sentinel_user), "", 0, 256, .help = "user at the sentinels; empty: their default user" },
    { "redis.sentinel_password", SET_TEXT, AT(redis_sentinel_password), "", 0, 1024, .secret = true, .help = "password of the sentinels, which is not Redis'; empty: they want none" },
    { "redis.timeout_ms", SET_MS, AT(redis_timeout_ms), "5s", 50, MINUTE, .help = "give up on one command, or one connect, after" },
    { "redis.backoff_max_ms", SET_MS, AT(redis_backoff_max_ms), "5s", 100, 5 * MINUTE, .help = "longest wait between two connects" },
    { "redis.in_flight", SET_COUNT, AT(redis_in_flight), "10000", 16, 1000000, .help = "commands waiting for an answer" },
    { "redis.memory_percent", SET_COUNT, AT(redis_memory_percent), "80", 1, 100, .help = "ingest pauses when Redis uses so much of its maxmemory, and goes on at three quarters of that" },

    { "tiktok.api_url", SET_TEXT, AT(tiktok_api_url), "https://open.tiktokapis.com", 8, 1024, .help = "TikTok's API; http:// only for sandboxes" },
    { "tiktok.authorize_url", SET_TEXT, AT(tiktok_authorize_url), "https://www.tiktok.com/v2/auth/authorize/", 8, 1024, .help = "where a person consents" },
    { "tiktok.redirect_uri", SET_TEXT, AT(tiktok_redirect_uri), "", 0, 511, .help = "registered redirect URI" },
    { "tiktok.redirect_relay", SET_TEXT, AT(tiktok_redirect_relay), "", 0, 256, .help = "put before a redirect URI of plain http, which TikTok takes for localhost only; as https://redirectmeto.com/ does. Every code then passes through that server: better use https" },
    { "tiktok.client_key", SET_TEXT, AT(tiktok_client_key), "", 0, 256, .help = "client key of the TikTok app" },
    { "tiktok.client_secret", SET_TEXT, AT(tiktok_client_secret), "", 0, 256, .secret = true, .help = "client secret of the TikTok app" },
    { "tiktok.ca", SET_TEXT, AT(tiktok_ca), "", 0, 4096, .help = "PEM file of the authorities for TikTok's hosts; empty: the system's" },
    { "tiktok.timeout_ms", SET_MS, AT(tiktok_timeout_ms), "10s", 100, 5 * MINUTE, .help = "give up on one request after" },
    { "tiktok.connections", SET_COUNT, AT(tiktok_connections), "256", 1, 10000, .help = "connections to TikTok at a time" },
    { "tiktok.connect_ms", SET_MS, AT(tiktok_connect_ms), "5s", 50, MINUTE, .help = "give up on one connect after" },
    { "token.keys", SET_TEXT, AT(token_keys), "", 0, 65536, .secret = true, .help = "id:base64 of 32 bytes[,id:...]: tokens are sealed with the first and opened with any" },

    { "connect.state_ms", SET_MS, AT(connect_state_ms), "10m", SECOND, DAY, .help = "a consent that was asked for must come back within" },
    { "connect.tries", SET_COUNT, AT(connect_tries), "3", 1, 20, .help = "tries to exchange one code while TikTok fails" },
    { "connect.retry_ms", SET_MS, AT(connect_retry_ms), "1s", 1, MINUTE, .help = "wait before the second of them, doubling" },

    { "limit.in_flight", SET_COUNT, AT(limit_in_flight), "300", 1, 100000, .help = "jobs in flight in the fleet, from claim to the end" },
    { "limit.account", SET_COUNT, AT(limit_account), "4", 1, 1000, .help = "jobs in flight of one account" },
    { "limit.open", SET_COUNT, AT(limit_open), "32", 1, 10000, .help = "commit points open in the fleet: what a crash of everything leaves unsure at most" },
    { "limit.window_ms", SET_MS, AT(limit_window_ms), "60s", 100, DAY, .help = "TikTok's minute: the sliding window of the three limits below" },
    { "limit.day_ms", SET_MS, AT(limit_day_ms), "24h", 1000, 30 * DAY, .help = "TikTok's day: drafts pending and posts a day" },
    { "limit.init", SET_COUNT, AT(limit_init), "6", 1, 100000, .help = "init calls of an account in a window" },
    { "limit.status", SET_COUNT, AT(limit_status), "30", 1, 100000, .help = "status calls of an account in a window" },
    { "limit.creator_info", SET_COUNT, AT(limit_creator_info), "20", 1, 100000, .help = "creator info calls of an account in a window" },
    { "limit.video_list", SET_COUNT, AT(limit_video_list), "600", 10, 100000, .help = "listings of videos of the whole fleet in a window: TikTok does not say whose its 600 a minute are" },
    { "limit.drafts", SET_COUNT, AT(limit_drafts), "5", 1, 1000, .help = "drafts of an account pending in a day" },
    { "limit.day_posts", SET_COUNT, AT(limit_day_posts), "0", 0, 100000, .help = "direct posts of an account in a day; 0: as TikTok says" },
    { "limit.queued", SET_COUNT, AT(limit_queued), "10000", 1, 10000000, .help = "jobs of one account that wait; one more is REJECTED" },

    { "creator.keep_ms", SET_MS, AT(creator_keep_ms), "5m", 1000, DAY, .help = "what an account allows (privacy, comments, ...) is asked for again when it is older" },
    { "creator.sure_ms", SET_MS, AT(creator_sure_ms), "10s", 100, HOUR, .help = "a job is REJECTED only by what the account said so recently; else it is asked once more" },
    { "creator.tries", SET_COUNT, AT(creator_tries), "3", 1, 100, .help = "failures in a row, after which an account's posts go without asking, for creator.keep_ms" },

    { "refresh.age_ms", SET_MS, AT(refresh_age_ms), "23h", SECOND, DAY, .help = "an access token, which lives for 24 hours, is refreshed at this age; one that lives shorter at three quarters of its life" },
    { "refresh.jitter_ms", SET_MS, AT(refresh_jitter_ms), "10m", 0, DAY, .help = "up to so much sooner, another for each account; a quarter of a token's life at most" },
    { "refresh.at_once", SET_COUNT, AT(refresh_at_once), "8", 1, 1000, .help = "accounts whose tokens one poller refreshes at a time" },
    { "refresh.lease_ms", SET_MS, AT(refresh_lease_ms), "60s", SECOND, HOUR, .help = "who refreshes an account's tokens must be done, or say so, within: longer than tiktok.timeout_ms, kafka.send_timeout_ms and kafka.read_idle_ms together" },
    { "refresh.retry_ms", SET_MS, AT(refresh_retry_ms), "5s", 10, HOUR, .help = "first wait after a refresh without an answer, doubling, with jitter" },
    { "refresh.retry_max_ms", SET_MS, AT(refresh_retry_max_ms), "5m", 10, DAY, .help = "longest of them; also the wait of all after TikTok refused the client key or secret" },
    { "refresh.soon_ms", SET_MS, AT(refresh_soon_ms), "30d", 0, 365 * DAY, .help = "an event and a warning when an account's consent (its refresh token) ends sooner" },

    { "lease.ms", SET_MS, AT(lease_ms), "30s", 500, HOUR, .help = "who drives a job must be done, or say so, within" },
    { "poll.first_ms", SET_MS, AT(poll_first_ms), "2s", 0, HOUR, .help = "first status call after a post was accepted; never later than poll.interval_ms" },
    { "poll.interval_ms", SET_MS, AT(poll_interval_ms), "10s", 10, HOUR, .help = "between two status calls of a job" },
    { "poll.interval_max_ms", SET_MS, AT(poll_interval_max_ms), "60s", 10, DAY, .help = "what the interval doubles to in the end" },
    { "poll.slow_after_ms", SET_MS, AT(poll_slow_after_ms), "10m", 0, DAY, .help = "the interval begins to double after" },
    { "poll.unknown_ms", SET_MS, AT(poll_unknown_ms), "60s", 0, HOUR, .help = "TikTok not knowing a publish id is believed when it gave it so long ago; until then it is asked again" },
    { "poll.horizon_ms", SET_MS, AT(poll_horizon_ms), "24h", 1000, 30 * DAY, .help = "a job without an end is UNSURE, and gives its slot back, after" },
    { "unsure.slot_ms", SET_MS, AT(unsure_slot_ms), "60m", 1000, 30 * DAY, .help = "an UNSURE job keeps its slot for" },
    { "unsure.look_ms", SET_MS, AT(unsure_look_ms), "60s", 50, DAY, .help = "an UNSURE job's account is listed, for evidence that the post is there, after; doubling" },
    { "unsure.looks", SET_COUNT, AT(unsure_looks), "7", 0, 20, .help = "listings for one UNSURE job; 0: none" },
    { "retry.delay_ms", SET_MS, AT(retry_delay_ms), "5s", 1, HOUR, .help = "first wait before a new attempt, doubling" },
    { "retry.max", SET_COUNT, AT(retry_max), "5", 0, 100, .help = "new attempts of a job after failures that are worth one" },
    { "retry.attempts_max", SET_COUNT, AT(attempts_max), "1000", 1, 1000000, .help = "attempts of a job in all, waits for limits included" },
    { "retry.unreadable", SET_COUNT, AT(retry_unreadable), "12", 0, 100, .help = "a job whose stored message a worker cannot read, as of another version, goes back so often, with a wait that doubles; then it is REJECTED" },
    { "job.max_bytes", SET_BYTES, AT(job_max_bytes), "256KiB", KIB, 900 * KIB, .help = "a longer message is a dead letter" },
    { "job.privacy_default", SET_CHOICE, AT(job_privacy_default), "PUBLIC_TO_EVERYONE", 0, 64, .choices = "PUBLIC_TO_EVERYONE|MUTUAL_FOLLOW_FRIENDS|FOLLOWER_OF_CREATOR|SELF_ONLY|", .help = "privacy of a direct post that names none; empty: such a job is REJECTED" },
    { "job.account_wait_ms", SET_MS, AT(job_account_wait_ms), "7d", 100, 365 * DAY, .help = "a job of an account that is not there yet is EXPIRED after" },
    { "job.keep_ms", SET_MS, AT(job_keep_ms), "30d", MINUTE, 3650 * DAY, .help = "a job's state, and its id as idempotency key, from its end on" },
    { "job.keep_message_ms", SET_MS, AT(job_keep_message_ms), "3d", MINUTE, 3650 * DAY, .help = "a job's message and timeline from its end on" },
    { "gate.at_once", SET_COUNT, AT(gate_at_once), "64", 1, 10000, .help = "scripts on their way at a time while Redis is told what Kafka knows" },
    { "gate.lease_ms", SET_MS, AT(gate_lease_ms), "60s", 1000, HOUR, .help = "who has the gate must be done with a step of it, or lose it, within" },
    { "gate.tail_ms", SET_MS, AT(gate_tail_ms), "60s", 0, DAY, .help = "the journal is read from where it ended a lease and so long before Redis was last told, unless from the beginning" },
    { "gate.wait_ms", SET_MS, AT(gate_wait_ms), "15s", 0, HOUR, .help = "an isolated old Redis cannot accept any more after" },

    { "worker.jobs", SET_COUNT, AT(worker_jobs), "32", 1, 10000, .help = "jobs that one worker drives at a time" },
    { "worker.ingest", SET_COUNT, AT(worker_ingest), "64", 1, 10000, .help = "messages of one partition on their way to Redis" },
    { "worker.waiting", SET_COUNT, AT(worker_waiting), "500", 10, 1000000, .help = "messages of all partitions on their way to Redis: no more are taken beyond, until half of them are there" },
    { "worker.topic_check_ms", SET_MS, AT(worker_topic_check_ms), "60s", 100, DAY, .help = "after so long without a message of a partition, it is looked whether the topic is still the same before the next is taken" },
    { "worker.idle_ms", SET_MS, AT(worker_idle_ms), "250ms", 5, MINUTE, .help = "longest wait before a worker asks for work again" },
    { "poller.looks", SET_COUNT, AT(poller_looks), "64", 1, 10000, .help = "status calls of one poller at a time" },
    { "poller.idle_ms", SET_MS, AT(poller_idle_ms), "100ms", 5, MINUTE, .help = "longest wait before a poller asks for work again" },
    { "relay.batch", SET_COUNT, AT(relay_batch), "200", 1, 10000, .help = "events on their way to Kafka at a time" },
    { "reap.interval_ms", SET_MS, AT(reap_interval_ms), "1s", 10, HOUR, .help = "between two looks for ended leases" },
    { "audit.interval_ms", SET_MS, AT(audit_interval_ms), "1s", 10, DAY, .help = "between two pages of the audit, a slow walk over all jobs" },
    { "audit.page", SET_COUNT, AT(audit_page), "200", 1, 10000, .help = "jobs on one page of it" },
    { "sweep.interval_ms", SET_MS, AT(sweep_interval_ms), "24h", SECOND, 365 * DAY, .help = "between two sweeps of the journal, which delete what is past its time" },
    { "sweep.jobs", SET_COUNT, AT(sweep_jobs), "20000", 10, 10000000, .help = "old ends and commands that a sweep holds in memory at a time" },
    { "sweep.at_once", SET_COUNT, AT(sweep_at_once), "64", 1, 10000, .help = "tombstones of it on their way at a time" },
    { "heartbeat.ms", SET_MS, AT(heartbeat_ms), "2s", 100, MINUTE, .help = "between two heartbeats; a program silent for five is not alive" },
    { "drain.ms", SET_MS, AT(drain_ms), "25s", 0, HOUR, .help = "on SIGTERM, wait so long for what is under way" },
    { "http.listen", SET_TEXT, AT(http_listen), "127.0.0.1:0", 1, 256, .help = "host:port of /livez, /readyz and /metrics; port 0 takes a free one" },
    { "http.body_bytes", SET_BYTES, AT(http_body_bytes), "64KiB", KIB, MIB, .help = "longest body of a request to it" },
    { "http.timeout_ms", SET_MS, AT(http_timeout_ms), "10s", 100, MINUTE, .help = "a slow client of it is cut off after" },
    { "http.connections", SET_COUNT, AT(http_connections), "64", 1, 10000, .help = "connections to it at a time" },
    { "metrics.interval_ms", SET_MS, AT(metrics_interval_ms), "5s", 100, HOUR, .help = "a poller asks Redis for the fleet's figures of /metrics every" },
    { "log.level", SET_CHOICE, AT(log_level), "info", 0, 16, .choices = "error|warn|info|debug", .help = "what is logged" },
    { "log.buffer_bytes", SET_BYTES, AT(log_buffer_bytes), "1MiB", 64 * KIB, GIB, .help = "log lines waiting for a reader; more are lost and counted" },
    { "log.timeline", SET_COUNT, AT(log_timeline), "200", 10, 100000, .help = "entries of one job's timeline" },
    { "events.kept", SET_COUNT, AT(events_kept), "10000", 10, 10000000, .help = "events kept in Redis for people" },
    { "state.kept", SET_COUNT, AT(state_kept), "10000", 10, 10000000, .help = "ended jobs of each state listed in Redis" },
};
// clang-format on
const size_t config_row_count = COUNT_OF(config_rows);

// it begins the names of Kafka's topics, and stands in braces in Redis' keys
static bool check_fleet(const char *fleet, struct error *err)
{
    struct buf shown;
    if (fleet[strspn(fleet, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-")] ==
        '\0')
        return true;
    buf_init(&shown, 256);
    buf_add_visible(&shown, str_of(fleet));
    error_set(
        err, ERR_SETTING,
        "TOKFLEET_FLEET=%s: only letters, digits and ._- may stand in it: it begins the names "
        "of Kafka topics and Redis keys",
        buf_text(&shown));
    buf_fini(&shown);
    return false;
}

bool config_read(char *const *environment, struct config *config, struct error *err)
{
    memset(config, 0, sizeof *config);
    if (!setting_read_all(config_rows, config_row_count, environment, config, err) ||
        !check_fleet(config->fleet, err)) {
        config_free(config);
        return false;
    }
    return true;
}

void config_free(struct config *config)
{
    setting_free_all(config_rows, config_row_count, config);
}

int64_t config_remembered_ms(const struct config *config)
{
    int64_t topic_ms = 2 * config->topics_jobs_retention_ms;
    return config->job_keep_ms + (topic_ms < config->job_keep_ms ? topic_ms : config->job_keep_ms);
}

bool config_refreshes(const struct config *config)
{
    const char *key = config->tiktok_client_key, *secret = config->tiktok_client_secret;
    return key && key[0] && secret && secret[0];
}
