#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How long an empty Redis takes to be told what Kafka knows: N ended jobs in the journal and their messages on the topic,
on a real Apache Kafka (Java and Maven). Prints a table, one row a size.

usage: rebuild.py [N ...]      default 10000 100000"""
import hashlib
import json
import pathlib
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / 'fleet'))
import real_kafka as real  # noqa: E402
from harness import video, wait_for  # noqa: E402


def fill(fleet, count, aliases):
    """As a fleet leaves it: an INTENT, an INITED and an end of each job, under one attempt key and one end key."""
    now = int(time.time() * 1000) - 3600 * 1000
    accounts = [json.loads(line)['open_id'] for line in fleet.accounts_file.read_text().splitlines()]
    journal, jobs = [], []
    for i in range(count):
        job_id, open_id = 'old-%06d' % i, accounts[i % len(accounts)]
        epoch = '1-%d' % (i + 1)
        attempt = {'v': 1, 'kind': 'INITED', 'job_id': job_id, 'epoch': epoch, 'attempt': 1, 'account': open_id,
                   'mode': 'direct', 'at': now, 'publish_id': 'v_pub_url~v2-1.%d' % (7 * 10 ** 18 + i), 'upload': None,
                   'why': None}
        event = {'v': 1, 'event_id': '%s/%s/PUBLISHED' % (job_id, epoch), 'job_id': job_id, 'epoch': epoch, 'time': now,
                 'state': 'PUBLISHED', 'event': 'COMPLETE', 'account': open_id, 'attempt': 1,
                 'publish_id': attempt['publish_id'], 'post_id': str(7 * 10 ** 18 + i)}
        end = {'v': 1, 'job_id': job_id, 'epoch': epoch, 'state': 'PUBLISHED', 'at': now, 'source': '', 'event': event}
        journal += [('attempt/%s/%s' % (job_id, epoch), attempt), ('end/%s/%s/PUBLISHED' % (job_id, epoch), end)]
        jobs.append((open_id, video(job_id, aliases[i % len(aliases)])))
    for start in range(0, len(journal), 20000):
        fleet.produce(journal[start:start + 20000], topic='journal')
    for start in range(0, len(jobs), 20000):
        fleet.produce(jobs[start:start + 20000])


def measure(count):
    settings = {'gate_wait_ms': 0, 'limit_window_ms': 1000}
    with real.OnRealKafka(settings, accounts=50) as fleet:
        poller = fleet.start_program('poller')
        wait_for('the gate is open', lambda: fleet.redis('HGET', fleet.key('gate'), 'state') == 'open')
        aliases = fleet.add_accounts()
        fleet.stop_program(poller)
        fill(fleet, count, aliases)
        fleet.redis('FLUSHALL')
        began = time.monotonic()
        fleet.start_program('poller')
        wait_for('the gate is open', lambda: fleet.redis('HGET', fleet.key('gate'), 'state') == 'open', 900)
        opened = time.monotonic() - began
        memory = int(dict(line.split(':', 1) for line in fleet.redis('INFO', 'memory').splitlines() if ':' in line)
                     ['used_memory'])
        process = pathlib.Path('/proc/%d/status' % fleet.processes['poller-2'].pid).read_text()
        peak = int([line for line in process.splitlines() if line.startswith('VmHWM')][0].split()[1])
        began = time.monotonic()
        fleet.start_program('worker')

        def ingested():
            marks = fleet.redis.hash(fleet.key('watermark'))
            return sum(int(mark.split()[0]) for mark in marks.values()) == count
        wait_for('every message is read again', ingested, 900, 0.2)
        read = time.monotonic() - began
        assert fleet.counts() == {'PUBLISHED': count}, fleet.counts()
        assert fleet.ledger() == [], 'something was posted again'
        return opened, read, memory, peak


def main():
    libs = subprocess.run([sys.executable, str(real.KAFKA), 'fetch', '--libs', str(real.LIBS)])
    if libs.returncode:
        sys.exit('rebuild.py: no real Kafka (Java and Maven are needed)')
    print('%10s %14s %16s %14s %14s' % ('jobs', 'gate opens (s)', 'topic again (s)', 'Redis (MB)', 'poller (MB)'))
    for count in [int(a) for a in sys.argv[1:]] or [10000, 100000]:
        opened, read, memory, peak = measure(count)
        print('%10d %14.1f %16.1f %14.1f %14.1f' % (count, opened, read, memory / 1e6, peak / 1e3), flush=True)


if __name__ == '__main__':
    main()
