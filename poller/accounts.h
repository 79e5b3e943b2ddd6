// SPDX-License-Identifier: Apache-2.0
/* Accounts whose records came to Kafka while a gate was being opened, after the gate had read <fleet>.accounts: whoever
 * wrote them was told GATE by Redis. When the gate is open, the first poller reads the topic from where the gate had come
 * to, and puts into Redis what it holds:
 *
 *   is anything left? ──► read the rest of <fleet>.accounts ──► Redis, where the newer rev wins ──► nothing is left
 *
 * A record that is confirmed by Kafka before the gate is open is read here; what is confirmed later finds it open. From
 * where to read is in the gate's hash until it is done, whoever dies meanwhile. */
#pragma once

#include "job/program.h"

struct accounts;

struct accounts *accounts_new(struct program *program);
void             accounts_drain(struct accounts *accounts);
void             accounts_free(struct accounts *accounts);
