# SPDX-License-Identifier: Apache-2.0
"""The journal does not grow for ever: what is past its time is deleted by tombstones, in an order in which anybody may
stop anywhere, and nothing of a job that is open, young, or used again goes with it."""
import json
import signal
import time

from harness import Fleet, video, wait_for

DAY = 86400000
SWEEPING = {'sweep.interval_ms': '1s', 'sweep.jobs': 400, 'sweep.at_once': 1, 'gate.wait_ms': 0, 'limit.window_ms': '1s',
            'heartbeat.ms': '200ms', 'unsure.looks': 0}
MANY = 600


class Journal(list):
    """Records as a fleet wrote them long ago."""

    def add(self, key, days, **value):
        at = int((time.time() - days * 86400) * 1000)
        self.append((key, dict(dict(v=2, at=at), **value)))

    def attempt(self, job_id, epoch, days, kind='INITED', **more):
        self.add('attempt/%s/%s' % (job_id, epoch), days, **dict(dict(
            kind=kind, job_id=job_id, epoch=epoch, attempt=1, account='u1', mode='direct', upload=None, why=None, source=None,
            publish_id='v_pub_url~' + epoch if kind == 'INITED' else None), **more))

    def end(self, job_id, epoch, state, days, old_key=False):
        self.add('end/' + job_id if old_key else 'end/%s/%s/%s' % (job_id, epoch, state), days, job_id=job_id, epoch=epoch,
                 state=state, source='', event={}, **({'v': 1} if old_key else {}))

    def command(self, id, job_id, what, epoch, days, state='UNSURE', refused=None, outcome=None):
        self.add('command/%s%s' % (id, '/refused' if refused else ''), days, id=id, what=what, job_id=job_id, account=None,
                 epoch=epoch, publish_id=None, args=dict(state=state, outcome=outcome), by='test', source='', refused=refused)


def old_lives(journal, many=MANY):
    """Each way in which a job's life may have ended, long ago."""
    journal.attempt('old-posted', '1-1', 90)
    journal.end('old-posted', '1-1', 'PUBLISHED', 90)
    journal.attempt('old-v1', '1-2', 90)
    journal.end('old-v1', '1-2', 'FAILED', 90, old_key=True)
    journal.attempt('old-retried', '1-3', 92)
    journal.end('old-retried', '1-3', 'FAILED', 92)
    journal.command('c-retry', 'old-retried', 'retry', '1-3', 91, state='FAILED')
    journal.attempt('old-retried', '1-4', 90)
    journal.end('old-retried', '1-4', 'PUBLISHED', 90)
    journal.add('message/old-retried', 91, job_id='old-retried', source='x',
                message=json.dumps(video('old-retried', '@sim001')))
    journal.attempt('old-resolved', '1-5', 90, 'INTENT')
    journal.command('c-resolve', 'old-resolved', 'resolve', '1-5', 90, outcome='posted')
    journal.command('c-refused', 'old-unknown', 'cancel', '0-0', 90, refused='there is no such job')
    for i in range(many):
        journal.attempt('old-%d' % i, '1-%d' % (10 + i), 80)
        journal.end('old-%d' % i, '1-%d' % (10 + i), 'PUBLISHED', 80)


def others(journal):
    """What a sweep must leave alone; their keys."""
    begin = len(journal)
    journal.attempt('held', '1-6', 90, 'INTENT')                      # a doubt that nobody resolved
    journal.attempt('young', '1-7', 40)                               # forgotten as an id, not yet by the topic
    journal.end('young', '1-7', 'PUBLISHED', 40)
    journal.attempt('again', '1-8', 90)                               # its id is in use again
    journal.end('again', '1-8', 'PUBLISHED', 90)
    journal.attempt('again', '1-9', 1, 'INTENT')
    return [key for key, _ in journal[begin:]]


def last_of_each(records):
    return {r['key']: r for r in records}


def is_swept(fleet, journal, kept):
    """Each has its tombstone, or is compacted away with it."""
    left = {record['key'] for record in last_of_each(fleet.consume('journal')).values() if record['payload'] is not None}
    return not [key for key, _ in journal if key in left and key not in kept and not key.startswith('generation/')]


def check_order(fleet, records):
    """No end goes before the attempts and commands of its job have gone."""
    buried = {r['key']: r['ts'] for r in records if r['payload'] is None}
    job_of = {'c-retry': 'old-retried', 'c-resolve': 'old-resolved', 'c-refused': 'old-unknown'}
    first = {}
    for key, ts in buried.items():
        kind, rest = key.split('/', 1)
        job_id = job_of.get(rest.split('/')[0], rest.split('/')[0])
        of = first.setdefault(job_id, {})
        of.setdefault(kind, []).append((ts, key))
    for job_id, of in first.items():
        ends = of.get('end', [])
        rest = max([ts for kind in ('command', 'message') for ts, _ in of.get(kind, [])] + [0])
        attempts = max([ts for ts, _ in of.get('attempt', [])] + [0])
        assert not rest or attempts <= rest or not attempts, of
        assert all(max(rest, attempts) <= ts for ts, _ in ends), of
    retried = dict((key, ts) for ts, key in first['old-retried']['end'])
    assert retried['end/old-retried/1-3/FAILED'] <= retried['end/old-retried/1-4/PUBLISHED']


def swept_journal(fleet, journal, kept):
    """Two pollers sweep, and both are killed in the middle of it once."""
    fleet.produce(journal, topic='journal')
    pollers = [fleet.start_program('poller') for _ in range(2)]
    wait_for('the sweep is under way', lambda: sum(r['payload'] is None for r in fleet.consume('journal')) > 20, 60, 0.1)
    for name in pollers:
        fleet.kill(name, signal.SIGKILL).wait()
    swept = is_swept(fleet, journal, kept)
    for _ in range(2):
        fleet.start_program('poller')
    fleet.start_program('worker')
    wait_for('all of it is swept', lambda: is_swept(fleet, journal, kept), 120, 0.5)
    return swept


def test_what_is_past_its_time_is_deleted_and_nothing_else_whoever_stops_in_between():
    journal = Journal()
    old_lives(journal)
    kept = others(journal)
    journal.add('generation/1', 95, generation=1, identity='x', by='x')
    journal.add('generation/7', 90, generation=7, identity='x', by='x')
    with Fleet(SWEEPING, accounts=1) as fleet:
        at_once = swept_journal(fleet, journal, kept)
        assert not at_once, 'the pollers were killed too late to show anything'
        records = fleet.consume('journal')
        check_order(fleet, records)
        last = last_of_each(records)
        assert all(last[key]['payload'] is not None for key in kept)
        # the end that a command made was a record before the command went
        made = [r for r in records if r['key'] == 'end/old-resolved/1-5/PUBLISHED']
        assert [r['payload'] is None for r in made][0] is False and made[-1]['payload'] is None
        # the highest generation is never deleted
        assert last['generation/1']['payload'] is None
        highest = max((int(key.split('/')[1]) for key in last if key.startswith('generation/')))
        assert highest >= 8 and last['generation/%d' % highest]['payload'] is not None
        # what is left is what a Redis that forgot is told
        account, = fleet.add_accounts()
        fleet.produce([(account, video('fresh', account))])
        assert fleet.wait_ends(['fresh'], 60) == {'fresh': 'PUBLISHED'}
        fleet.redis('FLUSHALL')
        wait_for('the gate is open again', lambda: fleet.redis('HGET', fleet.key('gate'), 'state') == 'open', 60)
        assert fleet.job('held')['state'] == fleet.job('again')['state'] == 'UNSURE'
        wait_for('the new job is known', lambda: fleet.job('fresh').get('state') == 'PUBLISHED', 60)
        known = {key.split(':', 2)[2] for key in fleet.redis('KEYS', fleet.key('job:*'))}
        assert not [job_id for job_id in known if job_id.startswith('old-')]
        assert len(fleet.ledger()) == 1
        wait_for('people see it', lambda: 'swept' in fleet.cli('gate').stdout, 30, 0.5)


# ---- what the journal says of a job, read from its tail, and from the beginning

TOLD = {'poll.first_ms': 100, 'poll.interval_ms': 300, 'gate.wait_ms': 0, 'gate.tail_ms': 0, 'limit.window_ms': 1000,
        'lease.ms': 4000, 'tiktok.timeout_ms': 1500, 'heartbeat.ms': 300, 'reap.interval_ms': 200, 'worker.idle_ms': 100,
        'limit.queued': 1, 'worker.topic_check_ms': 100, 'unsure.looks': 0, 'unsure.look_ms': 200, 'unsure.slot_ms': 4000}


class Told(Fleet):
    def until(self, job_id, state):
        wait_for('%s is %s' % (job_id, state), lambda: self.job(job_id).get('state') == state, 30)
        return self.job(job_id)

    def do(self, *arguments):
        done = self.cli(*arguments)
        assert done.returncode == 0, (arguments, done.stdout, done.stderr)
        return done.stdout

    def reopened(self, how):
        """How the next gate read the journal, once it is open and the topic has been read again."""
        before = self.redis.hash(self.key('gate'))['generation']
        marks = self.redis.hash(self.key('watermark'))
        how()

        def back():
            gate = self.redis.hash(self.key('gate'))
            return gate.get('state') == 'open' and gate['generation'] != before \
                and self.redis.hash(self.key('watermark')) == marks and gate['read']
        return wait_for('the gate is open again', back, 60)

    def another_server(self):
        return self.reopened(lambda: self.redis('DEBUG', 'CHANGE-REPL-ID'))

    def empty(self):
        return self.reopened(lambda: self.redis('FLUSHALL'))

    def lose_answer(self):
        self.sim('fault', {'endpoint': 'video_init', 'do': 'effect_no_answer', 'count': 1})


def test_what_was_sent_stays_what_it_was_however_the_journal_is_read():
    with Told(TOLD, accounts=1, redis_arguments=('--enable-debug-command', 'local')) as fleet:
        fleet.start_programs()
        account, = fleet.add_accounts()
        # one too many, then replaced by other content, which is sent, and its answer is lost
        fleet.do('pause')
        fleet.produce([('k', video('first', account)), ('k', video('one', account, url='https://cdn.example.com/old.mp4'))])
        fleet.until('first', 'QUEUED')
        fleet.until('one', 'REJECTED')
        fleet.do('cancel', 'first')
        fleet.produce([('k', video('one', account, url='https://cdn.example.com/new.mp4'))])
        source = fleet.until('one', 'QUEUED')['source']
        fleet.lose_answer()
        fleet.do('resume')
        doubt = fleet.until('one', 'UNSURE')
        attempt = 'attempt/one/' + doubt['attempt_epoch']
        assert json.loads(last_of_each(fleet.consume('journal'))[attempt]['payload'])['source'] == source
        # the same data under another identity: a tail will do; emptied: from the beginning; then a tail again
        assert fleet.another_server() == 'tail'
        assert fleet.job('one')['attempt_epoch'] == doubt['attempt_epoch'] and fleet.job('one')['state'] == 'UNSURE'
        assert fleet.empty() == 'whole'
        assert 'read from the beginning' in fleet.do('gate')
        assert fleet.another_server() == 'tail'
        assert fleet.reopened(lambda: fleet.do('rebuild')) == 'whole'
        one = fleet.until('one', 'UNSURE')
        assert (one['source'], one['attempt_epoch']) == (source, doubt['attempt_epoch'])
        assert 'new.mp4' in fleet.redis('GET', fleet.key('message:one'))
        fleet.do('retry', 'one', '--yes')
        fleet.until('one', 'PUBLISHED')
        assert [line['media'][0] for line in fleet.ledger()] == ['https://cdn.example.com/new.mp4'] * 2
        # a doubt that the policy sends again is none any more, whatever Redis forgets
        fleet.lose_answer()
        fleet.produce([('k', video('two', account, on_unsure='retry'))])
        fleet.until('two', 'UNSURE')
        fleet.do('pause')
        fleet.until('two', 'QUEUED')
        assert fleet.empty() == 'whole' and fleet.until('two', 'QUEUED')
        assert fleet.another_server() == 'tail' and fleet.until('two', 'QUEUED')
        fleet.do('resume')
        fleet.until('two', 'PUBLISHED')
        assert len(fleet.ledger()) == 4 and fleet.job('one')['state'] == 'PUBLISHED'
