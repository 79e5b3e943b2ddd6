// SPDX-License-Identifier: Apache-2.0
/* The outbox to Kafka, in order: the event to <fleet>.events, then the journal record (an end, an
 * aborted attempt), then the entry is taken out. At least once: event_id is what upstream drops
 * repeats by. */
#pragma once

#include "job/program.h"
#include "poller/mark.h"

struct relay;

// mark hears where records of the journal came to stand; borrowed
struct relay *relay_new(struct program *program, struct mark *mark);
void          relay_drain(struct relay *relay);
bool          relay_idle(const struct relay *relay);
void          relay_free(struct relay *relay);
