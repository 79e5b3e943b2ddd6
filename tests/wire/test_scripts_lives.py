# SPDX-License-Identifier: Apache-2.0
"""Whole lives of jobs through the scripts: schedules, turns, drafts, accounts, and every key at the end."""
from redis_scripts import fleet, make_fleet, scripts, server  # noqa: F401

GONE_AT_THE_END = ('slots', 'open', 'leases', 'ready', 'delayed', 'polls', 'unsure', 'outbox')


def check_the_end(fleet, **counts):
    """Nothing waits, flies or is looked for any more."""
    fleet.run('claim', worker='worker-1')  # an account without jobs leaves `ready` when it is looked at
    entries = [entry for entry, _ in fleet.space().get('outbox', [])]
    fleet.run('relay', ids=entries)
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
                           message='{"job_id": "one"}', sealed='k:sealed', publish_id='', due_told='', source='jobs-0@0', unreadable='',
                           scopes='video.publish', rev='1',
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


def test_a_consent_is_taken_by_one_callback_and_ends_by_itself(make_fleet):
    fleet = make_fleet(connect__state_ms=200)
    assert fleet.run('oauth_put', state='s1', sealed='k:sealed') == ['OK']
    take = lambda state, ticket: fleet.run('oauth_take', state=state, ticket=ticket)
    assert take('s2', 'a') == ['STATE', 'NONE']
    # a lost answer may be asked for again, by the same callback only
    assert take('s1', 'a') == take('s1', 'a') == ['OK', 'k:sealed']
    assert take('s1', 'b') == ['STATE', 'USED']
    assert 0 < fleet.check().ttls['oauth:s1'] <= 200
    fleet.wait(210)
    assert take('s1', 'a') == ['STATE', 'NONE']


def test_a_post_has_its_address_as_soon_as_the_handle_and_the_public_id_are_known(fleet):
    fleet.account(rev='2', profile=['username', 'ann.de'])
    fleet.account('u2')
    _, polled = fleet.to_processing('one')
    assert fleet.finish(polled, 'COMPLETE', post_id='7602997517160123666')[0] == 'OK'
    assert fleet.job('one')['post_url'] == 'https://www.tiktok.com/@ann.de/video/7602997517160123666'
    _, polled = fleet.to_processing('two', media='photos')
    assert fleet.finish(polled, 'COMPLETE', next_ms=0)[0] == 'OK'
    assert fleet.look(polled, next_ms=-1, post_id='72')[0] == 'OK'
    assert fleet.job('two')['post_url'] == 'https://www.tiktok.com/@ann.de/photo/72'
    # whose handle is not known, or would be more than a handle in an address, has none
    for name, handle in (('three', ''), ('four', 'a/../b')):
        fleet.key('HSET', 'account:u2', 'creator_username', handle)
        _, polled = fleet.to_processing(name, 'u2')
        assert fleet.finish(polled, 'COMPLETE', post_id='73')[0] == 'OK'
        assert fleet.job(name).get('post_url', '') == ''
