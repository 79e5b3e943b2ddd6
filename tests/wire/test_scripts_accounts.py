# SPDX-License-Identifier: Apache-2.0
"""What an account allows (creator info): the window of its calls, what is remembered of it, and what a claim tells."""
from redis_scripts import fleet, make_fleet, scripts, server  # noqa: F401

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
