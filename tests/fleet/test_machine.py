# SPDX-License-Identifier: Apache-2.0
"""What the machine does to programs: a clock that jumps (libfaketime, never the machine's own), no file descriptors left,
no memory, a full disk under the log."""
import contextlib
import json
import os
import pathlib
import re
import resource
import signal
import socket
import subprocess
import time

import pytest
from harness import BUILD, ENDS, Fleet, video, wait_for
from test_gate import GATED, gate_opened
from test_load import SIM
from witness import check_ledger, mixed_jobs

FAKETIME = [path for path in pathlib.Path('/usr/lib').glob('*/faketime/libfaketimeMT.so.1')]
HOUR_S = 3600


def start_with(fleet, kind, name, **keywords):
    """A program of the fleet that is started differently."""
    environment = dict(fleet.environment, **keywords.pop('environment', {}))
    log = keywords.pop('log', fleet.dir / (name + '.log'))
    with open(log, 'ab') as out:
        fleet.processes[name] = subprocess.Popen([str(BUILD / kind / ('tokfleet-' + kind))], env=environment, stdout=out,
                                                 stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, **keywords)
    return fleet.processes[name]


class FakeClock:
    """CLOCK_REALTIME of the programs that are started with its environment; their monotonic clock goes on as it is."""

    def __init__(self, folder):
        self.file = folder / 'clock'
        self.set(0)
        shim = BUILD / 'tests/fleet/libcnd_timedwait.so'
        self.environment = {'LD_PRELOAD': '%s %s' % (shim, FAKETIME[0]), 'FAKETIME_TIMESTAMP_FILE': str(self.file),
                            'FAKETIME_NO_CACHE': '1', 'FAKETIME_DONT_FAKE_MONOTONIC': '1', 'DONT_FAKE_MONOTONIC': '1'}

    def set(self, seconds):
        temp = self.file.with_suffix('.new')
        temp.write_text('%+d\n' % seconds)
        temp.rename(self.file)


@pytest.fixture(autouse=True)
def fixture_not_sanitized():
    if 'asan' in BUILD.name:
        pytest.skip('under a sanitizer neither the memory nor the library before it is what it is without')


@pytest.mark.skipif(not FAKETIME, reason='SKIPPED: no libfaketime here (Debian: faketime)')
def test_a_clock_that_jumps_an_hour_forth_and_back_loses_nothing():
    with Fleet(GATED, sim=SIM, accounts=24) as fleet:
        clock = FakeClock(fleet.dir)
        start_with(fleet, 'worker', 'worker-jumps', environment=clock.environment)
        start_with(fleet, 'poller', 'poller-jumps', environment=clock.environment)
        wait_for('the gate is open', lambda: fleet.redis('HGET', fleet.key('gate'), 'state') == 'open')
        jobs = mixed_jobs(168, fleet.add_accounts())
        for i, seconds in enumerate((0, HOUR_S, -HOUR_S, 0, HOUR_S, -HOUR_S, 0)):
            clock.set(seconds)
            fleet.produce([(job['account'], job) for job in jobs[i * 24:(i + 1) * 24]])
            wait_for('jobs go on', lambda: len(fleet.ledger()) >= 24 * i, 60)
        assert not check_ledger(fleet, jobs, fleet.wait_ends([job['job_id'] for job in jobs], 120))
        # a poller whose clock is not Redis' must not open the gate: leases would end at another moment for it
        clock.set(HOUR_S)
        fleet.redis('FLUSHALL')
        wait_for('it says why the gate stays closed', lambda: 'clocks' in (fleet.dir / 'poller-jumps.log').read_text(), 30)
        assert fleet.redis('HGET', fleet.key('gate'), 'state') != 'open'
        clock.set(0)
        gate_opened(fleet, 2)
        assert fleet.stats()['doubled'] == 0


@pytest.mark.skipif(not FAKETIME, reason='SKIPPED: no libfaketime here (Debian: faketime)')
def test_a_worker_whose_clock_is_a_month_ahead_claims_nothing_until_it_is_right():
    """Its records would make ends of today look long forgotten, and a Redis that forgot would have their jobs sent again."""
    with Fleet(GATED, sim=SIM, accounts=1) as fleet:
        clock = FakeClock(fleet.dir)
        clock.set(40 * 24 * HOUR_S)
        fleet.start_program('poller')
        start_with(fleet, 'worker', 'worker-ahead', environment=clock.environment)
        log = fleet.dir / 'worker-ahead.log'
        wait_for('it says so', lambda: "clock is not Redis'" in log.read_text(), 30)
        alias, = fleet.add_accounts()
        fleet.produce([video('one', alias)])
        wait_for('the job is taken in', lambda: fleet.job('one').get('state') == 'QUEUED', 30)
        time.sleep(2)
        assert fleet.job('one')['state'] == 'QUEUED' and not fleet.ledger()
        clock.set(0)
        assert fleet.wait_ends(['one'], 30) == {'one': 'PUBLISHED'}
        fleet.redis('FLUSHALL')
        gate_opened(fleet, 2)
        assert fleet.job('one')['state'] == 'PUBLISHED' and len(fleet.ledger()) == 1


def address_space(process):
    """Of its status, in bytes."""
    text = pathlib.Path('/proc/%d/status' % process.pid).read_text()
    return int([line for line in text.splitlines() if line.startswith('VmSize:')][0].split()[1]) * 1024


def descriptors(process):
    return len(os.listdir('/proc/%d/fd' % process.pid))


def squeeze(process, limit, value):
    resource.prlimit(process.pid, limit, (value, resource.prlimit(process.pid, limit)[1]))


def demand(process, log):
    """Memory of it: bodies of requests to its port, which are kept until they are whole and never are."""
    port = int(re.search(r'"http_port":"?(\d+)', log.read_text()).group(1))
    held = []
    with contextlib.suppress(OSError):
        for _ in range(60):
            held.append(socket.create_connection(('127.0.0.1', port), timeout=5))
            held[-1].sendall(b'POST /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 65000\r\n\r\n' + b'x' * 64000)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(20)
    for each in held:
        each.close()


def test_workers_without_descriptors_memory_or_a_disk_for_their_log_lose_nothing():
    with Fleet(GATED, sim=SIM, accounts=24) as fleet:
        full = start_with(fleet, 'worker', 'worker-full', log='/dev/full')
        few = start_with(fleet, 'worker', 'worker-few')
        small = start_with(fleet, 'worker', 'worker-small')
        start_with(fleet, 'poller', 'poller-full', log='/dev/full')
        wait_for('the gate is open', lambda: fleet.redis('HGET', fleet.key('gate'), 'state') == 'open')
        jobs = mixed_jobs(192, fleet.add_accounts())
        ids = [job['job_id'] for job in jobs]
        fleet.produce([(job['account'], job) for job in jobs[:96]])
        wait_for('posts are under way', lambda: len(fleet.ledger()) > 12, 60)
        squeeze(few, resource.RLIMIT_NOFILE, descriptors(few))
        squeeze(small, resource.RLIMIT_AS, address_space(small))
        fleet.produce([(job['account'], job) for job in jobs[96:]])
        demand(small, fleet.dir / 'worker-small.log')
        assert small.poll() == -signal.SIGABRT, small.returncode
        last = (fleet.dir / 'worker-small.log').read_text().splitlines()[-1]
        assert last.startswith('out of memory: '), last
        start_with(fleet, 'worker', 'worker-again')
        time.sleep(3)
        assert few.poll() is None and full.poll() is None
        squeeze(few, resource.RLIMIT_NOFILE, 1024)
        states = fleet.wait_ends(ids, 120, ENDS + ('UNSURE',))
        unsure = check_ledger(fleet, jobs, states)
        print(json.dumps({'unsure': {job_id: len(lines) for job_id, lines in unsure.items()}}))
        # only what the one that died had open may be in doubt
        for job_id in unsure:
            timeline = ' '.join(fleet.redis('LRANGE', fleet.key('log:' + job_id), 0, -1))
            assert '-%d' % small.pid in timeline, timeline
        for process in (few, full):
            process.terminate()
            assert process.wait(40) == 0
