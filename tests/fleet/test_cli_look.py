# SPDX-License-Identifier: Apache-2.0
"""The verbs that look at a live fleet, and that put dead letters right: jobs, events, dlq, status --watch. One fleet for
all of them; what was posted is tiktok-sim's to say."""
import contextlib
import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
import urllib.request

import pytest

from harness import BUILD, Fleet, video, wait_for

TOKFLEET = str(BUILD / 'producer' / 'tokfleet')
SETTINGS = {'poll_first_ms': 200, 'poll_interval_ms': 300, 'heartbeat_ms': 500, 'kafka_read_idle_ms': '20s'}


@pytest.fixture(scope='module')
def fleet():
    with Fleet(SETTINGS, sim=['--processing-ms', '200-500']) as started:
        started.start_programs(workers=2)
        started.add_accounts()
        jobs = [video('ok-%d' % i, '@sim00%d' % (i + 1)) for i in range(3)]
        jobs.append(video('broken', '@sim004', url='https://cdn.example.com/fail/file_format_check_failed/1.mp4'))
        jobs.append(video('later', '@sim005', publish_at='2099-01-01T00:00:00Z'))
        jobs.append(video('nobody', '@nobody'))
        started.produce([json.dumps(j) for j in jobs])
        started.wait_ends(['ok-0', 'ok-1', 'ok-2', 'broken'])
        started.produce(['nonsense', ('@sim006', json.dumps(dict(video('mend', '@sim006'), priority='5'))),
                         json.dumps(video('ok-0', '@sim001', caption='other'))])
        wait_for('three dead letters', lambda: len(started.consume('dlq')) == 3)
        yield started


def ok(done, code=0):
    assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
    return done


def lines(done):
    return [json.loads(line) for line in ok(done).stdout.splitlines()]


def letters(fleet):
    return {letter['job_id']: letter for letter in lines(fleet.cli('dlq', 'list', '--json'))}


# ---- jobs

def test_jobs_are_listed_by_state_and_account(fleet):
    def ids(*arguments):
        return [job['job_id'] for job in lines(fleet.cli('jobs', '--json', *arguments))]
    assert sorted(ids('--state', 'PUBLISHED')) == ['ok-0', 'ok-1', 'ok-2']
    assert sorted(ids('--state', 'QUEUED')) == ['later', 'nobody']
    assert ids('--account', '@sim005') == ['later'] and ids('--account', '@nobody', '--state', 'QUEUED') == ['nobody']
    assert ids('--account', '@sim002', '--state', 'PUBLISHED', '--state', 'FAILED') == ['ok-1']
    assert sorted(ids()) == ['broken', 'later', 'mend', 'nobody', 'ok-0', 'ok-1', 'ok-2']
    broken = lines(fleet.cli('jobs', '--json', '--state', 'FAILED'))[0]
    assert broken['error']['code'] == 'file_format_check_failed' and broken['publish_id'] and broken['attempt'] == 1
    shown = ok(fleet.cli('jobs', '--limit', 2))
    assert len(shown.stdout.splitlines()) == 3 and 'there are more' in shown.stderr
    assert 'its account is not connected' in ok(fleet.cli('jobs', '--account', '@nobody')).stdout
    assert 'did you mean FAILED?' in ok(fleet.cli('jobs', '--state', 'FAILD'), 2).stderr
    assert 'no such job' in ok(fleet.cli('jobs', '--state', 'CANCELLED')).stderr
    # a name that nobody has is not that of the jobs whose account is not known
    assert ids('--account', '@nix') == []
    assert 'no account of that name' in ok(fleet.cli('events', '--account', '@nix')).stderr
    assert 'tokfleet retry broken' in ok(fleet.cli('job', 'broken')).stdout
    assert 'waits for account @nobody' in ok(fleet.cli('job', 'nobody', '--follow', '--timeout', '1s'), 4).stdout


# ---- figures

def asked_of_tiktok(fleet, account, path, body=None):
    tokens = [json.loads(line) for line in fleet.accounts_file.read_text().splitlines()]
    token = next(line['access_token'] for line in tokens if line['alias'] == account)
    request = urllib.request.Request(fleet.sim_url + path, data=body and json.dumps(body).encode(),
                                     headers={'Authorization': 'Bearer ' + token, 'Content-Type': 'application/json'})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)['data']


def test_figures_of_an_account_and_of_a_post_are_those_that_tiktok_counts(fleet):
    names = ('views', 'likes', 'comments', 'shares')
    posts = asked_of_tiktok(fleet, '@sim001', '/v2/video/list/?fields=id,view_count,like_count,comment_count,share_count',
                            {'max_count': 20})['videos']
    user = asked_of_tiktok(fleet, '@sim001', '/v2/user/info/?fields=follower_count,following_count,likes_count,video_count')
    counted = [tuple(post[name[:-1] + '_count'] for name in names) for post in posts]
    assert len(posts) == 1 and all(counted[0])
    told, = lines(fleet.cli('account', 'stats', '@sim001', '--json'))
    assert [told[key] for key in ('followers', 'following', 'likes', 'videos')] == \
        [user['user'][key] for key in ('follower_count', 'following_count', 'likes_count', 'video_count')]
    assert tuple(told['recent'][name] for name in names) == counted[0] and told['recent']['posts'] == 1
    assert [post['post_id'] for post in told['posts']] == [posts[0]['id']]
    wait_for('the public id is known', lambda: fleet.job('ok-0').get('post_id'))
    job, = lines(fleet.cli('stats', 'ok-0', '--json'))
    assert job['post_id'] == posts[0]['id'] and tuple(job[name] for name in names) == counted[0]
    shown = ok(fleet.cli('account', 'stats', '@sim001', '--posts')).stdout
    for number in (user['user']['follower_count'], *counted[0]):
        assert '{:,}'.format(number) in shown, shown
    assert posts[0]['id'] in shown and '{:,}'.format(counted[0][0]) in ok(fleet.cli('stats', 'ok-0')).stdout


def test_figures_that_are_not_there_are_said_to_be_missing_and_why(fleet):
    assert 'no id of a public post' in ok(fleet.cli('stats', 'broken'), 1).stderr
    assert lines(fleet.cli('account', 'stats', '@sim009', '--json'))[0]['recent'] == \
        {'posts': 0, 'views': 0, 'likes': 0, 'comments': 0, 'shares': 0}
    assert 'there is no job nothing' in ok(fleet.cli('stats', 'nothing'), 1).stderr
    assert 'lists no public posts' in ok(fleet.cli('account', 'stats', '@sim009')).stdout
    assert 'there is no account @nobody' in ok(fleet.cli('account', 'stats', '@nobody'), 1).stderr
    fleet.sim('fault', {'endpoint': 'user_info', 'do': 'error', 'http': 401, 'code': 'access_token_invalid'})
    assert 'A running poller renews it' in ok(fleet.cli('account', 'stats', '@sim001'), 1).stderr


# ---- events

def test_events_are_told_in_words_and_as_they_stand(fleet):
    known = wait_for('the events are relayed', lambda: [r['payload'] for r in fleet.consume('events')
                                                        if '"broken"' in r['payload'] and 'FAILED' in r['payload']])
    shown = ok(fleet.cli('events', '--state', 'FAILED')).stdout
    for words in ('FAILED', 'broken', 'TikTok does not accept the format of the file.', 'what to do  Use MP4'):
        assert words in shown, shown
    assert ok(fleet.cli('events', '--state', 'FAILED', '--json')).stdout.splitlines() == known
    told = lines(fleet.cli('events', '--job', 'ok-1', '--json'))
    assert [e['state'] for e in told][:4] == ['QUEUED', 'SENDING', 'PROCESSING', 'PUBLISHED']
    assert all(e['job_id'] == 'ok-1' for e in told)
    assert {e['job_id'] for e in lines(fleet.cli('events', '--account', '@sim003', '--json'))} == {'ok-2'}
    assert len(lines(fleet.cli('events', '--limit', 3, '--json'))) == 3
    assert len(lines(fleet.cli('events', '--since', '1h', '--json', '--limit', 1000))) > 15
    assert 'no such event' in ok(fleet.cli('events', '--since', '2099-01-01T00:00:00Z')).stderr
    assert '--since soon' in ok(fleet.cli('events', '--since', 'soon'), 2).stderr


def test_following_events_goes_on_until_it_is_interrupted(fleet):
    process = subprocess.Popen([TOKFLEET, 'events', '--follow', '--limit', '1', '--json'], env=fleet.environment,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    first = json.loads(process.stdout.readline())
    ok(fleet.cli('post', '--account', '@sim007', '--video', 'https://cdn.example.com/f.mp4', '--job-id', 'followed'))
    seen = []
    while not seen or seen[-1]['state'] != 'PUBLISHED':
        event = json.loads(process.stdout.readline())
        if event['job_id'] == 'followed':
            seen.append(event)
    assert [e['state'] for e in seen] == ['QUEUED', 'SENDING', 'PROCESSING', 'PUBLISHED'] and first['job_id'] != 'followed'
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 130 and err == '' and out == ''


# ---- dead letters

def test_dead_letters_are_listed_and_shown_as_they_came(fleet):
    found = letters(fleet)
    assert {(l['code'], l['whole']) for l in found.values()} == {('bad_message', True), ('other_content', True)}
    assert re.fullmatch(r'\d+@\d+', found['mend']['id']) and found['mend']['key'] == '@sim006'
    assert [l['job_id'] for l in lines(fleet.cli('dlq', 'list', '--code', 'other_content', '--json'))] == ['ok-0']
    shown = ok(fleet.cli('dlq', 'show', found['mend']['id'])).stdout
    assert 'the text "5" is not allowed' in shown and found['mend']['source'] in shown and 'dlq replay' in shown
    assert ok(fleet.cli('dlq', 'show', found['']['id'], '--raw')).stdout == 'nonsense'
    named = '%s.dlq-%s' % (fleet.name, found['']['id'])
    assert json.loads(ok(fleet.cli('dlq', 'show', named, '--json')).stdout)['message'] == 'nonsense'
    done = ok(fleet.cli('dlq', 'show', '0@99999'), 1)
    assert 'there is no record 0@99999' in done.stderr and len(done.stderr.splitlines()) == 1
    assert 'they are named like 3@17' in ok(fleet.cli('dlq', 'show', 'mend'), 2).stderr


def test_a_replay_says_what_became_of_it(fleet, tmp_path):
    found = letters(fleet)
    posts = len(fleet.ledger())
    done = ok(fleet.cli('dlq', 'replay', found['mend']['id']), 1)
    assert 'would be a dead letter again' in done.stderr
    forced = json.loads(ok(fleet.cli('dlq', 'replay', found['mend']['id'], '--force', '--json'), 1).stdout)
    assert forced['became'] == 'dead_letter' and 'the text "5"' in forced['dead_letter']['why']
    other = json.loads(ok(fleet.cli('dlq', 'replay', found['ok-0']['id'], '--json'), 1).stdout)
    assert other['became'] == 'dead_letter' and other['dead_letter']['code'] == 'other_content'
    mended = tmp_path / 'letter.json'
    original = ok(fleet.cli('dlq', 'show', found['mend']['id'], '--raw')).stdout
    mended.write_text(json.dumps(dict(json.loads(original), priority=5), indent=1) + '\n')
    done = ok(fleet.cli('dlq', 'replay', found['mend']['id'], '--file', mended))
    assert 'taken: job mend' in done.stdout
    assert fleet.wait_ends(['mend'])['mend'] == 'PUBLISHED' and len(fleet.ledger()) == posts + 1
    again = json.loads(ok(fleet.cli('dlq', 'replay', found['mend']['id'], '--file', mended, '--json')).stdout)
    assert again['became'] == 'known' and again['job_id'] == 'mend' and len(fleet.ledger()) == posts + 1


# ---- what --json prints

def test_what_json_prints_is_what_its_help_says(fleet):
    letter = letters(fleet)['']['id']
    for arguments, extra in ((['status'], []), (['job', 'broken'], []), (['jobs'], []), (['events', '--limit', 5], []),
                             (['dlq', 'list'], []), (['dlq', 'show', letter], []), (['gate'], []), (['account', 'list'], []),
                             (['account', 'show', '@sim001'], []), (['rebuild', '--dry-run'], []),
                             (['post', '--account', '@sim008', '--video', 'https://cdn.example.com/1.mp4'], []),
                             (['cancel', 'later'], []), (['resume'], []), (['account', 'resume', '@sim001'], []),
                             (['account', 'add', fleet.accounts_file], [])):
        verb = [a for a in arguments[:2] if isinstance(a, str) and re.fullmatch('[a-z]+', a)]
        verb = verb if len(verb) < 2 or verb[0] in ('dlq', 'account') else verb[:1]
        told = ok(fleet.cli('help', *verb)).stdout.split('with --json:')[1].split('exit status:')[0]
        for line in ok(fleet.cli(*arguments, '--json')).stdout.splitlines():
            missing = set(json.loads(line)) - set(re.findall(r'\w+', told)) - set(extra)
            assert not missing, (verb, missing)


# ---- the live view

class Terminal:
    """`tokfleet` on a terminal of its own, which it controls; what is drawn is read as pictures."""

    def __init__(self, fleet, *arguments, columns=80, rows=24):
        self.master, self.slave = pty.openpty()
        self.resize(columns, rows)
        self.before = termios.tcgetattr(self.slave)
        self.bytes = b''
        self.process = subprocess.Popen([TOKFLEET, *arguments], env=dict(fleet.environment, TERM='xterm'), stdin=self.slave,
                                        stdout=self.slave, stderr=self.slave, preexec_fn=self.control)

    def control(self):
        os.setsid()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    def resize(self, columns, rows):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack('HHHH', rows, columns, 0, 0))

    def read(self):
        while select.select([self.master], [], [], 0)[0]:
            with contextlib.suppress(OSError):
                self.bytes += os.read(self.master, 65536)
                continue
            break

    def picture(self):
        """The last whole one: its lines without colours."""
        self.read()
        whole = self.bytes.decode('utf-8', 'replace').split('\x1b[H')[1:]
        whole = [p.split('\x1b[J')[0] for p in whole if '\x1b[J' in p]
        return [re.sub(r'\x1b\[[0-9;?]*[A-Za-z]', '', line).rstrip('\r') for line in whole[-1].split('\n')] if whole else []

    def wait(self, what, check):
        return wait_for(what, lambda: check(self.picture()), 40)

    def end(self, code):
        assert self.process.wait(20) == code
        self.read()
        assert termios.tcgetattr(self.slave) == self.before
        text = self.bytes.decode('utf-8', 'replace')
        assert text.count('\x1b[?1049h') == text.count('\x1b[?1049l') == 1 and text.count('\x1b[?25h') == 1
        assert text.rstrip().endswith('\x1b[?1049l'), text[-200:]
        os.close(self.master)
        os.close(self.slave)


def test_a_table_on_a_terminal_ends_where_its_lines_do(fleet):
    cause = 'TikTok does not accept the format of the file.'
    assert cause in ok(fleet.cli('jobs', '--state', 'FAILED')).stdout
    for columns in (70, 300):
        terminal = Terminal(fleet, 'jobs', '--state', 'FAILED', columns=columns)
        assert terminal.process.wait(20) == 0
        terminal.read()
        shown = re.sub(r'\x1b\[[0-9;?]*[A-Za-z]', '', terminal.bytes.decode()).replace('\r', '').splitlines()
        assert len(shown) == 2 and 'file_format_check_failed' in shown[1], shown
        assert (len(shown[1]), cause in shown[1]) == (70, False) if columns == 70 else cause in shown[1], shown
        os.close(terminal.master)
        os.close(terminal.slave)


def test_the_live_view_fits_every_size_and_leaves_the_terminal_as_it_was(fleet):
    terminal = Terminal(fleet, 'status', '--watch', '--interval', '200ms')
    lines = terminal.wait('rates are told', lambda p: p and any('came' in line for line in p) and p)
    text = '\n'.join(lines)
    assert len(lines) <= 24 and all(len(line) <= 80 for line in lines)
    for words in ('fleet ' + fleet.name, 'gate open', ' of 300', 'PUBLISHED', '3 alive', 'running', 'last failures', 'broken',
                  'q quits'):
        assert words in text, text
    terminal.resize(200, 50)
    lines = terminal.wait('the picture is wider', lambda p: any(len(line) == 200 for line in p) and p)
    assert 'TikTok does not accept the format of the file.' in '\n'.join(lines)
    terminal.resize(30, 6)
    terminal.wait('the picture is smaller', lambda p: len(p) <= 6 and all(len(line) <= 30 for line in p) and p)
    os.write(terminal.master, b'xq')
    terminal.end(0)
    terminal = Terminal(fleet, 'status', '--watch')
    terminal.wait('it is drawn', lambda p: p)
    os.write(terminal.master, b'\x03')
    terminal.end(130)


def test_a_dead_program_is_silent_and_a_lost_redis_is_told_until_it_is_back(fleet):
    before = fleet.redis('ZCARD', fleet.key('programs'))
    name = fleet.start_program('worker')
    wait_for('it was heard of', lambda: fleet.redis('ZCARD', fleet.key('programs')) > before)
    fleet.kill(name)
    terminal = Terminal(fleet, 'status', '--watch', '--interval', '200ms')
    terminal.wait('a program is silent', lambda p: any('1 silent' in line for line in p) and
                  any('SILENT' in line and 'worker' in line for line in p))
    fleet.kill('redis', signal.SIGSTOP)
    try:
        terminal.wait('Redis does not answer', lambda p: any('TOKFLEET_REDIS_URL' in line for line in p))
    finally:
        fleet.kill('redis', signal.SIGCONT)
    terminal.wait('it answers again', lambda p: p and not any('TOKFLEET_REDIS_URL' in line for line in p))
    fleet.kill('redis', signal.SIGSTOP)
    try:
        time.sleep(0.5)
        begin = time.monotonic()
        os.write(terminal.master, b'q')
        terminal.end(0)
        assert time.monotonic() - begin < 4  # less than Redis' timeout
    finally:
        fleet.kill('redis', signal.SIGCONT)


def test_where_there_is_no_terminal_the_view_is_a_line_a_look(fleet):
    process = subprocess.Popen([TOKFLEET, 'status', '--watch', '--interval', '100ms'], env=fleet.environment,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    found = [process.stdout.readline() for _ in range(3)]
    assert all('in flight' in line and 'gate open' in line and '\x1b' not in line for line in found)
    process.stdout.close()
    assert process.wait(20) == 141 and process.stderr.read() == ''
    process = subprocess.Popen([TOKFLEET, 'status', '--watch', '--json'], env=fleet.environment, stdout=subprocess.PIPE, text=True)
    assert json.loads(process.stdout.readline())['gate']['state'] == 'open'
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 130
