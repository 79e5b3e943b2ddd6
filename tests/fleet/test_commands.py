# SPDX-License-Identifier: Apache-2.0
"""What a person or an upstream commands is done once, survives an emptied Redis, and is refused where it names what is
past. The ledger of tiktok-sim says what was posted."""
import json
import time

from harness import Fleet, video, wait_for
from schemas import assert_promised, headers_of

FAST = {'poll_first_ms': 100, 'poll_interval_ms': 300, 'gate_wait_ms': 300, 'limit_window_ms': 1000, 'lease_ms': 4000,
        'tiktok_timeout_ms': 1500, 'heartbeat_ms': 400, 'reap_interval_ms': 200, 'worker_idle_ms': 100}
SIM = ['--processing-ms', '200-500', '--window-ms', '1000', '--seed', '3']
FAILS_ONCE = 'https://cdn.example.com/fail-once/file_format_check_failed/%s.mp4'
FAR = '2090-01-01T00:00:00Z'
QUIET_S = 1.5  # in which something that must not happen would have happened


class Commands(Fleet):
    def __init__(self, **settings):
        super().__init__(dict(FAST, **settings), sim=SIM, accounts=2)

    def begin(self):
        self.start_programs()
        return self.add_accounts()

    def until(self, job_id, *states):
        wait_for('%s is %s' % (job_id, ' or '.join(states)), lambda: self.job(job_id).get('state') in states, 30)
        return self.job(job_id)

    def forget(self):
        """FLUSHALL; back when the gate is open and everything on Kafka has been read again."""
        generation = int(self.redis('HGET', self.key('gate'), 'generation'))
        ends = self.ends()
        self.redis('FLUSHALL')

        def back():
            gate = self.redis.hash(self.key('gate'))
            return gate.get('state') == 'open' and int(gate['generation']) > generation and self.ends() == ends
        wait_for('the gate is open again', back, 60)
        time.sleep(0.3)

    def ends(self):
        return {k: v.split()[0] for k, v in self.redis.hash(self.key('watermark')).items()}

    def posts(self, job_id):
        return [line for line in self.ledger() if '/%s.mp4' % job_id in line['media'][0]]

    def do(self, *arguments, code=0):
        done = self.cli(*arguments)
        assert done.returncode == code, (arguments, done.returncode, done.stdout, done.stderr)
        return done.stdout + done.stderr

    def send(self, command, job_id=None, id=None, **more):
        message = {'command': command, 'id': id or '%s-%s' % (command, job_id), 'job_id': job_id, **more}
        self.produce([('k', message)])

    def remembers(self, job_id, word):
        wait_for('%s remembers %s' % (job_id, word), lambda: word in self.job(job_id).get('commands', '').split(), 20)

    def records(self):
        return {r['key']: json.loads(r['payload']) for r in self.consume('journal') if r['key'].startswith('command/')}

    def check(self):
        stats = self.stats()
        assert stats['breaches']['total'] == 0, stats['breaches']
        for key in ('slots', 'open', 'leases'):
            assert self.redis('ZCARD', self.key(key)) == 0, key


def test_a_scheduled_job_is_cancelled_and_stays_cancelled():
    with Commands() as fleet:
        account = fleet.begin()[0]
        fleet.produce([(account, video('one', account, publish_at=FAR))])
        fleet.until('one', 'QUEUED')
        said = fleet.do('cancel', 'one', '--reason', 'wrong cut')
        assert 'CANCELLED' in said
        assert 'wrong cut' in fleet.job('one')['error_cause']
        assert 'CANCEL' in fleet.do('job', 'one')
        assert 'CANCELLED' in fleet.do('cancel', 'one', code=1)
        fleet.forget()
        assert fleet.job('one')['state'] == 'CANCELLED'
        assert not fleet.posts('one')


def test_a_cancel_whose_end_was_lost_with_redis_is_known_from_the_command():
    # the relay is dead: the end never leaves the outbox; the moment comes while Redis is empty
    with Commands() as fleet:
        account = fleet.begin()[0]
        soon = time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(time.time() + 12))
        fleet.produce([(account, video('one', account, publish_at=soon))])
        fleet.until('one', 'QUEUED')
        wait_for('the outbox is empty', lambda: fleet.redis('XLEN', fleet.key('outbox')) == 0)
        fleet.kill('poller-1').wait(10)
        fleet.do('cancel', 'one')
        assert fleet.redis('XLEN', fleet.key('outbox')) == 1
        fleet.redis('FLUSHALL')
        time.sleep(12)
        fleet.start_program('poller')
        fleet.until('one', 'CANCELLED')
        time.sleep(QUIET_S)
        assert fleet.job('one')['state'] == 'CANCELLED' and fleet.job('one')['error_code'] == 'cancelled'
        assert not fleet.posts('one')


def test_a_failed_job_is_posted_again_only_when_it_is_retried_and_once():
    with Commands() as fleet:
        account = fleet.begin()[0]
        fleet.produce([(account, video('one', account, url=FAILS_ONCE % 'one'))])
        first = fleet.until('one', 'FAILED')
        time.sleep(QUIET_S)
        assert len(fleet.posts('one')) == 1
        # of an attempt that never was, and of one that is past
        fleet.send('retry', 'one', 'early', epoch='1-999')
        fleet.remembers('one', '!early')
        assert fleet.job('one')['state'] == 'FAILED' and len(fleet.posts('one')) == 1
        assert 'PUBLISHED' in fleet.do('retry', 'one') or fleet.until('one', 'PUBLISHED')
        fleet.until('one', 'PUBLISHED')
        fleet.send('retry', 'one', 'late', epoch=first['attempt_epoch'])
        fleet.remembers('one', '!late')
        time.sleep(QUIET_S)
        assert len(fleet.posts('one')) == 2
        assert 'names attempt' in fleet.do('job', 'one') or 'is PUBLISHED' in fleet.do('job', 'one')
        assert fleet.records()['command/late/refused']['refused']
        commands = fleet.job('one')['commands'].split()
        fleet.forget()
        time.sleep(QUIET_S)
        job = fleet.job('one')
        assert (job['state'], job['commands'].split()) == ('PUBLISHED', commands)
        assert len(fleet.posts('one')) == 2
        fleet.check()


def test_a_retry_is_not_forgotten_with_redis_before_the_job_went_on():
    # paused, so that the retried job waits; then Redis forgets, and the FAILED end is in the journal
    with Commands() as fleet:
        account = fleet.begin()[0]
        fleet.produce([(account, video('one', account, url=FAILS_ONCE % 'one'))])
        fleet.until('one', 'FAILED')
        fleet.do('pause', '--reason', 'test')
        fleet.do('retry', 'one')
        assert fleet.job('one')['state'] == 'QUEUED'
        wait_for('the outbox is empty', lambda: fleet.redis('XLEN', fleet.key('outbox')) == 0)
        fleet.forget()
        fleet.until('one', 'QUEUED')
        time.sleep(QUIET_S)
        assert fleet.job('one')['state'] == 'QUEUED' and len(fleet.posts('one')) == 1
        assert 'paused' in fleet.do('status')
        fleet.do('resume')
        fleet.until('one', 'PUBLISHED')
        assert len(fleet.posts('one')) == 2
        fleet.forget()
        time.sleep(QUIET_S)
        assert fleet.job('one')['state'] == 'PUBLISHED' and len(fleet.posts('one')) == 2


def make_unsure(fleet, account, *job_ids):
    fleet.sim('fault', {'endpoint': 'video_init', 'do': 'effect_no_answer', 'count': len(job_ids)})
    for job_id in job_ids:
        fleet.produce([(account, video(job_id, account, settings={'privacy_level': 'SELF_ONLY'}))])
        fleet.until(job_id, 'UNSURE')


def test_a_doubt_is_resolved_or_retried_by_a_persons_word():
    with Commands() as fleet:
        account = fleet.begin()[0]
        make_unsure(fleet, account, 'there', 'gone', 'again', 'held')
        url = 'https://www.tiktok.com/@x/video/7123456789012345678'
        assert 'PUBLISHED' in fleet.do('resolve', 'there', '--posted', url)
        assert fleet.job('there')['post_id'] == '7123456789012345678' and fleet.job('there')['post_url'] == url
        assert 'FAILED' in fleet.do('resolve', 'gone', '--failed')
        fleet.do('retry', 'again', code=1)  # it wants --yes
        assert fleet.job('again')['state'] == 'UNSURE'
        fleet.do('retry', 'again', '--yes')
        fleet.until('again', 'PUBLISHED')
        assert fleet.job('again')['attempt'] == '2'
        for _ in range(2):
            time.sleep(QUIET_S)
            states = fleet.states(['there', 'gone', 'again', 'held'])
            assert states == {'there': 'PUBLISHED', 'gone': 'FAILED', 'again': 'PUBLISHED', 'held': 'UNSURE'}
            assert {j: len(fleet.posts(j)) for j in states} == {'there': 1, 'gone': 1, 'again': 2, 'held': 1}
            fleet.forget()
        # a person takes back that it failed
        fleet.do('retry', 'gone')
        fleet.until('gone', 'PUBLISHED')
        fleet.forget()
        time.sleep(QUIET_S)
        assert fleet.job('gone')['state'] == 'PUBLISHED' and len(fleet.posts('gone')) == 2
        assert fleet.job('held')['state'] == 'UNSURE' and len(fleet.posts('held')) == 1


def test_a_command_read_twice_acts_once():
    with Commands() as fleet:
        account = fleet.begin()[0]
        fleet.produce([(account, video('one', account, url=FAILS_ONCE % 'one')),
                       (account, video('two', account, publish_at=FAR))])
        first = fleet.until('one', 'FAILED')
        for _ in range(3):
            fleet.send('retry', 'one', 'again', epoch=first['attempt_epoch'])
        fleet.until('one', 'PUBLISHED')
        for at in ('2091-01-01T00:00:00Z', '2092-01-01T00:00:00Z'):
            fleet.send('reschedule', 'two', 'same', publish_at=at)
        fleet.remembers('two', 'same')
        # one script for the topic: what is read again from its beginning
        fleet.redis('HDEL', fleet.key('watermark'), *fleet.redis.hash(fleet.key('watermark')))
        fleet.stop_program('worker-1')
        fleet.start_program('worker')
        wait_for('everything is read again', lambda: len(fleet.ends()) >= 2, 30)
        time.sleep(QUIET_S)
        assert fleet.job('one')['state'] == 'PUBLISHED' and len(fleet.posts('one')) == 2
        assert fleet.job('two')['t_due'] == '3818448000000'
        retries = [line for line in fleet.redis('LRANGE', fleet.key('log:one'), 0, -1) if 'RETRY' in line]
        assert len(retries) == 1


def test_a_rescheduled_job_keeps_its_moment_when_redis_forgets():
    with Commands() as fleet:
        account = fleet.begin()[0]
        soon = time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(time.time() + 8))
        fleet.produce([(account, video('later', account, publish_at=soon)),
                       (account, video('now', account, publish_at=FAR))])
        fleet.until('later', 'QUEUED')
        fleet.until('now', 'QUEUED')
        assert 'QUEUED' in fleet.do('reschedule', 'later', '--publish-at', '2090-06-01T00:00:00Z')
        due = fleet.job('later')['t_due']
        # the same id with other words is a dead letter: they are in nobody's place when Redis forgets
        fleet.produce([(account, video('later', account, publish_at=FAR, caption='other words'))])
        wait_for('a dead letter', lambda: len(fleet.consume('dlq')) == 1, 30, 0.5)
        for _ in range(2):
            fleet.forget()
            fleet.until('later', 'QUEUED')
            assert fleet.job('later')['t_due'] == due
            assert 'other words' not in fleet.redis('GET', fleet.key('message:later'))
        time.sleep(8)
        assert fleet.job('later')['state'] == 'QUEUED' and not fleet.posts('later')
        # beyond the topic's retention its message is kept in the journal
        assert any(r['key'] == 'message/later' for r in fleet.consume('journal'))
        fleet.do('reschedule', 'now', '--publish-at', '+0s')
        fleet.until('now', 'PUBLISHED')
        fleet.do('reschedule', 'now', '--publish-at', '+1h', code=1)
        fleet.forget()
        time.sleep(QUIET_S)
        assert fleet.job('now')['state'] == 'PUBLISHED' and len(fleet.posts('now')) == 1


def test_a_pause_holds_the_fleet_or_an_account_and_redis_may_forget():
    with Commands() as fleet:
        a, b = fleet.begin()
        fleet.do('account', 'pause', a, '--reason', 'under review')
        fleet.produce([(a, video('a1', a)), (b, video('b1', b))])
        fleet.until('b1', 'PUBLISHED')
        time.sleep(QUIET_S)
        assert fleet.job('a1')['state'] == 'QUEUED'
        assert 'under review' in fleet.do('account', 'show', a) and 'paused' in fleet.do('job', 'a1')
        # a new consent does not end it
        fleet.add_accounts()
        fleet.do('pause', '--reason', 'storm')
        fleet.produce([(b, video('b2', b))])
        fleet.until('b2', 'QUEUED')
        fleet.forget()
        fleet.until('b2', 'QUEUED')
        fleet.until('a1', 'QUEUED')
        time.sleep(QUIET_S)
        assert fleet.states(['a1', 'b2']) == {'a1': 'QUEUED', 'b2': 'QUEUED'}
        assert 'storm' in fleet.do('status')
        fleet.do('resume')
        fleet.until('b2', 'PUBLISHED')
        fleet.forget()
        fleet.until('a1', 'QUEUED')
        time.sleep(QUIET_S)
        assert fleet.job('a1')['state'] == 'QUEUED'
        fleet.do('account', 'resume', a)
        fleet.until('a1', 'PUBLISHED')
        fleet.forget()
        fleet.produce([(a, video('a2', a))])
        fleet.until('a2', 'PUBLISHED')
        assert len(fleet.ledger()) == 4


def test_what_is_malformed_or_for_nobody_is_a_dead_letter():
    with Commands() as fleet:
        account = fleet.begin()[0]
        fleet.produce([('k', {'command': 'cancel', 'id': 'x1', 'job_id': 'nobody'}),
                       ('k', {'command': 'explode', 'id': 'x2', 'job_id': 'one'}),
                       ('k', {'command': 'cancel', 'id': 'x3', 'job_id': 'one', 'epoch': '1-1'}),
                       ('k', {'command': 'pause', 'id': 'x4', 'account': '@nobody'}),
                       ('k', video('one', account, publish_at=FAR))])
        fleet.until('one', 'QUEUED')
        wait_for('four dead letters', lambda: len(fleet.consume('dlq')) >= 4)
        # the job comes later, and Redis forgets: the command that was for nobody is still nothing
        fleet.produce([('other', video('nobody', account, publish_at=FAR))])
        fleet.until('nobody', 'QUEUED')
        fleet.forget()
        fleet.until('nobody', 'QUEUED')
        time.sleep(QUIET_S)
        assert fleet.states(['one', 'nobody']) == {'one': 'QUEUED', 'nobody': 'QUEUED'}
        assert {headers_of(r)['code'] for r in fleet.consume('dlq')} == {'bad_command', 'unknown_target'}
        assert_promised(fleet)


def test_what_was_journaled_and_not_yet_done_is_done_by_the_replay_and_only_by_it():
    # as by a worker that died in between: its record is there, and its message is read again afterwards
    with Commands() as fleet:
        account = fleet.begin()[0]
        make_unsure(fleet, account, 'one', 'two')
        for job_id in ('one', 'two'):
            epoch = fleet.job(job_id)['attempt_epoch']
            record = {'v': 1, 'id': 'r-' + job_id, 'what': 'retry', 'job_id': job_id, 'account': None, 'epoch': epoch,
                      'publish_id': None, 'args': {'state': 'UNSURE', 'reason': None}, 'by': 'ann', 'at': 1,
                      'source': 's', 'refused': None}
            records = [('command/r-' + job_id, record)]
            if job_id == 'two':
                records.append(('command/r-two/refused', dict(record, refused='too early')))
            fleet.produce(records, topic='journal')
        fleet.forget()
        fleet.until('one', 'PUBLISHED')
        for job_id in ('one', 'two'):
            fleet.send('retry', job_id, 'r-' + job_id, epoch=fleet.job(job_id)['attempt_epoch'])
        fleet.send('reschedule', 'two', 'behind', publish_at=FAR)
        fleet.remembers('two', '!behind')
        time.sleep(QUIET_S)
        assert fleet.states(['one', 'two']) == {'one': 'PUBLISHED', 'two': 'UNSURE'}
        assert [len(fleet.posts(job_id)) for job_id in ('one', 'two')] == [2, 1]
        assert fleet.job('one')['commands'] == 'r-one'
