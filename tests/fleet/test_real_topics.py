# SPDX-License-Identifier: Apache-2.0
"""The jobs topic of a real Kafka deleted and made anew while the fleet runs and while it is stopped, with more partitions
and with fewer: what is on the new one is made, what was on the old one is not made again, and the journal knows it all."""
import subprocess
import sys
import time

import faults
import pytest
from harness import video, wait_for
from real_kafka import KAFKA, LIBS, OnRealKafka, need_real_kafka
from test_load import SCALED
from witness import check_ledger, mixed_jobs

ACCOUNTS = 20
EACH = 40     # jobs on the topic each time
SETTINGS = dict(SCALED, gate_wait_ms=1000, limit_window_ms=1000)
SIM = ['--window-ms', '1000', '--processing-ms', '200-600', '--limit-day-posts', '0', '--limit-drafts', '0', '--seed', '5']


@pytest.fixture(scope='module', autouse=True)
def real_kafka():
    need_real_kafka()


class OnTopics(OnRealKafka):
    def start(self):
        super().start()
        # a new partition is found at the next look: a minute by default
        properties = self.dir / 'kafka.properties'
        properties.write_text('topic.metadata.refresh.interval.ms=2000\n')
        self.environment['TOKFLEET_KAFKA_PROPERTIES'] = str(properties)
        self.all = []

    def change(self, verb, topic):
        done = subprocess.run([sys.executable, str(KAFKA), verb, '--bootstrap', self.brokers, topic], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr

    def make_anew(self):
        self.change('delete', self.name + '.jobs')
        done = self.cli('topics', 'ensure', '--partitions', '12', '--replication', '1')
        assert done.returncode == 0, done.stdout + done.stderr

    def put(self, prefix, aliases):
        jobs = mixed_jobs(EACH, aliases, prefix=prefix, drafts_an_account=9)
        self.produce([(job['account'] + job['job_id'], job) for job in jobs])
        self.all += jobs
        return jobs

    def check(self):
        """All that was ever put is made, once."""
        states = self.wait_ends([job['job_id'] for job in self.all], 90)
        assert not check_ledger(self, self.all, states)
        return states

    def partitions(self):
        return {int(name.rsplit('-', 1)[1]) for name in self.redis.hash(self.key('watermark'))}

    def noticed(self):
        return sum(path.read_text(errors='replace').count('the topic is another one than the watermark knew')
                   for path in self.dir.glob('worker-*.log'))


def test_a_jobs_topic_made_anew_and_grown(tell):
    with OnTopics(SETTINGS, sim=SIM, accounts=ACCOUNTS) as fleet:
        fleet.start_programs(workers=2, pollers=1)
        aliases = fleet.add_accounts()
        old = fleet.put('old', aliases)
        later = video('later', aliases[0], publish_at='2090-01-01T00:00:00Z')
        fleet.produce([('k', later)])
        wait_for('it waits', lambda: fleet.job('later').get('state') == 'QUEUED')
        fleet.check()

        # while it runs; whoever reads where nothing is any more notices
        fleet.make_anew()
        wait_for('the workers have noticed', lambda: fleet.noticed() > 0, 60)
        time.sleep(1)
        fleet.put('new', aliases)
        fleet.produce([('again', job) for job in old])
        fleet.check()

        # more partitions while it runs
        fleet.change('grow', fleet.name + '.jobs:16')
        fleet.put('grown', aliases)
        fleet.check()
        assert fleet.partitions() & {12, 13, 14, 15}, fleet.partitions()

        # while it is stopped, with fewer again; longer than the old one was
        faults.stop_all(fleet)
        fleet.make_anew()
        fleet.put('stopped', aliases)
        fleet.produce([(job['account'] + job['job_id'], job) for job in old + fleet.all[EACH:2 * EACH]])
        fleet.start_programs(workers=2, pollers=1)
        states = fleet.check()

        # the journal has outlived it
        generation = faults.generation(fleet)
        fleet.redis('FLUSHALL')
        faults.wait_gate(fleet, generation)
        wait_for('all are known again', lambda: fleet.states(states) == states, 60, 0.5)
        time.sleep(1)
        assert fleet.check() == states
        stats = fleet.stats()
        tell(jobs=len(fleet.all), inits=stats['inits'], lost=0, doubled=stats['doubled'], breaches=stats['breaches']['total'], UNSURE=0)
        # its message is not on the topic any more: it is in the journal
        fleet.cli('reschedule', 'later', '--publish-at', '+0s')
        assert fleet.wait_ends(['later'], 60) == {'later': 'PUBLISHED'}
        assert fleet.stats()['inits'] == stats['inits'] + 1


class Deleting(OnRealKafka):
    """Its journal is as a broker makes one by itself."""

    def ensure_topics(self):
        subprocess.run([sys.executable, str(KAFKA), 'topics', '--bootstrap', self.brokers,
                        '%s.journal:12:cleanup.policy=delete' % self.name], check=True)
        done = self.cli('topics', 'ensure', '--partitions', '12', '--replication', '1')
        assert 'journal' in done.stdout, done.stdout + done.stderr

    def keep_by(self, policy):
        done = subprocess.run(['java', '-cp', str(LIBS / '*'), 'kafka.admin.ConfigCommand', '--bootstrap-server', self.brokers,
                               '--alter', '--entity-type', 'topics', '--entity-name', self.name + '.journal',
                               '--add-config', 'cleanup.policy=[%s]' % policy], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


def test_a_journal_that_kafka_deletes_is_told_and_no_gate_is_opened_on_it():
    with Deleting(dict(SETTINGS, topics_check_ms=500, gate_lease_ms=3000), sim=SIM, accounts=1) as fleet:
        log = fleet.dir / (fleet.start_program('poller') + '.log')
        wait_for('it is told', lambda: 'cleanup.policy: delete instead of compact' in log.read_text(), 30)
        fleet.keep_by('compact')
        fleet.start_program('worker')
        wait_for('the gate is open', lambda: fleet.redis('HGET', fleet.key('gate'), 'state') == 'open', 30)
        fleet.keep_by('delete,compact')
        wait_for('it is told', lambda: 'delete,compact instead of compact' in log.read_text(), 30)
        fleet.redis('FLUSHALL')
        time.sleep(6)  # gate.lease, gate.wait and a window are over
        assert fleet.redis('HGET', fleet.key('gate'), 'state') != 'open'
        fleet.keep_by('compact')
        alias, = fleet.add_accounts()
        fleet.produce([video('one', alias)])
        assert fleet.wait_ends(['one'], 60) == {'one': 'PUBLISHED'}
