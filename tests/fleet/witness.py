# SPDX-License-Identifier: Apache-2.0
"""What tiktok-sim's ledger says of a run: every job posted once, with exactly the fields that were asked for, within
every limit; and what Redis and Kafka say of it is the same."""
import collections
import json
import random

from harness import photos, video

PRIVACY = ('PUBLIC_TO_EVERYONE', 'MUTUAL_FOLLOW_FRIENDS', 'SELF_ONLY')


def mixed_jobs(count, aliases, seed=1, drafts_an_account=2, prefix='job'):
    """Videos, photos and drafts in turn over the accounts, each with a media URL of its own."""
    chance = random.Random(seed)
    drafts = collections.Counter()
    jobs = []
    for i in range(count):
        account = aliases[i % len(aliases)]
        job_id = '%s-%05d' % (prefix, i)
        make = photos if chance.random() < 0.35 else video
        settings = {}
        if chance.random() < 0.25 and drafts[account] < drafts_an_account:
            drafts[account] += 1
            settings['content_posting_method'] = 'UPLOAD'
        else:
            settings['privacy_level'] = chance.choice(PRIVACY)
            settings['comment'] = chance.random() < 0.5
            if make is video:
                settings['duet'] = chance.random() < 0.5
                settings['stitch'] = chance.random() < 0.5
                settings['video_made_with_ai'] = chance.random() < 0.2
            else:
                settings['autoAddMusic'] = chance.choice(('yes', 'no'))
            settings['brand_organic_toggle'] = chance.random() < 0.1
        more = {'caption': '%s says “hi” #%d 🎬' % (job_id, i), 'settings': settings, 'metadata': {'order': i}}
        jobs.append(make(job_id, account, chance.randint(1, 5), **more) if make is photos
                    else make(job_id, account, **more))
    return jobs


def is_draft(job):
    return job.get('settings', {}).get('content_posting_method') == 'UPLOAD'


def is_photos(job):
    return job['media'][0].get('type') == 'photo'


def asked_fields(job):
    """post_info as TikTok must have received it."""
    settings = job.get('settings', {})
    if is_draft(job):
        return ({'title': job['title'], 'description': job['caption']} if is_photos(job)
                else {'title': job['caption']})
    fields = {'privacy_level': settings.get('privacy_level', 'PUBLIC_TO_EVERYONE'),
              'disable_comment': not settings.get('comment', False),
              'brand_content_toggle': settings.get('brand_content_toggle', False),
              'brand_organic_toggle': settings.get('brand_organic_toggle', False)}
    if is_photos(job):
        fields.update(title=job['title'], description=job['caption'],
                      auto_add_music=settings.get('autoAddMusic') == 'yes')
    else:
        fields.update(title=job['caption'], disable_duet=not settings.get('duet', False),
                      disable_stitch=not settings.get('stitch', False),
                      is_aigc=settings.get('video_made_with_ai', False))
    return fields


def lines_by_job(fleet):
    """ledger lines of each job: the job's id is in its media URLs"""
    lines = collections.defaultdict(list)
    for line in fleet.ledger():
        name = line['media'][0].rsplit('/', 1)[1].rsplit('.', 1)[0]
        lines[name[:-2] if line['media_type'] == 'PHOTO' else name].append(line)
    return lines


def check_ledger(fleet, jobs, states, in_flight=300):
    """Nothing lost, nothing doubled, nothing over a limit; UNSURE jobs are returned with their ledger lines."""
    lines = lines_by_job(fleet)
    unsure = {}
    known = {job['job_id'] for job in jobs}
    assert not set(lines) - known, 'posts of no job: %s' % sorted(set(lines) - known)[:5]
    for job in jobs:
        job_id, state, mine = job['job_id'], states[job['job_id']], lines[job['job_id']]
        standing = [line for line in mine if line['status'] != 'FAILED']
        assert len(standing) <= 1, 'posted twice: %s %s' % (job_id, standing)
        if state == 'UNSURE':
            unsure[job_id] = mine
            continue
        assert state in ('PUBLISHED', 'IN_INBOX'), '%s is %s: %s' % (job_id, state, fleet.job(job_id))
        assert len(standing) == 1, 'lost: %s is %s, ledger %s' % (job_id, state, mine)
        line, record = standing[0], fleet.job(job_id)
        assert line['publish_id'] == record['publish_id'], (job_id, line, record)
        assert line['fields'] == asked_fields(job), (job_id, line['fields'], asked_fields(job))
        assert line['media'] == [m['url'] for m in job['media']], (job_id, line['media'])
        assert line['what'] == ('draft' if is_draft(job) else 'post'), (job_id, line)
    stats = fleet.stats()
    assert stats['doubled'] == 0, fleet.sim('doubles')
    assert stats['breaches']['total'] == 0, stats['breaches']
    assert stats['max_in_flight'] <= in_flight, stats
    assert stats['unknown_fields'] == 0 and stats['dropped_fields'] == 0, stats
    return unsure


def end_events(fleet):
    """terminal events of each job, by event_id, and how many were repeats"""
    ends, repeats = collections.defaultdict(set), 0
    for record in fleet.consume('events'):
        event = json.loads(record['payload'])
        if event['state'] in ('PUBLISHED', 'IN_INBOX', 'FAILED', 'REJECTED', 'EXPIRED', 'CANCELLED') \
                and not event['event_id'].endswith('/PUBLIC_ID'):
            if event['event_id'] in ends[event['job_id']]:
                repeats += 1
            ends[event['job_id']].add(event['event_id'])
    return ends, repeats


def figures(fleet, jobs, states):
    stats = fleet.stats()
    return {'jobs': len(jobs), 'states': dict(collections.Counter(states.values())), 'inits': stats['inits'],
            'posts': stats['posts'], 'drafts': stats['drafts'], 'doubled': stats['doubled'],
            'breaches': stats['breaches']['total'], 'max_in_flight': stats['max_in_flight'],
            'max_in_flight_account': stats['max_in_flight_account'], 'refused': stats['inits_refused'],
            'unanswered': stats['unanswered'], 'status_calls': sum(stats['calls'].get('status', {}).values())}
