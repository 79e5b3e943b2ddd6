# SPDX-License-Identifier: Apache-2.0
"""Redis as people run it: over TLS, for users who may do exactly what deploy/README.md says and nothing else."""
import contextlib
import json
import re
import socket
import ssl
import time
import urllib.error
import urllib.request

from certificates import make_authority, make_certificate
from harness import ROOT, Fleet, Redis, free_port, wait_for
from test_gate import GATED, gate_opened
from test_load import SIM
from witness import check_ledger, mixed_jobs

PASSWORD = 'p@ss/w:rd'
IN_URL = 'p%40ss%2Fw%3Ard'
ADMIN = 'of-the-admin'


def lines_of_readme():
    """The two lines of deploy/README.md, by user."""
    text = (ROOT / 'deploy/README.md').read_text()
    return {line.split()[2]: line for line in re.findall(r'^ACL SETUSER .*$', text, re.M)}


class TlsRedis(Redis):
    """The admin's connection."""

    def __init__(self, port, authority):
        super().__init__(port)
        self.context = ssl.create_default_context(cafile=str(authority))

    def connect(self):
        plain = socket.create_connection(('127.0.0.1', self.port), timeout=20)
        self.socket = self.context.wrap_socket(plain, server_hostname='localhost')
        self.file = self.socket.makefile('rb')
        self('AUTH', ADMIN)


class FleetBehindAcl(Fleet):
    """Its programs know Redis as rediss://tokfleet:...@localhost, its tool as tokfleet-tool."""

    def start_redis(self):
        self.authority = make_authority(self.dir)
        certificate, key = make_certificate(self.dir, 'redis')
        self.redis_port = free_port()
        self.spawn('redis', ['redis-server', '--port', '0', '--tls-port', self.redis_port, '--bind', '127.0.0.1', '--save',
                             '', '--appendonly', 'no', '--dir', self.dir, '--maxmemory-policy', 'noeviction',
                             '--tls-cert-file', certificate, '--tls-key-file', key, '--tls-ca-cert-file', self.authority,
                             '--tls-auth-clients', 'no', '--requirepass', ADMIN, '--acllog-max-len', '1000'])
        self.redis = TlsRedis(self.redis_port, self.authority)

        def up():
            with contextlib.suppress(OSError, RuntimeError):
                return self.redis('PING')
        wait_for('redis-server is up', up)
        for user in ('tokfleet', 'tokfleet-tool'):
            self.allow(user)
        self.settings['redis_url'] = self.url('tokfleet')
        self.settings['redis_ca'] = self.authority

    def url(self, user, host='localhost', password=IN_URL):
        return 'rediss://%s:%s@%s:%d' % (user, password, host, self.redis_port)

    def allow(self, user, without=()):
        line = lines_of_readme()[user].replace('{tokfleet}', '{%s}' % self.name).replace('PASSWORD', PASSWORD)
        self.redis(*[word for word in line.split() if word not in without])

    def denials(self):
        """What users were refused, as Redis itself noted it."""
        found = []
        for flat in self.redis('ACL', 'LOG', '1000'):
            entry = dict(zip(flat[::2], flat[1::2]))
            found.append('%s: %s %s' % (entry['username'], entry['reason'], entry['object']))
        return found

    def cli(self, *arguments, **keywords):
        programs, self.environment = self.environment, dict(
            self.environment, TOKFLEET_REDIS_URL=self.url('tokfleet-tool'))
        try:
            return super().cli(*arguments, **keywords)
        finally:
            self.environment = programs

    def log(self, name):
        return (self.dir / (name + '.log')).read_text()

    def readyz(self, name):
        port = wait_for('%s listens' % name, lambda: re.search(r'"http_port":"?(\d+)', self.log(name)))
        try:
            with urllib.request.urlopen('http://127.0.0.1:%s/readyz' % port.group(1), timeout=5) as answer:
                return answer.read().decode()
        except urllib.error.HTTPError as refused:
            return refused.read().decode()


def test_a_fleet_runs_behind_tls_for_users_who_may_do_what_the_readme_says():
    with FleetBehindAcl(GATED, sim=SIM, accounts=12) as fleet:
        fleet.start_programs(workers=2, pollers=2)
        jobs = mixed_jobs(160, fleet.add_accounts())
        ids = [job['job_id'] for job in jobs]
        fleet.produce([(job['account'], job) for job in jobs[:80]])
        wait_for('posts are under way', lambda: len(fleet.ledger()) > 20, 60)
        fleet.redis('FLUSHALL')
        gate_opened(fleet, 2)
        fleet.produce([(job['account'], job) for job in jobs[80:]])
        assert not check_ledger(fleet, jobs, fleet.wait_ends(ids, 120))
        for words in (['status'], ['account', 'list'], ['account', 'show', jobs[0]['account']], ['job', ids[0]], ['gate'],
                      ['unsure', 'list'], ['account', 'pause', jobs[0]['account'], '--reason', 'a test']):
            done = fleet.cli(*words)
            assert done.returncode == 0, (words, done.stdout, done.stderr)
        assert fleet.denials() == []
        for log in fleet.dir.glob('*.log'):
            assert PASSWORD not in log.read_text() and IN_URL not in log.read_text(), log


def refused_line(fleet, kind='worker', **settings):
    """A program that is started so says one line, does nothing, and stays; the line."""
    fleet.environment.update(settings)
    name = fleet.start_program(kind)
    wait_for('it says what is wrong', lambda: re.search(r'"level":"(error|warn)"', fleet.log(name)))
    time.sleep(0.7)  # several more tries
    lines = [json.loads(line) for line in fleet.log(name).splitlines()]
    lines = [line for line in lines if line['level'] in ('error', 'warn')]
    assert len(lines) == 1, lines
    assert lines[0]['why'] in fleet.readyz(name), (lines[0], fleet.readyz(name))
    assert PASSWORD not in str(lines) and IN_URL not in str(lines)
    fleet.stop_program(name)
    return '%s: %s' % (lines[0]['redis'], lines[0]['why'])


def test_what_is_wrong_with_the_connection_is_one_line_and_nothing_is_done():
    with FleetBehindAcl(dict(GATED, redis_backoff_max_ms=100), accounts=1) as fleet:
        address = 'localhost:%d: ' % fleet.redis_port
        good = dict(fleet.environment)
        fleet.allow('tokfleet', without=('+info', '+zinter'))
        line = refused_line(fleet)
        assert line.startswith(address + 'its ACL does not allow +info +zinter on ~{%s}:* ' % fleet.name), line
        fleet.redis('ACL', 'SETUSER', 'tokfleet', '+info', '+zinter', 'resetkeys', '~{other}:*')
        assert 'EVAL refused: NOPERM' in refused_line(fleet)
        fleet.redis('ACL', 'SETUSER', 'tokfleet', 'resetkeys', '%%R~{%s}:*' % fleet.name, '~{%s}:gate' % fleet.name)
        assert '+hset' in refused_line(fleet)
        fleet.allow('tokfleet')
        assert 'AUTH refused: WRONGPASS' in refused_line(fleet, TOKFLEET_REDIS_URL=fleet.url('tokfleet', password='x'))
        fleet.environment = dict(good)
        other = make_authority(fleet.dir, 'other')
        assert str(other) in refused_line(fleet, TOKFLEET_REDIS_CA=str(other))
        fleet.environment = dict(good)
        done = fleet.redis('KEYS', '*')
        assert done == [], 'nothing may have been written: %s' % done
        # it goes on by itself once it is allowed
        fleet.allow('tokfleet', without=('+info',))
        name = fleet.start_program('poller')
        wait_for('it says what is missing', lambda: 'does not allow +info' in fleet.log(name))
        fleet.allow('tokfleet')
        wait_for('it is ready', lambda: fleet.readyz(name) == 'ok\n', 30)


def test_a_permission_that_is_taken_away_later_is_said_too():
    with FleetBehindAcl(dict(GATED, heartbeat_ms=200), accounts=1) as fleet:
        fleet.start_programs(pollers=1)
        fleet.redis('ACL', 'SETUSER', 'tokfleet', '-hget', '-info')
        wait_for('it says so', lambda: 'nothing can be written to Redis' in fleet.log('poller-1'), 20)
        assert 'Redis refused' in fleet.readyz('poller-1')
        fleet.allow('tokfleet')
        wait_for('it is ready again', lambda: fleet.readyz('poller-1') == 'ok\n', 30)



def spawn_sentinel(fleet, port):
    """Over TLS, with a password of its own, for the one primary."""
    folder = fleet.dir / 'sentinel'
    folder.mkdir()
    file = folder / 'sentinel.conf'
    file.write_text('port 0\ntls-port %d\nbind 127.0.0.1\ndir %s\ntls-replication yes\ntls-auth-clients no\n'
                    'tls-cert-file %s/redis.pem\ntls-key-file %s/redis.key\ntls-ca-cert-file %s\nrequirepass sentinels-own\n'
                    'sentinel monitor main 127.0.0.1 %d 1\nsentinel auth-pass main %s\n'
                    % (port, folder, fleet.dir, fleet.dir, fleet.authority, fleet.redis_port, ADMIN))
    fleet.spawn('sentinel', ['redis-server', file, '--sentinel'])


def test_sentinels_are_asked_over_tls_with_their_own_password():
    with FleetBehindAcl(dict(GATED, redis_backoff_max_ms=100), accounts=1) as fleet:
        port = free_port()
        spawn_sentinel(fleet, port)
        fleet.environment['TOKFLEET_REDIS_URL'] = 'rediss+sentinel://tokfleet:%s@localhost:%d/main' % (IN_URL, port)
        name = fleet.start_program('worker')
        wait_for('it says what to set', lambda: 'NOAUTH' in fleet.log(name) and 'REDIS_SENTINEL_PASSWORD' in fleet.log(name))
        fleet.stop_program(name)
        fleet.environment['TOKFLEET_REDIS_SENTINEL_PASSWORD'] = 'sentinels-own'
        name = fleet.start_program('poller')
        wait_for('it says what is missing', lambda: 'ROLE refused: NOPERM' in fleet.log(name), 20)
        fleet.redis('ACL', 'SETUSER', 'tokfleet', '+role')
        wait_for('the gate is open', lambda: fleet.redis('HGET', fleet.key('gate'), 'state') == 'open', 20)
        assert '"redis":"127.0.0.1:%d"' % fleet.redis_port in fleet.log(name)
        done = fleet.cli('--settings')
        assert done.returncode == 0 and 'sentinels-own' not in done.stdout + done.stderr, done.stdout
