// SPDX-License-Identifier: Apache-2.0
/* Access tokens live for a day: each is exchanged for the next pair before its end, or at once when TikTok refused it.
 *
 *   due ──► claimed (lease, epoch) ──► the record as Redis has it ──► TikTok ─┬─ a pair ──► Kafka ──► Redis ──► in use
 *                                                                            ├─ invalid_grant ──► Kafka's newest record
 *                                                                            │     ├─ is another pair: that one is used
 *                                                                            │     └─ is this one: the account needs consent
 *                                                                            ├─ our key or secret: all wait, loudly
 *                                                                            └─ else: later, with backoff
 *
 * One refresh of an account at a time in the whole fleet, as long as its lease lasts. A refresh token may be good for one
 * use: the new pair is on Kafka before anybody uses it, and whoever holds one that Kafka does not take goes on trying. A
 * pair made of rev N has the rev N + 1, so that a person's consent meanwhile (whose rev is the clock's) always wins. */
#pragma once

#include "job/program.h"

struct refresh;

// without client key and secret it does nothing, and says so
struct refresh *refresh_new(struct program *program);
void            refresh_drain(struct refresh *refresh);
bool            refresh_idle(const struct refresh *refresh);
void            refresh_free(struct refresh *refresh);
