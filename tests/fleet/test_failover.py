# SPDX-License-Identifier: Apache-2.0
"""A Redis that fails over, splits, comes back and is rolled back by force, under a load of mixed jobs: nothing lost,
nothing doubled, no limit broken; UNSURE only a job whose answer a stopped worker really lost, each told with its reason.
Every fault comes with all programs awake, and with a worker that sleeps through it and wakes afterwards."""
import collections
import json
import os
import random
import re
import shutil
import signal
import time

import pytest
from harness import ENDS, Fleet, wait_for
from redis_set import SET_SETTINGS, FleetOnSet, Steady
from test_load import SCALED, SIM
from witness import check_ledger, end_events, figures, lines_by_job, mixed_jobs

SEED = int(os.environ.get('TOKFLEET_TEST_SEED', 1))
JOBS = int(os.environ.get('TOKFLEET_TEST_JOBS', 360))
IN_FLIGHT = 60   # of the fleet, so low that the limit binds
SETTINGS = dict(SCALED, limit_in_flight=IN_FLIGHT, **SET_SETTINGS)

asleep = pytest.mark.parametrize('sleeper', [False, True], ids=['awake', 'a worker asleep'])


# ---- the frame of each test

def gate(fleet):
    return fleet.redis.hash(fleet.key('gate'))


def wait_gate(fleet, beyond, timeout_s=90):
    """The gate is open on the server that is there, by a newer generation than `beyond`."""
    def look():
        now = gate(fleet)
        identity = re.search(r'master_replid:(\w+)', fleet.redis('INFO', 'replication')).group(1)
        return now.get('state') == 'open' and int(now['generation']) > beyond and now['identity'] == identity
    wait_for('the gate opens after generation %d: %s' % (beyond, gate(fleet)), look, timeout_s, 0.1)


def journal(fleet):
    """What the journal says of each attempt: {job: {epoch: [kinds, in order]}}."""
    kinds = collections.defaultdict(lambda: collections.defaultdict(list))
    for record in fleet.consume('journal'):
        if record['key'].startswith('attempt/') and record['payload']:
            value = json.loads(record['payload'])
            kinds[value['job_id']][value['epoch']].append(value['kind'])
    return kinds


def trace(fleet, job_id):
    """Everything that anybody knows of a job."""
    name = re.compile(r'\b%s\b' % re.escape(job_id))
    print('---- trace of %s' % job_id)
    print('redis', fleet.job(job_id))
    for line in reversed(fleet.redis('LRANGE', fleet.key('log:' + job_id), 0, -1)):
        print('timeline', line)
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


def reason(fleet, job_id, lines, attempts, sleeper):
    """Why a job may be UNSURE: the INTENT of its newest attempt is open, and the one who made it slept over its answer."""
    epoch = max(attempts, key=lambda e: tuple(map(int, e.split('-'))))
    arrows = [line.split('\t') for line in fleet.redis('LRANGE', fleet.key('log:' + job_id), 0, -1)]
    told = '%s: attempt %s is %s in the journal, %s in Redis, ledger %s, timeline %s' % (
        job_id, epoch, attempts[epoch], fleet.job(job_id).get('error_code'),
        [(line['status'], 'answered' if line['answered'] else 'answer not read') for line in lines],
        [arrow[2:5] for arrow in arrows[-3:]])
    print('UNSURE ' + told)
    codes = {}
    for name in fleet.processes:
        if name.startswith('worker'):
            for line in (fleet.dir / (name + '.log')).read_text(errors='replace').splitlines():
                if '"%s"' % job_id in line and '"%s"' % epoch in line:
                    codes[name] = json.loads(line).get('code')
    print('       the workers said of that attempt: %s' % codes)
    if attempts[epoch] != ['INTENT'] or set(codes) - {sleeper} or codes.get(sleeper, 'no_answer') != 'no_answer':
        trace(fleet, job_id)
        raise AssertionError('somebody knows how it went: %s, %s' % (codes, told))


def check(fleet, jobs, sleeper):
    ids = [job['job_id'] for job in jobs]
    states = fleet.wait_ends(ids, 150, ENDS + ('UNSURE',))
    if 'UNSURE' in states.values():
        time.sleep(2)   # for late answers
        states = fleet.wait_ends(ids, 60, ENDS + ('UNSURE',))
    lines = lines_by_job(fleet)
    for job_id in ids:
        if len([line for line in lines[job_id] if line['status'] != 'FAILED']) > 1 or \
                states[job_id] not in ('PUBLISHED', 'IN_INBOX', 'UNSURE'):
            trace(fleet, job_id)
    unsure = check_ledger(fleet, jobs, states, IN_FLIGHT)
    print(json.dumps(dict(figures(fleet, jobs, states), unsure=len(unsure), seed=SEED,
                          generation=int(gate(fleet)['generation']))))
    attempts = journal(fleet)
    for job_id, mine in sorted(unsure.items()):
        reason(fleet, job_id, mine, attempts[job_id], sleeper)
    assert sleeper or not unsure, sorted(unsure)
    wait_for('the outbox is empty', lambda: fleet.redis('XLEN', fleet.key('outbox')) == 0)
    assert fleet.redis('ZCARD', fleet.key('open')) == 0
    slots = set(fleet.redis('ZRANGE', fleet.key('slots'), 0, -1))
    assert slots == set(unsure), (slots, unsure)
    ends, _ = end_events(fleet)
    assert not [job_id for job_id in ids if len(ends[job_id]) != (states[job_id] != 'UNSURE')], \
        {job_id: ends[job_id] for job_id in ids if len(ends[job_id]) != (states[job_id] != 'UNSURE')}


def run_with(fault, sleeper, make=FleetOnSet, **keywords):
    """The load, `fault(fleet, chance, wake)` in the middle of it, and what the ledger says of it."""
    chance = random.Random(SEED * 1000 + len(fault.__name__))
    with make(SETTINGS, sim=SIM, accounts=JOBS // 10, **keywords) as fleet:
        fleet.start_programs(workers=2, pollers=2)
        jobs = mixed_jobs(JOBS, fleet.add_accounts(), seed=SEED)
        for endpoint in ('video_init', 'inbox_init', 'content_init'):
            fleet.sim('fault', {'endpoint': endpoint, 'do': 'delay', 'ms': 400, 'count': -1, 'probability': 0.3})
        fleet.produce([(job['account'], job) for job in jobs])
        wait_for('posts are under way', lambda: len(fleet.ledger()) > JOBS // 4, 90)
        time.sleep(chance.uniform(0, 0.7))
        generation = int(gate(fleet)['generation'])
        name = next(n for n in fleet.processes if n.startswith('worker')) if sleeper else None
        if name:
            fleet.kill(name, signal.SIGSTOP)

        def wake():
            if name:
                fleet.kill(name, signal.SIGCONT)
        fault(fleet, chance, wake)
        wait_gate(fleet, generation)
        wake()
        check(fleet, jobs, name)
        for program in [n for n in fleet.processes if n.startswith(('worker', 'poller'))]:
            assert fleet.stop_program(program) == 0, program


# ---- the faults

@asleep
def test_a_killed_primary_and_a_promoted_replica(sleeper):
    def killed(fleet, chance, wake):
        fleet.kill('redis-1').wait(10)
        fleet.wait_promoted('redis-1')
        time.sleep(chance.uniform(0, 3))
        # it comes back as the primary that it was, and learns better
        fleet.spawn_redis('redis-1', None)
    run_with(killed, sleeper)


@asleep
def test_a_primary_that_stands_still_is_replaced_and_wakes_as_a_second_one(sleeper):
    def split(fleet, chance, wake):
        generation = int(gate(fleet)['generation'])
        fleet.kill('redis-1', signal.SIGSTOP)
        fleet.wait_promoted('redis-1')
        if chance.random() < 0.7:
            wait_gate(fleet, generation)
            time.sleep(chance.uniform(0, 1))
        fleet.kill('redis-1', signal.SIGCONT)
        time.sleep(chance.uniform(0, 0.2))
        wake()
    run_with(split, sleeper)


@asleep
def test_there_and_back_within_seconds(sleeper):
    def there_and_back(fleet, chance, wake):
        assert fleet.fail_over() == 'redis-2'
        time.sleep(chance.uniform(0, 4))
        fleet.wait_known('redis-1')
        assert fleet.fail_over() == 'redis-1'
    run_with(there_and_back, sleeper)


@asleep
def test_a_replica_that_lags_by_seconds_is_promoted(sleeper):
    def lagging(fleet, chance, wake):
        # redis-3 keeps the primary writing; redis-2, which comes before it, hears nothing any more
        lost = len(fleet.ledger())
        assert fleet.ask('redis-2', 'REPLICAOF', '127.0.0.1', 1) == 'OK'
        time.sleep(chance.uniform(2, 4))
        lost = len(fleet.ledger()) - lost
        fleet.kill('redis-1').wait(10)
        assert fleet.wait_promoted('redis-1') == 'redis-2'
        print('%d posts were made while the promoted replica heard nothing' % lost)
        assert lost > 0
    run_with(lagging, sleeper)


@asleep
def test_an_append_only_file_of_some_seconds_ago(sleeper):
    def rolled_back(fleet, chance, wake):
        folder, kept = fleet.dir / 'appendonlydir', fleet.dir / 'kept'
        shutil.copytree(folder, kept)
        lost = len(fleet.ledger())
        time.sleep(chance.uniform(2, 4))
        lost = len(fleet.ledger()) - lost
        fleet.kill('redis').wait(10)
        shutil.rmtree(folder)
        shutil.copytree(kept, folder)
        fleet.spawn('redis', fleet.redis_command())
        print('%d posts were made after the copy' % lost)
        assert lost > 0
    run_with(rolled_back, sleeper, make=FleetOnFile)


class FleetOnFile(Fleet):
    """One Redis with an append-only file."""

    def __init__(self, settings, **keywords):
        super().__init__(settings, redis_arguments=('--appendonly', 'yes'), **keywords)

    def start_redis(self):
        super().start_redis()
        self.redis = Steady(self.redis_port)

    def redis_command(self):
        return ['redis-server', '--port', self.redis_port, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'yes',
                '--dir', self.dir]
