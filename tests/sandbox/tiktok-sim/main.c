// SPDX-License-Identifier: Apache-2.0
/* tiktok-sim: a strict simulator of TikTok's content posting API. See README.md. */
#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base.h"
#include "server.h"
#include "sim.h"

static void on_signal(evutil_socket_t number, short what, void *arg)
{
    struct sim *sim = arg;
    (void)number;
    (void)what;
    event_base_loopbreak(sim->base);
}

static void seed(struct sim *sim)
{
    sim->chance.state = (uint64_t)sim->options.seed;
    if (!sim->options.seed && getrandom(&sim->chance.state, sizeof sim->chance.state, 0) < 0)
        sim->chance.state = (uint64_t)clock_now_ms();
}

static bool start(struct sim *sim)
{
    sim->start_ms = clock_now_ms();
    sim->base     = event_base_new();
    if (!sim->base)
        return false;
    seed(sim);
    if (!ledger_open(sim)) {
        fprintf(stderr, "tiktok-sim: ledger %s: %s\n", sim->options.ledger, strerror(errno));
        return false;
    }
    for (int64_t i = 0; i < sim->options.accounts; i++)
        account_new(sim, NULL);
    if (sim->options.accounts_file && !accounts_write_file(sim, sim->options.accounts_file)) {
        fprintf(stderr, "tiktok-sim: accounts file %s: %s\n", sim->options.accounts_file,
                strerror(errno));
        return false;
    }
    return server_start(sim);
}

static void fini(struct sim *sim)
{
    server_fini(sim);
    fault_clear(sim, 0);
    doubles_fini(&sim->doubles);
    publishes_fini(sim);
    codes_fini(&sim->codes);
    accounts_fini(sim);
    ledger_fini(&sim->ledger);
    if (sim->base)
        event_base_free(sim->base);
    libevent_global_shutdown();
}

static void run(struct sim *sim)
{
    struct event *term = evsignal_new(sim->base, SIGTERM, on_signal, sim);
    struct event *intr = evsignal_new(sim->base, SIGINT, on_signal, sim);
    if (!term || !intr || evsignal_add(term, NULL) != 0 || evsignal_add(intr, NULL) != 0)
        abort();
    printf("tiktok-sim: listening on %s\n", sim->self);
    fflush(stdout);
    event_base_dispatch(sim->base);
    event_free(term);
    event_free(intr);
}

int main(int argc, char **argv)
{
    struct sim sim = { .ledger.fd = -1 };
    switch (options_read(&sim.options, argc, argv)) {
    case OPTIONS_HELP:
        return 0;
    case OPTIONS_BAD:
        return 2;
    case OPTIONS_RUN:
        break;
    }
    signal(SIGPIPE, SIG_IGN);
    setvbuf(stdout, NULL, _IOLBF, 0);
    bool ok = start(&sim);
    if (ok)
        run(&sim);
    fini(&sim);
    return ok ? 0 : 1;
}
