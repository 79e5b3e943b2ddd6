# SPDX-License-Identifier: Apache-2.0
"""A Redis that fails over, splits, comes back and is rolled back by force, under a load of mixed jobs: nothing lost,
nothing doubled, no limit broken; UNSURE only a job whose answer a stopped worker really lost, each told with its reason.
Every fault comes with all programs awake, and with a worker that sleeps through it and wakes afterwards."""
import random
import shutil
import signal
import time

import faults
import pytest
from faults import wait_gate
from harness import Fleet, wait_for
from redis_set import SET_SETTINGS, FleetOnSet, Steady
from test_load import SCALED
from witness import mixed_jobs

JOBS = 150
IN_FLIGHT = 30   # of the fleet, so low that the limit binds, and the load lasts through the fault
SETTINGS = dict(SCALED, limit_in_flight=IN_FLIGHT, **SET_SETTINGS)
SIM = ['--window-ms', '3000', '--processing-ms', '3:300-1200,1:1200-3000', '--seed', '7']

asleep = pytest.mark.parametrize('sleeper', [False, True], ids=['awake', 'a worker asleep'])


def run_with(seed, tell, fault, sleeper, make=FleetOnSet, **keywords):
    """The load, `fault(fleet, chance, wake)` in the middle of it, and what the ledger says of it."""
    chance = random.Random(seed * 1000 + len(fault.__name__))
    with make(SETTINGS, sim=SIM, accounts=JOBS // 10, **keywords) as fleet:
        excuses = faults.Excuses(fleet)
        fleet.start_programs(workers=2, pollers=2)
        jobs = mixed_jobs(JOBS, fleet.add_accounts(), seed=seed)
        faults.slow_inits(fleet)
        fleet.produce([(job['account'], job) for job in jobs])
        wait_for('posts are under way', lambda: len(fleet.ledger()) > JOBS // 10, 90)
        time.sleep(chance.uniform(0, 0.7))
        generation = faults.generation(fleet)
        if sleeper:
            excuses.stop('worker-1')

        def wake():
            if sleeper:
                excuses.wake('worker-1')
        fault(fleet, chance, wake)
        wait_gate(fleet, generation)
        wake()
        faults.check(fleet, excuses, jobs, IN_FLIGHT, tell, seed=seed, asleep='worker-1' if sleeper else '')
        faults.stop_all(fleet)


# ---- the faults

@asleep
def test_a_killed_primary_and_a_promoted_replica(sleeper, seed, tell):
    def killed(fleet, chance, wake):
        fleet.kill('redis-1').wait(10)
        fleet.wait_promoted('redis-1')
        time.sleep(chance.uniform(0, 3))
        # it comes back as the primary that it was, and learns better
        fleet.spawn_redis('redis-1', None)
    run_with(seed, tell, killed, sleeper)


@asleep
def test_a_primary_that_stands_still_is_replaced_and_wakes_as_a_second_one(sleeper, seed, tell):
    def split(fleet, chance, wake):
        generation = faults.generation(fleet)
        fleet.kill('redis-1', signal.SIGSTOP)
        fleet.wait_promoted('redis-1')
        if chance.random() < 0.7:
            wait_gate(fleet, generation)
            time.sleep(chance.uniform(0, 1))
        fleet.kill('redis-1', signal.SIGCONT)
        time.sleep(chance.uniform(0, 0.2))
        wake()
    run_with(seed, tell, split, sleeper)


@asleep
def test_there_and_back_within_seconds(sleeper, seed, tell):
    def there_and_back(fleet, chance, wake):
        assert fleet.fail_over() == 'redis-2'
        time.sleep(chance.uniform(0, 4))
        fleet.wait_known('redis-1')
        assert fleet.fail_over() == 'redis-1'
    run_with(seed, tell, there_and_back, sleeper)


@asleep
def test_a_replica_that_lags_by_seconds_is_promoted(sleeper, seed, tell):
    def lagging(fleet, chance, wake):
        # redis-3 keeps the primary writing; redis-2, which comes before it, hears nothing any more
        lost = len(fleet.ledger())
        assert fleet.ask('redis-2', 'REPLICAOF', '127.0.0.1', 1) == 'OK'
        time.sleep(chance.uniform(2, 4))
        lost = len(fleet.ledger()) - lost
        fleet.kill('redis-1').wait(10)
        assert fleet.wait_promoted('redis-1') == 'redis-2'
        print('%d posts were made while the promoted replica heard nothing' % lost)
        assert lost > 0
    run_with(seed, tell, lagging, sleeper)


@asleep
def test_an_append_only_file_of_some_seconds_ago(sleeper, seed, tell):
    def rolled_back(fleet, chance, wake):
        folder, kept = fleet.dir / 'appendonlydir', fleet.dir / 'kept'
        shutil.copytree(folder, kept)
        lost = len(fleet.ledger())
        time.sleep(chance.uniform(2, 4))
        lost = len(fleet.ledger()) - lost
        fleet.kill('redis').wait(10)
        shutil.rmtree(folder)
        shutil.copytree(kept, folder)
        fleet.spawn('redis', fleet.redis_command())
        print('%d posts were made after the copy' % lost)
        assert lost > 0
    run_with(seed, tell, rolled_back, sleeper, make=FleetOnFile)


class FleetOnFile(Fleet):
    """One Redis with an append-only file."""

    def __init__(self, settings, **keywords):
        super().__init__(settings, redis_arguments=('--appendonly', 'yes'), **keywords)

    def start_redis(self):
        super().start_redis()
        self.redis = Steady(self.redis_port)

    def redis_command(self):
        return ['redis-server', '--port', self.redis_port, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'yes',
                '--dir', self.dir]
