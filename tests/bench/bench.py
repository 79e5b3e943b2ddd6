#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a job costs: CPU of each program, Redis' share by script, memory, jobs a second, delays; and beside it, in the same
run against the same simulator, a bare loop that makes the same requests and keeps nothing: the floor. Prints a table and
writes JSON. Started by tests/bench/run, which builds first.

Absolute figures differ between machines and moments: quote the ratios."""
import argparse
import collections
import hashlib
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / 'fleet'), str(TESTS / 'wire')]
from harness import BUILD, Fleet, video, wait_for  # noqa: E402
from redis_scripts import Scripts  # noqa: E402

TICKS = os.sysconf('SC_CLK_TCK')
ACCOUNTS = 2000
SETTINGS = {'limit_window_ms': 1000, 'poll_first_ms': 50, 'poll_interval_ms': 50, 'unsure_looks': 0, 'log_level': 'info'}
SIM = ['--window-ms', '1000', '--limit-day-posts', '0', '--processing-ms', '0', '--calls-kept', '10']
PROGRAMS = ('worker', 'poller', 'redis', 'kafka-sim', 'tiktok-sim')


def cpu_s(pid):
    """user and system seconds of a process so far, with all of its threads"""
    run_ns = 0
    for task in pathlib.Path('/proc/%d/task' % pid).iterdir():
        run_ns += int((task / 'schedstat').read_text().split()[0])
    return run_ns / 1e9


def rss_mib(pid):
    text = pathlib.Path('/proc/%d/status' % pid).read_text()
    return int(re.search(r'VmRSS:\s+(\d+)', text).group(1)) / 1024


def pids(fleet):
    """a program of each kind, by the name that figures have"""
    return {name.removesuffix('-1'): process.pid for name, process in fleet.processes.items()}


def cpu_of(fleet):
    return {name: cpu_s(pid) for name, pid in pids(fleet).items()}


def memory_of(fleet):
    return {name: rss_mib(pid) for name, pid in pids(fleet).items()}


def start(settings=None, sim=SIM):
    fleet = Fleet(dict(SETTINGS, **(settings or {})), sim=sim, accounts=ACCOUNTS)
    fleet.__enter__()
    try:
        fleet.start_programs(workers=1, pollers=1)
        fleet.aliases = fleet.add_accounts()
    except BaseException:
        fleet.__exit__(*sys.exc_info())
        raise
    return fleet


def jobs_of(fleet, count, prefix):
    return [(fleet.aliases[i % ACCOUNTS], video('%s-%06d' % (prefix, i), fleet.aliases[i % ACCOUNTS])) for i in range(count)]


def ended(fleet):
    counts = fleet.counts()
    return sum(counts.get(state, 0) for state in ('PUBLISHED', 'FAILED', 'REJECTED', 'UNSURE', 'EXPIRED'))


def redis_info(fleet, section):
    return dict(line.split(':', 1) for line in fleet.redis('INFO', section).split('\r\n') if ':' in line)


# ---- parts

def bare_loop(fleet, count, at_a_time=64):
    done = subprocess.run([BUILD / 'tests/bench/bare-loop', fleet.sim_url, fleet.accounts_file, str(count), str(at_a_time),
                           str(SETTINGS['poll_first_ms'])], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def warm(fleet, count=500):
    fleet.produce(jobs_of(fleet, count, 'warm'))
    wait_for('the first jobs have ended', lambda: ended(fleet) >= count, 120)
    wait_for('their events are on Kafka', lambda: fleet.redis('XLEN', fleet.key('outbox')) == 0)


def throughput(fleet, count):
    """All jobs put on Kafka at once; CPU from then until the last event has left."""
    before, base = ended(fleet), cpu_of(fleet)
    fleet.redis('CONFIG', 'RESETSTAT')
    messages = jobs_of(fleet, count, 'run')
    began = time.monotonic()
    fleet.produce(messages)
    wait_for('%d jobs have ended' % count, lambda: ended(fleet) >= before + count, 900, 0.1)
    wall = time.monotonic() - began
    wait_for('their events are on Kafka', lambda: fleet.redis('XLEN', fleet.key('outbox')) == 0)
    spent = {name: seconds - base[name] for name, seconds in cpu_of(fleet).items()}
    stats = fleet.stats()
    assert stats['doubled'] == 0 and stats['breaches']['total'] == 0, stats
    return {'jobs': count, 'wall_s': wall, 'jobs_s': count / wall, 'max_in_flight': stats['max_in_flight'],
            'cpu_us_job': {name: spent[name] * 1e6 / count for name in PROGRAMS},
            'states': {k: v for k, v in fleet.counts().items() if v}}


def script_names():
    """sha1 of each script's text, as the build makes it"""
    with tempfile.TemporaryDirectory() as folder:
        return {hashlib.sha1(text.encode()).hexdigest(): name for name, text in Scripts(folder).texts.items()}


def scripts(fleet, count):
    """Microseconds in Redis of each script, by its slow log, over `count` jobs."""
    fleet.redis('CONFIG', 'SET', 'slowlog-max-len', 1000000)
    fleet.redis('SLOWLOG', 'RESET')
    fleet.redis('CONFIG', 'SET', 'slowlog-log-slower-than', 0)
    before = ended(fleet)
    fleet.produce(jobs_of(fleet, count, 'slow'))
    wait_for('%d jobs have ended' % count, lambda: fleet.redis('SLOWLOG', 'LEN') and ended(fleet) >= before + count, 300, 0.5)
    wait_for('their events are on Kafka', lambda: fleet.redis('XLEN', fleet.key('outbox')) == 0)
    fleet.redis('CONFIG', 'SET', 'slowlog-log-slower-than', -1)
    names, spent, calls = script_names(), collections.Counter(), collections.Counter()
    for entry in fleet.redis('SLOWLOG', 'GET', -1):
        words = entry[3]
        # what scripts call is in their own time; the relay reads the outbox by itself
        if words[0].upper() not in ('EVALSHA', 'XRANGE'):
            continue
        name = names.get(words[1], 'another script') if words[0].upper() == 'EVALSHA' else 'XRANGE'
        spent[name] += int(entry[2])
        calls[name] += 1
    total = sum(spent.values())
    return {'us_job': total / count,
            'by_script': {name: {'calls_job': calls[name] / count, 'us_call': us / calls[name], 'us_job': us / count,
                                 'share': us / total} for name, us in spent.most_common()}}


def delays(fleet, count):
    """One job at a time through an idle fleet: from its time on Kafka to TikTok's init, from TikTok's end to ours."""
    to_init, to_end = [], []
    for i in range(count):
        job_id = 'single-%04d' % i
        fleet.produce([(fleet.aliases[i % ACCOUNTS], video(job_id, fleet.aliases[i % ACCOUNTS]))])
        wait_for('a job has ended', lambda: fleet.job(job_id).get('state') == 'PUBLISHED', 60, 0.02)
        record = fleet.job(job_id)
        line = json.loads(fleet.sim('ledger?after=%d&limit=1' % (fleet.stats()['inits'] - 1)).splitlines()[-1])
        assert line['publish_id'] == record['publish_id'], (line, record)
        to_init.append(line['time_ms'] - int(record['t_message']))
        to_end.append(int(record['t_end']) - line['end_ms'])
    return {'post_to_init_ms': spread(to_init), 'end_to_ours_ms': spread(to_end)}


def spread(values):
    values = sorted(values)
    return {'median': statistics.median(values), 'p90': values[int(len(values) * 0.9)], 'max': values[-1]}


def queued(counts):
    """Memory with so many jobs waiting in the queues of a fleet that is paused."""
    rows = []
    fleet = start()
    try:
        done = fleet.cli('pause')
        assert done.returncode == 0, done.stderr
        base, there = int(redis_info(fleet, 'memory')['used_memory']), 0
        rows.append({'jobs': 0, 'rss_mib': memory_of(fleet)})
        for count in counts:
            for begin in range(there, count, 20000):
                fleet.produce(jobs_of(fleet, count, 'wait')[begin:min(begin + 20000, count)])
            wait_for('%d jobs are queued' % count, lambda: fleet.counts().get('QUEUED', 0) >= count, 600, 0.2)
            wait_for('their events are on Kafka', lambda: fleet.redis('XLEN', fleet.key('outbox')) == 0, 300)
            there = count
            used = int(redis_info(fleet, 'memory')['used_memory']) - base
            message = statistics.mean(fleet.redis('MEMORY', 'USAGE', fleet.key('message:wait-%06d' % i))
                                      for i in range(0, count, count // 200 or 1))
            rows.append({'jobs': count, 'rss_mib': memory_of(fleet), 'redis_bytes_job': used / count,
                         'message_bytes': message, 'besides_message_bytes': used / count - message})
    except BaseException:
        fleet.__exit__(*sys.exc_info())
        raise
    fleet.__exit__(None, None, None)
    return rows


# ---- the table

def table(result):
    run, bare = result['run'], result['bare']
    floor = bare['cpu_us_job']
    lines = ['%d jobs, %d accounts, one worker and one poller, %d cores shared by everything' %
             (run['jobs'], ACCOUNTS, os.cpu_count()), '',
             'jobs a second, end to end  %8.0f     (most in flight %d)' % (run['jobs_s'], run['max_in_flight']), '',
             'CPU of one job                   us   of the bare loop']
    cpu = run['cpu_us_job']
    rows = [('bare loop, %.1f status calls' % bare['status_calls_job'], floor), ('worker', cpu['worker']),
            ('poller', cpu['poller']), ('worker and poller', cpu['worker'] + cpu['poller']), ('redis-server', cpu['redis']),
            ('kafka-sim', cpu['kafka-sim']), ('tiktok-sim', cpu['tiktok-sim'])]
    lines += ['  %-26s %8.0f   %6.2f' % (name, us, us / floor) for name, us in rows]
    lines += ['', 'in Redis                  us a call  calls a job  us a job   share']
    lines += ['  %-22s %9.1f  %11.2f  %8.1f  %5.1f%%' % (name, row['us_call'], row['calls_job'], row['us_job'],
                                                          100 * row['share'])
              for name, row in result['scripts']['by_script'].items() if row['share'] > 0.004]
    lines += ['  %-22s %9s  %11s  %8.1f' % ('all', '', '', result['scripts']['us_job'])]
    lines += ['', 'one job in an idle fleet             median      p90      max']
    for name, key in (('from Kafka to the init, ms', 'post_to_init_ms'), ("from TikTok's end to ours, ms", 'end_to_ours_ms')):
        d = result['delays'][key]
        lines += ['  %-32s %8.0f %8.0f %8.0f' % (name, d['median'], d['p90'], d['max'])]
    if result['queued']:
        lines += ['', 'queued jobs     worker    poller   Redis bytes a job, and without its message']
        for row in result['queued']:
            lines += ['  %9d %6.1f MiB %6.1f MiB' % (row['jobs'], row['rss_mib']['worker'], row['rss_mib']['poller']) +
                      ('   %8.0f %8.0f' % (row['redis_bytes_job'], row['besides_message_bytes']) if row['jobs'] else '')]
    return '\n'.join(lines)


def main():
    parser = argparse.ArgumentParser(prog='tests/bench/run', description=__doc__.split('\n\n')[0],
                                     epilog='Absolute figures differ between machines and moments: quote the ratios.')
    parser.add_argument('--jobs', type=int, default=20000, help='through the fleet, and through the bare loop (20000)')
    parser.add_argument('--queued', default='10000,100000', help="sizes of the queue, by commas; '' for none")
    parser.add_argument('--json', type=pathlib.Path, help='write the figures there, too')
    options = parser.parse_args()
    result = {'build': BUILD.name, 'cores': os.cpu_count(), 'settings': SETTINGS}
    fleet = start()
    try:
        warm(fleet)
        bares = [bare_loop(fleet, options.jobs // 2)]
        result['run'] = throughput(fleet, options.jobs)
        bares.append(bare_loop(fleet, options.jobs // 2))  # before and after: the machine's speed drifts
        jobs = sum(b['jobs'] for b in bares)
        result['bare'] = {'jobs': jobs, 'cpu_us_job': sum(b['cpu_s'] for b in bares) * 1e6 / jobs,
                          'status_calls_job': sum(b['status_calls'] for b in bares) / jobs}
        result['scripts'] = scripts(fleet, max(1000, options.jobs // 10))
        result['delays'] = delays(fleet, 40)
    except BaseException:
        fleet.__exit__(*sys.exc_info())
        raise
    fleet.__exit__(None, None, None)
    result['queued'] = queued([int(n) for n in options.queued.split(',') if n])
    print(table(result))
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + '\n')


if __name__ == '__main__':
    main()
