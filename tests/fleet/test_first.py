# SPDX-License-Identifier: Apache-2.0
"""The main path: a job on Kafka becomes a post on TikTok, and its end is in Redis."""
from harness import Fleet, photos, video, wait_for

FAST = {'poll_first_ms': 100, 'poll_interval_ms': 300}


def test_a_job_on_kafka_becomes_a_post_and_its_end_is_in_redis():
    with Fleet(FAST, sim=['--processing-ms', '200-600'], accounts=2) as fleet:
        fleet.start_programs()
        aliases = fleet.add_accounts()
        jobs = [video('clip-1', aliases[0]), photos('album-1', aliases[1]),
                video('draft-1', aliases[0], settings={'content_posting_method': 'UPLOAD'}),
                photos('draft-album-1', aliases[1], settings={'content_posting_method': 'UPLOAD'})]
        fleet.produce([(job['account'], job) for job in jobs])
        states = fleet.wait_ends([job['job_id'] for job in jobs], 60)
        assert states == {'clip-1': 'PUBLISHED', 'album-1': 'PUBLISHED', 'draft-1': 'IN_INBOX',
                          'draft-album-1': 'IN_INBOX'}
        ledger = {line['media'][0].split('/')[-1].split('.')[0]: line for line in fleet.ledger()}
        assert len(fleet.ledger()) == 4
        assert ledger['clip-1']['fields']['title'] == 'clip clip-1'
        for job in jobs:
            record = fleet.job(job['job_id'])
            assert any(line['publish_id'] == record['publish_id'] for line in fleet.ledger())
        wait_for('the outbox is empty', lambda: fleet.redis('XLEN', fleet.key('outbox')) == 0)
        ends = [r for r in fleet.consume('events') if '"state":"PUBLISHED"' in r['payload'] or '"state":"IN_INBOX"' in r['payload']]
        assert len({__import__('json').loads(r['payload'])['event_id'] for r in ends}) == 4
        stats = fleet.stats()
        assert stats['doubled'] == 0 and stats['breaches']['total'] == 0
