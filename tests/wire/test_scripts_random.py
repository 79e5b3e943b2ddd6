# SPDX-License-Identifier: Apache-2.0
"""Random steps of all scripts, with stale arguments among them: what must hold is checked after each, and that no job is
claimed while an attempt of it may have been published."""
import os
import random

import pytest

from redis_scripts import make_fleet, scripts, server  # noqa: F401

STEPS = int(os.environ.get('SCRIPTS_STEPS', '500'))
ACCOUNTS = ('u1', 'u2', 'u3', 'u4')
TEXTS = ACCOUNTS + ('@u3', '@u4', '@never')
SMALL = dict(limit__in_flight=6, limit__account=2, limit__open=4, limit__window_ms=40, limit__init=3, limit__status=4,
             limit__drafts=2, limit__day_ms=400, limit__day_posts=5, limit__queued=5, lease__ms=30, unsure__slot_ms=60,
             job__account_wait_ms=150, state__kept=100000)


class Chaos:
    """Workers, pollers, an upstream and a person, each of whom forgets, repeats and comes late."""

    def __init__(self, fleet, seed):
        self.fleet, self.random, self.seed = fleet, random.Random(seed), seed
        self.claims, self.looks, self.ingests, self.jobs = [], [], [], []
        self.may_be_posted = {}  # job -> epochs of attempts that were sent and are not known to have failed
        self.revs, self.count = {}, 0
        self.seen = set()

    def any(self, things):
        # mostly a recent one
        recent = things[-6:] if self.random.random() < 0.8 else things
        return self.random.choice(recent) if recent else None

    def taken(self, reply):
        self.seen.add(' '.join(map(str, reply[:1])))
        return reply[0] == 'OK'

    def ingest(self):
        r, now = self.random, self.fleet.now()
        if r.random() < 0.15 and self.ingests:
            self.taken(self.fleet.ingest_raw(self.any(self.ingests)))
            return
        if r.random() < 0.75 or not self.jobs:
            self.count += 1
            job_id = 'j%d' % self.count
            self.jobs.append(job_id)
        else:
            job_id = self.any(self.jobs)
        some = lambda chance, least, most: now + r.randint(least, most) if r.random() < chance else 0
        arguments = self.fleet.ingest_arguments(
            job_id, r.choice(TEXTS), partition=r.choice('01'), due=some(0.3, -50, 80), expires=some(0.3, -20, 250),
            priority=r.randint(0, 9), kind=r.choice(['direct', 'draft']), hash=r.choice(['x', 'y']),
            verdict=r.choices(['job', 'bad', 'skip'], [20, 2, 1])[0],
            timestamp=self.fleet.now() - (31 * 86400000 if r.random() < 0.05 else 0), code='')
        self.ingests.append(arguments)
        self.taken(self.fleet.ingest_raw(arguments))

    def account(self):
        r, open_id = self.random, self.random.choice(ACCOUNTS)
        rev = self.revs[open_id] = self.revs.get(open_id, 0) + r.randint(-1, 1)
        alias = '@' + open_id if open_id in ('u3', 'u4') else ''
        self.taken(self.fleet.account(open_id, rev=str(max(rev, 0)), alias=alias))

    def claim(self):
        claimed = self.fleet.claim('worker-%d' % self.random.randint(1, 3))
        if isinstance(claimed, list):
            self.seen.add(claimed[0])
            return
        assert not self.may_be_posted.get(claimed['job_id']), 'claimed while it may be posted: ' + claimed['job_id']
        assert claimed['message'] and claimed['account'] in ACCOUNTS
        assert all(c['epoch'] != claimed['epoch'] for c in self.claims), 'an epoch again'
        self.claims.append(claimed)

    def sending(self):
        claimed = self.any(self.claims)
        if claimed and self.taken(self.fleet.sending(claimed)):
            self.may_be_posted.setdefault(claimed['job_id'], set()).add(claimed['epoch'])

    def result(self):
        claimed = self.any(self.claims)
        if claimed:
            self.taken(self.fleet.result(claimed, 'v_pub~' + claimed['epoch']))

    def refuse(self):
        r, claimed = self.random, self.any(self.claims)
        if not claimed:
            return
        event = r.choice(['RELEASE', 'REJECT', 'NOT_SENT', 'REFUSE', 'DOUBT', 'EXPIRE'])
        taken = self.taken(self.fleet.refuse(
            claimed, event, arrived=r.choice([-1, 0, 1]), due_ms=r.choice([0, 0, 30]), retries=r.randint(0, 5),
            account_then=r.choice(['', '', '', 'window', 'day', 'drafts', 'users', 'park'])))
        self.fleet.key('DEL', 'breaker')  # the users' cap lasts until midnight
        if taken and event != 'DOUBT':
            self.may_be_posted.get(claimed['job_id'], set()).discard(claimed['epoch'])

    def poll(self):
        polled = self.fleet.poll(self.random.randint(1, 4), timeout_ms=30)
        if polled[0] != 'WAIT':
            self.looks += polled

    def look(self):
        r, polled = self.random, self.any(self.looks)
        if polled:
            self.taken(self.fleet.look(polled, answered=r.choice([-1, 0, 1]), next_ms=r.choice([-1, 0, 20]),
                                       post_id=r.choice(['', '', '7' * 19]), account_then=r.choice(['', '', 'window'])))

    def finish(self):
        r, polled = self.random, self.any(self.looks)
        if not polled:
            return
        event = r.choice(['COMPLETE', 'COMPLETE', 'INBOX', 'FAIL', 'AGAIN', 'HORIZON'])
        taken = self.taken(self.fleet.finish(
            polled, event, next_ms=r.choice([-1, 10]), due_ms=r.choice([0, 20]), retries=1,
            post_id=r.choice(['', '7' * 19]), account_then=r.choice(['', '', '', 'day', 'park'])))
        if taken and event in ('FAIL', 'AGAIN'):
            self.may_be_posted.get(polled['job_id'], set()).discard(polled['epoch'])

    def cancel(self):
        job_id = self.any(self.jobs)
        if job_id:
            self.taken(self.fleet.cancel(job_id))

    def reap(self):
        self.taken(self.fleet.run('reap', poller='p', count=self.random.randint(1, 5)))

    def relay(self):
        entries = [entry for entry, _ in self.fleet.key('XRANGE', 'outbox', '-', '+', 'COUNT', 20)]
        self.fleet.run('relay', ids=entries)

    def wait(self):
        self.fleet.wait(self.random.choice([0, 1, 5, 20]))

    WEIGHTS = dict(ingest=10, account=3, claim=14, sending=10, result=7, refuse=5, poll=6, look=4, finish=6, cancel=1,
                   reap=4, relay=2, wait=5)

    def step(self):
        what = self.random.choices(list(self.WEIGHTS), list(self.WEIGHTS.values()))[0]
        getattr(self, what)()
        return what


def drain(chaos):
    """Time passes and everybody does what is theirs: all that can come to an end does, and nothing stays behind."""
    fleet = chaos.fleet
    for open_id in ACCOUNTS:
        chaos.revs[open_id] = chaos.revs.get(open_id, 0) + 10
        fleet.account(open_id, rev=str(chaos.revs[open_id]), alias='@' + open_id if open_id in ('u3', 'u4') else '')
    fleet.conf['limit.day_posts'], fleet.conf['limit.day_ms'], idle = 0, 100, 0
    while idle < 60:
        fleet.run('reap', poller='p', count=100)
        claimed, polled = fleet.claim(), fleet.poll()
        idle = 0 if isinstance(claimed, dict) or polled[0] != 'WAIT' else idle + 1
        if isinstance(claimed, dict):
            chaos.claims.append(claimed)
            assert fleet.sending(claimed) == ['OK']
            assert fleet.result(claimed) == ['OK', 'PROCESSING']
        for one in polled if polled[0] != 'WAIT' else []:
            if one['state'] == 'PROCESSING':
                assert fleet.finish(one, 'COMPLETE', post_id='1')[0] == 'OK'
            else:
                fleet.look(one, next_ms=-1)
        fleet.wait(5) if idle else None
    space = fleet.check()
    waiting = {id: job for id, job in space.jobs().items() if job['state'] == 'QUEUED'}
    assert not waiting, waiting
    for key in ('slots', 'open', 'leases', 'delayed', 'polls', 'ready'):
        assert not space.get(key), key
    for family in ('queue', 'unknown', 'flying'):
        assert not space.family(family)
    assert {job['state'] for job in space.jobs().values()} <= {
        'PUBLISHED', 'IN_INBOX', 'FAILED', 'REJECTED', 'EXPIRED', 'CANCELLED', 'UNSURE'}


def equal_ends(space, ends):
    """An end stays one, but IN_INBOX → PUBLISHED and what replaces REJECTED."""
    now = {id: job['state'] for id, job in space.jobs().items()}
    for id, state in ends.items():
        allowed = {'IN_INBOX': {'PUBLISHED'}, 'REJECTED': set(now.values())}.get(state, set())
        assert now[id] == state or now[id] in allowed, (id, state, now[id])
    return now


@pytest.mark.parametrize('seed', range(8))
def test_what_must_hold_holds_after_every_step(make_fleet, seed):
    fleet = make_fleet(**SMALL)
    chaos, ends = Chaos(fleet, seed), {}
    for number in range(STEPS):
        what = chaos.step()
        try:
            space = fleet.check()
            ends = {id: s for id, s in equal_ends(space, ends).items()
                    if s in ('PUBLISHED', 'IN_INBOX', 'FAILED', 'REJECTED', 'EXPIRED', 'CANCELLED')}
        except AssertionError as failed:
            raise AssertionError('seed %d, step %d, after %s: %s' % (seed, number, what, failed)) from failed
    terminal = ['%s/%s/%s' % (e['job_id'], e['epoch'], e['name']) for e in fleet.outbox()]
    assert len(terminal) == len(set(terminal)) or all(
        name.endswith(('/UNSURE', '/QUEUED', '/PROCESSING')) for name in terminal if terminal.count(name) > 1)
    assert {'OK', 'FENCED', 'STATE', 'WAIT'} <= chaos.seen
    drain(chaos)
