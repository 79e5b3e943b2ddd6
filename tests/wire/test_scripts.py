# SPDX-License-Identifier: Apache-2.0
"""Each script: the right way, a wrong state, a stale epoch, another identity, a closed gate, twice, memory full."""
import re

import pytest

from redis_scripts import (PREFIX, SCRIPTS, RedisError, fleet, make_fleet, scripts, server, without)  # noqa: F401

CHECKED = ['account', 'account_read', 'audit', 'claim', 'command', 'creator', 'creator_ask', 'doubt_due', 'doubt_looked',
           'evidence_claim', 'finish', 'forget_job', 'found',
           'gate_accounts', 'gate_close', 'gate_ends', 'heartbeat', 'ingest', 'kept', 'look', 'oauth_put', 'oauth_take', 'policy', 'policy_retry',
           'poll_claim', 'reap', 'refresh_claim', 'refresh_end', 'refuse', 'relay', 'result', 'sending', 'sweep_done',
           'sweep_due', 'watermark']
# what changes nothing: `measure` in test_scripts_measure.py
READS = ['mark', 'measure', 'sweep_check']
# what only the taker of a closed gate may run: test_scripts_gate.py
OF_THE_GATE = ['gate_keep', 'gate_open', 'gate_sweep', 'restore', 'restore_call']


def prepared(fleet, name):
    """A fleet in which the script has something to do, and the arguments that make it do so."""
    if name == 'account':
        fleet.ingest('waits', '@new')
        return dict(open_id='u2', rev='3', alias='@new', sealed='s', scopes='video.publish', status='ok',
                    expires_at='99', refresh_expires_at='0', by='cli')
    if name == 'account_read':
        fleet.account('u2', alias='@new')
        return dict(account='@new')
    if name == 'forget_job':
        fleet.ingest('one', metadata='{"a":1}')
        assert fleet.cancel('one')[0] == 'OK'
        return dict(job_id='one', account='u1')
    if name == 'oauth_put':
        return dict(state='s1', sealed='k:sealed')
    if name == 'oauth_take':
        fleet.run('oauth_put', state='s1', sealed='k:sealed')
        return dict(state='s1', ticket='t1')
    if name == 'ingest':
        return fleet.ingest_arguments('one')
    if name == 'claim':
        fleet.ingest('one')
        return dict(worker='worker-1')
    if name == 'audit':
        # two keys that disagree: nobody would look at it again
        fleet.result(fleet.to_sending('one'))
        fleet.key('ZREM', 'polls', 'one')
        return dict(poller='poller-1', cursor='0', count=100, keep_at_most=10)
    if name == 'kept':
        fleet.ingest('one')
        return dict(job_id='one')
    if name == 'gate_accounts':
        return dict(told='*')
    if name == 'gate_close':
        return dict(by='tokfleet rebuild')
    if name == 'command':
        fleet.ingest('one')
        return dict(mode='do', id='c1', what='cancel', job_id='one', commander='cli', by='worker-1')
    if name in ('refresh_claim', 'refresh_end'):
        fleet.key('ZADD', 'refresh', 1, 'u1')
        if name == 'refresh_claim':
            return dict(count=10)
        _, account, epoch, _ = fleet.run('refresh_claim', count=10)
        return dict(account=account, epoch=epoch, event='again', wait_ms=5000, code='no_answer')
    if name == 'creator_ask':
        return dict(account='u1', member='1-1', timeout_ms=1000)
    if name == 'creator':
        fleet.run('creator_ask', account='u1', member='1-1', timeout_ms=1000)
        return dict(account='u1', member='1-1', answered=1, known=1, username='me', nickname='Me',
                    privacy_options='SELF_ONLY', comment_disabled='0', duet_disabled='1', stitch_disabled='0',
                    max_duration_s='600')
    if name == 'sending':
        fleet.ingest('one')
        claimed = fleet.claim()
        return dict(job_id='one', epoch=claimed['epoch'], worker='worker-1')
    if name in ('result', 'refuse'):
        claimed = fleet.to_sending('one')
        if name == 'result':
            return dict(job_id='one', epoch=claimed['epoch'], publish_id='v_pub~7', log_id='log', first_poll_ms=0,
                        worker='worker-1')
        return dict(job_id='one', epoch=claimed['epoch'], event='NOT_SENT', arrived=1, due_ms=5000, retries=1,
                    account_then='window', code='rate_limit_exceeded', cause='c', remedy='r', worker='worker-1')
    if name == 'poll_claim':
        fleet.result(fleet.to_sending('one'))
        return dict(poller='poller-1', count=10, timeout_ms=10000)
    if name in ('look', 'finish'):
        _, polled = fleet.to_processing('one')
        named = dict(job_id='one', publish_id=polled['publish_id'], member=polled['member'], poller='poller-1')
        if name == 'look':
            return dict(named, answered=1, next_ms=1000, status='PROCESSING_DOWNLOAD', downloaded='17')
        return dict(named, event='COMPLETE', next_ms=60000, status='PUBLISH_COMPLETE')
    if name == 'reap':
        fleet.conf['lease.ms'] = 1
        fleet.ingest('one')
        fleet.claim()
        fleet.wait(5)
        return dict(poller='poller-1', count=100)
    if name in ('evidence_claim', 'found', 'policy', 'policy_retry', 'doubt_due', 'doubt_looked'):
        fleet.conf.update({'unsure.look_ms': 1, 'unsure.slot_ms': 1})
        fleet.key('HSET', 'account:u1', 'scopes', 'video.publish,video.list' if name == 'evidence_claim' else '')
        claimed = fleet.to_sending('one', privacy='PUBLIC_TO_EVERYONE', on_unsure='fail')
        fleet.refuse(claimed, 'DOUBT', arrived=-1)
        fleet.wait(5)
        looks = dict(count=10, timeout_ms=10000, pages=2)
        if name == 'found':
            return dict(job_id='one', epoch=claimed['epoch'], member='m', calls=1, pages=2, post_id='72', looks=1,
                        poller='poller-1')
        if name == 'policy_retry':
            return dict(job_id='one', epoch=claimed['epoch'], id='policy~one~1', cause='c', remedy='r', poller='poller-1')
        if name == 'doubt_due':
            return dict(count=10)
        if name == 'doubt_looked':
            return dict(looked=['one', claimed['epoch']])
        if name == 'policy':
            fleet.run('evidence_claim', **looks)
            fleet.run('doubt_looked', looked=['one', claimed['epoch']])
        return looks if name == 'evidence_claim' else dict(poller='poller-1', count=10, fail_cause='c')
    if name == 'gate_ends':
        fleet.key('HSET', 'gate', 'ends', '0:5 1:7', 't_ends', 0)
        return dict(poller='poller-1', ends='1:9', span=60000)
    if name == 'sweep_due':
        return dict(poller='poller-1', interval=60000)
    if name == 'sweep_done':
        return dict(jobs=3, records=9)
    if name == 'relay':
        fleet.ingest('one')
        return dict(ids=[entry for entry, _ in fleet.space().get('outbox', [])])
    if name == 'watermark':
        fleet.ingest('one')
        return dict(partition='0', shown=fleet.marks['0'])
    assert name == 'heartbeat'
    return dict(program='poller-1', kind='poller', host='h', pid='7', port='80', version='1', state='running',
                heartbeat_ms=2000)


def test_every_script_is_tested(scripts):
    assert set(CHECKED) | set(OF_THE_GATE) | set(READS) | {'gate_take'} == set(scripts.all)


@pytest.mark.parametrize('name', CHECKED)
def test_another_identity_answers_gate_and_writes_nothing(fleet, name):
    arguments = prepared(fleet, name)
    fleet.key('HSET', 'gate', 'identity', 'f' * 40)
    before = fleet.space()
    assert fleet.run(name, **arguments) == ['GATE']
    assert fleet.space().values == before.values


@pytest.mark.parametrize('name', CHECKED)
def test_a_closed_gate_answers_gate_and_writes_nothing(fleet, name):
    arguments = prepared(fleet, name)
    fleet.key('HSET', 'gate', 'state', 'closed')
    before = fleet.space()
    assert fleet.run(name, **arguments) == ['GATE']
    assert fleet.space().values == before.values


@pytest.mark.parametrize('name', CHECKED + ['gate_take', 'gate_open', 'mark'])
def test_an_empty_redis_answers_no_error_and_only_the_gate_is_written(fleet, name):
    arguments = prepared(fleet, name) if name in CHECKED else dict.fromkeys([
        a.partition(':')[0] for a in fleet.scripts.all[name].fixed()], 1)
    fleet.redis('FLUSHALL')
    reply = fleet.run(name, **arguments)
    assert reply[0] == {'gate_take': 'OK', 'gate_open': 'FENCED'}.get(name, 'GATE')
    assert set(fleet.space().values) <= {'gate'}


@pytest.mark.parametrize('name', [n for n in CHECKED if n not in ('claim', 'poll_claim', 'evidence_claim', 'refresh_claim')])
def test_twice_with_the_same_arguments_is_as_once(fleet, name):
    arguments = prepared(fleet, name)
    assert fleet.run(name, **arguments)[0] == 'OK'
    once = fleet.check().settled()
    second = fleet.run(name, **arguments)
    assert fleet.check().settled() == once
    # only what the watermark, or a list that is empty by now, tells is another answer
    others = dict(ingest='FENCED', refresh_end='FENCED', watermark='FENCED', gate_close='GATE', gate_ends='WAIT',
                  sweep_due='WAIT')
    assert second[0] == others.get(name, 'OK')


@pytest.mark.parametrize('name', ['claim', 'poll_claim', 'evidence_claim', 'refresh_claim'])
def test_a_claim_twice_takes_nothing_twice(fleet, name):
    arguments = prepared(fleet, name)
    assert fleet.run(name, **arguments)[0] == 'OK'
    once = fleet.check().settled()
    assert fleet.run(name, **arguments)[0] == 'WAIT'
    assert fleet.check().settled() == once


ALLOWED = {'account', 'audit', 'command', 'creator', 'doubt_looked', 'evidence_claim', 'finish', 'forget_job', 'found', 'gate_accounts', 'gate_close', 'heartbeat',
           'kept',
           'look', 'oauth_take', 'policy', 'policy_retry', 'poll_claim', 'reap', 'refresh_claim', 'refresh_end', 'refuse',
           'relay', 'result', 'sweep_done'}


@pytest.mark.parametrize('name', CHECKED)
def test_with_memory_full_what_records_or_ends_writes_and_the_rest_writes_nothing(fleet, name):
    arguments = prepared(fleet, name)
    before = fleet.space()
    fleet.redis('CONFIG', 'SET', 'maxmemory', 1)
    if name == 'account_read':
        assert fleet.run(name, **arguments)[0] == 'OK'
        assert fleet.space().values == before.values
    elif name in ALLOWED:
        assert fleet.run(name, **arguments)[0] == 'OK'
        assert fleet.space().values != before.values
        fleet.check()
    else:
        with pytest.raises(RedisError, match='^OOM'):
            fleet.run(name, **arguments)
        assert fleet.space().values == before.values


# ---- epochs and states

@pytest.mark.parametrize('name', ['sending', 'result', 'refuse', 'found'])
@pytest.mark.parametrize('epoch', ['1-0', '1-9999999999999999999', '', '0-1'])
def test_another_epoch_is_fenced(fleet, name, epoch):
    arguments = prepared(fleet, name)
    before = fleet.space()
    assert fleet.run(name, **dict(arguments, epoch=epoch)) == ['FENCED']
    assert fleet.run(name, **dict(arguments, job_id='nobody')) == ['FENCED']
    told = ('warnings',) if name == 'result' else ()
    assert without(fleet.space().values, told) == without(before.values, told)


@pytest.mark.parametrize('name', ['look', 'finish'])
def test_another_publish_id_is_fenced(fleet, name):
    arguments = prepared(fleet, name)
    before = fleet.space()
    for publish_id in ('v_pub~old', ''):
        assert fleet.run(name, **dict(arguments, publish_id=publish_id)) == ['FENCED']
    assert fleet.run(name, **dict(arguments, job_id='nobody')) == ['FENCED']
    assert fleet.space().values == before.values


def test_no_publish_id_asks_about_no_job_without_one(fleet):
    claimed = fleet.to_sending('one')
    assert fleet.refuse(claimed, 'DOUBT', arrived=-1) == ['OK', 'UNSURE']
    before = fleet.space()
    assert fleet.run('finish', job_id='one', publish_id='', event='FAIL', poller='p') == ['FENCED']
    assert fleet.run('look', job_id='one', publish_id='', poller='p') == ['FENCED']
    assert fleet.space().values == before.values


STATES = ['QUEUED', 'CLAIMED', 'SENDING', 'PROCESSING', 'UNSURE', 'PUBLISHED', 'IN_INBOX', 'FAILED', 'REJECTED', 'EXPIRED',
          'CANCELLED']


def in_state(fleet, state):
    """A job in that state by real steps; its claim, or one of nobody's, and its look."""
    nobody = dict(job_id='one', epoch='1-0')
    look = dict(job_id='one', publish_id='none', member='')
    if state == 'EXPIRED':
        fleet.ingest('one', expires=1)
        fleet.claim()
        return nobody, look
    fleet.ingest('one', kind='draft' if state == 'IN_INBOX' else 'direct')
    if state == 'QUEUED':
        return nobody, look
    if state == 'CANCELLED':
        fleet.cancel('one')
        return nobody, look
    claimed = fleet.claim()
    if state == 'REJECTED':
        fleet.refuse(claimed, 'REJECT')
    if state in ('CLAIMED', 'REJECTED'):
        return claimed, look
    fleet.sending(claimed)
    if state == 'UNSURE':
        fleet.refuse(claimed, 'DOUBT', arrived=-1)
    elif state == 'FAILED':
        fleet.refuse(claimed, 'REFUSE', arrived=1)
    if state in ('SENDING', 'UNSURE', 'FAILED'):
        return claimed, look
    fleet.result(claimed)
    look, = fleet.poll()
    if state != 'PROCESSING':
        fleet.finish(look, 'COMPLETE' if state == 'PUBLISHED' else 'INBOX')
    return claimed, look


# what each script makes of a job in each state; what is not here changes nothing
TAKEN = {
    'cancel': {'QUEUED': 'CANCELLED', 'CLAIMED': 'CANCELLED'},
    'sending': {'CLAIMED': 'SENDING'},
    'result': {'SENDING': 'PROCESSING', 'UNSURE': 'PROCESSING'},
    'RELEASE': {'CLAIMED': 'QUEUED', 'SENDING': 'QUEUED', 'UNSURE': 'QUEUED'},
    'REJECT': {'CLAIMED': 'REJECTED'},
    'EXPIRE': {'CLAIMED': 'EXPIRED'},
    'NOT_SENT': {'SENDING': 'QUEUED', 'UNSURE': 'QUEUED'},
    'REFUSE': {'SENDING': 'FAILED', 'UNSURE': 'FAILED'},
    'DOUBT': {'SENDING': 'UNSURE'},
    'COMPLETE': {'PROCESSING': 'PUBLISHED', 'IN_INBOX': 'PUBLISHED'},
    'INBOX': {'PROCESSING': 'IN_INBOX'},
    'FAIL': {'PROCESSING': 'FAILED'},
    'AGAIN': {'PROCESSING': 'QUEUED'},
    'HORIZON': {'PROCESSING': 'UNSURE'},
}


@pytest.mark.parametrize('state', STATES)
@pytest.mark.parametrize('what', TAKEN)
def test_every_script_in_every_state(fleet, what, state):
    claimed, look = in_state(fleet, state)
    assert fleet.state('one') == state
    before = fleet.check()
    if what == 'cancel':
        reply = fleet.cancel('one')
    elif what == 'sending':
        reply = fleet.sending(claimed)
    elif what == 'result':
        reply = fleet.result(claimed, 'v_pub~late')
    elif what in ('COMPLETE', 'INBOX', 'FAIL', 'AGAIN', 'HORIZON'):
        reply = fleet.finish(look, what)
    else:
        reply = fleet.refuse(claimed, what)
    to = TAKEN[what].get(state)
    after = fleet.check()
    if to:
        assert reply[0] == 'OK' and fleet.state('one') == to
    else:
        # OK: it was done before, by this attempt
        assert reply[0] in ('STATE', 'FENCED') or reply == ['OK', state] or (what, state) == ('sending', 'SENDING')
        # an answer that comes too late is told
        told = ('warnings', 'publish_id', 'log_id') if what == 'result' else ()
        assert without(after.values, told) == without(before.values, told)


# ---- ingest

def test_other_content_under_a_known_id_moves_nothing_then_skip_moves_the_watermark(fleet):
    fleet.ingest('one')
    before = fleet.space()
    other = fleet.ingest_arguments('one', hash='other', source='jobs-0@9')
    state = fleet.ingest_raw(other)
    assert state[:2] == ['STATE', 'QUEUED'] and state[2] != other['source'] and state[4], state
    assert fleet.space().values == before.values
    assert fleet.ingest_raw(dict(other, verdict='skip')) == ['OK', 'SKIPPED']
    after = fleet.check()
    assert after.get('watermark')['0'].split()[0] == '2'
    assert {k: v for k, v in after.values.items() if k != 'watermark'} == \
        {k: v for k, v in before.values.items() if k != 'watermark'}


def test_the_same_content_again_and_the_same_message_again_change_nothing(fleet):
    fleet.ingest('one')
    before = fleet.space().jobs()
    assert fleet.ingest('one', source='jobs-0@7') == ['OK', 'KNOWN']
    assert fleet.ingest('one', source='jobs-0@0', hash='decoded by another version') == ['OK', 'KNOWN']
    assert fleet.check().jobs() == before


def test_the_watermark_is_compared_before_anything_is_done(fleet):
    arguments = fleet.ingest_arguments('one', timestamp=1795387502795)
    fleet.ingest_raw(arguments)
    before = fleet.space()
    for shown in ('', '0', '1', '1 1795387502795', '1 1795387502796 abc', '1 1795387502795 abd', '2 1795387502795 abc'):
        late = dict(fleet.ingest_arguments('two'), shown=shown)
        assert fleet.run('ingest', **late) == ['FENCED', '1 1795387502795 abc']
    assert fleet.space().values == before.values
    assert fleet.run('mark', partition='0') == ['OK', '1 1795387502795 abc']
    assert fleet.run('mark', partition='1') == ['OK', '']


def test_large_offsets_keep_all_their_digits(fleet):
    fleet.ingest('one', next_offset='9223372036854775806')
    assert fleet.ingest('two', next_offset='9223372036854775807') == ['OK', 'QUEUED']
    assert fleet.run('mark', partition='0')[1].startswith('9223372036854775807 ')


def test_a_restarted_topic_begins_again_once(fleet):
    fleet.ingest('one')
    assert fleet.run('watermark', partition='0', shown='0') == ['FENCED', fleet.key('HGET', 'watermark', '0')]
    mark = fleet.marks['0']
    assert fleet.run('watermark', partition='0', shown=mark) == ['OK']
    assert fleet.run('mark', partition='0') == ['OK', '']
    assert fleet.run('watermark', partition='0', shown=mark) == ['FENCED', '']
    assert [e['name'] for _, e in fleet.space().get('events')] == ['QUEUED', 'TOPIC_RESTARTED']


BAD = dict(verdict='bad', code='bad_message', cause='It is none.', remedy='Mend it.', kind='', media='', hash='')


def test_a_bad_message_rejects_a_new_id_and_nothing_else(fleet):
    assert fleet.ingest('one', **BAD) == ['OK', 'REJECTED']
    assert fleet.ingest('one', **BAD) == ['OK', 'KNOWN']
    assert fleet.ingest('', **BAD) == ['OK', 'SKIPPED']
    assert fleet.ingest('good') == ['OK', 'QUEUED']
    assert fleet.ingest('good', **BAD) == ['OK', 'KNOWN']
    space = fleet.check()
    assert space.jobs()['one']['error_code'] == 'bad_message'
    assert 'message:one' not in space.values and fleet.state('good') == 'QUEUED'
    assert fleet.names('one') == ['0-0 REJECTED'] and int(space.get('count')['REJECTED']) == 1


def test_a_good_message_replaces_a_rejected_job(fleet):
    fleet.ingest('one', **BAD)
    assert fleet.ingest('one', metadata='{"order": 991}') == ['OK', 'QUEUED']
    space = fleet.check()
    job = space.jobs()['one']
    assert job['hash'] == 'h-one' and not job.get('error_code') and space.ttls['job:one'] == -1
    assert fleet.names('one') == ['0-0 REJECTED', '0-0 QUEUED']
    assert fleet.outbox()[-1]['metadata'] == '{"order": 991}'


def test_a_replaced_job_keeps_nothing_of_the_old_message_but_its_attempts(fleet):
    now = fleet.now()
    fleet.ingest('one', due=now - 1000, expires=now + 200, metadata='old', privacy='SELF_ONLY', priority=9)
    claimed = fleet.claim()
    fleet.refuse(claimed, 'REJECT', retries=3, log_id='old')
    assert fleet.ingest('one', hash='new', source='jobs-0@5') == ['OK', 'QUEUED']
    job = fleet.check().jobs()['one']
    assert not {'t_due', 't_expires', 'metadata', 'privacy', 'log_id', 't_end'} & {k for k, v in job.items() if v}
    assert job['attempt'] == '1' and int(job.get('retries') or 0) == 0
    # no event id twice: this QUEUED is another than the first
    assert fleet.names('one') == ['0-0 QUEUED', '%s REJECTED' % claimed['epoch'], '%s QUEUED' % claimed['epoch']]
    fleet.wait(200)
    again = fleet.claim()
    assert (again['job_id'], again['attempt'], again['epoch']) == ('one', '2', '1-2')
    assert fleet.refuse(again, 'RELEASE') == ['OK', 'QUEUED']
    fleet.check()
    assert fleet.claim()['job_id'] == 'one'


def test_a_message_older_than_the_end_records_is_expired(fleet):
    day = 24 * 3600 * 1000
    assert fleet.ingest('one', timestamp=fleet.now() - 31 * day) == ['OK', 'EXPIRED']
    space = fleet.check()
    assert 'message:one' not in space.values and fleet.names('one') == ['0-0 EXPIRED']
    assert space.jobs()['one']['error_code'] == 'too_old' and space.jobs()['one']['error_remedy']
    assert fleet.ingest('two', timestamp=fleet.now() - 29 * day) == ['OK', 'QUEUED']


def test_an_account_is_bound(make_fleet):
    fleet = make_fleet(limit__queued=2)
    fleet.account()
    assert [fleet.ingest('a%d' % i)[1] for i in range(3)] == ['QUEUED', 'QUEUED', 'REJECTED']
    assert [fleet.ingest('b%d' % i, '@nobody')[1] for i in range(3)] == ['QUEUED', 'QUEUED', 'REJECTED']
    job = fleet.check().jobs()['a2']
    assert job['error_code'] == 'account_full' and ' 2 jobs' in job['error_cause']
    assert fleet.ingest('a2', hash='x') == ['OK', 'KNOWN']
    fleet.claim()
    assert fleet.ingest('a2', hash='x') == ['OK', 'QUEUED']
    fleet.check()


# ---- the gate: test_scripts_gate.py

def test_a_restarted_server_answers_gate(fleet):
    fleet.ingest('one')
    fleet.redis('DEBUG', 'CHANGE-REPL-ID')
    before = fleet.space()
    assert fleet.claim() == ['GATE']
    assert fleet.space().values == before.values


# ---- heartbeats, relay

def beat(fleet, program, kind='poller', state='running', heartbeat_ms=2000):
    reply = fleet.run('heartbeat', program=program, kind=kind, host='h', pid='7', port='80', version='1', state=state,
                      heartbeat_ms=heartbeat_ms)
    if len(reply) > 3:
        assert 0 <= fleet.now() - reply.pop() < 1000  # Redis' time
    return reply


def test_one_of_each_kind_is_the_first(fleet):
    assert beat(fleet, 'poller-b') == ['OK', 1, '1']
    assert beat(fleet, 'worker-a', 'worker') == ['OK', 1, '1']
    assert beat(fleet, 'poller-a') == ['OK', 1, '1']
    assert beat(fleet, 'poller-b') == ['OK', 0, '1']
    assert beat(fleet, 'poller-a', state='stopped') == ['OK', 0]
    assert beat(fleet, 'poller-b') == ['OK', 1, '1']
    assert beat(fleet, 'poller-a') == ['OK', 1, '1']
    fleet.wait(20)
    assert beat(fleet, 'poller-b', heartbeat_ms=2) == ['OK', 1, '1']
    space = fleet.check()
    assert space.get('program:poller-a')['state'] == 'running'
    assert set(space.get('programs')) == {'poller-a', 'poller-b', 'worker-a'}


def test_a_heartbeat_tells_the_generation(fleet):
    fleet.key('HSET', 'gate', 'generation', '12')
    assert beat(fleet, 'poller-b') == ['OK', 1, '12']


def test_relay_takes_out_what_it_names_and_nothing_else(fleet):
    for i in range(3):
        fleet.ingest('j%d' % i)
    entries = [entry for entry, _ in fleet.space().get('outbox')]
    assert fleet.run('relay', ids=entries[:1]) == ['OK']
    assert [entry for entry, _ in fleet.space().get('outbox')] == entries[1:]
    assert fleet.run('relay', ids=[]) == ['OK']
    assert fleet.run('relay', ids=entries + ['1-%d' % i for i in range(10000)]) == ['OK']
    assert not fleet.space().get('outbox')


def test_relay_takes_out_a_whole_batch_and_nothing_behind_it(fleet):
    for i in range(30):
        fleet.ingest('j%d' % i)
    entries = [entry for entry, _ in fleet.space().get('outbox')]
    assert fleet.run('relay', whole=1, ids=entries[:25]) == ['OK']
    assert [entry for entry, _ in fleet.space().get('outbox')] == entries[25:]
    assert fleet.run('relay', whole=1, ids=entries[:25]) == ['OK']
    assert [entry for entry, _ in fleet.space().get('outbox')] == entries[25:]
    assert fleet.run('relay', whole=1, ids=entries[25:]) == ['OK']
    assert not fleet.space().get('outbox')


@pytest.mark.parametrize('lacks', ['first', 'last'])
def test_relay_takes_nothing_that_it_did_not_read_out_of_another_stream(fleet, lacks):
    for i in range(6):
        fleet.ingest('j%d' % i)
    entries = [entry for entry, _ in fleet.space().get('outbox')]
    # the one that it was read from had these; this one has others between them, which nobody has sent
    read = ['1-1', entries[2], entries[5]] if lacks == 'first' else [entries[0], entries[2], '9' + entries[5]]
    assert fleet.run('relay', whole=1, ids=read) == ['OK']
    assert [entry for entry, _ in fleet.space().get('outbox')] == [entry for entry in entries if entry not in read]


# ---- the texts

def test_no_script_reads_a_clock_or_makes_a_key_outside_the_fleet(scripts):
    for name, text in scripts.texts.items():
        assert text.startswith('#!lua')
        assert 'math.random' not in text and 'cjson' not in text
        for call in re.findall(r"redis\.call\('(\w+)', ([^,)]+)", text):
            if call[0] not in ('INFO', 'SCAN', 'TIME', 'ZINTER'):
                assert re.match(r"\(?P \.\. |KEYS\[1\]|key\b|day\b|today\b|active\b|window\b", call[1]), (name, call)
