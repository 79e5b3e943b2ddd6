// SPDX-License-Identifier: Apache-2.0
#include "poller/poller.h"

#include <stdlib.h>

#include "base/memory.h"
#include "poller/accounts.h"
#include "poller/audit.h"
#include "poller/doubt.h"
#include "poller/evidence.h"
#include "poller/follow.h"
#include "poller/gate.h"
#include "poller/mark.h"
#include "poller/measure.h"
#include "poller/policy.h"
#include "poller/reap.h"
#include "poller/refresh.h"
#include "poller/relay.h"
#include "poller/sweep.h"
#include "poller/topics.h"

struct poller {
    struct follow   *follow;    // owned
    struct evidence *evidence;  // owned
    struct doubt    *doubt;     // owned
    struct policy   *policy;    // owned
    struct mark     *mark;      // owned
    struct relay    *relay;     // owned; before mark
    struct reap     *reap;      // owned
    struct topics   *topics;    // owned; after gate
    struct gate     *gate;      // owned
    struct accounts *accounts;  // owned
    struct audit    *audit;     // owned
    struct sweep    *sweep;     // owned
    struct measure  *measure;   // owned
    struct refresh  *refresh;   // owned
};

static void *poller_open(struct program *program, struct error *err)
{
    struct topics *topics = topics_new(program, err);
    if (!topics)
        return NULL;
    struct poller *poller = xcalloc(1, sizeof *poller);
    poller->topics        = topics;
    poller->gate          = gate_new(program, topics);
    poller->accounts      = accounts_new(program);
    poller->follow        = follow_new(program);
    poller->evidence      = evidence_new(program);
    poller->doubt         = doubt_new(program);
    poller->policy        = policy_new(program);
    poller->mark          = mark_new(program);
    poller->relay         = relay_new(program, poller->mark);
    poller->reap          = reap_new(program);
    poller->audit         = audit_new(program);
    poller->sweep         = sweep_new(program);
    poller->measure       = measure_new(program);
    poller->refresh       = refresh_new(program);
    return poller;
}

static void poller_drain(void *owner)
{
    struct poller *poller = owner;
    follow_drain(poller->follow);
    evidence_drain(poller->evidence);
    doubt_drain(poller->doubt);
    policy_drain(poller->policy);
    relay_drain(poller->relay);
    mark_drain(poller->mark);
    reap_drain(poller->reap);
    audit_drain(poller->audit);
    refresh_drain(poller->refresh);
    sweep_drain(poller->sweep);
    accounts_drain(poller->accounts);
    gate_drain(poller->gate);
    topics_drain(poller->topics);
}

static bool poller_idle(void *owner)
{
    struct poller *poller = owner;
    return follow_idle(poller->follow) && evidence_idle(poller->evidence) &&
           policy_idle(poller->policy) && relay_idle(poller->relay) && gate_idle(poller->gate) &&
           refresh_idle(poller->refresh);
}

static void poller_close(void *owner)
{
    struct poller *poller = owner;
    follow_free(poller->follow);
    evidence_free(poller->evidence);
    doubt_free(poller->doubt);
    policy_free(poller->policy);
    relay_free(poller->relay);
    mark_free(poller->mark);
    reap_free(poller->reap);
    audit_free(poller->audit);
    sweep_free(poller->sweep);
    measure_free(poller->measure);
    refresh_free(poller->refresh);
    accounts_free(poller->accounts);
    gate_free(poller->gate);
    topics_free(poller->topics);
    free(poller);
}

static void poller_on_gate(void *owner)
{
    struct poller *poller = owner;
    gate_look(poller->gate);
}

static void poller_on_scrape(void *owner)
{
    struct poller *poller = owner;
    measure_on_scrape(poller->measure);
}

const struct program_kind poller_kind = {
    .name      = "poller",
    .purpose   = "Follows posts to their end, refreshes tokens, sends events to Kafka, gives ended "
                 "leases back, guards the gate.",
    .open      = poller_open,
    .drain     = poller_drain,
    .idle      = poller_idle,
    .close     = poller_close,
    .on_gate   = poller_on_gate,
    .on_scrape = poller_on_scrape,
};
