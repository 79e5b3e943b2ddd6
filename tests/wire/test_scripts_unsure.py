# SPDX-License-Identifier: Apache-2.0
"""UNSURE jobs: whose account is listed and when, what a listing may and may not do, and the upstream's choice."""
import pytest

from redis_scripts import fleet, make_fleet, scripts, server, without  # noqa: F401

PAGES = 5


def grant(fleet, open_id='u1', scopes='user.info.basic,video.publish,video.list'):
    fleet.key('HSET', 'account:' + open_id, 'scopes', scopes)


def doubt(fleet, job_id='one', account='u1', **more):
    """A job whose worker stopped between SENDING and the answer."""
    claimed = fleet.to_sending(job_id, account, **{**dict(privacy='PUBLIC_TO_EVERYONE'), **more})
    assert fleet.refuse(claimed, 'DOUBT', arrived=-1) == ['OK', 'UNSURE']
    return claimed


def claim(fleet, count=10, timeout_ms=10000):
    reply = fleet.run('evidence_claim', count=count, timeout_ms=timeout_ms, pages=PAGES)
    fleet.check()
    if reply[0] != 'OK':
        return reply
    names = ('job_id', 'epoch', 'account', 't_sending', 'looks', 'message', 'sealed', 'member', 'known', 'rev')
    assert len(reply) % len(names) == 1
    return [dict(zip(names, reply[i:])) for i in range(1, len(reply), len(names))]


def found(fleet, looked, post_id='', **more):
    reply = fleet.run('found', **{**dict(job_id=looked['job_id'], epoch=looked['epoch'], member=looked['member'], calls=1,
                                         pages=PAGES, post_id=post_id, post_url='https://t/' + post_id if post_id else '',
                                         said='words', looks=int(looked['looks']) + 1, poller='poller-1'), **more})
    fleet.check()
    return reply


def look_into_the_journal(fleet):
    """As the poller does it; it found nothing."""
    _, *due = fleet.run('doubt_due', count=100)
    assert fleet.run('doubt_looked', looked=due) == ['OK']
    assert fleet.run('doubt_due', count=100) == ['WAIT']


def policy(fleet):
    """Its pass, as the poller does it: [word, how many retried, how many failed]."""
    look_into_the_journal(fleet)
    word, failed, *retry = fleet.run('policy', poller='poller-1', count=10, fail_cause='Nobody knows.',
                                     fail_remedy='Look at it.')
    fleet.check()
    for job_id, epoch, publish_id in zip(*[iter(retry)] * 3):
        assert policy_retry(fleet, job_id, epoch, publish_id) == ['OK', 'QUEUED']
    fleet.check()
    return [word, len(retry) // 3, failed]


def policy_retry(fleet, job_id, epoch, publish_id=''):
    return fleet.run('policy_retry', job_id=job_id, epoch=epoch, publish_id=publish_id, cause='Twice?', remedy='Look.',
                     id='policy~%s~%s' % (job_id, epoch), poller='poller-1')


def said(fleet, job_id='one'):
    return fleet.job(job_id).get('evidence_said', '')


def next_of(fleet, job_id='one'):
    return int(fleet.job(job_id)['evidence_next'])


@pytest.fixture
def lists(make_fleet):
    """A fleet whose doubts are listed at once, whose account u1 may be listed."""
    made = make_fleet(unsure__look_ms=1, unsure__looks=3, limit__account=100, limit__init=100)
    made.account()
    grant(made)
    return made


def looked(fleet, job_id='one', **more):
    doubt(fleet, job_id, **more)
    fleet.wait(5)
    one, = claim(fleet)
    assert one['job_id'] == job_id
    return one


# ---- whose account is listed

def test_a_public_video_in_doubt_is_listed_for(lists):
    one = looked(lists)
    job = lists.job('one')
    assert one == dict(job_id='one', epoch=job['attempt_epoch'], account='u1', t_sending=job['t_sending'], looks='0',
                       message='{"job_id": "one"}', sealed='k:sealed', member=one['member'], known='', rev='1')
    assert len(lists.space().get('window:*:video_list')) == PAGES


def test_what_no_listing_can_tell_is_said_once_and_never_listed(lists):
    lists.account('u2')
    for i, (words, more) in enumerate([
            ('draft', dict(kind='draft')), ('photo post', dict(media='photos')), ('private', dict(privacy='SELF_ONLY')),
            ('did not grant video.list', dict(account='u2'))]):
        doubt(lists, 'j%d' % i, **more)
        assert claim(lists) == ['WAIT', -1]
        assert words in said(lists, 'j%d' % i) and next_of(lists, 'j%d' % i) == 0
        before = lists.space().values
        lists.wait(3)
        assert claim(lists) == ['WAIT', -1]
        assert lists.space().values == before


def test_a_scope_is_a_whole_word(lists):
    grant(lists, scopes='video.list.more,my.video.list')
    doubt(lists)
    assert claim(lists) == ['WAIT', -1] and 'did not grant' in said(lists)
    grant(lists, scopes='video.list')
    doubt(lists, 'two')
    lists.wait(3)
    # the other doubt of the account stays one, listable or not
    assert claim(lists)[0] == 'WAIT' and 'other UNSURE jobs' in said(lists, 'two')


def test_a_doubt_with_a_publish_id_is_not_listed_for(lists):
    _, polled = lists.to_processing('one', privacy='PUBLIC_TO_EVERYONE')
    assert lists.finish(polled, 'HORIZON', code='poll_horizon') == ['OK', 'UNSURE']
    assert claim(lists) == ['WAIT', -1]
    assert 'publish id' in said(lists)


def test_no_looks_at_all(make_fleet):
    fleet = make_fleet(unsure__looks=0)
    fleet.account()
    grant(fleet)
    doubt(fleet)
    assert claim(fleet) == ['WAIT', -1]
    assert 'switched off' in said(fleet) and next_of(fleet) == 0


def test_two_doubts_of_one_account_are_not_listed_for(lists):
    doubt(lists)
    doubt(lists, 'two')
    lists.wait(5)
    assert claim(lists)[0] == 'WAIT'
    assert 'other UNSURE jobs' in said(lists) and 'other UNSURE jobs' in said(lists, 'two')
    assert lists.job('one')['evidence_looks'] == '1'


def test_a_doubt_that_the_journal_alone_knows_waits_for_its_message(lists):
    doubt(lists)
    lists.key('HSET', 'job:one', 'hash', '')
    lists.wait(5)
    assert claim(lists)[0] == 'WAIT' and said(lists) == ''
    lists.key('HSET', 'job:one', 'hash', 'h')
    assert len(claim(lists)) == 1


# ---- when

def test_looks_come_later_and_later_and_end(make_fleet):
    fleet = make_fleet(unsure__look_ms=100, unsure__looks=3)
    fleet.account()
    grant(fleet)
    doubt(fleet)
    word, wait = claim(fleet)
    assert word == 'WAIT' and 50 < wait <= 100
    for looks in (1, 2, 3):
        fleet.wait(100 * 2 ** (looks - 1) + 10)
        one, = claim(fleet)
        assert one['looks'] == str(looks - 1)
        assert claim(fleet)[0] == 'WAIT'
        now = fleet.now()
        assert found(fleet, one) == ['OK', 'UNSURE']
        left = next_of(fleet) - now
        assert 100 * 2 ** looks <= left < 100 * 2 ** looks + 50 if looks < 3 else next_of(fleet) == 0
        assert fleet.job('one')['evidence_said'] == 'words'
    assert claim(fleet) == ['WAIT', -1]
    # a note, and nothing else
    assert fleet.state('one') == 'UNSURE' and fleet.names('one')[-1].endswith('UNSURE')


def test_a_look_without_an_answer_is_not_counted_but_ends_at_the_horizon(make_fleet):
    fleet = make_fleet(unsure__look_ms=1, unsure__looks=1, poll__horizon_ms=1000)
    fleet.account()
    grant(fleet)
    doubt(fleet)
    for _ in range(3):
        fleet.wait(5)
        one, = claim(fleet)
        assert found(fleet, one, looks=int(one['looks'])) == ['OK', 'UNSURE']
    assert next_of(fleet) > 0
    fleet.wait(1000)
    assert claim(fleet) == ['WAIT', -1]
    assert next_of(fleet) == 0 and 'did not answer' in said(fleet)


def test_a_look_whose_poller_died_is_made_again(lists):
    doubt(lists)
    lists.wait(5)
    first, = claim(lists, timeout_ms=50)
    assert claim(lists)[0] == 'WAIT'
    lists.wait(60)
    second, = claim(lists)
    assert second['member'] != first['member'] and second['looks'] == '0'


def test_listings_of_the_fleet_share_one_window(make_fleet):
    fleet = make_fleet(unsure__look_ms=1, limit__video_list=2 * PAGES, limit__window_ms=150)
    for i in range(3):
        fleet.account('u%d' % i)
        grant(fleet, 'u%d' % i)
        doubt(fleet, 'j%d' % i, 'u%d' % i)
    fleet.wait(5)
    first, second = claim(fleet)
    assert claim(fleet)[0] == 'WAIT'
    assert len(fleet.space().get('window:*:video_list')) == 2 * PAGES
    # what was reserved and not called is given back
    found(fleet, first, calls=2, over=1)
    found(fleet, second, calls=1, over=1)
    assert len(fleet.space().get('window:*:video_list')) == 3
    third, = claim(fleet)
    assert third['job_id'] not in (first['job_id'], second['job_id'])


# ---- what it is weighed by

def test_a_post_of_the_account_without_a_public_id_is_waited_for(lists):
    _, polled = lists.to_processing('other', privacy='PUBLIC_TO_EVERYONE')
    doubt(lists)
    lists.wait(5)
    assert claim(lists)[0] == 'WAIT' and 'public id of job other' in said(lists)
    lists.finish(polled, 'COMPLETE', next_ms=0)
    lists.wait(5)
    assert claim(lists)[0] == 'WAIT'
    polled, = lists.poll()
    lists.look(polled, post_id='72', next_ms=-1)
    lists.wait(10)
    one, = claim(lists)
    assert one['known'] == '72' and one['looks'] == '2'


@pytest.mark.parametrize('how', ['FAIL', 'AGAIN', 'NOT_SENT', 'REFUSE', 'private'])
def test_what_surely_is_not_listed_does_not_stand_in_the_way(lists, how):
    lists.conf['retry.delay_ms'] = 100000
    if how in ('NOT_SENT', 'REFUSE'):
        lists.refuse(lists.to_sending('other'), how, arrived=1, due_ms=100000)
    else:
        _, polled = lists.to_processing('other', privacy='SELF_ONLY' if how == 'private' else 'PUBLIC_TO_EVERYONE')
        lists.finish(polled, 'COMPLETE' if how == 'private' else how, due_ms=100000, code='internal')
    assert looked(lists)['known'] == ''


def test_a_draft_in_the_inbox_stands_in_the_way(lists):
    _, polled = lists.to_processing('draft', kind='draft')
    lists.finish(polled, 'INBOX', next_ms=0)
    doubt(lists)
    lists.wait(5)
    assert claim(lists)[0] == 'WAIT' and 'job draft' in said(lists)


def test_an_older_attempt_that_was_never_cleared_up_stands_in_the_way(make_fleet):
    fleet = make_fleet(unsure__look_ms=1, unsure__looks=1, unsure__slot_ms=1, limit__account=100, limit__init=100)
    fleet.account()
    doubt(fleet, 'other', on_unsure='retry')
    claim(fleet)
    fleet.wait(5)
    assert policy(fleet) == ['OK', 1, 0]
    claimed = fleet.claim()
    fleet.sending(claimed)
    fleet.result(claimed)
    polled, = fleet.poll()
    fleet.finish(polled, 'COMPLETE', post_id='72')
    grant(fleet)
    doubt(fleet)
    fleet.wait(5)
    assert claim(fleet)[0] == 'WAIT' and 'job other' in said(fleet)


def test_a_failed_doubt_stands_in_the_way(make_fleet):
    fleet = make_fleet(unsure__look_ms=1, unsure__slot_ms=1, limit__account=100, limit__init=100)
    fleet.account()
    doubt(fleet, 'other', on_unsure='fail')
    claim(fleet)
    fleet.wait(5)
    assert policy(fleet) == ['OK', 0, 1]
    grant(fleet)
    doubt(fleet)
    fleet.wait(5)
    assert claim(fleet)[0] == 'WAIT' and 'job other' in said(fleet)


# ---- found

def test_what_is_found_is_published(lists):
    one = looked(lists)
    for _ in range(2):
        assert found(lists, one, '7678907398077074696') == ['OK', 'PUBLISHED']
    job = lists.job('one')
    assert job['post_id'] == '7678907398077074696' and job['post_url'] == 'https://t/7678907398077074696'
    assert job['t_end'] and job['error_code'] == '' and job['evidence_said'] == 'words' and job['evidence_next'] == '0'
    assert lists.names('one')[-1] == one['epoch'] + ' PUBLISHED' and lists.names('one').count(one['epoch'] + ' PUBLISHED') == 1
    last = lists.outbox()[-1]
    assert (last['event'], last['post_id'], last['by']) == ('FOUND', '7678907398077074696', 'poller-1')
    space = lists.check()
    assert not space.get('slots') and not space.get('unsure') and not space.get('flying:u1')
    assert claim(lists) == ['WAIT', -1]


def test_a_late_answer_after_it_was_found_changes_nothing(lists):
    one = looked(lists)
    found(lists, one, '72')
    claimed = dict(job_id='one', epoch=one['epoch'])
    assert lists.result(claimed) == ['OK', 'PUBLISHED']
    assert lists.refuse(claimed, 'NOT_SENT', arrived=1) == ['STATE', 'PUBLISHED']
    assert lists.job('one')['post_id'] == '72'


def test_a_late_answer_comes_before_what_is_found(lists):
    one = looked(lists)
    assert lists.result(dict(job_id='one', epoch=one['epoch'])) == ['OK', 'PROCESSING']
    assert found(lists, one, '72') == ['STATE', 'PROCESSING']
    lists.check()


def test_found_for_an_older_attempt_is_fenced(lists):
    one = looked(lists)
    assert lists.refuse(dict(job_id='one', epoch=one['epoch']), 'NOT_SENT', arrived=1) == ['OK', 'QUEUED']
    assert found(lists, one, '72') == ['STATE', 'QUEUED']
    lists.sending(lists.claim())
    assert found(lists, one, '72') == ['FENCED']
    assert found(lists, dict(one, job_id='nobody'), '72') == ['FENCED']
    assert lists.state('one') == 'SENDING'


def test_what_became_another_jobs_meanwhile_is_not_taken(lists):
    one = looked(lists)
    _, polled = lists.to_processing('other', privacy='PUBLIC_TO_EVERYONE')
    assert found(lists, one, '72') == ['OK', 'UNSURE'] and 'job other' in said(lists)
    lists.finish(polled, 'COMPLETE', post_id='72')
    assert found(lists, one, '72') == ['OK', 'UNSURE'] and 'another job' in said(lists)
    assert found(lists, one, '7') == ['OK', 'PUBLISHED']


def test_a_new_doubt_begins_its_looks_anew(lists):
    one = looked(lists)
    found(lists, one, over=1)
    assert next_of(lists) == 0
    lists.refuse(dict(job_id='one', epoch=one['epoch']), 'NOT_SENT', arrived=1)
    again = lists.claim()
    lists.sending(again)
    lists.refuse(again, 'DOUBT', arrived=-1)
    lists.wait(5)
    two, = claim(lists)
    assert two['epoch'] == again['epoch'] != one['epoch'] and two['looks'] == '0'


# ---- policy

def settled(make_fleet, on_unsure, **more):
    """A doubt whose time is over, and which no listing can tell of."""
    fleet = make_fleet(unsure__slot_ms=1, **more.pop('conf', {}))
    fleet.account()
    claimed = doubt(fleet, on_unsure=on_unsure, **more)
    fleet.wait(5)
    return fleet, claimed


def test_hold_holds(make_fleet):
    fleet, _ = settled(make_fleet, 'hold')
    claim(fleet)
    look_into_the_journal(fleet)
    before = fleet.space().values
    assert policy(fleet) == ['OK', 0, 0]
    assert fleet.space().values == before


@pytest.mark.parametrize('on_unsure', ['retry', 'fail'])
def test_a_policy_waits_for_the_hold_of_the_slot_and_for_the_listings(make_fleet, on_unsure):
    fleet = make_fleet(unsure__slot_ms=150, unsure__look_ms=1, unsure__looks=1)
    fleet.account()
    grant(fleet)
    doubt(fleet, on_unsure=on_unsure)
    assert policy(fleet) == ['OK', 0, 0]
    fleet.wait(5)
    one, = claim(fleet)
    fleet.wait(160)
    assert policy(fleet) == ['OK', 0, 0]
    assert found(fleet, one) == ['OK', 'UNSURE']
    assert sum(policy(fleet)[1:]) == 1


@pytest.mark.parametrize('on_unsure', ['retry', 'fail'])
def test_a_policy_waits_until_the_journal_was_looked_into_for_that_attempt(make_fleet, on_unsure):
    fleet, old = settled(make_fleet, on_unsure)
    claim(fleet)
    ask = dict(poller='poller-1', count=10, fail_cause='Nobody knows.', fail_remedy='Look at it.')
    assert fleet.run('policy', **ask) == ['OK', 0]
    assert fleet.run('doubt_due', count=10) == ['OK', 'one', old['epoch']]
    fleet.run('doubt_looked', looked=['one', '1-99'])  # of another attempt
    assert fleet.run('policy', **ask) == ['OK', 0]
    fleet.run('doubt_looked', looked=['one', old['epoch']])
    assert fleet.run('doubt_due', count=10) == ['WAIT']
    assert fleet.run('policy', **ask) == (['OK', 1] if on_unsure == 'fail' else ['OK', 0, 'one', old['epoch'], ''])


def test_what_is_looked_for_in_the_journal_is_bounded_and_has_no_publish_id(make_fleet):
    fleet = make_fleet(unsure__slot_ms=1, limit__account=100, limit__init=100)
    fleet.account()
    for i in range(5):
        doubt(fleet, 'j%d' % i, on_unsure='hold')
    fleet.wait(5)
    assert len(fleet.run('doubt_due', count=3)) == 7
    fleet.key('HSET', 'job:j1', 'publish_id', 'v_pub~1')
    assert fleet.run('doubt_due', count=10)[1::2] == ['j0', 'j2', 'j3', 'j4']


def test_retry_is_a_new_attempt_and_says_that_it_may_double(make_fleet):
    fleet, old = settled(make_fleet, 'retry')
    claim(fleet)
    assert policy(fleet) == ['OK', 1, 0]
    assert policy(fleet) == ['OK', 0, 0]
    job = fleet.job('one')
    assert (job['state'], job['retries'], job['error_code']) == ('QUEUED', '1', 'unsure_retried')
    assert job['warnings'] == 'attempt 1: Twice? Look.\n'
    event = fleet.outbox()[-1]
    assert (event['name'], event['event'], event['error_cause'], event['error_remedy']) == ('QUEUED', 'RETRY', 'Twice?', 'Look.')
    new = fleet.claim()
    assert new['attempt'] == '2' and new['epoch'] != old['epoch']
    # a late answer to the old attempt moves nothing; an acceptance is told
    before = fleet.check().values
    assert fleet.refuse(old, 'REFUSE', arrived=1) == ['FENCED']
    assert fleet.check().values == before
    assert fleet.result(old, 'v_pub~9') == ['FENCED']
    assert without(fleet.check().values, ('warnings',)) == without(before, ('warnings',))
    said = fleet.job('one')['warnings'].split('\n')
    assert said[0] == 'attempt 1: Twice? Look.' and 'v_pub~9' in said[1]
    # what may have been posted counts on in the account's day
    assert {old['epoch'], new['epoch']} == set(fleet.space().get('day:u1'))


def test_a_late_answer_between_retry_and_claim_is_taken_and_nothing_is_sent_again(make_fleet):
    fleet, old = settled(make_fleet, 'retry')
    claim(fleet)
    policy(fleet)
    assert fleet.result(old) == ['OK', 'PROCESSING']
    assert fleet.claim() == ['WAIT', -1] and fleet.job('one')['attempt'] == '1'
    fleet.check()


def test_retry_has_the_bound_of_all_retries(make_fleet):
    fleet, _ = settled(make_fleet, 'retry', conf=dict(retry__max=1))
    claim(fleet)
    assert policy(fleet) == ['OK', 1, 0]
    again = fleet.claim()
    fleet.sending(again)
    fleet.refuse(again, 'DOUBT', arrived=-1, retries='1')
    fleet.wait(5)
    claim(fleet)
    assert policy(fleet) == ['OK', 0, 1]
    job = fleet.job('one')
    assert job['state'] == 'FAILED' and job['error_cause'] == 'Nobody knows. It was sent again before, as often as allowed.'


def test_retry_after_expires_at_is_a_failure(make_fleet):
    fleet = make_fleet(unsure__slot_ms=1)
    fleet.account()
    doubt(fleet, on_unsure='retry', expires=fleet.now() + 200)
    claim(fleet)
    fleet.wait(210)
    assert policy(fleet) == ['OK', 0, 1]
    assert 'expires_at' in fleet.job('one')['error_cause']


def test_fail_is_an_end_with_its_cause(make_fleet):
    fleet, old = settled(make_fleet, 'fail')
    claim(fleet)
    assert policy(fleet) == ['OK', 0, 1]
    job = fleet.job('one')
    assert (job['state'], job['error_code'], job['error_cause'], job['error_remedy']) == \
        ('FAILED', 'unsure_failed', 'Nobody knows.', 'Look at it.')
    assert job['t_end'] and fleet.outbox()[-1]['name'] == 'FAILED'
    assert fleet.result(old) == ['STATE', 'FAILED']
    assert not fleet.check().get('slots')


def test_a_policy_is_bounded_a_call(make_fleet):
    fleet = make_fleet(unsure__slot_ms=1, limit__account=100, limit__init=100)
    fleet.account()
    for i in range(12):
        doubt(fleet, 'j%d' % i, on_unsure='fail')
    fleet.wait(5)
    claim(fleet)
    assert policy(fleet) == ['OK', 0, 10]
    assert policy(fleet) == ['OK', 0, 2]


def test_an_answer_that_is_too_late_changes_nothing_and_is_told_once(lists):
    claimed = doubt(lists, on_unsure='fail')
    lists.key('HSET', 'job:one', 'evidence_epoch', claimed['epoch'], 'evidence_next', '0')
    lists.key('ZADD', 'unsure', 1, 'one')
    assert policy(lists) == ['OK', 0, 1]
    for _ in range(2):
        assert lists.result(claimed, 'v_pub~7') == ['STATE', 'FAILED']
    job = lists.job('one')
    assert job['state'] == 'FAILED' and job.get('publish_id', '') == '' and job['warnings'].count('v_pub~7') == 1
    assert 'when the job was FAILED already' in job['warnings'] and not job['warnings'].endswith('\n')


def test_a_job_that_was_found_learns_its_publish_id_from_the_late_answer(lists):
    one = looked(lists)
    assert found(lists, one, '7000000000000000001')[0] == 'OK'
    assert lists.result(dict(job_id='one', epoch=one['epoch']), 'v_pub~7') == ['OK', 'PUBLISHED']
    job = lists.job('one')
    assert (job['publish_id'], job['post_id'], job.get('warnings', '')) == ('v_pub~7', '7000000000000000001', '')
