# SPDX-License-Identifier: Apache-2.0
"""What an account allows (creator info): the window of its calls, what is remembered of it, and what a claim tells. Its
tokens: when they are refreshed, by whom, and what comes of one that is refused."""
import pytest

from redis_scripts import PREFIX, fleet, make_fleet, scripts, server  # noqa: F401

TOLD = dict(known=1, answered=1, username='me.too', nickname='Me', privacy_options='PUBLIC_TO_EVERYONE,SELF_ONLY',
            comment_disabled='1', duet_disabled='0', stitch_disabled='0', max_duration_s='600')


def ask(fleet, member, timeout_ms=1000):
    return fleet.run('creator_ask', account='u1', member=member, timeout_ms=timeout_ms)


def tell(fleet, member, **more):
    return fleet.run('creator', **{**dict(account='u1', member=member), **more})


def test_a_claim_tells_what_the_account_allows_and_how_old_that_is(fleet):
    assert ask(fleet, '1-1') == ['OK']
    assert tell(fleet, '1-1', **TOLD) == ['OK', 0]
    fleet.wait(20)
    fleet.ingest('one')
    claimed = fleet.claim()
    assert claimed['privacy_options'] == 'PUBLIC_TO_EVERYONE,SELF_ONLY'
    assert (claimed['comment_disabled'], claimed['duet_disabled'], claimed['stitch_disabled']) == ('1', '0', '0')
    assert 20 <= int(claimed['creator_age']) < 10000
    assert (claimed['creator_failures'], claimed['failed_age']) == ('', '')
    account = fleet.check().get('account:u1')
    assert (account['creator_username'], account['creator_nickname'], account['max_duration_s']) == ('me.too', 'Me', '600')


def test_a_window_has_room_for_no_more_than_its_limit_and_says_when(make_fleet):
    fleet = make_fleet(limit__creator_info=2, limit__window_ms=400)
    fleet.account()
    assert ask(fleet, '1-1', 50) == ['OK'] and ask(fleet, '1-2', 50) == ['OK']
    word, wait = ask(fleet, '1-3', 50)
    assert word == 'WAIT' and 350 < wait <= 451
    tell(fleet, '1-1', **TOLD)
    assert ask(fleet, '1-3', 50)[0] == 'WAIT'
    fleet.check()
    fleet.wait(460)
    assert ask(fleet, '1-3', 50) == ['OK']


def test_a_call_that_surely_did_not_arrive_gives_its_place_back(make_fleet):
    fleet = make_fleet(limit__creator_info=1)
    fleet.account()
    assert ask(fleet, '1-1') == ['OK'] and ask(fleet, '1-2')[0] == 'WAIT'
    assert tell(fleet, '1-1', answered=0, known=-1) == ['OK', 1]
    assert ask(fleet, '1-2') == ['OK']


def test_failures_in_a_row_are_counted_once_each_and_an_answer_ends_them(fleet):
    for n, member in ((1, '1-1'), (1, '1-1'), (2, '1-2'), (3, '1-3')):
        ask(fleet, member)
        assert tell(fleet, member, answered=-1, known=-1) == ['OK', n]
    fleet.ingest('one')
    claimed = fleet.claim()
    assert claimed['creator_failures'] == '3' and 0 <= int(claimed['failed_age']) < 10000
    # a cap or a ban is an answer, too, and says nothing of what the account allows
    assert tell(fleet, '1-4', answered=1, known=0) == ['OK', 0]
    account = fleet.check().get('account:u1')
    assert not {'creator_failures', 't_creator_failed', 'creator_failed', 't_creator'} & set(account)


def test_a_failure_forgets_nothing_of_what_was_told(fleet):
    tell(fleet, '1-1', **TOLD)
    tell(fleet, '1-2', answered=-1, known=-1)
    assert fleet.check().get('account:u1')['privacy_options'] == 'PUBLIC_TO_EVERYONE,SELF_ONLY'


def test_an_account_that_is_not_there_is_not_made(fleet):
    assert fleet.run('creator', account='nobody', member='m', **TOLD) == ['STATE']
    assert 'account:nobody' not in fleet.check().values


def test_an_answer_that_comes_after_its_account_was_removed_writes_no_names(fleet):
    assert ask(fleet, '1-1') == ['OK']
    fleet.account(rev='2', status='removed')
    assert tell(fleet, '1-1', **TOLD) == ['STATE']
    assert tell(fleet, '1-1', answered=-1, known=-1) == ['STATE']
    assert not [name for name in fleet.check().get('account:u1') if name.startswith(('creator_', 'privacy_', 't_creator'))]


def test_a_claimed_job_is_rejected_and_costs_its_account_nothing(fleet):
    fleet.ingest('one')
    claimed = fleet.claim()
    assert fleet.refuse(claimed, 'REJECT', code='privacy_not_offered') == ['OK', 'REJECTED']
    assert fleet.refuse(claimed, 'REJECT', code='privacy_not_offered') == ['OK', 'REJECTED']
    space = fleet.check()
    assert not space.get('window:u1:init') and not space.get('day:u1') and not space.get('slots')
    assert fleet.names('one')[-1] == '1-1 REJECTED'


def test_a_warning_of_an_attempt_stands_on_the_job_once(fleet):
    fleet.ingest('one', warnings='one: a')
    for _ in range(2):
        claimed = fleet.claim()
        assert fleet.sending(claimed, warnings='comment: off\nduet: off') == ['OK']
        assert fleet.job('one')['warnings'] == 'one: a\ncomment: off\nduet: off'
        fleet.refuse(claimed, 'NOT_SENT')
    fleet.check()


# ---- tokens

DAY = 86400000


@pytest.fixture
def bare(make_fleet):
    return make_fleet()


def store(fleet, rev, life=DAY, left=None, status='ok', why='', sealed=None, refresh_left=365 * DAY, **more):
    """A record whose access token lives for `life` and has `left` of it."""
    now = fleet.now()
    ends = now + (life if left is None else left)
    return fleet.run('account', **{**dict(
        open_id='u1', rev=str(rev), sealed=sealed or 'sealed %s' % rev, scopes='video.publish', status=status, why=why,
        token_at=str(ends - life), expires_at=str(ends), refresh_expires_at=str(now + refresh_left), by='cli'), **more})


def due(fleet):
    """ms until the account is to be refreshed; None: never"""
    score = fleet.key('ZSCORE', 'refresh', 'u1')
    return score and int(score) - fleet.now()


def claim_refresh(fleet):
    reply = fleet.run('refresh_claim', count=10)
    return dict(zip(('word', 'account', 'epoch', 'failures'), reply)) if reply[0] == 'OK' else reply


def end_refresh(fleet, claimed, event, **more):
    return fleet.run('refresh_end', account='u1', epoch=claimed['epoch'], event=event, **more)


def told(fleet):
    return [(e['name'], e['epoch'], e['account'], e['error_code']) for e in fleet.outbox() if 'job_id' not in e]


def test_a_token_is_refreshed_at_its_age_and_a_short_one_at_three_quarters_of_its_life(make_fleet):
    fleet = make_fleet(refresh__jitter_ms=0)
    hour = 3600000
    for rev, (life, left, at) in enumerate([(DAY, DAY, 23 * hour), (DAY, hour * 4, 3 * hour), (DAY, 0, -hour),
                                            (hour, hour, 45 * 60000), (20000, 20000, 15000), (2 * DAY, 2 * DAY, 23 * hour)]):
        store(fleet, rev, life, left)
        assert abs(due(fleet) - at) < 2000, (life, left, due(fleet))
    # when it was given is not known: its life begins now
    store(fleet, 10, token_at='0')
    assert abs(due(fleet) - 23 * hour) < 2000


def test_the_same_record_has_the_same_moment_and_another_account_another(make_fleet):
    fleet = make_fleet(refresh__jitter_ms=3600000)
    moments = set()
    for name in ('u1', 'u2', 'u3', 'u4'):
        scores = set()
        for _ in range(2):
            fleet.redis('DEL', PREFIX + 'account:' + name)
            store(fleet, 1, open_id=name, token_at='1795389800000', expires_at=str(1795389800000 + DAY))
            scores.add(int(fleet.key('ZSCORE', 'refresh', name)) - 1795389800000)
        assert len(scores) == 1 and all(22 * 3600000 < s <= 23 * 3600000 for s in scores)
        moments |= scores
    assert len(moments) == 4


def test_one_refresh_at_a_time_as_long_as_its_lease(make_fleet):
    fleet = make_fleet(refresh__lease_ms=200)
    store(fleet, 1, left=0)
    first = claim_refresh(fleet)
    assert (first['account'], first['failures']) == ('u1', '0')
    assert claim_refresh(fleet)[0] == 'WAIT'
    fleet.check()
    assert end_refresh(fleet, first, 'keep', wait_ms=400) == ['OK']
    fleet.wait(250)
    assert claim_refresh(fleet)[0] == 'WAIT'
    fleet.wait(200)
    second = claim_refresh(fleet)
    assert second['word'] == 'OK' and second['epoch'] != first['epoch']
    for event in ('keep', 'again', 'done'):
        assert end_refresh(fleet, first, event, wait_ms=0) == ['FENCED']
    assert end_refresh(fleet, second, 'done') == ['OK']


def test_a_failure_waits_and_is_counted_and_success_forgets_it(bare):
    fleet = bare
    store(fleet, 1, left=0)
    for n in range(3):
        claimed = claim_refresh(fleet)
        assert claimed['failures'] == str(n)
        assert end_refresh(fleet, claimed, 'again', wait_ms=30, code='no_answer') == ['OK']
        assert claim_refresh(fleet)[0] == 'WAIT'
        fleet.wait(40)
    claimed = claim_refresh(fleet)
    assert fleet.check().get('account:u1')['refresh_why'] == 'no_answer'
    store(fleet, 2, seen='1')
    assert end_refresh(fleet, claimed, 'done') == ['OK']
    account = fleet.check().get('account:u1')
    assert not {name for name in account if name.startswith('refresh_')} - {'refresh_expires_at'}
    assert due(fleet) > 22 * 3600000


def test_a_new_consent_forgets_the_failures_of_the_old_one_and_a_refusal_is_refreshed_at_once(bare):
    fleet = bare
    store(fleet, 1, left=0)
    assert end_refresh(fleet, claim_refresh(fleet), 'again', wait_ms=DAY, code='no_answer') == ['OK']
    store(fleet, 2)
    account = fleet.check().get('account:u1')
    assert not {'refresh_failures', 'refresh_why', 't_refresh_failed'} & set(account)
    claimed = fleet.to_sending('one')
    fleet.refuse(claimed, 'NOT_SENT', arrived=1, account_then='refresh', token_rev='2', code='access_token_invalid')
    assert claim_refresh(fleet)['failures'] == '0'


def test_a_refused_token_is_refreshed_at_once_and_nothing_is_claimed_until_then(fleet):
    store(fleet, 5)
    for job in ('one', 'two'):
        fleet.ingest(job)
    claimed = fleet.claim()
    assert claimed['rev'] == '5'
    fleet.sending(claimed)
    assert fleet.refuse(claimed, 'NOT_SENT', arrived=1, account_then='refresh', token_rev='5',
                        code='access_token_invalid') == ['OK', 'QUEUED']
    assert fleet.claim()[0] == 'WAIT'
    fleet.ingest('three')
    assert fleet.claim()[0] == 'WAIT'
    fleet.check()
    refresh = claim_refresh(fleet)
    assert store(fleet, 6, seen='5') == ['OK', 0, 'STORED']
    assert end_refresh(fleet, refresh, 'done') == ['OK']
    fleet.check()
    assert fleet.claim()['rev'] == '6'


def test_a_refusal_of_an_older_token_says_nothing_of_the_new_one(fleet):
    store(fleet, 5)
    claimed = fleet.to_sending('one')
    store(fleet, 6, seen='5')
    fleet.refuse(claimed, 'NOT_SENT', arrived=1, account_then='refresh', token_rev='5', code='access_token_invalid')
    assert due(fleet) > 22 * 3600000
    assert fleet.check().get('account:u1').get('refused_rev') is None
    assert fleet.claim()['job_id'] == 'one'


def test_many_refusals_of_one_token_are_one_refresh(fleet):
    store(fleet, 5)
    claimed = [fleet.to_sending('job-%d' % i) for i in range(3)]
    for one in claimed:
        fleet.refuse(one, 'NOT_SENT', arrived=1, account_then='refresh', token_rev='5', code='access_token_invalid')
    refresh = claim_refresh(fleet)
    assert refresh['word'] == 'OK'
    _, polled = None, None
    assert fleet.check().get('account:u1')['refused'] == '1'
    # a look at a post that comes while it is refreshed does not make another one due
    fleet.key('ZADD', 'refresh', 'XX', fleet.now() + 5000, 'u1')
    fleet.run('look', job_id='job-0', publish_id='', member='', poller='p')
    assert claim_refresh(fleet)[0] == 'WAIT'


def test_a_look_that_is_refused_asks_for_a_refresh_and_the_others_wait(fleet):
    store(fleet, 5)
    _, polled = fleet.to_processing('one')
    assert polled['rev'] == '5'
    assert fleet.look(polled, account_then='refresh', token_rev='5', code='access_token_invalid') == ['OK', 'PROCESSING']
    assert claim_refresh(fleet)['word'] == 'OK'
    assert fleet.poll()[0] == 'WAIT'
    fleet.check()


def test_a_dead_consent_is_not_refreshed_for_a_look_and_its_posts_have_their_horizon(make_fleet):
    fleet = make_fleet(poll__horizon_ms=300)
    store(fleet, 5)
    _, polled = fleet.to_processing('one')
    store(fleet, 6, seen='5', status='parked', why='invalid_grant')
    assert fleet.look(polled, account_then='refresh', token_rev='6', code='access_token_invalid') == ['OK', 'PROCESSING']
    assert due(fleet) is None and 'refused_rev' not in fleet.check().get('account:u1')
    # whoever was refused before: it waits as long as the horizon, and then is looked at whatever comes of it
    fleet.key('HSET', 'account:u1', 'refused_rev', '6')
    assert fleet.poll(timeout_ms=50)[0] == 'WAIT'
    fleet.wait(310)
    polled, = fleet.poll()
    assert polled['job_id'] == 'one'
    assert fleet.finish(polled, 'HORIZON', code='poll_horizon') == ['OK', 'UNSURE']
    assert not fleet.check().get('slots')


def test_a_listing_that_is_refused_asks_for_a_refresh(fleet):
    store(fleet, 5)
    claimed = fleet.to_sending('one')
    fleet.refuse(claimed, 'DOUBT', arrived=-1)
    fleet.run('found', job_id='one', epoch=claimed['epoch'], member='m', calls=1, pages=1, token_rev='5', poller='p')
    assert claim_refresh(fleet)['word'] == 'OK'


def test_tokens_refused_one_after_another_wait_longer_each_time_and_then_for_a_person(make_fleet):
    fleet = make_fleet(limit__window_ms=1000)
    fleet.ingest('one', '@later')
    store(fleet, 1, alias='@later', aliases='@later')
    waits = []
    for rev in range(1, 6):
        claimed = fleet.claim()
        assert claimed['rev'] == str(rev)
        fleet.refuse(claimed, 'RELEASE', account_then='refresh', token_rev=str(rev), code='access_token_invalid')
        waits.append(round(due(fleet) / 1000))
        fleet.check()
        if rev < 5:
            store(fleet, rev + 1, seen=str(rev))
    assert waits[:4] == [0, 1, 2, 4]
    assert fleet.check().get('account:u1')['parked_why'] == 'access_token_invalid'


def test_an_accepted_call_begins_that_count_anew(bare):
    fleet = bare
    store(fleet, 1)
    claimed = fleet.to_sending('one')
    fleet.refuse(claimed, 'NOT_SENT', account_then='refresh', token_rev='1', code='access_token_invalid')
    store(fleet, 2, seen='1')
    assert fleet.check().get('account:u1')['refused'] == '1'
    claimed = fleet.claim()
    fleet.sending(claimed)
    fleet.result(claimed)
    assert 'refused' not in fleet.check().get('account:u1')


def test_an_account_that_needs_consent_says_so_once_and_waits_and_a_new_consent_heals_it(bare):
    fleet = bare
    store(fleet, 1, left=0)
    fleet.ingest('one')
    claimed = claim_refresh(fleet)
    dead = dict(status='parked', why='invalid_grant', sealed='sealed 1', left=0)
    assert store(fleet, 2, seen='1', **dead) == ['OK', 0, 'STORED']
    assert store(fleet, 2, seen='1', **dead) == ['OK', 0, 'KNOWN']
    end_refresh(fleet, claimed, 'done')
    assert told(fleet) == [('NEEDS_CONSENT', '2', 'u1', 'invalid_grant')]
    assert due(fleet) is None and fleet.claim() == ['WAIT', -1]
    fleet.check()
    store(fleet, 3, seen='2', **dead)
    assert len(told(fleet)) == 1
    store(fleet, 4)
    assert due(fleet) > 0 and fleet.claim()['job_id'] == 'one'
    store(fleet, 5, seen='4', **dead)
    assert len(told(fleet)) == 2


def test_an_account_parked_for_another_reason_keeps_its_tokens_alive(bare):
    fleet = bare
    store(fleet, 1, status='parked', why='spam_risk_user_banned_from_posting')
    assert due(fleet) > 22 * 3600000 and told(fleet) == []
    store(fleet, 2, status='removed', sealed='')
    assert due(fleet) is None


def test_a_consent_that_ends_soon_is_told_once_a_day_of_its_end(make_fleet):
    fleet = make_fleet(refresh__soon_ms=30 * DAY)
    end = (fleet.now() // DAY + 20) * DAY + 1000
    store(fleet, 1)
    assert told(fleet) == []
    for rev in range(2, 5):
        store(fleet, rev, refresh_expires_at=str(end + rev))
    assert told(fleet) == [('CONSENT_ENDS_SOON', '2', 'u1', 'consent_ends_soon')]
    store(fleet, 5, refresh_expires_at=str(end + DAY))
    assert len(told(fleet)) == 2
    fleet.check()


def test_an_account_without_tokens_is_refreshed_by_nobody(fleet):
    fleet.key('ZADD', 'refresh', 1, 'gone')
    assert claim_refresh(fleet)[0] == 'WAIT'
    assert fleet.key('ZSCORE', 'refresh', 'gone') is None
