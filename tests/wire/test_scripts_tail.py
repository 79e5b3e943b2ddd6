# SPDX-License-Identifier: Apache-2.0
"""Where a gate may begin to read the journal, what Redis holds that the tail does not say, what the policy retries, and
what the sweep asks."""
from redis_scripts import fleet, make_fleet, scripts, server  # noqa: F401
from test_scripts_gate import TAKER, close, restored

DAY = 86400000


def opened(fleet, ends='0:10 1:20', anchor='0:3', **more):
    """The gate opened by a taker that has read the journal so far, over a Redis that knows a job."""
    fleet.ingest('some')
    fleet.key('HSET', 'gate', 'state', 'closed')
    assert fleet.run('gate_take', taker=TAKER, lease_ms=20000)[0] == 'OK'
    assert fleet.run('gate_open', taker=TAKER, generation='2', ends=ends, anchor=anchor, read='whole', **more) == ['OK']


def tail(fleet):
    """What the next taker is told."""
    fleet.redis('DEBUG', 'CHANGE-REPL-ID')
    reply = fleet.run('gate_take', taker='poller-9#1', lease_ms=20000)
    assert reply[0] == 'OK'
    return reply[4:]


def ends(fleet, text, span=0):
    return fleet.run('gate_ends', poller='poller-1', ends=text, span=span)


def test_a_tail_begins_where_the_last_gate_had_read_to(fleet):
    opened(fleet)
    assert tail(fleet) == ['0:10 1:20', '0:3']


def test_a_tail_begins_at_the_mark_before_the_newest(fleet):
    opened(fleet)
    assert ends(fleet, '1:25') == ['OK']
    assert tail(fleet)[0] == '0:10 1:20'
    fleet.run('gate_open', taker='poller-9#1', generation='3', ends='0:10 1:20', anchor='0:3', read='tail')
    assert ends(fleet, '1:25') == ['OK'] and ends(fleet, '0:19 2:4') == ['OK']
    assert tail(fleet)[0] == '0:10 1:25'


def test_a_mark_never_goes_back_and_keeps_all_digits(fleet):
    opened(fleet, ends='0:9007199254740991')
    assert ends(fleet, '0:5') == ['OK'] and ends(fleet, '') == ['OK']
    assert tail(fleet)[0] == '0:9007199254740991'


def test_a_mark_that_comes_too_soon_is_none(fleet):
    opened(fleet)
    assert ends(fleet, '0:99', span=60000) == ['WAIT']
    assert ends(fleet, '0:99') == ['OK'] and ends(fleet, '0:199', span=60000) == ['WAIT']
    assert tail(fleet)[0] == '0:10 1:20'


def test_no_mark_without_a_gate_that_has_read_the_journal(fleet):
    assert ends(fleet, '0:99') == ['WAIT']
    fleet.ingest('one')
    assert tail(fleet) == ['', '']


def test_who_is_in_doubt_reads_from_the_beginning(fleet):
    # a person wants it
    opened(fleet)
    assert fleet.run('gate_close', by='tokfleet rebuild')[0] == 'OK'
    assert tail(fleet) == ['', '']
    fleet.run('gate_open', taker='poller-9#1', generation='3', ends='', anchor='', read='whole')
    # ends that stand before it may be forgotten by now
    opened(fleet)
    fleet.key('HSET', 'gate', 't_ends', fleet.now() - fleet.conf['job.keep_ms'] * 6 // 10)
    assert tail(fleet) == ['', '']
    fleet.run('gate_open', taker='poller-9#1', generation='3', ends='', anchor='', read='whole')
    # the record of the generation has no place that is known
    opened(fleet, anchor='')
    assert tail(fleet) == ['', '']


def test_an_empty_redis_remembers_nothing(fleet):
    opened(fleet)
    fleet.redis('DEL', '{f}:count')
    assert tail(fleet) == ['', '']


# ---- what Redis holds that the tail does not say

def failed_and_retried(fleet):
    claimed, polled = fleet.to_processing('one')
    assert fleet.finish(polled, 'FAIL', code='c') == ['OK', 'FAILED']
    assert fleet.run('command', mode='do', id='c1', what='retry', job_id='one', state='FAILED', epoch=claimed['epoch'],
                     publish_id=polled['publish_id'], commander='cli', by='worker-1')[:2] == ['OK', 'QUEUED']
    return claimed, polled


def test_an_end_that_was_retried_is_not_restored_by_a_tail_that_does_not_say_so(fleet):
    claimed, polled = failed_and_retried(fleet)
    assert fleet.job('one')['retried'] == claimed['epoch']
    close(fleet)
    end = dict(epoch=claimed['epoch'], account='u1', at=fleet.now(), end_state='FAILED')
    assert restored(fleet, 'one', 'end', **end) == ['OK', 'QUEUED']
    assert restored(fleet, 'one', 'processing', epoch=claimed['epoch'], account='u1', at=fleet.now(),
                    publish_id=polled['publish_id']) == ['OK', 'QUEUED']
    # what came after it counts
    assert restored(fleet, 'one', 'unsure', epoch='1-99', account='u1', at=fleet.now()) == ['OK', 'UNSURE']
    fleet.check()


def test_a_cancel_after_the_retry_counts(fleet):
    claimed, _ = failed_and_retried(fleet)
    close(fleet)
    assert restored(fleet, 'one', 'end', epoch=claimed['epoch'], account='u1', at=fleet.now(),
                    end_state='CANCELLED') == ['OK', 'CANCELLED']


# ---- the policy

def in_doubt(make_fleet):
    fleet = make_fleet(unsure__slot_ms=1, unsure__look_ms=1, unsure__looks=0)
    fleet.account()
    claimed = fleet.to_sending('one', on_unsure='retry')
    fleet.refuse(claimed, 'DOUBT', arrived=-1)
    fleet.wait(5)
    fleet.run('evidence_claim', count=10, timeout_ms=1000, pages=1)
    fleet.run('doubt_looked', looked=['one', claimed['epoch']])
    return fleet, claimed


def policy(fleet):
    return fleet.run('policy', poller='poller-1', count=10, fail_cause='c', fail_remedy='r')


def retry(fleet, claimed, publish_id=''):
    return fleet.run('policy_retry', job_id='one', epoch=claimed['epoch'], publish_id=publish_id, cause='c', remedy='r',
                     id='policy~one~' + claimed['epoch'], poller='poller-1')


def test_the_policy_names_what_it_would_retry_and_does_nothing_yet(make_fleet):
    fleet, claimed = in_doubt(make_fleet)
    for _ in range(2):
        assert policy(fleet) == ['OK', 0, 'one', claimed['epoch'], '']
    assert fleet.state('one') == 'UNSURE'
    assert retry(fleet, claimed) == retry(fleet, claimed) == ['OK', 'QUEUED']
    assert fleet.check().jobs()['one']['retries'] == '1'
    assert policy(fleet) == ['OK', 0]
    # sent again, and in doubt again: the same command is of the attempt before
    again = fleet.claim()
    fleet.sending(again)
    fleet.refuse(again, 'DOUBT', arrived=-1)
    assert retry(fleet, claimed) == ['FENCED'] and fleet.state('one') == 'UNSURE'


def test_the_policys_retry_comes_to_nothing_when_an_answer_was_first(make_fleet):
    fleet, claimed = in_doubt(make_fleet)
    fleet.result(claimed, 'v_pub~7')
    assert retry(fleet, claimed) == ['STATE', 'PROCESSING']
    assert policy(fleet) == ['OK', 0]


def test_the_policy_fails_what_it_cannot_send_again(make_fleet):
    fleet, claimed = in_doubt(make_fleet)
    fleet.key('DEL', 'message:one')
    assert policy(fleet) == ['OK', 1]
    assert 'not kept' in fleet.job('one')['error_cause']


def test_a_redis_that_forgot_hears_of_the_policys_retry(make_fleet):
    fleet, claimed = in_doubt(make_fleet)
    close(fleet)
    # the image is of before; the journal has the command
    voids = claimed['epoch'] + '/POLICY/'
    assert restored(fleet, 'one', 'nothing', voids=voids, commands='policy~one~' + claimed['epoch']) == ['OK', 'QUEUED']
    fleet.run('gate_open', taker=TAKER, generation='2')
    assert fleet.claim()['job_id'] == 'one'


def test_the_policys_retry_takes_no_end_back(make_fleet):
    fleet, claimed = in_doubt(make_fleet)
    assert fleet.run('command', mode='do', id='c1', what='resolve', job_id='one', state='UNSURE', epoch=claimed['epoch'],
                     outcome='failed', commander='cli', by='worker-1')[:2] == ['OK', 'FAILED']
    close(fleet)
    assert restored(fleet, 'one', 'nothing', voids=claimed['epoch'] + '/POLICY/') == ['OK', 'FAILED']


# ---- messages that are kept, and the sweep

def test_a_doubt_that_outwaits_the_topic_has_its_message_kept(make_fleet):
    fleet = make_fleet(topics__jobs_retention_ms=2000)
    fleet.account()
    claimed = fleet.to_sending('one', timestamp=fleet.now() - 1500)
    fleet.refuse(claimed, 'DOUBT', arrived=-1)
    reply = fleet.run('audit', poller='poller-1', cursor='0', count=100, keep_at_most=10)
    assert reply[2:5] == [0, 'one', 'jobs-0@0']
    fleet.run('kept', job_id='one')
    assert fleet.run('audit', poller='poller-1', cursor='0', count=100, keep_at_most=10)[2:] == [0]


def test_an_id_used_again_has_its_message_kept_again(make_fleet):
    """The sweep may have taken the copy of the new life for that of the old one: both have one key."""
    fleet = make_fleet(topics__jobs_retention_ms=2000, job__keep_ms=60000)
    fleet.account()
    fleet.ingest('one', '@nobody', timestamp=fleet.now() - 1500)
    fleet.run('kept', job_id='one')
    assert fleet.cancel('one') == ['OK', 'CANCELLED']
    fleet.key('HSET', 'job:one', 't_end', fleet.now() - 65000)
    assert fleet.ingest('one', due=fleet.now() + 100000, timestamp=fleet.now() - 1500, hash='other') == ['OK', 'QUEUED']
    reply = fleet.run('audit', poller='poller-1', cursor='0', count=100, keep_at_most=10)
    assert reply[2:5] == [0, 'one', 'jobs-0@1']


def test_a_job_of_an_unknown_account_that_waits_nowhere_waits_again_until_its_moment(fleet):
    fleet.ingest('one', '@nobody')
    places = {place: fleet.key('ZSCORE', place, 'one') for place in ('unknown:@nobody', 'delayed')}
    for place in places:
        fleet.key('ZREM', place, 'one')
    reply = fleet.run('audit', poller='poller-1', cursor='0', count=100, keep_at_most=10)
    assert reply[2:] == [1, 'one: it was QUEUED and waited nowhere']
    assert {place: fleet.key('ZSCORE', place, 'one') for place in places} == places
    fleet.check()


def test_the_sweep_is_ones_and_asks_what_redis_still_holds(fleet):
    fleet.ingest('one')
    fleet.key('HSET', 'job:other', 'commands', '!c1')
    assert fleet.run('sweep_check', ids=['gone', 'one', 'other']) == ['OK', 1, 0, 1]
    fleet.key('DEL', 'job:other')
    word, now = fleet.run('sweep_due', poller='poller-1', interval=DAY)
    assert word == 'OK' and 0 <= fleet.now() - now < 1000
    word, wait = fleet.run('sweep_due', poller='poller-2', interval=DAY)
    assert word == 'WAIT' and DAY - 10000 < wait <= DAY
    assert fleet.run('sweep_due', poller='poller-2', interval=0)[0] == 'OK'
