// SPDX-License-Identifier: Apache-2.0
/* The fleet's own figures for /metrics, from Redis: one cheap script (measure.lua) every
 * metrics.interval, whoever scrapes. What Redis does not answer is absent: a stale figure would
 * look like a quiet fleet. */
#pragma once

#include "job/program.h"

struct measure;

struct measure *measure_new(struct program *program);
void            measure_on_scrape(struct measure *measure);  // forgets what is not true any more
void            measure_free(struct measure *measure);
