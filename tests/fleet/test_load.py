# SPDX-License-Identifier: Apache-2.0
"""2,000 mixed jobs over 200 accounts through 3 workers and 2 pollers: each posted once, within every limit."""
import json
import os

from harness import Fleet, wait_for
from witness import check_ledger, end_events, figures, mixed_jobs

JOBS = int(os.environ.get('TOKFLEET_TEST_JOBS', 2000))
SCALED = {'limit_window_ms': 3000, 'poll_first_ms': 200, 'poll_interval_ms': 400, 'lease_ms': 4000,
          'tiktok_timeout_ms': 1500, 'heartbeat_ms': 400, 'reap_interval_ms': 200, 'retry_delay_ms': 200,
          'unsure_looks': 0}  # a doubt stays one: what makes it one is what is tested
SIM = ['--window-ms', '3000', '--processing-ms', '3:500-2000,1:2000-5000', '--seed', '7']


def test_two_thousand_mixed_jobs_are_each_posted_once_within_every_limit():
    with Fleet(SCALED, sim=SIM, accounts=JOBS // 10) as fleet:
        fleet.start_programs(workers=3, pollers=2)
        aliases = fleet.add_accounts()
        jobs = mixed_jobs(JOBS, aliases)
        fleet.produce([(job['account'], job) for job in jobs])
        states = fleet.wait_ends([job['job_id'] for job in jobs], 300)
        unsure = check_ledger(fleet, jobs, states)
        print(json.dumps(figures(fleet, jobs, states)))
        assert not unsure
        wait_for('the outbox is empty', lambda: fleet.redis('XLEN', fleet.key('outbox')) == 0)
        ends, repeats = end_events(fleet)
        assert all(len(ends[job['job_id']]) == 1 for job in jobs), \
            {k: v for k, v in ends.items() if len(v) != 1}
        print('repeated end events: %d' % repeats)
        assert fleet.redis('ZCARD', fleet.key('slots')) == 0
        assert fleet.redis('ZCARD', fleet.key('open')) == 0
