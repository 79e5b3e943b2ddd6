# SPDX-License-Identifier: Apache-2.0
"""Whole lives with a Redis that forgets: workers, a poller, the relay and the gate, each of whom stops, sleeps and comes
late, a journal and the jobs' topic that keep everything, and TikTok, who knows what was posted. Redis is emptied, or is as
it was a while ago, at any moment. No job is claimed while an attempt of it may be posted, and none is lost."""
import os
import random

import pytest

from redis_scripts import (PREFIX, Keyspace, check_counts, check_keys, check_places, check_waiting,  # noqa: F401
                           make_fleet, scripts, server)

STEPS = int(os.environ.get('SCRIPTS_STEPS', '500'))
SEEDS = int(os.environ.get('SCRIPTS_SEEDS', '10'))
ACCOUNTS = ('u1', 'u2', 'u3')
ALIASES = {'u3': '@u3'}
ENDS = {'PUBLISHED', 'IN_INBOX', 'FAILED', 'REJECTED', 'EXPIRED', 'CANCELLED'}
SMALL = dict(limit__in_flight=6, limit__account=3, limit__open=4, limit__window_ms=30, limit__init=4, limit__status=9,
             limit__drafts=3, limit__day_ms=300, limit__day_posts=9, lease__ms=30, unsure__slot_ms=60, state__kept=100000)


def number(epoch):
    return tuple(int(part) for part in epoch.split('-'))


class Journal:
    """The last record of each key, as compaction may leave it, and what the gate makes of a job."""

    def __init__(self):
        self.attempts, self.ends, self.generation = {}, {}, 0

    def copy(self):
        other = Journal()
        other.attempts = {job_id: dict(of) for job_id, of in self.attempts.items()}
        other.ends = {job_id: dict(of) for job_id, of in self.ends.items()}
        other.generation = self.generation
        return other

    def attempt(self, job_id, epoch, **record):
        self.attempts.setdefault(job_id, {})[epoch] = record

    def end(self, event):
        """A key for each end of each attempt: one that comes late stands beside a newer one."""
        self.ends.setdefault(event['job_id'], {})[event['epoch'], event['name']] = event

    def newest_end(self, job_id):
        rank = {'REJECTED': 0, 'FAILED': 1, 'IN_INBOX': 3, 'PUBLISHED': 4}
        ends = self.ends.get(job_id, {}).values()
        return max(ends, key=lambda e: (number(e['epoch']), rank.get(e['name'], 2))) if ends else None

    def jobs(self):
        return sorted(set(self.attempts) | set(self.ends))

    def verdict(self, job_id):
        attempts, event = self.attempts.get(job_id, {}), self.newest_end(job_id)
        aborted = [epoch for epoch, record in attempts.items() if record['kind'] == 'INTENT_ABORTED']
        open_ones = [epoch for epoch in attempts if epoch not in aborted]
        newest = max(open_ones, key=number) if open_ones else None
        found = dict(job_id=job_id, says='nothing', aborted=' '.join(aborted))
        if newest:
            record = attempts[newest]
            found.update(says='processing' if record['publish_id'] else 'unsure', epoch=newest, at=record['at'],
                         account=record['account'], mode=record['mode'], attempt=record['attempt'],
                         publish_id=record['publish_id'], source=record['source'])
        if event and (not newest or number(event['epoch']) >= number(newest)):
            found.update(says='end', epoch=event['epoch'], end_state=event['name'], at=int(event['at']),
                         source=event.get('source', ''), code=event.get('error_code', ''),
                         account=found.get('account') or event.get('account', event.get('account_text', '')),
                         publish_id=found.get('publish_id') or event.get('publish_id', ''))
        return found

    def calls(self, job_id):
        return [dict(job_id=job_id, epoch=epoch, account=r['account'], mode=r['mode'], at=r['at'],
                     aborted=int(r['kind'] == 'INTENT_ABORTED')) for epoch, r in self.attempts.get(job_id, {}).items()]


class Life:
    def __init__(self, fleet, seed):
        self.fleet, self.random = fleet, random.Random(seed)
        self.journal, self.journal.generation = Journal(), 1
        self.topic = {'0': [], '1': []}     # partition -> messages, kept for ever
        self.trips, self.looks, self.limbo = [], [], []
        self.tiktok = {}                    # publish id -> job, True: it stands
        self.may_be_posted = {}             # job -> attempts that were let through and are not known to have failed
        self.epochs, self.rejected, self.kinds = set(), set(), {}
        self.image, self.takes, self.count, self.replays = None, 0, 0, 0
        for open_id in ACCOUNTS:
            self.store_account(open_id)

    def store_account(self, open_id, taker=''):
        while True:
            reply = self.fleet.account(open_id, alias=ALIASES.get(open_id, ''), taker=taker)
            if reply[0] != 'OK' or reply[1] == 0:
                return reply

    # ---- upstream and ingest

    def produce(self):
        r = self.random
        again = self.count and r.random() < 0.35
        job_id = 'j%d' % (r.randint(max(1, self.count - 3), self.count) if again else self.count + 1)
        self.count += not again
        partition = r.choice('01')
        offset = len(self.topic[partition])
        bad = r.random() < 0.3
        self.topic[partition].append(dict(
            partition=partition, next_offset=str(offset + 1), timestamp=self.fleet.now(), crc='c', by='worker-1',
            job_id=job_id, account=r.choice(ACCOUNTS + ('@u3',)), source='jobs-%s@%d' % (partition, offset),
            hash='' if bad else r.choice('xy'), verdict='bad' if bad else 'job', kind='' if bad else r.choice(
                ['direct', 'direct', 'draft']), media='' if bad else 'video', message='' if bad else '{"of": "%s"}' % job_id,
            priority=r.randint(0, 9), on_unsure='hold', code='bad_message' if bad else ''))

    def ingest(self):
        for partition, messages in self.topic.items():
            mark = self.fleet.run('mark', partition=partition)
            if mark[0] != 'OK':
                return
            shown = mark[1]
            begin = int(shown.split(' ')[0] or 0)
            for message in messages[begin:begin + 3]:
                arguments = dict(message, shown=shown)
                reply = self.fleet.run('ingest', **arguments)
                if reply[0] == 'STATE':  # a dead letter
                    reply = self.fleet.run('ingest', **dict(arguments, verdict='skip'))
                assert reply[0] == 'OK', reply
                shown = '%s %s %s' % tuple(message[k] for k in ('next_offset', 'timestamp', 'crc'))

    # ---- workers

    def claim(self):
        claimed = self.fleet.claim()
        if isinstance(claimed, list):
            return
        job_id, epoch = claimed['job_id'], claimed['epoch']
        assert not self.may_be_posted.get(job_id), '%s is claimed while %s may be posted' % (
            job_id, self.may_be_posted[job_id])
        assert not [p for p, (of, stands) in self.tiktok.items() if of == job_id and stands], job_id + ' is posted'
        assert epoch not in self.epochs, 'an epoch again'
        self.epochs.add(epoch)
        trip = dict(claimed, pc='intent', mode=self.fleet.job(job_id)['kind'], kind='INTENT', pid='', todo='')
        if not claimed['message']:
            # made of the journal, and its message not read again yet: released
            trip.update(pc='result', event='RELEASE', todo='r', arrived=0)
        elif self.random.random() < 0.05:
            self.rejected.add(job_id)
            trip.update(pc='result', event='REJECT', todo='r', arrived=0)
        self.trips.append(trip)

    def record(self, trip, kind, publish_id=''):
        self.journal.attempt(trip['job_id'], trip['epoch'], kind=kind, publish_id=publish_id, account=trip['account'],
                             mode=trip['mode'], attempt=trip['attempt'], at=self.fleet.now(), source=trip['source'])

    def work(self):
        if not self.trips:
            return
        trip = self.random.choice(self.trips[-4:] if self.random.random() < 0.8 else self.trips)
        if self.random.random() < 0.04:
            self.trips.remove(trip)  # killed
            return
        getattr(self, trip['pc'])(trip)

    def intent(self, trip):
        self.record(trip, 'INTENT')
        trip['pc'] = 'sending'

    def sending(self, trip):
        if self.fleet.sending(trip) == ['OK']:
            self.may_be_posted.setdefault(trip['job_id'], set()).add(trip['epoch'])
            trip['pc'] = 'post'
        else:
            trip.update(pc='result', event='RELEASE', kind='INTENT_ABORTED', todo='jr', arrived=0)

    def post(self, trip):
        what = self.random.choice(['accepted'] * 4 + ['fails later', 'refused', 'not sent', 'lost', 'posted, lost'])
        trip['pc'] = 'result'
        pid = 'v_pub~' + trip['epoch']
        if what in ('accepted', 'fails later', 'posted, lost'):
            self.tiktok[pid] = (trip['job_id'], what != 'fails later')
        if what in ('accepted', 'fails later'):
            trip.update(kind='INITED', pid=pid, todo='jr')
        elif what in ('refused', 'not sent'):
            self.may_be_posted[trip['job_id']].discard(trip['epoch'])
            trip.update(kind='INTENT_ABORTED', todo='jr', arrived=int(what == 'refused'), event='NOT_SENT')
            if what == 'refused' and self.random.random() < 0.3:
                trip['event'] = 'REFUSE'
        else:
            trip.update(event='DOUBT', todo='r', arrived=-1)

    def result(self, trip):
        place = self.random.choice(trip['todo'])
        if place == 'j':
            self.record(trip, trip['kind'], trip['pid'])
        else:
            if trip['pid']:
                reply = self.fleet.result(trip, trip['pid'])
            else:
                reply = self.fleet.refuse(trip, trip['event'], arrived=trip['arrived'], due_ms=0)
            if reply == ['GATE']:
                return
        trip['todo'] = trip['todo'].replace(place, '')
        if not trip['todo']:
            self.trips.remove(trip)

    # ---- poller and relay

    def poll(self):
        polled = self.fleet.poll(3, timeout_ms=30)
        if polled[0] not in ('WAIT', 'GATE'):
            self.looks += polled

    def finish(self):
        if not self.looks:
            return
        r, polled = self.random, self.random.choice(self.looks[-5:])
        job_id, stands = self.tiktok[polled['publish_id']]
        assert job_id == polled['job_id']
        draft = polled['state'] == 'PROCESSING' and self.fleet.job(job_id).get('kind') == 'draft'
        event = ('INBOX' if draft else 'COMPLETE') if stands else r.choice(['FAIL', 'AGAIN', 'AGAIN'])
        if r.random() < 0.06 and polled['state'] == 'PROCESSING':
            event = 'HORIZON'
        reply = self.fleet.finish(polled, event, next_ms=-1 if event == 'COMPLETE' else 20, retries=1)
        if reply[0] == 'OK' and event in ('FAIL', 'AGAIN'):
            self.may_be_posted[job_id] = {
                epoch for epoch in self.may_be_posted[job_id] if 'v_pub~' + epoch != polled['publish_id']}

    def reap(self):
        self.fleet.run('reap', poller='p', count=5)

    def to_journal(self, event):
        if event['name'] == 'INTENT_ABORTED':
            self.journal.attempt(event['job_id'], event['epoch'], kind='INTENT_ABORTED', publish_id='', mode='', source='',
                                 account=event['account'], attempt=event['attempt'], at=int(event['at']))
        elif event['name'] in ENDS:
            self.journal.end(event)

    def relay(self):
        r = self.random
        entries = self.fleet.key('XRANGE', 'outbox', '-', '+', 'COUNT', r.randint(1, 10))
        events = [dict(zip(flat[::2], flat[1::2])) for _, flat in entries]
        if r.random() < 0.2:
            self.limbo += events  # it sleeps before it sends, and another one takes over
            return
        for event in events:
            self.to_journal(event)
        if r.random() < 0.9:
            self.fleet.run('relay', ids=[entry for entry, _ in entries])

    def relay_late(self):
        if self.limbo:
            self.to_journal(self.limbo.pop(self.random.randrange(len(self.limbo))))

    # ---- Redis forgets, and is told

    def remember(self):
        keys = self.fleet.redis('KEYS', '*')
        image = [(key, self.raw('DUMP', key), self.fleet.redis('PTTL', key)) for key in keys]
        self.image = [(key, value, ttl) for key, value, ttl in image if value is not None and ttl not in (-2, 0)]

    def raw(self, *words):
        redis = self.fleet.redis
        redis.socket.sendall(redis.pack(words))
        length = int(redis.file.readline()[1:])
        if length < 0:
            return None  # expired by now
        return redis.file.read(length + 2)[:-2]

    def forget(self):
        kind = self.random.choice(['restart', 'roll back', 'roll back', 'empty'])
        if kind != 'restart':
            self.fleet.redis('FLUSHALL')
        if kind == 'roll back' and self.image:
            for key, value, ttl in self.image:
                self.fleet.redis('RESTORE', key, max(ttl, 0), value)
        self.image = None
        self.fleet.redis('DEBUG', 'CHANGE-REPL-ID')

    def meanwhile(self):
        """What goes on while the gate is closed: workers and the relay still write to the journal."""
        for _ in range(self.random.randint(0, 4)):
            self.random.choice([self.work, self.work, self.relay, self.relay_late, self.claim, self.reap, self.poll])()

    def replay(self):
        """One taker's work; it may stop anywhere, and Redis may forget again."""
        r, fleet = self.random, self.fleet
        self.takes += 1
        taker = 'poller-1#%d' % self.takes
        reply = fleet.run('gate_take', taker=taker, lease_ms=10000)
        if reply[0] != 'OK':
            assert reply[0] in ('WAIT', 'STATE')
            return reply[0] == 'STATE'
        generation = str(max(self.journal.generation, int(reply[1])) + 1)
        self.journal.generation = int(generation)
        self.meanwhile()
        gate = dict(taker=taker, generation=generation)
        told = self.journal.copy()
        steps = [lambda open_id=open_id: self.store_account(open_id, taker) for open_id in ACCOUNTS]
        jobs = []
        for job_id in told.jobs():
            jobs.append(lambda job_id=job_id: fleet.run('restore', **gate, **told.verdict(job_id)))
            jobs += [lambda call=call: fleet.run('restore_call', taker=taker, **call) for call in told.calls(job_id)]
        r.shuffle(jobs)
        stops = r.randrange(len(steps + jobs) + 1) if r.random() < 0.3 else -1
        for i, step in enumerate(steps + jobs):
            if i == stops:
                return self.stopped()
            assert step()[0] == 'OK'
            if r.random() < 0.05:
                self.meanwhile()
        while fleet.run('gate_sweep', **gate, count=r.randint(1, 5))[1]:
            pass
        self.meanwhile()
        assert fleet.run('gate_open', **gate) == ['OK']
        self.replays += 1
        self.check()
        return True

    def stopped(self):
        if self.random.random() < 0.5:
            self.forget()
        else:
            self.fleet.key('HSET', 'gate', 'taker_until', 0)
        return False

    def lose_redis(self):
        self.forget()
        while not self.replay():
            self.meanwhile()

    # ---- all of it

    def check(self):
        space = Keyspace(self.fleet.redis)
        check_keys(space)
        # an end that was lost with its outbox is a job in flight again, beside the one that took its slot
        check_places(space, dict(self.fleet.conf, **{'limit.in_flight': 999, 'limit.account': 999}))
        check_waiting(space, self.fleet.conf)
        check_counts(space)
        for job_id, job in space.jobs().items():
            if self.may_be_posted.get(job_id):
                assert job['state'] not in ('QUEUED', 'CLAIMED'), job_id
        return space

    WEIGHTS = dict(produce=8, ingest=10, claim=14, work=40, poll=7, finish=8, reap=4, relay=5, relay_late=1, remember=3,
                   lose_redis=2)

    def step(self):
        what = self.random.choices(list(self.WEIGHTS), list(self.WEIGHTS.values()))[0]
        getattr(self, what)()
        return what

    def doubled(self):
        standing = [job_id for job_id, stands in self.tiktok.values() if stands]
        return sorted({job_id for job_id in standing if standing.count(job_id) > 1})


def to_the_end(life):
    """Everybody does what is theirs, and nobody stops any more."""
    fleet, idle = life.fleet, 0
    fleet.conf['limit.day_posts'], fleet.conf['limit.drafts'] = 0, 0
    while idle < 80:
        before = len(fleet.key('XRANGE', 'events', '-', '+'))
        life.ingest()
        life.reap()
        life.claim()
        for trip in list(life.trips):
            getattr(life, trip['pc'])(trip)
        polled = fleet.poll(10, timeout_ms=30)
        life.looks = polled if polled[0] != 'WAIT' else []
        for _ in range(len(life.looks)):
            life.finish()
        idle = 0 if life.trips or len(fleet.key('XRANGE', 'events', '-', '+')) > before else idle + 1
        fleet.wait(2)


def nothing_is_lost(life):
    space = life.check()
    jobs = space.jobs()
    good = {m['job_id'] for messages in life.topic.values() for m in messages if m['verdict'] == 'job'}
    for job_id in {m['job_id'] for messages in life.topic.values() for m in messages}:
        assert job_id in jobs, job_id + ' is lost'
        state = jobs[job_id]['state']
        if job_id not in good:
            assert state == 'REJECTED'
            continue
        assert state in ('PUBLISHED', 'IN_INBOX', 'FAILED', 'UNSURE') or state == 'REJECTED' and job_id in life.rejected, (
            job_id, state)
        if state in ('PUBLISHED', 'IN_INBOX'):
            assert [p for p, (of, stands) in life.tiktok.items() if of == job_id and stands], job_id + ' was never posted'
    for pid, (job_id, stands) in life.tiktok.items():
        if stands:
            assert jobs[job_id]['state'] in ('PUBLISHED', 'IN_INBOX', 'UNSURE'), (job_id, jobs[job_id]['state'])


@pytest.mark.parametrize('seed', range(SEEDS))
def test_a_redis_that_forgets_doubles_nothing_and_loses_nothing(make_fleet, seed):
    life = Life(make_fleet(**SMALL), seed)
    for count in range(STEPS):
        what = 'the start'
        try:
            what = life.step()
            assert not life.doubled(), life.doubled()
            life.check()
        except AssertionError as failed:
            raise AssertionError('seed %d, step %d, %s: %s' % (seed, count, what, failed)) from failed
    to_the_end(life)
    assert not life.doubled(), life.doubled()
    nothing_is_lost(life)
    assert life.replays > 0 or STEPS < 300
