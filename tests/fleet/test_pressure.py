# SPDX-License-Identifier: Apache-2.0
"""Redis under pressure: no memory left in the middle of a pipeline; emptied again and again while pollers fight for the gate."""
import time

from harness import Fleet, wait_for
from test_gate import GATED, gate_opened
from test_load import SIM
from witness import check_ledger, mixed_jobs


def memory_of(fleet):
    return int([line for line in fleet.redis('INFO', 'memory').splitlines() if line.startswith('used_memory:')][0]
               .split(':')[1])


def test_a_redis_without_memory_in_the_middle_of_a_pipeline_loses_nothing():
    with Fleet(GATED, sim=SIM, accounts=40) as fleet:
        fleet.start_programs(workers=2, pollers=2)
        jobs = mixed_jobs(400, fleet.add_accounts())
        fleet.redis('CONFIG', 'SET', 'maxmemory', memory_of(fleet) + 100000)
        fleet.produce([(job['account'], job) for job in jobs])
        wait_for('Redis has no memory left', lambda: fleet.redis('INFO', 'errorstats').find('errorstat_OOM') >= 0, 60)
        stored = sum(fleet.counts().values())
        assert stored < len(jobs), 'there was memory for all of them'
        time.sleep(3)
        fleet.redis('CONFIG', 'SET', 'maxmemory', 0)
        states = fleet.wait_ends([job['job_id'] for job in jobs], 120)
        assert not check_ledger(fleet, jobs, states)


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
        # two takers may have written the same number, one of them having lost the gate: the one that opened is the highest
        generations = [int(record['key'].split('/')[1]) for record in fleet.consume('journal')
                       if record['key'].startswith('generation/')]
        assert int(fleet.redis('HGET', fleet.key('gate'), 'generation')) == max(generations), generations
