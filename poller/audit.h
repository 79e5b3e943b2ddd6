// SPDX-License-Identifier: Apache-2.0
/* The audit: a slow walk over all jobs (the script `audit`). Each repair is logged; a job that
 * waits longer than half of the jobs topic's retention gets its message into the journal, so that
 * losing Redis does not lose it. */
#pragma once

#include "job/program.h"

struct audit;

struct audit *audit_new(struct program *program);
void          audit_drain(struct audit *audit);
void          audit_free(struct audit *audit);
