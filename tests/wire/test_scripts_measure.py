# SPDX-License-Identifier: Apache-2.0
"""The figures of /metrics are what the keys say, cost the same whatever the backlog, and are read from any Redis."""
from redis_scripts import fleet, make_fleet, pairs, scripts, server  # noqa: F401

STATES = ['QUEUED', 'CLAIMED', 'UPLOADING', 'SENDING', 'PROCESSING', 'UNSURE', 'PUBLISHED', 'IN_INBOX', 'FAILED',
          'REJECTED', 'EXPIRED', 'CANCELLED']


def measure(fleet):
    reply = fleet.run('measure', states=STATES)
    assert reply[0] == 'OK' and len(reply) == 2
    return {name: int(value) for name, value in pairs(reply[1]).items()}


def test_an_empty_fleet_has_nothing(make_fleet):
    figures = measure(make_fleet())
    assert figures.pop('memory') > 100000
    assert figures.pop('gate_open') == 1 and figures.pop('generation') == 1
    assert set(figures.values()) == {0}, figures


def test_accounts_are_told_by_status_and_by_the_end_of_their_consent(make_fleet):
    fleet = make_fleet(refresh__soon_ms=86400000)
    now = fleet.now()
    for i, (status, left) in enumerate([('ok', 9), ('ok', 9), ('ok', 0.5), ('parked', 9), ('parked', 0.5), ('removed', 9)]):
        fleet.run('account', open_id='u%d' % i, rev='1', sealed='s', scopes='', status=status, expires_at=str(now + 1000),
                  token_at=str(now - 86400000), refresh_expires_at=str(int(now + left * 86400000)), by='cli')
    figures = measure(fleet)
    assert (figures['accounts_ok'], figures['parked'], figures['consent_soon']) == (3, 2, 2)
    assert figures['refresh_due'] == 5  # 23 hours of 24 have passed
    claimed = fleet.to_sending('one', 'u0')
    fleet.refuse(claimed, 'NOT_SENT', account_then='park')
    assert (measure(fleet)['accounts_ok'], measure(fleet)['parked']) == (2, 3)
    fleet.check()


def test_every_figure_is_what_the_keys_say(make_fleet):
    fleet = make_fleet(limit__in_flight=3)
    now = fleet.now()
    for account in ('u1', 'u2', 'u3'):
        fleet.account(account)
    fleet.to_processing('processing')
    fleet.refuse(fleet.to_sending('doubt', 'u2'), 'DOUBT', arrived=-1)
    for i in range(4):
        fleet.ingest('waits-%d' % i, ('u2', 'u3')[i % 2])
    fleet.ingest('later', 'u3', due=now + 3600000)
    fleet.ingest('stranger', '@nobody')
    fleet.ingest('strangest', '@nobody', due=now + 3600000)
    for program in ('worker-1', 'worker-2', 'poller-1'):
        fleet.run('heartbeat', program=program, kind=program[:6], host='h', pid='7', port='80', version='1',
                  state='running', heartbeat_ms=2000)
    fleet.run('heartbeat', program='worker-2', kind='worker', state='stopped', heartbeat_ms=2000)
    space, figures = fleet.check(), measure(fleet)
    for name in ('slots', 'open', 'leases', 'delayed', 'polls', 'unsure'):
        assert figures[name] == len(space.get(name)), name
    assert (figures['slots'], figures['unsure'], figures['polls']) == (2, 1, 1)
    assert figures['unknown'] == 2 and figures['delayed'] == 3 and figures['delayed_due'] == 0
    assert (figures['QUEUED'], figures['PROCESSING'], figures['UNSURE']) == (7, 1, 1)
    assert figures['ready_due'] == 2 and figures['eligible'] == 1  # two accounts, and one slot
    assert (figures['workers'], figures['pollers']) == (1, 1)
    assert figures['outbox'] == len(space.get('outbox'))
    assert figures['outbox_ms'] >= 0 and figures['memory_max'] == 0 and figures['paused'] == 0


def test_what_is_due_is_told_apart(make_fleet):
    fleet = make_fleet(lease__ms=20)
    fleet.account()
    fleet.ingest('soon', due=fleet.now() + 30)
    fleet.ingest('now')
    fleet.claim()
    fleet.wait(40)
    figures = measure(fleet)
    assert (figures['delayed'], figures['delayed_due'], figures['leases'], figures['leases_due']) == (1, 1, 1, 1)


def test_a_connected_account_takes_its_jobs_out_of_the_unknown(make_fleet):
    fleet = make_fleet()
    for i in range(3):
        fleet.ingest('waits-%d' % i, '@new')
    assert measure(fleet)['unknown'] == 3
    fleet.cancel('waits-0')
    assert measure(fleet)['unknown'] == 2
    fleet.account('u9', alias='@new')
    assert measure(fleet)['unknown'] == 0
    fleet.check()


def test_a_closed_gate_or_a_paused_fleet_has_no_eligible_work_and_is_measured_all_the_same(make_fleet):
    fleet = make_fleet()
    fleet.account()
    fleet.ingest('one')
    assert measure(fleet)['eligible'] == 1
    fleet.run('command', mode='do', id='p', what='pause', commander='cli', by='worker-1', timestamp=fleet.now())
    figures = measure(fleet)
    assert (figures['eligible'], figures['paused'], figures['ready_due']) == (0, 1, 1)
    fleet.run('gate_close', by='test')
    figures = measure(fleet)
    assert (figures['gate_open'], figures['QUEUED'], figures['gate_of']) == (0, 1, 0)


def test_another_redis_than_the_gate_knows_is_a_closed_gate(make_fleet):
    fleet = make_fleet()
    fleet.key('HSET', 'gate', 'identity', 'f' * 40)
    assert measure(fleet)['gate_open'] == 0


def test_it_writes_nothing_and_needs_no_memory(make_fleet):
    fleet = make_fleet()
    fleet.ingest('one')
    before = fleet.space()
    fleet.redis('CONFIG', 'SET', 'maxmemory', 1)
    assert measure(fleet)['memory_max'] == 1
    assert fleet.space().values == before.values
    fleet.redis('FLUSHALL')
    assert measure(fleet)['gate_open'] == 0
