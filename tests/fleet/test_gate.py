# SPDX-License-Identifier: Apache-2.0
"""A Redis that forgets: emptied, restarted, rolled back. The fleet goes on by itself, and the ledger is clean."""
import json
import os
import random
import signal
import time

from harness import ENDS, Fleet, video, wait_for
from test_load import SCALED, SIM
from witness import check_ledger, figures, lines_by_job, mixed_jobs

SEED = int(os.environ.get('TOKFLEET_TEST_SEED', 1))
GATED = dict(SCALED, gate_wait_ms=1000, gate_lease_ms=5000)


def gate_opened(fleet, generation, timeout_s=60):
    def look():
        gate = fleet.redis.hash(fleet.key('gate'))
        return gate.get('state') == 'open' and int(gate['generation']) >= generation
    wait_for('the gate opens as generation %d' % generation, look, timeout_s)


def run_with(fault, jobs_count=400, settings=None, delay=True, times=1):
    """A load of mixed jobs, `fault` in the middle of it, and what the ledger says. Returns the UNSURE jobs."""
    chance = random.Random(SEED)
    with Fleet(dict(GATED, **(settings or {})), sim=SIM, accounts=jobs_count // 10) as fleet:
        fleet.start_programs(workers=2, pollers=2)
        jobs = mixed_jobs(jobs_count, fleet.add_accounts(), seed=SEED)
        ids = [job['job_id'] for job in jobs]
        if delay:
            for endpoint in ('video_init', 'inbox_init', 'content_init'):
                fleet.sim('fault', {'endpoint': endpoint, 'do': 'delay', 'ms': 400, 'count': -1, 'probability': 0.3})
        fleet.produce([(job['account'], job) for job in jobs])
        for i in range(times):
            wait_for('posts are under way', lambda: len(fleet.ledger()) > jobs_count * (i + 1) // (times + 2), 90)
            time.sleep(chance.uniform(0, 0.5))
            fault(fleet)
            gate_opened(fleet, 2 + i)
        states = fleet.wait_ends(ids, 90, ENDS + ('UNSURE',))
        unsure = check_ledger(fleet, jobs, states)
        print(json.dumps(dict(figures(fleet, jobs, states), seed=SEED)))
        for job_id, lines in sorted(unsure.items()):
            print('UNSURE %s: %s' % (job_id, 'posted as %s' % lines[0]['publish_id'] if lines else 'no call seen'))
        assert fleet.redis('ZCARD', fleet.key('open')) == 0
        return unsure


def test_flushall_under_load_loses_nothing_and_doubles_nothing():
    # workers live: every answer reached the journal, so nothing is left in doubt
    assert not run_with(lambda fleet: fleet.redis('FLUSHALL'))


def test_flushall_three_times_over():
    assert not run_with(lambda fleet: fleet.redis('FLUSHALL'), times=3)


def test_an_emptied_redis_while_a_worker_dies_leaves_only_true_doubts():
    def fault(fleet):
        worker = next(name for name, process in fleet.processes.items()
                      if name.startswith('worker') and process.poll() is None)
        fleet.kill(worker).wait(10)
        fleet.redis('FLUSHALL')
        fleet.start_program('worker')
    run_with(fault)


def test_a_restarted_redis_with_its_data():
    def fault(fleet):
        fleet.redis('CONFIG', 'SET', 'appendonly', 'yes')
        wait_for('the append-only file is written', lambda: 'aof_rewrite_in_progress:0' in fleet.redis('INFO', 'persistence')
                 and 'aof_rewrite_scheduled:0' in fleet.redis('INFO', 'persistence'))
        fleet.kill('redis').wait(10)
        fleet.spawn('redis', ['redis-server', '--port', fleet.redis_port, '--bind', '127.0.0.1', '--save', '',
                              '--appendonly', 'yes', '--dir', fleet.dir])
        fleet.redis.socket = None
        wait_for('redis-server is back', lambda: pings(fleet))
    run_with(fault)


def test_a_person_has_redis_told_anew_under_load():
    def fault(fleet):
        dry = fleet.cli('rebuild', '--dry-run')
        assert dry.returncode == 0 and 'it has its end' in dry.stdout, dry.stdout + dry.stderr
        assert fleet.cli('gate').returncode == 0
        done = fleet.cli('rebuild', '--timeout', '60')
        assert done.returncode == 0 and 'generation 2' in done.stdout, done.stdout + done.stderr
    assert not run_with(fault)


def test_a_job_that_outwaits_the_topic_has_its_message_in_the_journal():
    with Fleet(dict(GATED, topics_jobs_retention_ms=4000, audit_interval_ms=100), sim=SIM, accounts=1) as fleet:
        fleet.start_programs()
        fleet.produce([('k', video('patient', '@sim001')), ('k', video('long', '@sim001', caption='x' * 1500))])
        wait_for('they wait', lambda: fleet.job('long').get('state') == 'QUEUED')

        def kept():
            found = {r['key']: r for r in fleet.consume('journal')}
            return 'message/long' in found and [found[key] for key in ('message/patient',) if key in found]
        record, = wait_for('their messages are in the journal', kept, 30, 0.5)
        assert json.loads(json.loads(record['payload'])['message'])['job_id'] == 'patient'
        # nobody reads the topic: what is known then is the journal's
        assert fleet.stop_program('worker-1') == 0
        # a poller of other settings cannot read one of them: it has an end that can be seen, and what to do
        fleet.stop_program('poller-1')
        fleet.start_program('poller', {'TOKFLEET_JOB_MAX_BYTES': '1KiB'})
        fleet.redis('FLUSHALL')
        gate_opened(fleet, 2)
        assert fleet.job('patient').get('state') == 'QUEUED', fleet.job('patient')
        long = fleet.job('long')
        assert (long.get('state'), long.get('error_code')) == ('REJECTED', 'message_never_read'), long
        assert '1024' in long['error_cause'].replace(',', '') and 'same job_id' in long['error_remedy'], long
        fleet.start_program('worker')
        fleet.add_accounts()
        assert fleet.wait_ends(['patient'], 30) == {'patient': 'PUBLISHED'}
        assert fleet.job('patient')['account_text'] == '@sim001' and len(fleet.ledger()) == 1


def pings(fleet):
    try:
        return fleet.redis('PING') == 'PONG'
    except (OSError, RuntimeError):
        fleet.redis.socket = None
        return False


def test_a_worker_that_slept_through_a_flushall_posts_nothing_twice():
    def fault(fleet):
        worker = next(name for name, process in fleet.processes.items()
                      if name.startswith('worker') and process.poll() is None)
        fleet.kill(worker, signal.SIGSTOP)
        fleet.redis('FLUSHALL')
        gate_opened(fleet, 2)
        time.sleep(2)
        fleet.kill(worker, signal.SIGCONT)
    run_with(fault)
