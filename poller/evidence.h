// SPDX-License-Identifier: Apache-2.0
/* UNSURE jobs: is the post there? The accounts of those that a listing can tell of are listed, a few times, later and
 * later; exactly one video that fits (match.h) makes the job PUBLISHED, anything else is a note for people. One poller does
 * this, the first. What the upstream chose for its doubts comes afterwards (policy.h).
 *
 *   pass: evidence_claim ──► a look for each: list, page by page ──► found ──► the next pass */
#pragma once

#include "job/program.h"

struct evidence;

struct evidence *evidence_new(struct program *program);
void             evidence_drain(struct evidence *evidence);
bool             evidence_idle(const struct evidence *evidence);
void             evidence_free(struct evidence *evidence);
