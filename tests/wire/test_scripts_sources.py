# SPDX-License-Identifier: Apache-2.0
"""Which message a job is of: a REJECTED one is replaced by another, an id is used again when its end is forgotten, and a
Redis that lost all of it takes back the message that was sent, not the one that it reads first."""
import pytest

from redis_scripts import fleet, make_fleet, scripts, server  # noqa: F401
from test_scripts_gate import TAKER, close, restored

DAY = 86400000


def opened(fleet):
    fleet.run('account', taker=TAKER, open_id='u1', rev='1', alias='', sealed='s', scopes='', status='ok', expires_at='0',
              refresh_expires_at='0', by='cli')
    assert fleet.run('gate_open', taker=TAKER, generation='2') == ['OK']
    fleet.marks, fleet.offset = {}, {}


def emptied(fleet):
    fleet.redis('FLUSHALL')
    close(fleet)


def rejected_and_replaced(make_fleet):
    """`one` was one too many, then came with other content when there was room."""
    fleet = make_fleet(limit__queued=1)
    fleet.account()
    assert fleet.ingest('first') == ['OK', 'QUEUED']
    assert fleet.ingest('one', hash='x', message='old') == ['OK', 'REJECTED']
    assert fleet.cancel('first') == ['OK', 'CANCELLED']
    assert fleet.ingest('one', hash='y', message='new') == ['OK', 'QUEUED']
    return fleet


def read_again(fleet, **more):
    """The three messages, from the beginning; what became of those of `one`."""
    fleet.ingest('first')
    return [fleet.ingest('one', hash='x', message='old', **more), fleet.ingest('one', hash='y', message='new', **more)]


def test_a_claim_names_the_message_that_it_sends(make_fleet):
    fleet = rejected_and_replaced(make_fleet)
    claimed = fleet.claim()
    assert (claimed['message'], claimed['source']) == ('new', 'jobs-0@2')


@pytest.mark.parametrize('says', ['unsure', 'processing', 'end'])
def test_what_was_sent_is_what_is_retried_after_redis_was_emptied(make_fleet, says):
    fleet = rejected_and_replaced(make_fleet)
    claimed = fleet.claim()
    emptied(fleet)
    more = dict(end_state='FAILED', at=fleet.now()) if says == 'end' else dict(at=fleet.now())
    assert restored(fleet, 'one', says, epoch=claimed['epoch'], attempt='1', account='u1', mode='direct',
                    publish_id='v_pub~1' if says == 'processing' else '', source=claimed['source'], **more)[0] == 'OK'
    opened(fleet)
    assert read_again(fleet) == [['OK', 'KNOWN'], ['OK', 'KNOWN']]
    space = fleet.check()
    assert space.get('message:one') == 'new' and space.jobs()['one']['hash'] == 'y'
    assert space.jobs()['one']['source'] == 'jobs-0@2'


def test_the_message_in_the_journal_is_the_jobs_only_if_it_was_sent(make_fleet):
    fleet = rejected_and_replaced(make_fleet)
    claimed = fleet.claim()
    emptied(fleet)
    restored(fleet, 'one', 'unsure', epoch=claimed['epoch'], attempt='1', account='u1', at=fleet.now(),
             source=claimed['source'])
    kept = dict(partition='', shown='', taker=TAKER, timestamp=fleet.now())
    assert fleet.ingest('one', hash='x', message='old', **dict(kept, source='jobs-0@1')) == ['OK', 'KNOWN']
    assert 'message:one' not in fleet.space().values
    assert fleet.ingest('one', hash='y', message='new', **dict(kept, source='jobs-0@2')) == ['OK', 'KNOWN']
    assert fleet.space().get('message:one') == 'new'


def test_a_redis_of_before_the_replacement_is_told_of_the_other_message(make_fleet):
    fleet = make_fleet(limit__queued=1)
    fleet.account()
    fleet.ingest('first')
    assert fleet.ingest('one', hash='x', message='old') == ['OK', 'REJECTED']
    close(fleet)
    assert restored(fleet, 'one', 'unsure', epoch='1-9', attempt='1', account='u1', mode='direct', at=fleet.now(),
                    source='jobs-0@2') == ['OK', 'UNSURE']
    assert 'message:one' not in fleet.space().values
    fleet.run('gate_open', taker=TAKER, generation='2')
    assert fleet.ingest('one', hash='y', message='new') == ['OK', 'KNOWN']
    assert fleet.space().get('message:one') == 'new'


def test_a_cancel_of_what_had_replaced_a_rejected_message_is_not_undone_by_a_redis_of_before(make_fleet):
    fleet = make_fleet(limit__queued=1)
    fleet.account()
    fleet.ingest('first')
    fleet.ingest('one', hash='x', message='old')
    close(fleet)
    assert restored(fleet, 'one', 'end', epoch='0-0', account='u1', at=fleet.now(), end_state='CANCELLED',
                    source='jobs-0@2') == ['OK', 'CANCELLED']
    fleet.run('gate_open', taker=TAKER, generation='2')
    assert fleet.ingest('one', hash='y', message='new') == ['OK', 'KNOWN']
    assert fleet.state('one') == 'CANCELLED'


def test_of_two_messages_that_were_rejected_the_older_one_is_not_tried_when_redis_was_emptied(make_fleet):
    fleet = make_fleet()
    fleet.account()
    sent = fleet.now()
    sources = ('jobs-0@1', 'jobs-0@2')
    for hash, source in zip('xy', sources):
        assert fleet.ingest('one', hash=hash, source=source) == ['OK', 'QUEUED']
        fleet.wait(2)
        claimed = fleet.claim()
        assert fleet.refuse(claimed, 'REJECT', code='privacy_not_offered') == ['OK', 'REJECTED']
    emptied(fleet)
    restored(fleet, 'one', 'end', epoch=claimed['epoch'], account='u1', at=fleet.now(), end_state='REJECTED',
             source=claimed['source'])
    opened(fleet)
    # another one under its id: for the dead letters
    again = dict(hash='x', source=sources[0], timestamp=sent)
    assert fleet.ingest('one', **again)[:2] == ['STATE', 'REJECTED']
    assert fleet.ingest('one', verdict='skip', **again) == ['OK', 'SKIPPED']
    assert fleet.ingest('one', hash='y', source=sources[1], timestamp=sent) == ['OK', 'KNOWN']
    assert fleet.state('one') == 'REJECTED'
    # one that nobody had read takes its place
    assert fleet.ingest('one', hash='z', source='jobs-0@3', timestamp=sent) == ['OK', 'QUEUED']
    fleet.check()


@pytest.mark.parametrize('source, later', [('jobs-1@0', False), ('jobs-0@0', True)])
def test_a_message_of_elsewhere_or_of_a_topic_made_anew_replaces_what_was_rejected(make_fleet, source, later):
    fleet = make_fleet()
    fleet.account()
    sent = fleet.now()
    close(fleet)
    restored(fleet, 'one', 'end', epoch='0-0', account='u1', at=fleet.now(), end_state='REJECTED', source='jobs-0@7')
    opened(fleet)
    fleet.wait(2)
    assert fleet.ingest('one', source=source, timestamp=fleet.now() if later else sent) == ['OK', 'QUEUED']
    fleet.check()


# ---- an id whose end is forgotten

def test_an_id_may_be_used_again_when_its_end_is_forgotten(make_fleet):
    fleet = make_fleet(job__keep_ms=DAY)
    fleet.account()
    claimed, polled = fleet.to_processing('one')
    assert fleet.finish(polled, 'COMPLETE', post_id='1') == ['OK', 'PUBLISHED']
    # it came before that: the same job, whatever it says
    fleet.key('HSET', 'job:one', 't_end', fleet.now() - DAY + 5000)
    assert fleet.ingest('one') == ['OK', 'KNOWN']
    # a Redis that was told of the end holds it longer than the id is taken
    fleet.key('HSET', 'job:one', 't_end', fleet.now() - DAY - 1000)
    assert fleet.ingest('one', timestamp=fleet.now() - 2000) == ['OK', 'KNOWN']
    assert fleet.ingest('one', hash='y') == ['OK', 'QUEUED']
    space = fleet.check()
    assert space.jobs()['one']['hash'] == 'y' and 'attempt_epoch' not in space.jobs()['one']
    assert fleet.claim()['job_id'] == 'one'


def test_an_old_end_is_put_back_for_as_long_as_a_second_message_may_come_back(make_fleet):
    fleet = make_fleet(job__keep_ms=10 * DAY, topics__jobs_retention_ms=DAY)
    fleet.account()
    close(fleet)
    end = lambda job_id, days: restored(fleet, job_id, 'end', epoch='1-3', account='u1', end_state='PUBLISHED',
                                        post_id='1', at=fleet.now() - days * DAY)
    assert end('young', 9) == ['OK', 'PUBLISHED']
    assert end('old', 11) == ['OK', 'PUBLISHED']
    assert end('gone', 13) == ['OK', '']
    space = fleet.check()
    assert set(space.jobs()) == {'young', 'old'}
    assert 0 < space.ttls['job:young'] <= DAY and 0 < space.ttls['job:old'] <= DAY
    opened(fleet)
    # a second message of its id, which came while the end was remembered
    assert fleet.ingest('old', hash='y', timestamp=fleet.now() - 2 * DAY) == ['OK', 'KNOWN']
    assert fleet.state('old') == 'PUBLISHED'


def test_what_redis_holds_of_an_end_that_is_long_over_is_told_so(fleet):
    claimed = fleet.to_sending('one')
    close(fleet)
    assert restored(fleet, 'one', 'end', epoch=claimed['epoch'], account='u1', end_state='PUBLISHED',
                    at=fleet.now() - 400 * DAY) == ['OK', 'PUBLISHED']


# ---- times that whoever sends a message wrote on it, as on a topic without LogAppendTime

def test_a_message_from_the_future_frees_no_id(fleet):
    """Its time is later than the end by more than ends are remembered, and the end is of just now."""
    claimed, polled = fleet.to_processing('one')
    assert fleet.finish(polled, 'COMPLETE') == ['OK', 'PUBLISHED']
    ahead = fleet.conf['job.keep_ms'] + DAY
    assert fleet.ingest('one', timestamp=fleet.now() + ahead) == ['OK', 'KNOWN']
    assert fleet.claim()[0] == 'WAIT' and fleet.state('one') == 'PUBLISHED'


@pytest.mark.parametrize('priority', [0, 5, 9])
def test_a_message_whose_time_is_in_microseconds_waits_in_its_turn(fleet, priority):
    fleet.ingest('micros', priority=priority, timestamp=fleet.now() * 1000)
    fleet.wait(2)
    fleet.ingest('millis', priority=priority)
    space = fleet.check()
    assert fleet.offset['0'] == 2 and float(space.jobs()['micros']['t_message']) <= fleet.now()
    claimed = fleet.claim()
    assert isinstance(claimed, dict) and claimed['job_id'] == 'micros', claimed


def test_a_pause_from_the_future_does_not_outlast_a_resume(fleet):
    def say(what, timestamp):
        return fleet.run('command', mode='do', id='%s-%d' % (what, timestamp), what=what, account='u1', timestamp=timestamp,
                         commander='cli', by='worker-1')[1]
    assert say('pause', fleet.now() + DAY) == 'PAUSED'
    fleet.wait(2)
    assert say('resume', fleet.now()) == 'RESUMED'
    fleet.wait(2)
    assert say('resume', fleet.now() - 1000) == 'KNOWN'


def test_a_reschedule_from_the_future_does_not_outlast_the_next(fleet):
    fleet.ingest('one')

    def move(number, due, timestamp):
        return fleet.run('command', mode='do', id='move-%d' % number, what='reschedule', job_id='one', due=due,
                         timestamp=timestamp, commander='cli', by='worker-1')
    assert move(1, fleet.now() + 9 * DAY, fleet.now() + DAY) == ['OK', 'QUEUED']
    fleet.wait(2)
    due = fleet.now() + 5 * DAY
    assert move(2, due, fleet.now()) == ['OK', 'QUEUED']
    assert int(fleet.job('one')['t_due']) == due
