# SPDX-License-Identifier: Apache-2.0
"""A real Kafka as people run it: SASL over TLS, and users who may do exactly what deploy/README.md says."""
import json
import re
import shlex
import subprocess
import sys
import time

import pytest
from certificates import make_authority, make_certificate
from harness import ROOT, video, wait_for
from real_kafka import KAFKA, OnRealKafka, need_real_kafka
from test_gate import GATED, gate_opened
from test_load import SIM
from witness import check_ledger, mixed_jobs

USERS = ('worker', 'poller', 'tool')
PASSWORD = 'of the %s; #1'


@pytest.fixture(scope='module', autouse=True)
def fixture_real_kafka():
    need_real_kafka()


def lines_of_readme():
    return re.findall(r'^kafka-acls (.*)$', (ROOT / 'deploy/README.md').read_text(), re.M)


def mechanism():
    """SCRAM of librdkafka before 2.6.1 is refused by Kafka 4 (deploy/README.md)."""
    told = subprocess.run(['kcat', '-V'], capture_output=True, text=True).stdout
    version = tuple(map(int, re.search(r'librdkafka (\d+)\.(\d+)\.(\d+)', told).groups()))
    return 'SCRAM-SHA-512' if version >= (2, 6, 1) else 'PLAIN'


class SecureFleet(OnRealKafka):
    """Worker, poller and tool are users of their own; the harness itself comes by the plain listener."""

    def start_kafka(self):
        make_authority(self.dir)
        certificate, key = make_certificate(self.dir, 'broker')
        self.secure_file = self.dir / 'kafka.secure'
        self.kafka.options = ['--secure-file', self.secure_file, '--certificate', certificate, '--key', key, '--user',
                              *['tokfleet-%s:%s' % (user, PASSWORD % user) for user in USERS]]
        super().start_kafka()
        self.settings['kafka_brokers'] = self.secure_file.read_text().strip()
        for line in lines_of_readme():
            self.allow(line)

    def allow(self, line):
        words = shlex.split(line.replace('tokfleet.', self.name + '.'))
        done = subprocess.run([sys.executable, KAFKA, 'acls', '--bootstrap-server', self.brokers, *words],
                              capture_output=True, text=True)
        assert done.returncode == 0, (line, done.stderr)

    def properties(self, user, **more):
        rows = {'security.protocol': 'SASL_SSL', 'sasl.mechanisms': mechanism(), 'sasl.username': 'tokfleet-' + user,
                'sasl.password': PASSWORD % user, 'ssl.ca.location': self.dir / 'ca.pem', **more}
        path = self.dir / ('kafka-%s-%d.properties' % (user, time.monotonic_ns()))
        path.write_text(''.join('%s=%s\n' % row for row in rows.items()))
        return str(path)

    def as_user(self, user, **more):
        self.environment['TOKFLEET_KAFKA_PROPERTIES'] = self.properties(user, **more)

    def start_program(self, kind):
        self.as_user(kind)
        return super().start_program(kind)

    def cli(self, *arguments, **keywords):
        self.as_user('tool')
        return super().cli(*arguments, **keywords)

    def log(self, name):
        return (self.dir / (name + '.log')).read_text()

    def troubles(self, name):
        lines = [json.loads(line) for line in self.log(name).splitlines()]
        return [line for line in lines if line['level'] in ('warn', 'error') and 'kafka' in line['event']]


def assert_secret(fleet):
    for log in fleet.dir.glob('*.log'):
        for user in USERS:
            assert PASSWORD % user not in log.read_text(), log


def test_a_fleet_runs_on_a_kafka_with_users_who_may_do_what_the_readme_says():
    with SecureFleet(dict(GATED, tiktok_client_key='a-key', tiktok_client_secret='a-secret'), sim=SIM,
                     accounts=12) as fleet:
        fleet.start_programs(workers=2, pollers=2)
        jobs = mixed_jobs(72, fleet.add_accounts())
        ids = [job['job_id'] for job in jobs]
        done = fleet.cli('import', '-', stdin=''.join(json.dumps(job) + '\n' for job in jobs[:36]))
        assert done.returncode == 0, done.stdout + done.stderr
        wait_for('posts are under way', lambda: len(fleet.ledger()) > 10, 60)
        fleet.redis('FLUSHALL')
        gate_opened(fleet, 2)
        fleet.produce([(job['account'], job) for job in jobs[36:]] + [('', 'no job')])
        assert not check_ledger(fleet, jobs, fleet.wait_ends(ids, 120))
        # a refreshed pair goes onto Kafka, too
        fleet.sim('accounts', {'open_id': json.loads(fleet.sim('accounts'))[0]['open_id'], 'expires_in': 0})
        fleet.produce([video('after-the-token', jobs[0]['account'])])
        fleet.wait_ends(['after-the-token'], 60)
        assert fleet.stats()['refreshes'] == 1
        wait_for('the dead letter is there', lambda: fleet.consume('dlq'), 20)
        for words in (['topics', 'ensure', '--partitions', '12', '--replication', '1'], ['status'], ['dlq', 'list']):
            done = fleet.cli(*words)
            assert done.returncode == 0, (words, done.stdout, done.stderr)
        for name in ('worker-1', 'worker-2', 'poller-1', 'poller-2'):
            assert not fleet.troubles(name), fleet.troubles(name)[:3]
        assert_secret(fleet)
        settings = fleet.cli('--settings').stdout
        assert 'kafka-tool' in settings and PASSWORD % 'tool' not in settings


def refused(fleet, kind, words, **properties):
    """A worker or poller with such properties says `words` in one line for each of its clients, and goes on trying."""
    fleet.as_user(kind, **properties)
    name = super(SecureFleet, fleet).start_program(kind)
    wait_for('it says what is wrong', lambda: words in fleet.log(name), 30)
    time.sleep(2)  # several more tries
    assert fleet.processes[name].poll() is None
    troubles = fleet.troubles(name)
    clients = [line.get('client') for line in troubles]
    assert len(clients) == len(set(clients)), troubles
    assert all(words in line['why'] for line in troubles), troubles
    fleet.stop_program(name)
    return troubles


def test_what_kafka_refuses_is_one_line_for_each_client():
    with SecureFleet(GATED, accounts=1) as fleet:
        make_authority(fleet.dir, 'other')
        for kind in ('worker', 'poller'):
            refused(fleet, kind, 'SASL authentication error', **{'sasl.password': 'wrong'})
            refused(fleet, kind, 'ssl.ca.location', **{'ssl.ca.location': fleet.dir / 'other.pem'})
        refused(fleet, 'worker', 'authorization failed', **{'sasl.username': 'tokfleet-poller',
                                                            'sasl.password': PASSWORD % 'poller'})
        fleet.environment['TOKFLEET_KAFKA_PROPERTIES'] = fleet.properties('worker', **{'no.such': '1'})
        assert fleet.processes[super(SecureFleet, fleet).start_program('worker')].wait(20) == 1
        assert 'No such configuration property' in fleet.log('worker-4')
        fleet.start_programs()
        done = super(OnRealKafka, fleet).cli('topics', 'ensure')
        assert done.returncode in (1, 3), done.stdout
        assert_secret(fleet)
