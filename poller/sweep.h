// SPDX-License-Identifier: Apache-2.0
/* The sweep: what is past its time in the journal is deleted by tombstones, so that it does not grow for ever.
 *
 *   due? ──► read: which jobs have an old end ──► read again: all records of those ──► which of them Redis is done with
 *     ──► a batch of jobs, step by step, each confirmed by Kafka before the next:
 *           the end that a command made ──► attempts ──► commands, message ──► ends but the newest ──► the newest end
 *
 * A job's time is over when its newest record is older than job.keep_ms, in which its id is taken, and as long again as a
 * second message of its id can still be on the jobs topic (config_remembered_ms): then no message that can be read again
 * is younger than the id's freedom, or ingest calls it too old.
 *
 * In this order a sweep may stop anywhere, for good, or sleep in the middle while another one goes on: what is left is an
 * end, and the next sweep goes on with it. A gate that reads meanwhile may see an attempt and no end any more; the end's
 * tombstone tells it (replay.h). The first poller does it, and stops when the gate closes; two of them do no harm.
 * Memory is bounded by sweep.jobs: where more is past its time (deleted, but not compacted away yet, counts), a part of all
 * jobs after the other is swept, and each reads the journal twice. */
#pragma once

#include "job/program.h"

struct sweep;

struct sweep *sweep_new(struct program *program);
void          sweep_drain(struct sweep *sweep);
void          sweep_free(struct sweep *sweep);
