# SPDX-License-Identifier: Apache-2.0
"""The programs as processes: settings, health, drain, a log that nobody reads, a Redis and a Kafka that go away."""
import fcntl
import json
import os
import signal
import subprocess
import time
import urllib.error
import urllib.request

from harness import BUILD, Fleet, video, wait_for
from witness import check_ledger, mixed_jobs

FAST = {'poll_first_ms': 100, 'poll_interval_ms': 300, 'limit_window_ms': 2000, 'heartbeat_ms': 200}
SIM = ['--window-ms', '2000', '--processing-ms', '300-900']


def get(port, path):
    try:
        with urllib.request.urlopen('http://127.0.0.1:%s%s' % (port, path), timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def port_of(fleet, kind):
    def look():
        for program in fleet.redis('ZRANGE', fleet.key('programs'), 0, -1):
            if program.startswith(kind):
                return fleet.redis('HGET', fleet.key('program:' + program), 'port')
    return wait_for('%s says its port' % kind, look)


def test_a_bad_setting_stops_the_start_with_one_clear_line():
    for variable, value, words in (('TOKFLEET_LIMIT_INIT', '0', 'from 1'), ('TOKFLEET_LIMT_INIT', '6', 'TOKFLEET_LIMIT_INIT'),
                                   ('TOKFLEET_TOKEN_KEYS', '', 'TOKFLEET_TOKEN_KEYS'),
                                   ('TOKFLEET_LEASE_MS', 'soon', 'soon'), ('TOKFLEET_LOG_LEVEL', 'loud', 'debug')):
        for kind in ('worker', 'poller'):
            done = subprocess.run([str(BUILD / kind / ('tokfleet-' + kind))], env={variable: value}, capture_output=True,
                                  text=True, timeout=20)
            said = (done.stdout + done.stderr).strip()
            assert done.returncode != 0 and len(said.splitlines()) == 1, (variable, said)
            assert variable in said and words in said, said


def test_service_links_of_kubernetes_are_ignored():
    done = subprocess.run([str(BUILD / 'worker' / 'tokfleet-worker'), '--settings'],
                          env={'TOKFLEET_REDIS_SERVICE_HOST': '10.0.0.1', 'TOKFLEET_REDIS_PORT': 'tcp://10.0.0.1:6379',
                               'TOKFLEET_REDIS_PORT_6379_TCP_ADDR': '10.0.0.1', 'TOKFLEET_TIKTOK_CLIENT_SECRET': 'hush'},
                          capture_output=True, text=True, timeout=20)
    assert done.returncode == 0, done.stderr
    assert 'hush' not in done.stdout


def test_health_tells_what_is_missing():
    with Fleet(FAST, sim=SIM, accounts=1) as fleet:
        fleet.start_programs()
        for kind in ('worker', 'poller'):
            port = port_of(fleet, kind)
            assert get(port, '/livez')[0] == 200
            wait_for('%s is ready' % kind, lambda: get(port, '/readyz')[0] == 200)
            assert get(port, '/nothing')[0] == 404
        port = port_of(fleet, 'worker')
        fleet.kill('redis', signal.SIGSTOP)
        fleet.kill('kafka-sim', signal.SIGSTOP)
        assert get(port, '/livez')[0] == 200
        fleet.kill('redis', signal.SIGCONT)
        fleet.kill('kafka-sim', signal.SIGCONT)


def test_sigterm_drains_and_nothing_is_left_to_others():
    with Fleet(dict(FAST, lease_ms=60000), sim=SIM, accounts=20) as fleet:
        fleet.start_programs(workers=2)
        jobs = mixed_jobs(120, fleet.add_accounts())
        for endpoint in ('video_init', 'content_init', 'inbox_init'):
            fleet.sim('fault', {'endpoint': endpoint, 'do': 'delay', 'ms': 700, 'count': -1})
        fleet.produce([(job['account'], job) for job in jobs])
        wait_for('calls are under way', lambda: fleet.redis('ZCARD', fleet.key('open')) > 5)
        began = time.monotonic()
        assert fleet.stop_program('worker-1') == 0
        assert time.monotonic() - began < 20
        states = fleet.wait_ends([job['job_id'] for job in jobs], 120)
        assert not check_ledger(fleet, jobs, states)
        log = (fleet.dir / 'worker-1.log').read_text()
        assert '"drained"' in log and '"stopped"' in log
        for line in log.splitlines():
            assert json.loads(line)['program'] == 'tokfleet-worker'


def test_a_log_that_nobody_reads_blocks_nothing():
    with Fleet(FAST, sim=SIM, accounts=40) as fleet:
        read_end, write_end = os.pipe()
        fcntl.fcntl(write_end, fcntl.F_SETPIPE_SZ, 4096)
        process = subprocess.Popen([str(BUILD / 'worker/tokfleet-worker')], stdout=write_end, stderr=subprocess.STDOUT,
                                   env=dict(fleet.environment, TOKFLEET_LOG_LEVEL='debug', TOKFLEET_LOG_BUFFER_BYTES='64KiB'))
        fleet.processes['unread'] = process
        fleet.start_programs(workers=0)
        jobs = mixed_jobs(400, fleet.add_accounts())
        fleet.produce([(job['account'], job) for job in jobs])
        states = fleet.wait_ends([job['job_id'] for job in jobs], 120)
        assert not check_ledger(fleet, jobs, states)
        os.close(write_end)
        assert process.poll() is None
        process.terminate()
        text = b''
        while True:
            part = os.read(read_end, 65536)
            if not part:
                break
            text += part
        assert process.wait(30) == 0
        assert b'lost' in text


def test_redis_and_kafka_that_hang_for_a_while_lose_nothing():
    with Fleet(FAST, sim=SIM, accounts=20) as fleet:
        fleet.start_programs(workers=2)
        jobs = mixed_jobs(150, fleet.add_accounts())
        fleet.produce([(job['account'], job) for job in jobs])
        wait_for('posts are under way', lambda: len(fleet.ledger()) > 20)
        for name in ('redis', 'kafka-sim', 'tiktok-sim'):
            fleet.kill(name, signal.SIGSTOP)
            time.sleep(2)
            fleet.kill(name, signal.SIGCONT)
            time.sleep(0.3)
        states = fleet.wait_ends([job['job_id'] for job in jobs], 120)
        assert not check_ledger(fleet, jobs, states)


def test_no_token_is_in_a_log_an_event_or_a_dead_letter():
    with Fleet(dict(FAST, log_level='debug'), sim=SIM, accounts=6) as fleet:
        fleet.start_programs()
        accounts = [json.loads(line) for line in fleet.accounts_file.read_text().splitlines()]
        secrets = [a[field] for a in accounts for field in ('access_token', 'refresh_token')]
        secrets.append(fleet.environment['TOKFLEET_TOKEN_KEYS'].split(':', 1)[1])
        jobs = mixed_jobs(40, fleet.add_accounts())
        fleet.sim('fault', {'endpoint': 'any', 'do': 'html', 'http': 502, 'count': 3})
        fleet.produce([(job['account'], job) for job in jobs] + [('k', 'garbage')])
        fleet.wait_ends([job['job_id'] for job in jobs], 60,
                        ('PUBLISHED', 'IN_INBOX', 'UNSURE', 'FAILED'))
        fleet.stop_program('worker-1')
        texts = [path.read_text(errors='replace') for path in fleet.dir.glob('*.log')]
        texts += [record['payload'] for topic in ('events', 'journal', 'dlq', 'accounts', 'jobs')
                  for record in fleet.consume(topic)]
        for key in fleet.redis('KEYS', '*'):
            kind = fleet.redis('TYPE', key)
            if kind == 'string':
                texts.append(fleet.redis('GET', key))
            elif kind == 'hash':
                texts.append(str(fleet.redis('HGETALL', key)))
        for secret in secrets:
            assert not any(secret in text for text in texts)
