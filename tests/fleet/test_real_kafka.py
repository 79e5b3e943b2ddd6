# SPDX-License-Identifier: Apache-2.0
"""The main path on a real Apache Kafka (KRaft, one node), where Java and Maven are there."""
import os
import pathlib
import shutil
import subprocess
import sys

import harness
import pytest
import test_bad_input
import test_kill
import test_load
from harness import BUILD, ROOT, wait_for

KAFKA = ROOT / 'tests/sandbox/kafka-real/kafka-real'
LIBS = pathlib.Path(os.environ.get('KAFKA_REAL_LIBS', BUILD.parent / 'kafka-libs'))


class RealKafka:
    """One node for one fleet, in the fleet's folder."""

    def start(self, fleet):
        bootstrap = fleet.dir / 'kafka.bootstrap'
        fleet.spawn('kafka-real', [sys.executable, KAFKA, 'start', '--dir', fleet.dir / 'kafka', '--bootstrap-file',
                                   bootstrap, '--libs', LIBS])
        wait_for('Kafka is up', lambda: bootstrap.exists() and bootstrap.read_text().strip(), 90)
        return bootstrap.read_text().strip()

    def stop(self, fleet):
        pass


class OnRealKafka(harness.Fleet):
    def __init__(self, *arguments, **keywords):
        super().__init__(*arguments, kafka=RealKafka(), **keywords)

    def start(self):
        super().start()
        done = self.cli('topics', 'ensure', '--partitions', '12', '--replication', '1')
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope='module', autouse=True)
def real_kafka():
    missing = [tool for tool in ('java', 'mvn') if not shutil.which(tool)]
    if missing:
        print('SKIPPED: no %s, so nothing was run on a real Kafka' % ' and no '.join(missing))
        pytest.skip('no %s: nothing was run on a real Kafka' % ' and no '.join(missing))
    done = subprocess.run([sys.executable, str(KAFKA), 'fetch', '--libs', str(LIBS)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    for module in (test_load, test_kill, test_bad_input):
        module.Fleet = OnRealKafka
    yield
    for module in (test_load, test_kill, test_bad_input):
        module.Fleet = harness.Fleet


def test_two_thousand_mixed_jobs_on_a_real_kafka():
    test_load.test_two_thousand_mixed_jobs_are_each_posted_once_within_every_limit()


def test_killed_programs_on_a_real_kafka():
    test_kill.test_killed_programs_lose_nothing_and_double_nothing()


def test_bad_messages_on_a_real_kafka():
    test_bad_input.test_bad_messages_end_with_a_reason_and_the_next_job_goes_on()


def test_topics_ensure_sees_drift():
    with OnRealKafka(accounts=1) as fleet:
        again = fleet.cli('topics', 'ensure', '--partitions', '12', '--replication', '1')
        assert again.returncode == 0, again.stdout + again.stderr
        other = fleet.cli('topics', 'ensure', '--partitions', '24', '--replication', '1')
        assert other.returncode == 1 and '12' in other.stdout + other.stderr, other.stdout + other.stderr
