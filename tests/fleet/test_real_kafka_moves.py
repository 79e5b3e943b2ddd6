# SPDX-License-Identifier: Apache-2.0
"""A real Kafka under a running fleet: workers come and go, the broker is killed and comes back, and what the fleet wrote
lies compressed in the log's segments when that is asked for."""
import json
import struct
import time

import pytest
from harness import ENDS, wait_for
from real_kafka import OnRealKafka, need_real_kafka
from test_load import SCALED, SIM
from witness import check_ledger, end_events, figures, mixed_jobs

MAGIC = 2
LZ4 = 3


@pytest.fixture(scope='module', autouse=True)
def fixture_real_kafka():
    need_real_kafka()


def batches(path):
    """(codec, records) of each batch in one segment of a log."""
    data, at = path.read_bytes(), 0
    while at + 61 <= len(data):
        _, length, _, magic, _, attributes = struct.unpack_from('>qiibIh', data, at)
        if length <= 0:
            return
        assert magic == MAGIC, path
        yield attributes & 7, struct.unpack_from('>i', data, at + 57)[0]
        at += 12 + length


def batches_of(fleet, topic):
    return [batch for path in sorted((fleet.dir / 'kafka/data').glob('%s.%s-*/*.log' % (fleet.name, topic)))
            for batch in batches(path)]


def members(fleet):
    """How many workers own partitions now, as they told Redis' heartbeats; enough to wait for them to be there."""
    return len([p for p in fleet.redis('ZRANGE', fleet.key('programs'), 0, -1) if p.startswith('worker-')])


def produce_slowly(fleet, jobs, parts, between):
    """In so many parts, and something happens after each of them."""
    size = (len(jobs) + parts - 1) // parts
    for i in range(parts):
        fleet.produce([(job['account'], job) for job in jobs[i * size:(i + 1) * size]])
        between(i)


def restart_broker(fleet):
    """Killed outright; on the same port again with all that it had."""
    process = fleet.processes.pop('kafka-real')
    process.kill()
    process.wait(20)
    time.sleep(1)
    (fleet.dir / 'kafka.bootstrap').unlink(missing_ok=True)
    assert fleet.kafka.start(fleet) == fleet.brokers


def test_workers_come_and_go_and_the_broker_is_killed_and_nothing_is_lost_or_doubled(tmp_path):
    properties = tmp_path / 'kafka.properties'
    properties.write_text('compression.type=lz4\n')
    with OnRealKafka(dict(SCALED, kafka_properties=properties), sim=SIM, accounts=24) as fleet:
        fleet.start_programs(workers=1, pollers=2)
        jobs = mixed_jobs(240, fleet.add_accounts())

        def between(i):
            wait_for('a part is under way', lambda: len(fleet.ledger()) >= 12 * i, 60)
            if i < 3:
                fleet.start_program('worker')
            elif i == 3:
                wait_for('four workers are there', lambda: members(fleet) == 4, 20)
                restart_broker(fleet)
            else:
                fleet.stop_program('worker-%d' % (i - 3), *([9] if i == 5 else []))
        produce_slowly(fleet, jobs, 7, between)
        states = fleet.wait_ends([job['job_id'] for job in jobs], 200, ENDS + ('UNSURE',))
        unsure = check_ledger(fleet, jobs, states)
        print(json.dumps(figures(fleet, jobs, states)))
        # one worker was killed outright, with at most so many commit points open
        assert len(unsure) <= 32 and all(lines for lines in unsure.values()), unsure
        ends, _ = end_events(fleet)
        wait_for('every end has its event', lambda: len(end_events(fleet)[0]) >= len(jobs) - len(unsure), 60, 1)
        assert all(len(ids) == 1 for ids in ends.values())
        for topic in ('journal', 'events'):
            found = batches_of(fleet, topic)
            large = [codec for codec, records in found if records >= 4]
            print('%s: %d batches, %d of 4 records or more, %d compressed' % (
                topic, len(found), len(large), len([1 for codec, _ in found if codec])))
            assert large and set(large) == {LZ4}, found
