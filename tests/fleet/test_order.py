# SPDX-License-Identifier: Apache-2.0
"""The order of steps, one rule a test: Kafka before Redis before TikTok, the outbox until Kafka has it, the watermark
with its job, the gate's wait, the newest attempt, and no answer is no refusal."""
import contextlib
import json
import socket
import time

from harness import Fleet, video, wait_for

QUICK = {'limit_window_ms': 1000, 'poll_first_ms': 100, 'poll_interval_ms': 200, 'lease_ms': 8000,
         'tiktok_timeout_ms': 1500, 'heartbeat_ms': 300, 'reap_interval_ms': 200, 'retry_delay_ms': 200,
         'kafka_send_timeout_ms': 3000, 'gate_wait_ms': 500, 'gate_lease_ms': 5000}
SIM = ['--window-ms', '1000', '--processing-ms', '300', '--seed', '7']


def kafka(fleet, line):
    """A word to kafka-sim."""
    with socket.socket(socket.AF_UNIX) as link:
        link.connect(str(fleet.kafka_control))
        with link.makefile('rw') as stream:
            stream.write(line + '\n')
            stream.flush()
            for text in stream:
                assert not text.startswith('error'), text
                if text == 'ok\n':
                    return
    raise AssertionError('kafka-sim hung up')


def timeline(fleet, job_id):
    """(at, epoch, state entered), oldest first"""
    lines = [line.split('\t') for line in fleet.redis('LRANGE', fleet.key('log:' + job_id), 0, -1)]
    return [(int(line[0]), line[1], line[4]) for line in lines]


def job_of(line):
    return line['media'][0].rsplit('/', 1)[1].rsplit('.', 1)[0]


def records(fleet, topic='journal'):
    """(key, value) of each record, in no order"""
    return [(r['key'], json.loads(r['payload'])) for r in fleet.consume(topic) if r['payload']]


def test_no_job_is_sending_before_kafka_has_its_intent():
    rtt_ms, clocks_ms = 300, 20  # a program's clock may be that of the turn of its loop
    with Fleet(QUICK, sim=SIM, accounts=4) as fleet:
        fleet.start_programs(pollers=1)
        aliases = fleet.add_accounts()
        ids = ['job-%d' % i for i in range(8)]
        kafka(fleet, 'rtt all %d' % rtt_ms)
        fleet.produce([video(job_id, aliases[i % 4]) for i, job_id in enumerate(ids)])
        assert set(fleet.wait_ends(ids, 60).values()) == {'PUBLISHED'}
        kafka(fleet, 'rtt all 0')
        # nothing overwrites a record in kafka-sim: the INTENT is there beside the INITED
        intents = {key: value['at'] for key, value in records(fleet) if value.get('kind') == 'INTENT'}
        assert len(fleet.ledger()) == len(ids)
        for line in fleet.ledger():
            job_id = job_of(line)
            for sending_at, epoch in [(at, epoch) for at, epoch, state in timeline(fleet, job_id) if state == 'SENDING']:
                confirmed = intents['attempt/%s/%s' % (job_id, epoch)] + rtt_ms
                assert sending_at >= confirmed - clocks_ms, '%s was SENDING %d ms before its INTENT was confirmed' % (
                    job_id, confirmed - sending_at)
            assert line['time_ms'] >= sending_at - clocks_ms, '%s was sent before it was SENDING' % job_id


@contextlib.contextmanager
def no_journal(fleet):
    """Its partitions have no leader for a while."""
    def lead(broker):
        for partition in range(32):
            kafka(fleet, 'leader %s.journal %d %s' % (fleet.name, partition, broker))
    lead('none')
    try:
        yield
    finally:
        lead('1')


def test_without_kafka_nothing_is_sending_and_nothing_is_posted():
    """Brokers that can be reached, and a journal that cannot be written: a worker that knows of no trouble claims."""
    with Fleet(QUICK, sim=SIM, accounts=4) as fleet:
        fleet.start_programs()
        aliases = fleet.add_accounts()
        ids = ['job-%d' % i for i in range(8)]

        def given_back():
            return fleet.ledger() or all(
                [state for _, _, state in timeline(fleet, job_id)][1:3] == ['CLAIMED', 'QUEUED'] for job_id in ids)
        with no_journal(fleet):
            fleet.produce([video(job_id, aliases[i % 4]) for i, job_id in enumerate(ids)])
            wait_for('each is claimed and given back', given_back, 30)
            time.sleep(1)
            assert not fleet.ledger(), '%s was sent without Kafka' % job_of(fleet.ledger()[0])
            for job_id in ids:
                entered = {state for _, _, state in timeline(fleet, job_id)}
                assert entered == {'QUEUED', 'CLAIMED'}, '%s was %s without Kafka' % (job_id, entered)
        assert set(fleet.wait_ends(ids, 60).values()) == {'PUBLISHED'}
        assert sorted(map(job_of, fleet.ledger())) == ids


def test_the_outbox_keeps_an_event_until_kafka_has_it_whoever_dies():
    with Fleet(QUICK, sim=SIM, accounts=2) as fleet:
        poller, _ = fleet.start_programs()
        aliases = fleet.add_accounts()
        ids = ['job-%d' % i for i in range(4)]
        fleet.produce([video(job_id, aliases[i % 2], url='https://cdn.example.com/stuck/%s.mp4' % job_id)
                       for i, job_id in enumerate(ids)])
        wait_for('they are at TikTok', lambda: set(fleet.states(ids).values()) == {'PROCESSING'})
        wait_for('the outbox is empty', lambda: not fleet.redis('XLEN', fleet.key('outbox')))
        kafka(fleet, 'down all')
        for line in fleet.ledger():
            fleet.sim('finish', {'publish_id': line['publish_id'], 'status': 'PUBLISH_COMPLETE'})
        fleet.wait_ends(ids, 30)
        time.sleep(1)  # the relay has read them, and may have given up once
        left = fleet.redis('XLEN', fleet.key('outbox'))
        assert left >= len(ids), '%d events left the outbox without Kafka' % (len(ids) - left)
        fleet.kill(poller).wait(10)
        kafka(fleet, 'up all')
        fleet.start_program('poller')
        wait_for('the outbox is empty', lambda: not fleet.redis('XLEN', fleet.key('outbox')), 30)
        told = {event['job_id'] for _, event in records(fleet, 'events') if event['state'] == 'PUBLISHED'}
        ended = {value['job_id'] for key, value in records(fleet) if key.startswith('end/')}
        assert told == ended == set(ids)


SNAPSHOT = '''
local passed, stored = 0, 0
for _, mark in ipairs(redis.call('HVALS', KEYS[1])) do passed = passed + tonumber(string.match(mark, '^%S+')) end
for _, state in ipairs({ 'QUEUED', 'REJECTED' }) do stored = stored + (redis.call('HGET', KEYS[2], state) or 0) end
return { passed, stored }
'''


def test_the_watermark_is_at_no_moment_past_a_job_that_is_not_there():
    """A worker that died at that moment would have lost it: nobody reads it again."""
    with Fleet(QUICK, sim=SIM, accounts=1) as fleet:
        fleet.start_programs()
        jobs = [video('job-%d' % i, '@nobody%d' % (i % 10)) for i in range(6000)]
        fleet.produce([(job['job_id'], job) for job in jobs])
        looks, passed = 0, 0
        end = time.monotonic() + 60
        while passed < len(jobs):
            passed, stored = fleet.redis('EVAL', SNAPSHOT, 2, fleet.key('watermark'), fleet.key('count'))
            assert passed == stored, 'past a job that is not there: %d messages, %d jobs' % (passed, stored)
            looks += 0 < passed < len(jobs)
            assert time.monotonic() < end, '%d of %d' % (passed, len(jobs))
        assert looks > 10, 'it was too quick to see anything'


def test_a_partition_without_a_watermark_is_read_after_trouble_with_kafka():
    """What is doubted after trouble is whether the topic still is that of the watermark: where there is none yet, and the
    first message has to go to Kafka first, it would be doubted anew at each second message, for ever."""
    with Fleet(QUICK, sim=SIM, accounts=1) as fleet:
        _, worker = fleet.start_programs()
        log = fleet.dir / (worker + '.log')
        wait_for('the worker has its partitions', lambda: '"partitions assigned"' in log.read_text(), 30)
        kafka(fleet, 'down all')
        wait_for('the worker has heard of it', lambda: '"kafka consumer"' in log.read_text(), 30)
        kafka(fleet, 'up all')
        bad = 50
        fleet.produce([('k', 'this is no job %d' % i) for i in range(bad)] + [('k', video('after', '@nobody'))])
        wait_for('what stands behind them is read', lambda: fleet.job('after').get('state') == 'QUEUED', 30)
        assert fleet.redis('HVALS', fleet.key('watermark'))[0].startswith('%d ' % (bad + 1))


def gate_of(fleet, generation, timeout_s=30):
    def look():
        gate = fleet.redis.hash(fleet.key('gate'))
        return gate.get('state') == 'open' and gate.get('generation') == generation and gate
    return wait_for('the gate opens as generation ' + generation, look, timeout_s)


def test_the_gate_waits_for_an_old_redis_and_a_window_more_for_an_empty_one():
    wait_ms = 1500
    with Fleet(dict(QUICK, gate_wait_ms=wait_ms), sim=SIM, accounts=1,
               redis_arguments=('--enable-debug-command', 'local')) as fleet:
        fleet.start_programs()
        alias, = fleet.add_accounts()
        fleet.produce([video('one', alias)])
        fleet.wait_ends(['one'], 30)
        for generation, least_ms, forget in (('2', wait_ms, ('DEBUG', 'CHANGE-REPL-ID')),
                                             ('3', wait_ms + QUICK['limit_window_ms'], ('FLUSHALL',))):
            fleet.redis(*forget)
            opened = int(gate_of(fleet, generation)['t_opened'])
            began = dict(records(fleet))['generation/' + generation]['at']
            assert opened - began >= least_ms, 'generation %s opened too soon: after %d ms of %d' % (
                generation, opened - began, least_ms)
        assert len(fleet.ledger()) == 1


def test_an_account_that_comes_while_the_gate_is_closed_is_known_when_it_is_open():
    """Its record is on Kafka after the gate has read the accounts, and whoever wrote it is gone by then."""
    with Fleet(dict(QUICK, gate_wait_ms=1500), sim=SIM, accounts=2) as fleet:
        poller, _ = fleet.start_programs()
        log = fleet.dir / (poller + '.log')
        first, second = fleet.accounts_file.read_text().splitlines()
        fleet.accounts_file.write_text(first + '\n')
        fleet.add_accounts()
        fleet.redis('FLUSHALL')
        wait_for('the journal was read once', lambda: 'wait until an old Redis cannot accept' in log.read_text(), 30)
        with no_journal(fleet):
            wait_for('the accounts were read', lambda: 'rest of the journal' in log.read_text(), 30)
            fleet.accounts_file.write_text(second + '\n')
            added = fleet.cli('account', 'add', '--timeout', '0', fleet.accounts_file)
            assert added.returncode != 0 and 'gate' in added.stderr, added.stdout + added.stderr
            assert fleet.redis('HGET', fleet.key('gate'), 'state') == 'closed'
        gate_of(fleet, '2')
        alias = json.loads(second)['alias']
        fleet.produce([video('one', alias)])
        assert fleet.wait_ends(['one'], 30) == {'one': 'PUBLISHED'}
        wait_for('nothing of the accounts is left', lambda: not fleet.redis('HEXISTS', fleet.key('gate'), 'accounts'))


def test_the_newest_publish_id_decides_when_redis_forgot():
    with Fleet(QUICK, sim=SIM, accounts=1) as fleet:
        fleet.start_programs()
        alias, = fleet.add_accounts()
        fleet.produce([video('one', alias, url='https://cdn.example.com/stuck/one.mp4')])

        def at_tiktok(posts):
            wait_for('it is at TikTok', lambda: len(fleet.ledger()) == posts and
                     fleet.job('one').get('publish_id') == fleet.ledger()[-1]['publish_id'], 30)
            return fleet.ledger()[-1]['publish_id']
        first = at_tiktok(1)
        fleet.sim('finish', {'publish_id': first, 'status': 'FAILED', 'fail_reason': 'internal'})
        second = at_tiktok(2)
        wait_for('the outbox is empty', lambda: not fleet.redis('XLEN', fleet.key('outbox')))
        fleet.redis('FLUSHALL')
        gate_of(fleet, '2')
        job = fleet.job('one')
        assert (job['state'], job['publish_id']) == ('PROCESSING', second), 'not the newest publish id: %s' % job
        fleet.sim('finish', {'publish_id': second, 'status': 'PUBLISH_COMPLETE'})
        assert fleet.wait_ends(['one'], 30) == {'one': 'PUBLISHED'}
        assert len(fleet.ledger()) == 2


def test_a_doubt_is_never_sent_again():
    faults = {'reset': {'do': 'effect_no_answer'}, 'hang': {'do': 'effect_hang'}, 'page': {'do': 'effect_then_status'},
              'half': {'do': 'broken_json'}, 'cut': {'do': 'truncate'}, 'down': {'do': 'status', 'http': 503}}
    with Fleet(dict(QUICK, unsure_looks=0), sim=SIM, accounts=len(faults)) as fleet:
        fleet.start_programs()
        aliases = fleet.add_accounts()
        for name, fault in faults.items():
            fleet.sim('fault', dict(fault, endpoint='video_init', url_contains='/%s.mp4' % name))
        fleet.produce([video(name, alias) for name, alias in zip(faults, aliases)])
        wait_for('every one is in doubt', lambda: set(fleet.states(faults).values()) == {'UNSURE'} or
                 len(fleet.ledger()) > len(faults) - 1, 30)
        time.sleep(1)  # more than the wait before a retry
        sent = [job_of(line) for line in fleet.ledger()]
        assert sorted(sent) == sorted(set(faults) - {'down'}), 'something was sent again: %s' % sent
        assert set(fleet.states(faults).values()) == {'UNSURE'}, 'something was sent again: %s' % fleet.states(faults)
        assert {fleet.job(name)['attempt'] for name in faults} == {'1'}
