// SPDX-License-Identifier: Apache-2.0
/* The worker: brings jobs from Kafka into Redis (ingest.h), claims them, and takes each to TikTok
 * (trip.h). It holds nothing that matters: kill it at any instruction. */
#pragma once

#include "job/program.h"

struct worker;
struct trip;

extern const struct program_kind worker_kind;

// for trip.c: the trip has ended and is gone; there is room for the next claim
void worker_trip_ended(struct worker *worker, struct trip *trip);
