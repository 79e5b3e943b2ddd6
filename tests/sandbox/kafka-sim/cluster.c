/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster.h"

#include <librdkafka/rdkafka_mock.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct cluster {
    rd_kafka_t              *rk;       // owned; the mock cluster keeps its books in it
    rd_kafka_mock_cluster_t *mock;     // owned
    int                      brokers;  // 1 .. brokers
};

/* The mock cluster's thread serves its calls first and then throws away all bytes in its wake-up
 * pipe: a call that arrives between the two sleeps there until some other traffic or for 1 s. So
 * whoever has just been answered gives it time to go back to sleep. */
static rd_kafka_mock_cluster_t *settled(const struct cluster *cluster)
{
    nanosleep(&(struct timespec){ .tv_nsec = 2000000 }, NULL);
    return cluster->mock;
}

bool cluster_new(struct cluster **out, int brokers, struct sim_error *err)
{
    char             text[256] = "";
    rd_kafka_conf_t *conf      = rd_kafka_conf_new();
    struct cluster  *cluster   = calloc(1, sizeof *cluster);

    if (!cluster)
        abort();
    cluster->brokers = brokers;
    rd_kafka_conf_set(conf, "client.id", "kafka-sim", NULL, 0);
    rd_kafka_conf_set(conf, "log_level", "4", NULL, 0);
    cluster->rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof text);
    if (!cluster->rk) {
        rd_kafka_conf_destroy(conf);
        cluster_free(cluster);
        return sim_error_set(err, "librdkafka: %s", text);
    }
    cluster->mock = rd_kafka_mock_cluster_new(cluster->rk, brokers);
    if (!cluster->mock) {
        cluster_free(cluster);
        return sim_error_set(err, "the mock cluster does not start");
    }
    *out = cluster;
    return true;
}

void cluster_free(struct cluster *cluster)
{
    if (!cluster)
        return;
    if (cluster->mock)
        rd_kafka_mock_cluster_destroy(settled(cluster));
    if (cluster->rk)
        rd_kafka_destroy(cluster->rk);
    free(cluster);
}

const char *cluster_bootstraps(const struct cluster *cluster)
{
    return rd_kafka_mock_cluster_bootstraps(cluster->mock);
}

int cluster_brokers(const struct cluster *cluster)
{
    return cluster->brokers;
}

static bool did(rd_kafka_resp_err_t code, const char *what, struct sim_error *err)
{
    return !code ||
           sim_error_set(err, "%s: %s (%s)", what, rd_kafka_err2str(code), rd_kafka_err2name(code));
}

bool cluster_create_topic(struct cluster *cluster, const char *topic, int partitions,
                          struct sim_error *err)
{
    return did(rd_kafka_mock_topic_create(settled(cluster), topic, partitions, cluster->brokers),
               topic, err);
}

void cluster_set_topic_error(struct cluster *cluster, const char *topic, rd_kafka_resp_err_t code)
{
    rd_kafka_mock_topic_set_error(settled(cluster), topic, code);
}

void cluster_push_error(struct cluster *cluster, int16_t api_key, rd_kafka_resp_err_t code,
                        int count)
{
    for (int i = 0; i < count; i++)
        rd_kafka_mock_push_request_errors_array(cluster->mock, api_key, 1, &code);
}

bool cluster_push_rtt(struct cluster *cluster, int broker, int16_t api_key,
                      rd_kafka_resp_err_t code, int rtt_ms, struct sim_error *err)
{
    int first = broker == CLUSTER_ALL_BROKERS ? 1 : broker;
    int last  = broker == CLUSTER_ALL_BROKERS ? cluster->brokers : broker;

    for (int32_t id = first; id <= last; id++) {
        if (!did(rd_kafka_mock_broker_push_request_error_rtts(cluster->mock, id, api_key, 1, code,
                                                              rtt_ms),
                 "push", err))
            return false;
    }
    return true;
}

bool cluster_count_pending(struct cluster *cluster, int broker, int16_t api_key, size_t *out,
                           struct sim_error *err)
{
    int first = broker == CLUSTER_ALL_BROKERS ? 1 : broker;
    int last  = broker == CLUSTER_ALL_BROKERS ? cluster->brokers : broker;

    *out = 0;
    for (int32_t id = first; id <= last; id++) {
        size_t count = 0;
        if (!did(rd_kafka_mock_broker_error_stack_cnt(cluster->mock, id, api_key, &count),
                 "pending", err))
            return false;
        *out += count;
    }
    return true;
}

void cluster_clear_errors(struct cluster *cluster, int16_t api_key)
{
    rd_kafka_mock_clear_request_errors(cluster->mock, api_key);
}

bool cluster_set_rtt(struct cluster *cluster, int broker, int rtt_ms, struct sim_error *err)
{
    return did(rd_kafka_mock_broker_set_rtt(settled(cluster), broker, rtt_ms), "rtt", err);
}

bool cluster_set_up(struct cluster *cluster, int broker, bool up, struct sim_error *err)
{
    return did(up ? rd_kafka_mock_broker_set_up(settled(cluster), broker)
                  : rd_kafka_mock_broker_set_down(settled(cluster), broker),
               up ? "up" : "down", err);
}

bool cluster_set_coordinator(struct cluster *cluster, const char *kind, const char *key, int broker,
                             struct sim_error *err)
{
    return did(rd_kafka_mock_coordinator_set(settled(cluster), kind, key, broker), "coordinator",
               err);
}

bool cluster_set_leader(struct cluster *cluster, const char *topic, int partition, int broker,
                        struct sim_error *err)
{
    return did(rd_kafka_mock_partition_set_leader(settled(cluster), topic, partition, broker),
               "leader", err);
}
