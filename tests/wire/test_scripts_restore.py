# SPDX-License-Identifier: Apache-2.0
"""What Redis holds of a job against what the journal says of it: every combination, with what the gate's rules make of it.
The newest attempt that was not aborted decides, an end only where no attempt is newer, and what Redis holds counts as one
more attempt or end; of two that are the same one, whoever knows more, and of two ends of it the one that can follow the
other, or says that there is a post."""
import pytest

from redis_scripts import fleet, make_fleet, scripts, server  # noqa: F401
from test_scripts import in_state
from test_scripts_gate import TAKER, close, restored

# of what Redis holds -> older, the same, and newer ones
EPOCHS = {
    '1-10': {'older': ['1-9', '0-99', '0-0'], 'same': ['1-10'], 'newer': ['1-11', '2-1', '10-1', '1-100']},
    '9-2': {'older': ['8-99999999999999999999'], 'same': ['9-2'], 'newer': ['10-1']},
    '1-90071992547409931': {'older': ['1-90071992547409930'], 'same': ['1-90071992547409931'],
                            'newer': ['1-90071992547409932', '1-100000000000000000000']},
}
HELD = ['absent', 'QUEUED', 'QUEUED again', 'CLAIMED', 'SENDING', 'SENDING with an id', 'PROCESSING', 'UNSURE',
        'UNSURE with an id', 'UNSURE without a slot', 'PUBLISHED', 'IN_INBOX', 'FAILED', 'REJECTED', 'EXPIRED', 'CANCELLED']
ENDS = ['PUBLISHED', 'IN_INBOX', 'FAILED', 'REJECTED', 'EXPIRED', 'CANCELLED']
SAYS = ['nothing', 'unsure', 'processing'] + ENDS
KNOWS = {'unsure': 1, 'processing': 2, 'REJECTED': 3, 'FAILED': 4, 'CANCELLED': 5, 'EXPIRED': 5, 'IN_INBOX': 6, 'PUBLISHED': 7}
HOUR = 3600000


def number(epoch):
    return tuple(int(part) for part in epoch.split('-'))


def held(fleet, what, epoch):
    """A job as Redis holds it, its attempt made to be that one."""
    if what == 'absent':
        return
    if what == 'QUEUED again':
        claimed = fleet.to_sending('one')
        fleet.refuse(claimed, 'NOT_SENT', arrived=1)
    else:
        in_state(fleet, what.split()[0])
    attempt = fleet.job('one').get('attempt_epoch')
    if attempt:
        fleet.key('HSET', 'job:one', 'attempt_epoch', epoch)
        for key in ('day:u1', 'window:u1:init'):
            if fleet.key('ZSCORE', key, attempt):
                fleet.key('ZADD', key, fleet.key('ZSCORE', key, attempt), epoch)
                fleet.key('ZREM', key, attempt)
    if what.endswith('with an id'):
        fleet.key('HSET', 'job:one', 'publish_id', 'v_pub~held')
    if what.endswith('without a slot'):
        fleet.key('ZREM', 'slots', 'one')
        fleet.key('SREM', 'flying:u1', 'one')


def expected(what, job, says, epoch, aborted):
    """(the state, whether the journal's word decided), by the rules alone."""
    state = job.get('state', '')
    attempt = job.get('attempt_epoch') or '0-0'
    image = None
    if state in ENDS:
        image = state
    elif state == 'PROCESSING' or state in ('SENDING', 'UNSURE') and job.get('publish_id'):
        image = 'processing'
    elif state in ('SENDING', 'UNSURE') and attempt not in aborted:
        image = 'unsure'
    candidates = []
    if image:
        candidates.append((number(attempt), KNOWS[image], 1, 'image'))
    if says != 'nothing':
        candidates.append((number(epoch), KNOWS[says], 0, 'journal'))
    if not candidates:
        return ('QUEUED' if state else ''), False
    if max(candidates)[3] == 'journal':
        return {'unsure': 'UNSURE', 'processing': 'PROCESSING'}.get(says, says), True
    if state == 'SENDING':
        return ('PROCESSING' if image == 'processing' else 'UNSURE'), False
    return state, False


def of_the_journal(fleet, says, epoch, aborted, age_ms):
    arguments = dict(aborted=' '.join(aborted), source=fleet.job('one').get('source', ''))
    if says != 'nothing':
        arguments.update(epoch=epoch, attempt='4', account='u1', mode='direct', at=fleet.now() - age_ms)
    if says == 'processing':
        arguments['publish_id'] = 'v_pub~journal'
    if says in ENDS:
        arguments.update(end_state=says, code='code', cause='cause', remedy='remedy')
        says = 'end'
    return restored(fleet, 'one', says, **arguments)


def try_one(fleet, what, says, has, epoch, aborted, age_ms):
    fleet.redis('FLUSHALL')
    fleet.marks, fleet.offset = {}, {}
    fleet.open_gate()
    fleet.account()
    held(fleet, what, has)
    close(fleet)
    before = fleet.check()
    job = before.jobs().get('one', {})
    state, journal = expected(what, job, says, epoch, aborted)
    assert of_the_journal(fleet, says, epoch, aborted, age_ms) == ['OK', state]
    after = fleet.check()
    assert after.jobs().get('one', {}).get('state', '') == state
    check_places(fleet, before, after, job, state, journal, epoch, age_ms)
    # told to nobody, and as often as one likes
    assert len(after.get('outbox')) == len(before.get('outbox'))
    assert after.family('count') == before.family('count')
    assert of_the_journal(fleet, says, epoch, aborted, age_ms) == ['OK', state]
    assert fleet.check().settled() == after.settled()


def check_places(fleet, before, after, job, state, journal, epoch, age_ms):
    now = after.jobs().get('one', {})
    if journal:
        assert now['attempt_epoch'] == epoch
        assert now.get('publish_id', '') == {'PROCESSING': 'v_pub~journal'}.get(state, '')
    elif job and job['state'] in ('SENDING', 'CLAIMED', 'UNSURE'):
        assert (now.get('attempt_epoch'), now.get('publish_id')) == (job.get('attempt_epoch'), job.get('publish_id'))
    elif job:
        assert now == job
    if job and now['state'] != job['state']:
        assert now['epoch'] != job.get('epoch') and now['epoch'].startswith('2-'), 'whoever drove it is fenced'
    if state == 'PROCESSING':
        assert 'one' in after.get('polls')
    if state in ('UNSURE', 'PROCESSING'):
        young = age_ms < fleet.conf['unsure.slot_ms' if state == 'UNSURE' else 'poll.horizon_ms']
        had, flew = 'one' in before.get('slots'), job.get('state') in ('CLAIMED', 'SENDING', 'PROCESSING', 'UNSURE')
        assert ('one' in after.get('slots')) == (had or not flew and young)
    if job.get('state') == 'CLAIMED' and now['attempt_epoch'] != job['attempt_epoch'] or state == 'QUEUED':
        assert job.get('attempt_epoch', '') not in after.get('day:u1')


@pytest.mark.parametrize('says', SAYS)
@pytest.mark.parametrize('what', HELD)
def test_what_redis_holds_against_what_the_journal_says(fleet, what, says):
    for has, others in EPOCHS.items():
        for than in ('older', 'same', 'newer') if says != 'nothing' else ('same',):
            for epoch in others[than]:
                for aborted in ([], [has], ['0-1', '1-1000']):
                    if says in ('unsure', 'processing') and epoch in aborted:
                        continue  # an attempt has one record
                    for age_ms in ((0, 2 * HOUR, 50 * HOUR) if has == '1-10' and says in ('unsure', 'processing') else (0,)):
                        try:
                            try_one(fleet, what, says, has, epoch, aborted, age_ms)
                        except AssertionError as failed:
                            raise AssertionError('Redis: %s %s; journal: %s %s, aborted %s, %d ms ago: %s' % (
                                what, has, says, epoch, aborted, age_ms, failed)) from failed


# ---- messages, and what they replace

BAD = dict(verdict='bad', code='bad_message', cause='It is none.', remedy='Mend it.', kind='', media='', hash='')


def test_a_job_that_replaced_a_rejected_one_is_not_rejected_again(fleet):
    """The watermark has passed the good message: nobody would read it again."""
    fleet.ingest('one', **BAD)
    assert fleet.ingest('one') == ['OK', 'QUEUED']
    close(fleet)
    end = dict(says='end', epoch='0-0', end_state='REJECTED', at=fleet.now(), code='bad_message')
    assert restored(fleet, source='jobs-0@0', **end) == ['OK', 'QUEUED']
    fleet.check()
    # the end of this very message does
    assert restored(fleet, source='jobs-0@1', **end) == ['OK', 'REJECTED']
    fleet.check()


@pytest.mark.parametrize('state', ['QUEUED', 'CLAIMED'])
def test_a_job_that_replaced_one_whose_attempt_was_rejected_is_tried(fleet, state):
    fleet.ingest('one')
    claimed = fleet.claim()
    fleet.refuse(claimed, 'REJECT')
    assert fleet.ingest('one', hash='new') == ['OK', 'QUEUED']
    if state == 'CLAIMED':
        fleet.claim()
    close(fleet)
    assert restored(fleet, says='end', epoch=claimed['epoch'], end_state='REJECTED', source='jobs-0@0',
                    at=fleet.now()) == ['OK', 'QUEUED']
    fleet.check()


def test_a_rejection_that_redis_has_not_seen_decides(fleet):
    """An older image: the first message is claimed still; it was rejected, replaced and rejected again since."""
    fleet.ingest('one')
    fleet.claim()
    close(fleet)
    assert restored(fleet, says='end', epoch='1-7', end_state='REJECTED', source='jobs-0@1',
                    at=fleet.now()) == ['OK', 'REJECTED']
    fleet.run('gate_open', taker=TAKER, generation='2')
    # and that message, read again, changes nothing and is no dead letter
    assert fleet.ingest('one', hash='new') == ['OK', 'KNOWN']
    assert fleet.check().jobs()['one']['state'] == 'REJECTED'


def test_an_end_of_a_later_message_takes_that_message_when_it_is_read_again(fleet):
    fleet.ingest('one', **BAD)
    close(fleet)
    assert restored(fleet, says='end', epoch='1-7', end_state='PUBLISHED', source='jobs-0@1', account='u1',
                    publish_id='v_pub~7', at=fleet.now()) == ['OK', 'PUBLISHED']
    fleet.run('gate_open', taker=TAKER, generation='2')
    assert fleet.ingest('one', metadata='mine') == ['OK', 'KNOWN']
    job = fleet.check().jobs()['one']
    assert (job['state'], job['hash'], job['metadata']) == ('PUBLISHED', 'h-one', 'mine')


def test_a_job_of_an_account_that_was_not_there_gets_it_of_its_attempt(fleet):
    fleet.ingest('one', '@gone')
    close(fleet)
    assert restored(fleet, says='processing', epoch='1-7', attempt='1', account='u1', publish_id='v_pub~7', mode='direct',
                    at=fleet.now()) == ['OK', 'PROCESSING']
    assert fleet.check().jobs()['one']['account'] == 'u1'


def test_a_job_made_of_the_journal_is_completed_by_its_message(fleet):
    close(fleet)
    for job_id, says, more in (('one', 'processing', dict(publish_id='v_pub~1')), ('two', 'unsure', {}),
                               ('three', 'end', dict(end_state='FAILED', source='jobs-0@2'))):
        restored(fleet, job_id, says, epoch='1-3', attempt='2', account='u1', mode='direct', at=fleet.now(), **more)
    fleet.run('account', taker=TAKER, open_id='u1', rev='1', alias='', sealed='s', scopes='', status='ok', expires_at='0',
              refresh_expires_at='0', by='cli')
    fleet.run('gate_open', taker=TAKER, generation='2')
    before = {id: job['state'] for id, job in fleet.check().jobs().items()}
    for job_id in ('one', 'two', 'three'):
        assert fleet.ingest(job_id, metadata='of ' + job_id) == ['OK', 'KNOWN']
    space = fleet.check()
    assert {id: job['state'] for id, job in space.jobs().items()} == before
    assert all(job['metadata'] == 'of ' + id and job['hash'] == 'h-' + id for id, job in space.jobs().items())
    assert 'message:one' in space.values and 'message:two' in space.values
    # what FAILED may be retried
    assert space.ttls['message:three'] > 0
    # known from now on, as if it had never been forgotten
    assert fleet.ingest('one', hash='other')[0] == 'STATE'
    assert fleet.claim()[0] == 'WAIT'


def test_a_doubt_of_another_attempt_does_not_make_this_one_older(fleet):
    claimed = fleet.to_sending('one')
    close(fleet)
    assert restored(fleet, says='unsure', epoch='0-7', account='u1', at=fleet.now() - 5 * HOUR) == ['OK', 'UNSURE']
    job = fleet.check().jobs()['one']
    assert job['attempt_epoch'] == claimed['epoch']
    assert fleet.now() - int(job['t_unsure']) < HOUR and fleet.now() - fleet.space().get('unsure')['one'] < HOUR


def test_what_was_in_doubt_and_is_not_any_more_shows_no_error(fleet):
    claimed = fleet.to_sending('one')
    fleet.refuse(claimed, 'DOUBT', arrived=-1)
    close(fleet)
    restored(fleet, says='processing', epoch=claimed['epoch'], account='u1', publish_id='v_pub~7', at=fleet.now())
    job = fleet.check().jobs()['one']
    assert job['state'] == 'PROCESSING' and not job['error_code'] and not job['error_remedy']


def test_an_end_that_is_not_the_last_word_is_looked_at_again(fleet):
    close(fleet)
    now = fleet.now()
    end = lambda job_id, state, at=now - 1000, **more: restored(fleet, job_id, 'end', epoch='1-3', account='u1', at=at, **{
        **dict(end_state=state, publish_id='v_pub~' + job_id), **more})
    end('drafted', 'IN_INBOX')
    end('posted', 'PUBLISHED')
    end('known', 'PUBLISHED', post_id='7' * 19)
    end('old', 'PUBLISHED', at=now - 25 * HOUR)
    end('by hand', 'PUBLISHED', publish_id='')
    end('failed', 'FAILED')
    space = fleet.check()
    assert set(space.get('polls')) == {'drafted', 'posted'}
    assert all(score > now + 50000 for score in space.get('polls').values())
    assert int(space.jobs()['posted']['t_accepted']) == now - 1000
