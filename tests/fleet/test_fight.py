# SPDX-License-Identifier: Apache-2.0
"""Three pollers fight for the gate while Redis fails over, is emptied, and whoever has the gate is stopped in the middle of it
and woken when another one has it, or killed. No epoch is ever given twice, none is of a later generation than the one that
is open; the ledger is clean."""
import random
import time

import faults
import pytest
from harness import wait_for
from redis_set import SET_SETTINGS, FleetOnSet
from test_load import SCALED
from witness import mixed_jobs

JOBS = 120
IN_FLIGHT = 24   # so few that the load lasts through it all
SETTINGS = dict(SCALED, **dict(SET_SETTINGS, gate_wait_ms=2500, gate_lease_ms=2000), limit_window_ms=1000, limit_in_flight=IN_FLIGHT)
SIM = ['--window-ms', '1000', '--processing-ms', '3:300-1200,1:1200-3000', '--seed', '7']
ROUNDS = 4


def taker(fleet):
    """The poller that has the gate now, by its name here; None when nobody has."""
    told = faults.gate(fleet)
    if told.get('state') == 'open' or not told.get('taker'):
        return None
    pid = told['taker'].split('#')[0].rsplit('-', 1)[1]
    return next((name for name, process in fleet.processes.items()
                 if name.startswith('poller') and process.pid == int(pid) and process.poll() is None), None)


def begin(fleet, chance):
    if chance.random() < 0.5:
        fleet.wait_whole()
        fleet.fail_over()
        return 'failover'
    fleet.redis('FLUSHALL')
    return 'flushall'


def disturb(fleet, chance, excuses):
    """Somebody took the gate: what becomes of it before it is open."""
    name = wait_for('a poller takes the gate', lambda: taker(fleet), 40, 0.02)
    time.sleep(chance.uniform(0, 2))
    what = chance.choice(('stop', 'kill', 'again', 'nothing'))
    if what == 'stop':
        excuses.stop(name)
        wait_for('another one takes it', lambda: taker(fleet) not in (None, name), 40, 0.02)
        time.sleep(chance.uniform(0, 1))
        excuses.wake(name)
    elif what == 'kill':
        excuses.kill(name)
        fleet.start_program('poller')
    elif what == 'again':
        return begin(fleet, chance) + ' meanwhile'
    return what


@pytest.mark.seeds(3)
def test_pollers_that_fight_for_the_gate_through_failovers(seed, tell):
    chance, done = random.Random(seed), []
    with FleetOnSet(SETTINGS, sim=SIM, accounts=JOBS // 10) as fleet:
        excuses = faults.Excuses(fleet)
        fleet.start_programs(workers=2, pollers=3)
        jobs = mixed_jobs(JOBS, fleet.add_accounts(), seed=seed)
        faults.slow_inits(fleet)
        fleet.produce([(job['account'], job) for job in jobs])
        wait_for('posts are under way', lambda: len(fleet.ledger()) > JOBS // 10, 90)
        for _ in range(ROUNDS):
            done.append('%s, %s' % (begin(fleet, chance), disturb(fleet, chance, excuses)))
        faults.wait_gate(fleet, 1)
        faults.check(fleet, excuses, jobs, IN_FLIGHT, tell, seed=seed, rounds='; '.join(done))
        # one that was stopped may have written a higher number than the one that opens, having lost the gate: nothing is of it
        attempts = [int(epoch.split('-')[0]) for epochs in faults.journal(fleet).values() for epoch in epochs]
        assert max(attempts) <= faults.generation(fleet), (attempts, faults.generation(fleet))
        faults.stop_all(fleet)
