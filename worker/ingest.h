// SPDX-License-Identifier: Apache-2.0
/* Ingest: <fleet>.jobs into Redis. One script a message stores the job and moves its partition's
 * watermark, by compare and set; whatever goes wrong, the partition is begun again where the
 * watermark stands. Offsets committed to Kafka are for lag dashboards only. */
#pragma once

#include "job/program.h"

struct ingest;

struct ingest *ingest_new(struct program *program, struct error *err) MUST_CHECK;
// every partition anew, where its watermark stands now
void ingest_begin(struct ingest *ingest);
void ingest_drain(struct ingest *ingest);  // leaves the group, ends what is under way
bool ingest_idle(const struct ingest *ingest);
void ingest_on_scrape(const struct ingest *ingest);  // sets its gauges
void ingest_free(struct ingest *ingest);
