# SPDX-License-Identifier: Apache-2.0
"""The scripts of the gate: taken by one, on one server, for as long as its lease lasts, and opened by nobody else."""
import pytest

from redis_scripts import RedisError, fleet, make_fleet, scripts, server  # noqa: F401

TAKER = 'poller-1#1'
ELSEWHERE = 'f' * 40
# each with a fleet in which it has something to do: see prepared()
NAMES = ['gate_keep', 'gate_open', 'gate_sweep', 'restore', 'restore_call', 'account', 'ingest']


def take(fleet, who=TAKER, lease_ms=10000):
    return fleet.run('gate_take', taker=who, lease_ms=lease_ms)


def close(fleet, lease_ms=10000):
    """Another server from now on, and its gate taken; the reply."""
    fleet.redis('DEBUG', 'CHANGE-REPL-ID')
    return take(fleet, lease_ms=lease_ms)


def restored(fleet, job_id='one', says='nothing', **more):
    return fleet.run('restore', **{**dict(taker=TAKER, generation='2', job_id=job_id, says=says), **more})


def prepared(fleet, name, lease_ms=10000):
    """A taken gate, and the arguments that make the script do something."""
    if name == 'gate_sweep':
        fleet.ingest('one')
        fleet.claim()
    elif name == 'account':
        fleet.ingest('waits', '@new')
    assert close(fleet, lease_ms)[0] == 'OK'
    if name == 'gate_keep':
        return dict(taker=TAKER, lease_ms=20000, step='journal', done=3, of=7)
    if name == 'gate_open':
        return dict(taker=TAKER, generation='2')
    if name == 'gate_sweep':
        return dict(taker=TAKER, generation='2', count=10)
    if name == 'restore':
        return dict(taker=TAKER, generation='2', job_id='one', says='processing', epoch='1-7', attempt='1', account='u1',
                    mode='direct', publish_id='v_pub~7', at=fleet.now())
    if name == 'restore_call':
        return dict(taker=TAKER, account='u1', epoch='1-7', mode='direct', job_id='one', at=fleet.now(), aborted=0)
    if name == 'account':
        return dict(taker=TAKER, open_id='u2', rev='3', alias='@new', sealed='s', scopes='video.publish', status='ok',
                    expires_at='99', refresh_expires_at='0', by='cli')
    return fleet.ingest_arguments('one', partition='', shown='', taker=TAKER)


def unchanged(fleet, name, arguments, reply):
    before = fleet.space()
    assert fleet.run(name, **arguments) == [reply]
    assert fleet.space().values == before.values


def refusal(name):
    return 'GATE' if name in ('account', 'ingest') else 'FENCED'


@pytest.mark.parametrize('name', NAMES)
def test_the_taker_of_the_gate_does_its_work(fleet, name):
    arguments = prepared(fleet, name)
    before = fleet.space()
    assert fleet.run(name, **arguments)[0] == 'OK'
    after = fleet.check()
    assert after.values != before.values
    assert after.get('gate')['state'] == ('open' if name == 'gate_open' else 'closed')


@pytest.mark.parametrize('name', NAMES)
def test_whoever_has_not_taken_the_gate_is_refused(fleet, name):
    arguments = prepared(fleet, name)
    for taker in ('poller-2#1', 'poller-1#2', ''):
        unchanged(fleet, name, dict(arguments, taker=taker), refusal(name))


@pytest.mark.parametrize('name', NAMES)
def test_the_taker_is_refused_on_another_server(fleet, name):
    arguments = prepared(fleet, name)
    fleet.key('HSET', 'gate', 'taker_identity', ELSEWHERE)
    unchanged(fleet, name, arguments, refusal(name))


@pytest.mark.parametrize('name', NAMES)
def test_the_taker_is_refused_when_its_lease_is_over(fleet, name):
    arguments = prepared(fleet, name, lease_ms=1)
    fleet.wait(5)
    unchanged(fleet, name, arguments, refusal(name))


@pytest.mark.parametrize('name', NAMES)
def test_the_taker_is_refused_when_the_gate_is_open(fleet, name):
    arguments = prepared(fleet, name)
    taken = fleet.space().get('gate')
    assert fleet.run('gate_open', taker=TAKER, generation='2') == ['OK']
    unchanged(fleet, name, arguments, refusal(name))
    # not even with the token still in place
    fleet.key('HSET', 'gate', 'taker', TAKER, 'taker_until', taken['taker_until'], 'taker_identity', taken['taker_identity'])
    unchanged(fleet, name, arguments, refusal(name))


@pytest.mark.parametrize('name', NAMES)
def test_the_taker_is_refused_when_nobody_took_the_gate(fleet, name):
    arguments = prepared(fleet, name)
    fleet.redis('FLUSHALL')
    unchanged(fleet, name, arguments, refusal(name))


@pytest.mark.parametrize('name', NAMES)
def test_the_gates_scripts_twice_are_as_once(fleet, name):
    arguments = prepared(fleet, name)
    assert fleet.run(name, **arguments)[0] == 'OK'
    once = fleet.check().settled()
    second = fleet.run(name, **arguments)
    assert fleet.check().settled() == once
    assert second[0] == ('FENCED' if name == 'gate_open' else 'OK')


@pytest.mark.parametrize('name', NAMES)
def test_with_memory_full_the_gate_can_be_opened_and_no_new_job_is_taken(fleet, name):
    arguments = prepared(fleet, name)
    before = fleet.space()
    fleet.redis('CONFIG', 'SET', 'maxmemory', 1)
    if name == 'ingest':
        with pytest.raises(RedisError, match='^OOM'):
            fleet.run(name, **arguments)
        assert fleet.space().values == before.values
        return
    assert fleet.run(name, **arguments)[0] == 'OK'
    assert fleet.space().values != before.values
    fleet.check()


def test_memory_full_hinders_nobody_from_taking_the_gate(fleet):
    fleet.redis('FLUSHALL')
    fleet.redis('CONFIG', 'SET', 'maxmemory', 1)
    assert take(fleet)[0] == 'OK'


# ---- taking

def test_the_gate_has_one_taker_and_opens_for_it_alone(fleet):
    fleet.redis('FLUSHALL')
    opens = lambda who: fleet.run('gate_open', taker=who, generation='2')
    assert opens('poller-1') == ['FENCED']
    assert take(fleet, 'poller-1')[:2] == ['OK', '0']
    assert take(fleet, 'poller-2')[0] == 'WAIT'
    assert opens('poller-2') == ['FENCED']
    assert take(fleet, 'poller-1', 1)[:2] == ['OK', '0']
    fleet.wait(5)
    assert opens('poller-1') == ['FENCED']
    assert take(fleet, 'poller-2')[:2] == ['OK', '0']
    assert opens('poller-1') == ['FENCED']
    assert opens('poller-2') == ['OK']
    assert opens('poller-2') == ['FENCED']
    gate = fleet.space().get('gate')
    assert gate['state'] == 'open' and gate['generation'] == '2'
    assert not set(gate) & {'taker', 'taker_until', 'taker_identity', 'step', 'done', 'of'}
    before = fleet.space()
    assert take(fleet, 'poller-1') == ['STATE', 'open']
    assert fleet.space().values == before.values


def test_a_gate_that_was_open_elsewhere_is_taken_and_closed_here(fleet):
    fleet.ingest('one')
    identity = fleet.space().get('gate')['identity']
    reply = close(fleet)
    assert reply[:2] == ['OK', '1'] and reply[2] != identity and reply[3] == 0
    gate = fleet.space().get('gate')
    assert gate['state'] == 'closed' and gate['taker_identity'] == reply[2] and gate['step'] == 'taken'
    assert fleet.claim() == ['GATE']
    # back on the server on which it was open, it stays closed: it was taken since
    fleet.key('HSET', 'gate', 'identity', reply[2])
    assert fleet.claim() == ['GATE']


def test_a_gate_that_was_taken_elsewhere_is_taken_at_once(fleet):
    close(fleet)
    fleet.key('HSET', 'gate', 'taker_identity', ELSEWHERE)
    assert take(fleet, 'poller-2#1')[0] == 'OK'
    assert fleet.run('gate_keep', taker=TAKER, lease_ms=10, step='s') == ['FENCED']


def test_a_redis_that_knows_no_job_says_so(fleet):
    assert close(fleet)[3] == 1
    assert fleet.run('gate_open', taker=TAKER, generation='2') == ['OK']
    fleet.ingest('one')
    assert close(fleet)[1:4:2] == ['2', 0]
    fleet.redis('FLUSHALL')
    assert take(fleet)[1:4:2] == ['0', 1]


def test_the_lease_runs_anew_and_progress_is_seen(fleet):
    close(fleet, lease_ms=40)
    for done in range(4):
        fleet.wait(20)
        reply = fleet.run('gate_keep', taker=TAKER, lease_ms=40, step='jobs into Redis', done=done, of=4)
        assert reply[0] == 'OK' and abs(reply[1] - fleet.now()) < 1000
    gate = fleet.space().get('gate')
    assert (gate['step'], gate['done'], gate['of']) == ('jobs into Redis', '3', '4')
    assert take(fleet, 'poller-2#1')[0] == 'WAIT'


# ---- what is still claimed

def test_the_sweep_leaves_nobody_driving_and_counts_what_is_left(fleet):
    fleet.account('u2')
    sent = fleet.to_sending('sent')
    fleet.ingest('claimed', 'u2')
    claimed = fleet.claim()
    named = fleet.to_sending('named')
    fleet.key('HSET', 'job:named', 'publish_id', 'v_pub~9')
    close(fleet)
    left = [fleet.run('gate_sweep', taker=TAKER, generation='2', count=1)[1] for _ in range(4)]
    assert left == [2, 1, 0, 0]
    space = fleet.check()
    jobs = space.jobs()
    assert {id: job['state'] for id, job in jobs.items()} == {'sent': 'UNSURE', 'claimed': 'QUEUED', 'named': 'PROCESSING'}
    assert all(job['epoch'].startswith('2-') for job in jobs.values())
    assert jobs['sent']['attempt_epoch'] == sent['epoch'] and jobs['named']['attempt_epoch'] == named['epoch']
    # the claim sent nothing: it counts nowhere
    assert claimed['epoch'] not in space.get('window:u2:init') and claimed['epoch'] not in space.get('day:u2')
    assert sent['epoch'] in space.get('window:u1:init')
    assert not [e for e in fleet.outbox() if e['name'] in ('UNSURE', 'PROCESSING')], 'a replay tells nobody'


def test_the_sweep_forgets_a_lease_without_a_job(fleet):
    close(fleet)
    fleet.key('ZADD', 'leases', 1, 'nobody')
    assert fleet.run('gate_sweep', taker=TAKER, generation='2', count=10) == ['OK', 0]
    fleet.check()


# ---- attempts count again

def test_an_attempt_of_the_last_minute_counts_until_it_can_no_longer_have_arrived(fleet):
    close(fleet)
    now, lease = fleet.now(), fleet.conf['lease.ms']
    call = lambda epoch, at, **more: fleet.run('restore_call', **{
        **dict(taker=TAKER, account='u1', epoch=epoch, mode='direct', job_id='one', at=at), **more})
    for epoch, at in (('1-1', now - 1000), ('1-2', now + 5000), ('1-3', now - 3600000), ('1-4', now - 3 * 86400000)):
        assert call(epoch, at) == ['OK']
    assert call('1-5', now - 1000, aborted=1) == ['OK']
    space = fleet.check()
    window, day = space.get('window:u1:init'), space.get('day:u1')
    assert set(window) == {'1-1', '1-2', '1-5'} and window['1-1'] == now - 1000 + lease
    assert window['1-2'] <= fleet.now() + lease
    assert set(day) == {'1-1', '1-2', '1-3'}
    assert 'u1' in set().union(*space.family('active').values())


def test_an_attempt_that_redis_knows_better_is_left_as_it_is(fleet):
    claimed = fleet.to_sending('one')
    fleet.result(claimed)
    before = fleet.space()
    close(fleet)
    fleet.run('restore_call', taker=TAKER, account='u1', epoch=claimed['epoch'], mode='direct', job_id='one',
              at=fleet.now() - 500)
    after = fleet.check()
    for key in ('window:u1:init', 'day:u1'):
        assert after.get(key) == before.get(key)


def test_a_gate_that_a_person_closed_is_taken_on_the_same_server(fleet):
    fleet.ingest('one')
    claimed = fleet.claim()
    assert fleet.run('gate_close', by='person') == ['OK', '1']
    assert fleet.sending(claimed) == ['GATE']
    assert take(fleet)[:2] == ['OK', '1']
    assert fleet.run('gate_sweep', taker=TAKER, generation='2', count=10) == ['OK', 0]
    assert fleet.run('gate_open', taker=TAKER, generation='2') == ['OK']
    assert fleet.sending(claimed) == ['FENCED']
    assert fleet.check().jobs()['one']['state'] == 'QUEUED'


def test_a_draft_that_has_left_the_inbox_does_not_count_there(fleet):
    close(fleet)
    at = fleet.now() - 500
    for i, state in enumerate(('IN_INBOX', 'PUBLISHED', 'FAILED')):
        assert restored(fleet, state, 'end', epoch='1-%d' % i, account='u1', mode='draft', at=at, publish_id='v_pub~%d' % i,
                        end_state=state) == ['OK', state]
    assert restored(fleet, 'going', 'processing', epoch='1-8', account='u1', mode='draft', at=at,
                    publish_id='v_pub~8') == ['OK', 'PROCESSING']
    for i, job_id in ((0, 'IN_INBOX'), (1, 'PUBLISHED'), (2, 'FAILED'), (8, 'going')):
        assert fleet.run('restore_call', taker=TAKER, account='u1', epoch='1-%d' % i, mode='draft', job_id=job_id,
                         at=at) == ['OK']
    assert set(fleet.check().get('inbox:u1')) == {'IN_INBOX', 'going'}
