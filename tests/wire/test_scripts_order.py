# SPDX-License-Identifier: Apache-2.0
"""Rules that need more than one step of one script: epochs over all of a fleet's life, a server that was a replica in
between, a slot for as long as its post goes on."""
from redis_scripts import fleet, make_fleet, scripts, server  # noqa: F401
from test_scripts_gate import TAKER, take


def number(epoch):
    return tuple(int(part) for part in epoch.split('-'))


def forget(fleet, generation):
    """The Redis of a fleet is emptied, and the gate opens anew."""
    fleet.redis('FLUSHALL')
    fleet.marks, fleet.offset = {}, {}
    assert take(fleet)[0] == 'OK'
    assert fleet.run('gate_open', taker=TAKER, generation=generation) == ['OK']
    fleet.account()


def test_no_epoch_comes_twice_and_each_fences_those_before_it(make_fleet):
    fleet = make_fleet(lease__ms=1)
    fleet.account()
    claims = []
    for generation in '1', '2', '3':
        if generation != '1':
            forget(fleet, generation)
        fleet.ingest('one')
        fleet.ingest('two')
        for _ in range(3):
            for claimed in fleet.claim(), fleet.claim():
                epoch, job_id = claimed['epoch'], claimed['job_id']
                assert epoch not in [c['epoch'] for c in claims], '%s came twice' % epoch
                assert all(number(epoch) > number(c['epoch']) for c in claims), (epoch, claims)
                for old in claims:
                    assert fleet.sending(dict(old, job_id=job_id)) == ['FENCED'], (old, epoch)
                claims.append(claimed)
            fleet.wait(3)
            assert fleet.run('reap', poller='poller-1', count=10)[:2] == ['OK', 2]
            for job_id in 'one', 'two':
                reaped = fleet.job(job_id)['epoch']
                assert all(number(reaped) > number(c['epoch']) for c in claims), (reaped, claims)
    fleet.check()


def test_a_server_that_was_a_replica_in_between_answers_gate(fleet):
    """There and back within seconds: process and run_id are the same, and another one may have accepted since."""
    fleet.ingest('one')
    fleet.ingest('two')
    claimed = fleet.claim()
    before = fleet.space()
    fleet.redis('REPLICAOF', '127.0.0.1', 1)  # where nobody is: it keeps what it holds
    fleet.redis('REPLICAOF', 'NO', 'ONE')
    assert fleet.sending(claimed) == ['GATE']
    assert fleet.claim() == ['GATE']
    assert fleet.run('reap', poller='poller-1', count=10) == ['GATE']
    assert fleet.space().values == before.values
    assert take(fleet)[0] == 'OK'
    assert fleet.run('gate_open', taker=TAKER, generation='2') == ['OK']
    assert fleet.claim()['job_id'] == 'two'


def test_a_slot_is_held_for_as_long_as_the_post_goes_on(make_fleet):
    """The work is remote: neither the lease nor the windows end it."""
    fleet = make_fleet(lease__ms=20, limit__window_ms=20, limit__in_flight=3)
    for i in range(4):
        fleet.account('u%d' % i)
    _, polled = fleet.to_processing('processing', 'u0')
    doubt = fleet.to_sending('doubt', 'u1')
    fleet.refuse(doubt, 'DOUBT', arrived=-1)
    fleet.ingest('sending', 'u2')
    fleet.sending(fleet.claim())
    fleet.ingest('next', 'u3')
    for _ in range(3):
        fleet.wait(50)
        assert fleet.claim() == ['FULL', 'slots'], 'a slot was given away'
        assert set(fleet.check().get('slots')) == {'processing', 'doubt', 'sending'}
        assert fleet.run('reap', poller='poller-1', count=10)[2] == 0
    assert fleet.state('sending') == 'UNSURE'
    fleet.finish(polled, 'COMPLETE', post_id='7')
    assert fleet.claim()['job_id'] == 'next'
    fleet.check()
