# SPDX-License-Identifier: Apache-2.0
"""What the poller and the reaper see: retries, leases that end, doubts, horizons, looks; through the scripts."""
import pytest

from redis_scripts import fleet, make_fleet, scripts, server  # noqa: F401
from test_scripts_lives import check_the_end


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


def retried(fleet, claimed, who, state='UNSURE'):
    if who == 'policy':
        assert fleet.run('policy_retry', job_id='one', epoch=claimed['epoch'], id='p1', poller='p') == ['OK', 'QUEUED']
    else:
        assert fleet.run('command', mode='do', id='c1', what='retry', job_id='one', state=state, epoch=claimed['epoch'],
                         commander='cli', by='worker-1')[:2] == ['OK', 'QUEUED']


def late_answers(fleet):
    return [fields['why'] for _, fields in fleet.space().get('events') if fields['name'] == 'LATE_ANSWER']


@pytest.mark.parametrize('kind', ['direct', 'draft'])
@pytest.mark.parametrize('who', ['person', 'policy'])
def test_a_late_answer_after_a_retry_and_before_its_claim_is_taken_and_nothing_is_sent_twice(make_fleet, who, kind):
    fleet = make_fleet(limit__in_flight=1, limit__account=1)
    fleet.account()
    claimed = fleet.to_sending('one', kind=kind)
    fleet.refuse(claimed, 'DOUBT', arrived=-1)
    retried(fleet, claimed, who)
    fleet.ingest('two', priority=9)
    other = fleet.claim()
    assert other['job_id'] == 'two'
    for _ in range(2):
        assert fleet.result(claimed, 'v_pub~late') == ['OK', 'PROCESSING']
    space = fleet.check()
    assert set(space.get('slots')) == set(space.get('flying:u1')) == {'one', 'two'} and set(space.get('polls')) == {'one'}
    assert ('one' if kind == 'draft' else claimed['epoch']) in space.get(('inbox' if kind == 'draft' else 'day') + ':u1')
    assert fleet.claim()[0] == 'FULL' and late_answers(fleet) == []
    polled, = fleet.poll()
    assert fleet.finish(polled, 'COMPLETE', post_id='1') == ['OK', 'PUBLISHED']
    assert set(fleet.check().get('slots')) == {'two'}
    fleet.sending(other)
    fleet.result(other)
    polled, = fleet.poll()
    fleet.finish(polled, 'COMPLETE', post_id='2')
    check_the_end(fleet, PUBLISHED=2)


def test_a_late_answer_after_the_claim_of_the_retry_changes_nothing_and_is_told_once(fleet):
    claimed = fleet.to_sending('one')
    fleet.refuse(claimed, 'DOUBT', arrived=-1)
    retried(fleet, claimed, 'person')
    assert fleet.claim()['attempt'] == '2'
    for _ in range(2):
        assert fleet.result(claimed, 'v_pub~late') == ['FENCED']
    assert late_answers(fleet) == ['v_pub~late'] and 'v_pub~late' in fleet.job('one')['warnings']
    assert fleet.state('one') == 'CLAIMED'
    fleet.check()


def test_an_answer_to_an_end_that_was_retried_or_a_doubt_that_was_cancelled_is_told(fleet):
    claimed = fleet.to_sending('one')
    fleet.refuse(claimed, 'REFUSE', arrived=1)
    retried(fleet, claimed, 'person', 'FAILED')
    assert fleet.result(claimed, 'v_pub~1') == ['STATE', 'QUEUED']
    assert fleet.cancel('one') == ['OK', 'CANCELLED']
    assert fleet.result(claimed, 'v_pub~2') == ['STATE', 'CANCELLED']
    assert late_answers(fleet) == ['v_pub~1', 'v_pub~2']
    fleet.check()


def test_an_answer_that_was_taken_before_the_retry_is_not_taken_again(fleet):
    claimed, polled = fleet.to_processing('one')
    fleet.finish(polled, 'HORIZON')
    assert fleet.run('command', mode='do', id='c1', what='retry', job_id='one', state='UNSURE', epoch=claimed['epoch'],
                     publish_id=polled['publish_id'], commander='cli', by='worker-1')[:2] == ['OK', 'QUEUED']
    assert fleet.result(claimed, polled['publish_id']) == ['STATE', 'QUEUED']
    assert late_answers(fleet) == []
    fleet.check()


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
