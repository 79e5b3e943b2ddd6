# SPDX-License-Identifier: Apache-2.0
"""The main path on a real Apache Kafka (KRaft, one node), where Java and Maven are there."""
import subprocess
import sys

import harness
import pytest
import test_bad_input
import test_documents
import test_journal
import test_kill
import test_load
from harness import wait_for
from real_kafka import KAFKA, OnRealKafka, need_real_kafka


@pytest.fixture(scope='module', autouse=True)
def real_kafka():
    need_real_kafka()
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


def test_the_examples_of_jobs_md_on_a_real_kafka():
    with OnRealKafka(test_documents.FAST, sim=test_documents.SIM, accounts=1) as fleet:
        left_out = test_documents.run_the_examples(fleet, with_java=True)
    test_documents.show_skipped(left_out)


class Compacting(OnRealKafka):
    """Its journal is compacted within seconds, tombstones too."""

    def ensure_topics(self):
        configs = ('cleanup.policy=compact,segment.ms=200,min.cleanable.dirty.ratio=0.01,min.compaction.lag.ms=0,'
                   'delete.retention.ms=100,max.message.bytes=2097152')
        subprocess.run([sys.executable, str(KAFKA), 'topics', '--bootstrap', self.brokers,
                        '%s.journal:12:%s' % (self.name, configs)], check=True)
        done = self.cli('topics', 'ensure', '--partitions', '12', '--replication', '1')
        assert 'journal' in done.stdout, done.stdout + done.stderr  # it differs from what is wanted, and is left alone


def test_a_sweep_and_kafkas_compaction_leave_nothing_of_what_is_past_its_time():
    journal = test_journal.Journal()
    test_journal.old_lives(journal, many=50)
    kept = test_journal.others(journal)
    past = {key for key, _ in journal if key not in kept}
    with Compacting(test_journal.SWEEPING, accounts=1) as fleet:
        fleet.produce(journal, topic='journal')
        fleet.start_programs()
        wait_for('all of it is swept', lambda: test_journal.is_swept(fleet, journal, kept), 120, 0.5)

        def compacted():
            # a segment rolls only when something is appended to it
            fillers = test_journal.Journal()
            for i in range(100):
                fillers.end('filler-%d' % i, '0-0', 'EXPIRED', 0)
            fleet.produce(fillers, topic='journal')
            left = {record['key'] for record in fleet.consume('journal')}
            assert set(kept) <= left
            return not past & left
        wait_for('nothing of it is left, tombstones included', compacted, 120, 1)
        fleet.redis('FLUSHALL')
        wait_for('the gate is open again', lambda: fleet.redis('HGET', fleet.key('gate'), 'state') == 'open', 60)
        assert fleet.job('held')['state'] == fleet.job('again')['state'] == 'UNSURE'


def test_topics_ensure_sees_drift():
    with OnRealKafka(accounts=1) as fleet:
        again = fleet.cli('topics', 'ensure', '--partitions', '12', '--replication', '1')
        assert again.returncode == 0, again.stdout + again.stderr
        other = fleet.cli('topics', 'ensure', '--partitions', '24', '--replication', '1')
        assert other.returncode == 1 and '12' in other.stdout + other.stderr, other.stdout + other.stderr
