# SPDX-License-Identifier: Apache-2.0
"""kill -9 of workers and pollers at random moments while 2,000 mixed jobs go through: nothing lost, nothing doubled;
UNSURE exactly the jobs whose worker died between SENDING and the record of its answer."""
import json
import os
import random
import time

from harness import ENDS, Fleet, wait_for
from test_load import SCALED, SIM
from witness import check_ledger, end_events, figures, lines_by_job, mixed_jobs

JOBS = int(os.environ.get('TOKFLEET_TEST_JOBS', 2000))
KILLS = int(os.environ.get('TOKFLEET_TEST_KILLS', 30))
SEED = int(os.environ.get('TOKFLEET_TEST_SEED', 1))


def kill_at_random(fleet, programs, chance, kills, killed):
    for _ in range(kills):
        time.sleep(chance.uniform(0.05, 0.6))
        name = chance.choice(programs)
        process = fleet.kill(name)
        process.wait(10)
        killed['%s-%d' % (name.rsplit('-', 1)[0], process.pid)] = name
        programs.remove(name)
        programs.append(fleet.start_program(name.rsplit('-', 1)[0]))


def check_unsure(fleet, unsure, killed):
    """Each UNSURE job was SENDING, by a worker that was killed, and no answer of its was recorded."""
    told = []
    for job_id, lines in sorted(unsure.items()):
        record = fleet.job(job_id)
        arrows = [line.split('\t') for line in fleet.redis('LRANGE', fleet.key('log:' + job_id), 0, -1)]
        assert [arrow[2:5] for arrow in arrows[-2:]] == [['CLAIMED', 'INTENT', 'SENDING'],
                                                         ['SENDING', 'LEASE_END', 'UNSURE']], (job_id, arrows)
        pid = int(arrows[-2][5].rsplit('-', 1)[1])
        assert 'worker-%d' % pid in killed, (job_id, arrows, killed)
        assert record['error_cause'] and record['error_remedy'], record
        told.append('%s: %s' % (job_id, 'posted as %s' % lines[0]['publish_id'] if lines else 'no call seen'))
    return told


def test_killed_programs_lose_nothing_and_double_nothing():
    chance, killed = random.Random(SEED), {}
    with Fleet(SCALED, sim=SIM, accounts=JOBS // 10) as fleet:
        programs = fleet.start_programs(workers=3, pollers=2)
        aliases = fleet.add_accounts()
        jobs = mixed_jobs(JOBS, aliases, seed=SEED)
        # TikTok takes its time for every third init, so that some die between SENDING and the answer
        for endpoint in ('video_init', 'inbox_init', 'content_init'):
            fleet.sim('fault', {'endpoint': endpoint, 'do': 'delay', 'ms': 500, 'count': -1, 'probability': 0.3})
        # a group whose members die faster than its session timeout ingests nothing: most jobs are there before it begins
        early = jobs[:JOBS * 3 // 4]
        fleet.produce([(job['account'], job) for job in early])
        wait_for('the first jobs are ingested', lambda: sum(fleet.counts().values()) >= len(early) * 9 // 10, 60)
        fleet.produce([(job['account'], job) for job in jobs[len(early):]])
        kill_at_random(fleet, programs, chance, KILLS, killed)
        ids = [job['job_id'] for job in jobs]
        states = fleet.wait_ends(ids, 400, ENDS + ('UNSURE',))
        unsure = check_ledger(fleet, jobs, states)
        # a call whose answer nobody heard is UNSURE; so is one whose worker died with the answer in its hands
        assert {job_id for job_id, lines in lines_by_job(fleet).items()
                if not all(line['answered'] for line in lines)} <= set(unsure)
        told = check_unsure(fleet, unsure, killed)
        print(json.dumps(dict(figures(fleet, jobs, states), kills=len(killed), seed=SEED)))
        print('UNSURE: %d\n  %s' % (len(told), '\n  '.join(told)))
        wait_for('the outbox is empty', lambda: fleet.redis('XLEN', fleet.key('outbox')) == 0)
        ends, repeats = end_events(fleet)
        for job_id in ids:
            assert len(ends[job_id]) == (0 if states[job_id] == 'UNSURE' else 1), (job_id, ends[job_id])
        print('repeated end events: %d' % repeats)
        slots = set(fleet.redis('ZRANGE', fleet.key('slots'), 0, -1))
        assert slots == set(unsure), (slots, unsure)
        assert fleet.redis('ZCARD', fleet.key('open')) == 0
