# SPDX-License-Identifier: Apache-2.0
"""Effect without answer: TikTok acts on the call, and nobody hears it. Each such job is UNSURE; what TikTok lists publicly
is found and ends PUBLISHED as the post that the ledger knows; the rest is held with its evidence; nothing is posted again
by default. TOKFLEET_TEST_JOBS says over how many accounts (200; 2,000 by hand)."""
import collections
import json
import os
import time
import urllib.request

from harness import Fleet, photos, video, wait_for
from schemas import assert_promised
from witness import lines_by_job

JOBS = int(os.environ.get('TOKFLEET_TEST_JOBS', 200))
SCALED = {'limit_window_ms': 3000, 'poll_first_ms': 100, 'poll_interval_ms': 200, 'lease_ms': 6000,
          'tiktok_timeout_ms': 3000, 'heartbeat_ms': 400, 'reap_interval_ms': 200, 'unsure_look_ms': 500,
          'unsure_looks': 5, 'unsure_slot_ms': 5000, 'limit_in_flight': 5000}
SIM = ['--window-ms', '3000', '--processing-ms', '200-1500', '--public-id-delay-ms', '0-500', '--limit-day-posts', '0',
       '--seed', '11']
INITS = ('video_init', 'content_init', 'inbox_init')


def lose_answers(fleet, do='effect_no_answer'):
    for endpoint in INITS:
        fleet.sim('fault', {'endpoint': endpoint, 'do': do, 'count': -1})


def hear_answers(fleet):
    fleet.sim('fault', method='DELETE')


def tokens(fleet):
    accounts = [json.loads(line) for line in fleet.accounts_file.read_text().splitlines()]
    return {account['alias']: account['access_token'] for account in accounts}


def owner_posts(fleet, token, caption):
    """The account's owner posts something, past the fleet."""
    body = {'post_info': {'title': caption, 'privacy_level': 'PUBLIC_TO_EVERYONE', 'disable_duet': False,
                          'disable_comment': False, 'disable_stitch': False, 'brand_content_toggle': False,
                          'brand_organic_toggle': False},
            'source_info': {'source': 'PULL_FROM_URL', 'video_url': 'https://cdn.example.com/own/%d.mp4' % time.time_ns()}}
    request = urllib.request.Request(fleet.sim_url + '/v2/post/publish/video/init/', data=json.dumps(body).encode(),
                                     headers={'Content-Type': 'application/json; charset=UTF-8',
                                              'Authorization': 'Bearer ' + token})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.loads(answer.read())['data']['publish_id']


def one_of_each(i, alias):
    """Mostly public videos; every eighth a private one, a photo post, a draft, one without a caption."""
    job_id = 'job-%05d' % i
    caption = '%s: morning light 🌅 at the river #lisbon' % job_id
    if i % 3 == 1:
        caption = '%s %s🌅 and much more of it' % (job_id, 'x' * (149 - len(job_id) - 1))  # a pair across the cut
    elif i % 3 == 2:
        caption += ' and on' * 200
    public = {'privacy_level': 'PUBLIC_TO_EVERYONE'}
    kind = {1: 'private', 3: 'photos', 5: 'draft', 7: 'silent'}.get(i % 16, 'public')
    if kind == 'photos':
        return kind, photos(job_id, alias, 2, caption=caption, settings=public)
    if kind == 'draft':
        return kind, video(job_id, alias, caption=caption, settings={'content_posting_method': 'UPLOAD'})
    if kind == 'silent':
        return kind, video(job_id, alias, caption='', settings=public)
    return kind, video(job_id, alias, caption=caption, settings={'privacy_level': 'SELF_ONLY'} if kind == 'private' else public)


def arrows(fleet, job_id):
    return [line.split('\t')[3] for line in fleet.redis('LRANGE', fleet.key('log:' + job_id), 0, -1)]


def check_held(fleet, job_id, kind):
    """Still a doubt, with its evidence for a person, and no slot any more."""
    words = {'private': 'private', 'photos': 'photo post', 'draft': 'draft', 'silent': 'no caption'}
    record = fleet.job(job_id)
    assert record['state'] == 'UNSURE' and words[kind] in record['evidence_said'], record
    assert record['error_cause'] and record['error_remedy'] and record['evidence_next'] == '0', record


def effect_without_answer(count):
    with Fleet(SCALED, sim=SIM, accounts=count) as fleet:
        fleet.start_programs(workers=2, pollers=2)
        aliases = fleet.add_accounts()
        lose_answers(fleet)
        jobs = {job['job_id']: (kind, job) for kind, job in map(one_of_each, range(count), aliases)}
        fleet.produce([(job['account'], job) for _, job in jobs.values()])
        wait_for('each job is or was a doubt', lambda: all('DOUBT' in arrows(fleet, job_id) for job_id in jobs), 300, 1)
        public = [job_id for job_id, (kind, _) in jobs.items() if kind == 'public']
        fleet.wait_ends(public, 300)
        wait_for('every slot is back', lambda: fleet.redis('ZCARD', fleet.key('slots')) == 0, 60)
        lines = lines_by_job(fleet)
        for job_id, (kind, _) in jobs.items():
            assert len(lines[job_id]) == 1, (job_id, lines[job_id])
            if kind != 'public':
                check_held(fleet, job_id, kind)
                continue
            record, line = fleet.job(job_id), lines[job_id][0]
            assert record['state'] == 'PUBLISHED' and [record['post_id']] == line['post_ids'], (record, line)
            assert record['post_url'].endswith('/video/' + record['post_id']), record
            assert arrows(fleet, job_id)[-2:] == ['DOUBT', 'FOUND']
        check_cli(fleet, {job_id: kind for job_id, (kind, _) in jobs.items() if kind != 'public'})
        stats = fleet.stats()
        assert stats['doubled'] == 0 and stats['inits'] == count and stats['breaches']['total'] == 0, stats
        check_events(fleet, public)
        assert_promised(fleet)
        print(json.dumps({'accounts': count, 'states': dict(collections.Counter(fleet.states(jobs).values())),
                          'inits': stats['inits'], 'listings': sum(stats['calls']['video_list'].values())}))


def check_cli(fleet, held):
    """What a person sees of the doubts."""
    listed = [json.loads(line) for line in fleet.cli('unsure', 'list', '--json').stdout.splitlines()]
    assert {one['job_id'] for one in listed} == set(held)
    assert all(one['evidence']['next'] == 0 and one['state'] == 'UNSURE' for one in listed)
    job_id = next(iter(held))
    record = fleet.job(job_id)
    for name in (record['account'], record['account_text']):
        mine = fleet.cli('unsure', 'list', '--account', name, '--json').stdout.splitlines()
        assert [json.loads(line)['job_id'] for line in mine] == [job_id]
    shown = fleet.cli('unsure', 'list')
    assert job_id in shown.stdout and record['account_text'] in shown.stdout and 'unsure show' in shown.stderr
    page = fleet.cli('unsure', 'show', job_id).stdout
    for text in (record['account_text'], record['evidence_said'], record['attempt_epoch'], record['worker'] + ': it is alive',
                 record['error_cause'], 'tokfleet resolve %s --posted URL' % job_id, 'tokfleet retry %s --yes' % job_id,
                 'tokfleet resolve %s --failed' % job_id, 'hold: ', 'an INTENT'):
        assert text in page, (text, page)
    one = json.loads(fleet.cli('unsure', 'show', job_id, '--json').stdout)
    assert one['evidence']['said'] == record['evidence_said'] and len(one['commands']) == 3
    assert one['alias'] == record['account_text'] and one['timeline'][-1]['to'] == 'UNSURE'
    assert fleet.cli('unsure', 'show', 'nobody').returncode == 1


def check_events(fleet, public):
    wait_for('the outbox is empty', lambda: fleet.redis('XLEN', fleet.key('outbox')) == 0)
    events = [json.loads(record['payload']) for record in fleet.consume('events')]
    posts = {event['job_id']: event['post_id'] for event in events if event['state'] == 'PUBLISHED'}
    assert posts == {job_id: fleet.job(job_id)['post_id'] for job_id in public}


def test_each_that_is_listed_is_found_and_the_rest_is_held():
    effect_without_answer(JOBS)


def test_the_owners_own_post_is_not_taken_for_ours():
    with Fleet(SCALED, sim=SIM, accounts=6) as fleet:
        fleet.start_programs()
        aliases, token = fleet.add_accounts(), tokens(fleet)
        lose_answers(fleet, 'hang')  # without effect: nothing of ours is ever there
        jobs = [video('job-%d' % i, alias, caption='Morning light %d' % i) for i, alias in enumerate(aliases)]
        fleet.produce([(job['account'], job) for job in jobs])
        ids = [job['job_id'] for job in jobs]
        wait_for('all are doubts', lambda: set(fleet.states(ids).values()) == {'UNSURE'}, 60)
        hear_answers(fleet)
        for i, alias in enumerate(aliases):
            for caption in ('Morning light %d!' % i, 'Morning light', 'morning light %d' % i):
                owner_posts(fleet, token[alias], caption)
        wait_for('each was listed as often as may be',
                 lambda: all(fleet.job(job_id).get('evidence_looks') == '5' for job_id in ids), 60)
        for job_id in ids:
            record = fleet.job(job_id)
            assert record['state'] == 'UNSURE' and 'none of those has its caption' in record['evidence_said'], record
            assert '3 are of the hour' in record['evidence_said'], record


def test_what_the_upstream_chose_is_done_when_evidence_had_its_time():
    with Fleet(dict(SCALED, unsure_looks=2), sim=SIM, accounts=4) as fleet:
        fleet.start_programs()
        aliases = fleet.add_accounts()
        lose_answers(fleet, 'hang')
        jobs = [video('job-%d' % i, alias, on_unsure=on_unsure, settings={'privacy_level': privacy})
                for i, (alias, on_unsure, privacy) in enumerate(zip(aliases, ('retry', 'fail', 'hold', 'retry'),
                                                                    ('PUBLIC_TO_EVERYONE',) * 3 + ('SELF_ONLY',)))]
        fleet.produce([(job['account'], job) for job in jobs])
        ids = [job['job_id'] for job in jobs]
        wait_for('all are doubts', lambda: set(fleet.states(ids).values()) == {'UNSURE'}, 60)
        hear_answers(fleet)
        fleet.wait_ends([ids[0], ids[1], ids[3]], 60)
        states, lines = fleet.states(ids), lines_by_job(fleet)
        assert list(states.values()) == ['PUBLISHED', 'FAILED', 'UNSURE', 'PUBLISHED'], states
        assert [len(lines[job_id]) for job_id in ids] == [1, 0, 0, 1]
        for job_id in (ids[0], ids[3]):
            assert arrows(fleet, job_id)[3:6] == ['DOUBT', 'RETRY', 'CLAIM']
            assert 'may be posted twice' in fleet.job(job_id)['warnings']
        failed = fleet.job(ids[1])
        assert failed['error_code'] == 'unsure_failed' and 'on_unsure' in failed['error_cause'] and failed['error_remedy']
        assert 'no proof' in fleet.job(ids[2])['evidence_said']


def test_an_answer_that_only_the_journal_has_is_found_there_and_nothing_is_sent_again():
    """As by a worker that was killed between its two records: the INITED is on Kafka, and Redis has never heard of it."""
    with Fleet(dict(SCALED, unsure_looks=2, unsure_slot_ms=2000), sim=SIM, accounts=3) as fleet:
        fleet.start_programs()
        aliases = fleet.add_accounts()
        lose_answers(fleet)
        jobs = [video('job-%s' % on_unsure, alias, on_unsure=on_unsure, settings={'privacy_level': 'SELF_ONLY'})
                for alias, on_unsure in zip(aliases, ('retry', 'fail', 'hold'))]
        fleet.produce([(job['account'], job) for job in jobs])
        ids = [job['job_id'] for job in jobs]
        wait_for('all are doubts', lambda: set(fleet.states(ids).values()) == {'UNSURE'}, 60)
        hear_answers(fleet)
        posted = {job_id: line['publish_id'] for job_id, (line,) in lines_by_job(fleet).items()}
        intents = [(r['key'], json.loads(r['payload'])) for r in fleet.consume('journal') if r['key'].startswith('attempt/')]
        fleet.produce([(key, dict(record, kind='INITED', publish_id=posted[record['job_id']])) for key, record in intents],
                      topic='journal')
        states = fleet.wait_ends(ids, 60)
        lines = lines_by_job(fleet)
        assert {job_id: len(lines[job_id]) for job_id in ids} == dict.fromkeys(ids, 1), 'sent again: %s' % states
        assert set(states.values()) == {'PUBLISHED'}, states
        for job_id in ids:
            assert arrows(fleet, job_id)[3:] == ['DOUBT', 'ACCEPT', 'COMPLETE']
            assert fleet.job(job_id)['publish_id'] == posted[job_id]
