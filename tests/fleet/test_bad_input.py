# SPDX-License-Identifier: Apache-2.0
"""Whatever stands on the topic: it ends with a reason that a person can act on, and the next job goes on."""
import json

from harness import Fleet, photos, video, wait_for
from schemas import assert_promised, headers_of

FAST = {'poll_first_ms': 100, 'poll_interval_ms': 300, 'job_account_wait_ms': 3000, 'retry_delay_ms': 100,
        'limit_window_ms': 2000}
SIM = ['--window-ms', '2000', '--processing-ms', '200-400']


def dead_letters(fleet):
    letters = {}  # at least once: `source` tells repeats
    for record in fleet.consume('dlq'):
        headers = headers_of(record)
        letters[headers['source']] = (headers, record['payload'])
    return list(letters.values())


def test_bad_messages_end_with_a_reason_and_the_next_job_goes_on():
    with Fleet(FAST, sim=SIM, accounts=3) as fleet:
        fleet.start_programs()
        one, two, three = fleet.add_accounts()
        fine = 'a' * 2198 + '🎬'  # 2,200 units: the emoji takes two
        bad = {
            'thirty-six': photos('thirty-six', one, 36),
            'mixed': dict(photos('mixed', one, 2), media=[{'url': 'https://cdn.example.com/m.mp4', 'type': 'video'},
                                                          {'url': 'https://cdn.example.com/m.jpg', 'type': 'photo'}]),
            'too-long': video('too-long', one, caption='a' * 2201),
            'over-border': video('over-border', one, caption='a' * 2199 + '🎬'),
            'never': video('never', one, publish_at='the day after tomorrow'),
        }
        messages = [json.dumps(message) for message in bad.values()]
        messages += ['this is not JSON', '{"account":"%s","media":[{"url":"https://cdn.example.com/x.mp4"}]}' % one,
                     '{"job_id":"two-ids","job_id":"two-ids-b","account":"%s","media":[]}' % one,
                     '{"job_id":"huge","account":"%s","caption":"%s"}' % (one, 'x' * 950000), '\x00\x01\x02', '[]', '"']
        # one partition, so that each of them stands in the way of the next
        fleet.produce([('k', message) for message in messages]
                      + [('k', video('on-border', one, caption=fine)), ('k', video('known', two)),
                         ('k', video('known', two, caption='other words')), ('k', video('known', two)),
                         ('k', video('nobody', '@not-connected')), ('k', video('after', three))])
        states = fleet.wait_ends(['on-border', 'known', 'after'], 60)
        assert set(states.values()) == {'PUBLISHED'}, states
        for job_id in bad:
            record = fleet.job(job_id)
            assert record['state'] == 'REJECTED', (job_id, record)
            assert record['error_cause'] and record['error_remedy'] and record['error_code'] == 'bad_message', record
        assert '2200' in fleet.job('too-long')['error_cause'].replace(',', ''), fleet.job('too-long')
        assert '35' in fleet.job('thirty-six')['error_cause']
        assert 'publish_at' in fleet.job('never')['error_cause']

        letters = dead_letters(fleet)
        assert len(letters) == len(messages) + 1, [headers for headers, _ in letters]
        for headers, payload in letters:
            assert headers['why'] and headers['code'] and headers['source'] and headers['at'], headers
        other = [headers for headers, _ in letters if headers['code'] == 'other_content']
        assert len(other) == 1 and other[0]['job_id'] == 'known', other
        huge = [(headers, payload) for headers, payload in letters if int(headers['length']) > 900000]
        assert len(huge) == 1 and len(huge[0][1]) == 256 * 1024, huge[0][0]
        captions = [line['fields']['title'] for line in fleet.ledger() if 'known' in line['media'][0]]
        assert captions == ['clip known']

        # an unknown account waits, visibly, then ends EXPIRED with what to do
        assert fleet.job('nobody')['state'] in ('QUEUED', 'EXPIRED')
        record = wait_for('the job of an unknown account is EXPIRED',
                          lambda: fleet.job('nobody')['state'] == 'EXPIRED' and fleet.job('nobody'), 30)
        assert record['error_code'] == 'account_unknown' and '@not-connected' in record['error_cause'], record
        assert 'account' in record['error_remedy']

        # a rejected id may be used by a good message
        fleet.produce([('k', video('never', one))])
        assert fleet.wait_ends(['never'], 30, ('PUBLISHED',)) == {'never': 'PUBLISHED'}
        assert len(fleet.ledger()) == 4 and fleet.stats()['doubled'] == 0
        assert_promised(fleet)


def test_a_job_of_an_account_that_comes_later_is_posted_when_it_comes():
    with Fleet(dict(FAST, job_account_wait_ms=60000), sim=SIM, accounts=1) as fleet:
        fleet.start_programs()
        fleet.produce([('k', video('early', '@sim001'))])
        wait_for('it waits where it can be seen', lambda: fleet.redis('ZCARD', fleet.key('unknown:@sim001')) == 1)
        assert fleet.job('early')['state'] == 'QUEUED'
        fleet.add_accounts()
        assert fleet.wait_ends(['early'], 30) == {'early': 'PUBLISHED'}
        assert fleet.redis('EXISTS', fleet.key('unknown:@sim001')) == 0


def test_schedules_expiry_and_the_bound_of_what_cannot_be_read_are_kept():
    import time
    from datetime import datetime, timedelta, timezone

    def at(seconds):
        return (datetime.now(timezone.utc) + timedelta(seconds=seconds)).isoformat()
    with Fleet(FAST, sim=SIM, accounts=1) as fleet:
        _, worker = fleet.start_programs()
        account, = fleet.add_accounts()
        fleet.produce([('k', video('later', account, publish_at=at(6))),
                       ('k', video('stale', '@nobody-yet', expires_at=at(1))),
                       ('k', video('past', account, publish_at=at(-3600)))])
        assert fleet.wait_ends(['past'], 30) == {'past': 'PUBLISHED'}
        assert fleet.redis('ZSCORE', fleet.key('delayed'), 'later') is not None
        assert fleet.wait_ends(['stale'], 30) == {'stale': 'EXPIRED'}
        assert fleet.wait_ends(['later'], 30) == {'later': 'PUBLISHED'}
        record, line = fleet.job('later'), [l for l in fleet.ledger() if 'later' in l['media'][0]][0]
        assert line['time_ms'] >= int(record['t_due'] if int(record.get('t_due', 0)) else 0)
        assert line['time_ms'] - int(record['t_ingested']) > 3000, (line, record)

        # A worker of other settings cannot read what this one took in: it does not try for ever, and says what to do.
        fleet.produce([('k', video('long', account, caption='x' * 1500, publish_at=at(2)))])
        wait_for('it is taken in', lambda: fleet.job('long').get('state') == 'QUEUED')
        fleet.stop_program(worker)
        worker = fleet.start_program('worker', {'TOKFLEET_JOB_MAX_BYTES': '1KiB', 'TOKFLEET_RETRY_UNREADABLE': '2'})
        assert fleet.wait_ends(['long'], 40) == {'long': 'REJECTED'}
        record = fleet.job('long')
        assert (record['error_code'], record['unreadable'], record['attempt']) == ('message_never_read', '3', '3'), record
        assert 'one version' in record['error_remedy'] and '1024' in record['error_cause'].replace(',', ''), record
        wait_for('it is told', lambda: any(
            event['job_id'] == 'long' and event['state'] == 'REJECTED' and event['error']['remedy']
            for event in (json.loads(r['payload']) for r in fleet.consume('events'))))
        fleet.produce([('k', video('long', account, caption='shorter'))])
        assert fleet.wait_ends(['long'], 40, ('PUBLISHED',)) == {'long': 'PUBLISHED'}
        assert len([line for line in fleet.ledger() if 'long' in line['media'][0]]) == 1


def test_every_refusal_of_tiktok_is_shown_with_cause_and_remedy():
    with Fleet(dict(FAST, retry_max=2), sim=SIM, accounts=8) as fleet:
        fleet.start_programs()
        a = fleet.add_accounts()
        url = 'https://cdn.example.com/%s/%s.mp4'
        jobs = {
            'unverified': (video('unverified', a[0], url='https://elsewhere.example.org/u.mp4'), 'FAILED',
                           'url_ownership_unverified'),
            'format': (video('format', a[0], url=url % ('fail/file_format_check_failed', 'f')), 'FAILED',
                       'file_format_check_failed'),
            'spam': (video('spam', a[0], url=url % ('fail/spam_risk_text', 's')), 'FAILED', 'spam_risk_text'),
            'pull-once': (video('pull-once', a[1], url=url % ('fail-once/video_pull_failed', 'p')), 'PUBLISHED', ''),
            'pull-always': (video('pull-always', a[2], url=url % ('fail/video_pull_failed', 'p')), 'FAILED',
                            'video_pull_failed'),
            'privacy': (video('privacy', a[3], settings={'privacy_level': 'FOLLOWER_OF_CREATOR'}), 'REJECTED',
                        'privacy_not_offered'),
            'invalid': (video('invalid', a[3], url=url % ('refuse/400/invalid_params', 'i')), 'FAILED',
                        'invalid_params'),
            'unheard': (video('unheard', a[4], url=url % ('refuse/418/brand_new_code', 'n')), 'FAILED', None),
        }
        fleet.produce([('k', job) for job, _, _ in jobs.values()])
        states = fleet.wait_ends(jobs, 60)
        for job_id, (_, state, code) in jobs.items():
            record = fleet.job(job_id)
            assert states[job_id] == state, (job_id, record)
            if code is not None:
                assert record['error_code'] == code, (job_id, record)
            if state != 'PUBLISHED':
                assert record['error_cause'] and record['error_remedy'], (job_id, record)
        assert int(fleet.job('pull-once')['attempt']) == 2
        assert int(fleet.job('pull-always')['attempt']) == 3
        assert fleet.stats()['doubled'] == 0
        assert_promised(fleet)
