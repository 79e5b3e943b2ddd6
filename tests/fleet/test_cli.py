# SPDX-License-Identifier: Apache-2.0
"""The program `tokfleet` alone: against a redis-server and a kafka-sim of its own, without a worker. What stands in
Redis is put there by the fleet's own scripts, as the build made them; what arrives on Kafka is read with kcat."""
import json
import os
import pty
import re
import select
import signal
import subprocess
import time

import pytest

from harness import BUILD, ROOT, Fleet, free_port, video, wait_for

TOKFLEET = BUILD / 'producer' / 'tokfleet'
SCRIPTS = BUILD / 'common' / 'generated' / 'job'
CONF = {'log_timeline': 200, 'events_kept': 1000, 'state_kept': 1000, 'job_keep_ms': 3600000,
        'job_keep_message_ms': 3600000, 'limit_queued': 10000, 'job_account_wait_ms': 3600000, 'limit_in_flight': 300,
        'limit_open': 32, 'limit_account': 4, 'limit_init': 6, 'limit_window_ms': 60000, 'limit_drafts': 5,
        'limit_day_posts': 0, 'limit_day_ms': 86400000, 'lease_ms': 30000, 'limit_status': 30}


BEGAN_MS = int(time.time() * 1000) - 60000  # of the first message


class Cli(Fleet):
    """Redis, Kafka and the tool; no TikTok, no worker, no poller."""

    def start_sim(self):
        self.sim_url = 'http://127.0.0.1:9'

    def open_gate(self):
        identity = re.search(r'master_replid:(\w+)', self.redis('INFO', 'replication')).group(1)
        self.redis('HSET', self.key('gate'), 'state', 'open', 'identity', identity, 'generation', '1')

    def script(self, name, **arguments):
        """Runs a script of the fleet by its own signature; what is not given is '' or 0."""
        lua = (SCRIPTS / (name + '.lua')).read_text()
        signature = (ROOT / 'common/job/scripts' / (name + '.lua')).read_text().split('\n', 1)[0]
        words = [w.strip() for w in re.search(r'\(([^()]*)\)', signature).group(1).split(',')]
        assert not set(arguments) - {w.split(':')[0] for w in words}, signature
        given = [arguments.get(w.split(':')[0], 0 if ':' in w else '') for w in words]
        # the settings come first, in the order in which the build made locals of them
        made = {int(i): n.removesuffix('_text') for n, i in re.findall(r'^local (\w+) = (?:tonumber\()?ARGV\[(\d+)\]', lua, re.M)}
        conf = [CONF[made[i]] for i in range(1, max(made) - len(words) + 1)]
        return self.redis('EVAL', lua, 1, self.key('gate'), *conf, *given)

    def ingest(self, job, offset, **more):
        partition = more.pop('partition', self.name + '.jobs-0')
        shown = '%d %d aa' % (offset, BEGAN_MS + offset - 1) if offset else ''
        arguments = {'partition': partition, 'shown': shown, 'next_offset': offset + 1, 'timestamp': BEGAN_MS + offset,
                     'crc': 'aa', 'verdict': 'job', 'job_id': job['job_id'], 'account': job['account'], 'hash': 'h' * 64,
                     'message': json.dumps(job), 'kind': 'direct', 'media': 'video', 'privacy': 'SELF_ONLY', 'priority': 5,
                     'on_unsure': 'hold', 'warnings': 'a warning\n', 'source': '%s@%d' % (partition, offset),
                     'by': 'worker-a', **more}
        return self.script('ingest', **arguments)

    def claim(self):
        answer = self.script('claim', worker='worker-a')
        assert answer[0] == 'OK', answer
        return answer[1], answer[2]


def tokens(number, **more):
    return {'open_id': '-000open%d' % number, 'access_token': 'act.SECRET%d' % number,
            'refresh_token': 'rft.SECRET%d' % number, 'expires_in': 86400, 'refresh_expires_in': 31536000,
            'scope': 'video.publish,video.upload', 'alias': '@name%d' % number, **more}


def ndjson(*things):
    return ''.join((t if isinstance(t, str) else json.dumps(t)) + '\n' for t in things)


@pytest.fixture(scope='module')
def fleet():
    with Cli() as started:
        yield started


@pytest.fixture
def fresh(fleet):
    """An empty Redis with an open gate."""
    fleet.redis('FLUSHALL')
    fleet.open_gate()
    return fleet


def ok(done, code=0):
    assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
    assert '.SECRET' not in done.stdout + done.stderr
    return done


# ---- the command line

def test_help_lists_every_verb_and_every_verb_teaches(fleet):
    text = ok(fleet.cli('--help')).stdout
    for verb in re.findall(r'^  ([a-z]+(?: [a-z]+)?) {2,}\S', text.split('exit status')[0], re.M):
        one = ok(fleet.cli('help', *verb.split())).stdout
        assert one == ok(fleet.cli(*verb.split(), '--help')).stdout
        assert 'usage: tokfleet ' + verb in one and '  tokfleet ' + verb in one and '--help' in one


def test_a_verb_that_is_not_there_suggests_the_nearest(fleet):
    assert 'did you mean "status"?' in ok(fleet.cli('sttaus'), 2).stderr
    assert 'account add, account list, account show' in ok(fleet.cli('account'), 2).stderr
    for arguments in (['account', '--help'], ['help', 'account']):
        page = ok(fleet.cli(*arguments)).stdout
        assert 'usage: tokfleet account VERB' in page and 'account forget' in page and 'dlq list' not in page
    assert 'did you mean "account"?' in ok(fleet.cli('acount', '--help'), 2).stderr
    assert 'did you mean --account?' in ok(fleet.cli('post', '--acount', 'x'), 2).stderr
    assert 'see: tokfleet post --help' in ok(fleet.cli('post'), 2).stderr


def test_settings_are_printed_and_secrets_are_not(fleet):
    done = ok(fleet.cli('--settings'))
    assert fleet.name in done.stdout and fleet.environment['TOKFLEET_TOKEN_KEYS'] not in done.stdout


def test_a_wrong_setting_stops_the_tool_with_its_name(fleet):
    bad = dict(fleet.environment, TOKFLEET_LIMIT_IN_FLIGHT='many')
    done = subprocess.run([TOKFLEET, 'status'], env=bad, capture_output=True, text=True, timeout=20)
    assert done.returncode == 2 and 'TOKFLEET_LIMIT_IN_FLIGHT' in done.stderr


# ---- post

def test_post_puts_the_job_on_kafka_under_its_account(fleet):
    done = ok(fleet.cli('post', '--account', '@brand.de', '--video', 'https://cdn.example.com/clip.mp4', '--caption', 'Hé',
                        '--job-id', 'post-1', '--privacy', 'SELF_ONLY', '--comment', '--priority', '7', '--metadata',
                        '{"order": 991}'))
    match = re.fullmatch(r'post-1  %s\.jobs-(\d+)@(\d+)\n' % fleet.name, done.stdout)
    record = [r for r in fleet.consume('jobs') if 'post-1' in r['payload']][0]
    assert (record['partition'], record['offset']) == (int(match[1]), int(match[2])) and record['key'] == '@brand.de'
    job = json.loads(record['payload'])
    assert job['media'] == [{'url': 'https://cdn.example.com/clip.mp4', 'type': 'video'}]
    assert job['settings'] == {'content_posting_method': 'DIRECT_POST', 'privacy_level': 'SELF_ONLY', 'comment': True}
    assert job['caption'] == 'Hé' and job['priority'] == 7 and job['metadata'] == {'order': 991}


def test_post_makes_an_id_and_tells_it_as_json(fleet):
    arguments = ['post', '--account', '@a', '--photo', 'https://cdn.example.com/1', '--draft', '--json']
    first, second = (json.loads(ok(fleet.cli(*arguments)).stdout) for _ in range(2))
    assert first['job_id'] != second['job_id'] and first['topic'] == fleet.name + '.jobs'
    assert any(r['partition'] == first['partition'] and r['offset'] == first['offset'] for r in fleet.consume('jobs'))


def test_post_refuses_what_the_worker_would_reject_and_sends_nothing(fleet):
    before = len(fleet.consume('jobs'))
    base = ['post', '--account', '@a', '--job-id', 'bad']
    for arguments, words in ((['--video', 'ftp://x/1.mp4'], 'https'), ([], '--video'),
                             (['--video', 'https://a.example.com/1.mp4', '--caption', 'x' * 2201], '2200'),
                             (['--video', 'https://a.example.com/1.mp4', '--transfer', 'upload'], 'transfer'),
                             (['--video', 'https://a.example.com/1.mp4', '--publish-at', 'soon'], '--publish-at'),
                             (36 * ['--photo', 'https://a.example.com/1.jpg'], '36')):
        assert words in ok(fleet.cli(*base, *arguments), 2).stderr
    assert len(fleet.consume('jobs')) == before


def test_post_warns_and_a_dry_run_sends_nothing(fleet):
    before = len(fleet.consume('jobs'))
    done = ok(fleet.cli('post', '--account', '@a', '--video', 'https://a.example.com/1.mp4', '--title', 'x', '--dry-run'))
    assert 'warning: ' in done.stderr and json.loads(done.stdout)['title'] == 'x'
    assert len(fleet.consume('jobs')) == before


def test_post_names_the_brokers_that_cannot_be_reached(fleet):
    away = dict(fleet.environment, TOKFLEET_KAFKA_BROKERS='127.0.0.1:1', TOKFLEET_KAFKA_SEND_TIMEOUT_MS='1s')
    done = subprocess.run([TOKFLEET, 'post', '--account', '@a', '--video', 'https://a.example.com/1.mp4'], env=away,
                          capture_output=True, text=True, timeout=30)
    assert done.returncode == 3 and '127.0.0.1:1 (TOKFLEET_KAFKA_BROKERS)' in done.stderr


def follow(fleet, job_id, *more):
    """`post --wait` in the background, and the source of its message once it is on Kafka."""
    process = subprocess.Popen([TOKFLEET, 'post', '--account', '-000open1', '--video', 'https://a.example.com/1.mp4',
                                '--job-id', job_id, '--wait', '--timeout', '20', *more], env=fleet.environment,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    return process


def end(process, code):
    out, err = process.communicate(timeout=30)
    assert process.returncode == code, (process.returncode, out, err)
    return out, err


def test_waiting_shows_each_arrow_and_the_exit_status_is_the_end(fresh):
    process = follow(fresh, 'w1')
    job_id = 'w1'

    def record():
        return [r for r in fresh.consume('jobs') if '"%s"' % job_id in r['payload']]
    found = wait_for('the job is on Kafka', record)[0]
    fresh.redis('HSET', fresh.key('account:-000open1'), 'rev', 1, 'status', 'ok')
    assert json.loads(found['payload'])['account'] == '-000open1'
    partition = '%s.jobs-%d' % (fresh.name, found['partition'])
    fresh.redis('HSET', fresh.key('watermark'), partition, '%d 1 aa' % found['offset'])
    assert fresh.ingest({'job_id': job_id, 'account': '-000open1'}, found['offset'], partition=partition,
                        shown='%d 1 aa' % found['offset'])[0] == 'OK'
    claimed, epoch = fresh.claim()
    assert claimed == job_id
    assert fresh.script('sending', job_id=job_id, epoch=epoch, worker='worker-a') == ['OK']
    assert fresh.script('refuse', job_id=job_id, epoch=epoch, event='REFUSE', arrived=1, code='spam_risk',
                        cause='TikTok calls it spam.', remedy='Post less.', log_id='log-1', worker='worker-a')[0] == 'OK'
    out, err = end(process, 1)
    for words in ('QUEUED', 'CLAIMED', 'SENDING', 'FAILED', 'spam_risk', 'TikTok calls it spam.', 'what to do: Post less.'):
        assert words in out, out
    shown = ok(fresh.cli('job', job_id)).stdout
    assert 'TikTok calls it spam.' in shown and 'Post less.' in shown and epoch in shown
    status = ok(fresh.cli('status')).stdout
    assert 'spam_risk' in status and job_id in status
    # the same id with other content is a dead letter: the watermark passed it and the job is another message's
    second = follow(fresh, job_id, '--caption', 'other')
    later = wait_for('the second is on Kafka', lambda: [r for r in record() if 'other' in r['payload']])[0]
    fresh.redis('HSET', fresh.key('watermark'), '%s.jobs-%d' % (fresh.name, later['partition']),
                '%d 1 aa' % (later['offset'] + 1))
    out, err = end(second, 1)
    assert 'known before, with other content' in err


def test_waiting_ends_at_its_timeout_and_at_an_interrupt(fresh):
    done = ok(fresh.cli('post', '--account', '@a', '--video', 'https://a.example.com/1.mp4', '--wait', '--timeout', '1'), 4)
    assert 'still going on' in done.stderr
    process = follow(fresh, 'w2')
    wait_for('it is sent', lambda: select.select([process.stdout], [], [], 10)[0])
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    out, err = end(process, 130)
    assert 'the job goes on' in err


# ---- import

def sent(fleet, prefix):
    return [json.loads(r['payload']) for r in fleet.consume('jobs') if '"job_id": "%s' % prefix in r['payload']]


def test_import_tells_every_bad_line_and_sends_nothing(fleet):
    jobs = [video('bad-%d' % i, '@a') for i in range(3)]
    lines = ndjson(jobs[0], 'nonsense', '', jobs[1], {'account': '@a'}, dict(jobs[0], caption='other'), jobs[0],
                   dict(jobs[2], metadata='x' * 300000))
    done = ok(fleet.cli('import', '-', stdin=lines), 1)
    for words in ('line 2: ', 'line 5: job_id', 'line 6: job_id: bad-0 stands on line 1', 'line 8: longer than 262144'):
        assert words in done.stderr, done.stderr
    assert 'nothing was sent' in done.stderr and '4 bad' in done.stdout and not sent(fleet, 'bad-')
    done = ok(fleet.cli('import', '-', '--json', '--skip-bad', '--errors', '1', stdin=lines))
    assert '3 more bad lines' in done.stderr
    told = json.loads(done.stdout)
    assert [e['line'] for e in told.pop('errors')] == [2]
    assert told == {'lines': 7, 'good': 2, 'repeats': 1, 'bad': 4, 'with_warnings': 0, 'sent': 2,
                                       'not_confirmed': 0}
    assert sorted(j['job_id'] for j in sent(fleet, 'bad-')) == ['bad-0', 'bad-1']


def test_import_sends_a_file_in_order_of_each_account(fleet, tmp_path):
    path = tmp_path / 'jobs.ndjson'
    path.write_text(ndjson(*[video('many-%04d' % i, '@acc%d' % (i % 7)) for i in range(3000)]))
    done = ok(fleet.cli('import', path, '--in-flight', 50))
    assert done.stdout.startswith('3,000 lines: 3,000 jobs; 3,000 sent to')
    jobs = sent(fleet, 'many-')
    assert len(jobs) == 3000
    for account in {j['account'] for j in jobs}:
        ids = [j['job_id'] for j in jobs if j['account'] == account]
        assert ids == sorted(ids)
    ok(fleet.cli('import', path, '--dry-run'))
    assert len(sent(fleet, 'many-')) == 3000


def test_import_without_kafka_says_that_it_may_be_run_again(fleet):
    away = dict(fleet.environment, TOKFLEET_KAFKA_BROKERS='127.0.0.1:1', TOKFLEET_KAFKA_SEND_TIMEOUT_MS='1s')
    done = subprocess.run([TOKFLEET, 'import', '-'], env=away, input=ndjson(video('x', '@a')), capture_output=True,
                          text=True, timeout=30)
    assert done.returncode == 3 and 'Run the same import again' in done.stderr


def test_memory_of_an_import_does_not_grow_with_the_file(fleet, tmp_path):
    peaks = []
    for count in (2000, 40000):
        path = tmp_path / ('%d.ndjson' % count)
        with open(path, 'w') as file:
            for i in range(count):
                file.write(json.dumps(video('mem-%d-%d' % (count, i), '@a', caption='x' * 1500)) + '\n')
        process = subprocess.Popen([TOKFLEET, 'import', path, '--dry-run'], stdout=subprocess.DEVNULL,
                                   env=dict(fleet.environment, ASAN_OPTIONS='quarantine_size_mb=1'))
        _, status, usage = os.wait4(process.pid, 0)
        assert status == 0
        peaks.append(usage.ru_maxrss)
    # 40,000 jobs are remembered in 4 MiB, and the file has 66 MB
    assert peaks[1] - peaks[0] < 16000, peaks


# ---- looking

def test_an_unknown_job_is_told_in_words(fresh):
    assert 'there is no job nix' in ok(fresh.cli('job', 'nix'), 1).stderr
    assert 'no job_id' in ok(fresh.cli('job', 'a b'), 2).stderr


def test_a_job_in_flight_shows_what_tiktok_says(fresh):
    fresh.redis('HSET', fresh.key('account:-000open1'), 'rev', 1, 'status', 'ok')
    assert fresh.ingest(video('j1', '-000open1', caption='\x1b[31mred'), 0)[0] == 'OK'
    shown = ok(fresh.cli('job', 'j1')).stdout
    assert 'QUEUED: waits for its turn' in shown and 'a warning' in shown and '\x1b' not in shown
    _, epoch = fresh.claim()
    fresh.script('sending', job_id='j1', epoch=epoch, worker='worker-a')
    fresh.script('result', job_id='j1', epoch=epoch, publish_id='v_pub~1', log_id='log-1', first_poll_ms=100,
                 worker='worker-a')
    fresh.redis('HSET', fresh.key('job:j1'), 'tiktok_status', 'PROCESSING_DOWNLOAD', 'downloaded_bytes', 1234567)
    shown = ok(fresh.cli('job', 'j1')).stdout
    for words in ('PROCESSING: TikTok accepted it', 'v_pub~1', 'PROCESSING_DOWNLOAD: TikTok is fetching the media',
                  '1,234,567 bytes (1.2 MiB)', 'taken from Kafka', 'by worker-a'):
        assert words in shown, shown
    told = json.loads(ok(fresh.cli('job', 'j1', '--json')).stdout)
    assert told['state'] == 'PROCESSING' and told['publish_id'] == 'v_pub~1' and told['downloaded_bytes'] == 1234567
    assert [line['to'] for line in told['timeline']] == ['QUEUED', 'CLAIMED', 'SENDING', 'PROCESSING']
    assert told['message']['job_id'] == 'j1' and told['warnings'] == ['a warning'] and told['times']['accepted'] > 0


def test_a_waiting_job_says_what_it_waits_for(fresh):
    fresh.ingest(video('u1', '@nobody'), 0)
    fresh.ingest(video('d1', '@nobody'), 1, due=int(time.time() * 1000) + 3600000)
    fresh.redis('HSET', fresh.key('account:a'), 'rev', 1, 'status', 'parked', 'parked_why', 'access_token_invalid')
    fresh.ingest(video('p1', 'a'), 2)
    fresh.ingest(video('s1', 'a'), 3, due=int(time.time() * 1000) + 3600000)
    assert 'waits for account @nobody to be connected' in ok(fresh.cli('job', 'u1')).stdout
    shown = ok(fresh.cli('job', 'p1')).stdout
    assert 'parked: access_token_invalid' in shown and 'held back' in shown and 'connect the account again' in shown
    assert 'scheduled for ' in ok(fresh.cli('job', 's1')).stdout
    status = json.loads(ok(fresh.cli('status', '--json')).stdout)['waiting']
    assert status['jobs'] == 4 and status['unknown_accounts'] == 1 and status['unknown_jobs'] == 2
    assert status['complete'] and status['oldest_account'] == '@nobody' and status['oldest_ms'] >= 60000


def test_status_of_a_fleet_that_never_ran(fleet):
    fleet.redis('FLUSHALL')
    done = ok(fleet.cli('status'))
    assert 'It has never run' in done.stdout and 'tokfleet-poller' in done.stdout
    assert json.loads(ok(fleet.cli('status', '--json')).stdout)['ever_ran'] is False


def test_status_counts_flight_failures_and_programs(fresh):
    fresh.redis('HSET', fresh.key('account:a'), 'rev', 1, 'status', 'ok')
    for i in range(6):
        fresh.ingest(video('s%d' % i, 'a'), i)
    fresh.ingest({'job_id': 'r1', 'account': 'a'}, 6, verdict='bad', code='bad_message', cause='media: it is missing',
                 remedy='Mend')
    for _ in range(2):
        fresh.claim()
    fresh.script('heartbeat', program='worker-a', kind='worker', host='host-1', pid='77', port='8080', version='0.1.0',
                 state='running', heartbeat_ms=2000)
    fresh.script('heartbeat', program='poller-b', kind='poller', host='host-2', pid='78', state='stopped',
                 heartbeat_ms=2000)
    done = ok(fresh.cli('status')).stdout
    for words in ('2 of 300', 'QUEUED               4', 'host-1', 'bad_message', 'media: it is missing', 'open, generation 1'):
        assert words in done, done
    told = json.loads(ok(fresh.cli('status', '--json')).stdout)
    assert told['in_flight'] == 2 and told['open'] == 2 and told['states']['CLAIMED'] == 2 and told['gate']['state'] == 'open'
    assert [p['alive'] for p in told['programs'] if p['kind'] == 'worker'] == [True]
    assert told['failures'][0]['job_id'] == 'r1' and told['states']['REJECTED'] == 1
    fresh.redis('HSET', fresh.key('gate'), 'identity', 'another')
    assert 'not the one that it was opened on' in ok(fresh.cli('status')).stdout


def test_nothing_that_looks_writes_a_key(fresh):
    fresh.ingest(video('u1', '@nobody'), 0)
    before = sorted(fresh.redis('KEYS', '*'))
    for arguments in (['status'], ['job', 'u1'], ['account', 'list'], ['account', 'show', '@nobody'], ['job', 'nix']):
        fresh.cli(*arguments)
    assert sorted(fresh.redis('KEYS', '*')) == before


def test_redis_that_cannot_be_reached_is_named(fleet):
    url = 'redis://:geheim@127.0.0.1:%d' % free_port()
    away = dict(fleet.environment, TOKFLEET_REDIS_URL=url, TOKFLEET_REDIS_TIMEOUT_MS='500ms')
    for arguments in (['status'], ['job', 'x'], ['account', 'list']):
        done = subprocess.run([TOKFLEET, *arguments], env=away, capture_output=True, text=True, timeout=20)
        assert done.returncode == 3 and 'TOKFLEET_REDIS_URL' in done.stderr and 'geheim' not in done.stderr


# ---- accounts

def records(fleet):
    found = {}
    for record in fleet.consume('accounts'):
        found[record['key']] = json.loads(record['payload'])
    return found


def test_accounts_are_sealed_on_kafka_and_in_redis_and_their_jobs_go_on(fresh):
    fresh.ingest(video('q1', '@name1'), 0)
    fresh.ingest(video('q2', '-000open1'), 1)
    done = ok(fresh.cli('account', 'add', '-', stdin=ndjson(tokens(1), tokens(2, alias=''))))
    assert '2 accounts connected' in done.stdout
    record = records(fresh)['-000open1']
    assert record['aliases'] == ['@name1'] and record['v'] == 2 and record['sealed'].startswith('k1:')
    assert 'SECRET' not in json.dumps(record)
    assert fresh.redis('GET', fresh.key('token:-000open1')) == record['sealed']
    assert fresh.redis('HGET', fresh.key('alias'), '@name1') == '-000open1'
    assert fresh.redis('ZCARD', fresh.key('queue:-000open1')) == 2
    assert fresh.redis('ZCARD', fresh.key('unknown:@name1')) == 0
    listed = ok(fresh.cli('account', 'list')).stdout
    assert '@name1' in listed and '-000open2' in listed
    for name in ('@name1', '-000open1'):
        told = json.loads(ok(fresh.cli('account', 'show', name, '--json')).stdout)
        assert told['open_id'] == '-000open1' and told['queued'] == 2 and told['status'] == 'ok'
    lines = ok(fresh.cli('account', 'list', '--json')).stdout.splitlines()
    assert [json.loads(line)['open_id'] for line in lines] == ['-000open1', '-000open2']
    for name in '@nix', 'x' * 300:
        assert 'there is no account' in ok(fresh.cli('account', 'show', name), 1).stderr


def test_a_renewed_account_keeps_every_alias_also_when_redis_forgot(fresh):
    for alias in ('@one', '@two', '@three', ''):
        fresh.redis('FLUSHALL')
        fresh.open_gate()
        ok(fresh.cli('account', 'add', '-', stdin=ndjson(tokens(5, alias=alias))))
    record = records(fresh)['-000open5']
    assert sorted(record['aliases']) == ['@one', '@three', '@two']
    assert sorted(fresh.redis.hash(fresh.key('alias'))) == ['@one', '@three', '@two']
    revs = [json.loads(r['payload'])['rev'] for r in fresh.consume('accounts') if r['key'] == '-000open5']
    assert revs == sorted(set(revs))


def test_an_alias_of_another_account_is_told_before_anything_is_written(fresh):
    ok(fresh.cli('account', 'add', '-', stdin=ndjson(tokens(6, alias='@taken'))))
    before = len(fresh.consume('accounts'))
    done = ok(fresh.cli('account', 'add', '-', stdin=ndjson(tokens(7), tokens(8, alias='@taken'))), 1)
    assert 'line 2: its alias belongs to another account' in done.stderr and 'no account was changed' in done.stderr
    fresh.redis('HSET', fresh.key('alias'), '@only-in-redis', 'somebody')
    done = ok(fresh.cli('account', 'add', '-', stdin=ndjson(tokens(8, alias='@only-in-redis'))), 1)
    assert 'somebody' in done.stderr
    done = ok(fresh.cli('account', 'add', '-', stdin=ndjson(tokens(8), tokens(8), tokens(9, alias='@name8'))), 1)
    assert 'open_id -000open8 stands on line 1' in done.stderr and 'line 3: alias @name8' in done.stderr
    assert len(fresh.consume('accounts')) == before


def test_a_bad_token_answer_is_told_without_its_tokens(fresh):
    before = len(fresh.consume('accounts'))
    lines = ndjson(tokens(1), 'x.SECRETx', {'error': 'invalid_grant'}, dict(tokens(2), expires_in='SECRET'))
    done = ok(fresh.cli('account', 'add', '-', stdin=lines), 1)
    for words in ('line 2: ', 'line 3: this is an error answer', 'line 4: "expires_in"'):
        assert words in done.stderr
    assert len(fresh.consume('accounts')) == before


def test_without_keys_nothing_is_kept_and_a_command_makes_one(fleet):
    bare = {k: v for k, v in fleet.environment.items() if k != 'TOKFLEET_TOKEN_KEYS'}
    done = subprocess.run([TOKFLEET, 'account', 'add', '-'], env=bare, input=ndjson(tokens(1)), capture_output=True,
                          text=True, timeout=20)
    assert done.returncode == 2 and 'openssl rand -base64 32' in done.stderr


def test_a_closed_gate_leaves_the_accounts_on_kafka_and_says_so(fresh):
    fresh.redis('HSET', fresh.key('gate'), 'state', 'closed')
    done = ok(fresh.cli('account', 'add', '-', '--timeout', '1', stdin=ndjson(tokens(11))), 3)
    assert 'on Kafka' in done.stderr and 'tokfleet-poller' in done.stderr
    assert '-000open11' in records(fresh) and not fresh.redis('EXISTS', fresh.key('account:-000open11'))
    process = subprocess.Popen([TOKFLEET, 'account', 'add', '-'], env=fresh.environment, stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    process.stdin.write(ndjson(tokens(11)))
    process.stdin.close()
    time.sleep(1)
    fresh.redis('HSET', fresh.key('gate'), 'state', 'open')
    assert process.wait(20) == 0 and fresh.redis('EXISTS', fresh.key('account:-000open11'))


# ---- topics

def test_topics_that_cannot_be_ensured_are_named(fleet):
    away = dict(fleet.environment, TOKFLEET_KAFKA_BROKERS='127.0.0.1:1')
    done = subprocess.run([TOKFLEET, 'topics', 'ensure'], env=away, capture_output=True, text=True, timeout=60)
    assert done.returncode in (1, 3) and '127.0.0.1:1' in done.stderr


# ---- terminals and pipes

def on_terminal(fleet, *arguments, environment=None):
    master, slave = pty.openpty()
    process = subprocess.Popen([TOKFLEET, *arguments], env=dict(fleet.environment, TERM='xterm', **(environment or {})),
                               stdin=slave, stdout=slave, stderr=slave)
    os.close(slave)
    text = b''
    while True:
        try:
            part = os.read(master, 65536)
        except OSError:
            break
        if not part:
            break
        text += part
    os.close(master)
    return process.wait(20), text.decode()


def test_colour_and_bars_are_for_terminals_that_want_them(fresh, tmp_path):
    code, text = on_terminal(fresh, 'status')
    assert code == 0 and '\x1b[' in text and '[....' in text
    code, text = on_terminal(fresh, 'status', environment={'NO_COLOR': '1'})
    assert code == 0 and '\x1b[' not in text
    assert '\x1b[' not in ok(fresh.cli('status')).stdout
    path = tmp_path / 'jobs.ndjson'
    path.write_text(ndjson(*[video('tty-%d' % i, '@a%d' % (i % 100)) for i in range(20000)]))
    code, text = on_terminal(fresh, 'import', str(path))
    assert code == 0 and 'checking: ' in text and 'sending: [' in text and '20,000 sent' in text


def test_a_reader_that_goes_away_is_no_error(fresh):
    for arguments in ('status --json', 'account list', '--help', 'job nix'):
        done = subprocess.run('"%s" %s | true; exit ${PIPESTATUS[0]}' % (TOKFLEET, arguments), shell=True,
                              executable='/bin/bash', env=fresh.environment, capture_output=True, text=True, timeout=20)
        assert done.returncode in (0, 1, 141) and 'Broken pipe' not in done.stderr


def test_a_full_disk_is_told(fresh):
    with open('/dev/full', 'w') as full:
        done = subprocess.run([TOKFLEET, 'status'], env=fresh.environment, stdout=full, stderr=subprocess.PIPE, text=True,
                              timeout=20)
    assert done.returncode == 1 and 'cannot be written' in done.stderr


def test_an_interrupt_ends_an_import_with_a_summary(fleet):
    slow = dict(fleet.environment, TOKFLEET_KAFKA_BROKERS='127.0.0.1:1')
    process = subprocess.Popen([TOKFLEET, 'import', '-'], env=slow, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)
    process.stdin.write(ndjson(*[video('int-%d' % i, '@a') for i in range(5000)]))
    process.stdin.close()
    time.sleep(2)
    process.send_signal(signal.SIGINT)
    begin = time.monotonic()
    assert process.wait(15) == 130 and time.monotonic() - begin < 6
    assert '0 sent' in process.stdout.read() and 'interrupted' in process.stderr.read()
