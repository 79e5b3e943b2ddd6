/* SPDX-License-Identifier: Apache-2.0
 *
 * The names of Kafka's requests and errors, as the control socket takes them. */
#ifndef NAMES_H
#define NAMES_H

#include "sim_error.h"

#include <librdkafka/rdkafka.h>
#include <stdint.h>

/* Requests by their number in the protocol. */
enum { API_LIST_OFFSETS = 2, API_METADATA = 3 };

/* A request for which the mock cluster heeds pushed errors: "Produce" or its number, in any case.
 * Metadata is refused: the mock cluster would never look at the error. */
MUST_CHECK bool names_api_key(const char *name, int16_t *out, struct sim_error *err);

/* librdkafka's name of an error, with or without RD_KAFKA_RESP_ERR_: "_TRANSPORT", "NO_ERROR",
 * "REQUEST_TIMED_OUT". Its number is taken too. */
MUST_CHECK bool names_error(const char *name, rd_kafka_resp_err_t *out, struct sim_error *err);

/* A name Kafka would take for a topic. */
MUST_CHECK bool names_check_topic(const char *name, struct sim_error *err);

#endif
