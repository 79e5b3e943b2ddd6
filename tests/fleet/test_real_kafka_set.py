# SPDX-License-Identifier: Apache-2.0
"""By hand (1 GB, two minutes): three Kafka nodes on this machine, replication 3, min.insync.replicas 2. One after
the other is killed outright under a running fleet and comes back; with two of them gone nothing may be posted.

    KAFKA_REAL_LIBS=/tmp/libs python3 -m pytest -s tests/fleet/test_real_kafka_set.py
"""
import json
import os
import signal
import time

import pytest
from harness import ENDS, wait_for
from real_kafka import OnRealKafka, need_real_kafka
from test_load import SCALED, SIM
from witness import check_ledger, end_events, figures, mixed_jobs

NODES = 3
AWAY_S = 6


@pytest.fixture(scope='module', autouse=True)
def fixture_real_kafka():
    need_real_kafka()


class OnSet(OnRealKafka):
    REPLICATION = str(NODES)

    def kill_node(self, number):
        pid = int((self.dir / ('kafka/node-%d/pid' % number)).read_text())
        os.kill(pid, signal.SIGKILL)
        return pid

    def wait_back(self, number, pid):
        """Another java has its place, and it answers."""
        path = self.dir / ('kafka/node-%d/pid' % number)
        wait_for('node %d begins again' % number, lambda: int(path.read_text()) != pid, AWAY_S + 10)


def test_nodes_of_a_kafka_are_killed_one_by_one_and_two_at_once_and_nothing_is_lost_or_doubled():
    with OnSet(dict(SCALED, kafka_send_timeout_ms=4000), sim=SIM, accounts=36,
               options=['--nodes', NODES, '--again-after', AWAY_S]) as fleet:
        fleet.start_programs(workers=2, pollers=2)
        jobs = mixed_jobs(360, fleet.add_accounts())
        parts = [jobs[i::5] for i in range(5)]
        for number in (1, 2, 3):
            part = parts[number - 1]
            fleet.produce([(job['account'], job) for job in part[:36]])
            pid = fleet.kill_node(number)
            fleet.produce([(job['account'], job) for job in part[36:]])
            before = len(fleet.ledger())
            wait_for('posts go on with two of three', lambda: len(fleet.ledger()) > before + 10, 60)
            fleet.wait_back(number, pid)
            time.sleep(4)  # it catches up
        before, pids = len(fleet.ledger()), {n: fleet.kill_node(n) for n in (1, 2)}
        time.sleep(1.5)
        held = len(fleet.ledger())
        time.sleep(2.5)
        after = len(fleet.ledger())
        print(json.dumps({'ledger before': before, 'two nodes gone': held, '2.5 s later': after}))
        assert after - held <= 32, 'no intent can be confirmed, so nothing but what was open may have been posted'
        for number, pid in pids.items():
            fleet.wait_back(number, pid)
        wait_for('the brokers answer again', lambda: fleet.consume('jobs'), 60, 1)
        for part in parts[3:]:
            fleet.produce([(job['account'], job) for job in part])
        states = fleet.wait_ends([job['job_id'] for job in jobs], 200, ENDS + ('UNSURE',))
        assert not check_ledger(fleet, jobs, states)
        print(json.dumps(figures(fleet, jobs, states)))
        wait_for('every end has its event', lambda: len(end_events(fleet)[0]) == len(jobs), 60, 1)
        assert all(len(ids) == 1 for ids in end_events(fleet)[0].values())
