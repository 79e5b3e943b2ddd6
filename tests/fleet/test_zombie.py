# SPDX-License-Identifier: Apache-2.0
"""Workers stopped between SENDING, which Redis took, and the send, and woken when everything has gone on without them: their
leases are over, their jobs were doubts, and a person has said something about them, or Redis has forgotten it all.
One stopped before its last look at the lease sends nothing; one stopped behind it sends, which cannot be helped, and that is
the only post unless a person asked for another one."""
import json
import pathlib
import random
import signal
import time

import faults
import pytest
from harness import BUILD, ENDS, Fleet, video, wait_for
from test_load import SCALED
from witness import lines_by_job

SHIM = BUILD / 'tests/fleet/libstop_at.so'
# librdkafka's mock cluster collects the members of a new group for 3 s, and throws those out meanwhile whose session is shorter
SETTINGS = dict(SCALED, kafka_session_ms=4500, gate_wait_ms=500, gate_lease_ms=5000, limit_window_ms=1000, unsure_looks=2,
                unsure_look_ms=300)
SIM = ['--window-ms', '1000', '--processing-ms', '200-500', '--seed', '3']
URL = 'https://www.tiktok.com/@x/video/7123456789012345678'
# job -> where its worker is stopped, how it ends once that is awake, how many posts
JOBS = {
    'late':          ('send', 'PUBLISHED', 1),     # nobody said anything
    'failed':        ('send', 'FAILED', 1),        # a person said so, and was wrong
    'posted':        ('send', 'PUBLISHED', 1),     # a person saw it elsewhere
    'retried':       ('send', 'PUBLISHED', 2),     # a person asked for the risk
    'early':         ('connect', 'IN_INBOX', 1),   # nothing had left: its own worker says so
    'early-retried': ('connect', 'IN_INBOX', 1),   # a person asked for it, and nothing had left
    'early-failed':  ('connect', 'FAILED', 0),
}


def stopped(process):
    return pathlib.Path('/proc/%d/stat' % process.pid).read_text().rsplit(')', 1)[1].split()[0] == 'T'


def start_zombies(fleet, at, names):
    more = {'LD_PRELOAD': str(SHIM), 'STOP_AT': at, 'STOP_PORT': fleet.sim_url.rsplit(':', 1)[1], 'TOKFLEET_WORKER_JOBS': '1'}
    more['ASAN_OPTIONS'] = fleet.environment.get('ASAN_OPTIONS', '') + ':verify_asan_link_order=0'
    return [fleet.start_program('worker', more) for _ in names]


def fall_asleep(fleet, at, aliases):
    """One worker for each of these jobs, stopped with it in its hands."""
    names = [name for name, (where, _, _) in JOBS.items() if where == at]
    zombies = start_zombies(fleet, at, names)
    jobs = [video(name, alias, settings={'content_posting_method': 'UPLOAD' if at == 'connect' else 'DIRECT_POST'})
            for name, alias in zip(names, aliases)]
    fleet.produce([(job['account'], job) for job in jobs])
    wait_for('each has a job, and is stopped', lambda: all(stopped(fleet.processes[name]) for name in zombies), 60)
    # the leases of the first may be over by now
    assert set(fleet.states(names).values()) <= {'SENDING', 'UNSURE'}, fleet.states(names)
    return zombies


def forget(fleet):
    generation = faults.generation(fleet)
    fleet.redis('FLUSHALL')
    faults.wait_gate(fleet, generation)
    wait_for('everything is read again', lambda: all(fleet.states(JOBS).values()), 60)


def do(fleet, *arguments):
    done = fleet.cli(*arguments)
    assert done.returncode == 0, (arguments, done.stdout, done.stderr)
    return done.stdout


def check_shown(fleet):
    """What a person sees of a doubt, before saying anything about it."""
    listed = {one['job_id'] for one in map(json.loads, fleet.cli('unsure', 'list', '--json').stdout.splitlines())}
    assert listed == set(JOBS), listed
    page = do(fleet, 'unsure', 'show', 'failed')
    for text in ('an INTENT', 'tokfleet resolve failed --posted URL', 'tokfleet retry failed --yes'):
        assert text in page, (text, page)


def inited(fleet, job_id):
    records = [json.loads(r['payload']) for r in fleet.consume('journal') if r['key'].startswith('attempt/%s/' % job_id)]
    return [record['publish_id'] for record in records if record['kind'] == 'INITED']


@pytest.mark.seeds(3)
def test_a_worker_that_wakes_between_its_last_check_and_the_send_makes_no_second_post(seed, tell):
    chance = random.Random(seed)
    forgets = ('', 'before a person spoke', 'after')[seed % 3]
    with Fleet(SETTINGS, sim=SIM, accounts=len(JOBS)) as fleet:
        fleet.start_program('poller')
        wait_for('the gate is open', lambda: fleet.redis('HGET', fleet.key('gate'), 'state') == 'open')
        aliases = fleet.add_accounts()
        zombies = fall_asleep(fleet, 'send', aliases)
        assert not fleet.ledger()
        zombies += fall_asleep(fleet, 'connect', aliases[len(zombies):])
        awake = fleet.start_program('worker')
        wait_for('all are doubts', lambda: set(fleet.states(JOBS).values()) == {'UNSURE'}, 60)
        if forgets == 'before a person spoke':
            forget(fleet)
        assert not fleet.ledger()
        check_shown(fleet)
        do(fleet, 'resolve', 'failed', '--failed')
        do(fleet, 'resolve', 'early-failed', '--failed')
        do(fleet, 'resolve', 'posted', '--posted', URL)
        for name in ('retried', 'early-retried'):
            do(fleet, 'retry', name, '--yes')
        fleet.wait_ends(['retried', 'early-retried'], 60)
        if forgets == 'after':
            forget(fleet)
        before = len(fleet.ledger())
        chance.shuffle(zombies)
        for name in zombies:
            fleet.kill(name, signal.SIGCONT)
            time.sleep(chance.uniform(0, 0.3))
        wait_for('those stopped behind the last check have sent', lambda: len(fleet.ledger()) >= before + 5, 30)
        states = fleet.wait_ends(JOBS, 60)
        time.sleep(1)   # in which a second post would be made
        lines, stats = lines_by_job(fleet), fleet.stats()
        posts = {name: len(lines[name]) for name in JOBS}
        tell(seed=seed, forgets=forgets, jobs=len(JOBS), inits=stats['inits'], lost=0, doubled=stats['doubled'], UNSURE=0,
             breaches=stats['breaches']['total'], causes='1 double of one that a person retried')
        assert posts == {name: posts for name, (_, _, posts) in JOBS.items()}, posts
        assert states == {name: state for name, (_, state, _) in JOBS.items()}, states
        assert stats['breaches']['total'] == 0
        check_late(fleet, lines)
        forget(fleet)
        assert fleet.wait_ends(JOBS, 60) == states
        time.sleep(1)
        assert len(fleet.ledger()) == sum(posts.values())
        check_late(fleet, lines, told=False)
        for name in (*zombies, awake):
            assert fleet.stop_program(name) == 0


def check_late(fleet, lines, told=True):
    """The answers that came late are known; those that change nothing are told, until Redis forgets; the journal does not."""
    job = fleet.job('late')
    assert job['publish_id'] == lines['late'][0]['publish_id'] and not job.get('error_code'), job
    job = fleet.job('failed')
    assert job['state'] == 'FAILED' and job['error_code'], job
    for name, line in (('failed', lines['failed'][0]), ('retried', lines['retried'][-1])):
        assert line['publish_id'] in inited(fleet, name), (name, lines[name])
        if told and name == 'failed':
            assert line['publish_id'] in do(fleet, 'job', name), do(fleet, 'job', name)
    assert fleet.job('posted')['post_id'] == URL.rsplit('/', 1)[1]
