/* SPDX-License-Identifier: Apache-2.0
 *
 * The mock cluster and every fault it can be given. Brokers are numbered from 1; where a broker
 * is asked for, CLUSTER_ALL_BROKERS means each of them. Calls wait for the mock cluster's own
 * thread: about 2 ms. */
#ifndef CLUSTER_H
#define CLUSTER_H

#include "sim_error.h"

#include <librdkafka/rdkafka.h>
#include <stdint.h>

enum { CLUSTER_ALL_BROKERS = -1, CLUSTER_NO_LEADER = -1 };

struct cluster;

MUST_CHECK bool cluster_new(struct cluster **out, int brokers, struct sim_error *err);

const char *cluster_bootstraps(const struct cluster *cluster);
int         cluster_brokers(const struct cluster *cluster);

MUST_CHECK bool cluster_create_topic(struct cluster *cluster, const char *topic, int partitions,
                                     struct sim_error *err);

/* What Metadata says of the topic; NO_ERROR heals it. */
void cluster_set_topic_error(struct cluster *cluster, const char *topic, rd_kafka_resp_err_t code);

/* The next `count` requests of this kind, to whichever broker, fail with `code`. */
void cluster_push_error(struct cluster *cluster, int16_t api_key, rd_kafka_resp_err_t code,
                        int count);

/* The next request of this kind to this broker is answered after `rtt_ms`, with `code`. */
MUST_CHECK bool cluster_push_rtt(struct cluster *cluster, int broker, int16_t api_key,
                                 rd_kafka_resp_err_t code, int rtt_ms, struct sim_error *err);

/* How many of cluster_push_rtt's are still waiting for their request. */
MUST_CHECK bool cluster_count_pending(struct cluster *cluster, int broker, int16_t api_key,
                                      size_t *out, struct sim_error *err);

/* Forgets what cluster_push_error left. */
void cluster_clear_errors(struct cluster *cluster, int16_t api_key);

MUST_CHECK bool cluster_set_rtt(struct cluster *cluster, int broker, int rtt_ms,
                                struct sim_error *err);
MUST_CHECK bool cluster_set_up(struct cluster *cluster, int broker, bool up, struct sim_error *err);
MUST_CHECK bool cluster_set_coordinator(struct cluster *cluster, const char *kind, const char *key,
                                        int broker, struct sim_error *err);
MUST_CHECK bool cluster_set_leader(struct cluster *cluster, const char *topic, int partition,
                                   int broker, struct sim_error *err);

void cluster_free(struct cluster *cluster);

#endif
