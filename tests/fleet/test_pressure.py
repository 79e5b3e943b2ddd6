# SPDX-License-Identifier: Apache-2.0
"""Redis under pressure: no memory left in the middle of a pipeline; emptied again and again while pollers fight for the gate."""
import random
import time

import faults
import pytest
from harness import ENDS, Fleet, Redis, wait_for
from test_gate import GATED, gate_opened, pings
from test_load import SIM
from witness import check_ledger, mixed_jobs


def memory_of(fleet):
    return int([line for line in fleet.redis('INFO', 'memory').splitlines() if line.startswith('used_memory:')][0]
               .split(':')[1])


def refused(fleet):
    """How many commands Redis has refused for want of memory."""
    lines = [line for line in fleet.redis('INFO', 'errorstats').splitlines() if line.startswith('errorstat_OOM:')]
    return int(lines[0].split('count=')[1]) if lines else 0


def begun_again(fleet):
    """How often a worker has begun a partition where its watermark stands, because a script was refused."""
    return sum(path.read_text(errors='replace').count('begins again where the watermark stands')
               for path in fleet.dir.glob('worker-*.log'))


@pytest.mark.seeds(2)
def test_a_redis_without_memory_in_the_middle_of_a_pipeline_loses_nothing(seed):
    # one partition, so that a pipeline is long: the first scripts of it are done, those behind them refused; then memory
    # comes and goes faster than a pipeline is read, so that later ones may be done where one before them was refused
    chance = random.Random(seed)
    with Fleet(GATED, sim=SIM, accounts=40) as fleet:
        fleet.start_programs(workers=2, pollers=2)
        jobs = mixed_jobs(400, fleet.add_accounts(), seed=seed)
        first = jobs[:20]   # each script is in Redis' memory by then
        fleet.produce([('one', job) for job in first])
        fleet.wait_ends([job['job_id'] for job in first], 60)
        fleet.redis('CONFIG', 'SET', 'maxmemory', memory_of(fleet) + 150000)
        fleet.produce([('one', job) for job in jobs[len(first):]])
        wait_for('Redis has no memory left', lambda: refused(fleet), 60)
        stored = sum(fleet.counts().values())
        assert len(first) < stored < len(jobs), 'there was memory for all of them, or for none: %d' % stored
        wait_for('a pipeline was cut', lambda: begun_again(fleet), 60)
        before, end = begun_again(fleet), time.monotonic() + 15
        while begun_again(fleet) < before + 3 and time.monotonic() < end:
            for maxmemory in [0, 1] * 50:
                fleet.redis('CONFIG', 'SET', 'maxmemory', maxmemory)
                time.sleep(chance.uniform(0, 0.003))
        assert begun_again(fleet) > before, 'no second pipeline was cut'
        fleet.redis('CONFIG', 'SET', 'maxmemory', 0)
        states = fleet.wait_ends([job['job_id'] for job in jobs], 120)
        assert not check_ledger(fleet, jobs, states)
        assert int(fleet.redis('HGET', fleet.key('count'), 'epoch')) >= len(jobs)


def test_pollers_that_fight_for_the_gate_of_a_redis_emptied_again_and_again():
    with Fleet(dict(GATED, gate_wait_ms=300, limit_window_ms=3000), sim=SIM, accounts=40) as fleet:
        fleet.start_programs(workers=2, pollers=3)
        jobs = mixed_jobs(400, fleet.add_accounts())
        fleet.produce([(job['account'], job) for job in jobs])
        wait_for('posts are under way', lambda: len(fleet.ledger()) > 100, 60)
        for pause in (0, 0.3, 1.2, 3.5, 0.1, 2.0):
            fleet.redis('FLUSHALL')
            time.sleep(pause)
        gate_opened(fleet, 3, 60)
        states = fleet.wait_ends([job['job_id'] for job in jobs], 120)
        assert not check_ledger(fleet, jobs, states)
        # two takers may have written the same number, or the one that lost the gate a higher one: nothing is of that
        attempts = [int(epoch.split('-')[0]) for epochs in faults.journal(fleet).values() for epoch in epochs]
        assert max(attempts) <= faults.generation(fleet), (attempts, faults.generation(fleet))


def refuse_by(fleet, what):
    """Makes Redis answer every script with an error of that kind, and returns what ends that."""
    redis = fleet.redis
    if what == 'READONLY' or what == 'MASTERDOWN':
        # a replica of nobody: one more identity, and a gate, when it ends
        redis('CONFIG', 'SET', 'replica-serve-stale-data', 'no' if what == 'MASTERDOWN' else 'yes')
        redis('REPLICAOF', '127.0.0.1', '1')
        return lambda: redis('REPLICAOF', 'NO', 'ONE')
    if what == 'NOAUTH':
        redis('CONFIG', 'SET', 'requirepass', 'changed')
        redis('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
        return lambda: redis('CONFIG', 'SET', 'requirepass', '')
    if what == 'NOPERM':
        redis('ACL', 'SETUSER', 'default', '-@all', '+acl', '+info', '+ping')
        return lambda: redis('ACL', 'SETUSER', 'default', '+@all')
    if what == 'NOREPLICAS':
        redis('CONFIG', 'SET', 'min-replicas-to-write', '1')
        return lambda: redis('CONFIG', 'SET', 'min-replicas-to-write', '0')
    assert what == 'BUSY'
    redis('CONFIG', 'SET', 'busy-reply-threshold', '50')
    other = Redis(fleet.redis_port)
    other.connect()
    other.socket.sendall(b'*3\r\n$4\r\nEVAL\r\n$20\r\nwhile true do end --\r\n$1\r\n0\r\n')
    time.sleep(0.3)

    def over():
        redis('SCRIPT', 'KILL')
        wait_for('it answers again', lambda: pings(fleet))
    return over


REFUSALS = ('READONLY', 'MASTERDOWN', 'NOAUTH', 'NOPERM', 'NOREPLICAS', 'BUSY')


def test_a_redis_that_refuses_for_a_while_loses_nothing_whatever_it_says():
    """Under load, so that each step of many jobs meets each refusal."""
    count = 360
    with Fleet(dict(GATED, redis_backoff_max_ms=500), sim=SIM, accounts=count // 10) as fleet:
        fleet.start_programs(workers=2, pollers=2)
        jobs = mixed_jobs(count, fleet.add_accounts())
        ids = [job['job_id'] for job in jobs]
        fleet.produce([(job['account'], job) for job in jobs])
        for i, what in enumerate(REFUSALS):
            done = count * (i + 1) // (len(REFUSALS) + 2)
            wait_for('%d are sent before %s' % (done, what), lambda: len(fleet.ledger()) >= done, 90)
            over = refuse_by(fleet, what)
            time.sleep(1.2)
            over()
        states = fleet.wait_ends(ids, 120, ENDS + ('UNSURE',))
        unsure = check_ledger(fleet, jobs, states)
        assert not unsure, unsure
        wait_for('the outbox is empty', lambda: fleet.redis('XLEN', fleet.key('outbox')) == 0)
        assert fleet.redis('ZCARD', fleet.key('slots')) == 0 and fleet.redis('ZCARD', fleet.key('open')) == 0
