// SPDX-License-Identifier: Apache-2.0
/* Leases that ended, and UNSURE jobs that held their slot long enough: the script `reap` knows what
 * becomes of each. */
#pragma once

#include "job/program.h"

struct reap;

struct reap *reap_new(struct program *program);
void         reap_drain(struct reap *reap);
void         reap_free(struct reap *reap);
