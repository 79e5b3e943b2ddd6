# SPDX-License-Identifier: Apache-2.0
"""Commands while Redis fails over and is emptied, at moments that a seed chooses: each is sent more than once, some on another
partition, and acts once; one that names a past attempt is refused with the state of things; and a Redis that is told anew
knows them all."""
import json
import random
import time

import faults
import pytest
from harness import video, wait_for
from redis_set import SET_SETTINGS, FleetOnSet
from test_load import SCALED
from witness import lines_by_job, mixed_jobs

SETTINGS = dict(SCALED, **dict(SET_SETTINGS, gate_wait_ms=2500), limit_window_ms=1000, worker_idle_ms=100,
                unsure_slot_ms=2000)
SIM = ['--processing-ms', '200-600', '--window-ms', '1000', '--limit-day-posts', '0', '--seed', '3']
EACH = 5            # jobs of each kind
ORDINARY = 60       # that nobody commands anything about
IN_FLIGHT = 300
QUIET_S = 1.0       # in which something that must not happen would have happened
FAR, FARTHER = '2090-01-01T00:00:00Z', '2091-01-01T00:00:00Z'
FARTHER_MS = '3818448000000'
# kind -> the state in which it is told something, how it ends, how many posts were accepted
KINDS = {
    'cancel': ('QUEUED', 'CANCELLED', 0),
    'now':    ('QUEUED', 'PUBLISHED', 1),      # rescheduled
    'keep':   ('QUEUED', 'QUEUED', 0),         # rescheduled, to a day even farther away
    'again':  ('FAILED', 'PUBLISHED', 2),      # retried; the first one failed
    'there':  ('UNSURE', 'PUBLISHED', 1),      # resolved
    'gone':   ('UNSURE', 'FAILED', 1),         # resolved
    'held':   ('UNSURE', 'UNSURE', 1),         # nothing is said of it
    'paused': ('QUEUED', 'PUBLISHED', 1),      # its account is, and goes on
    'stays':  ('QUEUED', 'QUEUED', 0),         # its account is, and stays so
}


class Storm:
    """What is still to be said, what was said, and to whom."""

    def __init__(self, fleet, chance, aliases):
        self.fleet, self.chance = fleet, chance
        self.account = dict(zip(KINDS, aliases))
        self.names = ['%s-%d' % (kind, i) for kind in KINDS for i in range(EACH)]
        self.waiting = [name for name in self.names if self.kind(name) not in ('held', 'paused', 'stays')]
        self.sent = []      # (key, message)
        self.first = {}     # job -> its first attempt
        self.past = set()   # those that were told something of an attempt that is past

    @staticmethod
    def kind(name):
        return name.rsplit('-', 1)[0]

    def job(self, name):
        kind, account = self.kind(name), self.account[self.kind(name)]
        more = {'publish_at': FAR} if kind in ('cancel', 'now', 'keep') else {}
        place = 'fail-once/file_format_check_failed/' if kind == 'again' else ''
        return video(name, account, url='https://cdn.example.com/%s%s.mp4' % (place, name),
                     settings={'privacy_level': 'SELF_ONLY'}, **more)

    def send(self, message, key=None):
        self.sent.append((key or message.get('account') or self.account[self.kind(message['job_id'])], message))
        self.fleet.produce([self.sent[-1]])

    def message(self, name):
        kind = self.kind(name)
        message = {'id': 'c-' + name, 'job_id': name, 'by': 'ann'}
        if kind == 'cancel':
            return dict(message, command='cancel', reason='wrong cut')
        if kind in ('now', 'keep'):
            return dict(message, command='reschedule', publish_at=FARTHER if kind == 'keep' else '2026-01-01T00:00:00Z')
        message['epoch'] = self.first[name]
        if kind == 'again':
            return dict(message, command='retry')
        return dict(message, command='resolve', outcome='posted' if kind == 'there' else 'failed')

    def say_one(self):
        """One of those that are ready hears its command; True when one was."""
        chosen = self.chance.sample(self.waiting, len(self.waiting))
        for name in chosen:
            job = self.fleet.job(name)
            if job.get('state') == KINDS[self.kind(name)][0]:
                self.first[name] = job.get('attempt_epoch', '')
                self.waiting.remove(name)
                self.send(self.message(name))
                return True
        return False

    def say_past(self):
        """One that was retried and is posted hears of its first attempt once more, under another id."""
        for name in self.names:
            if self.kind(name) == 'again' and name not in self.past and name not in self.waiting \
                    and self.fleet.job(name).get('state') == 'PUBLISHED':
                self.past.add(name)
                self.send({'command': 'retry', 'id': 'past-' + name, 'job_id': name, 'epoch': self.first[name]})
                return

    def say_again(self):
        """Something that was said is said again, on any partition."""
        if self.sent:
            key, message = self.chance.choice(self.sent)
            self.fleet.produce([(key if self.chance.random() < 0.5 else 'other-%d' % self.chance.randint(0, 99), message)])

    def done(self):
        return not self.waiting and len(self.past) == EACH


def break_something(fleet, chance):
    """Redis forgets, or another one takes its place; nobody waits for the gate."""
    what = chance.choice(('flushall', 'failover', 'kill'))
    if what == 'flushall':
        fleet.redis('FLUSHALL')
    elif what == 'failover':
        fleet.wait_whole()
        fleet.fail_over()
    else:
        name = fleet.wait_whole()
        fleet.kill(name).wait(10)
        fleet.wait_promoted(name)
        fleet.spawn_redis(name, None)
    return what


def states(storm):
    return {name: storm.fleet.job(name).get('state') for name in storm.names}


def wait_expected(storm):
    wanted = {name: KINDS[storm.kind(name)][1] for name in storm.names}
    try:
        wait_for('all is as it was told', lambda: states(storm) == wanted, 90, 0.3)
    except AssertionError:
        now = states(storm)
        wrong = {name: (now[name], wanted[name]) for name in wanted if now[name] != wanted[name]}
        for name in wrong:
            faults.trace(storm.fleet, name)
        raise AssertionError('not as it was told (is, should be): %s' % wrong) from None


def check_commands(storm):
    """Each command came to something once, and the refused ones say what they met."""
    for name in storm.names:
        kind, job = storm.kind(name), storm.fleet.job(name)
        commands = job.get('commands', '').split()
        mine = [] if kind in ('held', 'paused', 'stays') else ['c-' + name]
        mine += ['!past-' + name] if kind == 'again' else []
        assert sorted(commands) == sorted(mine), (name, commands, mine)
        if kind == 'keep':
            assert job['t_due'] == FARTHER_MS, job
    for account in ('paused', 'stays'):
        open_id = storm.fleet.redis('HGET', storm.fleet.key('alias'), storm.account[account])
        paused = storm.fleet.redis('HGET', storm.fleet.key('account:' + open_id), 'paused')
        assert bool(paused) == (account == 'stays'), (account, paused)


def check_posts(storm, jobs):
    lines, stats = lines_by_job(storm.fleet), storm.fleet.stats()
    posts = {name: len(lines[name]) for name in storm.names}
    row = {'jobs': len(jobs) + len(storm.names), 'inits': stats['inits'], 'commands': len(storm.sent),
           'lost': sum(not lines[job['job_id']] for job in jobs)
           + sum(posts[name] < KINDS[storm.kind(name)][2] for name in storm.names),
           'doubled': max(stats['doubled'], sum(len(lines[job['job_id']]) > 1 for job in jobs)
                          + sum(posts[name] > KINDS[storm.kind(name)][2] for name in storm.names)),
           'breaches': stats['breaches']['total'], 'over limit': max(0, stats['max_in_flight'] - IN_FLIGHT),
           'UNSURE': sum(state == 'UNSURE' for state in states(storm).values()), 'causes': '%d told to be so' % EACH}
    return row, posts


@pytest.mark.seeds(3)
def test_commands_in_a_storm_act_once_and_are_not_forgotten(seed, tell):
    chance = random.Random(seed)
    with FleetOnSet(SETTINGS, sim=SIM, accounts=len(KINDS) + 10) as fleet:
        fleet.start_programs(workers=2, pollers=2)
        aliases = fleet.add_accounts()
        storm = Storm(fleet, chance, aliases)
        fleet.sim('fault', {'endpoint': 'video_init', 'do': 'effect_no_answer', 'count': -1, 'url_contains': '/there-'})
        fleet.sim('fault', {'endpoint': 'video_init', 'do': 'effect_no_answer', 'count': -1, 'url_contains': '/gone-'})
        fleet.sim('fault', {'endpoint': 'video_init', 'do': 'effect_no_answer', 'count': -1, 'url_contains': '/held-'})
        for name in ('paused', 'stays'):
            storm.send({'command': 'pause', 'id': 'p-' + name, 'account': storm.account[name], 'reason': 'storm'})
        ids = [fleet.redis('HGET', fleet.key('alias'), storm.account[name]) for name in ('paused', 'stays')]
        wait_for('two accounts are paused', lambda: all(fleet.redis('HGET', fleet.key('account:' + i), 'paused') for i in ids))
        jobs = mixed_jobs(ORDINARY, aliases[len(KINDS):], seed=seed)
        fleet.produce([(job['account'], job) for job in jobs + [storm.job(name) for name in storm.names]])
        moments, broken, step, resumed = sorted(chance.sample(range(2, 30), 3)), [], 0, False
        end = time.monotonic() + 100
        while (not storm.done() or moments or not resumed) and time.monotonic() < end:
            step += 1
            if moments and step >= moments[0]:
                moments.pop(0)
                broken.append(break_something(fleet, chance))
            if storm.say_one():
                if chance.random() < 0.5:
                    storm.say_again()
            else:
                storm.say_past()
            if not resumed and step > 12:
                resumed = True
                storm.send({'command': 'resume', 'id': 'r-paused', 'account': storm.account['paused']})
            time.sleep(chance.uniform(0, 0.1))
        assert storm.done(), (storm.waiting, storm.past, states(storm))
        wait_expected(storm)
        ended = fleet.wait_ends([job['job_id'] for job in jobs], 60)
        for key, message in storm.sent:
            fleet.produce([(key, message)])   # all of it once more
        wait_for('refusals are known', lambda: all('!past-' + name in fleet.job(name).get('commands', '') for name in storm.past))
        time.sleep(QUIET_S)
        wait_expected(storm)
        row, posts = check_posts(storm, jobs)
        tell(seed=seed, broken=' '.join(broken), **row, generation=faults.generation(fleet))
        assert posts == {name: KINDS[storm.kind(name)][2] for name in storm.names}, posts
        assert not row['lost'] and not row['doubled'] and not row['breaches'] and not row['over limit'], row
        assert set(ended.values()) <= {'PUBLISHED', 'IN_INBOX'}, ended
        check_commands(storm)
        refused = {r['key']: json.loads(r['payload'])['refused'] for r in fleet.consume('journal')
                   if r['key'].startswith('command/') and r['key'].endswith('/refused') and r['payload']}
        assert set(refused) == {'command/past-%s/refused' % name for name in storm.past}, refused
        assert all('PUBLISHED' in why or 'names attempt' in why for why in refused.values()), refused
        # told anew, it knows them all
        generation = faults.generation(fleet)
        fleet.redis('FLUSHALL')
        faults.wait_gate(fleet, generation)
        wait_expected(storm)
        time.sleep(QUIET_S)
        wait_expected(storm)
        check_commands(storm)
        assert check_posts(storm, jobs)[1] == posts
        faults.stop_all(fleet)
