# SPDX-License-Identifier: Apache-2.0
"""The script `command`: each command in each state, a stale attempt, twice, the watermark, the gate, memory full; and
what the replay tells Redis of commands (`restore`)."""
import pytest

from redis_scripts import fleet, make_fleet, scripts, server  # noqa: F401
from test_scripts import STATES, in_state

FAR = 4000000000000


class Says:
    """A partition of its own for commands, with its watermark."""

    def __init__(self, fleet):
        self.fleet, self.offset, self.shown, self.began = fleet, 0, '', fleet.now()

    def arguments(self, what, mode='do', id='c1', job_id='one', **more):
        return {**dict(mode=mode, partition='k', shown=self.shown, next_offset=str(self.offset + 1),
                       timestamp=self.began + self.offset, crc='abc', id=id, what=what, job_id=job_id, commander='ann',
                       by='worker-1'), **more}

    def __call__(self, what, mode='do', **more):
        arguments = self.arguments(what, mode, **more)
        reply = self.fleet.run('command', **arguments)
        if reply[0] == 'OK' and mode != 'look':
            self.offset += 1
            self.shown = '%s %d %s' % tuple(arguments[k] for k in ('next_offset', 'timestamp', 'crc'))
        return reply


@pytest.fixture
def say(fleet):
    return Says(fleet)


def of_attempt(fleet, what, **more):
    """What a person who looks now would name."""
    job = fleet.job('one')
    named = dict(epoch=job.get('attempt_epoch') or '0-0', publish_id=job.get('publish_id', ''))
    if what == 'resolve':
        named['outcome'] = 'posted'
    if what == 'reschedule':
        named = dict(due=FAR)
    if what == 'cancel':
        named = {}
    return dict(named, **more)


TAKEN = {
    'cancel': {'QUEUED': 'CANCELLED', 'CLAIMED': 'CANCELLED'},
    'reschedule': {'QUEUED': 'QUEUED'},
    'retry': {'UNSURE': 'QUEUED', 'FAILED': 'QUEUED'},
    'resolve': {'UNSURE': 'PUBLISHED'},
}


@pytest.mark.parametrize('state', STATES)
@pytest.mark.parametrize('what', TAKEN)
def test_every_command_in_every_state(fleet, say, what, state):
    in_state(fleet, state)
    before = fleet.check()
    to = TAKEN[what].get(state)
    named = of_attempt(fleet, what)
    look = say(what, 'look', **named)
    assert fleet.space().values == before.values
    reply = say(what, **named)
    if to:
        assert look[:3] == ['OK', 'READY', state] and reply == ['OK', to] and fleet.state('one') == to
        assert fleet.job('one')['commands'] == 'c1'
        fleet.check()
        assert say(what, 'look', **named) == ['OK', 'KNOWN']
        settled = fleet.space().settled()
        assert say(what, **named) == ['OK', 'KNOWN']
        assert {k: v for k, v in fleet.space().settled().items() if k != 'watermark'} == \
            {k: v for k, v in settled.items() if k != 'watermark'}
    else:
        assert look == reply and reply[:2] == ['STATE', state] and state in reply[2]
        assert fleet.space().values == before.values
        assert say(what, 'refused', refused=reply[2]) == ['OK', 'REFUSED']
        assert fleet.job('one')['commands'].split()[-1] == '!c1' and fleet.state('one') == state
        assert fleet.key('LRANGE', 'log:one', -1, -1)[0].split('\t')[2:] == \
            [state, 'REFUSED', state, 'ann', what + ': ' + reply[2]]
        fleet.check()
        # and never acts, whatever the job is by then
        assert say(what, **named) == ['OK', 'KNOWN']


@pytest.mark.parametrize('state', ['UNSURE', 'FAILED'])
@pytest.mark.parametrize('what', ['retry', 'resolve'])
def test_another_attempt_or_publish_id_is_refused(fleet, say, what, state):
    if state == 'FAILED' and what == 'resolve':
        return
    in_state(fleet, state)
    before = fleet.space()
    epoch = fleet.job('one')['attempt_epoch']
    for wrong in (dict(epoch='1-0'), dict(epoch='1-10'), dict(epoch='2-1'), dict(epoch='0-0'),
                  dict(epoch=epoch, publish_id='v_pub~other'),
                  dict(epoch=epoch, state='UNSURE' if state == 'FAILED' else 'FAILED')):
        reply = say(what, **of_attempt(fleet, what, **wrong))
        assert reply[:2] == ['STATE', state], wrong
    assert fleet.space().values == before.values
    assert say(what, **of_attempt(fleet, what, state=state))[0] == 'OK'


def test_a_doubt_with_a_publish_id_wants_it_named(fleet, say):
    claimed, look = fleet.to_processing('one')
    fleet.finish(look, 'HORIZON')
    assert say('retry', epoch=claimed['epoch'])[0] == 'STATE'
    assert say('retry', epoch=claimed['epoch'], publish_id=look['publish_id']) == ['OK', 'QUEUED']
    assert fleet.job('one')['publish_id'] == ''


@pytest.mark.parametrize('partition', ['', '7'])
def test_the_watermark_must_show_what_was_expected(fleet, say, partition):
    fleet.ingest('one')
    before = fleet.space()
    for mode in ('look', 'do', 'refused'):
        assert say('cancel', mode, shown='9') == ['FENCED', '']
    assert fleet.space().values == before.values
    assert say('cancel') == ['OK', 'CANCELLED']
    assert fleet.space().get('watermark')['k'] == say.shown
    assert say('cancel', shown='') == ['FENCED', say.shown]


@pytest.mark.parametrize('what', [*TAKEN, 'pause'])
def test_a_closed_gate_answers_gate_and_writes_nothing(fleet, say, what):
    in_state(fleet, {'retry': 'FAILED', 'resolve': 'UNSURE'}.get(what, 'QUEUED'))
    named = of_attempt(fleet, what) if what in TAKEN else dict(job_id='')
    fleet.key('HSET', 'gate', 'identity', 'f' * 40)
    before = fleet.space()
    for mode in ('look', 'do', 'refused'):
        assert say(what, mode, **named) == ['GATE']
    assert fleet.space().values == before.values


@pytest.mark.parametrize('what', TAKEN)
def test_with_memory_full_a_command_is_done(fleet, say, what):
    in_state(fleet, {'retry': 'FAILED', 'resolve': 'UNSURE'}.get(what, 'QUEUED'))
    fleet.redis('CONFIG', 'SET', 'maxmemory', 1)
    assert say(what, **of_attempt(fleet, what))[0] == 'OK'
    fleet.check()


def test_new_epochs_and_events(fleet, say):
    in_state(fleet, 'UNSURE')
    before = fleet.job('one')
    assert say('resolve', **of_attempt(fleet, 'resolve', outcome='failed', reason='not there')) == ['OK', 'FAILED']
    job = fleet.job('one')
    assert job['epoch'] != before['epoch'] and job['attempt_epoch'] == before['attempt_epoch']
    assert job['error_code'] == 'resolved_failed' and 'not there' in job['error_cause']
    assert fleet.names('one')[-1] == before['attempt_epoch'] + ' FAILED'
    assert say('retry', id='c2', **of_attempt(fleet, 'retry')) == ['OK', 'QUEUED']
    claimed = fleet.claim()
    assert claimed['job_id'] == 'one' and claimed['attempt'] == '2'
    # a late answer of the attempt that was given up is nobody's
    assert fleet.run('result', job_id='one', epoch=before['attempt_epoch'], publish_id='v', log_id='', first_poll_ms=0,
                     worker='w') == ['FENCED']


def test_a_job_that_cannot_be_sent_again_is_not_retried(fleet, say):
    in_state(fleet, 'FAILED')
    fleet.key('DEL', 'message:one')
    assert 'message' in say('retry', **of_attempt(fleet, 'retry'))[2]
    fleet.key('SET', 'message:one', '{}')
    fleet.key('HSET', 'job:one', 't_expires', 5)
    assert 'expires_at' in say('retry', **of_attempt(fleet, 'retry'))[2]


def test_a_reschedule_moves_the_job_and_the_newest_message_counts(fleet, say):
    fleet.ingest('one')
    assert fleet.space().get('queue:u1')
    assert say('reschedule', due=FAR, timestamp=say.began - 5000) == ['OK', 'QUEUED']
    space = fleet.check()
    assert not space.get('queue:u1') and space.get('delayed') == {'one': FAR}
    assert say('reschedule', id='c2', due=1, expires=FAR + 1, timestamp=say.began - 6000) == ['OK', 'QUEUED']
    assert fleet.job('one')['t_due'] == str(FAR)
    assert say('reschedule', id='c3', due=1, expires=FAR + 1, timestamp=say.began - 4000) == ['OK', 'QUEUED']
    space = fleet.check()
    assert space.get('queue:u1') and space.get('delayed') == {'one': FAR + 1}
    assert 'expire' in say('reschedule', id='c4', due=FAR + 5)[2]
    assert fleet.claim()['job_id'] == 'one'


def test_a_job_whose_account_is_not_there_can_be_rescheduled(fleet, say):
    fleet.ingest('one', '@nobody')
    assert say('reschedule', due=FAR) == ['OK', 'QUEUED']
    fleet.check()
    fleet.account('u9', alias='@nobody')
    assert fleet.check().get('delayed') == {'one': FAR}


def test_only_so_many_ids_are_remembered(fleet, say):
    fleet.ingest('one')
    for i in range(40):
        assert say('reschedule', id='c%d' % i, due=FAR + i) == ['OK', 'QUEUED']
    assert fleet.job('one')['commands'].split() == ['c%d' % i for i in range(24, 40)]


def test_a_pause_of_an_account_outlives_a_new_token(fleet, say):
    fleet.ingest('one')
    pause = dict(job_id='', account='u1', reason='review')
    assert say('pause', 'look', **pause)[:2] == ['OK', 'READY']
    assert say('pause', **pause) == ['OK', 'PAUSED']
    account = fleet.check().get('account:u1')
    assert (account['paused_why'], account['paused_by']) == ('review', 'ann')
    assert fleet.claim()[0] == 'WAIT'
    fleet.account(rev='5')
    fleet.ingest('two')
    fleet.check()
    assert fleet.claim()[0] == 'WAIT'
    # an older one, read late
    assert say('resume', id='old', timestamp=1, job_id='', account='u1') == ['OK', 'KNOWN']
    assert say('resume', id='c2', job_id='', account='u1') == ['OK', 'RESUMED']
    assert say('pause', timestamp=1000, **pause) == ['OK', 'KNOWN']
    fleet.check()
    assert fleet.claim()['job_id'] == 'one'


def test_a_pause_of_the_fleet_stops_claims_and_nothing_else(fleet, say):
    fleet.ingest('one', expires=fleet.now() + 30)
    fleet.ingest('two')
    assert say('pause', job_id='', reason='storm') == ['OK', 'PAUSED']
    assert fleet.claim() == ['FULL', 'paused']
    fleet.wait(40)
    assert fleet.claim() == ['FULL', 'paused'] and fleet.state('one') == 'EXPIRED'
    assert say('resume', id='c2', job_id='') == ['OK', 'RESUMED']
    assert set(fleet.space().get('breaker')) == {'pause_at', 'pause_id', 'pause_ids'}
    assert fleet.claim()['job_id'] == 'two'


def test_a_pause_that_is_sent_once_more_after_the_resume_does_nothing(fleet, say):
    fleet.ingest('one')
    assert say('resume', id='late', timestamp=20, job_id='') == ['OK', 'RESUMED']
    assert say('pause', id='early', timestamp=10, job_id='') == ['OK', 'KNOWN']
    for at, id in ((30, 'early'), (40, 'late'), (50, 'early')):
        assert say('pause', id=id, timestamp=at, job_id='') == ['OK', 'KNOWN']
    assert fleet.claim()['job_id'] == 'one'
    assert say('pause', id='new', timestamp=60, job_id='') == ['OK', 'PAUSED']


def test_nobody_is_paused_or_cancelled(fleet, say):
    assert say('pause', job_id='', account='@nobody')[:2] == ['STATE', 'NONE']
    assert say('pause', job_id='', account='u77')[:2] == ['STATE', 'NONE']
    assert say('cancel', job_id='nobody')[:2] == ['STATE', 'NONE']
    assert say('cancel', 'refused', job_id='nobody', refused='there is no job') == ['OK', 'REFUSED']
    assert not fleet.job('nobody')


# ---- the replay

@pytest.fixture
def restore(fleet):
    """The gate is taken again; restore() by its taker."""
    def taken(**more):
        return fleet.run('restore', **{**dict(taker='poller-0', generation='2', job_id='one', says='nothing'), **more})

    def close():
        fleet.key('HSET', 'gate', 'identity', 'f' * 40)
        assert fleet.run('gate_take', taker='poller-0', lease_ms=10000)[0] == 'OK'
        return taken
    return close


def opened(fleet):
    assert fleet.run('gate_open', taker='poller-0', generation='2') == ['OK']


@pytest.mark.parametrize('state, of, publish_id, queued', [
    ('UNSURE', 'UNSURE', '', True), ('SENDING', 'UNSURE', '', True), ('UNSURE', 'FAILED', '', True),
    ('FAILED', 'FAILED', '', True), ('FAILED', 'UNSURE', '', True), ('PUBLISHED', 'FAILED', '', False),
    ('CANCELLED', 'FAILED', '', False), ('PROCESSING', 'UNSURE', '', False), ('PROCESSING', 'UNSURE', 'named', True),
    ('PROCESSING', 'FAILED', '', True), ('IN_INBOX', 'FAILED', '', False)])
def test_what_a_retry_acted_on_is_not_there_any_more(fleet, restore, state, of, publish_id, queued):
    in_state(fleet, state)
    job = fleet.job('one')
    named = job.get('publish_id', '') if publish_id else ''
    voids = '%s/%s/%s' % (job.get('attempt_epoch') or '0-0', of, named)
    reply = restore()(voids=voids, commands='c1')
    assert reply == ['OK', 'QUEUED' if queued else 'PROCESSING' if state == 'SENDING' else state]
    assert fleet.job('one')['commands'].split()[-1] == 'c1'
    if queued:
        assert fleet.job('one').get('publish_id', '') == ''
        opened(fleet)
        fleet.check()
        assert fleet.claim()['job_id'] == 'one'


def test_a_retry_of_an_older_attempt_voids_nothing_newer(fleet, restore):
    in_state(fleet, 'UNSURE')
    assert restore()(voids='1-0/FAILED/ 1-0/UNSURE/', commands='c1') == ['OK', 'UNSURE']


@pytest.mark.parametrize('state', ['QUEUED', 'CLAIMED', 'UNSURE'])
def test_a_resolve_or_a_cancel_decides_like_an_end(fleet, restore, state):
    in_state(fleet, state)
    epoch = fleet.job('one').get('attempt_epoch', '')
    said = dict(says='end', epoch=epoch, commands='c1')
    if state == 'UNSURE':
        reply = restore()(end_state='FAILED', said='resolve', code='resolved_failed', **said)
        assert reply == ['OK', 'FAILED'] and 'person' in fleet.job('one')['error_cause']
    else:
        reply = restore()(end_state='CANCELLED', said='cancel', code='cancelled', **said)
        assert reply == ['OK', 'CANCELLED'] and fleet.job('one')['error_remedy']
    opened(fleet)
    fleet.check()
    assert fleet.names('one')[-1].split()[1] not in ('FAILED', 'CANCELLED')  # it tells nobody


def test_the_answer_of_tiktok_stands_against_a_resolve_without_it(fleet, restore):
    in_state(fleet, 'PROCESSING')
    epoch = fleet.job('one')['attempt_epoch']
    assert restore()(says='end', end_state='FAILED', said='resolve', epoch=epoch, commands='c1') == ['OK', 'PROCESSING']


def test_commands_are_known_before_their_job_is_there(fleet, say, restore):
    taken = restore()
    assert taken(job_id='new', commands='c1 !c2', told=say.began + 9000, due=FAR, expires=0) == ['OK', '']
    assert fleet.space().ttls['job:new'] > 0
    opened(fleet)
    assert say('retry', job_id='new', epoch='1-1', id='c1') == ['OK', 'KNOWN']
    assert say('retry', job_id='new', epoch='1-1', id='c2') == ['OK', 'KNOWN']
    assert fleet.ingest('new') == ['OK', 'QUEUED']
    space = fleet.check()
    assert space.get('delayed') == {'new': FAR} and space.ttls['job:new'] == -1
    assert fleet.job('new')['commands'] == 'c1 !c2'
    # an older message of a reschedule, read again
    assert say('reschedule', job_id='new', id='c3', due=1) == ['OK', 'QUEUED']
    assert fleet.job('new')['t_due'] == str(FAR)


def test_a_newer_moment_is_told_to_a_job_that_waits(fleet, restore):
    fleet.ingest('one')
    taken = restore()
    assert taken(commands='c1', told=9000, due=FAR, expires=FAR + 9) == ['OK', 'QUEUED']
    assert taken(commands='c1', told=8000, due=1, expires=0) == ['OK', 'QUEUED']
    opened(fleet)
    assert fleet.check().get('delayed') == {'one': FAR}


def test_pauses_are_told_by_the_taker_in_any_order(fleet, say, restore):
    restore()
    for id, what, at in (('b', 'resume', 20), ('a', 'pause', 10), ('c', 'pause', 30), ('b', 'resume', 20)):
        reply = fleet.run('command', mode='do', id=id, what=what, timestamp=at, taker='poller-0', by='poller-0')
        assert reply[0] == 'OK'
    assert fleet.space().get('breaker')['pause_id'] == 'c'
    assert fleet.run('command', mode='do', id='x', what='pause', timestamp=99, taker='other') == ['GATE']


def test_a_command_that_is_read_again_after_its_job_is_forgotten_does_nothing(fleet, say):
    fleet.ingest('one')
    old = fleet.now() - fleet.conf['job.keep_ms'] - 1000
    for mode in ('look', 'do'):
        assert say('cancel', mode, timestamp=old)[:2] == ['STATE', 'QUEUED']
    assert say('cancel', 'refused', timestamp=old, refused='it is old') == ['OK', 'REFUSED']
    assert fleet.state('one') == 'QUEUED'
    # what it did is not taken back by that
    assert say('cancel', id='c2') == ['OK', 'CANCELLED']
    assert say('cancel', id='c2', timestamp=old) == ['OK', 'KNOWN']
