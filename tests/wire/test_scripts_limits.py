# SPDX-License-Identifier: Apache-2.0
"""The limits that the scripts keep: windows of calls, slots, commit points, posts of a day, accounts that wait."""
from redis_scripts import fleet, make_fleet, scripts, server  # noqa: F401
from test_scripts_lives import check_the_end


def test_a_window_of_init_calls_slides(make_fleet):
    fleet = make_fleet(limit__window_ms=300, limit__init=6, limit__account=100, lease__ms=30000)
    fleet.account()
    for i in range(20):
        fleet.ingest('j%02d' % i)
    begin, first = fleet.now(), None
    for _ in range(6):
        claimed = fleet.claim()
        fleet.sending(claimed)
        fleet.result(claimed)
        first = first or fleet.now()
    word, wait_ms = fleet.claim()
    assert word == 'WAIT' and 0 < wait_ms <= 302
    fleet.check()
    while isinstance(claimed := fleet.claim(), list):
        assert claimed[0] == 'WAIT'
        fleet.wait(1)
    assert fleet.now() >= begin + 300
    assert fleet.now() <= first + 400


def test_a_call_that_is_open_counts_until_it_is_answered_and_outlives_the_windows_of_others(make_fleet):
    fleet = make_fleet(limit__window_ms=50, limit__init=2, lease__ms=5000)
    fleet.account()
    for i in range(5):
        fleet.ingest('j%d' % i)
    slow, quick = fleet.claim(), fleet.claim()
    assert fleet.claim()[0] == 'WAIT'
    fleet.sending(quick)
    fleet.result(quick)
    fleet.wait(150)
    # the slow one's call may still arrive: there is room for one only
    third = fleet.claim()
    assert third['job_id'] == 'j2'
    assert fleet.claim()[0] == 'WAIT'
    fleet.sending(slow)
    fleet.result(slow)
    assert fleet.claim()[0] == 'WAIT'
    assert set(fleet.check().get('window:u1:init')) == {slow['epoch'], third['epoch']}


def test_four_in_flight_of_an_account(fleet):
    fleet.account('u2')
    for i in range(6):
        fleet.ingest('a%d' % i)
    claims = [fleet.claim() for _ in range(4)]
    assert fleet.claim() == ['WAIT', -1]
    fleet.ingest('b0', 'u2')
    assert fleet.claim()['job_id'] == 'b0'
    fleet.sending(claims[0])
    fleet.result(claims[0])
    assert fleet.claim() == ['WAIT', -1]
    polled, = fleet.poll()
    fleet.finish(polled, 'FAIL')
    assert fleet.claim()['job_id'] == 'a4'
    fleet.check()


def test_three_hundred_slots(make_fleet):
    fleet = make_fleet(limit__open=1000)
    for i in range(310):
        fleet.account('u%d' % i)
        fleet.ingest('j%d' % i, 'u%d' % i)
    claims = [fleet.claim() for _ in range(300)]
    assert len({c['job_id'] for c in claims}) == 300
    assert fleet.claim() == ['FULL', 'slots']
    for claimed in claims[:200]:
        fleet.sending(claimed)
        fleet.result(claimed)
    fleet.refuse(claims[250], 'REJECT')
    assert fleet.claim()['word'] == 'OK'
    assert fleet.claim() == ['FULL', 'slots']
    assert len(fleet.check().get('slots')) == 300


def test_thirty_two_commit_points(fleet):
    for i in range(40):
        fleet.account('u%d' % i)
        fleet.ingest('j%d' % i, 'u%d' % i)
    claims = [fleet.claim() for _ in range(32)]
    assert fleet.claim() == ['FULL', 'open']
    fleet.sending(claims[0])
    assert fleet.claim() == ['FULL', 'open']
    fleet.refuse(claims[0], 'DOUBT', arrived=-1)
    assert fleet.claim()['word'] == 'OK'
    assert fleet.claim() == ['FULL', 'open']
    fleet.check()


# ---- refusals

def test_too_many_requests_hold_the_account_for_a_window(make_fleet):
    fleet = make_fleet(limit__window_ms=200)
    fleet.account()
    fleet.account('u2')
    claimed = fleet.to_sending('one')
    fleet.ingest('two')
    assert fleet.refuse(claimed, 'NOT_SENT', arrived=1, account_then='window') == ['OK', 'QUEUED']
    space = fleet.check()
    word, wait_ms = fleet.claim()
    assert word == 'WAIT' and 100 < wait_ms <= 200
    assert not space.get('delayed') and space.get('account:u1')['after_why'] == 'code'
    fleet.ingest('other', 'u2')
    assert fleet.claim()['job_id'] == 'other'
    fleet.wait(200)
    again = fleet.claim()
    assert (again['job_id'], again['attempt'], again['epoch']) == ('one', '2', '1-3')
    fleet.check()


def test_the_days_posts_hold_the_account(make_fleet):
    fleet = make_fleet(limit__day_ms=3000, limit__window_ms=50)
    fleet.account()
    assert len([fleet.ingest('j%d' % i) for i in range(3)]) == 3
    first = fleet.claim()
    fleet.sending(first)
    fleet.result(first)
    second = fleet.claim()
    fleet.sending(second)
    fleet.refuse(second, 'NOT_SENT', arrived=1, account_then='day')
    fleet.wait(60)
    word, wait_ms = fleet.claim()
    assert word == 'WAIT' and 2500 < wait_ms <= 3000
    fleet.check()


def test_a_cap_of_posts_a_day(make_fleet):
    fleet = make_fleet(limit__day_posts=2, limit__day_ms=1000, lease__ms=500)
    fleet.account()
    for i in range(4):
        fleet.ingest('j%d' % i, expires=fleet.now() + 300 if i == 3 else 0)
    claims = [fleet.claim(), fleet.claim()]
    assert fleet.claim()[0] == 'WAIT'
    assert set(fleet.check().get('delayed')) == {'j2', 'j3'}
    for claimed in claims:
        fleet.sending(claimed)
        fleet.result(claimed)
    fleet.wait(400)
    assert fleet.claim()[0] == 'WAIT' and fleet.state('j3') == 'EXPIRED'
    fleet.check()
    fleet.wait(1100)
    assert fleet.claim()['job_id'] == 'j2'
    fleet.check()


def test_a_parked_account_waits_for_a_new_record(fleet):
    claimed = fleet.to_sending('one')
    fleet.ingest('two')
    assert fleet.refuse(claimed, 'NOT_SENT', account_then='park') == ['OK', 'QUEUED']
    assert fleet.claim() == ['WAIT', -1]
    fleet.ingest('three')
    assert fleet.claim() == ['WAIT', -1]
    assert fleet.check().get('account:u1')['parked_why'] == 'code'
    fleet.account(rev='1')
    assert fleet.claim() == ['WAIT', -1]
    fleet.account(rev='2')
    assert 'parked_why' not in fleet.check().get('account:u1')
    assert fleet.claim()['job_id'] == 'one'


def test_a_parked_accounts_jobs_still_expire_and_can_be_cancelled(fleet):
    claimed = fleet.to_sending('one')
    fleet.ingest('two', expires=fleet.now() + 20)
    fleet.refuse(claimed, 'NOT_SENT', account_then='park')
    fleet.wait(20)
    assert fleet.claim() == ['WAIT', 0] or True
    assert fleet.state('two') == 'EXPIRED'
    assert fleet.cancel('one') == ['OK', 'CANCELLED']
    assert fleet.claim() == ['WAIT', -1]
    check_the_end(fleet, EXPIRED=1, CANCELLED=1)


def test_the_cap_of_users_lets_those_of_today_go_on(fleet):
    fleet.account('u2')
    publish = fleet.to_processing('first')[1]
    fleet.finish(publish, 'COMPLETE', post_id='1')
    claimed = fleet.to_sending('new', 'u2')
    fleet.refuse(claimed, 'NOT_SENT', arrived=1, account_then='users')
    fleet.ingest('more')
    assert fleet.claim()['job_id'] == 'more'
    word, wait_ms = fleet.claim()
    assert word == 'WAIT' and 0 < wait_ms <= 86400000
    space = fleet.check()
    assert int(space.get('breaker')['users_until']) % 86400000 == 0
    assert space.get('ready')['u2'] == int(space.get('breaker')['users_until'])


def test_how_often_a_message_could_not_be_read_is_kept_with_the_job(fleet):
    fleet.ingest('one')
    assert fleet.claim()['unreadable'] == ''
    for times in (1, 2):
        claimed = dict(job_id='one', epoch=fleet.job('one')['epoch'])
        unread = dict(unreadable=times, code='message_unreadable')
        assert fleet.refuse(claimed, 'RELEASE', **unread) == ['OK', 'QUEUED']
        assert fleet.refuse(claimed, 'RELEASE', **unread) == ['OK', 'QUEUED']  # sent twice: counted once
        assert fleet.claim()['unreadable'] == str(times)
    claimed = dict(job_id='one', epoch=fleet.job('one')['epoch'])
    assert fleet.refuse(claimed, 'RELEASE', code='kafka_unavailable') == ['OK', 'QUEUED']
    assert fleet.claim()['unreadable'] == '2'
    claimed = dict(job_id='one', epoch=fleet.job('one')['epoch'])
    assert fleet.refuse(claimed, 'REJECT', unreadable=3, code='message_never_read') == ['OK', 'REJECTED']
    fleet.check()
