# SPDX-License-Identifier: Apache-2.0
"""The frame of the tests that break things: what the ledger counts of a run, and why each job that is UNSURE may be it.

A program that sleeps, is cut off or is killed has an excuse for that time, and only for that time. A job is UNSURE with a
reason when the INTENT of its newest attempt is open in the journal, no answer to it is in the journal or in a log, and it was
made by a program that has an excuse for just then."""
import collections
import contextlib
import json
import re
import signal
import time

from harness import ENDS, wait_for
from witness import check_ledger, end_events, lines_by_job

SPARE_MS = 4000    # from an INTENT to the end of its request: lease_ms
LATE_S = 3.0       # in which late answers come


def now_ms():
    return int(time.time() * 1000)


class Excuses:
    """Who could not do what, from when to when."""

    def __init__(self, fleet):
        self.fleet = fleet
        self.all = []   # [program, why, since, until or None]

    def begin(self, name, why):
        self.all.append([name, why, now_ms(), None])

    def end(self, name, why):
        for one in self.all:
            if one[:2] == [name, why] and not one[3]:
                one[3] = now_ms()

    def of(self, name, at_ms):
        """Why this program, or any when it is None, may have lost the answer to what it intended then."""
        return sorted({why for who, why, since, until in self.all
                       if name in (None, who) and since - SPARE_MS <= at_ms <= (until or now_ms())})

    def stop(self, name):
        self.begin(name, 'asleep')
        self.fleet.kill(name, signal.SIGSTOP)

    def wake(self, name):  # harmless when it is awake
        self.fleet.kill(name, signal.SIGCONT)
        self.end(name, 'asleep')

    def kill(self, name):
        self.begin(name, 'killed')
        self.fleet.kill(name).wait(10)
        del self.fleet.processes[name]
        self.end(name, 'killed')


# ---- the gate

def gate(fleet):
    return fleet.redis.hash(fleet.key('gate'))


def generation(fleet):
    return int(gate(fleet).get('generation', 0))


def wait_gate(fleet, beyond, timeout_s=90):
    """The gate is open on the server that is there, by a newer generation than `beyond`."""
    def look():
        now = gate(fleet)
        identity = re.search(r'master_replid:(\w+)', fleet.redis('INFO', 'replication')).group(1)
        return now.get('state') == 'open' and int(now['generation']) > beyond and now['identity'] == identity
    wait_for('the gate opens after generation %d: %s' % (beyond, gate(fleet)), look, timeout_s, 0.1)


# ---- what the journal says

def journal(fleet):
    """What the journal says of each attempt: {job: {epoch: [(kind, at), in order]}}."""
    told = collections.defaultdict(lambda: collections.defaultdict(list))
    for record in fleet.consume('journal'):
        if record['key'].startswith('attempt/') and record['payload']:
            value = json.loads(record['payload'])
            told[value['job_id']][value['epoch']].append((value['kind'], value['at']))
    return told


def check_epochs(attempts):
    """No epoch was ever given to two attempts."""
    jobs = collections.defaultdict(set)
    for job_id, epochs in attempts.items():
        for epoch in epochs:
            jobs[epoch].add(job_id)
    twice = {epoch: names for epoch, names in jobs.items() if len(names) > 1}
    assert not twice, 'an epoch for two attempts: %s' % twice


def trace(fleet, job_id):
    """Everything that anybody knows of a job."""
    name = re.compile(r'\b%s\b' % re.escape(job_id))
    print('---- trace of %s' % job_id)
    print('redis', fleet.job(job_id))
    for line in reversed(fleet.redis('LRANGE', fleet.key('log:' + job_id), 0, -1)):
        print('timeline', line)
    account = fleet.job(job_id).get('account')
    if account:
        told = {name: fleet.redis('ZRANGE', fleet.key('%s:%s' % (name, account)), 0, -1, 'WITHSCORES')
                for name in ('queue', 'window', 'day', 'inbox')}
        print('its account', fleet.redis.hash(fleet.key('account:' + account)), told,
              'ready', fleet.redis('ZSCORE', fleet.key('ready'), account),
              'flying', fleet.redis('SMEMBERS', fleet.key('flying:' + account)), 'now', now_ms())
    for topic in ('journal', 'events'):
        for record in fleet.consume(topic):
            if name.search(record['key'] or '') or name.search(record['payload'] or ''):
                print(topic, record['offset'], record['key'], (record['payload'] or '')[:300])
    for line in lines_by_job(fleet)[job_id]:
        print('ledger', line)
    for path in sorted(fleet.dir.glob('*.log')):
        for line in path.read_text(errors='replace').splitlines():
            if name.search(line):
                print(path.name, line[:400])


def said(fleet, job_id, epoch):
    """What each worker logged as the outcome of an attempt: {worker: code}."""
    codes = {}
    for name in ('worker-%d' % (i + 1) for i in range(fleet.numbers['worker'])):
        for line in (fleet.dir / (name + '.log')).read_text(errors='replace').splitlines():
            if '"%s"' % job_id in line and '"%s"' % epoch in line and '"code"' in line:
                codes[name] = json.loads(line).get('code')
    return codes


def cause(fleet, excuses, job_id, epochs, lines):
    """Why a job may be UNSURE, in words; fails when it may not."""
    epoch = max(epochs, key=lambda e: tuple(map(int, e.split('-'))))
    kinds = [kind for kind, _ in epochs[epoch]]
    codes = said(fleet, job_id, epoch)
    name = next(iter(codes), None)
    why = excuses.of(name, epochs[epoch][0][1])
    ledger = [(line['status'], 'answered' if line['answered'] else 'answer not read') for line in lines] or 'no call seen'
    told = 'attempt %s is %s in the journal, its worker said %s, %s, excuses %s, ledger: %s' % (
        epoch, kinds, codes, fleet.job(job_id).get('error_cause'), why, ledger)
    print('UNSURE %s: %s' % (job_id, told))
    if kinds != ['INTENT'] or len(codes) > 1 or set(codes.values()) - {'no_answer'} or not why:
        trace(fleet, job_id)
        raise AssertionError('%s is UNSURE without a reason: %s' % (job_id, told))
    return ' or '.join(why) + (', posted' if lines else ', no call seen')


# ---- what a run came to

def count(fleet, jobs, states, in_flight):
    """The row of the table: what TikTok's ledger says, without asking anything of it."""
    lines, stats = lines_by_job(fleet), fleet.stats()
    standing = {job['job_id']: [line for line in lines[job['job_id']] if line['status'] != 'FAILED'] for job in jobs}
    lost = [job_id for job_id, mine in standing.items() if states[job_id] != 'UNSURE' and not mine]
    return {'jobs': len(jobs), 'inits': stats['inits'], 'lost': len(lost),
            'doubled': max(stats['doubled'], sum(len(mine) > 1 for mine in standing.values())),
            'breaches': stats['breaches']['total'], 'over limit': max(0, stats['max_in_flight'] - in_flight),
            'UNSURE': sum(state == 'UNSURE' for state in states.values())}


def settle(fleet, jobs):
    """Every job is at its end, or a doubt to which no answer comes any more."""
    ids = [job['job_id'] for job in jobs]
    states = fleet.wait_ends(ids, 150, ENDS + ('UNSURE',))
    if 'UNSURE' in states.values():
        with contextlib.suppress(AssertionError):
            wait_for('late answers', lambda: 'UNSURE' not in fleet.states(ids).values(), LATE_S)
    return fleet.wait_ends(ids, 60, ENDS + ('UNSURE',))


def check(fleet, excuses, jobs, in_flight, tell, **row):
    """All that must hold after a run in which every job should have been posted."""
    ids = [job['job_id'] for job in jobs]
    states = settle(fleet, jobs)
    row = dict(row, **count(fleet, jobs, states, in_flight), generation=generation(fleet))
    lines = lines_by_job(fleet)
    attempts = journal(fleet)
    causes = collections.Counter()
    try:
        for job_id in ids:
            if len([line for line in lines[job_id] if line['status'] != 'FAILED']) > 1 or \
                    states[job_id] not in ('PUBLISHED', 'IN_INBOX', 'UNSURE'):
                trace(fleet, job_id)
        unsure = check_ledger(fleet, jobs, states, in_flight)
        check_epochs(attempts)
        for job_id, mine in sorted(unsure.items()):
            causes[cause(fleet, excuses, job_id, attempts[job_id], mine)] += 1
    finally:
        tell(**row, causes='; '.join('%d %s' % (n, why) for why, n in causes.items()))
    wait_for('the outbox is empty', lambda: fleet.redis('XLEN', fleet.key('outbox')) == 0)
    assert fleet.redis('ZCARD', fleet.key('open')) == 0
    slots = set(fleet.redis('ZRANGE', fleet.key('slots'), 0, -1))
    assert slots == set(unsure), (slots, unsure)
    ends, _ = end_events(fleet)
    wrong = {job_id: ends[job_id] for job_id in ids if len(ends[job_id]) != (states[job_id] != 'UNSURE')}
    assert not wrong, wrong


def stop_all(fleet):
    """Every program drains and says that all was well."""
    programs = [name for name in fleet.processes if name.startswith(('worker', 'poller'))]
    for name in programs:
        fleet.kill(name, signal.SIGTERM)
    for name in programs:
        status = fleet.processes.pop(name).wait(40)
        assert status == 0, (name, status)


def slow_inits(fleet, ms=400, probability=0.3):
    """So that a fault finds calls under way."""
    for endpoint in ('video_init', 'inbox_init', 'content_init'):
        fleet.sim('fault', {'endpoint': endpoint, 'do': 'delay', 'ms': ms, 'count': -1, 'probability': probability})
