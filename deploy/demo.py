#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What deploy/demo.sh counts and shows: the jobs that it sends, how far they are, and what became of them.

    demo.py jobs DIR      writes jobs.ndjson, more.kcat and kinds.json, and tells tiktok-sim which faults to make
    demo.py gate          waits until the gate is open and every program is there
    demo.py watch DIR [--seconds N]   until every job has its end, or so long
    demo.py report DIR    the table, and what the ledger of tiktok-sim says; fails unless all of it is as it must be
    demo.py connect ALIAS   connects this account of tiktok-sim: plays its user's browser
    demo.py forget        deletes the fleet's keys from Redis

Redis and the rest are named by the environment that demo.sh makes (DIR/env)."""
import datetime
import json
import os
import shutil
import subprocess
import sys
import textwrap
import time
import urllib.parse
import urllib.request

ENDS = ('PUBLISHED', 'IN_INBOX', 'FAILED', 'REJECTED', 'EXPIRED', 'CANCELLED')
WATCH_S = 90
CDN = 'https://cdn.example.com'


# ---- Redis, by redis-cli; a password goes through its environment

class Redis:
    def __init__(self):
        url = urllib.parse.urlsplit(os.environ['TOKFLEET_REDIS_URL'])
        self.words = ['redis-cli', '--no-auth-warning', '-h', url.hostname or '127.0.0.1', '-p', str(url.port or 6379)]
        if url.path.strip('/'):
            self.words += ['-n', url.path.strip('/')]
        if url.scheme == 'rediss':
            self.words += ['--tls'] + (['--cacert', os.environ['TOKFLEET_REDIS_CA']] if os.environ.get('TOKFLEET_REDIS_CA') else [])
        self.environment = dict(os.environ)
        if url.password:
            self.environment['REDISCLI_AUTH'] = urllib.parse.unquote(url.password)
        if url.username:
            self.words += ['--user', urllib.parse.unquote(url.username)]
        self.prefix = '{%s}:' % os.environ['TOKFLEET_FLEET']

    def lines(self, commands):
        """The answers of commands that answer one line each."""
        done = subprocess.run(self.words, input='\n'.join(commands) + '\n', capture_output=True, text=True,
                              env=self.environment, timeout=30)
        if done.returncode:
            raise SystemExit('redis-cli: ' + done.stderr.strip())
        return done.stdout.split('\n')[:len(commands)]

    def one(self, command):
        return self.lines([command])[0]

    def states(self, job_ids):
        return dict(zip(job_ids, self.lines(['HGET %sjob:%s state' % (self.prefix, j) for j in job_ids])))

    def forget(self):
        found = subprocess.run(self.words + ['--scan', '--pattern', self.prefix + '*'], capture_output=True, text=True,
                               env=self.environment, timeout=60).stdout.split('\n')
        keys = [key for key in found if key.startswith(self.prefix)]
        if keys:
            self.lines(['UNLINK "%s"' % key for key in keys])
        return len(keys)


def sim(path, body=None):
    request = urllib.request.Request(os.environ['TOKFLEET_TIKTOK_API_URL'] + '/_sim/' + path,
                                     data=None if body is None else json.dumps(body).encode())
    with urllib.request.urlopen(request, timeout=30) as answer:
        return answer.read().decode()


# ---- the jobs

class Jobs:
    def __init__(self):
        self.lines = []   # imported
        self.more = []    # put on Kafka as any program would: (key, bytes)
        self.kinds = []   # what, job ids, states expected, dead letters expected

    def kind(self, what, jobs, expected, imported=True, dead=0):
        for job in jobs:
            if imported:
                self.lines.append(json.dumps(job, ensure_ascii=False))
            else:
                self.more.append((job['account'], json.dumps(job, ensure_ascii=False)))
        self.kinds.append({'what': what, 'jobs': [job['job_id'] for job in jobs], 'expected': expected, 'dead': dead})


def account(n):
    return '@sim%03d' % n


def video(job_id, n, folder='', **more):
    settings = more.pop('settings', {'privacy_level': 'PUBLIC_TO_EVERYONE', 'comment': True})
    return {'job_id': job_id, 'account': account(n), 'media': [{'url': '%s/%s%s.mp4' % (CDN, folder, job_id)}],
            'caption': 'Morning light, %s #demo' % job_id, 'settings': settings, **more}


def photos(job_id, n, count, **more):
    settings = more.pop('settings', {'privacy_level': 'PUBLIC_TO_EVERYONE', 'comment': True, 'autoAddMusic': 'yes'})
    return {'job_id': job_id, 'account': account(n),
            'media': [{'url': '%s/%s-%d.jpg' % (CDN, job_id, i)} for i in range(count)],
            'title': 'Album %s' % job_id, 'caption': '%d photos #demo' % count, 'settings': settings, **more}


def soon(seconds):
    return datetime.datetime.fromtimestamp(time.time() + seconds, datetime.timezone.utc).isoformat(timespec='seconds')


DRAFT = {'content_posting_method': 'UPLOAD'}


def good_jobs(jobs):
    jobs.kind('video', [video('video-%02d' % i, 2 + i % 8) for i in range(12)], 'PUBLISHED')
    jobs.kind('photos, 2 to 6 each', [photos('album-%02d' % i, 2 + i % 8, 2 + i % 5) for i in range(8)], 'PUBLISHED')
    jobs.kind('draft to the inbox', [video('draft-%02d' % i, 2 + i, settings=DRAFT) for i in range(3)] +
              [photos('draft-album-%02d' % i, 5 + i, 3, settings=DRAFT) for i in range(3)], 'IN_INBOX')
    jobs.kind('scheduled 8 s ahead', [video('scheduled-%02d' % i, 6 + i, publish_at=soon(8)) for i in range(4)],
              'PUBLISHED')
    jobs.kind('9 videos of one account, limit 6 a minute', [video('burst-%02d' % i, 1) for i in range(9)],
              'PUBLISHED')
    jobs.kind('7 drafts of one account, limit 5 a day',
              [video('pile-%02d' % i, 10, settings=DRAFT) for i in range(7)], 'IN_INBOX')
    jobs.kind('its account is connected later', [video('early-%02d' % i, 13) for i in range(2)], 'PUBLISHED')


def troubled_jobs(jobs):
    jobs.kind('TikTok fails to fetch it once', [video('flaky-%02d' % i, 3 + i, 'fail-once/video_pull_failed/')
                                                for i in range(2)], 'PUBLISHED')
    jobs.kind('TikTok answers 429 once', [video('throttled', 9, 'slow-down/')], 'PUBLISHED')
    jobs.kind('a file of a wrong format', [video('format-%02d' % i, 4 + i, 'fail/file_format_check_failed/')
                                           for i in range(2)], 'FAILED')
    jobs.kind('a text that TikTok takes for spam', [video('spam', 8, 'fail/spam_risk_text/')], 'FAILED')
    unverified = video('unverified', 7)
    unverified['media'][0]['url'] = 'https://elsewhere.example.net/unverified.mp4'
    jobs.kind('media on a domain not verified', [unverified], 'FAILED')
    jobs.kind('public, of an account that is private', [video('private', 12)], 'REJECTED')
    jobs.kind('its time is over', [video('late', 5, expires_at=soon(-60))], 'EXPIRED')
    jobs.kind('an account that nobody connects', [dict(video('stranger', 0), account='@nobody')], 'EXPIRED')
    jobs.kind('TikTok acts, and its answer is lost', [video('answer-lost', 11, 'answer-lost/')], 'UNSURE')
    jobs.kind('connection cut, and TikTok did not act', [video('cut', 11, 'cut/')], 'UNSURE')


def bad_messages(jobs):
    # 2,198 letters, and a smile that TikTok counts as two: 2,200; with one letter more it is refused
    jobs.kind('a caption of exactly 2,200 UTF-16 units', [dict(video('caption-2200', 6), caption='a' * 2198 + '\U0001f642')],
              'PUBLISHED')
    too_long = dict(video('caption-2201', 6), caption='a' * 2199 + '\U0001f642')
    jobs.lines.append(json.dumps(too_long, ensure_ascii=False))   # the import tells it; then it comes another way
    jobs.kind('a caption of 2,201 UTF-16 units', [too_long], 'REJECTED', imported=False, dead=1)
    jobs.kind('36 photos', [photos('photos-36', 3, 36)], 'REJECTED', imported=False, dead=1)
    jobs.more += [(job['account'], json.dumps(job)) for job in (video('video-%02d' % i, 2 + i) for i in range(5))]
    jobs.kinds.append({'what': '5 messages sent again', 'jobs': [], 'expected': '', 'dead': 0, 'again': 5})
    other = dict(video('video-05', 7), caption='Another caption under the same job_id')
    jobs.more.append((other['account'], json.dumps(other)))
    jobs.kinds.append({'what': 'a known job_id with other content', 'jobs': [], 'expected': '', 'dead': 1,
                       'code': 'other_content'})
    jobs.more.append(('', 'this is not JSON'))
    jobs.kinds.append({'what': 'a message that is no JSON', 'jobs': [], 'expected': '', 'dead': 1, 'code': 'bad_message'})


def set_up_sim():
    accounts = json.loads(sim('accounts'))
    private = next(a for a in accounts if a.get('alias') == account(12))
    sim('accounts', {'open_id': private['open_id'], 'private': True})
    sim('fault', {'do': 'effect_no_answer', 'url_contains': '/answer-lost/', 'count': 1})
    sim('fault', {'do': 'reset', 'url_contains': '/cut/', 'count': 1})
    sim('fault', {'do': 'error', 'http': 429, 'code': 'rate_limit_exceeded', 'url_contains': '/slow-down/', 'count': 1})


def make_jobs(folder):
    jobs = Jobs()
    good_jobs(jobs)
    troubled_jobs(jobs)
    bad_messages(jobs)
    set_up_sim()
    with open(folder + '/jobs.ndjson', 'w', encoding='utf-8') as file:
        file.write('\n'.join(jobs.lines) + '\n')
    with open(folder + '/more.kcat', 'w', encoding='utf-8') as file:
        file.write('\n'.join('%s\t%s' % message for message in jobs.more) + '\n')
    with open(folder + '/kinds.json', 'w', encoding='utf-8') as file:
        json.dump(jobs.kinds, file)


def read_kinds(folder):
    with open(folder + '/kinds.json', encoding='utf-8') as file:
        return json.load(file)


# ---- while it runs

def dead_programs(folder):
    """The names of those in DIR/pids that have ended, reaped or not."""
    dead = []
    with open(folder + '/pids', encoding='utf-8') as file:
        for pid, name in (line.split() for line in file):
            try:
                with open('/proc/%s/stat' % pid, encoding='utf-8') as stat:
                    alive = stat.read().rsplit(')', 1)[1].split()[0] not in 'ZX'
            except OSError:
                alive = False
            if not alive:
                dead.append(name)
    return dead


def wait_for_gate(programs=4, most_s=40):
    redis = Redis()
    end = time.monotonic() + most_s
    while time.monotonic() < end:
        state, count = redis.lines(['HGET %sgate state' % redis.prefix, 'ZCARD %sprograms' % redis.prefix])
        if state == 'open' and int(count or 0) >= programs:
            return 0
        time.sleep(0.1)
    print('after %d s the gate is %s and %s of %d programs are there' % (most_s, state or 'not there', count, programs),
          file=sys.stderr)
    return 1


def progress(states, slots):
    """One line, the most telling first: a narrow terminal cuts its end."""
    count = {'on Kafka': 0, 'waiting': 0, 'published': 0, 'in inboxes': 0, 'unsure': 0, 'others': 0}
    for state in states.values():
        known = {'': 'on Kafka', 'QUEUED': 'waiting', 'PUBLISHED': 'published', 'IN_INBOX': 'in inboxes', 'UNSURE': 'unsure'}
        if state in known:
            count[known[state]] += 1
        elif state in ENDS:
            count['others'] += 1
    ended = sum(n for what, n in count.items() if what not in ('on Kafka', 'waiting'))
    filled = ended * 20 // len(states)
    return '[%s%s] %d of %d: %s in flight, %s' % ('#' * filled, '.' * (20 - filled), ended, len(states), slots or 0,
                                                 ', '.join('%d %s' % (n, what) for what, n in count.items() if n))


# of two: what becomes of the work of the one that was killed
GOES_ON = {'worker': 'its jobs come back when their leases end', 'poller': 'it follows what that one followed'}


def told_already(folder):
    """The killed ones of which an earlier watch has told."""
    try:
        with open(folder + '/told', encoding='utf-8') as file:
            return set(file.read().split())
    except FileNotFoundError:
        return set()


def watch(folder, seconds=None):
    redis = Redis()
    job_ids = [job_id for kind in read_kinds(folder) for job_id in kind['jobs']]
    live = sys.stdout.isatty() and os.environ.get('TERM', 'dumb') != 'dumb'
    width = shutil.get_terminal_size().columns
    began = told = time.monotonic()
    told_of = told_already(folder)
    while True:
        now = time.monotonic()
        dead = dead_programs(folder)
        kinds = [name.rsplit('-', 1)[0] for name in dead]
        if set(kinds) - set(GOES_ON) or len(set(kinds)) < len(kinds):
            print('%s%s ended in the middle, and nobody is there to go on' % ('\n' if live else '', ' and '.join(dead)),
                  file=sys.stderr)
            return 1
        # somebody tries what the promise is worth
        for name, kind in zip(dead, kinds):
            if name not in told_of:
                print('%s   %s was killed: the other one goes on, %s' % ('\n' if live else '', name, GOES_ON[kind]))
                told_of.add(name)
                with open(folder + '/told', 'a', encoding='utf-8') as file:
                    file.write(name + '\n')
        states = redis.states(job_ids)
        line = '   ' + progress(states, redis.one('ZCARD %sslots' % redis.prefix))
        done = all(state in ENDS + ('UNSURE',) for state in states.values())
        over = now - began >= (seconds or WATCH_S)
        if live:
            sys.stdout.write('\r\x1b[K' + line[:width - 1])
        elif done or now - told >= 4 or over and not seconds:
            told = now
            print(line)
        sys.stdout.flush()
        if done or over:
            break
        time.sleep(0.2)
    if live:
        sys.stdout.write('\n' if done or not seconds else '\r\x1b[K')
    if done or seconds:
        return 0
    left = ['%s is %s' % (job_id, state or 'not there') for job_id, state in states.items()
            if state not in ENDS + ('UNSURE',)]
    print('after %d s not every job has its end: %s' % (WATCH_S, ', '.join(left)), file=sys.stderr)
    return 1


# ---- at the end

def job_of(job_id):
    done = subprocess.run(['tokfleet', 'job', job_id, '--json'], capture_output=True, text=True, timeout=30)
    return json.loads(done.stdout) if done.returncode == 0 else None


def dead_letters():
    """One for each message: a partition that changes hands may have had its dead letter sent by both workers."""
    properties = os.environ.get('TOKFLEET_KAFKA_PROPERTIES')
    done = subprocess.run(['kcat'] + (['-F', properties] if properties else []) +
                          ['-b', os.environ['TOKFLEET_KAFKA_BROKERS'], '-C', '-t', os.environ['TOKFLEET_FLEET'] + '.dlq',
                           '-o', 'beginning', '-e', '-q', '-J'], capture_output=True, text=True, timeout=60)
    letters = {}
    for line in done.stdout.split('\n'):
        if line.strip():
            headers = json.loads(line).get('headers') or []
            letter = dict(zip(headers[::2], headers[1::2]))
            letters.setdefault(letter.get('source'), letter)
    return list(letters.values())


def why_of(job):
    attempts = job.get('attempt') or 0
    if job['error']:
        # what stands in brackets is the detail: TikTok's own words, or libcurl's
        return job['error']['cause'].split(' (')[0]
    if job['state'] == 'PUBLISHED' and attempts > 1:
        return 'published at attempt %d' % attempts
    return job['in_words'].split(',')[0]


def rows_of(kind, letters, wrong):
    """The rows of one kind: what, how many, end, why."""
    rows = {}
    for job_id in kind['jobs']:
        job = job_of(job_id)
        state = job['state'] if job else 'lost'
        if state != kind['expected']:
            wrong.append('%s is %s, not %s' % (job_id, state, kind['expected']))
        key = (state, why_of(job) if job else 'there is no such job')
        rows[key] = rows.get(key, 0) + 1
    if kind['jobs']:
        mine = [l for l in letters if l.get('job_id') in kind['jobs'] and l.get('code') == 'bad_message']
    else:
        mine = [l for l in letters if l.get('code') == kind.get('code') and
                (l['code'] != 'bad_message' or not l.get('job_id'))]
    if len(mine) != kind['dead']:
        wrong.append('%s: %d dead letters, not %d' % (kind['what'], len(mine), kind['dead']))
    if kind.get('again'):
        return [(kind['what'], kind['again'], 'no effect', 'the jobs are known, with the same content')]
    if not kind['jobs']:
        return [(kind['what'], len(mine), 'dead letter', letter['why']) for letter in mine]
    if kind['dead']:
        rows = {(state + ', dead letter', why): n for (state, why), n in rows.items()}
    return [(kind['what'], n, state, why) for (state, why), n in rows.items()]


def print_table(rows):
    head = ('what was sent', 'jobs', 'end', 'why')
    wide = [max(len(str(row[i])) for row in rows + [head]) for i in range(3)]
    room = max(30, min(shutil.get_terminal_size((120, 24)).columns, 140) - sum(wide) - 8)
    indent = ' ' * (sum(wide) + 8)
    for row in [head] + rows:
        why = textwrap.wrap(row[3], room) or ['']
        print('  %-*s  %*s  %-*s  %s' % (wide[0], row[0], wide[1], row[1], wide[2], row[2], why[0]))
        for line in why[1:]:
            print(indent + line)


def check_ledger(kinds, wrong):
    """tiktok-sim's own account of it: each job at most one standing post, by its media URL."""
    stats = json.loads(sim('stats'))
    posts = {}
    for line in sim('ledger?limit=100000').split('\n'):
        if line.strip():
            entry = json.loads(line)
            if entry['status'] != 'FAILED':
                posts.setdefault(tuple(entry['media']), []).append(entry)
    twice = [media[0] for media, entries in posts.items() if len(entries) > 1]
    good = sum(len(kind['jobs']) for kind in kinds if kind['expected'] in ('PUBLISHED', 'IN_INBOX'))
    unsure = [media for media in posts if '/answer-lost/' in media[0] or '/cut/' in media[0]]
    wrong += ['posted twice: ' + url for url in twice]
    for what, number in (('doubled', stats['doubled']), ('limits breached', stats['breaches']['total'])):
        if number:
            wrong.append('%s: %d' % (what, number))
    if len(posts) != good + len(unsure):
        wrong.append('%d posts stand, not %d' % (len(posts), good + len(unsure)))
    print('\nwhat the ledger of tiktok-sim says, which knows nothing of our Redis:\n')
    for what, value in (
            ('posts and drafts that stand', '%d: %d that the fleet reports, and %d whose answer was lost' % (
                len(posts), len(posts) - len(unsure), len(unsure))),
            ('posted twice', '%d' % (stats['doubled'] + len(twice))),
            ('failed by TikTok', '%d, some of them tried again' % stats['failed']),
            ('refused by TikTok', '%d' % stats['inits_refused']),
            ('most in flight', '%d of 300; of one account %d' % (stats['max_in_flight'], stats['max_in_flight_account'])),
            ('limits breached', '%d' % stats['breaches']['total'])):
        print('  %-28s %s' % (what, value))


def report(folder):
    kinds, wrong, rows = read_kinds(folder), [], []
    letters = dead_letters()
    for kind in kinds:
        rows += rows_of(kind, letters, wrong)
    print()
    print_table(rows)
    check_ledger(kinds, wrong)
    for what in wrong:
        print('NOT AS IT MUST BE: ' + what, file=sys.stderr)
    return 1 if wrong else 0


# ---- a consent

def connect(alias):
    """What a person does: opens the address that the tool prints, consents, and looks at the page that comes back."""
    tool = subprocess.Popen(['tokfleet', 'account', 'connect', '--name', alias, '--json'], stdout=subprocess.PIPE, text=True)
    address = json.loads(tool.stdout.readline())['authorize_url']
    try:
        urllib.request.urlopen(address + '&sim_account=' + urllib.parse.quote(alias), timeout=10).read()
        line = tool.stdout.readline()
    except OSError:
        tool.kill()
        raise
    if tool.wait() or not line:
        return 1
    account = json.loads(line)
    print('%s is %s (@%s); %d scopes granted' % (alias, account['display_name'], account['username'],
                                                 len(account['scopes'].split(','))))
    return 0


def main(arguments):
    if not arguments or arguments[0] in ('-h', '--help'):
        print(__doc__)
        return 0
    verb, rest = arguments[0], arguments[1:]
    if verb == 'jobs':
        return make_jobs(rest[0])
    if verb == 'gate':
        return wait_for_gate()
    if verb == 'watch':
        return watch(rest[0], float(rest[2]) if len(rest) > 2 else None)
    if verb == 'connect':
        return connect(rest[0])
    if verb == 'report':
        return report(rest[0])
    if verb == 'forget':
        return Redis().forget() < 0
    print('demo.py: unknown verb ' + verb, file=sys.stderr)
    return 2


if __name__ == '__main__':
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
