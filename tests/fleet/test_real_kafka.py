# SPDX-License-Identifier: Apache-2.0
"""The main path on a real Apache Kafka (KRaft, one node), where Java and Maven are there."""
import harness
import pytest
import test_bad_input
import test_kill
import test_load
from real_kafka import OnRealKafka, need_real_kafka


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


def test_topics_ensure_sees_drift():
    with OnRealKafka(accounts=1) as fleet:
        again = fleet.cli('topics', 'ensure', '--partitions', '12', '--replication', '1')
        assert again.returncode == 0, again.stdout + again.stderr
        other = fleet.cli('topics', 'ensure', '--partitions', '24', '--replication', '1')
        assert other.returncode == 1 and '12' in other.stdout + other.stderr, other.stdout + other.stderr
