// SPDX-License-Identifier: Apache-2.0
/* Does Kafka keep what the promise stands on? The journal and <fleet>.accounts have to be compacted and nothing else: with
 * cleanup.policy=delete, as of a topic that a broker made by itself, ends are gone after the brokers' retention, and a Redis
 * that forgot would have their jobs sent again. Looked at on the start and every topics.check_ms; as long as one is wrong it
 * is said, loudly, and this poller opens no gate. Where Kafka does not tell (ACL, a cluster without configurations) it is
 * not known, and nothing is held. */
#pragma once

#include "job/program.h"

struct topics;

struct topics *topics_new(struct program *program, struct error *err) MUST_CHECK;
const char *topics_wrong(const struct topics *topics);  // in words; NULL: as far as is known none
void        topics_drain(struct topics *topics);
void        topics_free(struct topics *topics);
