# SPDX-License-Identifier: Apache-2.0
"""Whole lives of jobs through the scripts: limits, schedules, turns, doubts, and every key at the end."""
import pytest

from redis_scripts import fleet, make_fleet, scripts, server  # noqa: F401

GONE_AT_THE_END = ('slots', 'open', 'leases', 'ready', 'delayed', 'polls', 'unsure', 'outbox')


def check_the_end(fleet, **counts):
    """Nothing waits, flies or is looked for any more."""
    fleet.run('claim', worker='worker-1')  # an account without jobs leaves `ready` when it is looked at
    entries = [entry for entry, _ in fleet.space().get('outbox', [])]
    fleet.run('relay', last='0-0', ids=entries)
    space = fleet.check()
    for key in GONE_AT_THE_END:
        assert not space.get(key), key
    for family in ('queue', 'unknown', 'flying'):
        assert not space.family(family)
    assert {k: int(v) for k, v in space.get('count').items() if k != 'epoch' and v != '0'} == counts
    return space


def finish_all(fleet):
    """Everything in flight comes to its end."""
    while True:
        polled = fleet.poll(100)
        if polled[0] == 'WAIT':
            return
        for one in polled:
            fleet.finish(one, 'COMPLETE', post_id='1')


def publish_all(fleet):
    """Claims and publishes what may be; the ids in their order."""
    ids = []
    while True:
        claimed = fleet.claim()
        if isinstance(claimed, list):
            return ids
        ids.append(claimed['job_id'])
        fleet.sending(claimed)
        fleet.result(claimed)
        finish_all(fleet)


def test_a_life_from_the_message_to_the_public_id(fleet):
    claimed = fleet.to_sending('one', metadata='{"order": 991}')
    assert 0 <= claimed.pop('waited_ms') <= claimed.pop('queued_ms')
    assert claimed == dict(word='OK', job_id='one', epoch='1-1', attempt='1', retries='', account='u1',
                           message='{"job_id": "one"}', sealed='k:sealed', publish_id='', due_told='', scopes='video.publish', rev='1',
                           creator_age='', privacy_options='', comment_disabled='', duet_disabled='', stitch_disabled='',
                           creator_failures='', failed_age='')
    space = fleet.check()
    assert set(space.get('slots')) == set(space.get('open')) == set(space.get('leases')) == {'one'}
    assert fleet.result(claimed, 'v_pub~7000000000000000001') == ['OK', 'PROCESSING']
    space = fleet.check()
    assert space.get('publish:v_pub~7000000000000000001') == 'one' and not space.get('open') and space.get('slots')
    polled, = fleet.poll()
    assert (polled['publish_id'], polled['epoch'], polled['looks']) == ('v_pub~7000000000000000001', '1-1', '0')
    assert fleet.look(polled, downloaded='9007199254740993') == ['OK', 'PROCESSING']
    assert fleet.job('one')['downloaded_bytes'] == '9007199254740993'
    polled, = fleet.poll()
    assert polled['looks'] == '1'
    assert fleet.finish(polled, 'COMPLETE', next_ms=0, status='PUBLISH_COMPLETE') == ['OK', 'PUBLISHED']
    space = fleet.check()
    assert not space.get('slots') and set(space.get('polls')) == {'one'}
    polled, = fleet.poll()
    assert (polled['state'], polled['looks']) == ('PUBLISHED', '0')
    for _ in range(2):
        assert fleet.look(polled, post_id='7123456789012345678', post_url='https://p', next_ms=-1) == ['OK', 'PUBLISHED']
    assert fleet.names('one') == ['0-0 QUEUED', '1-1 SENDING', '1-1 PROCESSING', '1-1 PUBLISHED', '1-1 PUBLIC_ID']
    last = fleet.outbox()[-1]
    assert last['post_id'] == '7123456789012345678' and last['metadata'] == '{"order": 991}'
    space = check_the_end(fleet, PUBLISHED=1)
    assert [line.split('\t')[2:5] for line in space.get('log:one')] == [
        ['NONE', 'INGEST', 'QUEUED'], ['QUEUED', 'CLAIM', 'CLAIMED'], ['CLAIMED', 'INTENT', 'SENDING'],
        ['SENDING', 'ACCEPT', 'PROCESSING'], ['PROCESSING', 'COMPLETE', 'PUBLISHED']]
    assert set(space.family('count').popitem()[1].items()) == {('PUBLISHED', '1')}
    assert 29.9 * 86400000 < space.ttls['job:one'] <= 30 * 86400000
    assert 2.9 * 86400000 < space.ttls['log:one'] <= 3 * 86400000 and space.ttls['message:one'] <= 3 * 86400000


def test_nothing_is_left_of_many_lives(make_fleet):
    fleet = make_fleet(limit__init=1000)
    for account in range(10):
        fleet.account('u%d' % account)
    for i in range(100):
        fleet.ingest('j%d' % i, 'u%d' % (i % 10))
    assert len(publish_all(fleet)) == 100
    space = check_the_end(fleet, PUBLISHED=100)
    assert len(space.family('window')) == 30 and len(space.family('day')) == 10


def test_a_draft_that_a_person_posts_later(fleet):
    _, polled = fleet.to_processing('one', kind='draft')
    assert fleet.finish(polled, 'INBOX', next_ms=0) == ['OK', 'IN_INBOX']
    space = fleet.check()
    assert set(space.get('inbox:u1')) == {'one'} and not space.get('slots')
    polled, = fleet.poll()
    assert fleet.finish(polled, 'COMPLETE', post_id='71', next_ms=0) == ['OK', 'PUBLISHED']
    assert fleet.names('one')[-2:] == ['1-1 IN_INBOX', '1-1 PUBLISHED']
    assert 'inbox:u1' not in check_the_end(fleet, PUBLISHED=1).values


# ---- limits

def test_drafts_pending(make_fleet):
    fleet = make_fleet(limit__day_ms=60000, limit__init=100)
    fleet.account()
    for i in range(7):
        fleet.ingest('d%d' % i, kind='draft', priority=9)
    fleet.ingest('direct')
    for i in range(5):
        claimed = fleet.claim()
        assert claimed['job_id'] == 'd%d' % i
        fleet.sending(claimed)
        fleet.result(claimed)
        polled, = fleet.poll()
        fleet.finish(polled, 'INBOX', next_ms=0)
        fleet.poll()
    # the drafts wait, out of the way of what is no draft
    assert fleet.claim()['job_id'] == 'direct'
    assert fleet.claim()[0] == 'WAIT'
    space = fleet.check()
    assert set(space.get('delayed')) == {'d5', 'd6'} and len(space.get('inbox:u1')) == 5
    # one is posted, so that one more may go
    assert fleet.run('finish', job_id='d2', publish_id=fleet.job('d2')['publish_id'], event='COMPLETE', next_ms=-1,
                     poller='p') == ['OK', 'PUBLISHED']
    assert set(fleet.check().get('delayed')) == {'d6'}
    assert fleet.claim()['job_id'] == 'd5'
    assert fleet.claim()[0] == 'WAIT'
    fleet.check()


def test_drafts_pending_leave_by_time(make_fleet):
    fleet = make_fleet(limit__day_ms=1000, limit__drafts=1, lease__ms=500)
    fleet.account()
    for i in range(2):
        fleet.ingest('d%d' % i, kind='draft')
    _, polled = None, fleet.claim()
    fleet.sending(polled)
    fleet.result(polled)
    assert fleet.claim()[0] == 'WAIT'
    fleet.check()
    fleet.wait(1000)
    assert fleet.claim()['job_id'] == 'd1'


def test_a_draft_that_tiktok_has_no_room_for_lets_no_other_one_in(fleet):
    for i in range(2):
        fleet.ingest('d%d' % i, kind='draft')
    claimed = fleet.claim()
    fleet.sending(claimed)
    assert fleet.refuse(claimed, 'NOT_SENT', arrived=1, account_then='drafts') == ['OK', 'QUEUED']
    space = fleet.check()
    assert set(space.get('delayed')) == {'d0'} and not space.get('inbox:u1')
    assert fleet.claim()['job_id'] == 'd1'


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


# ---- order

def test_priority_then_age(fleet):
    fleet.conf['limit.init'] = 100
    now = fleet.now()
    for name, priority, age in (('c', 5, 30), ('d', 5, 20), ('a', 9, 10), ('b', 6, 0), ('f', 0, 9000000), ('e', 5, 10)):
        fleet.ingest(name, priority=priority, timestamp=now - age)
    assert publish_all(fleet) == ['a', 'b', 'c', 'd', 'e', 'f']


def test_accounts_take_turns(make_fleet):
    fleet = make_fleet(limit__init=100, limit__account=100)
    for account in 'abc':
        fleet.account(account)
        for i in range(3):
            fleet.ingest('%s%d' % (account, i), account)
    order = []
    for _ in range(9):
        order.append(fleet.claim()['account'])
        fleet.wait(1)
    assert [set(order[i:i + 3]) for i in (0, 3, 6)] == [set('abc')] * 3


def test_publish_at_and_expires_at(fleet):
    now = fleet.now()
    fleet.ingest('later', due=now + 150)
    fleet.ingest('soon', due=now + 50, expires=now + 90)
    fleet.ingest('short', expires=now + 10, due=now + 100)
    fleet.ingest('past', due=now - 5, expires=now + 60000)
    assert fleet.claim()['job_id'] == 'past'
    word, wait_ms = fleet.claim()
    assert word == 'WAIT' and wait_ms <= 10
    fleet.check()
    fleet.wait(max(0, now + 50 - fleet.now()))
    claimed = fleet.claim()
    assert claimed['job_id'] == 'soon' and fleet.state('short') == 'EXPIRED'
    assert fleet.claim()[0] == 'WAIT'
    fleet.wait(max(0, now + 90 - fleet.now()))
    assert fleet.refuse(claimed, 'RELEASE') == ['OK', 'QUEUED']
    fleet.check()
    assert fleet.claim()[0] == 'WAIT'
    assert fleet.state('soon') == 'EXPIRED'
    fleet.wait(max(0, now + 150 - fleet.now()))
    assert fleet.claim()['job_id'] == 'later'
    fleet.check()


def test_more_expired_jobs_than_one_call_looks_at_are_never_claimed(fleet):
    now = fleet.now()
    for i in range(50):
        fleet.ingest('j%02d' % i, expires=now - 100 + i, timestamp=now - i)
    fleet.ingest('good')
    while isinstance(claimed := fleet.claim(), list):
        fleet.check()
    assert claimed['job_id'] == 'good'
    check = fleet.check()
    assert int(check.get('count')['EXPIRED']) == 50


# ---- accounts

def test_jobs_wait_for_their_account_and_move_when_it_comes(fleet):
    fleet.ingest('a', '@new')
    fleet.ingest('b', 'u2')
    fleet.ingest('c', '@new', due=fleet.now() + 60000)
    fleet.ingest('d', '@other')
    space = fleet.check()
    assert set(space.family('unknown')) == {'@new', 'u2', '@other'}
    assert fleet.claim()[0] == 'WAIT'
    assert fleet.account('u2', alias='@new') == ['OK', 0, 'STORED']
    space = fleet.check()
    assert set(space.family('unknown')) == {'@other'}
    assert [space.jobs()[i]['account'] for i in 'abcd'] == ['u2', 'u2', 'u2', '']
    assert {fleet.claim()['job_id'], fleet.claim()['job_id']} == {'a', 'b'}
    assert fleet.ingest('e', '@new') == ['OK', 'QUEUED']
    assert fleet.job('e')['account'] == 'u2'


def test_many_jobs_of_an_unknown_account_move_in_calls_of_a_thousand(make_fleet):
    fleet = make_fleet()
    for i in range(1500):
        fleet.ingest('j%d' % i, '@new')
    assert fleet.account('u2', alias='@new') == ['OK', 500, 'STORED']
    fleet.check()
    assert fleet.account('u2', alias='@new') == ['OK', 0, 'KNOWN']
    fleet.check()


def test_an_account_that_never_comes_expires_its_jobs(make_fleet):
    fleet = make_fleet(job__account_wait_ms=100)
    fleet.account()
    fleet.ingest('a', '@new')
    fleet.ingest('b', '@new', expires=fleet.now() + 20)
    fleet.ingest('moved', '@known')
    fleet.account('u2', alias='@known')
    fleet.wait(20)
    fleet.claim()
    assert (fleet.state('a'), fleet.state('b')) == ('QUEUED', 'EXPIRED')
    fleet.check()
    fleet.wait(100)
    fleet.claim()
    job = fleet.job('a')
    assert (job['state'], job['error_code']) == ('EXPIRED', 'account_unknown')
    # whose account has come has no such end any more
    assert fleet.state('moved') == 'CLAIMED'
    fleet.check()


def test_an_alias_belongs_to_one_open_id_for_ever(fleet):
    assert fleet.account('u2', rev='5', alias='@a') == ['OK', 0, 'STORED']
    before = fleet.space()
    assert fleet.account('u3', rev='9', alias='@a') == ['STATE', 'u2']
    assert fleet.space().values == before.values
    assert fleet.account('u2', rev='6', alias='@b', aliases='@b @a @c') == ['OK', 0, 'STORED']
    # the older names of an account are told one by one, under the same rev
    assert fleet.account('u2', rev='6', alias='@c', aliases='@b @a @c') == ['OK', 0, 'KNOWN']
    assert fleet.space().get('alias') == {'@a': 'u2', '@b': 'u2', '@c': 'u2'}
    assert fleet.space().get('account:u2')['alias'] == '@b'


def test_who_is_not_the_newest_hears_so_and_changes_nothing(fleet):
    fleet.account('u2', rev='5')
    before = fleet.space()
    store = lambda rev, seen='', sealed='k:other': fleet.run(
        'account', open_id='u2', rev=rev, seen=seen, sealed=sealed, scopes='x', status='parked', expires_at='7', by='p')
    # lower, the same with other tokens, and a higher one that was built on another than what is there
    for rev, seen in (('4', ''), ('5', ''), ('9', '4'), ('9', '6')):
        assert store(rev, seen) == ['OK', 0, 'NEWER']
        assert fleet.space().values == before.values
    assert store('5', sealed='k:sealed') == ['OK', 0, 'KNOWN']
    assert fleet.space().values == before.values
    assert store('9', '5') == ['OK', 0, 'STORED']
    assert store('10', '9') == ['OK', 0, 'STORED']


def test_a_removed_account_keeps_its_name_and_nothing_that_is_secret_or_personal(fleet):
    who = ['username', 'ann', 'display_name', 'Ann', 'avatar_url', '', 'followers', '7']
    fleet.account('u2', rev='5', alias='@a', profile=who)
    assert fleet.space().get('account:u2')['username'] == 'ann' and 'avatar_url' not in fleet.space().get('account:u2')
    fleet.ingest('one', 'u2')
    assert fleet.run('account', open_id='u2', rev='6', alias='@a', aliases='@a', scopes='', status='removed', why='removed',
                     expires_at='0', refresh_expires_at='0', by='cli',
                     profile=[v if i % 2 == 0 else '' for i, v in enumerate(who)]) == ['OK', 0, 'STORED']
    space = fleet.check()
    assert 'token:u2' not in space.values and 'u2' not in space.get('refresh')
    account = space.get('account:u2')
    assert not {'username', 'display_name', 'followers'} & set(account) and account['status'] == 'removed'
    assert fleet.claim()[0] == 'WAIT'
    assert fleet.account('u3', rev='9', alias='@a') == ['STATE', 'u2']
    # it comes back: its jobs go on
    fleet.account('u2', rev='7', alias='@a')
    assert fleet.claim()['job_id'] == 'one'


def test_an_account_is_read_as_it_was_stored(fleet):
    fleet.account('u2', rev='5', alias='@a', aliases='@a @b', settings='{"x":1}', profile=['username', 'ann'])
    word, open_id, sealed, *fields = fleet.run('account_read', account='@a')
    found = dict(zip(fields[::2], fields[1::2]))
    assert (word, open_id, sealed) == ('OK', 'u2', 'k:sealed')
    assert (found['rev'], found['aliases'], found['settings'], found['username']) == ('5', '@a @b', '{"x":1}', 'ann')
    assert fleet.run('account_read', account='u2')[:3] == ['OK', 'u2', 'k:sealed']
    assert fleet.run('account_read', account='@b') == fleet.run('account_read', account='u9') == ['STATE', 'NONE']


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


def test_a_retry_waits_and_counts(fleet):
    claimed = fleet.to_sending('one')
    assert fleet.refuse(claimed, 'NOT_SENT', arrived=0, due_ms=40, retries=1) == ['OK', 'QUEUED']
    space = fleet.check()
    assert not space.get('window:u1:init') and not space.get('day:u1') and set(space.get('delayed')) == {'one'}
    word, wait_ms = fleet.claim()
    assert word == 'WAIT' and 0 < wait_ms <= 40
    fleet.wait(40)
    again = fleet.claim()
    assert (again['attempt'], again['retries'], again['epoch']) == ('2', '1', '1-2')
    # the old attempt is over
    assert fleet.sending(claimed) == fleet.result(claimed) == fleet.refuse(claimed, 'NOT_SENT') == ['FENCED']
    fleet.sending(again)
    fleet.result(again)
    polled, = fleet.poll()
    assert fleet.finish(polled, 'AGAIN', due_ms=20, retries=2) == ['OK', 'QUEUED']
    fleet.check()
    fleet.wait(20)
    third = fleet.claim()
    assert (third['attempt'], third['retries'], fleet.job('one')['publish_id']) == ('3', '2', '')
    # an answer about the old publish id ends nothing
    assert fleet.finish(polled, 'FAIL') == fleet.look(polled) == ['FENCED']
    fleet.check()


# ---- doubts

def reap(fleet, count=100):
    return fleet.run('reap', poller='poller-1', count=count)


def test_a_lease_that_ends_before_sending_goes_back_with_the_abort_in_the_outbox(make_fleet):
    fleet = make_fleet(lease__ms=20)
    fleet.account()
    fleet.ingest('one')
    claimed = fleet.claim()
    assert reap(fleet) == ['OK', 0, 0]
    fleet.wait(20)
    assert reap(fleet) == ['OK', 1, 0]
    space = fleet.check()
    job = space.jobs()['one']
    assert (job['state'], job['epoch'], job['attempt_epoch']) == ('QUEUED', '1-2', '1-1')
    assert not space.get('window:u1:init') and not space.get('day:u1')
    assert [e for e in fleet.names('one')] == ['0-0 QUEUED', '1-1 INTENT_ABORTED', '1-1 QUEUED']
    # the old owner is fenced where it would send, whatever it knows
    assert fleet.sending(claimed) == ['FENCED']
    assert fleet.result(claimed) == ['STATE', 'QUEUED']
    for event in ('REJECT', 'EXPIRE'):
        assert fleet.refuse(claimed, event)[0] in ('STATE', 'FENCED')
    assert fleet.state('one') == 'QUEUED'
    again = fleet.claim()
    assert (again['epoch'], again['attempt']) == ('1-3', '2')
    fleet.check()


def in_doubt(fleet, job_id='one'):
    claimed = fleet.to_sending(job_id)
    fleet.wait(fleet.conf['lease.ms'])
    assert reap(fleet)[:2] == ['OK', 1]
    assert fleet.state(job_id) == 'UNSURE'
    return claimed


def test_a_lease_that_ends_while_sending_is_a_doubt_and_takes_the_late_answer(make_fleet):
    fleet = make_fleet(lease__ms=20)
    fleet.account()
    claimed = in_doubt(fleet)
    space = fleet.check()
    assert 'one' in space.get('slots') and fleet.job('one')['attempt_epoch'] == claimed['epoch'] != fleet.job('one')['epoch']
    assert fleet.claim()[0] == 'WAIT'
    assert fleet.sending(claimed) == ['FENCED']
    assert fleet.result(claimed) == ['OK', 'PROCESSING']
    fleet.check()
    polled, = fleet.poll()
    assert fleet.finish(polled, 'COMPLETE', post_id='1') == ['OK', 'PUBLISHED']
    assert fleet.names('one') == ['0-0 QUEUED', '1-1 SENDING', '1-1 UNSURE', '1-1 PROCESSING', '1-1 PUBLISHED']
    check_the_end(fleet, PUBLISHED=1)


@pytest.mark.parametrize('event, to', [('NOT_SENT', 'QUEUED'), ('RELEASE', 'QUEUED'), ('REFUSE', 'FAILED')])
def test_a_late_refusal_is_taken_too(make_fleet, event, to):
    fleet = make_fleet(lease__ms=20)
    fleet.account()
    claimed = in_doubt(fleet)
    assert fleet.refuse(claimed, event, arrived=1) == ['OK', to]
    space = fleet.check()
    assert not space.get('slots') and not space.get('unsure')
    # and an acceptance of the same attempt after that is not
    assert fleet.result(claimed) == ['STATE', to]


def test_a_doubt_gives_its_slot_back_after_its_hold_and_never_takes_one_again(make_fleet):
    fleet = make_fleet(lease__ms=20, unsure__slot_ms=60, limit__account=1)
    fleet.account()
    claimed = in_doubt(fleet)
    fleet.ingest('two')
    assert reap(fleet) == ['OK', 0, 0]
    assert fleet.claim() == ['WAIT', -1]
    fleet.wait(60)
    assert reap(fleet) == ['OK', 0, 1]
    assert reap(fleet) == ['OK', 0, 0]
    fleet.check()
    assert fleet.claim()['job_id'] == 'two'
    assert fleet.result(claimed) == ['OK', 'PROCESSING']
    space = fleet.check()
    assert set(space.get('slots')) == {'two'} and set(space.get('polls')) == {'one'}
    polled, = fleet.poll()
    fleet.finish(polled, 'COMPLETE', post_id='1')
    assert set(fleet.check().get('flying:u1')) == {'two'}


def test_old_doubts_do_not_keep_younger_ones_from_giving_their_slot_back(make_fleet):
    fleet = make_fleet(lease__ms=10, unsure__slot_ms=10)
    fleet.account()
    for i in range(4):
        in_doubt(fleet, 'j%d' % i)
        fleet.wait(10)
        assert reap(fleet, count=1) == ['OK', 0, 1]
    assert not fleet.check().get('slots')


def test_a_job_past_the_horizon_is_a_doubt_without_a_slot(fleet):
    claimed, polled = fleet.to_processing('one')
    assert fleet.finish(polled, 'HORIZON', code='horizon') == ['OK', 'UNSURE']
    space = fleet.check()
    assert not space.get('slots') and not space.get('polls') and 'flying:u1' not in space.values
    # the acceptance is known already: hearing of it once more is no news
    assert fleet.result(claimed, polled['publish_id']) == ['OK', 'UNSURE']
    assert fleet.state('one') == 'UNSURE'


def test_a_worker_that_comes_back_after_a_cancel_is_fenced(fleet):
    fleet.ingest('one', kind='draft')
    claimed = fleet.claim()
    assert fleet.cancel('one') == ['OK', 'CANCELLED']
    assert fleet.sending(claimed) == ['FENCED']
    assert fleet.result(claimed) == fleet.refuse(claimed, 'RELEASE') == ['STATE', 'CANCELLED']
    space = fleet.check()
    assert not space.get('inbox:u1') and not space.get('window:u1:init')
    assert fleet.names('one')[-1] == '1-1 CANCELLED'
    assert fleet.cancel('nobody') == ['STATE', 'NONE']
    check_the_end(fleet, CANCELLED=1)


def test_another_publish_id_cannot_take_over(fleet):
    claimed, polled = fleet.to_processing('one')
    before = fleet.space()
    assert fleet.result(claimed, 'v_pub~other') == ['STATE', 'PROCESSING']
    assert fleet.finish(dict(polled, publish_id='v_pub~other'), 'COMPLETE') == ['FENCED']
    assert fleet.space().values == before.values


# ---- looks

def test_looks_share_the_accounts_window(make_fleet):
    fleet = make_fleet(limit__status=3, limit__window_ms=150, limit__init=100)
    fleet.account()
    for i in range(4):
        fleet.ingest('j%d' % i)
        claimed = fleet.claim()
        fleet.sending(claimed)
        fleet.result(claimed)
    polled = fleet.poll(timeout_ms=1000)
    assert len(polled) == 3
    for one in polled:
        fleet.look(one, next_ms=1000)
    word, wait_ms = fleet.poll()
    assert word == 'WAIT' and 100 < wait_ms
    fleet.check()
    fleet.wait(1160)
    assert len(fleet.poll()) == 3


def test_a_look_that_surely_never_arrived_does_not_count(fleet):
    _, polled = fleet.to_processing('one')
    assert fleet.look(polled, answered=0) == ['OK', 'PROCESSING']
    assert not fleet.check().get('window:u1:status')


def test_a_job_in_processing_is_never_lost_from_sight(fleet):
    _, polled = fleet.to_processing('one')
    assert fleet.look(polled, next_ms=-1) == ['OK', 'PROCESSING']
    assert 'one' in fleet.check().get('polls')


def test_a_look_out_of_sight_comes_back(fleet):
    fleet.result(fleet.to_sending('one'))
    first, = fleet.poll(timeout_ms=30)
    assert fleet.poll()[0] == 'WAIT'
    fleet.wait(30)
    second, = fleet.poll()
    assert second['member'] != first['member'] and len(fleet.check().get('window:u1:status')) == 2


def test_a_look_may_park_the_account(fleet):
    _, polled = fleet.to_processing('one')
    fleet.ingest('two')
    fleet.look(polled, account_then='park', code='access_token_invalid')
    assert fleet.claim() == ['WAIT', -1]
    fleet.finish(polled, 'COMPLETE', post_id='1')
    assert fleet.claim() == ['WAIT', -1]
    fleet.check()


def test_epochs_keep_all_their_digits_and_timelines_their_newest_entries(make_fleet):
    fleet = make_fleet(log__timeline=10, limit__init=100)
    fleet.account()
    fleet.key('HSET', 'count', 'epoch', '999999999999998')
    fleet.ingest('one')
    epochs = []
    for _ in range(6):
        claimed = fleet.claim()
        epochs.append(claimed['epoch'])
        assert fleet.sending(claimed) == ['OK']
        assert fleet.refuse(claimed, 'NOT_SENT') == ['OK', 'QUEUED']
    assert epochs == ['1-%d' % (999999999999999 + i) for i in range(6)]
    lines = fleet.check().get('log:one')
    assert len(lines) == 10 and lines[-1].split('\t')[1:5] == [epochs[-1], 'SENDING', 'NOT_SENT', 'QUEUED']
